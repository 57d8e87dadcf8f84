#!/usr/bin/python
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Let a former primary be rewound from the present one."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rewind_access
short_description: Let a former primary be rewound from the present one
version_added: 0.1.0
description:
  - Runs on the primary's host. C(pg_rewind) on the former primary's host reads files of the primary by functions, over a utility-mode
    connection to the database C(postgres). A replication role may do neither.
  - With O(state=present) the role gets the rights to it, and O(rules) become a block of their own in C(pg_hba.conf). Take both away
    with O(state=absent) as soon as the rewind is over.
  - What everybody may do in that database is left as it is.
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
      - Whether it is let in.
    type: str
    choices: [present, absent]
    default: present
  replication_user:
    description:
      - Role that it connects as; it must be there.
    type: str
    default: standby_replicator
  rules:
    description:
      - Rules that let it in, as O(warehousepg.coordinator.host_access#module:rules) has them.
      - Required with O(state=present).
    type: list
    elements: dict
requirements:
  - psycopg2
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

EXAMPLES = r"""
- name: Let the former primary read what it is rewound from
  warehousepg.coordinator.rewind_access:
    data_directory: /data/whpg/v7/standby/gpseg-1
    rules:
      - database: postgres
        user: standby_replicator
        addresses: [10.0.0.11]
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
    - name: grant_functions
      seconds: 0.004
functions:
  description: The functions that the role was granted.
  returned: always
  type: list
  elements: str
  sample: ["pg_read_binary_file(text)"]
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.arguments import INSTANCE
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import carry_out
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import access
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection import connect_primary, require_psycopg2
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import read_instance
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import rewind_access


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **INSTANCE,
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "replication_user": {"type": "str", "default": "standby_replicator"},
            "rules": {"type": "list", "elements": "dict"},
        },
        required_if=[("state", "present", ("rules",))],
        supports_check_mode=True,
    )
    parameters: dict[str, t.Any] = module.params
    require_psycopg2(module)
    host = Host(module, parameters["greenplum_path"])
    user, present = parameters["replication_user"], parameters["state"] == "present"
    try:
        instance = read_instance(host, parameters["data_directory"])
        with connect_primary(instance) as connection:
            carry_out(
                module,
                lambda: rewind_access.read_rights(connection, user, instance.data_directory),
                lambda rights: rewind_access.plan(rights, present, parameters["rules"] or []),
                {**access.actions(host), **rewind_access.actions(connection, user)},
                show=lambda rights: {"functions": list(rights.functions)},
            )
    except CoordinatorError as error:
        module.fail_json(msg=error.message, **error.data)


if __name__ == "__main__":
    main()
