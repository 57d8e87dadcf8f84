# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""How an activation ended for a cluster, by what its hosts returned."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._activate_standby.progress import ACTIVATION, Progress
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.results import failed, failures_of, message, taken
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.outcome import brought

Variables = t.Mapping[str, t.Any]

ACTIVATED = "activated"
WITH_TROUBLE = "activated_with_trouble"
ALREADY = "already_activated"
NOT_ACTIVATED = "not_activated"
UNKNOWN = "unknown"
POSSIBLE = "possible"

#: grows when a key of the document changes its meaning or goes; a new key alone does not change it
SCHEMA_VERSION = 1

#: names under which the tasks register that bring a new primary to its clients, and what a failure of each is called
AFTERMATH = {
    "_common_access": "access rules",
    "_common_floating": "the floating address",
    "_common_environment": "the environment of the engine's user",
    "_common_hook": "the hook command",
    "_common_analysis": "ANALYZE",
}

#: names under which the tasks of the role register
REGISTERED = (
    "__activate_standby_verdict",
    "__activate_standby_packed",
    "__activate_standby_brought",
    "__activate_standby_fence",
    "__activate_standby_command",
    ACTIVATION,
    "__activate_standby_lift",
    "__activate_standby_emptied",
    "__activate_standby_failure",
    *AFTERMATH,
)

#: names under which the tasks register of what is timed as a whole before the promotion, and after it
_BEFORE = {"fence": ("__activate_standby_fence",), "bring": ("__activate_standby_brought",)}
_AFTER = {"clients": ("_common_access", "_common_floating")}

_NEXT = "the cluster is unmirrored now: run rejoin for {primary}, or enable_mirroring, to have a standby again"


#: by kind of a fence that is not lifted, how to undo it
_STAYS = {
    "start_block": "its data directory stays start-blocked; to start that instance, take the block of FENCED_… out of its postgresql.conf",
    "fence": "it goes on rejecting the former primary; playbook lift_fence lifts that",
}


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How it ended.

    :param outcome: one of the names above.
    :param text: the same for people, one line.
    :param lines: what is printed before that line.
    :param failure: what the cluster's failure says; empty without one.
    :param document: the same for programs.
    """

    outcome: str
    text: str
    lines: list[str]
    failure: str
    document: dict[str, t.Any]

    @property
    def returned(self) -> dict[str, t.Any]:
        """What the role returns."""
        return {"outcome": self.outcome}


def outcome(cluster: str, plan: Variables, hosts: t.Mapping[str, Variables], lost: t.Collection[str], check_mode: bool) -> Outcome:
    """How it ended for a cluster.

    :param plan: what was planned for it.
    :param hosts: by host, what the tasks of the role registered there, by :data:`REGISTERED`.
    :param lost: hosts that were lost during the run.
    """
    on_new = hosts.get(plan["standby"] or "") or {}
    judged = on_new.get("__activate_standby_verdict") or {}
    verdict = judged if "allowed" in judged else None
    progress = Progress(cluster, plan, hosts, lost, check_mode)
    activation = progress.on_standby(ACTIVATION)
    later = failures_of(hosts, AFTERMATH, lost)
    what, why = _what(progress, verdict, later)
    left = _left(plan, hosts) if what in (NOT_ACTIVATED, UNKNOWN) and not check_mode else []
    left += failures_of(hosts, {"__activate_standby_emptied": "WAL that was carried is left beside the data directory"}, ())
    document = {
        "schema_version": SCHEMA_VERSION,
        "cluster": cluster,
        **plan["audit"],
        "outcome": what,
        "activated": {ACTIVATED: True, WITH_TROUBLE: True, ALREADY: True, UNKNOWN: None}.get(what, False),
        "reason": why,
        "state": plan["state"],
        "former_primary": plan["primary"],
        "new_primary": plan["standby"],
        "allowed": bool(verdict and verdict["allowed"]),
        "verdict": verdict["reason"] if verdict else plan["refusal"],
        "proof": (verdict or plan).get("proof", ""),
        "fences": {host: _fence(hosts.get(host) or {}) for host in plan.get("fence", {})},
        "timeline": activation.get("timeline"),
        "lsn": activation.get("lsn"),
        "switch_lsn": activation.get("switch_lsn"),
        "loss": activation.get("loss"),
        "segments_answered": activation.get("segments_answered"),
        "steps": activation.get("steps", []),
        "seconds": _seconds(hosts, activation),
        "brought": list((on_new.get("__activate_standby_brought") or {}).get("brought") or ()),
        "old_files": _old_files(plan, verdict, hosts),
        "troubles": later,
        "left": left,
        "connection": plan.get("connection", ""),
        "warnings": plan.get("warnings", []),
    }
    files = [*_files(plan, verdict, document, on_new, check_mode), *_fleeting(plan, document["fences"])]
    return Outcome(what, *_say(cluster, what, why, plan, verdict, activation, left, files), document)


def _old_files(plan: Variables, verdict: Variables | None, hosts: t.Mapping[str, Variables]) -> str:
    """What the new primary may lack of the former one's settings and files; empty where it lacks none, as far as that was seen."""
    tasks = ((plan["primary"], "__activate_standby_packed"), (plan["standby"], "__activate_standby_brought"))
    results = [(host, (hosts.get(host or "") or {}).get(name) or {}) for host, name in tasks]
    failures = [f"{host}: {message(result)}" for host, result in results if failed(result)]
    if failures:
        return f"not brought from {plan['primary']}: {', '.join((verdict or {}).get('drift') or ())}: {'; '.join(failures)}"
    return str((verdict or {}).get("old_files") or "")


