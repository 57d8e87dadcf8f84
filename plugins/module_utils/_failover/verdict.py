# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""From what was seen of both coordinator hosts, and by the segment hosts: what state the pair is in, and whether activation is allowed.

Pure. An observation that could not be made is None, "unknown"; it never counts as evidence that something is down.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.evidence import UNPROVED, Place, Proofs, Sighting, View

MIRRORED = "mirrored"
DEGRADED = "degraded"
PRIMARY_HUNG = "primary_hung"
PRIMARY_DOWN = "primary_down"
BOTH_DOWN = "both_down"
PRIMARY_UNKNOWN = "primary_unknown"
SPLIT_BRAIN = "split_brain"
UNMIRRORED = "unmirrored"

#: the worst first
STATES = (SPLIT_BRAIN, BOTH_DOWN, PRIMARY_DOWN, PRIMARY_UNKNOWN, PRIMARY_HUNG, DEGRADED, UNMIRRORED, MIRRORED)


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What state a pair is in.

    :param state: one of :data:`STATES`.
    :param reasons: sentences on what was seen.
    :param advice: what to do next.
    :param primary: host that is primary, or was last; None when that was not seen.
    :param standby: host that is standby, or could be; None when there is none.
    :param activation: whether the standby may be activated.
    :param activation_reason: why, or what is missing.
    :param serves: whether the primary was asked and answered, so that something can be done with it.
    :param as_desired: whether it is what the inventory asks for: mirrored, or without a standby where it names no host for one.
    """

    state: str
    reasons: tuple[str, ...]
    advice: str
    primary: str | None
    standby: str | None
    activation: bool
    activation_reason: str
    serves: bool = False
    as_desired: bool = False


#: state, reasons, advice, primary, standby
_Finding = t.Tuple[str, t.List[str], str, t.Optional[str], t.Optional[View]]

_NO_ACTIVATION = {
    MIRRORED: "the primary serves: use a switchover",
    DEGRADED: "the primary serves",
    SPLIT_BRAIN: "two instances accept writes",
    UNMIRRORED: "there is no standby",
    BOTH_DOWN: "the standby is down too: start the primary",
}


def _activation(
    finding: _Finding, views: t.Sequence[View], proofs: Proofs, sightings: t.Sequence[Sighting], both_down: bool
) -> tuple[bool, str]:
    state, _reasons, _advice, primary, standby = finding
    refusing = next((view.host for view in views if view.host == primary and view.is_primary and view.refused), None)
    if refusing:
        return False, f"the instance on {refusing} lives and answers: if it is not to serve any more, stop it for good first"
    if state in _NO_ACTIVATION and not (state == BOTH_DOWN and both_down):
        return False, _NO_ACTIVATION[state]
    if standby is None or standby.role != "standby":
        return False, "no standby was seen in recovery"
    if not (standby.running or both_down):
        return False, f"the standby on {standby.host} is stopped"
    if standby.suspended:
        return False, f"the standby on {standby.host} is suspended"
    if primary is None:
        return False, "it is not known which host was primary"
    system = next(view.system_identifier for view in views if view.host == primary)
    if system is not None and system != standby.system_identifier:
        return False, f"{standby.host} holds the system {standby.system_identifier or 'unknown'}, {primary} {system}"
    if state in (PRIMARY_DOWN, BOTH_DOWN):
        return True, f"the instance on {primary} was seen stopped"
    if state == PRIMARY_HUNG:
        if primary in proofs.stopped and primary in proofs.confirmed:
            return True, f"{primary} was stopped for good, with the operator's confirmation"
        return False, f"{primary} lives: it must be stopped for good first, with the operator's confirmation"
    if primary in proofs.fenced:
        return True, f"{primary} is fenced"
    living = [str(sighting) for sighting in sightings if sighting.of == primary and sighting.lives]
    if living and primary in proofs.confirmed:
        return False, f"the operator's confirmation does not do: {'; '.join(living)}"
    if primary in proofs.confirmed:
        return True, f"the operator confirms that {primary} is down"
    return False, f"{primary} was not seen down: fence it, or confirm that it is down"


def judge(
    views: t.Sequence[View],
    proofs: Proofs = UNPROVED,
    sightings: t.Sequence[Sighting] = (),
    both_down: bool = False,
    desired: bool = True,
) -> Verdict:
    """Decide what state a pair is in.

    :param views: of the hosts where the coordinator may live.
    :param proofs: what is proved about hosts that were not seen stopped.
    :param sightings: what other hosts see of them.
    :param both_down: whether a standby may be activated that is stopped, too.
    :param desired: whether the cluster is to have a standby.
    """
    running = [view for view in views if view.is_primary]
    if len(running) > 1:
        finding = _several(running)
    elif running:
        finding = _living(running[0], views, desired)
    else:
        finding = _none_living(views)
    state, reasons, advice, primary, standby = finding
    for view in views:
        if not view.observed:
            reasons.append(f"{view.host}: unknown, {view.silence or 'it was not observed'}")
            # a primary that has nothing to do is not seen by those who did not try its port
            reasons += [str(sighting) for sighting in sightings if sighting.of == view.host and (sighting.lives or sighting.port)]
            # a standby has no sessions with segments
            if running and any(sighting.of == view.host and sighting.sessions for sighting in sightings):
                reasons.append(f"{view.host} may be a second primary")
    allowed, why = _activation(finding, views, proofs, sightings, both_down)
    serves = state in (MIRRORED, DEGRADED, UNMIRRORED) and not (running[0].refused or _held_up(running[0]))
    as_desired = state == (MIRRORED if desired else UNMIRRORED)
    return Verdict(state, tuple(reasons), advice, primary, standby.host if standby else None, allowed, why, serves, as_desired)


def _several(running: t.Sequence[View]) -> _Finding:
    hosts = ", ".join(view.host for view in running)
    if len({view.system_identifier for view in running}) > 1:
        reasons = [f"{view.host} is primary of the system {view.system_identifier}" for view in running]
        return PRIMARY_UNKNOWN, reasons, "correct the inventory: these hosts are not of one cluster", None, None
    reasons = [f"{view.host} runs as primary on timeline {view.timeline}" for view in running]
    advice = f"stop all but one of {hosts} before anything else is written"
    timelines = [view.timeline or 0 for view in running]
    if len(set(timelines)) == len(running) and all(timelines):
        former = min(running, key=lambda view: view.timeline or 0)
        advice += f"; after an activation, stop {former.host}, the former primary"
    return SPLIT_BRAIN, reasons, advice, None, None


def _held_up(primary: View) -> bool:
    """Whether a write was seen not to return, although no standby streams that it could wait for."""
    return primary.acknowledged is False and not primary.streaming


def _living(primary: View, views: t.Sequence[View], desired: bool) -> _Finding:
    others = [view for view in views if view is not primary]
    standby = next((view for view in others if view.role == "standby"), None)
    unseen = next((view for view in others if not view.observed), None)
    former = next((view for view in others if view.role == "primary" and view.system_identifier == primary.system_identifier), None)
    mend = _advice_for_former(former, primary) if former else "run enable_mirroring"
    if primary.refused:
        reasons = [f"{primary.host}: the instance answers, {_REFUSALS.get(primary.refused, _REFUSED)}: {primary.said}"]
        return DEGRADED, [*reasons, *_unasked(standby)], _advice_for_refusal(primary), primary.host, standby
    if not primary.answered:
        reasons = [f"{primary.host}: the instance runs but did not answer a query"]
        return PRIMARY_HUNG, reasons, f"look at {primary.host}: its load, its log, its disks", primary.host, standby
    if _held_up(primary) and primary.others:
        waiting = f"{primary.host}: a write was not acknowledged; no standby streams, and commits wait for another walsender"
        reasons = [f"{waiting}: {'; '.join(primary.others)}"]
        return DEGRADED, reasons, f"end what {primary.host} sends WAL to beside a standby: stop its program", primary.host, standby
    if _held_up(primary):
        reasons = [f"{primary.host}: a write was not acknowledged, and no standby streams that it could wait for"]
        return PRIMARY_HUNG, reasons, f"look at {primary.host}: its load, its log, its disks", primary.host, standby
    if not desired:
        return _undesired(primary)
    if not primary.registered:
        name = standby.host if standby else "a second host"
        reasons = [f"{primary.host} serves; no standby is registered"]
        return UNMIRRORED, reasons, mend if former else f"{mend} to make {name} its standby", primary.host, standby
    reasons = _shortcomings(primary, standby, unseen)
    if standby is not None and not reasons:
        seen = f"{standby.host} streams in sync from {primary.host}"
        if primary.acknowledged is None:
            seen += " and had replayed its position; no write was tried"
        return MIRRORED, [seen], "nothing", primary.host, standby
    if standby is not None and standby.suspended:
        advice = f"resume {standby.host}, or terminate its walsender (playbook release with release_commits): commits wait for it"
    elif standby is not None and standby.removed_wal:
        advice = f"run enable_mirroring to make {standby.host} anew; what is there now is kept"
    elif standby is not None and standby.deaf:
        advice = f"let {standby.host} listen where clients reach it: run enable_mirroring with standby_listen_addresses"
    elif standby is None and unseen is not None:
        advice = f"{unseen.to_be_seen}, and look again"
    else:
        advice = mend
    return DEGRADED, reasons, advice, primary.host, standby


def _undesired(primary: View) -> _Finding:
    """What holds of a primary that serves in a cluster which is to have no standby."""
    no_host = "the inventory names no host for one"
    if not primary.registered:
        return UNMIRRORED, [f"{primary.host} serves; no standby is registered, and {no_host}"], "nothing", primary.host, None
    seen = "the primary sees it stream in sync" if primary.streaming else "the primary sees no standby stream"
    reasons = [f"a standby is registered on {primary.registered_on}, and {no_host}; {seen}"]
    advice = f"give {primary.registered_on} whpg_role=standby in the inventory; run disable_mirroring then if the standby is to be given up"
    return DEGRADED, reasons, advice, primary.host, None


def _advice_for_former(former: View, primary: View) -> str:
    if (former.timeline or 0) > (primary.timeline or 0):
        return (
            f"see which of both is right: {former.host} went on to timeline {former.timeline}, {primary.host} is on {primary.timeline}. "
            f"If it is {former.host}, stop the instance on {primary.host}, and start that one"
        )
    return f"run rejoin to make {former.host}, a former primary, its standby"


_REFUSED = "but could not be asked"

#: what a refusal means, and what helps, by its kind
_REFUSALS = {
    "too_many_connections": "but had no connection left for this look",
    "out_of_resources": "but lacked resources for this look",
    "not_accepting_connections": "but accepts no connections now, it starts, stops or recovers",
    "not_authorized": "but does not allow access to who asked, or to what was asked",
    "terminated_or_canceled": "but somebody terminated or canceled what was asked",
}
_REMEDIES = {
    "too_many_connections": "end sessions on {0} that are not needed, or raise max_connections, and look again",
    "out_of_resources": "look at {0}: its memory, its disks, its log; and look again",
    "not_accepting_connections": "wait until {0} accepts connections, see its log, and look again",
    "not_authorized": "allow the engine's user access on {0}, by its pg_hba.conf and the rights of its role, and look again",
}


def _advice_for_refusal(primary: View) -> str:
    return _REMEDIES.get(primary.refused or "", "look again, and see the log of {0}").format(primary.host)


def _unasked(standby: View | None) -> list[str]:
    """What is known of streaming where the primary could not be asked: its standby's side."""
    if standby is None or not standby.running:
        return [f"{standby.host}: the standby is stopped"] if standby else ["whether a standby streams was not seen"]
    if standby.suspended:
        return [f"{standby.host}: the standby is suspended"]
    seen = {
        True: "its walreceiver is connected to a primary; whether it streams in sync was not seen",
        False: "its walreceiver is not connected",
        None: "whether it streams was not seen",
    }
    return [f"{standby.host}: {seen[standby.connected]}"]


