# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mark a pair of coordinators, and tell in the mark who runs the playbook."""

from __future__ import annotations

import getpass
import platform
import typing as t

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    """The controller's part of M(warehousepg.coordinator.coordinator_maintenance)."""

    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Run the module."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        arguments = {"by": f"{getpass.getuser()} on {platform.node()}", **self._task.args}
        result.update(
            self._execute_module(module_name="warehousepg.coordinator.coordinator_maintenance", module_args=arguments, task_vars=task_vars)
        )
        return result
