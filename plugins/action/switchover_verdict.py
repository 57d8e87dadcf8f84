# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Judge, on the controller, whether a switchover goes on or is taken back."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._switchover.verdict import decide, drift


class ActionModule(ActionBase):
    """The controller's part of M(warehousepg.coordinator.switchover_verdict): all of it."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Judge the cluster of the present host."""
        result = super().run(tmp, task_vars)
        names = ("stopped", "disarmed", "activation", "brought", "observation")
        _dummy, options = self.validate_argument_spec(
            {"plan": {"type": "dict", "required": True}, **{name: {"type": "str", "required": True} for name in names}}
        )
        hostvars, plan = (task_vars or {})["hostvars"], options["plan"]
        of_old, of_new = hostvars[plan["primary"]], hostvars[plan["standby"]]
        verdict = decide(
            plan,
            stopped=of_old.get(options["stopped"]) or {},
            disarmed=of_new.get(options["disarmed"]) or {},
            activation=of_new.get(options["activation"]) or {},
        )
        late = drift(
            plan,
            stopped=of_old.get(options["stopped"]) or {},
            brought=of_new.get(options["brought"]) or {},
            observed=of_new.get(options["observation"]) or {},
            old=of_old.get(options["observation"]) or {},
        )
        result.update(changed=False, **dataclasses.asdict(dataclasses.replace(verdict, drift=late)))
        return result