def _shortcomings(primary: View, standby: View | None, unseen: View | None) -> list[str]:
    """What is missing for a pair whose primary serves and has a standby registered to count as mirrored."""
    reasons = []
    if standby is None:
        if unseen is None:
            reasons.append("a standby is registered, but none of the hosts holds one")
        else:
            seen = "the primary sees it stream in sync" if primary.streaming else "the primary sees no standby stream"
            reasons.append(f"the standby was not observed; {seen}")
    else:
        if not standby.running:
            reasons.append(f"{standby.host}: the standby is stopped")
        elif standby.suspended:
            reasons.append(f"{standby.host}: the standby is suspended")
        if standby.removed_wal:
            why = f"the primary has removed the WAL segment {standby.removed_wal}"
            reasons.append(f"{standby.host}: the standby can no longer catch up, {why}")
        if standby.deaf:
            reasons.append(f"{standby.host}: {standby.deaf}")
        if standby.system_identifier != primary.system_identifier:
            reasons.append(f"{standby.host} holds the system {standby.system_identifier}, the primary {primary.system_identifier}")
        if standby.place != primary.registered:
            reasons.append(
                f"{standby.host}: its port, data directory, dbid are {_words(standby.place)}, registered are {_words(primary.registered)}"
            )
    if not primary.streaming:
        reasons.append(f"{primary.host}: no standby streams in sync; commits do not wait for one")
    elif primary.acknowledged is False:
        reasons.append(f"{primary.host}: a write was not acknowledged in time; commits wait for the standby")
    elif primary.caught_up is None:
        reasons.append(f"{primary.host}: it was not looked whether the standby replays its position")
    elif not primary.caught_up:
        reasons.append("the standby did not replay the primary's position in time")
    return reasons


