#!/usr/bin/python
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keep the access rules that mirroring needs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_access
short_description: Keep the rules of mirroring in pg_hba.conf
version_added: 0.1.0
description:
  - Keeps one marked block of rules at the beginning of C(pg_hba.conf) in every data directory given. The engine takes the first
    rule that matches.
  - Rules, comments and blank lines of others stay as they are, byte for byte.
  - An instance that runs is told to read the file again, when it changed.
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
  state:
    description:
      - Whether the block is to be there.
    type: str
    choices: [present, absent]
    default: present
  data_directories:
    description:
      - Data directories of coordinator or segment instances on this host.
    type: list
    elements: str
    required: true
  block:
    description:
      - Name of the block, in its two marker lines.
    type: str
    default: warehousepg.coordinator
  rules:
    description:
      - The rules, in their order.
      - Required with O(state=present).
    type: list
    elements: dict
    suboptions:
      type:
        description: Connection type.
        type: str
        choices: [local, host, hostssl, hostnossl, hostgssenc, hostnogssenc]
        default: host
      database:
        description: Name of a database, V(all), V(replication), V(sameuser) or V(samerole).
        type: str
        required: true
      user:
        description: Name of a role, which means that role alone, also where it is V(all). Left out, the rule is for everybody.
        type: str
      addresses:
        description:
          - Addresses, with or without the length of their masks, or words of the engine's such as V(samehost). The rule is written
            once for each.
          - Left out for O(rules[].type=local).
        type: list
        elements: str
        default: []
      method:
        description: Authentication method.
        type: str
        required: true
      options:
        description: Options of the method, C(name=value).
        type: list
        elements: str
        default: []
      data_directories:
        description:
          - Those of O(data_directories) that the rule is for, exactly as they are named there. By default it is for all.
        type: list
        elements: str
        default: []
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

EXAMPLES = r"""
- name: Let the standby stream
  warehousepg.coordinator.host_access:
    data_directories: [/data/whpg/v7/coordinator/gpseg-1]
    rules:
      - database: replication
        user: standby_replicator
        addresses: [10.0.0.12]
        method: scram-sha-256
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
    - name: write_rules
      seconds: 0.004
data_directories:
  description: The data directories that hold the block that is desired.
  returned: always
  type: list
  elements: str
  sample: [/data/whpg/v7/coordinator/gpseg-1]
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Step, carry_out
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.access import (
    BLOCK,
    TYPES,
    access_file,
    actions,
    plan,
    read_files,
)


def difference(before: dict[str, str], after: dict[str, str], steps: t.Sequence[Step]) -> list[dict[str, str]]:
    """The changes of each file, those that a step would make included."""
    planned = {step.arguments["data_directory"]: step.arguments["text"] for step in steps if step.name == "write_rules"}
    return [
        {
            "before_header": access_file(where),
            "after_header": access_file(where),
            "before": text,
            "after": planned.get(where, after[where]),
        }
        for where, text in before.items()
    ]


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "data_directories": {"type": "list", "elements": "str", "required": True},
            "block": {"type": "str", "default": BLOCK},
            "rules": {
                "type": "list",
                "elements": "dict",
                "options": {
                    "type": {
                        "type": "str",
                        "choices": list(TYPES),
                        "default": "host",
                    },
                    "database": {"type": "str", "required": True},
                    "user": {"type": "str"},
                    "addresses": {"type": "list", "elements": "str", "default": []},
                    "method": {"type": "str", "required": True},
                    "options": {"type": "list", "elements": "str", "default": []},
                    "data_directories": {"type": "list", "elements": "str", "default": []},
                },
            },
        },
        required_if=[("state", "present", ("rules",))],
        supports_check_mode=True,
    )
    parameters = module.params
    rules = parameters["rules"] if parameters["state"] == "present" else []
    carry_out(
        module,
        lambda: read_files(parameters["data_directories"]),
        lambda texts: plan(texts, {parameters["block"]: rules}),
        actions(Host(module)),
        show=lambda texts: {"data_directories": list(texts)},
        difference=difference,
    )


if __name__ == "__main__":
    main()
