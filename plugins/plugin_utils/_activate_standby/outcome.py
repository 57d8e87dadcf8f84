# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""How an activation ended for a cluster, by what its hosts returned."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.loss import BYTES, NONE, parse
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._activate_standby.plan import ActivationPlan
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._activate_standby.progress import (
    ACTIVATED,
    ACTIVATION,
    NOT_ACTIVATED,
    UNCONFIRMED,
    Progress,
)
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.results import failed, failures_of, message, steps_of, taken
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.outcome import brought

Variables = t.Mapping[str, t.Any]

WITH_TROUBLE = "activated_with_trouble"
ALREADY = "already_activated"
POSSIBLE = "possible"

#: what a run needs where it is not seen before that nothing would be lost
_NEEDS_ACCEPTANCE = (
    "it will be refused without activate_standby_accept_loss=true, unless stopping or fencing the former primary proves no loss"
)

#: grows when a key of the document changes its meaning or goes; a new key alone does not change it
SCHEMA_VERSION = 1

#: names under which the tasks register that bring a new primary to its clients, and what a failure of each is called
AFTERMATH = {
    "_common_access": "access rules",
    "_common_floating": "the floating address",
    "_common_environment": "the environment of the engine's user",
    "_common_analysis": "ANALYZE",
}

_BROUGHT = "__activate_standby_brought"

#: names under which the tasks register of what is timed as a whole before the promotion, and after it
_BEFORE = {"fence": ("__activate_standby_fence",), "bring": ("__activate_standby_brought",)}
_AFTER = {"clients": ("_common_access", "_common_floating")}

_NEXT = "the cluster is unmirrored now: run rejoin for {primary}, or enable_mirroring, to have a standby again"


#: what stays where it is not rolled back, and how to undo it
_STAYS_BLOCKED = "its data directory stays start-blocked; to start that instance, take the block of FENCED_… out of its postgresql.conf"
_IS_STOPPED = (
    "the standby is stopped now: see its log and its disks; start it, or have it started by activate_standby_both_down=true "
    "when this is run again"
)
_STAYS_FENCED = "it goes on rejecting the former primary; playbook lift_fence lifts that"


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


def outcome(progress: Progress) -> Outcome:
    """How it ended for a cluster."""
    plan, hosts, verdict, activation = progress.plan, progress.hosts, progress.verdict, progress.on_standby(ACTIVATION)
    later = failures_of(hosts, AFTERMATH, progress.lost)
    what, why = _what(progress, later)
    left = _left(progress) if what in (NOT_ACTIVATED, UNCONFIRMED) and not progress.check_mode else []
    left += failures_of(hosts, {"__activate_standby_emptied": "WAL that was carried is left beside the data directory"}, ())
    document = {
        "schema_version": SCHEMA_VERSION,
        "cluster": progress.cluster,
        **plan.audit,
        "outcome": what,
        "activated": {ACTIVATED: True, WITH_TROUBLE: True, ALREADY: True, UNCONFIRMED: None}.get(what, False),
        "reason": why,
        "state": plan.state,
        "former_primary": plan.primary,
        "new_primary": plan.standby,
        "allowed": bool(verdict and verdict.allowed),
        "verdict": verdict.reason if verdict else plan.refusal,
        "proof": verdict.proof if verdict else plan.proof,
        "start_block": _start_block(progress) if plan.start_block else None,
        "fences": {host: _fence(hosts.get(host) or {}) for host in plan.fences},
        "timeline": activation.get("timeline"),
        "lsn": activation.get("lsn"),
        "switch_lsn": activation.get("switch_lsn"),
        "loss": activation.get("loss"),
        "segments_answered": activation.get("segments_answered"),
        "steps": activation.get("steps", []),
        "seconds": _seconds(hosts, activation),
        "brought": list(progress.on_standby(_BROUGHT).get("brought") or ()),
        "not_brought": _not_brought(progress),
        "troubles": later,
        "left": left,
        "connection": plan.connection,
        "warnings": plan.warnings,
    }
    files = [*_files(progress, document["not_brought"]), *_fleeting(plan, document["fences"])]
    return Outcome(what, *_say(progress, what, why, left, files), document)


def _not_brought(progress: Progress) -> str:
    """What the new primary may lack of the former one's settings and files; empty where it lacks none, as far as that was seen."""
    plan, verdict = progress.plan, progress.verdict
    tasks = ((plan.primary, "__activate_standby_packed"), (plan.standby, _BROUGHT))
    results = [(host, progress.on(host, name)) for host, name in tasks]
    failures = [f"{host}: {message(result)}" for host, result in results if failed(result)]
    if failures:
        return f"not brought from {plan.primary}: {', '.join(verdict.drift if verdict else ())}: {'; '.join(failures)}"
    return verdict.not_brought if verdict else ""


def _files(progress: Progress, not_brought: str) -> list[str]:
    """What is said of settings and files that WAL does not carry."""
    primary, verdict = progress.plan.primary, progress.verdict
    said = [brought(primary, progress.on_standby(_BROUGHT))[2:]]
    if progress.check_mode and verdict and verdict.drift:
        said.append(f"brought from {primary} before the promotion: {', '.join(verdict.drift)}")
    if not_brought:
        said.append(f"warning: {not_brought}")
    return [line for line in said if line]


def _fleeting(plan: ActivationPlan, fences: t.Mapping[str, Variables]) -> list[str]:
    """What is said of fences that end with a restart of their host."""
    hosts = [host for host, fence in fences.items() if fence.get("persistent") is False]
    until = f"keep {plan.primary} off until it is rejoined"
    return [f"warning: {', '.join(hosts)}: a restart lifts the fence, for no systemd puts it up again: {until}"] if hosts else []


