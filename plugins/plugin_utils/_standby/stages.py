# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What making a standby has done on the controller."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.coordinator import Coordinator
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.observation import Observation
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.observations import read_as
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run import stage
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.progress import Plans
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.stage import Situation, Stage, Task, Variables
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.outcome import Outcome, asked, outcome
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.plan import make
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.planned import StandbyPlan
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.progress import Progress

INTENT = "standby"

#: where its tasks register
PLANS = Plans(StandbyPlan, "__standby_plans")
_VERIFICATION = "__standby_verification"
#: by what of the standby's host was looked at meanwhile, where that was registered there
_SEEN = {"former": (Coordinator, "__standby_former"), "looked": (Observation, "__standby_look")}

#: how far it came, and where its plans are registered
PROGRESS = (Progress, PLANS)


def _plans(situations: t.Sequence[Situation]) -> t.Iterator[StandbyPlan]:
    return map(_plan, situations)


def _plan(of: Situation) -> StandbyPlan:
    standby = next((host for host in of.pair.coordinators if host != of.pair.primary), None)
    seen: dict[str, t.Any] = {}
    for what in of.options["seen"] if standby else ():
        kind, name = _SEEN[what]
        result = of.variables[standby or ""].get(name)
        if result is not None:
            seen[what] = read_as(kind, result)
    return make(of.pair, of.observations, of.variables, **seen)


def _decide(task: Task, _given: Variables) -> Variables:
    """Fail on all hosts of a cluster that was not seen mirrored; else tell, on the standby's, what is to be kept there."""
    progress = task.progress(*PROGRESS)
    if progress.lost:
        return {"failed": True, "msg": f"{', '.join(progress.lost)} dropped out of the run"}
    if not progress.verified:
        return {"failed": True, "msg": "the standby was not seen stream in sync and replay a write"}
    if task.host != progress.plan.standby or not progress.plan.record:
        return {}
    seen = asked(progress.on_primary(_VERIFICATION))
    record = {**dataclasses.asdict(progress.plan.record), "client_port": seen.walsender.client_port if seen and seen.walsender else None}
    return {"record": {name: value for name, value in record.items() if value is not None}}


def _ended(progress: Progress, task: Task) -> Outcome:
    return outcome(progress, f"{task.options['standby_timeout']:g}")


STAGES = {
    "plan": stage.plan(INTENT, _plans, {"seen": {"type": "list", "elements": "str", "choices": list(_SEEN), "default": []}}),
    "decide": Stage(_decide),
    "heed": stage.heed(PLANS),
    "hook": stage.hook(INTENT, *PROGRESS),
    "conclude": stage.conclude(INTENT, *PROGRESS, _ended),
}
