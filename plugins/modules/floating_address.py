#!/usr/bin/python
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keep the address that clients use on the primary's host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: floating_address
short_description: Keep the address that clients use on the primary's host
version_added: 0.1.0
description:
  - Adds an address to this host and announces it (gratuitous ARP, or a neighbour advertisement), or removes it. One that is there is
    announced again, which is no change.
  - The address does not survive a restart of the host, for it could come back where the primary is no longer.
  - Needs root.
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
extends_documentation_fragment:
  - warehousepg.coordinator.attributes
options:
  address:
    description:
      - The address, with the length of its network's mask, such as V(10.0.0.100/24).
    type: str
    required: true
  interface:
    description:
      - Network interface that it is to be on.
      - Without it, the one that has another address of the same network.
    type: str
  state:
    description:
      - Whether it is to be on this host. V(absent) removes it from whatever interface has it.
    type: str
    choices: [present, absent]
    default: present
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

EXAMPLES = r"""
- name: Let clients find the new primary
  warehousepg.coordinator.floating_address:
    address: 10.0.0.100/24
    state: "{{ 'present' if inventory_hostname == new_primary else 'absent' }}"
  become: true
"""

RETURN = r"""
steps:
  description: What was done and how many seconds each step took.
  returned: always
  type: list
  elements: dict
  sample:
    - name: add
      seconds: 0.004
    - name: announce
      seconds: 0.203
interfaces:
  description: Interfaces of this host that have the address.
  returned: always
  type: list
  elements: str
  sample: [eth0]
"""

import os
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host, user_name
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import carry_out
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import floating


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "address": {"type": "str", "required": True},
            "interface": {"type": "str"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        supports_check_mode=True,
    )
    parameters = module.params
    if os.getuid() != 0:
        module.fail_json(msg=f"addresses are changed by root alone, this is {user_name(os.getuid())}: set become and become_user root")
    try:
        address = floating.parse_address(parameters["address"])
    except CoordinatorError as error:
        module.fail_json(msg=error.message, **error.data)
    host = Host(module)

    def show(assigned: list[floating.Assigned]) -> dict[str, t.Any]:
        return {"interfaces": [found.interface for found in floating.holders(assigned, address)]}

    carry_out(
        module,
        lambda: floating.read_assigned(host),
        lambda assigned: floating.plan(assigned, address, parameters["state"] == "present", parameters["interface"] or None),
        {
            "add": lambda assigned: floating.change(host, "add", assigned),
            "announce": floating.announce,
            "remove": lambda assigned: floating.change(host, "del", assigned),
        },
        show=show,
        passive=("announce",),
    )


if __name__ == "__main__":
    main()
