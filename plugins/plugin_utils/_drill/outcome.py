# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""How a drill ended for a cluster: what it would cost those who write."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.loss import NONE
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._activate_standby.outcome import Outcome
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._drill import measure
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._drill.measure import Clocks, Measured
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._drill.plan import COPY
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._drill.progress import (
    ACTIVATED,
    COPIED,
    REMOVED,
    WRITTEN,
    Progress,
    Switch,
)
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.results import failed, message, taken
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._switchover import outcome as of_switchover
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._switchover.progress import SWITCHED

REHEARSED = "rehearsed"
WITH_TROUBLE = "rehearsed_with_trouble"
HALF = "half_rehearsed"
NOT_REHEARSED = "not_rehearsed"
UNCONFIRMED = "unconfirmed"
POSSIBLE = "possible"

#: grows when a key of the document changes its meaning or goes; a new key alone does not change it
SCHEMA_VERSION = 1


#: phases of the activation of a copy, in their order: by step of its tasks
_STEPS = ("copy_files", "take_wal", "start", "replay", "promote", "first_write")


@dataclasses.dataclass(frozen=True)
class _Ended:
    """How it ended.

    :param what: one of the names above.
    :param why: why it ended so.
    :param text: the last line; empty for that of the name.
    :param now: host that is primary then; None where that is not known.
    :param rto_s: seconds without an acknowledged commit, at most; None where that was not measured.
    :param lost: how many acknowledged commits were lost; likewise.
    :param lines: what is printed before the last line.
    :param parts: what the document has beside.
    """

    what: str
    why: str
    text: str = ""
    now: str | None = None
    rto_s: float | None = None
    lost: int | None = None
    lines: list[str] = dataclasses.field(default_factory=list)
    parts: dict[str, t.Any] = dataclasses.field(default_factory=dict)

    @property
    def figures(self) -> str:
        """What auditors ask for."""
        return f"RTO {_seconds(self.rto_s)}, RPO {_commits(self.lost)}"


def outcome(progress: Progress) -> Outcome:
    """How it ended for a cluster."""
    plan = progress.plan
    ended = _of_copy(progress) if plan.kind == COPY else _of_switchover(progress)
    acknowledged, unheard = measure.counted(progress.logs)
    ahead = _ahead(progress)
    clocks = _clocks(progress)
    writes = {
        "interval_s": plan.interval,
        "acknowledged": acknowledged,
        "unheard": unheard,
        "longest_pause_s": measure.longest_pause(progress.logs, ahead),
        "clock_ahead_s": clocks.ahead_s,
        "clock_uncertainty_s": clocks.uncertainty_s,
    }
    document = {
        "schema_version": SCHEMA_VERSION,
        "cluster": progress.cluster,
        **plan.audit,
        "kind": plan.kind,
        "outcome": ended.what,
        "reason": ended.why,
        "state": plan.state,
        "former_primary": plan.primary,
        "new_primary": ended.now,
        "rto_s": ended.rto_s,
        "rpo_commits": ended.lost,
        "loss": None,
        "there": None,
        "back": None,
        "copy": None,
        "writes": writes,
        "seconds": {},
        "warnings": plan.warnings,
        **ended.parts,
    }
    lines = [*(f"warning: {warning}" for warning in plan.warnings), *ended.lines]
    if progress.logs:
        lines.append(_written(progress, writes))
    text, fails = _say(progress, ended)
    return Outcome(ended.what, text, lines, f"{progress.cluster}: {text}" if fails else "", document)


def _say(progress: Progress, ended: _Ended) -> tuple[str, bool]:
    """The last line, and whether it is that of a failure."""
    if ended.what == REHEARSED:
        return f"rehearsed: {ended.text}; {ended.figures}", False
    if ended.what == POSSIBLE:
        return f"can be rehearsed: {ended.text}; nothing was changed", False
    if ended.what == WITH_TROUBLE:
        return f"REHEARSED WITH TROUBLE: {ended.text}; {ended.figures}; {ended.why}", True
    if ended.what == NOT_REHEARSED:
        return f"NOT rehearsed: {ended.why}" + (f"; {ended.text}" if ended.text else ""), True
    primary = progress.plan.primary
    if ended.what == HALF:
        return (
            f"HALF REHEARSED: {ended.text}, for the way back failed: {ended.why}; {ended.figures}. When the cause is mended, run the "
            f"playbook switchover with switchover_to={primary}"
        ), True
    return f"DRILL UNCONFIRMED: {ended.why}; {ended.text}", True


