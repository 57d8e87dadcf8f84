# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What marking a pair as in maintenance has done on the controller."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run import stage
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.progress import Plan, Plans, Progress
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.stage import Situation

INTENT = "maintenance"

#: where its tasks register
_MARK = "__maintenance_mark"


@dataclasses.dataclass(frozen=True)
class MaintenancePlan(Plan):
    """What has to be done.

    :param desired: whether the pair is to be in maintenance.
    :param hosts: where the mark is to be, or is to be no more.
    :param unknown: by host of a coordinator that was not observed, why.
    """

    desired: bool = False
    hosts: list[str] = dataclasses.field(default_factory=list)
    unknown: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How it ended, see :class:`stage.Ended`."""

    text: str
    failure: str = ""
    lines: t.Sequence[str] = ()
    document: None = None

    @property
    def returned(self) -> dict[str, t.Any]:
        """What the role returns."""
        return {}


def make(of: Situation) -> MaintenancePlan:
    """What has to be done in a cluster. Where the parent directory is missing nothing can be marked, and no instance can be."""
    pair = of.pair
    refusal = "; ".join([*pair.problems, *pair.wrong]) or pair.busy
    if refusal:
        return MaintenancePlan(refusal)
    observed = {host: of.coordinator(host) for host in pair.coordinators if host not in pair.unknown}
    return MaintenancePlan(
        refusal="",
        desired=bool(pair.options["maintenance"]),
        hosts=[host for host, found in observed.items() if found and found.site.parent_owner is not None],
        unknown={host: pair.unknown[host] for host in pair.coordinators if host in pair.unknown},
    )


def outcome(progress: Progress[MaintenancePlan]) -> Outcome:
    """How it ended for a cluster."""
    cluster, plan = progress.cluster, progress.plan
    if plan.refusal:
        return Outcome(plan.refusal, f"{cluster}: {plan.refusal}")
    done = [host for host in plan.hosts if "maintenance" in progress.on(host, _MARK)]
    missed = [host for host in (*plan.unknown, *plan.hosts) if host not in done]
    failure = ""
    if plan.desired and not done:
        failure = f"no host of the coordinators could be marked: {'; '.join(map(', '.join, plan.unknown.items()))}"
    elif not plan.desired and missed:
        failure = f"the mark may be left on {', '.join(missed)}, which was not reached: run this again when it can be"
    if failure:
        return Outcome(failure, f"{cluster}: {failure}")
    if not plan.desired:
        return Outcome("not in maintenance")
    not_marked = f"; not marked on {', '.join(missed)}" if missed else ""
    return Outcome(f"in maintenance: nothing but status acts on the pair, marked on {', '.join(done)}{not_marked}")


#: where they are registered
_PLANS = Plans(MaintenancePlan, "__maintenance_plans")


def _plans(situations: t.Sequence[Situation]) -> t.Iterator[MaintenancePlan]:
    return map(make, situations)


STAGES = {
    "plan": stage.plan(INTENT, _plans),
    "conclude": stage.conclude(INTENT, Progress, _PLANS, lambda progress, _task: outcome(progress)),
}
