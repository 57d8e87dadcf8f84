# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What making a standby has done on the controller."""

from __future__ import annotations

import typing as t

from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.scenes import hosts_of
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run import stage
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.stage import VERDICT, Ending, Situation, Stage, Task, Variables
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.outcome import REGISTERED, Outcome, outcome
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.plan import StandbyPlan, make

INTENT = "standby"

#: where its tasks register
PLANS = "__standby_plans"
_CONFIGURATION = "__standby_configuration"
_COPY = "__standby_copy"
_VERIFICATION = "__standby_verification"
#: by what of the standby's host was looked at meanwhile, where that was registered there
_SEEN = {"former": "__standby_former", "looked": "__standby_look"}


def _plans(situations: t.Sequence[Situation]) -> t.Iterator[StandbyPlan]:
    return map(_plan, situations)


def _plan(of: Situation) -> StandbyPlan:
    standby = next((host for host in of.pair["coordinators"] if host != of.pair["primary"]), None)
    seen = {what: of.variables[standby].get(name) for what, name in _SEEN.items() if standby and what in of.options["seen"]}
    return make(of.pair, of.observations, of.pair["variables"], of.pair["options"], of.inventory, **seen)


def _decide(task: Task, _given: Variables) -> Variables:
    """Fail on all hosts of a cluster that was not seen mirrored; else tell, on the standby's, what is to be kept there."""
    plan, alive = task.of_cluster(PLANS), task.variables["ansible_play_hosts"]
    lost = [host for host in hosts_of(task.of_cluster(VERDICT)) if host not in alive]
    seen = task.on(plan["primary"])(_VERIFICATION).get("primary") or {}
    verified = bool((seen.get("probe") or {}).get("replayed"))
    if task.check_mode:
        verified = "content" in task.on(plan["standby"])(_COPY) or "settings" in task.on(plan["standby"])(_CONFIGURATION)
    if lost or not verified:
        why = f"{', '.join(lost)} dropped out of the run" if lost else "the standby was not seen stream in sync and replay a write"
        return {"failed": True, "msg": why}
    record = {**plan["record"], "client_port": (seen.get("walsender") or {}).get("client_port")}
    return {"record": {name: value for name, value in record.items() if value is not None}} if task.host == plan["standby"] else {}


def _ended(ending: Ending) -> Outcome:
    limit = f"{ending.task.options['standby_timeout']:g}"
    return outcome(ending.cluster, ending.plan, ending.hosts, ending.lost, ending.task.check_mode, limit)


STAGES = {
    "plan": stage.plan(INTENT, _plans, {"seen": {"type": "list", "elements": "str", "choices": list(_SEEN), "default": []}}),
    "decide": Stage(_decide),
    "conclude": stage.conclude(INTENT, PLANS, REGISTERED, _ended),
}
