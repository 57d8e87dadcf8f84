#!/usr/bin/python
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Release a primary coordinator from a standby that hinders it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: standby_release
short_description: Release the primary coordinator from a standby that hinders it
version_added: 0.1.0
description:
  - Runs on the primary's host. Terminates the walsender of a standby that hinders the primary, or drops its slot.
  - A standby that is suspended holds up every commit until C(wal_sender_timeout). A standby that is disconnected retains WAL until the
    disk is full.
  - What is given up is told in a warning. The registration stays, and the standby may come back by itself.
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
  commits:
    description:
      - Terminate the walsender of the standby, so that commits which wait for it go on. They are on the primary alone until it is back.
      - It comes back as soon as it can, and commits wait for it again.
    type: bool
    default: false
  wal:
    description:
      - Drop the slot of a standby that is disconnected, so that the WAL it retains can be removed.
      - Such a standby may be unable to catch up, and must be made anew then. One that is connected is refused.
    type: bool
    default: false
  slot_name:
    description:
      - The standby's replication slot.
    type: str
    default: standby_coordinator
  timeout:
    description:
      - Seconds that the primary has for an answer.
    type: float
    default: 10
requirements:
  - psycopg2
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

EXAMPLES = r"""
- name: Terminate the walsender of a suspended standby
  warehousepg.coordinator.standby_release:
    data_directory: /data/whpg/v7/coordinator/gpseg-1
    commits: true
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
    - name: terminate_walsender
      seconds: 0.012
walsender:
  description: The walsender that serves the standby, V(null) when none does.
  returned: always
  type: dict
  sample: null
slot:
  description: The replication slot, V(null) when there is none; C(retained_bytes) is the WAL it retains.
  returned: always
  type: dict
  sample: null
"""

import dataclasses
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.arguments import INSTANCE
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Step, carry_out
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection import connect_primary, require_psycopg2
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import read_instance
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.replication import drop_slot
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import release


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **INSTANCE,
            "commits": {"type": "bool", "default": False},
            "wal": {"type": "bool", "default": False},
            "slot_name": {"type": "str", "default": "standby_coordinator"},
            "timeout": {"type": "float", "default": 10},
        },
        supports_check_mode=True,
    )
    parameters = module.params
    if not (parameters["commits"] or parameters["wal"]):
        module.fail_json(msg="nothing is to be released: set commits, or wal, and read what is given up")
    require_psycopg2(module)

    def plan(tie: release.Tie) -> list[Step]:
        steps = release.plan(tie, parameters["commits"], parameters["wal"])
        for warning in release.warnings(steps, tie):
            module.warn(warning)
        return steps

    def show(tie: release.Tie) -> dict[str, t.Any]:
        return dataclasses.asdict(tie)

    try:
        instance = read_instance(Host(module, parameters["greenplum_path"]), parameters["data_directory"])
        with connect_primary(instance, parameters["timeout"]) as connection:
            carry_out(
                module,
                lambda: release.read_tie(connection, parameters["slot_name"]),
                plan,
                {
                    "terminate_walsender": lambda pid: release.terminate_walsender(connection, pid),
                    "drop_slot": lambda: drop_slot(connection, parameters["slot_name"]),
                },
                show=show,
            )
    except CoordinatorError as error:
        module.fail_json(msg=error.message, **error.data)


if __name__ == "__main__":
    main()
