# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What a drill has done on the controller."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._activate_standby.outcome import Outcome
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._drill.outcome import outcome
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._drill.plan import DrillPlan, make
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._drill.progress import Progress, Switch
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run import stage
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.progress import Plans
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.stage import Situation, Stage, Task, Variables
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._switchover import stages as of_switchover

INTENT = "drill"

#: where its tasks register
PLANS = Plans(DrillPlan, "__drill_plans")

#: how far it came, and where its plans are registered
PROGRESS = (Progress, PLANS)


def _plans(situations: t.Sequence[Situation]) -> t.Iterator[DrillPlan]:
    return map(make, situations)


def _decide(task: Task, _given: Variables) -> Variables:
    """How the switchover of the host's cluster ended that was just tried."""
    progress = task.progress(*of_switchover.PROGRESS)
    ended = of_switchover.ended(progress, task).document
    switch = Switch(
        former_primary=progress.plan.primary or "",
        new_primary=progress.plan.standby or "",
        # what was registered by the way there is still known where nothing was done after it
        seconds=ended["seconds"] if progress.plan.acts else {},
        **{name: ended[name] for name in ("outcome", "switched", "reason", "gap_s", "timeline", "switch_lsn", "loss")},
    )
    return {"switch": dataclasses.asdict(switch)}


def _ended(progress: Progress, _task: Task) -> Outcome:
    return outcome(progress)


STAGES = {
    "plan": stage.plan(INTENT, _plans, audited=True),
    "decide": Stage(_decide),
    "conclude": stage.conclude(INTENT, *PROGRESS, _ended),
}
