# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan, on the controller, a switchover of a cluster's coordinators."""

from __future__ import annotations

import dataclasses
import datetime
import os
import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils import audit
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils.scenes import scene_of
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils.switchover_plan import make


class ActionModule(ActionBase):
    """The controller's part of M(warehousepg.coordinator.switchover_plan): all of it."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Plan for the cluster of the present host."""
        result = super().run(tmp, task_vars)
        _dummy, options = self.validate_argument_spec(
            {
                "cluster": {"type": "str", "required": True},
                "pair": {"type": "dict", "required": True},
                "observation": {"type": "str", "required": True},
                "wanted": {"type": "dict", "required": True},
                "hook_command": {"type": "str", "required": True},
            }
        )
        variables = task_vars or {}
        # the command is a template for another host: here it only matters whether there is one
        wanted = {**options["wanted"], "hook_command": bool(variables.get(options["hook_command"]))}
        plan = make(scene_of(options["cluster"], options["pair"], variables["hostvars"], options["observation"], wanted))
        result.update(changed=False, **dataclasses.asdict(plan))
        result["audit"] = audit.run(os.getppid(), datetime.datetime.now(datetime.timezone.utc))
        return result
