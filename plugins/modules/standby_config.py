#!/usr/bin/python
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Configure a standby coordinator and let it follow the primary."""

from __future__ import annotations

DOCUMENTATION = r"""
module: standby_config
short_description: Configure and start a standby coordinator
version_added: 0.1.0
description:
  - Runs on the standby's host, on a data directory that M(warehousepg.coordinator.coordinator_snapshot) put there or that was a
    standby before, or makes the copy itself with O(snapshot).
  - Keeps C(gp_dbid) in C(internal.auto.conf), the port, C(primary_conninfo) and C(primary_slot_name) as they should be, and
    starts the standby. These settings change by a restart only, so a standby that runs with others is restarted.
  - A data directory that is not marked as a standby is refused and not touched. Nor is one started that would end its recovery by itself,
    which the engine is asked, C(postgres -C).
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
extends_documentation_fragment:
  - warehousepg.coordinator.attributes
  - warehousepg.coordinator.instance
  - warehousepg.coordinator.upstream
options:
  port:
    description:
      - Port that the standby listens on; clients use it when the standby has become primary.
    type: int
    required: true
  slot_name:
    description:
      - Replication slot on the primary that keeps the WAL which the standby still needs.
    type: str
    default: standby_coordinator
  listen_addresses:
    description:
      - Addresses that it listens on, as the setting of this name has them. Without it that setting stays as it is, a copy has the
        primary's.
    type: str
  state:
    description:
      - What the standby is to be. V(streaming) means started, with a walreceiver that the primary let in. Whether WAL flows, is
        in sync and replayed is seen on the primary, by M(warehousepg.coordinator.mirroring_info).
    type: str
    choices: [configured, started, streaming]
    default: streaming
  timeout:
    description:
      - Seconds that it may take until it streams.
    type: float
    default: 60
  snapshot:
    description:
      - Make a copy of the primary first, as M(warehousepg.coordinator.coordinator_snapshot) does, where there is no standby yet.
      - Without it there must be one.
    type: dict
    suboptions:
      system_identifier:
        description:
          - System identifier of the primary, as M(warehousepg.coordinator.mirroring_info) returns it.
        type: str
        required: true
      engine_version:
        description:
          - What C(postgres --version) prints on the primary's host. Without it the versions are not compared.
        type: str
      expected_bytes:
        description:
          - Size of the copy in bytes, to see whether it fits. Without it free space is not looked at.
        type: int
      max_rate:
        description:
          - Greatest rate of the copy, as C(pg_basebackup --max-rate) takes it, in kilobytes per second or with a suffix V(k) or V(M).
        type: str
      checkpoint:
        description:
          - Whether the primary writes its checkpoint at the beginning at once, or spread over time to go easy on its disks.
        type: str
        choices: [fast, spread]
        default: fast
      tablespaces:
        description:
          - The primary's user tablespaces, and where they are to be on this host.
        type: list
        elements: dict
        default: []
        suboptions:
          location:
            description: Location of the tablespace on the primary.
            type: str
            required: true
          place:
            description: Directory on this host that takes the part of the copy, in a directory named by its dbid. It must exist.
            type: str
            required: true
          bytes:
            description: Bytes that it will hold, to see whether they fit.
            type: int
      required_files:
        description:
          - Files that must be there and readable before a copy is made, such as certificates and preloaded libraries.
        type: list
        elements: str
        default: []
  former_directory:
    description:
      - Data directory that the standby is in, on this host and file system, or where it was moved aside. Where there is nothing in
        O(data_directory), it is stopped and renamed to that.
    type: path
  rejoin:
    description:
      - Let what is left of a former primary of the system follow the present one, by the cheapest way that is safe. The result says
        which one it was, and why.
      - Where its WAL does not go beyond the point at which the present primary left its timeline, it is started as it is. Where it does, it
        is rewound by C(pg_rewind), under another name in the same directory, so that nobody can start it meanwhile; its configuration,
        access rules, certificates and logs stay its own. Where that is impossible or fails, or where its directory is unusable, a copy is
        made, as O(snapshot) says, and it is moved aside.
      - Files that only it has, and that WAL does not carry, such as the history of backups, are kept in their place. Where the primary has
        one of that name which differs, its own is set aside. A C(pg_wal) that is a link to another disk stays one.
      - An instance that runs as a primary is refused. A start block is lifted as soon as it is marked as a standby.
      - Requires O(snapshot). A rewind requires what
        O(warehousepg.coordinator.standby_registration#module:rewind_rules) gives on the primary.
    type: dict
    suboptions:
      method:
        description:
          - V(auto) for the cheapest way. V(rewind) for the same, also where the former primary is on a later timeline than the present one.
          - V(basebackup) for a new copy.
        type: str
        choices: [auto, rewind, basebackup]
        default: auto
      timeline:
        description: Timeline of the primary's WAL, as M(warehousepg.coordinator.mirroring_info) returns it.
        type: int
        required: true
      ancestors:
        description: The timelines before it, oldest first, each with the position where it was left.
        type: list
        elements: list
        default: []
      oldest_lsn:
        description: Where the WAL begins that the primary still has. Without it, it is not looked whether that is enough.
        type: str
      tablespaces:
        description: Numbers of the primary's user tablespaces.
        type: list
        elements: int
        default: []
      remove_old:
        description: Whether a data directory that a copy replaced is removed, once the standby streams, instead of kept aside.
        type: bool
        default: false
      report_file:
        description:
          - File on this host to which a line of JSON is added on what only the former primary has, before it is discarded.
        type: path
requirements:
  - psycopg2
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

EXAMPLES = r"""
- name: Let the standby follow the primary
  warehousepg.coordinator.standby_config:
    data_directory: /data/whpg/v7/standby/gpseg-1
    port: 5432
    primary_host: cdw
    primary_port: 5432
    passfile: ~/.whpg/demo.pgpass
    dbid: 8
  become: true
  become_user: gpadmin

- name: Let the former primary follow the present one
  warehousepg.coordinator.standby_config:
    data_directory: /data/whpg/v7/coordinator/gpseg-1
    port: 5432
    primary_host: scdw
    primary_port: 5432
    passfile: ~/.whpg/demo.pgpass
    dbid: 9
    snapshot:
      system_identifier: "7432104713243312345"
    rejoin:
      timeline: 2
      ancestors: [[1, 0/8000060]]
  become: true
  become_user: gpadmin
"""

RETURN = r"""
steps:
  description: What was done and how many seconds each step took.
  returned: always
  type: list
  elements: dict
  sample:
    - name: start
      seconds: 0.31
method:
  description: How the copy was made, V(basebackup); with O(rejoin) also V(start) or V(rewind).
  returned: when a copy was made, or a former primary made a standby
  type: str
  sample: basebackup
reason:
  description: Why it was that.
  returned: when a former primary was made a standby
  type: str
  sample: "its WAL goes on to 0/C0001F0, the primary's left timeline 1 at 0/C000148"
bytes_copied:
  description: Bytes that were copied from the primary for it, the size of a copy; V(null) where C(pg_rewind) does not tell.
  returned: when a copy was made, or a former primary made a standby
  type: int
  sample: 241172480
all_wal_why:
  description: Why a rewind copied WAL that both had, V(null) where it did not.
  returned: when a former primary was rewound
  type: str
  sample: the connection to the primary is by TLS
discarded:
  description:
    - What only the former primary had, as far as its WAL shows it; V(null) where it had nothing of its own, or where that is unknown.
  returned: when a former primary was made a standby
  type: dict
  contains:
    from:
      description: LSN where it begins.
      type: str
      sample: 0/C000148
    to:
      description: LSN where it ends, V(null) when that was not found.
      type: str
      sample: 0/C0001F0
    timeline:
      description: Timeline of that WAL.
      type: int
      sample: 1
    bytes:
      description: Bytes of WAL, V(null) when that is not known.
      type: int
      sample: 168
    commits:
      description: Transactions committed there.
      type: int
      sample: 1
    last_commit:
      description: When the last of them was committed, as the engine prints it.
      type: str
      sample: 2026-11-23 08:00:00.123456 UTC
    why:
      description: Why something is not known, empty when all is.
      type: str
      sample: ""
aside:
  description: Where the former data directory is now.
  returned: when it was moved aside
  type: str
  sample: /data/whpg/v7/coordinator/gpseg-1.former-20261123T080000Z
kept:
  description: Files that only it had and that WAL does not carry, by their paths in the data directory, where they are still.
  returned: when a former primary was rewound, or a copy took its place
  type: list
  elements: str
  sample: [gpbackup_history.db]
set_aside:
  description: Those of its files that the primary has otherwise, by their paths below RV(set_aside_in).
  returned: when a former primary was rewound, or a copy took its place
  type: list
  elements: str
  sample: []
set_aside_in:
  description: The directory that these are in, V(null) without any.
  returned: when a former primary was rewound, or a copy took its place
  type: str
  sample: /data/whpg/v7/coordinator/gpseg-1.former-20261123T080000Z
removed:
  description: Those that were removed instead, with the former directory.
  returned: when that was removed
  type: list
  elements: str
  sample: [postgresql.conf]
removed_wal:
  description: Where the WAL was that was removed with it, on another disk, V(null) where it was in that directory.
  returned: when that was removed
  type: str
  sample: null
wal_directory:
  description: Where C(pg_wal) leads, V(null) where it is no link.
  returned: when a copy took the place of a former primary
  type: str
  sample: /wal/gpseg-1
old_wal:
  description: Where the C(pg_wal) of the former data directory leads, V(null) where it is no link.
  returned: when it was moved aside
  type: str
  sample: /wal/gpseg-1.former-20261123T080000Z
dbid:
  description: C(gp_dbid) of the instance.
  returned: always
  type: int
  sample: 8
port:
  description: Port of the instance.
  returned: always
  type: int
  sample: 5432
settings:
  description: What it follows, C(primary_conninfo) and C(primary_slot_name).
  returned: always
  type: dict
  sample:
    primary_conninfo: application_name='gp_walreceiver' host='cdw' port='5432'
    primary_slot_name: standby_coordinator
running:
  description: Whether it runs.
  returned: always
  type: bool
  sample: true
connected:
  description: Whether its walreceiver holds a connection to the primary.
  returned: always
  type: bool
  sample: true
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import aside
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.arguments import (
    COPY,
    INSTANCE,
    UPSTREAM,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Step, carry_out
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import instance, replication, tablespaces
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection import require_psycopg2
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.password_stores.registry import ARGUMENTS, ONE_IF_SCRAM
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import preflight, rejoin, snapshot, standby


def show(found: standby.Standby) -> dict[str, t.Any]:
    """What is returned of an observation."""
    following = ("primary_conninfo", "primary_slot_name")
    postmaster = found.instance.postmaster
    return {
        "dbid": found.instance.dbid,
        "port": found.instance.port,
        "settings": {name: found.instance.settings.get(name) for name in following},
        "running": postmaster is not None,
        "connected": bool(postmaster and postmaster.connected),
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **INSTANCE,
            **UPSTREAM,
            **ARGUMENTS,
            "port": {"type": "int", "required": True},
            "slot_name": {"type": "str", "default": "standby_coordinator"},
            "listen_addresses": {"type": "str"},
            "state": {"type": "str", "choices": ["configured", "started", "streaming"], "default": "streaming"},
            "timeout": {"type": "float", "default": 60},
            "snapshot": {"type": "dict", "options": COPY},
            "former_directory": {"type": "path"},
            "rejoin": {"type": "dict", "options": rejoin.ARGUMENTS},
        },
        required_if=[ONE_IF_SCRAM],
        required_by={"rejoin": ("snapshot",)},
        mutually_exclusive=[("rejoin", "former_directory")],
        supports_check_mode=True,
    )
    require_psycopg2(module)
    parameters = module.params
    if parameters["dbid"] is None and not module.check_mode:
        module.fail_json(msg="dbid is missing: give the number under which the standby is registered")
    host = Host(module, parameters["greenplum_path"])
    data_directory = parameters["data_directory"]
    former_directory = parameters["former_directory"]
    password = parameters["replication_password"]
    upstream = replication.upstream_of(parameters)

    copy = snapshot.copy_of(parameters["snapshot"]) if parameters["snapshot"] else None
    copying = snapshot.actions(host, data_directory, upstream, password, parameters["dbid"], copy) if copy else {}
    asked = parameters["rejoin"]
    wishes = copy.tablespaces if copy else ()
    rejoining = rejoin.Rejoining(host, data_directory, upstream, copying, wishes, asked["report_file"] if asked else None)

    def path(name: str) -> str:
        return f"{data_directory}/{name}"

    def start() -> None:
        preflight.require_following(host, data_directory)
        instance.start(host, data_directory, wanted.port)

    def observe() -> standby.Standby:
        return standby.read_standby(host, data_directory, upstream, password, parameters["dbid"], copy, former_directory)

    def plan(found: standby.Standby) -> list[Step]:
        if not asked or copy is None:
            return standby.plan(found, wanted, password, copy)
        rejoining.former = rejoin.read_former(host, found.instance)
        source = rejoin.source_of(asked, copy.system_identifier)
        return rejoin.plan(found, rejoining.former, source, asked["method"], wanted, password, copy, asked["remove_old"])

    try:
        wanted = standby.Wanted(
            parameters["dbid"],
            parameters["port"],
            upstream.primary_conninfo(),
            parameters["slot_name"],
            parameters["state"],
            parameters["listen_addresses"],
        )
    except CoordinatorError as error:
        module.fail_json(msg=error.message, **error.data)
    carry_out(
        module,
        observe,
        plan,
        {
            **copying,
            **rejoin.actions(rejoining),
            "write_password": lambda: upstream.write_password(host, password),
            "write_dbid": lambda dbid: host.write(path("internal.auto.conf"), f"gp_dbid={dbid}\n", 0o600),
            "write_port": lambda port: standby.write_settings(host, path("postgresql.conf"), {"port": str(port)}),
            "write_settings": lambda settings: standby.write_settings(host, path("postgresql.auto.conf"), settings),
            "stop_former": lambda: instance.stop(host, former_directory),
            "bring": lambda: aside.bring(former_directory, data_directory),
            "stop": lambda: instance.stop(host, data_directory),
            "move_tablespaces": lambda dbid: tablespaces.change_dbid(data_directory, dbid),
            "start": start,
            "wait_streaming": lambda: standby.wait_streaming(data_directory, parameters["timeout"]),
        },
        show=show,
        passive=("wait_streaming",),
    )


if __name__ == "__main__":
    main()
