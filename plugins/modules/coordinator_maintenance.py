#!/usr/bin/python
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mark a pair of coordinators as being in maintenance."""

from __future__ import annotations

DOCUMENTATION = r"""
module: coordinator_maintenance
short_description: Mark a pair of coordinators as being in maintenance
version_added: 0.1.0
description:
  - Runs on a coordinator's host. Keeps a mark beside the data directory, under a hidden name. While there is one on either host of a pair,
    the roles of this collection do not act on it; they observe it, and tell.
  - It does nothing to the instance, and knows nothing of what the engine's own utilities do.
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
      - Whether there is to be a mark.
    type: str
    choices: [present, absent]
    default: present
  reason:
    description:
      - What the maintenance is for. Without it, a mark that is there keeps its own.
    type: str
    default: ""
  by:
    description:
      - Who makes the mark; in a playbook the user and the host that it runs on, unless it is given.
    type: str
    default: ""
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

EXAMPLES = r"""
- name: Keep the collection from acting on the pair
  warehousepg.coordinator.coordinator_maintenance:
    data_directory: /data/whpg/v7/coordinator/gpseg-1
    reason: disks are replaced
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
    - name: write_mark
      seconds: 0.002
maintenance:
  description:
    - The mark, when it was made, in seconds C(since) the epoch, C(by) whom, and its C(reason). V(null) without one.
  returned: always
  type: dict
  sample:
    since: 1795392000.25
    by: root on ansible1
    reason: disks are replaced
"""

import dataclasses
import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import maintenance
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.arguments import INSTANCE
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import carry_out
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.removal import remove_file


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **INSTANCE,
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "reason": {"type": "str", "default": ""},
            "by": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    parameters = module.params
    path = maintenance.mark_file(parameters["data_directory"])
    host = Host(module, parameters["greenplum_path"])
    given = maintenance.Mark(round(time.time(), 3), parameters["by"], parameters["reason"])
    carry_out(
        module,
        lambda: maintenance.read(path),
        lambda mark: maintenance.plan(mark, given if parameters["state"] == "present" else None),
        {
            "write_mark": lambda mark: maintenance.write(host, path, mark),
            "remove_mark": lambda: remove_file(path),
        },
        show=lambda mark: {"maintenance": dataclasses.asdict(mark) if mark else None},
    )


if __name__ == "__main__":
    main()
