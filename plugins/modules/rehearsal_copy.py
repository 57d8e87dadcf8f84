#!/usr/bin/python
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copy a standby, activate the copy, and throw it away."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rehearsal_copy
short_description: Copy a standby, activate the copy, and throw it away
version_added: 0.1.0
description:
  - Runs on the standby's host. The standby is read and goes on streaming; nothing of it, nor of its primary, is changed.
  - The copy is closed. It follows nobody, restores and archives nothing, listens at no port but at a Unix-domain socket in its own
    directory, and runs in utility mode, in which the engine looks for no segments and refuses sessions that would dispatch to them. That is
    seen once it is activated; the module fails where it is not so. Libraries that the standby preloads are loaded by the copy, too.
  - What a run that was cut off left of a copy is removed by the next one.
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - With O(state=copied) a copy that is there is removed, and made anew.
extends_documentation_fragment:
  - warehousepg.coordinator.attributes
  - warehousepg.coordinator.instance
options:
  state:
    description:
      - V(copied) copies the files of the standby, and refuses where there is no room, or the copy would share something with the standby.
      - V(activated) takes the WAL that the standby has by then, starts the copy, promotes it, writes through it, and sees that it is
        closed.
      - V(absent) ends and removes it.
    type: str
    choices: [copied, activated, absent]
    required: true
  directory:
    description:
      - Directory of the copy on this host, made if it is missing; defaults to C(<data_directory>.drill).
    type: path
  timeout:
    description:
      - Seconds that the copy has to replay its WAL, to leave recovery, and to take the first write, each.
    type: float
    default: 60
requirements:
  - psycopg2
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

EXAMPLES = r"""
- name: Copy the standby
  warehousepg.coordinator.rehearsal_copy:
    data_directory: /data/whpg/v7/standby/gpseg-1
    state: copied
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
    - name: promote
      seconds: 0.11
copy_state:
  description: What is in the directory of the copy, V(absent), V(empty), V(instance) or V(other).
  returned: success
  type: str
  sample: instance
running:
  description: Whether the copy runs.
  returned: success
  type: bool
  sample: true
bytes:
  description: Bytes that were copied, but for the WAL that came later.
  returned: when it was copied
  type: int
  sample: 104857600
end_lsn:
  description: Where the WAL ends that an activation would go by.
  returned: when it was activated
  type: str
  sample: 0/C0001F0
end_timeline:
  description: Timeline of that.
  returned: when it was activated
  type: int
  sample: 1
rto_s:
  description: Seconds from the order to promote to the acknowledgement of the first write.
  returned: when it was activated
  type: float
  sample: 0.31
timeline:
  description: Timeline of the copy then.
  returned: when it was activated
  type: int
  sample: 2
lsn:
  description: Where its WAL ended then.
  returned: when it was activated
  type: str
  sample: 0/C000290
switch_lsn:
  description: Where its timeline began.
  returned: when it was activated
  type: str
  sample: 0/C0001F0
closed:
  description: What it says to a session that would dispatch to segments.
  returned: when it was activated, and was seen to listen nowhere and to be connected to nobody
  type: str
  sample: "FATAL:  System was started in single node mode - only utility mode connections are allowed"
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.arguments import INSTANCE
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Step, carry_out
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection import require_psycopg2
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import rehearsal

ARGUMENTS: dict[str, t.Any] = {
    **INSTANCE,
    "state": {"type": "str", "choices": ["copied", "activated", "absent"], "required": True},
    "directory": {"type": "path"},
    "timeout": {"type": "float", "default": 60},
}

_PLANS = {"copied": rehearsal.plan_copy, "activated": rehearsal.plan_activation, "absent": rehearsal.plan_removal}


def show(found: rehearsal.Ground) -> dict[str, t.Any]:
    """What is returned of what was observed."""
    return {"copy_state": found.copy.directory_state, "running": found.running}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    require_psycopg2(module)
    parameters = module.params
    host = Host(module, parameters["greenplum_path"])
    directory = parameters["directory"] or f"{parameters['data_directory'].rstrip('/')}.drill"
    actions: dict[str, t.Callable[..., t.Any]] = {}

    def plan(found: rehearsal.Ground) -> list[Step]:
        actions.update(rehearsal.Rehearsal(host, found, parameters["timeout"]).actions)
        return _PLANS[parameters["state"]](found)

    carry_out(
        module,
        lambda: rehearsal.observe(host, parameters["data_directory"], directory, size=parameters["state"] == "copied"),
        plan,
        actions,
        show=show,
    )


if __name__ == "__main__":
    main()
