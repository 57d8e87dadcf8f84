#!/usr/bin/python
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keep a former primary coordinator from starting."""

from __future__ import annotations

DOCUMENTATION = r"""
module: coordinator_start_block
short_description: Keep a former primary coordinator from starting
version_added: 0.1.0
description:
  - Stops the former primary of a cluster, on its own host, before its standby becomes primary, and blocks its data directory, so that
    neither C(gpstart) nor C(pg_ctl start) brings it up. Whoever tries reads the name of the new primary.
  - The block survives a restart of the host.
  - Where its host does not answer, M(warehousepg.coordinator.coordinator_fence) keeps it away from the segments.
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
options:
  state:
    description:
      - Whether the instance is to be kept from starting. Without the block nothing is started.
    type: str
    choices: [present, absent]
    default: present
  new_primary:
    description:
      - Name of the host whose instance is to be primary; whoever starts this one reads it.
      - Required with O(state=present).
    type: str
  stop_timeout:
    description:
      - Seconds that the instance has to stop fast. Then it is stopped immediately, and then its processes are killed.
    type: float
    default: 10
  salvage_directory:
    description:
      - Directory on this host in which WAL that the new primary lacks is archived, to be brought there.
      - With it, what the stopped instance has beyond O(wal_from) is found out.
    type: path
  wal_from:
    description:
      - LSN up to which the new primary has the WAL; without it, only the end of the stopped instance's is found out.
    type: str
  timeline:
    description:
      - Timeline that the new primary follows. Required with O(salvage_directory).
    type: int
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

EXAMPLES = r"""
- name: Keep the former primary down
  warehousepg.coordinator.coordinator_start_block:
    data_directory: /data/whpg/v7/coordinator/gpseg-1
    new_primary: scdw
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
    - name: block_start
      seconds: 0.004
start_blocked:
  description: Whether the data directory is blocked, and no process of the instance is left.
  returned: always
  type: bool
  sample: true
proof:
  description: What was seen of it, a sentence; empty when it is not.
  returned: always
  type: str
  sample: "cdw: no process of /data/whpg/v7/coordinator/gpseg-1 is left, and FENCED_scdw_is_primary.conf keeps it from starting"
stopped:
  description: Whether no process of the instance is left.
  returned: always
  type: bool
  sample: true
wal:
  description: What the stopped instance has beyond O(wal_from), V(null) without O(salvage_directory).
  returned: always
  type: dict
  contains:
    end:
      description: End of its valid WAL, V(null) when that was not found.
      type: str
      sample: 0/C0001F0
    proved:
      description:
        - Whether nothing that was seen speaks against its having ended there. A segment of a wrong size, one that is missing, valid WAL
          behind what is not valid, or an end before the latest checkpoint or before O(wal_from) do.
      type: bool
      sample: true
    reaches:
      description: Position up to which that WAL went at least, also where it cannot be read.
      type: str
      sample: 0/C0001F0
    timeline:
      description: Timeline of that WAL.
      type: int
      sample: 1
    missing_bytes:
      description: Bytes of valid WAL from O(wal_from) to the end, V(null) when that is not known.
      type: int
      sample: 168
    commits:
      description: Transactions that were committed there.
      type: int
      sample: 1
    first_segment:
      description: The first WAL segment that is needed, V(null) when none is.
      type: str
      sample: "000000010000000000000003"
    archive:
      description: Archive of these segments in O(salvage_directory), V(null) when none is needed.
      type: str
      sample: /home/gpadmin/.whpg/salvage/demo.tar.gz
    why:
      description: Why something is not known or not proved, what was seen and where; empty when all is.
      type: str
      sample: ""
unlogged:
  description:
    - Of an instance that is kept from starting, what M(warehousepg.coordinator.mirroring_info) returns under this name; V(null) of another.
  returned: always
  type: dict
  sample: null
"""

import dataclasses
import os
import socket
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.arguments import INSTANCE
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host, user_name
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Step, carry_out
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.configuration import include_name
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import read_instance
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import salvage, start_block
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import drift


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **INSTANCE,
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "new_primary": {"type": "str"},
            "stop_timeout": {"type": "float", "default": 10},
            "salvage_directory": {"type": "path"},
            "wal_from": {"type": "str"},
            "timeline": {"type": "int"},
        },
        required_if=[("state", "present", ("new_primary",))],
        required_by={"salvage_directory": ("timeline",)},
        supports_check_mode=True,
    )
    parameters = module.params
    host = Host(module, parameters["greenplum_path"])
    where = os.path.normpath(parameters["data_directory"])
    include = include_name(parameters["new_primary"]) if parameters["state"] == "present" else None

    def plan(target: start_block.Target) -> list[Step]:
        steps = start_block.plan(target, include, user_name(os.getuid()))
        return [*steps, Step("read_wal")] if include and parameters["salvage_directory"] else steps

    def read_wal(pack: bool = True) -> dict[str, t.Any]:
        control = read_instance(host, where).control
        timeline, wal_from, directory = (parameters[name] for name in ("timeline", "wal_from", "salvage_directory"))
        return {"wal": salvage.missing(host, where, control, timeline, wal_from, directory, pack)}

    def show(target: start_block.Target) -> dict[str, t.Any]:
        stopped = not target.processes and target.instance.postmaster is None
        start_blocked = stopped and target.instance.start_block is not None
        proof = f"{socket.gethostname()}: no process of {where} is left, and {target.instance.start_block} keeps it from starting"
        # of one that is stopped, check mode tells what will be found
        foreseen = module.check_mode and stopped and include and parameters["salvage_directory"]
        return {
            "start_blocked": start_blocked,
            "proof": proof if start_blocked else "",
            "stopped": stopped,
            "unlogged": dataclasses.asdict(drift.read(where)) if start_blocked else None,
            **(read_wal(pack=False) if foreseen else {"wal": None}),
        }

    carry_out(
        module,
        lambda: start_block.observe(host, where),
        plan,
        {
            "block_start": lambda include: start_block.write(host, where, include),
            "lift_start_block": lambda: start_block.write(host, where, None),
            "stop": lambda: start_block.stop(where, parameters["stop_timeout"]),
            "read_wal": read_wal,
        },
        show=show,
        passive=("read_wal",),
    )


if __name__ == "__main__":
    main()
