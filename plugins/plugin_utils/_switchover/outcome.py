# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""How a switchover ended for a cluster, by what its hosts returned."""

from __future__ import annotations

import typing as t

from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._activate_standby.outcome import AFTERMATH, Outcome
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.results import failed, failures_of, message, taken
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby import outcome as of_standby
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.progress import Progress as ProgressOfStandby
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._switchover.progress import (
    ACTIVATION,
    NOT_SWITCHED,
    SWITCHED,
    UNCONFIRMED,
    Progress,
)
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._switchover.verdict import UNKNOWN

Variables = t.Mapping[str, t.Any]

WITH_TROUBLE = "switched_with_trouble"
ALREADY = "already_switched"
POSSIBLE = "possible"

#: grows when a key of the document changes its meaning or goes; a new key alone does not change it
SCHEMA_VERSION = 1

#: what a failure is called of a task after the promotion, by the name under which the task registers
_LATER = {
    **AFTERMATH,
    "__switchover_packed_late": "packing what it changed until it was stopped",
    "__switchover_brought_late": "bringing what the former primary changed until it was stopped",
}

#: phases in their order, and the names under which their tasks register
_PHASES = {
    "prepare": ("__switchover_prepared",),
    "bring": ("__switchover_brought", "__switchover_brought_late"),
    "arm": ("__switchover_armed",),
    "stop": ("__switchover_stopped",),
    "settle": (ACTIVATION,),
    "clients": ("_common_access", "_common_floating"),
    "follow": ("__standby_registration", "__standby_copy", "__standby_configuration"),
    "back": ("__switchover_return",),
}

_NOT_PLANNED = of_standby.Outcome(False, "NOT mirrored: making the former primary its standby was not come to, see above")

_BEFORE = (
    "__switchover_prepared",
    "__switchover_packed",
    "__switchover_brought",
    "__switchover_armed",
    "__switchover_stopped",
)


def outcome(progress: Progress, following: ProgressOfStandby | None, limit: str) -> Outcome:
    """How it ended for a cluster.

    :param following: how far making the former primary its standby came; None where it was not come to that.
    :param limit: seconds that the new standby had.
    """
    plan, activation = progress.plan, progress.on_standby(ACTIVATION)
    handover = progress.on_standby("__switchover_disarmed").get("handover") or {}
    promoted = progress.promoted or (progress.forward and plan.promoted)
    followed = None
    if promoted:
        followed = of_standby.outcome(following, limit) if following else _NOT_PLANNED
    troubles = _troubles(progress, handover, followed) if promoted else []
    what, why = _what(progress, promoted, troubles)
    former, new = (plan.standby, plan.primary) if what == ALREADY else (plan.primary, plan.standby)
    document = {
        "schema_version": SCHEMA_VERSION,
        "cluster": progress.cluster,
        **plan.audit,
        "outcome": what,
        "switched": {SWITCHED: True, WITH_TROUBLE: True, ALREADY: True, UNCONFIRMED: None}.get(what, False),
        "reason": why,
        "state": plan.state,
        "former_primary": former,
        "new_primary": new,
        "verdict": progress.verdict.reason,
        "mirrored": followed.mirrored if followed else True if plan.done else None,
        "gap_s": handover.get("gap_s"),
        "seconds": seconds(progress.hosts, handover),
        "timeline": activation.get("timeline"),
        "lsn": activation.get("lsn"),
        "switch_lsn": activation.get("switch_lsn"),
        "shutdown_lsn": (progress.on_primary("__switchover_stopped").get("wal") or {}).get("end"),
        "loss": activation.get("loss"),
        "segments_answered": activation.get("segments_answered"),
        "sessions_left": progress.on_primary("__switchover_prepared").get("sessions_left"),
        "brought": sorted({file for result in _brought(progress) for file in result.get("brought") or ()}),
        "troubles": troubles,
        "connection": plan.connection,
        "warnings": plan.warnings,
    }
    return Outcome(what, *_say(progress, what, why, document, followed), document)


def _brought(progress: Progress) -> list[Variables]:
    """Results of bringing files to the new primary."""
    return [progress.on_standby(name) for name in _PHASES["bring"]]


def seconds(hosts: t.Mapping[str, Variables], handover: Variables) -> dict[str, float]:
    """Seconds of each phase; those of the armed process lie between stop and settle, and overlap with the stop."""
    found: dict[str, float] = {}
    for phase, names in _PHASES.items():
        if phase == "settle":
            found.update(handover.get("seconds") or {})
        took = taken(hosts, names)
        if took is not None:
            found[phase] = took
    return found


