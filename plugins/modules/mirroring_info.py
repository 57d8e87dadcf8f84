#!/usr/bin/python
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Observe what a host has to do with coordinator mirroring."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mirroring_info
short_description: Observe the mirroring of a WarehousePG coordinator on one host
version_added: 0.1.0
description:
  - Reads what a coordinator host or a segment host shows of coordinator mirroring.
  - Works with the instance up, down, in recovery or absent. Something wrong is reported, it is not a failure.
  - On the primary it reads C(gp_segment_configuration), C(pg_stat_replication), C(gp_stat_replication) and the replication slots,
    over a connection in utility mode.
  - A standby refuses every connection. Its state is read from its files, its processes and the text of its refusal.
  - May run as another user than the engine's, where the data directories are open to a group (initdb's group access). What that
    user may not see is V(null); a data directory that it may not read is a failure.
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
extends_documentation_fragment:
  - warehousepg.coordinator.attributes
  - warehousepg.coordinator.instance
options:
  data_directory:
    description:
      - Data directory of the coordinator instance on this host.
      - Leave it out on a segment host.
    type: path
    required: false
  passfile:
    description:
      - Passfile of the replication role, to see whether it is usable and whether two hosts have the same.
    type: path
  replication_user:
    description:
      - Role that the standby connects as.
    type: str
    default: standby_replicator
  probe_write:
    description:
      - On a primary, commit a logical message, which makes no object, and see it acknowledged and the standby caught up.
      - Its commit waits for the standby like any other. After O(probe_timeout) it is ended.
      - Without it, nothing is written; only the standby is given O(probe_timeout) to be seen at the primary's position.
    type: bool
    default: false
  sql_user:
    description:
      - Role to connect to the primary as; that of the module's user without it.
      - A role of one's own for monitoring needs membership in C(pg_monitor), and a line in C(pg_hba.conf) that allows it access to
        database C(postgres) over the Unix-domain socket.
    type: str
  probe_timeout:
    description:
      - Seconds that an answer may take, the probe write included.
    type: float
    default: 3
  wait_timeout:
    description:
      - Seconds to wait, on a primary, for a standby that streams in sync, before the rest is read.
    type: float
    default: 0
  port:
    description:
      - Port that a standby on this host is to listen on, to see whether something else does.
    type: int
  size:
    description:
      - Whether to look at what a copy needs, the size of the data directory and of the tablespaces, and what the installation offers, and
        at what a former primary needs to become a standby, the checksums of its WAL.
    type: bool
    default: false
  files:
    description:
      - Whether to look at what the data directory holds beside what the engine keeps there by itself.
    type: bool
    default: false
  look:
    description:
      - What an instance of another host needs here, to see whether it is there.
    type: dict
    suboptions:
      needs:
        description: Files and directories.
        type: list
        elements: dict
        default: []
        suboptions:
          path:
            description: Its path.
            type: str
            required: true
          kind:
            description:
              - A V(file) or a V(directory) that is read, a directory that is V(written) to, or one that is V(made) where it is missing.
            type: str
            choices: [file, directory, written, made]
            required: true
          where:
            description: What names it.
            type: str
            required: true
      names:
        description: Names of hosts to look up here.
        type: list
        elements: str
        default: []
      tablespaces:
        description: Places for the user tablespaces of a copy.
        type: list
        elements: dict
        default: []
        suboptions:
          location:
            description: Location on the primary.
            type: str
            required: true
          place:
            description: Directory on this host.
            type: str
            required: true
          bytes:
            description: What it will hold.
            type: int
      server:
        description: Parameters of libpq for a connection to another instance, to see whether it can be trusted.
        type: dict
        default: {}
      data_directory:
        description: Where the copy is to be.
        type: path
        required: true
      dbid:
        description: Number that the copy will have.
        type: int
  lock_file:
    description:
      - File that a run locks the pair by, see M(warehousepg.coordinator.coordinator_lock); beside it is noted what such a run began.
      - Nothing is changed, so that O(lock) does not matter.
    type: path
  record_file:
    description:
      - File in which a standby's host keeps what has to be known of the cluster when its primary is lost.
    type: path
  audit_file:
    description:
      - File in which a standby's host keeps what was done, see M(warehousepg.coordinator.coordinator_activation).
    type: path
  name:
    description:
      - What the host is called, to see whether it knows itself by that name; looked at where no instance runs.
    type: str
  by_options:
    description:
      - In a playbook, whether what is not given here is as the options of the role P(warehousepg.coordinator.discovery#role) have it, which
        are read from the host's variables. They are returned then, those of the other roles among them.
    type: bool
    default: false
  unreachable:
    description:
      - Why it is known already that the host cannot be reached, so that this is not tried once more; for the action plugin.
    type: str
  timeout:
    description:
      - Seconds that the host has for an answer; past it the host is unreachable. For the action plugin.
    type: float
    default: 300
  peers:
    description:
      - Coordinator instances of other hosts to knock at, all at once, a second at most.
      - In a playbook a name of the inventory may stand for a host with its C(whpg_port).
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: What it is called in the result.
        type: str
        required: true
      address:
        description: Name or address of its host.
        type: str
        required: true
      port:
        description: Its port.
        type: int
        required: true
requirements:
  - psycopg2 on coordinator hosts
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

EXAMPLES = r"""
- name: Observe a coordinator host
  warehousepg.coordinator.mirroring_info:
    data_directory: /data/whpg/v7/coordinator/gpseg-1
    probe_write: true
  become: true
  become_user: gpadmin
  register: observation
"""

RETURN = r"""
hostname:
  description: Name that the host has for itself.
  returned: always
  type: str
  sample: cdw
addresses:
  description: Addresses of the host that others can reach.
  returned: always
  type: list
  elements: str
  sample: [10.0.0.11]
clock:
  description: The host's time, in seconds since the epoch.
  returned: always
  type: float
  sample: 1795392000.25
asked:
  description: The controller's time when the host was asked and when it had answered, in seconds since the epoch.
  returned: always
  type: list
  elements: float
  sample: [1795392000.1, 1795392000.6]
site:
  description: Where the data directory stands, or would.
  returned: with O(data_directory)
  type: dict
  contains:
    parent:
      description: Directory that it stands in.
      type: str
      sample: /data/whpg/v7/coordinator
    parent_owner:
      description: User that owns that directory, V(null) when it is missing.
      type: str
      sample: gpadmin
    writable:
      description: Whether the module's user can write there.
      type: bool
      sample: true
    free:
      description: Bytes free there.
      type: int
      sample: 85899345920
    mount:
      description: Whether the data directory is itself a mount point, which is then also its C(parent).
      type: bool
      sample: false
    mounts:
      description: Mount points within one that is a mount point itself.
      type: list
      elements: str
      sample: []
    user:
      description: The module's user.
      type: str
      sample: gpadmin
    leftover:
      description: Whether something is there that a run left which was cut off, such as an unfinished copy.
      type: bool
      sample: false
    engine_version:
      description: What C(postgres --version) prints, V(null) when the installation is not where O(greenplum_path) says.
      type: str
      sample: postgres (Greenplum Database) 12.12
    set_aside:
      description: What earlier runs set aside there, with its parts of tablespaces, and its WAL where it is on another disk.
      type: list
      elements: str
      sample: []
instance:
  description: The instance as its files and processes show it.
  returned: with O(data_directory)
  type: dict
  contains:
    data_directory:
      description: The data directory, normalised.
      type: str
      sample: /data/whpg/v7/coordinator/gpseg-1
    directory_state:
      description: V(absent), V(empty), V(instance), or V(other) when something else is there; the rest is V(null) without an instance.
      type: str
      sample: instance
    owner:
      description: User that owns it.
      type: str
      sample: gpadmin
    role:
      description: V(standby) while C(standby.signal) is there, else V(primary).
      type: str
      sample: primary
    major:
      description: Content of C(PG_VERSION).
      type: str
      sample: "12"
    dbid:
      description: C(gp_dbid) of C(internal.auto.conf).
      type: int
      sample: 1
    port:
      description: Port it listens on, or is configured for.
      type: int
      sample: 5432
    settings:
      description: Settings of C(postgresql.auto.conf).
      type: dict
      sample: {}
    control:
      description:
        - What C(pg_controldata) tells, C(system_identifier), C(state), C(timeline), the LSNs C(checkpoint), C(redo) and C(consistent),
          C(segment_bytes) of a WAL segment and C(checksums).
        - V(null) when it cannot be read.
      type: dict
      sample:
        system_identifier: "7711121183714698180"
        state: in production
        timeline: 1
        checkpoint: 0/30000060
        redo: 0/30000028
        consistent: 0/0
        segment_bytes: 67108864
        checksums: true
    start_block:
      description: Name of the include that keeps a former primary from starting, V(null) without one.
      type: str
      sample: null
    names:
      description: What is there instead of an instance, where C(directory_state) is V(other).
      type: list
      elements: str
      sample: []
    postmaster:
      description:
        - The running instance, its C(pid), C(port), C(socket_directory) and C(status) of C(postmaster.pid), whether one of its vital
          processes is C(suspended) by a signal, whether a walreceiver is C(connected), V(null) where this user cannot see it, and the LSN
          that it C(received).
        - V(null) when it is stopped.
      type: dict
      sample:
        pid: 2161
        port: 5432
        socket_directory: /tmp
        status: dtmready
        suspended: false
        connected: false
        received: null
used_bytes:
  description: Size in bytes of what a snapshot of the data directory copies, V(null) without O(size) and for a user that does not own it.
  returned: with O(data_directory)
  type: int
  sample: 241172480
files:
  description:
    - What the data directory holds beside what the engine keeps there by itself, which WAL does not carry, such as settings and the
      history of backups. By its path there, its C(kind), V(file), V(link), V(directory) for one with nothing in it or V(closed) for one
      that may not be looked into, the C(size) of a file, and in C(check) six digits to compare it by, or where a link leads.
    - V(null) without O(files), and for a user that does not own it.
  returned: with O(data_directory)
  type: dict
  sample: {gpbackup_history.db: {kind: file, size: 12288, check: 1f3a2b}}
busy:
  description: Processes of the engine that work in the data directory although it has no postmaster.
  returned: with O(data_directory) and O(size)
  type: list
  elements: int
  sample: []
wal_refusal:
  description: Why the WAL of a copy could not come to the disk where that of the instance is, V(null) where it could.
  returned: with O(data_directory) and O(size)
  type: str
  sample: null
unreadable:
  description: Files and directories below it that the module's user cannot read, the first ones. V(null) where C(used_bytes) is.
  returned: with O(data_directory)
  type: list
  elements: str
  sample: []
configured:
  description:
    - What the configuration files of the instance say, includes followed. C(settings) that would keep a standby from following, by name,
      each with its C(value) and C(where), C(listen_addresses), V(null) where no file has it, what the instance C(needs) outside its data
      directory, each with its C(path), C(kind) and C(where), and C(links) in the data directory that it needs.
    - V(null) without O(size) and without an instance.
  returned: with O(data_directory)
  type: dict
  sample: {settings: {}, listen_addresses: "*", needs: [], links: []}
listens:
  description: Numeric addresses at which the instance listens over TCP. V(null) when it is stopped, or this user cannot see it.
  returned: with O(data_directory)
  type: list
  elements: str
  sample: [0.0.0.0, "::"]
looked:
  description:
    - What was seen by O(look). What it C(lacks), of the needs, each with C(why), the addresses of the C(names), and the places of the
      C(tablespaces).
    - In C(distrust), why the C(server) cannot be connected to by TLS, and what helps; V(null) where it can, or does not answer.
  returned: with O(look)
  type: dict
  sample: {lacks: [], names: {}, tablespaces: [], distrust: null}
installation:
  description:
    - What the installation and the operating system offer, C(gphome), the C(libraries) that can be loaded, the C(extensions) that can be
      created and their versions, the C(locales), the C library as C(libc), and the limits C(open_files) and C(processes) of the user.
    - C(logout) tells why what a run starts there would be ended with its session, and is empty where it would not.
    - C(shared_memory) is the size of C(/dev/shm) in bytes, V(0) where the user cannot write to it.
    - V(null) without O(size).
  returned: with O(data_directory)
  type: dict
  sample:
    gphome: /usr/local/greenplum-db
    libraries: [postgresql/plpgsql.so]
    extensions: {plpgsql: "1.0"}
    locales: [c, posix, en_us.utf8]
    libc: glibc 2.34
    open_files: 524288
    processes: 131072
    logout: ""
    shared_memory: 1073741824
port_taken:
  description: Whether something that is not the instance listens on O(port).
  returned: with O(data_directory)
  type: bool
  sample: false
tablespaces:
  description: The user tablespaces by their links, whose part is in a directory C(dbid) of the C(location), and its size in C(bytes).
  returned: with O(data_directory)
  type: list
  elements: dict
  sample:
    - oid: 16385
      location: /data/fast
      dbid: 1
      bytes: 8388608
wal:
  description:
    - The file system of the WAL, its C(size) and what is C(free), in bytes, where the WAL on it begins, C(oldest_lsn), and ends,
      C(end_lsn), on which C(timeline), all V(null) where it holds none, and the C(ancestors) of that timeline, each with the position
      where it was left. C(link) is where C(pg_wal) leads, V(null) where it is no link. V(null) without an instance.
    - Of an instance that is stopped, up to where its WAL reaches at least, C(reaches_lsn), the C(doubts) why that is not proved to be the
      end, sentences, and why recovery cannot begin, C(lost_checkpoint), empty when it can. With O(size) checksums are looked at, too.
  returned: with O(data_directory)
  type: dict
  sample:
    link: null
    size: 107374182400
    free: 85899345920
    oldest_lsn: 0/4000000
    end_lsn: 0/C000148
    reaches_lsn: 0/C000148
    doubts: []
    lost_checkpoint: ""
    timeline: 2
    ancestors: [[1, 0/8000060]]
lacks:
  description: Files and directories that an instance which is stopped cannot start without, and that are missing.
  returned: with O(data_directory)
  type: list
  elements: str
  sample: []
unlogged:
  description:
    - What the data directory holds that WAL does not carry, to compare two hosts by. The C(files) by their paths there, each with its
      C(size), when it was C(changed) and digits to C(check) it by, the C(settings) of each configuration file, and what was C(left_out).
    - V(null) without an instance.
  returned: with O(data_directory)
  type: dict
  sample:
    files: {}
    settings: {}
    left_out: []
passfile:
  description:
    - Whether the passfile is usable, and four digits to compare two hosts' passwords by. C(named) is V(false) on a standby where it would
      give the password to another server than the one that the standby follows. C(kind) is what keeps it.
    - V(null) without O(passfile), and for a user that does not own the instance.
  returned: with O(data_directory)
  type: dict
  sample:
    path: /home/gpadmin/.whpg/demo.pgpass
    usable: true
    check: 1f3a
    named: true
    kind: passfile
sql:
  description:
    - Whether the instance answered over SQL, and what it said if not. V(null) when it does not run.
    - C(answered) is V(false) of one that kept silent. One that refused at once does not hang, and was not asked either, C(answered) is
      V(null) then, and C(refused) is V(too_many_connections), V(out_of_resources), V(not_accepting_connections), V(not_authorized),
      V(terminated_or_canceled) or V(other).
  returned: with O(data_directory)
  type: dict
  sample:
    answered: true
    refused: null
    error: null
standby:
  description:
    - On a standby that runs, the parameters of its C(primary_conninfo) and the address that their C(host) has now, the LSNs that it
      received and replayed, V(null) where not known, the end of its WAL on disk, the last errors of its log, and the WAL segment that
      it needs and the primary has no more, by them.
    - C(walreceiver_started) is when the walreceiver that is connected began, V(null) without one, C(disconnect) when the last stream
      ended, in seconds since the epoch, by whom, V(standby) after silence, V(primary) or V(unknown), with the error that the log has, and
      when it had C(started). V(null) when the log tells of none.
    - V(null) elsewhere.
  returned: with O(data_directory)
  type: dict
  sample:
    following:
      host: cdw
      hostaddr: 10.0.0.11
      port: "5432"
    resolved: 10.0.0.11
    received_lsn: 0/C000148
    replayed_lsn: 0/C000148
    end_lsn: 0/C000148
    walreceiver_started: 1795392000.25
    disconnect: null
    errors: ""
    removed_wal: null
primary:
  description: What the primary knows of itself and its standby; V(null) when this is no primary that answers.
  returned: with O(data_directory)
  type: dict
  contains:
    lsn:
      description: End of its WAL.
      type: str
      sample: 0/C000148
    timeline:
      description: Its timeline, by the latest checkpoint.
      type: int
      sample: 1
    version:
      description: Version of the engine, in its own words.
      type: str
      sample: PostgreSQL 12.12 (Greenplum Database 7.1.0)
    needs:
      description:
        - What it uses, the libraries to C(preload), the C(locales) of databases and settings, whether C(ssl) is on, its
          C(listen_addresses), and its C(dynamic_shared_memory_type) as C(shared_memory).
      type: dict
      sample: {preload: [], locales: [C], ssl: false, listen_addresses: "*", shared_memory: posix}
    limits:
      description:
        - Its C(wal_level), and how many C(walsenders), C(slots) and C(connections) it may have at C(most), how many are C(used), and by
          which C(users), in words. V(null) without O(size), and where the role that asks may not see it.
      type: dict
      sample:
        wal_level: replica
        walsenders: {most: 10, used: 1, users: ["gp_walreceiver of standby_replicator on 10.0.0.12, process 4711, streaming"]}
        slots: {most: 10, used: 1, users: ["standby_coordinator, used by process 4711"]}
        connections: {most: 247, used: 12, users: []}
    retention_limit:
      description: Bytes of WAL that a slot may retain, V(-1) for no limit, V(null) where the engine knows no such limit.
      type: int
      sample: null
    commit_limits:
      description:
        - Seconds after the last word from its standby before which it does not let commits go on without it, by its walsender and by the
          C(network) of its host. V(null) for no limit.
      type: dict
      sample: {walsender: 300.0, network: 924.6}
    access_errors:
      description:
        - What the engine cannot make sense of in its C(pg_hba.conf); it takes no new rules until that is corrected. V(null) where the
          role that asks may not see it.
      type: list
      elements: str
      sample: []
    resolved:
      description: By address of a registration, the numeric addresses that this host knows for it.
      type: dict
      sample: {sdw1: [10.0.0.21]}
    registrations:
      description: The rows of C(gp_segment_configuration).
      type: list
      elements: dict
      sample:
        - dbid: 1
          content: -1
          role: p
          preferred_role: p
          mode: n
          status: u
          port: 5432
          hostname: cdw
          address: cdw
          datadir: /data/whpg/v7/coordinator/gpseg-1
    standby:
      description: The row of the standby among them, V(null) when none is registered.
      type: dict
      sample: null
    walsender:
      description:
        - The standby's row of C(pg_stat_replication), V(null) when none is connected. C(lag_bytes) is what the standby has still to
          replay, C(replay_lag_s) and C(reply_age_s) are seconds.
      type: dict
      sample:
        pid: 4711
        client_addr: 10.0.0.12
        client_port: 41522
        state: streaming
        sync_state: sync
        sent_lsn: 0/C000148
        flush_lsn: 0/C000148
        replay_lsn: 0/C000148
        lag_bytes: 0
        replay_lag_s: 0.001
        reply_age_s: 1.5
    role:
      description:
        - Whether the replication role is C(ready) to log in and replicate, and C(verified), by the password in O(passfile).
          V(null) when there is none, and when the role that asks may not see it.
      type: dict
      sample:
        ready: true
        verified: true
    other_walsenders:
      description: The walsenders that serve something else than the standby.
      type: list
      elements: dict
      sample:
        - pid: 4715
          application_name: pg_receivewal
          user: gpadmin
          client_addr: 10.0.0.30
          state: streaming
          reply_age_s: 3.2
    sync_error:
      description: C(sync_error) of the coordinator in C(gp_stat_replication), V(null) when the role that asks may not read it.
      type: str
      sample: none
    slots:
      description: The physical replication slots, and the bytes of WAL that each retains.
      type: list
      elements: dict
      sample:
        - name: standby_coordinator
          active: true
          restart_lsn: 0/C000148
          retained_bytes: 0
    probe:
      description:
        - What the probe write met, whether it was C(acknowledged), whether the standby C(replayed) up to C(lsn), and the C(seconds) of
          both. Without O(probe_write), C(acknowledged) is V(null), and C(lsn) the end of WAL at the look.
      type: dict
      sample:
        lsn: 0/C000148
        acknowledged: true
        replayed: true
        seconds: 0.012
maintenance:
  description:
    - The mark that the pair is in maintenance, see M(warehousepg.coordinator.coordinator_maintenance), V(null) without one.
  returned: with O(data_directory)
  type: dict
  sample: null
named:
  description: Whether the host knows itself by O(name), V(null) where that was not looked at.
  returned: with O(data_directory)
  type: bool
  sample: true
options:
  description: The options of all roles of this collection on this host, typed and defaulted; of secret ones, whether they are given.
  returned: with O(by_options)
  type: dict
  sample:
    standby_port: 5432
wrong:
  description: By name, what is wrong with an option; its value is then as if it was not given.
  returned: with O(by_options)
  type: dict
  sample: {}
strangers:
  description: Which variables of the host look like misspelt options, and what to do, in sentences.
  returned: with O(by_options)
  type: list
  elements: str
  sample: []
unfinished:
  description: What a run that locked the pair by O(lock_file) began and did not finish, in the words of its role; V(null) without such.
  returned: with O(data_directory)
  type: str
  sample: null
locked:
  description:
    - The lock in O(lock_file), as M(warehousepg.coordinator.coordinator_lock) returns it, and in C(quiet_s) for how many seconds it was not
      renewed; V(null) without one. It does not count any more after 300 s.
  returned: with O(data_directory)
  type: dict
  sample: null
record:
  description:
    - What O(record_file) tells of the cluster, by its C(system_identifier), as it was at C(time), in seconds since the epoch. The
      C(primary), the C(segments), the seconds C(commit_limit_s) after which the primary can give up a silent standby, whether it sent
      WAL to others too (C(other_walsenders)), and the stream that was last seen in sync.
    - V(null) without one, and for one that holds a value which is not of its form.
  returned: with O(data_directory)
  type: dict
  sample: null
record_wrong:
  description: What is wrong with a record that holds a value which is not of its form, V(null) otherwise.
  returned: with O(data_directory)
  type: str
  sample: null
activation:
  description: The last entry of O(audit_file) on an activation that was finished, V(null) without one.
  returned: with O(data_directory)
  type: dict
  sample: null
promotion:
  description: When an activation or switchover of this host was begun or finished last, by O(audit_file), V(null) where none was.
  returned: with O(data_directory)
  type: float
  sample: null
fences:
  description:
    - The packet filters on this host that keep former primaries away from its segments, see
      M(warehousepg.coordinator.coordinator_fence), as they were put up. C(since) is the host's time when one was complete, V(null) when
      it was not.
  returned: always
  type: list
  elements: dict
  sample:
    - cluster: demo
      addresses: [10.0.0.11]
      ports: [6000, 7000]
      tool: nft
      since: 1795392000.25
sessions:
  description:
    - Established sessions of other hosts with the segment instances of this host, by the other host's address and the segment's port, and
      how many. C(quiet_s) is how many seconds ago data last came, V(null) where that is not known.
  returned: always
  type: list
  elements: dict
  sample:
    - address: 10.0.0.11
      port: 6000
      count: 3
      quiet_s: 0.124
peers:
  description:
    - By name, how each of O(peers) answered, V(open), V(refused), V(silent), or V(unknown) where it could not be tried. An instance that
      hangs is silent, though its host accepts connections.
  returned: always
  type: dict
  sample: {cdw: open}
access:
  description:
    - By data directory of each instance of this host, the rules of this collection's block in its C(pg_hba.conf), V(null) where
      the file does not begin with that block.
  returned: always
  type: dict
  sample: {}
segments:
  description: Segment instances that run on this host.
  returned: always
  type: list
  elements: dict
  sample:
    - data_directory: /data/whpg/v7/primary/gpseg0
      port: 6000
"""

import dataclasses

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.arguments import INSTANCE, LOOK
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host, require_python
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.password_stores.registry import ARGUMENTS
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.observation import observe


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **INSTANCE,
            "data_directory": {"type": "path"},
            **ARGUMENTS,
            "replication_user": {"type": "str", "default": "standby_replicator"},
            "sql_user": {"type": "str"},
            "probe_write": {"type": "bool", "default": False},
            "probe_timeout": {"type": "float", "default": 3},
            "wait_timeout": {"type": "float", "default": 0},
            "port": {"type": "int"},
            "size": {"type": "bool", "default": False},
            "files": {"type": "bool", "default": False},
            "lock_file": {"type": "path"},
            "record_file": {"type": "path"},
            "audit_file": {"type": "path"},
            "look": {"type": "dict", "options": LOOK},
            "name": {"type": "str"},
            "by_options": {"type": "bool", "default": False},
            "unreachable": {"type": "str"},
            "timeout": {"type": "float", "default": 300},
            "peers": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "name": {"type": "str", "required": True},
                    "address": {"type": "str", "required": True},
                    "port": {"type": "int", "required": True},
                },
            },
        },
        supports_check_mode=True,
    )
    require_python(module)
    if module.params["data_directory"]:
        # A segment's host needs no driver, and to load it takes long.
        from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection import require_psycopg2

        require_psycopg2(module)
    try:
        found = observe(Host(module, module.params["greenplum_path"]), module.params)
    except CoordinatorError as error:
        module.fail_json(msg=error.message, **error.data)
    module.exit_json(changed=False, **dataclasses.asdict(found))


if __name__ == "__main__":
    main()
