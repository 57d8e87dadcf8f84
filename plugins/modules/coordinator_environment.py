#!/usr/bin/python
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Set the environment of the engine's user on a coordinator's host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: coordinator_environment
short_description: Set the environment of the engine's user on a coordinator's host
version_added: 0.1.0
description:
  - Keeps a marked line in a file that the shell of the engine's user reads. It sets E(PGPORT), and the data directory as
    E(COORDINATOR_DATA_DIRECTORY), or as E(MASTER_DATA_DIRECTORY) where the utilities of the installation read that one.
  - Each host names its own directory, so nothing has to change with the roles. The line comes last in the file, so that it counts.
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
      - Whether there is to be such a line.
    type: str
    choices: [present, absent]
    default: present
  cluster:
    description:
      - Name of the cluster, which is in the marks. Several clusters of one user need a file each.
    type: str
    required: true
  port:
    description:
      - Port of the coordinator on this host.
      - Required with O(state=present).
    type: int
  file:
    description:
      - The file, which is made where it is missing.
    type: path
    default: ~/.bashrc
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

EXAMPLES = r"""
- name: Let the engine's utilities find the coordinator of this host
  warehousepg.coordinator.coordinator_environment:
    cluster: demo
    data_directory: /data/whpg/v7/standby/gpseg-1
    port: 5432
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
    - name: write_environment
      seconds: 0.002
environment:
  description: The line, V(null) where there is none that counts.
  returned: always
  type: str
  sample: export PGPORT=5432 COORDINATOR_DATA_DIRECTORY=/data/whpg/v7/standby/gpseg-1
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.arguments import INSTANCE
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host, read_text
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import carry_out
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import environment


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **INSTANCE,
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "cluster": {"type": "str", "required": True},
            "port": {"type": "int"},
            "file": {"type": "path", "default": "~/.bashrc"},
        },
        required_if=[("state", "present", ("port",))],
        supports_check_mode=True,
    )
    parameters = module.params
    host = Host(module, parameters["greenplum_path"])
    path, cluster = parameters["file"], parameters["cluster"]
    desired = None
    if parameters["state"] == "present":
        desired = environment.line(environment.variables(host.gphome, parameters["data_directory"], parameters["port"]))
    carry_out(
        module,
        lambda: read_text(path),
        lambda text: environment.plan(text, cluster, desired),
        {"write_environment": lambda text: environment.write(host, path, text)},
        show=lambda text: {"environment": environment.found_in(text or "", cluster)},
    )


if __name__ == "__main__":
    main()
