# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""How a drill ended for a cluster: what its two switchovers cost those who write."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.loss import NONE
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._activate_standby.outcome import Outcome
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._drill import measure
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._drill.measure import Clocks, Measured
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._drill.progress import WRITTEN, Progress, Switch
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.results import failed, message
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._switchover import outcome as of_switchover

REHEARSED = "rehearsed"
WITH_TROUBLE = "rehearsed_with_trouble"
HALF = "half_rehearsed"
NOT_REHEARSED = "not_rehearsed"
UNCONFIRMED = "unconfirmed"
POSSIBLE = "possible"

#: grows when a key of the document changes its meaning or goes; a new key alone does not change it
SCHEMA_VERSION = 1


@dataclasses.dataclass(frozen=True)
class _Seen:
    """What was seen of both ways; each None where it was not come to that."""

    there: Measured | None
    back: Measured | None
    clocks: Clocks
    longest_pause_s: float | None

    @property
    def ways(self) -> list[Measured]:
        return [way for way in (self.there, self.back) if way]

    @property
    def rto_s(self) -> float | None:
        """The longer of both; None where one that was gone was not measured."""
        found = [way.rto_s for way in self.ways]
        return None if not found or None in found else max(t.cast("list[float]", found))

    @property
    def lost(self) -> int | None:
        """Of both together."""
        found = [way.lost for way in self.ways]
        return None if not found or None in found else sum(t.cast("list[int]", found))


def outcome(progress: Progress) -> Outcome:
    """How it ended for a cluster."""
    plan, there, back = progress.plan, progress.there, progress.back
    seen = _seen(progress)
    what, why = _what(progress, seen)
    now = {REHEARSED: plan.primary, WITH_TROUBLE: plan.primary, HALF: plan.standby, NOT_REHEARSED: plan.primary}.get(what)
    acknowledged, unheard = measure.counted(progress.logs)
    losses = [switch.loss for switch in (there, back) if switch and switch.loss]
    document = {
        "schema_version": SCHEMA_VERSION,
        "cluster": progress.cluster,
        **plan.audit,
        "outcome": what,
        "reason": why,
        "state": plan.state,
        "former_primary": plan.primary,
        "new_primary": now,
        "rto_s": seen.rto_s,
        "rpo_commits": seen.lost,
        "loss": next((loss for loss in losses if loss.get("known") != NONE), losses[0] if losses else None),
        "there": _way(there, seen.there),
        "back": _way(back, seen.back),
        "writes": {
            "interval_s": plan.interval,
            "acknowledged": acknowledged,
            "unheard": unheard,
            "longest_pause_s": seen.longest_pause_s,
            "clock_ahead_s": seen.clocks.ahead_s,
            "clock_uncertainty_s": seen.clocks.uncertainty_s,
        },
        "seconds": {
            f"{way}_{phase}": seconds
            for way, switch in (("there", there), ("back", back))
            for phase, seconds in (switch.seconds if switch else {}).items()
        },
        "warnings": plan.warnings,
    }
    return Outcome(what, *_say(progress, what, why, document), document)


def _seen(progress: Progress) -> _Seen:
    primary, standby = (progress.plan.primary or "", progress.plan.standby or "")
    logs, clocks = progress.logs, Clocks()
    if primary in logs and standby in logs:
        clocks = measure.clocks(logs[primary], logs[standby])
    ahead = {primary: clocks.ahead_s or 0.0}

    def measured(switch: Switch | None) -> Measured | None:
        return measure.measure(logs, switch.timeline, switch.switch_lsn, ahead) if switch and switch.switched else None

    return _Seen(measured(progress.there), measured(progress.back), clocks, measure.longest_pause(logs, ahead))


def _way(switch: Switch | None, measured: Measured | None) -> dict[str, t.Any] | None:
    """One of both ways, as programs get it."""
    if switch is None:
        return None
    found = measured or Measured(None, 0, None)
    return {
        **dataclasses.asdict(switch),
        "seconds": dict(switch.seconds),
        "rto_s": found.rto_s,
        "acknowledged": found.acknowledged,
        "rpo_commits": found.lost,
    }