def _of_switchover(progress: Progress) -> _Ended:
    """How a switchover there and back ended."""
    plan, there, back = progress.plan, progress.there, progress.back
    ahead = _ahead(progress)
    ways = {name: (switch, _measured(progress, switch, ahead)) for name, switch in (("there", there), ("back", back))}
    measured = [found for _switch, found in ways.values() if found]
    times, losses = [found.rto_s for found in measured], [found.lost for found in measured]
    what, why = _what(progress, None in times or None in losses, sum(lost or 0 for lost in losses))
    told = [switch.loss for switch in (there, back) if switch and switch.loss]
    shown = {name: _way(switch, found) for name, (switch, found) in ways.items()}
    swapped = [switch for switch in (there, back) if switch and switch.switched]
    primary = {0: plan.primary, 1: plan.standby, 2: plan.primary}[len(swapped)]
    texts = {
        REHEARSED: f"{plan.primary} is primary again, and {plan.standby} its standby",
        WITH_TROUBLE: f"{plan.primary} is primary again",
        HALF: f"{plan.standby} is primary and stays so",
        NOT_REHEARSED: f"{plan.primary} serves, as before" if there else "",
        UNCONFIRMED: f"run the playbook switchover with switchover_to={plan.primary}, which finishes it or rolls it back",
        POSSIBLE: f"{plan.standby} can be primary instead of {plan.primary}, and {plan.primary} again",
    }
    return _Ended(
        what,
        why,
        texts[what],
        None if what == UNCONFIRMED else primary,
        None if not times or None in times else max(t.cast("list[float]", times)),
        None if not losses or None in losses else sum(t.cast("list[int]", losses)),
        [f"{name}: {_told(way)}" for name, way in shown.items() if way and way["switched"]],
        {
            **shown,
            "loss": next((loss for loss in told if loss.get("known") != NONE), told[0] if told else None),
            "seconds": {
                f"{name}_{phase}": value
                for name, (switch, _found) in ways.items()
                for phase, value in (switch.seconds if switch else {}).items()
            },
        },
    )


def _what(progress: Progress, unmeasured: bool, lost: int) -> tuple[str, str]:
    """What became of a switchover there and back, and why.

    :param unmeasured: whether a way that was gone was not measured.
    :param lost: how many acknowledged commits are lost.
    """
    there, back = progress.there, progress.back
    begun = _before(progress)
    if begun or there is None:
        return begun or (UNCONFIRMED, _lost(progress) or "the switchover was broken off, see above")
    if there.outcome == of_switchover.POSSIBLE:
        return POSSIBLE, ""
    if not there.switched:
        return (UNCONFIRMED if there.switched is None else NOT_REHEARSED), there.reason
    if back is None or not back.switched:
        reason = back.reason if back else "it was not come to that, see above"
        return (UNCONFIRMED if back and back.switched is None else HALF), reason
    troubles = [switch.reason for switch in (there, back) if switch.outcome != SWITCHED and switch.reason]
    troubles += _unwritten(progress)
    if unmeasured and not troubles:
        troubles.append("the writers saw no acknowledged commit before or after a promotion")
    troubles += [f"{lost} acknowledged commits are lost"] if lost else []
    return (WITH_TROUBLE, "; ".join(troubles)) if troubles else (REHEARSED, "")


def _before(progress: Progress) -> tuple[str, str] | None:
    """What became of it, and why, where nothing was rehearsed; None where something may have been."""
    if progress.plan.refusal:
        return NOT_REHEARSED, f"nothing was changed: {progress.plan.refusal}"
    if progress.unstarted:
        return NOT_REHEARSED, f"nothing was changed: no writer was started: {'; '.join(progress.unstarted)}"
    return None


def _lost(progress: Progress) -> str:
    """Which hosts were lost; empty where none was."""
    return "; ".join(f"{host} dropped out of the run" for host in progress.lost)


def _unwritten(progress: Progress) -> list[str]:
    """Why it is not known what was written."""
    results = {host: progress.on(host, WRITTEN) for host in progress.writers}
    return [f"{host}: what was written there is not known: {message(result)}" for host, result in results.items() if failed(result)]


