# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What an activation has done on the controller."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._activate_standby.outcome import outcome
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._activate_standby.plan import ActivationPlan, make
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._activate_standby.progress import Progress
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._activate_standby.verdict import decide
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.scenes import neighbour_of, scene_of
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run import stage
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.progress import Plans
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.stage import Situation, Stage, Task, Variables

INTENT = "activate_standby"

#: where its tasks register
PLANS = Plans(ActivationPlan, "__activate_standby_plans")
_START_BLOCK = "__activate_standby_start_block"
_FENCE = "__activate_standby_fence"
_COMMAND = "__activate_standby_command"

#: how far it came, and where its plans are registered
PROGRESS = (Progress, PLANS)


def _plans(situations: t.Sequence[Situation]) -> list[ActivationPlan]:
    return [make(scene, [neighbour_of(other) for other in situations if other is not scene]) for scene in situations]


def _decide(task: Task, _given: Variables) -> Variables:
    """Whether the standby of the host's cluster may be promoted, now that its former primary was kept from writing."""
    progress = task.progress(*PROGRESS)
    plan = progress.plan
    results = {host: progress.on(host, _FENCE) for host in plan.fences}
    if plan.primary and plan.start_block:
        results[plan.primary] = progress.on_primary(_START_BLOCK)
    verdict = decide(
        scene_of(task.cluster, task.pair(task.cluster), task.variables["hostvars"]),
        plan,
        results=results,
        command=progress.on_primary(_COMMAND),
        check_mode=task.check_mode,
    )
    return dataclasses.asdict(verdict)


STAGES = {
    "plan": stage.plan(INTENT, _plans, audited=True),
    "decide": Stage(_decide),
    "heed": stage.heed(PLANS),
    "hook": stage.hook(INTENT, *PROGRESS),
    "conclude": stage.conclude(INTENT, *PROGRESS, lambda progress, _task: outcome(progress)),
}
