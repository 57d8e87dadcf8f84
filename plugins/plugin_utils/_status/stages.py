# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What showing the state of clusters has done on the controller: it is judged, shown, and kept for people and for programs."""

from __future__ import annotations

import datetime
import functools

from ansible.errors import AnsibleActionFail
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.judging import judge
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.stages import seen_before, show, to_notify, write
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._desired import options
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.stage import Stage, Task, Variables
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show import metrics, nagios, page, report
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.people import tell

INTENT = "status"


def _judge(task: Task, _given: Variables) -> Variables:
    """Judge each cluster that takes part, print that as it is asked for, and write it to files."""
    asked = task.options
    file, metrics_file, html, for_nagios = (asked[name] for name in ("discovery_report_file", *_FOR_ALL))
    wrong = options.read(task.variables, task.template).wrong
    if set(wrong) & set(options.names(INTENT)):
        raise AnsibleActionFail("; ".join(wrong[name] for name in options.names(INTENT) if name in wrong))
    if metrics_file and metrics.missing():
        raise AnsibleActionFail(f"status_metrics is {metrics_file}, and {metrics.missing()}")
    judged = judge(task, file or metrics_file or html or ("the line for Nagios" if for_nagios else ""))
    now = datetime.datetime.now(datetime.timezone.utc)
    seen = seen_before(task, judged, now)
    reports = judged.reports(seen.since)
    if not for_nagios:
        show(asked["discovery_display"], judged, reports)
    document = report.document(reports, now)
    write(file, report.write, document)
    write(metrics_file, metrics.write, document)
    write(html, functools.partial(page.write, pairs=judged.pairs, check_mode=task.check_mode), document)
    if for_nagios:
        tell(nagios.line(judged.pairs, reports))  # at the end: it says nothing where something failed
    return {**judged.returned(seen.wrong), **to_notify(task, judged, reports, seen, now)}


#: options for what tells of all clusters together, beside the document
_FOR_ALL = ("status_metrics", "status_html", "status_nagios")


STAGES = {"judge": Stage(_judge)}