def _of_copy(progress: Progress) -> _Ended:
    """How the activation of a copy ended."""
    plan, found = progress.plan, progress.activated
    copied, removed = progress.on_standby(COPIED), progress.on_standby(REMOVED)
    steps = {name: _taken(progress, name) for name in _STEPS}
    phases = {name: value for name, value in steps.items() if value is not None}
    measured = measure.of_copy(progress.logs, found.end_timeline, found.end_lsn) if found else None
    left = [f"what is left of the copy on {plan.standby} could not be removed: {message(removed)}; the next drill removes it"]
    left = left if failed(removed) else []
    begun = _before(progress)
    if begun:
        what, why = begun
    elif progress.lost and found is None:
        what, why = UNCONFIRMED, _lost(progress)
    elif progress.check_mode and not failed(copied):
        what, why = POSSIBLE, ""
    elif found is None or measured is None:
        said = message(progress.on_standby(ACTIVATED)) or message(copied) or "it was not come to that, see above"
        what, why = NOT_REHEARSED, "; ".join([f"the copy of the standby on {plan.standby} was not activated: {said}", *left])
    else:
        troubles = [*_unwritten(progress), *left]
        troubles += [f"the copy lacks {measured.lost} acknowledged commits"] if measured.lost else []
        troubles += [] if measured.acknowledged or troubles else ["the writer saw no acknowledged commit"]
        what, why = (WITH_TROUBLE, "; ".join(troubles)) if troubles else (REHEARSED, "")
    stays = f"{plan.primary} is primary, and {plan.standby} its standby, as before"
    activated = f"a copy of the standby on {plan.standby} was activated{'' if left else ' and removed'}; {stays}"
    texts = {
        REHEARSED: activated,
        WITH_TROUBLE: activated,
        NOT_REHEARSED: "" if plan.refusal else stays,
        UNCONFIRMED: f"{stays}; run this again, which removes what is left of the copy",
        POSSIBLE: f"the standby on {plan.standby} can be copied, and the copy activated",
    }
    if found is None or measured is None:
        return _Ended(what, why, texts[what], plan.primary, parts={"seconds": phases})
    copy = {
        "host": plan.standby,
        "bytes": copied.get("bytes"),
        **dataclasses.asdict(found),
        **dataclasses.asdict(measured),
        "removed": not left,
    }
    line = (
        f"copy: {copied.get('bytes', 0) >> 20} MiB; it had all WAL up to {found.end_lsn}, {_commits(measured.lost)} of "
        f"{measured.acknowledged} acknowledged missing; no session of it could dispatch, as it says: {found.closed}; "
        f"seconds: {_listed(phases)}"
    )
    lost = measured.lost if measured.acknowledged else None
    return _Ended(what, why, texts[what], plan.primary, found.rto_s, lost, [line], {"copy": copy, "seconds": phases})


def _taken(progress: Progress, step: str) -> float | None:
    """Seconds of a step of the copy's tasks; None where it was not come to that."""
    done = [one for name in (COPIED, ACTIVATED) for one in progress.on_standby(name).get("steps") or () if one["name"] == step]
    return taken({"": {"": {"steps": done}}}, [""])


def _clocks(progress: Progress) -> Clocks:
    """How the clock of the primary's host differs from that of the standby's."""
    primary, standby = (progress.logs.get(host or "") for host in (progress.plan.primary, progress.plan.standby))
    return measure.clocks(primary, standby) if primary and standby else Clocks()


def _ahead(progress: Progress) -> dict[str, float]:
    """By host, how much its clock is ahead of the standby's."""
    return {progress.plan.primary or "": _clocks(progress).ahead_s or 0.0}


def _measured(progress: Progress, switch: Switch | None, ahead: t.Mapping[str, float]) -> Measured | None:
    """What was measured of a switchover; None where it did not swap the roles."""
    return measure.measure(progress.logs, switch.timeline, switch.switch_lsn, ahead) if switch and switch.switched else None


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


def _told(way: t.Mapping[str, t.Any]) -> str:
    """One of both ways for people."""
    return (
        f"{way['new_primary']} became primary; RTO {_seconds(way['rto_s'])}, RPO {_commits(way['rpo_commits'])} of {way['acknowledged']} "
        f"acknowledged; seconds: {_listed(way['seconds'])}"
    )


def _listed(phases: t.Mapping[str, float]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value:.2f}" for name, value in phases.items())


def _written(progress: Progress, writes: t.Mapping[str, t.Any]) -> str:
    """What was measured with, for people."""
    clocks = "; the difference of the hosts' clocks was not measured, and is taken for none" if len(progress.writers) > 1 else ""
    if writes["clock_ahead_s"] is not None:
        way = "behind" if writes["clock_ahead_s"] < 0 else "ahead of"
        clocks = (
            f"; the clock of {progress.plan.primary} is {abs(writes['clock_ahead_s']):.4f} s {way} that of {progress.plan.standby}, within "
            f"{writes['clock_uncertainty_s']:.4f} s"
        )
    return (
        f"written: a commit every {writes['interval_s']:g} s, {writes['acknowledged']} acknowledged, {writes['unheard']} not; "
        f"the longest pause was {_seconds(writes['longest_pause_s'])}{clocks}"
    )


def _seconds(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.2f} s"


def _commits(value: int | None) -> str:
    return "not known" if value is None else f"{value} commits"
