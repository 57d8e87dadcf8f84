# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan, on the controller, what has to be done so that a cluster's standby becomes primary."""

from __future__ import annotations

import dataclasses
import datetime
import os
import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils import audit
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils.activation_plan import make
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils.scenes import neighbour_of, scene_of


class ActionModule(ActionBase):
    """The controller's part of M(warehousepg.coordinator.activation_plan): all of it."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Plan for the cluster of the present host."""
        result = super().run(tmp, task_vars)
        _dummy, options = self.validate_argument_spec(
            {
                "cluster": {"type": "str", "required": True},
                "clusters": {"type": "dict", "required": True},
                "observation": {"type": "str", "required": True},
                "wanted": {"type": "dict", "required": True},
                "commands": {"type": "dict", "default": {}},
            }
        )
        variables = task_vars or {}
        # a command is a template for another host: here it only matters whether there is one
        given = {name: bool(variables.get(variable)) for name, variable in options["commands"].items()}
        scenes = {
            name: scene_of(name, pair, variables["hostvars"], options["observation"], {**options["wanted"], **given})
            for name, pair in options["clusters"].items()
        }
        own = options["cluster"]
        plan = make(scenes[own], [neighbour_of(scene) for name, scene in scenes.items() if name != own])
        result.update(changed=False, **dataclasses.asdict(plan))
        result["audit"] = audit.run(os.getppid(), datetime.datetime.now(datetime.timezone.utc))
        return result
