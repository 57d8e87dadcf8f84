# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Judge, on the controller, whether a standby may be promoted, now that its old primary was fenced."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._activate_standby.verdict import decide
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.scenes import scene_of


class ActionModule(ActionBase):
    """The controller's part of M(warehousepg.coordinator.activation_verdict): all of it."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Judge the cluster of the present host."""
        result = super().run(tmp, task_vars)
        _dummy, options = self.validate_argument_spec(
            {
                "cluster": {"type": "str", "required": True},
                "pair": {"type": "dict", "required": True},
                "plan": {"type": "dict", "required": True},
                "observation": {"type": "str", "required": True},
                "fence": {"type": "str", "required": True},
                "command": {"type": "str", "required": True},
            }
        )
        hostvars, plan = (task_vars or {})["hostvars"], options["plan"]
        verdict = decide(
            scene_of(options["cluster"], options["pair"], hostvars, options["observation"]),
            plan,
            fences={host: hostvars[host].get(options["fence"]) or {} for host in plan["fence"]},
            command=hostvars[plan["primary"]].get(options["command"]) or {},
            check_mode=bool(self._task.check_mode),
        )
        result.update(changed=False, **dataclasses.asdict(verdict))
        return result
