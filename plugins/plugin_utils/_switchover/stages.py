# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What a switchover has done on the controller."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._activate_standby.outcome import Outcome
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.observations import OBSERVATION, coordinator_of, observed
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run import stage
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.progress import Plans
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.stage import Situation, Stage, Task, Variables
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.progress import Progress as ProgressOfStandby
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.stages import PLANS as PLANS_OF_STANDBY
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._switchover.outcome import outcome
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._switchover.plan import SwitchoverPlan, make
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._switchover.progress import ACTIVATION, Progress
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._switchover.verdict import decide, drift

INTENT = "switchover"

#: where its tasks register
PLANS = Plans(SwitchoverPlan, "__switchover_plans")
_STOPPED = "__switchover_stopped"
_DISARMED = "__switchover_disarmed"
_BROUGHT = "__switchover_brought"

#: how far it came, and where its plans are registered
PROGRESS = (Progress, PLANS)


def _plans(situations: t.Sequence[Situation]) -> list[SwitchoverPlan]:
    return [make(scene) for scene in situations]


def _decide(task: Task, _given: Variables) -> Variables:
    """Whether the switchover of the host's cluster goes on or is rolled back, by what both hosts said."""
    progress = task.progress(*PROGRESS)
    plan, stopped, on_new = progress.plan, progress.on_primary(_STOPPED), progress.on_standby
    verdict = decide(plan, stopped, disarmed=on_new(_DISARMED), activation=on_new(ACTIVATION))
    old, new = (coordinator_of(observed(on_host(OBSERVATION))) for on_host in (progress.on_primary, on_new))
    late = drift(plan, stopped, brought=on_new(_BROUGHT), new=new, old=old)
    return dataclasses.asdict(dataclasses.replace(verdict, drift=late))


def ended(progress: Progress, task: Task) -> Outcome:
    """How it ended for a cluster, by how far it came."""
    following = None
    if progress.cluster in task.of_clusters(PLANS_OF_STANDBY.name):
        plan = PLANS_OF_STANDBY.of(progress.cluster, task.variables)
        following = ProgressOfStandby(progress.cluster, plan, progress.hosts, progress.lost)
    return outcome(progress, following, f"{task.options['standby_timeout']:g}")


STAGES = {
    "plan": stage.plan(INTENT, _plans, audited=True),
    "decide": Stage(_decide),
    "heed": stage.heed(PLANS),
    "hook": stage.hook(INTENT, *PROGRESS),
    "conclude": stage.conclude(INTENT, *PROGRESS, ended),
}
