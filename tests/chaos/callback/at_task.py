# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stops a run when it comes to a task, until it may go on: a fault comes where it is to come, not when.

The named pipe that WHPG_CHAOS_REACHED names is written to when the task begins, and WHPG_CHAOS_GO is read from before it is done.
"""

from __future__ import annotations

import os

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: at_task
type: aggregate
short_description: Stop at a task until it may go on
description:
  - Stops the run before the first task of the name in WHPG_CHAOS_TASK.
"""


class CallbackModule(CallbackBase):
    """Waits before the task is given to any host."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "at_task"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self):
        super().__init__()
        self._task = os.environ["WHPG_CHAOS_TASK"]

    def v2_playbook_on_task_start(self, task, is_conditional):
        if task.get_name().rpartition(" : ")[2] != self._task:
            return
        self._task = None
        with open(os.environ["WHPG_CHAOS_REACHED"], "w") as reached:
            reached.write("reached\n")
        with open(os.environ["WHPG_CHAOS_GO"]) as go:
            go.read()
