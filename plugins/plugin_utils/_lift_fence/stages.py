# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What lifting a fence has done on the controller."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run import stage
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.progress import Plan
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.stage import Situation

INTENT = "lift_fence"


@dataclasses.dataclass(frozen=True)
class LiftPlan(Plan):
    """What has to be done.

    :param refusal: why nothing is begun: a former primary could write again; empty where nothing hinders.
    :param fenced: hosts with packet filters of the cluster.
    :param blocks: host with a former primary that is kept from starting first; empty without one.
    :param unseen: segment hosts that were not observed.
    """

    fenced: list[str] = dataclasses.field(default_factory=list)
    blocks: str = ""
    unseen: list[str] = dataclasses.field(default_factory=list)

    @property
    def acts(self) -> bool:
        """Whether something is to be done."""
        return bool(self.fenced) and not self.refusal


def make(of: Situation) -> LiftPlan:
    """What has to be done in a cluster."""
    pair, seen = of.pair, of.observations
    other = next((host for host in pair.coordinators if host != pair.primary), "")
    fenced = [host for host, found in seen.items() if found and any(fence.cluster == of.cluster for fence in found.fences)]
    former = of.coordinator(other)
    return LiftPlan(
        refusal="; ".join(pair.wrong) or (_refusal(of, other) if fenced else ""),
        fenced=fenced,
        blocks=other if former and former.instance.role == "primary" else "",
        unseen=[host for host in pair.segment_hosts if host in pair.unknown],
    )


def _refusal(of: Situation, other: str) -> str:
    """Why fences that there are may not be lifted.

    :param other: host where the former primary is, or a standby by now.
    """
    confirmed = of.pair.options["lift_fence_confirm_down"]
    if of.hindrance:
        return of.hindrance
    if confirmed not in ("", other):
        return f"lift_fence_confirm_down is {confirmed}, and the host in question is {other}: correct it"
    if other in of.pair.unknown and not confirmed:
        return (
            f"{other} was not observed, and could run a primary: make it reachable, or, if no primary will ever run there again, set "
            f"lift_fence_confirm_down={other}"
        )
    return ""


def _plans(situations: t.Sequence[Situation]) -> t.Iterator[LiftPlan]:
    return map(make, situations)


STAGES = {"plan": stage.plan(INTENT, _plans)}
