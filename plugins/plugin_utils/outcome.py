# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How making a standby ended for a cluster, by what its hosts returned."""

from __future__ import annotations

import dataclasses
import typing as t

Variables = t.Mapping[str, t.Any]

#: why nothing is known of a host any more
_LOST = "dropped out of the run, unreachable or failed, see above"

#: steps that take a part of the registration back
_PARTS = (("drop_role", "role"), ("remove_row", "row"), ("drop_slot", "slot"))


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How it ended.

    :param mirrored: whether the pair was seen mirrored; in check mode, whether it can be.
    :param text: the same for people.
    :param failure: what the cluster's failure says; empty without one.
    """

    mirrored: bool
    text: str
    failure: str = ""


def outcome(cluster: str, hosts: t.Mapping[str, Variables], lost: t.Collection[str], check_mode: bool, limit: t.Any) -> Outcome:
    """How it ended for a cluster.

    :param hosts: by host, its variables: what the tasks of the role C(standby) registered.
    :param lost: hosts that were lost during the run.
    :param limit: seconds that the standby had.
    """
    plan = next((known["__standby_plan"] for known in hosts.values() if "__standby_plan" in known), None)
    if plan is None or "refusal" not in plan:
        return _failed(cluster, [f"{host}: {_LOST}" for host in lost] or ["nothing was planned"], "", "")
    primary, standby = plan["primary"], plan["standby"]
    refusal = plan["refusal"] or _seen_in_the_way(standby, hosts)
    if refusal:
        return Outcome(False, f"NOT mirrored: nothing was changed: {refusal}", f"{cluster}: nothing was changed: {refusal}")
    known = hosts[primary]
    if not plan["unsettled"]:
        return Outcome(True, _mirrored(plan, known["discovery_observation"]["primary"]["probe"]))
    failures = [f"{host}: {found['__standby_failure']}" for host, found in hosts.items() if found.get("__standby_failure")]
    failures += [f"{host}: {_LOST}" for host in lost]
    if check_mode and not failures:
        way = plan.get("way") or {}
        by = f" {_WAYS[way['method']]}: {way['reason']}" if way else ""
        return Outcome(True, f"can be mirrored: {standby} can be the standby of {primary}{by}")
    seen = (known.get("__standby_verification") or {}).get("primary") or {}
    probe = seen.get("probe") or {}
    if probe.get("replayed") and not failures:
        unkept = (hosts[standby].get("__standby_record") or {}).get("msg")
        warning = f"; what an activation needs to know without the primary could not be kept on {standby}: {unkept}" if unkept else ""
        still_open = _still_open(known, primary)
        return Outcome(True, _mirrored(plan, probe) + _rejoined(hosts[standby]) + (f"; {still_open}" if still_open else "") + warning)
    if not failures:
        walsender = seen.get("walsender") or {}
        state = f"{walsender['state']}, {walsender['sync_state']}" if walsender else "missing"
        failures = [f"the primary did not see the standby stream in sync and replay a write within {limit} s; its walsender is {state}"]
    explanation = (hosts[standby].get("__standby_explanation") or {}).get("standby") or {}
    log = f"The standby's log: {explanation['errors']}. " if explanation.get("errors") else ""
    steps = [step["name"] for step in (known.get("__standby_taken_back") or {}).get("steps", ())]
    back = ", ".join(part for step, part in _PARTS if step in steps) or "nothing"
    lefts = [f"{host}: {found['__standby_left']}" for host, found in hosts.items() if found.get("__standby_left")]
    left = "; ".join(filter(None, [*lefts, _still_open(known, primary)]))
    return _failed(
        cluster,
        failures,
        log,
        f"Taken back: {back}. {left + '. ' if left else ''}The primary {primary} goes on serving; run this again when the cause is mended",
    )


def _failed(cluster: str, failures: t.Sequence[str], log: str, remedy: str) -> Outcome:
    why = " ".join("; ".join(failures).split())
    return Outcome(False, f"NOT mirrored: {why}. {log}".strip(), f"{cluster} is not mirrored: {why}. {log}{remedy}".strip())


def _seen_in_the_way(standby: str, hosts: t.Mapping[str, Variables]) -> str:
    """Why the copy cannot be made, by a look at the standby's host; empty when it can."""
    said = (hosts[standby].get("__standby_look") or {}).get("msg")
    return f"{standby}: {said}" if said else ""


_WAYS = {"start": "as it is", "rewind": "by pg_rewind", "basebackup": "by a new copy"}


def _still_open(known: Variables, primary: str) -> str:
    """What a former primary may do on the present one, and should not any more; empty when it may nothing."""
    why = (known.get("__standby_rewind_closed") or {}).get("msg")
    return f"{primary} still lets it read files, as for a rewind: {why}; run rewind_access with state=absent there" if why else ""


def _rejoined(known: Variables) -> str:
    """How what was left of a former primary became the standby, and what of it was discarded; empty where nothing was left."""
    made = known.get("__standby_configuration") or {}
    if "reason" not in made:
        return ""
    size = made.get("bytes_copied")
    parts = [f"it rejoined {_WAYS[made['method']]}: {made['reason']}", f"{size >> 20} MiB were copied" if size is not None else ""]
    own = made.get("discarded")
    if own:
        parts.append(
            f"only it had {own['from']} to {own['to'] or 'an unknown end'} on timeline {own['timeline']}, {_commits(own)}; discarded"
        )
    if made.get("aside"):
        parts.append(f"what was there is in {made['aside']}")
    return "; " + "; ".join(filter(None, parts))


def _commits(own: t.Mapping[str, t.Any]) -> str:
    if own["commits"] is None:
        return f"with an unknown number of commits ({own['why']})"
    last = f", the last at {own['last_commit']}" if own["last_commit"] else ""
    return f"with {own['commits']} commits{last}"


def _mirrored(plan: Variables, probe: t.Mapping[str, t.Any]) -> str:
    return (
        f"mirrored: {plan['standby']} streams in sync from {plan['primary']}; a write was acknowledged and replayed, up to {probe['lsn']}"
    )
