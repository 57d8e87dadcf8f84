# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan, on the controller, what has to be done so that a cluster's coordinator is mirrored no more."""

from __future__ import annotations

import typing as t

from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._disable_mirroring.plan import RemovalPlan, make
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.plan_action import PlanAction, Situation


class ActionModule(PlanAction):
    """The controller's part of M(warehousepg.coordinator.removal_plan): all of it."""

    ROLE = "disable_mirroring"

    def plans(self, situations: t.Sequence[Situation]) -> t.Iterable[RemovalPlan]:
        """The plan for each cluster."""
        return map(self._plan, situations)

    def _plan(self, situation: Situation) -> RemovalPlan:
        unknown = situation.pair["unknown"]
        return make(
            situation.cluster,
            situation.pair,
            {host: None if host in unknown else seen for host, seen in situation.observations.items()},
            situation.pair["variables"],
            situation.pair["options"],
        )
