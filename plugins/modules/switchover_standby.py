#!/usr/bin/python
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Arm a standby coordinator, so that it is promoted when its primary was shut down for it, or disarm it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: switchover_standby
short_description: Arm a standby coordinator for a switchover, or disarm it
version_added: 0.1.0
description:
  - Runs on the standby's host. A step of the role P(warehousepg.coordinator.switchover#role), beside
    M(warehousepg.coordinator.switchover_primary) on the primary's.
  - An armed standby has a process beside it that goes on when the module has ended. It waits until the standby has received, in the WAL,
    RV(token), and after it, by the same connection and as the last record, the checkpoint of a shutdown. Then it promotes the standby at
    once, and sees a write succeed. Otherwise it ends after O(seconds), or when half of O(max_gap) has passed since RV(token) came, or when
    the connection is another one, and nothing was changed.
  - The process and V(disarmed) decide by the rename of a file which of both comes first, so that a standby which was disarmed is not
    promoted afterwards, and one that is being promoted is waited for.
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: partial
    details: A standby that is armed is armed anew, for longer and with another token.
extends_documentation_fragment:
  - warehousepg.coordinator.attributes
  - warehousepg.coordinator.instance
options:
  state:
    description:
      - V(armed) refuses a standby that could not become primary.
      - V(disarmed) takes that back, or tells what became of the promotion.
    type: str
    choices: [armed, disarmed]
    required: true
  cluster:
    description:
      - Name of the cluster, for the audit.
    type: str
    required: true
  armed_file:
    description:
      - How the names of the files begin that tell that the standby is armed, and what became of that. Their directory is made if it is
        missing.
    type: path
    required: true
  seconds:
    description:
      - How long it stays armed.
    type: float
    default: 120
  max_gap:
    description:
      - Seconds that clients may be without a primary, from the coming of RV(token) on. A shutdown that comes after half of them does not
        count.
    type: float
    default: 10
  timeout:
    description:
      - Seconds that the promotion may take, and the first write after it.
    type: float
    default: 60
  audit_file:
    description:
      - File that a line is added to when the promotion begins, as by M(warehousepg.coordinator.coordinator_activation).
    type: path
  audit:
    description:
      - What that line is to tell beside, such as who began it on which controller.
    type: dict
    default: {}
requirements:
  - psycopg2
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

EXAMPLES = r"""
- name: Arm the standby
  warehousepg.coordinator.switchover_standby:
    data_directory: /data/whpg/v7/standby/gpseg-1
    state: armed
    cluster: demo
    armed_file: ~/.whpg/demo.armed
  become: true
  become_user: gpadmin
  register: arming
"""

RETURN = r"""
steps:
  description: What was done and how many seconds each step took.
  returned: always
  type: list
  elements: dict
  sample:
    - name: arm
      seconds: 0.03
token:
  description: The text that the primary has to write into its WAL before it is shut down.
  returned: when it was armed
  type: str
  sample: 5f3c4a0c1d9be4f0b4a6d2cf51d40a11
armed:
  description: Whether it is armed.
  returned: success
  type: bool
  sample: true
promoted:
  description: Whether the instance is primary, by its files.
  returned: success, and when it is not known how a promotion ended
  type: bool
  sample: false
disarmed:
  description: Whether it is certain that no process will promote it.
  returned: with O(state=disarmed)
  type: bool
  sample: true
lsn:
  description: Where its WAL ends.
  returned: success
  type: str
  sample: 0/C0001F0
handover:
  description:
    - What the process did. C(lsn) is where the primary's WAL ended, C(gap_s) how many seconds no write could succeed, at most, from the
      announcement of the shutdown to the first write, C(seconds) those of its parts, C(restarted) whether the standby had to be started
      anew, C(error) what went wrong, empty when nothing did.
  returned: when the process began to promote
  type: dict
  sample:
    lsn: 0/C0001F0
    gap_s: 0.412
    seconds: {shutdown: 0.19, promotion: 0.2, first_write: 0.02}
    restarted: false
    error: ""
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.arguments import INSTANCE
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Step, carry_out
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection import require_psycopg2
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import handover

ARGUMENTS: dict[str, t.Any] = {
    **INSTANCE,
    "state": {"type": "str", "choices": ["armed", "disarmed"], "required": True},
    "cluster": {"type": "str", "required": True},
    "armed_file": {"type": "path", "required": True},
    "seconds": {"type": "float", "default": 120},
    "max_gap": {"type": "float", "default": 10},
    "timeout": {"type": "float", "default": 60},
    "audit_file": {"type": "path"},
    "audit": {"type": "dict", "default": {}},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    require_psycopg2(module)
    parameters = module.params
    host = Host(module, parameters["greenplum_path"])
    files = handover.Files(parameters["armed_file"])
    where, arming = parameters["data_directory"], parameters["state"] == "armed"
    actions: dict[str, t.Callable[..., t.Any]] = {}

    def plan(found: handover.Readiness) -> list[Step]:
        port = found.instance.port or 0
        names = ("cluster", "audit_file", "audit", "timeout")
        doing = handover.Handover(host, where, port, files, **{name: parameters[name] for name in names})
        actions.update(
            arm=lambda **what: doing.arm(**{name: parameters[name] for name in ("seconds", "max_gap")}, **what), disarm=doing.disarm
        )
        return handover.plan_arming(found) if arming else handover.plan_disarming(found)

    def show(found: handover.Readiness) -> dict[str, t.Any]:
        shown = {
            "armed": found.armed,
            "promoted": found.instance.content == "instance" and found.instance.role == "primary",
            "lsn": str(found.end.position) if found.end else None,
        }
        return shown if arming else {**shown, "disarmed": not (found.armed or found.promoting)}

    carry_out(module, lambda: handover.observe(host, where, files), plan, actions, show=show)


if __name__ == "__main__":
    main()
