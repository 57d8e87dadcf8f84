# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What looking at clusters has done on the controller: what all hosts showed is judged."""

from __future__ import annotations

import datetime
import os
import typing as t

from ansible.errors import AnsibleActionFail
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.judging import Judged, judge, strangers
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.observations import OBSERVATION
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._desired import options
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run import hooks
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.stage import VERDICT, Stage, Task, Variables
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show import audit, fleet, notice, report, severity
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.people import tell
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.screen import quiet
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.since import Look, Seen, first_seen

INTENT = options.DISCOVERY

Document = t.Mapping[str, t.Any]


def _judge(task: Task, _given: Variables) -> Variables:
    """Judge each cluster that takes part and, if asked, print its screen, and write all of them to a file."""
    display, file = task.options["discovery_display"], task.options["discovery_report_file"]
    judged = judge(task, file)
    now = datetime.datetime.now(datetime.timezone.utc)
    seen = seen_before(task, judged, now) if task.options["discovery_keeps"] else Seen()
    reports = judged.reports(seen.since)
    show(display, judged, reports)
    write(file, report.write, report.document(reports, now))
    # a role that acts shows no state, which would have them
    unshown = judged.members.values() if display in (None, "none") else ()
    warnings = [*seen.wrong, *dict.fromkeys(said for hosts in unshown for said in strangers(hosts))]
    return {**judged.returned(warnings), **to_notify(task, judged, reports, seen, now)}


def seen_before(task: Task, judged: Judged, now: datetime.datetime) -> Seen:
    """Since when each cluster is in its state; a state that was not seen before is added to the audit trail.

    Where the inventory is wrong, or a host of its coordinators took no part, nothing was seen of the state.
    """
    looks = {
        cluster: Look(pair.state, pair.primary or "", pair.reasons, pair.options["status_audit_file"])
        for cluster, pair in judged.pairs.items()
        if not pair.problems and all(OBSERVATION in judged.members[cluster][host] for host in pair.coordinators)
    }
    who = audit.run(os.getppid(), now)
    return first_seen({cluster: look for cluster, look in looks.items() if look.file}, who, now, task.check_mode)


def to_notify(task: Task, judged: Judged, reports: t.Mapping[str, Document], seen: Seen, now: datetime.datetime) -> dict[str, t.Any]:
    """What notices are made of, of clusters that have somebody to be told."""
    listening = [cluster for cluster, pair in judged.pairs.items() if any(pair.options[way] for way in notice.WAYS)]
    looks = {
        cluster: {"before": seen.before.get(cluster), "status": report.document({cluster: reports[cluster]}, now)} for cluster in listening
    }
    return {"looks": looks} if looks and not task.check_mode else {}


def show(display: str | None, judged: Judged, reports: t.Mapping[str, Document]) -> None:
    """Print what was judged, as it is asked for."""
    pairs = judged.pairs
    if display == "auto":
        display = "screen" if len(pairs) == 1 else "table"
    if display == "screen":
        for pair in pairs.values():
            tell("", *pair.screen, "")
    elif display in ("quiet", "table"):
        listed = severity.worst_first(reports) if display == "table" else reports
        lines = [line for line in (quiet(cluster, pairs[cluster]) for cluster in listed) if line]
        if display == "table":
            shown = ["", *fleet.render(listed), *lines, fleet.summary(listed), ""]
            tell(*shown, colors=[None, *fleet.colors(listed), *[None] * (len(lines) + 2)])
        elif lines:
            tell(*lines)


def write(path: str | None, how: t.Callable[[str, Document], None], document: Document) -> None:
    """Write the document to a file on the controller, if there is to be one."""
    try:
        how(path, document) if path else None
    except OSError as error:
        raise AnsibleActionFail(f"{path} cannot be written on the controller: {error.strerror}") from error


def _tell(task: Task, given: Variables) -> Variables:
    """What is told of the host's cluster by a notice, on one of its hosts; nothing where there is nothing to tell."""
    verdict = task.variables.get(VERDICT) or {}
    look = (verdict.get("looks") or {}).get(task.cluster)
    if not look or task.host != verdict["clusters"][task.cluster]["reporter"]:
        return {"content": {}}
    intent, hostvars = given["after"], task.variables["hostvars"]
    summaries = [hostvars[host].get(f"__{intent}_ended") or {} for host in task.hosts(task.cluster)]
    ended = next((summary["ended"] for summary in summaries if "ended" in summary), None)
    before = tuple(look["before"]) if look["before"] else None
    found = notice.notice(look["status"], task.cluster, before, hooks.playbook(intent, task.options), ended) or {}
    return {"content": {"text": found["text"]} if found and task.options["coordinator_notice_format"] == "text" else found}


def _warn(task: Task, _given: Variables) -> Variables:
    """Warn of notices that were not taken."""
    results = {way: task.variables.get(f"_{way}") or {} for way in notice.WAYS}
    unsent = [said for way, result in results.items() for said in [notice.unsent(way, result)] if said]
    return {"warnings": [f"{task.cluster}: {said}" for said in unsent]} if unsent else {}


STAGES = {"judge": Stage(_judge), "tell": Stage(_tell, {"after": {"type": "str", "required": True}}), "warn": Stage(_warn)}
