# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notes the tasks that executed something on a host, in the file that WHPG_BENCH_EXECUTIONS names.

A result does not tell: one that is not to be logged is hidden, an action returns what it likes, the lock is taken without a module.
"""

from __future__ import annotations

import os

from ansible.plugins.action import ActionBase
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: executions
type: aggregate
short_description: Note the tasks that executed something on a host
description:
  - Notes the identifier of a task for each command that a host carried out for it. Those on the controller do not count.
"""


class CallbackModule(CallbackBase):
    """Loaded before the processes of the tasks begin, which therefore note what they do."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "executions"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self):
        super().__init__()
        carry_out, file = ActionBase._low_level_execute_command, os.environ["WHPG_BENCH_EXECUTIONS"]

        def carry_out_and_note(action, *args, **kwargs):
            done = carry_out(action, *args, **kwargs)
            if action._connection.transport != "local":
                with open(file, "a") as noted:
                    noted.write(f"{action._task._uuid}\n")
            return done

        ActionBase._low_level_execute_command = carry_out_and_note
