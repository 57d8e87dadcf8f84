# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan, on the controller, what has to be done so that the coordinators of a cluster change their roles."""

from __future__ import annotations

import typing as t

from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.scenes import scene_of
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.plan_action import PlanAction, Situation
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._switchover.plan import SwitchoverPlan, make


class ActionModule(PlanAction):
    """The controller's part of M(warehousepg.coordinator.switchover_plan): all of it."""

    ROLE = "switchover"
    AUDITED = True

    def plans(self, situations: t.Sequence[Situation]) -> t.Iterable[SwitchoverPlan]:
        """The plan for each cluster."""
        return [make(scene_of(seen.cluster, seen.pair, seen.variables, seen.arguments["observation"])) for seen in situations]