def _what(progress: Progress, seen: _Seen) -> tuple[str, str]:
    """What became of it, and why."""
    plan, there, back = progress.plan, progress.there, progress.back
    if plan.refusal:
        return NOT_REHEARSED, plan.refusal
    if there is None:
        if progress.lost or progress.writes:
            lost = "; ".join(f"{host} dropped out of the run" for host in progress.lost)
            return UNCONFIRMED, lost or "the switchover was broken off, see above"
        return NOT_REHEARSED, "no writer was started: " + ("; ".join(progress.unstarted) or "see above")
    if there.outcome == of_switchover.POSSIBLE:
        return POSSIBLE, ""
    if not there.switched:
        return (UNCONFIRMED if there.switched is None else NOT_REHEARSED), there.reason
    if back is None or not back.switched:
        reason = back.reason if back else "it was not come to that, see above"
        return (UNCONFIRMED if back and back.switched is None else HALF), reason
    troubles = [switch.reason for switch in (there, back) if switch.outcome != of_switchover.SWITCHED and switch.reason]
    troubles += _unmeasured(progress, seen)
    if seen.lost:
        troubles.append(f"{seen.lost} acknowledged commits are lost")
    return (WITH_TROUBLE, "; ".join(troubles)) if troubles else (REHEARSED, "")


def _unmeasured(progress: Progress, seen: _Seen) -> list[str]:
    """Why what was to be measured was not."""
    results = {host: progress.on(host, WRITTEN) for host in progress.coordinators}
    found = [f"{host}: what was written there is not known: {message(result)}" for host, result in results.items() if failed(result)]
    if not found and seen.rto_s is None:
        found.append("the writers saw no acknowledged commit before or after a promotion")
    return found


def _say(progress: Progress, what: str, why: str, document: t.Mapping[str, t.Any]) -> tuple[str, list[str], str]:
    """The last line, those before it, and what the failure says."""
    cluster, plan = progress.cluster, progress.plan
    primary, standby = plan.primary, plan.standby
    lines = [f"warning: {warning}" for warning in plan.warnings]
    lines += [f"{way}: {_told(document[way])}" for way in ("there", "back") if document[way] and document[way]["switched"]]
    if progress.logs:
        lines.append(_written(progress, document["writes"]))
    figures = f"RTO {_seconds(document['rto_s'])}, RPO {_commits(document['rpo_commits'])}"
    if what == REHEARSED:
        return f"rehearsed: {primary} is primary again, and {standby} its standby; {figures}", lines, ""
    if what == POSSIBLE:
        return f"can be rehearsed: {standby} can be primary instead of {primary}, and {primary} again; nothing was changed", lines, ""
    if what == WITH_TROUBLE:
        text = f"REHEARSED WITH TROUBLE: {primary} is primary again; {figures}; {why}"
    elif what == HALF:
        text = (
            f"HALF REHEARSED: {standby} is primary and stays so, for the way back failed: {why}; {figures}. When the cause is mended, run "
            f"the playbook switchover with switchover_to={primary}"
        )
    elif what == UNCONFIRMED:
        text = f"DRILL UNCONFIRMED: {why}; run the playbook switchover with switchover_to={primary}, which finishes it or rolls it back"
    else:
        text = f"NOT rehearsed: {why}" + (f"; {primary} serves, as before" if progress.there else "")
    return text, lines, f"{cluster}: {text}"


def _told(way: t.Mapping[str, t.Any]) -> str:
    """One of both ways for people."""
    phases = ", ".join(f"{name.replace('_', ' ')} {value:.2f}" for name, value in way["seconds"].items())
    return (
        f"{way['new_primary']} became primary; RTO {_seconds(way['rto_s'])}, RPO {_commits(way['rpo_commits'])} of {way['acknowledged']} "
        f"acknowledged; seconds: {phases}"
    )


def _written(progress: Progress, writes: t.Mapping[str, t.Any]) -> str:
    """What was measured with, for people."""
    clocks = "the difference of the hosts' clocks was not measured, and is taken for none"
    if writes["clock_ahead_s"] is not None:
        clocks = (
            f"the clock of {progress.plan.primary} is {writes['clock_ahead_s']:.4f} s ahead of that of {progress.plan.standby}, within "
            f"{writes['clock_uncertainty_s']:.4f} s"
        )
    return (
        f"written: a commit every {writes['interval_s']:g} s, {writes['acknowledged']} acknowledged, {writes['unheard']} not; "
        f"the longest pause was {_seconds(writes['longest_pause_s'])}; {clocks}"
    )


def _seconds(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.2f} s"


def _commits(value: int | None) -> str:
    return "not known" if value is None else f"{value} commits"
