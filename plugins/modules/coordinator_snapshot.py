#!/usr/bin/python
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copy the primary coordinator to this host while it serves, or make what is left of a former primary a standby of it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: coordinator_snapshot
short_description: Make an online copy of the primary coordinator
version_added: 0.1.0
description:
  - Runs on the standby's host. Makes a base backup of the primary, which goes on serving, and puts it in place as a data
    directory that is marked as a standby and ready to follow the primary.
  - The WAL written meanwhile is fetched with the copy, and page checksums are verified. Register the standby before, by
    M(warehousepg.coordinator.standby_registration). Its slot keeps that WAL, and the WAL that the standby needs afterwards.
  - The copy is made in a directory beside its place, named C(.<name>.coordinator_snapshot), and renamed in when it is whole.
    Where it is cut off, what was copied stays there if it is a tenth or more, and O(resume) goes on from it; otherwise it is removed.
  - What is on this host already, of a copy that was cut off or, with O(rejoin), of an instance, need not be copied. The primary is put into
    a backup, by C(pg_start_backup) and C(pg_stop_backup), and asked by functions for the SHA-256 of each block; those that differ are read
    from it, and page checksums are verified. That is what RV(method) calls V(changed_blocks).
  - What gpinitstandby leaves out is left out (C(db_dumps), C(promote), C(db_analyze)), and so are the logs.
  - Where the place holds a standby of the same system already, nothing is copied. Where it holds anything else that is not
    empty, the module refuses and touches nothing, unless O(rejoin).
  - The standby is neither configured nor started; see M(warehousepg.coordinator.standby_config).
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
  - warehousepg.coordinator.copy