def _what(progress: Progress, promoted: bool, troubles: t.Sequence[str]) -> tuple[str, str]:
    """What became of it, and why."""
    plan, verdict = progress.plan, progress.verdict
    if plan.refusal and not plan.roll_back:
        return NOT_SWITCHED, plan.refusal
    if plan.done:
        return ALREADY, f"{plan.done} is primary already, and mirrored"
    if promoted:
        return (WITH_TROUBLE, "; ".join(troubles)) if troubles else (SWITCHED, "")
    failures = _failures(progress.hosts)
    if progress.check_mode and not failures:
        return (NOT_SWITCHED, plan.refusal) if plan.refusal else (POSSIBLE, "")
    if verdict.way == UNKNOWN:
        return UNCONFIRMED, "; ".join(dict.fromkeys([verdict.reason, *failures]))
    back = progress.on_primary("__switchover_return")
    said = plan.refusal or "; ".join(failures) or verdict.reason or "it was not begun, see above"
    if progress.back and failed(back):
        return UNCONFIRMED, f"{said}; and {plan.primary} could not be brought back: {message(back)}"
    if plan.roll_back and not plan.refusal and not failures:
        return ALREADY, f"{plan.primary} is primary; what a run that was cut off had begun was rolled back"
    return NOT_SWITCHED, said


def _failures(hosts: t.Mapping[str, Variables]) -> list[str]:
    found = [f"{host}: {known['__switchover_failure']}" for host, known in hosts.items() if known.get("__switchover_failure")]
    unreachable = [(host, known[name]) for host, known in hosts.items() for name in _BEFORE if (known.get(name) or {}).get("unreachable")]
    return found + [f"{host}: unreachable: {message(result)}" for host, result in unreachable]


def _troubles(progress: Progress, handover: Variables, followed: of_standby.Outcome | None) -> list[str]:
    """What went wrong from the promotion on."""
    activation = progress.on_standby(ACTIVATION)
    found = [f"after the promotion: {message(activation)}"] if failed(activation) else []
    if handover.get("error"):
        found.append(f"of the armed process: {handover['error']}")
    if followed is not None and not followed.mirrored:
        found.append(followed.text)
    return found + failures_of(progress.hosts, _LATER, progress.lost)


def _say(progress: Progress, what: str, why: str, document: Variables, followed: of_standby.Outcome | None) -> tuple[str, list[str], str]:
    """The last line, those before it, and what the failure says."""
    cluster, plan = progress.cluster, progress.plan
    brought = "".join(of_standby.brought(plan.primary, result) for result in _brought(progress))
    lines = [f"warning: {warning}" for warning in plan.warnings]
    lines += [brought[2:]] if brought else []
    standby, primary = plan.standby, plan.primary
    if document["seconds"]:
        lines.append("seconds: " + ", ".join(f"{name.replace('_', ' ')} {value:.2f}" for name, value in document["seconds"].items()))
    gap = f"no write could succeed for {document['gap_s']:.2f} s" if document["gap_s"] is not None else "the write gap was not measured"
    if what in (SWITCHED, WITH_TROUBLE):
        lines += [gap, *([followed.text] if followed else []), f"clients: {plan.connection}"]
        told = f"{standby} is primary"
        if document["timeline"]:
            told += f" on timeline {document['timeline']}, since {document['switch_lsn']}"
        if what == SWITCHED:
            return f"switched: {told}, and {primary} its standby; {gap}", lines, ""
        return f"SWITCHED WITH TROUBLE: {told}; {why}; run this again to finish", lines, f"{cluster} is switched with trouble: {why}"
    if what == ALREADY:
        return f"switched: {why}", [*lines, f"clients: {plan.connection}"] if plan.connection else lines, ""
    if what == POSSIBLE:
        way = f"{standby} can be primary instead of {primary}"
        if plan.roll_back:
            way = f"{primary} can serve again, instead of {standby}"
        elif plan.promoted:
            way = f"what was cut off can be finished: {standby} is primary already, and {primary} can be made its standby"
        elif plan.resume:
            way = f"what was cut off can be finished: {way}"
        return f"can be switched: {way}; nothing was changed", lines, ""
    if what == UNCONFIRMED:
        text = f"SWITCHOVER UNCONFIRMED: {why}; run this again, which finishes it or rolls it back"
        return text, lines, f"{cluster}: {text}"
    begun = "back" in document["seconds"] or document["verdict"]
    text = f"NOT switched: {why}; {primary} serves, as before" if begun else f"NOT switched: nothing was changed: {why}"
    return text, lines, f"{cluster}: {text}"