def _files(plan: Variables, verdict: Variables | None, document: Variables, on_new: Variables, check_mode: bool) -> list[str]:
    """What is said of settings and files that WAL does not carry."""
    said = [brought(plan["primary"], on_new.get("__activate_standby_brought"))[2:]]
    if check_mode and (verdict or {}).get("drift"):
        said.append(f"brought from {plan['primary']} before the promotion: {', '.join((verdict or {})['drift'])}")
    if document["old_files"]:
        said.append(f"warning: {document['old_files']}")
    return [line for line in said if line]


def _fleeting(plan: Variables, fences: t.Mapping[str, Variables]) -> list[str]:
    """What is said of fences that end with a restart of their host."""
    hosts = [host for host, fence in fences.items() if fence.get("persistent") is False]
    until = f"keep {plan['primary']} off until it is rejoined"
    return [f"warning: {', '.join(hosts)}: a restart lifts the fence, for no systemd puts it up again: {until}"] if hosts else []


def _what(progress: Progress, verdict: Variables | None, later: t.Sequence[str]) -> tuple[str, str]:
    """What became of it, and why."""
    plan, activation = progress.plan, progress.on_standby(ACTIVATION)
    if plan["refusal"]:
        return NOT_ACTIVATED, plan["refusal"]
    if plan["done"]:
        return ALREADY, f"{plan['done']} is primary already, by an activation that is complete"
    if progress.is_primary:
        complaints = [message(activation)] if activation.get("failed") else []
        complaints += later
        return (WITH_TROUBLE, "; ".join(complaints)) if complaints else (ACTIVATED, "")
    if verdict and not verdict["allowed"]:
        return NOT_ACTIVATED, verdict["reason"]
    if verdict is None or not activation or activation.get("skipped"):
        failures = [
            f"{host}: {known['__activate_standby_failure']}"
            for host, known in progress.hosts.items()
            if "__activate_standby_failure" in known
        ]
        return NOT_ACTIVATED, "; ".join(failures) or "the promotion was not begun, see above"
    failed = activation.get("failed") or activation.get("unreachable")
    if progress.check_mode and not failed:
        return POSSIBLE, verdict["reason"]
    if progress.not_promoted:
        return NOT_ACTIVATED, f"{plan['standby']}: {message(activation)}"
    return UNKNOWN, f"{plan['standby']}: no word of how its promotion ended: {message(activation)}"


