#!/usr/bin/python
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lock a pair of coordinators against other runs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: coordinator_lock
short_description: Lock a pair of coordinators against other runs
version_added: 0.1.0
description:
  - Takes or releases a lock on a pair of coordinators, a file on the standby's host, so that two controllers never change one pair at
    the same time.
  - A lock that another run holds is refused, with its holder named. One that expired, or whose run was started on the same controller
    and is gone, is taken over.
  - The run is the C(ansible-playbook) that executes the task.
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
  file:
    description:
      - The file. Its directory is made if it is missing.
    type: path
    required: true
  state:
    description:
      - Whether this run is to hold the lock. The lock of another run is never removed by V(absent).
    type: str
    choices: [present, absent]
    default: present
  purpose:
    description:
      - What the run does. Required with O(state=present).
    type: str
  seconds:
    description:
      - After how many seconds the lock expires.
    type: float
    default: 900
  holder:
    description:
      - The run; found out by the action plugin.
    type: dict
    suboptions:
      user:
        description: Who started it.
        type: str
        required: true
      controller:
        description: Host that it runs on.
        type: str
        required: true
      pid:
        description: Its process there.
        type: int
        required: true
      started:
        description: When that process started.
        type: str
        required: true
  gone:
    description:
      - A holder that is known to have ended, whose lock may be taken over; found out by the action plugin.
    type: dict
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

EXAMPLES = r"""
- name: Lock the pair
  warehousepg.coordinator.coordinator_lock:
    file: ~/.whpg/demo.lock
    purpose: activate_standby
  become: true
  become_user: gpadmin

- name: Release it
  warehousepg.coordinator.coordinator_lock:
    file: ~/.whpg/demo.lock
    state: absent
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
    - name: take
      seconds: 0.002
lock:
  description: The lock that is there, V(null) without one; also the other run's when it is refused.
  returned: always
  type: dict
  sample:
    holder: {user: operator, controller: control1, pid: 4711, started: "1834512"}
    since: 1795392000.25
    expires: 1795392900.25
    purpose: activate_standby
former:
  description: The stale lock that was taken over, V(null) without one.
  returned: success
  type: dict
  sample: null
"""

import contextlib
import dataclasses
import socket
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.warehousepg.coordinator.plugins.module_utils import lock as locks
from ansible_collections.warehousepg.coordinator.plugins.module_utils.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils.host import Host
from ansible_collections.warehousepg.coordinator.plugins.module_utils.plan import Step, carry_out


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "file": {"type": "path", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "purpose": {"type": "str"},
            "seconds": {"type": "float", "default": 900},
            "holder": {
                "type": "dict",
                "options": {
                    "user": {"type": "str", "required": True},
                    "controller": {"type": "str", "required": True},
                    "pid": {"type": "int", "required": True},
                    "started": {"type": "str", "required": True},
                },
            },
            "gone": {"type": "dict"},
        },
        required_if=[("state", "present", ("purpose",))],
        supports_check_mode=True,
    )
    parameters = module.params
    path = parameters["file"]
    if not parameters["holder"]:
        module.fail_json(msg="holder is missing: run this as a task of a playbook, whose action plugin gives it")
    host = Host(module)
    holder = locks.Holder(**parameters["holder"])
    gone = locks.Holder(**parameters["gone"]) if parameters["gone"] else None

    def plan(held: locks.Lock | None) -> list[Step]:
        if parameters["state"] == "absent":
            return [Step("release")] if held is not None and held.holder == holder else []
        now = round(time.time(), 3)
        wanted = locks.Lock(holder, now, now + parameters["seconds"], parameters["purpose"])
        return locks.plan(held, wanted, f"{path} on {socket.gethostname()}", gone)

    def take_over(lock: locks.Lock, former: locks.Lock) -> dict[str, t.Any]:
        locks.write(host, path, lock)
        return {"former": dataclasses.asdict(former)}

    def show(held: locks.Lock | None) -> dict[str, t.Any]:
        return {"lock": dataclasses.asdict(held) if held else None, "former": None}

    try:
        with contextlib.nullcontext() if module.check_mode else locks.alone(path):
            carry_out(
                module,
                lambda: locks.read(path),
                plan,
                {
                    "take": lambda lock: locks.write(host, path, lock),
                    "take_over": take_over,
                    "release": lambda: locks.remove(path),
                },
                show=show,
            )
    except CoordinatorError as error:
        module.fail_json(msg=error.message, **error.data)


if __name__ == "__main__":
    main()
