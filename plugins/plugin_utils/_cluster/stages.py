# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What looking at clusters has done on the controller: what all hosts showed is judged."""

from __future__ import annotations

import datetime
import typing as t

from ansible.errors import AnsibleActionFail
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.judging import Judged, judge, strangers
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._desired import options
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.stage import Stage, Task, Variables
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show import fleet, report, severity
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.people import tell
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.screen import quiet

INTENT = options.DISCOVERY

Document = t.Mapping[str, t.Any]


def _judge(task: Task, _given: Variables) -> Variables:
    """Judge each cluster that takes part and, if asked, print its screen, and write all of them to a file."""
    display, file = task.options["discovery_display"], task.options["discovery_report_file"]
    judged = judge(task, file)
    reports = judged.reports()
    show(display, judged, reports)
    write(file, report.write, report.document(reports, datetime.datetime.now(datetime.timezone.utc)))
    # a role that acts shows no state, which would have them
    unshown = judged.members.values() if display in (None, "none") else ()
    return judged.returned(list(dict.fromkeys(said for hosts in unshown for said in strangers(hosts))))


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


STAGES = {"judge": Stage(_judge)}
