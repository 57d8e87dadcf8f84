#!/usr/bin/python
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Start and stop a coordinator instance."""

from __future__ import annotations

DOCUMENTATION = r"""
module: coordinator_instance
short_description: Start, stop, restart or reload a coordinator instance
version_added: 0.1.0
description:
  - Starts and stops one coordinator instance, primary or standby, as the engine's utilities do, and leaves the rest of the cluster
    alone.
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - V(restarted) and V(reloaded) of O(state) act each time.
extends_documentation_fragment:
  - warehousepg.coordinator.attributes
  - warehousepg.coordinator.instance
options:
  state:
    description:
      - What the instance is to be.
    type: str
    choices: [started, stopped, restarted, reloaded]
    required: true
  mode:
    description:
      - Shutdown mode of the engine.
    type: str
    choices: [smart, fast, immediate]
    default: fast
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

EXAMPLES = r"""
- name: Stop the standby for maintenance of its host
  warehousepg.coordinator.coordinator_instance:
    data_directory: /data/whpg/v7/standby/gpseg-1
    state: stopped
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
    - name: stop
      seconds: 0.21
role:
  description: Role of the instance, V(primary) or V(standby), as its files say.
  returned: always
  type: str
  sample: standby
running:
  description: Whether it runs.
  returned: always
  type: bool
  sample: false
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.arguments import INSTANCE
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Step, carry_out
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import instance as instances


def plan(instance: instances.Instance, state: str) -> list[Step]:
    """The steps to the state that is desired.

    :raises CoordinatorError: there is no instance to start, or none that could read its configuration again.
    """
    where = instance.data_directory
    if instance.directory_state != "instance":
        if state == "stopped":
            return []
        raise CoordinatorError(f"{where} holds no instance ({instance.directory_state}): correct data_directory")
    running = instance.postmaster is not None
    if state != "stopped" and instance.port is None:
        raise CoordinatorError(f"{where}/postgresql.conf sets no port: set it there")
    if state == "reloaded":
        if not running:
            raise CoordinatorError(f"the instance in {where} is stopped and cannot be reloaded: start it")
        return [Step("reload")]
    stop = [Step("stop")] if running and state in ("stopped", "restarted") else []
    start = [Step("start")] if state == "restarted" or (state == "started" and not running) else []
    return stop + start


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **INSTANCE,
            "state": {"type": "str", "choices": ["started", "stopped", "restarted", "reloaded"], "required": True},
            "mode": {"type": "str", "choices": ["smart", "fast", "immediate"], "default": "fast"},
        },
        supports_check_mode=True,
    )
    host = Host(module, module.params["greenplum_path"])
    data_directory = module.params["data_directory"]

    def observe() -> instances.Instance:
        return instances.read_instance(host, data_directory)

    def start() -> None:
        instances.start(host, data_directory, t.cast(int, observe().port))

    carry_out(
        module,
        observe,
        lambda instance: plan(instance, module.params["state"]),
        {
            "start": start,
            "stop": lambda: instances.stop(host, data_directory, module.params["mode"]),
            "reload": lambda: instances.reload(data_directory),
        },
        show=lambda instance: {"role": instance.role, "running": instance.postmaster is not None},
    )


if __name__ == "__main__":
    main()