def _seen_without_primary(view: View) -> bool:
    """Whether it was seen that no primary runs there."""
    return view.observed and (view.running is False or view.role == "standby")


def _words(place: Place | None) -> str:
    return ", ".join(map(str, place or ())) or "unknown"


def _none_living(views: t.Sequence[View]) -> _Finding:
    standbys = [view for view in views if view.role == "standby"]
    standby = next((view for view in standbys if view.running), next(iter(standbys), None))
    others = [view for view in views if view is not standby]
    unseen = [view for view in others if not _seen_without_primary(view)]
    if unseen:
        stopped = standby if standby and not standby.running else None
        reasons = [
            f"{view.host}: {'the standby is stopped' if view is stopped else 'no primary runs there'}"
            for view in views
            if _seen_without_primary(view)
        ]
        advice = "; ".join(view.to_be_seen for view in unseen) + (", or prove that it is fenced" if len(unseen) == 1 else "")
        advice += f"; start the standby on {stopped.host}" if stopped else ""
        return PRIMARY_UNKNOWN, reasons, advice, unseen[0].host if len(others) == 1 else None, standby
    primaries = [view for view in others if view.directory_state == "instance" and view.role == "primary"]
    primary = max(primaries, key=lambda view: view.timeline or 0, default=None)
    if primary is None:
        reasons = [f"{view.host}: the data directory is {view.directory_state or 'unknown'}" for view in others]
        # where one host is left, it was primary, and holds no instance any more
        lost = others[0].host if standby and len(others) == 1 else None
        return PRIMARY_UNKNOWN, reasons, "check the data directories named by the inventory", lost, standby
    reasons = [f"{primary.host}: the instance is stopped"]
    if standby is None:
        return PRIMARY_DOWN, reasons, f"start the instance on {primary.host}", primary.host, None
    if not standby.running:
        reasons.append(f"{standby.host}: the standby is stopped")
        return BOTH_DOWN, reasons, f"start the instance on {primary.host}", primary.host, standby
    advice = f"start the instance on {primary.host}, or activate the standby on {standby.host}"
    return PRIMARY_DOWN, reasons, advice, primary.host, standby