options:
  rejoin:
    description:
      - Let what is left of a former primary of the system follow the present one, by the cheapest way that is safe. The result says
        which one it was, and why.
      - Where its WAL does not go beyond the point at which the present primary left its timeline, it becomes one as it is. Where it does,
        it is rewound by C(pg_rewind), under another name in the same directory, so that nobody can start it meanwhile; its configuration,
        access rules, certificates and logs stay its own. Where that is impossible or fails, or where its directory is unusable, a copy is
        made, and it is set aside.
      - Files that only it has, and that WAL does not carry, such as the history of backups, are kept in their place. Where the primary has
        one of that name which differs, its own is set aside. A C(pg_wal) that is a link to another disk stays one.
      - An instance that runs as a primary is refused. A start block is lifted as soon as it is marked as a standby.
      - A rewind requires what O(warehousepg.coordinator.standby_registration#module:rewind_rules) gives on the primary. Where it is not
        given, a copy takes no blocks that are there already.
    type: dict
    suboptions:
      method:
        description:
          - V(auto) for the cheapest way. V(rewind) for the same, also where the former primary is on a later timeline than the present one.
          - V(changed_blocks) for a copy that takes what it can from what is there. V(basebackup) for one that takes nothing from it.
        type: str
        choices: [auto, rewind, changed_blocks, basebackup]
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
      report_file:
        description:
          - File on this host to which a line of JSON is added on what only the former primary has, before it is discarded.
        type: path
notes:
  - The work goes on when the connection is lost, and is followed again when that is back within a minute. Where nobody follows it any
    more, because the run was interrupted for instance, it is given up; see O(resume).
requirements:
  - psycopg2
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

EXAMPLES = r"""
- name: Copy the primary
  warehousepg.coordinator.coordinator_snapshot:
    data_directory: /data/whpg/v7/standby/gpseg-1
    primary_host: cdw
    primary_port: 5432
    passfile: ~/.whpg/demo.pgpass
    dbid: 8
    system_identifier: "7432104713243312345"
  become: true
  become_user: gpadmin

- name: Make the former primary a standby of the present one
  warehousepg.coordinator.coordinator_snapshot:
    data_directory: /data/whpg/v7/coordinator/gpseg-1
    primary_host: scdw
    primary_port: 5432
    passfile: ~/.whpg/demo.pgpass
    dbid: 9
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
    - name: copy
      seconds: 1.24
method:
  description: How the standby was made, V(basebackup) or V(changed_blocks); with O(rejoin) also V(start) or V(rewind).
  returned: when a copy was made, or a former primary made a standby
  type: str
  sample: basebackup
reason:
  description: Why it was that.
  returned: when a former primary was made a standby, or a copy was gone on with
  type: str
  sample: "its WAL goes on to 0/C0001F0, the primary's left timeline 1 at 0/C000148"
bytes_copied:
  description: Bytes that were copied from the primary for it; V(null) where C(pg_rewind) does not tell.
  returned: when a copy was made, or a former primary made a standby
  type: int
  sample: 241172480
bytes:
  description: Bytes that the copy has on disk.
  returned: when a copy was made
  type: int
  sample: 241172480
latency:
  description: The small commits on the primary that were measured while the copy was made, and what was done for them.
  returned: when a copy was made, with O(max_latency)
  type: dict
  contains:
    commits:
      description: How many there were.
      type: int
      sample: 912
    above:
      description: How many took longer than O(max_latency).
      type: int
      sample: 11
    average_ms:
      description: Milliseconds that one took on average, V(null) where there was none.
      type: float
      sample: 4.512
    highest_ms:
      description: Milliseconds of the slowest.
      type: float
      sample: 31.207
    paused:
      description: Seconds that the copy was suspended, all in all.
      type: float
      sample: 12.35
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
set_aside_as:
  description: Where the former data directory is now, and what a rewind of it left, if one was cut off or failed.
  returned: when it was set aside
  type: list
  elements: str
  sample: [/data/whpg/v7/coordinator/gpseg-1.set_aside-20261123T080000Z]
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
  sample: /data/whpg/v7/coordinator/gpseg-1.set_aside-20261123T080000Z
wal_directory:
  description: Where C(pg_wal) leads, V(null) where it is no link.
  returned: when a copy took the place of a former primary
  type: str
  sample: /wal/gpseg-1
former_wal:
  description: Where the C(pg_wal) of the former data directory leads, V(null) where it is no link.
  returned: when it was set aside
  type: str
  sample: /wal/gpseg-1.set_aside-20261123T080000Z
directory_state:
  description: What is in the data directory afterwards, V(instance) unless in check mode.
  returned: always
  type: str
  sample: instance
role:
  description: Role of the instance in the data directory, as its files say.
  returned: always
  type: str
  sample: standby
leftover:
  description: Whether the staging directory of an unfinished attempt is there.
  returned: always
  type: bool
  sample: false
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import outlasting
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.arguments import (
    COPY,
    INSTANCE,
    UPSTREAM,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Step, carry_out
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import instance, replication
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection import require_psycopg2
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.password_stores.registry import ARGUMENTS, ONE_IF_SCRAM
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import base_backup, rejoin, rejoining, snapshot


def show(place: snapshot.Place) -> dict[str, t.Any]:
    """What is returned of an observation."""
    return {"directory_state": place.instance.directory_state, "role": place.instance.role, "leftover": place.site.leftover}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={**INSTANCE, **UPSTREAM, **ARGUMENTS, **COPY, "rejoin": {"type": "dict", "options": rejoin.ARGUMENTS}},
        required_if=[ONE_IF_SCRAM],
        supports_check_mode=True,
    )
    require_psycopg2(module)
    parameters = module.params
    if parameters["dbid"] is None and not module.check_mode:
        module.fail_json(msg="dbid is missing: give the number under which the standby is registered")
    outlasting.run(module, lambda: make_standby(module), module.params["data_directory"])


def make_standby(module: AnsibleModule) -> None:
    """Do what the module is for, and end it."""
    parameters = module.params
    host = Host(module, parameters["greenplum_path"])
    data_directory, password, asked = parameters["data_directory"], parameters["replication_password"], parameters["rejoin"]
    upstream, desired = replication.upstream_of(parameters), snapshot.copy_of(parameters)
    actions = base_backup.actions(host, data_directory, upstream, password, parameters["dbid"], desired)
    doing = rejoining.Rejoining(host, data_directory, upstream, actions, desired.tablespaces, asked["report_file"] if asked else None)

    def observe() -> snapshot.Place:
        upstream.primary_conninfo()  # what cannot be one is told before anything is touched
        return snapshot.read_place(host, data_directory, upstream.stored(), parameters["dbid"], desired)

    def plan(place: snapshot.Place) -> list[Step]:
        if not asked:
            return snapshot.plan(place, desired, password)
        former = doing.former = rejoin.read_former(host, place.instance)
        return rejoin.plan(place, former, rejoin.source_of(asked, desired.system_identifier), asked["method"], password, desired)

    carry_out(
        module,
        observe,
        plan,
        {**actions, **(rejoining.actions(doing) if asked else {}), "stop": lambda: instance.stop(host, data_directory)},
        show=show,
    )


if __name__ == "__main__":
    main()