def _what(progress: Progress, later: t.Sequence[str]) -> tuple[str, str]:
    """What became of it, and why."""
    plan, verdict, activation = progress.plan, progress.verdict, progress.on_standby(ACTIVATION)
    if plan.refusal:
        return NOT_ACTIVATED, plan.refusal
    if plan.done:
        return ALREADY, f"{plan.done} is primary already, by an activation that is complete"
    if progress.is_primary:
        complaints = [message(activation)] if activation.get("failed") else []
        complaints += later
        return (WITH_TROUBLE, "; ".join(complaints)) if complaints else (ACTIVATED, "")
    if verdict and not verdict.allowed:
        return NOT_ACTIVATED, verdict.reason
    if verdict is None or not activation or activation.get("skipped"):
        failures = [
            f"{host}: {known['__activate_standby_failure']}"
            for host, known in progress.hosts.items()
            if "__activate_standby_failure" in known
        ]
        return NOT_ACTIVATED, "; ".join(failures) or "the promotion was not begun, see above"
    failed = activation.get("failed") or activation.get("unreachable")
    if progress.check_mode and not failed:
        return POSSIBLE, verdict.reason
    if progress.not_promoted:
        return NOT_ACTIVATED, f"{plan.standby}: {message(activation)}"
    return UNCONFIRMED, f"{plan.standby}: no word of how its promotion ended: {message(activation)}"


def _start_block(progress: Progress) -> dict[str, t.Any]:
    result = progress.on_primary("__activate_standby_start_block")
    return {name: result[name] for name in ("start_blocked", "changed", "proof", "stopped", "wal", "msg") if name in result}


def _seconds(hosts: t.Mapping[str, Variables], activation: Variables) -> dict[str, float]:
    """Seconds of each phase, those of the promotion step by step."""
    found = [(phase, taken(hosts, names)) for phase, names in _BEFORE.items()]
    found += [(step.name, step.seconds) for step in steps_of(activation)]
    found += [(phase, taken(hosts, names)) for phase, names in _AFTER.items()]
    return {phase: seconds for phase, seconds in found if seconds is not None}


def _fence(known: Variables) -> dict[str, t.Any]:
    result = known.get("__activate_standby_fence") or {}
    lifted = known.get("__activate_standby_lift") or {}
    names = ("fenced", "changed", "proof", "persistent", "sessions_ended", "msg")
    return {**{name: result[name] for name in names if name in result}, "lifted": bool(lifted.get("changed"))}


def _left(progress: Progress) -> list[str]:
    """What this run set and did not roll back."""
    found = []
    if progress.plan.start_block and _start_block(progress).get("changed"):
        found.append(f"{progress.plan.primary}: {_STAYS_BLOCKED}")
    for host in progress.plan.fences:
        state = _fence(progress.hosts.get(host) or {})
        if state.get("changed") and not state["lifted"]:
            found.append(f"{host}: {_STAYS_FENCED}")
    if progress.not_promoted and progress.on_standby(ACTIVATION).get("stopped"):
        found.append(f"{progress.plan.standby}: {_IS_STOPPED}")
    return found


def _say(progress: Progress, what: str, why: str, left: t.Sequence[str], files: t.Sequence[str]) -> tuple[str, list[str], str]:
    """The last line, those before it, and what the failure says."""
    cluster, plan, verdict, activation = progress.cluster, progress.plan, progress.verdict, progress.on_standby(ACTIVATION)
    lines = [*(f"warning: {warning}" for warning in plan.warnings), *files]
    standby, primary = plan.standby, plan.primary
    following = _NEXT.format(primary=primary)
    if what in (ACTIVATED, WITH_TROUBLE):
        lines += [
            f"verdict: {verdict.reason if verdict else plan.proof}",
            f"proof: {verdict.proof if verdict else plan.proof}",
            loss(activation.get("loss")),
            f"clients: {plan.connection}",
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
        lines += [f"clients: {plan.connection}", f"next: {following}"]
        return f"activated: {why}; nothing was changed; {following}", lines, ""
    if what == POSSIBLE:
        lines += [
            f"verdict: allowed: {why}",
            f"proof, once it is given: {plan.proof}",
            f"as far as it is seen before the former primary is fenced: {loss(activation.get('loss'))}",
        ]
        found = parse(activation.get("loss"))
        needs = f"; {_NEEDS_ACCEPTANCE}" if found and found.known != NONE else ""
        return f"can be activated: {standby} instead of {primary}; nothing was changed{needs}", lines, ""
    if what == UNCONFIRMED:
        text = f"ACTIVATION UNCONFIRMED: {why}; start block and fences stay; run this again, which finishes it or begins anew"
        return text, lines, f"{cluster}: {text}"
    text = f"NOT activated: {why}; {'; '.join(left)}" if left else f"NOT activated: nothing was changed: {why}"
    return text, lines, f"{cluster}: {text}"


def loss(told: t.Any, why: bool = True) -> str:
    """What is known of a loss, for people.

    :param told: of it by the task that promotes.
    :param why: with the reason.
    """
    found = parse(told)
    if not found:
        return "loss not known"
    reason = f" ({found.why})" if why and found.why else ""
    if found.known == NONE:
        return f"no loss{reason}"
    least = f", at least {found.at_least} bytes of WAL" if found.at_least else ""
    amount = f"{found.bytes} bytes of WAL" if found.known == BYTES else f"unknown{least}"
    commits = f", {found.commits} transactions" if found.commits is not None else ""
    return f"loss {amount}{commits}{reason}: catalog and segments may disagree, gpcheckcat is due"
