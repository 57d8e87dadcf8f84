# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan, on the controller, what has to be done so that a cluster's coordinator is mirrored as it is wanted."""

from __future__ import annotations

import typing as t

from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.plan_action import PlanAction, Situation
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.plan import StandbyPlan, make


class ActionModule(PlanAction):
    """The controller's part of M(warehousepg.coordinator.standby_plan): all of it."""

    ROLE = "standby"
    OPTIONS: t.ClassVar[t.Mapping[str, t.Any]] = {"former": {"type": "str"}, "looked": {"type": "str"}}

    def plans(self, situations: t.Sequence[Situation]) -> t.Iterable[StandbyPlan]:
        """The plan for each cluster."""
        return map(self._plan, situations)

    def _plan(self, situation: Situation) -> StandbyPlan:
        pair, known = situation.pair, situation.variables
        standby = next((host for host in pair["coordinators"] if host != pair["primary"]), None)
        return make(
            pair,
            situation.observations,
            pair["variables"],
            pair["options"],
            situation.inventory,
            *(known[standby].get(variable) if variable and standby else None for variable in map(situation.arguments.get, self.OPTIONS)),
        )
