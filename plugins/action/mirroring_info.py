# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Observe a host, and note by the controller's clock when that was."""

from __future__ import annotations

import time
import typing as t

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    """The controller's part of M(warehousepg.coordinator.mirroring_info)."""

    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Run the module, and return with its result the times before and after it."""
        result = super().run(tmp, task_vars)
        before = time.time()
        result.update(self._execute_module(module_name="warehousepg.coordinator.mirroring_info", task_vars=task_vars))
        result["asked"] = [before, time.time()]
        return result
