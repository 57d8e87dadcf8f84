# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan, on the controller, what has to be done so that a cluster's standby becomes primary."""

from __future__ import annotations

import typing as t

from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._activate_standby.plan import ActivationPlan, make
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.scenes import neighbour_of, scene_of
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.plan_action import PlanAction, Situation


class ActionModule(PlanAction):
    """The controller's part of M(warehousepg.coordinator.activation_plan): all of it."""

    ROLE = "activate_standby"
    AUDITED = True

    def plans(self, situations: t.Sequence[Situation]) -> t.Iterable[ActivationPlan]:
        """The plan for each cluster."""
        scenes = [scene_of(seen.cluster, seen.pair, seen.variables, seen.arguments["observation"]) for seen in situations]
        return [make(scene, [neighbour_of(other) for other in scenes if other is not scene]) for scene in scenes]
