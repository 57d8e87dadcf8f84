# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Whether a switchover goes on, is rolled back, or cannot be told to have happened, by what both coordinators' hosts said."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.coordinator import Coordinator
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.results import (
    Result,
    failed,
    message,
    unlogged,
    was_tried,
    worked,
)
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.drift import differences, to_bring
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._switchover.plan import SwitchoverPlan

#: go on with the promotion, or with what follows it; let the primary serve again; neither is safe
FORWARD, BACK, UNKNOWN = "forward", "back", "unknown"


@dataclasses.dataclass(frozen=True)
class SwitchoverVerdict:
    """What is right to do.

    :param way: one of the three above.
    :param reason: why.
    :param exact_loss: where the former primary's WAL ends on its disk; None where that was not read.
    :param drift: files that the former primary changed until it was stopped, and that the new one lacks so.
    """

    way: str
    reason: str
    exact_loss: dict[str, t.Any] | None = None
    drift: list[str] = dataclasses.field(default_factory=list)


def drift(plan: SwitchoverPlan, stopped: Result, brought: Result, new: Coordinator | None, old: Coordinator | None) -> list[str]:
    """Files that the new primary has otherwise than the former one had them when it was stopped.

    Where a run that was cut off stopped it, the new one may have been changed since: what it has that is newer than its promotion stays.

    :param stopped: the result of stopping the former primary; empty where this run did not.
    :param brought: the result of bringing the new one in step before; empty when there was nothing to bring.
    :param new: what the new one showed before.
    :param old: what the former one showed before.
    """
    there, here = unlogged(stopped), unlogged(brought) or (new.unlogged if new else None)
    resumed = plan.promoted and not there
    # nothing has made it a standby yet, nor started it
    if resumed and old and old.instance.role == "primary" and old.instance.postmaster is None:
        there = old.unlogged
    found = to_bring(differences(there, here, plan.accepted_drift))
    if not resumed or not here:
        return found
    promotion, files = new.promotion if new else None, here.files
    return [name for name in found if name not in files or (promotion is not None and files[name].changed <= promotion)]


def decide(plan: SwitchoverPlan, stopped: Result, disarmed: Result, activation: Result) -> SwitchoverVerdict:
    """What is right to do after the primary was stopped, or was not; and again after the standby was to be activated.

    The primary may serve again only where it is certain that the standby is not primary and nothing can promote it: it was seen
    disarmed, nothing was ever announced to what may be armed, or the primary's own host saw that there is no proof to promote it by,
    and acted on that. The standby is promoted only where it was, or where its primary was seen shut down.

    :param plan: the plan for the cluster.
    :param stopped: the result of stopping the former primary; empty when that was not tried.
    :param disarmed: the result of disarming the standby; empty when that was not tried.
    :param activation: the result of M(warehousepg.coordinator.coordinator_activation); empty when it was not tried.
    """
    primary, standby = plan.primary, plan.standby
    wal = stopped.get("wal") if worked(stopped) else None
    promoted = plan.promoted or bool(disarmed.get("promoted"))
    certain = worked(disarmed) and disarmed.get("disarmed") is True and not promoted
    if was_tried(activation):
        return _after(standby, activation, wal, certain)
    if promoted:
        return SwitchoverVerdict(FORWARD, f"{standby} is primary", wal)
    if stopped.get("serves") and disarmed.get("disarmed") is not False:
        return SwitchoverVerdict(BACK, f"{primary} serves again: it was ended before it wrote the checkpoint of a shutdown")
    ended = certain or "handover" in disarmed
    if wal and ended:
        return SwitchoverVerdict(FORWARD, f"{primary} was seen shut down, its WAL ends at {wal['end']}", wal)
    # an armed standby is promoted after an announcement alone, which this run would have made, or one that was cut off: what says that it
    # could not be disarmed heard of one
    announced = was_tried(stopped) or plan.begun or disarmed.get("disarmed") is False
    if certain or not announced:
        return SwitchoverVerdict(BACK, f"{standby} is not primary, and nothing will promote it")
    why = message(disarmed) or "it is not known what became of its promotion"
    told = "was told to stop" if was_tried(stopped) else "may have been told to stop by the run that was cut off"
    return SwitchoverVerdict(UNKNOWN, f"{primary} {told}, and of {standby} {why}")


def _after(standby: str | None, activation: Result, wal: dict[str, t.Any] | None, certain: bool) -> SwitchoverVerdict:
    if activation.get("promoted"):
        return SwitchoverVerdict(FORWARD, f"{standby} is primary", wal)
    # a module that was killed, or not heard of any more, tells nothing of the instance, and may have promoted it
    refused = failed(activation) and activation.get("promoted") is False and not activation.get("failed_step")
    if certain and refused:
        return SwitchoverVerdict(BACK, f"{standby} was not promoted: {message(activation)}")
    return SwitchoverVerdict(UNKNOWN, f"{standby} may still be promoted: {message(activation)}", wal)