def _seconds(hosts: t.Mapping[str, Variables], activation: Variables) -> dict[str, float]:
    """Seconds of each phase, those of the promotion step by step."""
    found = [(phase, taken(hosts, names)) for phase, names in _BEFORE.items()]
    found += [(step["name"], step["seconds"]) for step in activation.get("steps") or ()]
    found += [(phase, taken(hosts, names)) for phase, names in _AFTER.items()]
    return {phase: seconds for phase, seconds in found if seconds is not None}


def _fence(known: Variables) -> dict[str, t.Any]:
    result = known.get("__activate_standby_fence") or {}
    lifted = known.get("__activate_standby_lift") or {}
    names = ("fenced", "changed", "proof", "persistent", "sessions_ended", "stopped", "wal", "msg")
    return {**{name: result[name] for name in names if name in result}, "lifted": bool(lifted.get("changed"))}


def _left(plan: Variables, hosts: t.Mapping[str, Variables]) -> list[str]:
    """What this run set and did not roll back."""
    found = []
    for host, options in plan.get("fence", {}).items():
        state = _fence(hosts.get(host) or {})
        if state.get("changed") and not state["lifted"]:
            found.append(f"{host}: {_STAYS[options['kind']]}")
    return found


def _say(
    cluster: str,
    what: str,
    why: str,
    plan: Variables,
    verdict: Variables | None,
    activation: Variables,
    left: t.Sequence[str],
    files: t.Sequence[str],
) -> tuple[str, list[str], str]:
    """The last line, those before it, and what the failure says."""
    lines = [*(f"warning: {warning}" for warning in plan.get("warnings", ())), *files]
    standby, primary = plan["standby"], plan["primary"]
    following = _NEXT.format(primary=primary)
    if what in (ACTIVATED, WITH_TROUBLE):
        lines += [
            f"verdict: {verdict['reason'] if verdict else plan['proof']}",
            f"proof: {verdict['proof'] if verdict else plan['proof']}",
            loss(activation.get("loss")),
            f"clients: {plan['connection']}",
            f"next: {following}",
        ]
        told = f"{standby} is primary on timeline {activation.get('timeline')}, since {activation.get('switch_lsn')}"
        stays = "".join(f"; {said}" for said in left)
        if what == ACTIVATED:
            return f"activated: {told}; {loss(activation.get('loss'), why=False)}{stays}; {following}", lines, ""
        return (
            f"ACTIVATED WITH TROUBLE: {told}; {why}; run this again to finish; {following}",
            lines,
            f"{cluster} is activated with trouble: {why}",
        )
    if what == ALREADY:
        lines += [f"clients: {plan['connection']}", f"next: {following}"]
        return f"activated: {why}; nothing was changed; {following}", lines, ""
    if what == POSSIBLE:
        lines += [
            f"verdict: allowed: {why}",
            f"proof, once it is given: {plan['proof']}",
            f"{loss(activation.get('loss'))}, as far as it is seen before the former primary is fenced",
        ]
        return f"can be activated: {standby} instead of {primary}; nothing was changed", lines, ""
    if what == UNKNOWN:
        text = f"ACTIVATION UNCONFIRMED: {why}; fences stay; run this again, which finishes it or begins anew"
        return text, lines, f"{cluster}: {text}"
    text = f"NOT activated: {why}; {'; '.join(left)}" if left else f"NOT activated: nothing was changed: {why}"
    return text, lines, f"{cluster}: {text}"


def loss(found: Variables | None, why: bool = True) -> str:
    """What is known of a loss, for people.

    :param why: with the reason.
    """
    if not found:
        return "loss not known"
    reason = f" ({found['why']})" if why and found.get("why") else ""
    if found["known"] == "none":
        return f"no loss{reason}"
    least = f", at least {found['at_least']} bytes of WAL" if found.get("at_least") else ""
    amount = f"{found['bytes']} bytes of WAL" if found["known"] == "bytes" else f"unknown{least}"
    commits = f", {found['commits']} transactions" if found.get("commits") is not None else ""
    return f"loss {amount}{commits}{reason}: catalog and segments may disagree, gpcheckcat is due"
