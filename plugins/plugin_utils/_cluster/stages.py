# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What looking at clusters has done on the controller: what all hosts showed is judged."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import os
import typing as t

from ansible.errors import AnsibleActionFail
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.retention import parse_size
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.observations import (
    OBSERVATION,
    Observations,
    coordinator_of,
    observed,
)
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.pair import Pair, assess
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.places import own_segments
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._desired import options
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._desired.option_checks import COORDINATOR_ROLES
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run import hooks
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.invocation import out_of_step
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.stage import VERDICT, Hosts, Stage, Task, Variables
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show import audit, fleet, metrics, nagios, notice, page, report
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.people import tell
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.screen import quiet, render
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.since import Look, Seen, first_seen

INTENT = options.DISCOVERY

#: where the role C(_common) registers what taking the lock returned
_LOCK = "_common_lock"


def _judge(task: Task, _given: Variables) -> Variables:
    """Judge each cluster that takes part and, if asked, print its screen, and write all of them to files."""
    unfit = out_of_step(task.strategy)
    if unfit:
        raise AnsibleActionFail(unfit)
    role, display, file = (task.options[f"discovery_{name}"] for name in ("role", "display", "report_file"))
    metrics_file, for_nagios = (task.options[f"status_{name}"] if role == "status" else None for name in ("metrics", "nagios"))
    if metrics_file and metrics.missing():
        raise AnsibleActionFail(f"status_metrics is {metrics_file}, and {metrics.missing()}")
    html = task.options["status_html"] if role == "status" else ""
    members = task.members()
    batch, in_play = task.variables["ansible_play_batch"], task.variables["ansible_play_hosts_all"]
    whole = file or metrics_file or html or ("the line for Nagios" if for_nagios else "")
    if whole and set(batch) != set(task.variables["ansible_play_hosts"]):
        raise AnsibleActionFail(f"{whole} is about all clusters, which a play with serial does not see at once: leave serial out")
    own = options.read(task.variables, task.template).wrong if role == "status" else {}
    if set(own) & set(options.names("status")):
        raise AnsibleActionFail("; ".join(own[name] for name in options.names("status") if name in own))
    now = datetime.datetime.now(datetime.timezone.utc)
    judged = {cluster: _judged(task, role, cluster, hosts) for cluster, hosts in members.items()}
    seen = _since(task, members, judged, now) if role == "status" or task.options["discovery_keeps"] else Seen()
    order = {host: number for number, host in enumerate(dict.fromkeys([*batch, *in_play]))}
    pairs, reports = {}, {}
    for cluster, (pair, observations) in judged.items():
        reporter = min((host for host in members[cluster] if host in order), key=order.__getitem__)
        pairs[cluster] = dataclasses.replace(pair, screen=render(cluster, pair, observations), reporter=reporter)
        reports[cluster] = report.describe(pair, observations, seen.since.get(cluster))
    if not for_nagios:
        _show(display, pairs, reports)
    document = report.document(reports, now)
    write_page = functools.partial(page.write, pairs=pairs, check_mode=task.check_mode)
    for path, write in ((file, report.write), (metrics_file, metrics.write), (html, write_page)):
        try:
            write(path, document) if path else None
        except OSError as error:
            raise AnsibleActionFail(f"{path} cannot be written on the controller: {error.strerror}") from error
    if for_nagios:
        tell(nagios.line(pairs, reports))  # at the end: it says nothing where something failed
    told: dict[str, t.Any] = {"warnings": seen.wrong} if seen.wrong else {}
    listening = [cluster for cluster, pair in pairs.items() if any(pair.options[way] for way in notice.WAYS)]
    if listening and not task.check_mode:
        told["looks"] = {
            cluster: {"before": seen.before.get(cluster), "status": report.document({cluster: reports[cluster]}, now)}
            for cluster in listening
        }
    return {"clusters": {cluster: dataclasses.asdict(pair) for cluster, pair in pairs.items()}, **told}


def _since(task: Task, members: t.Mapping[str, Hosts], judged: t.Mapping[str, tuple[Pair, Observations]], now: datetime.datetime) -> Seen:
    """Since when each cluster is in its state.

    Where the inventory is wrong, or a host of its coordinators took no part, nothing was seen of the state.
    """
    looks = {
        cluster: Look(pair.state, pair.primary or "", pair.reasons, pair.options["status_audit_file"])
        for cluster, (pair, _observations) in judged.items()
        if not pair.problems and all(OBSERVATION in members[cluster][host] for host in pair.coordinators)
    }
    who = audit.run(os.getppid(), now)
    return first_seen({cluster: look for cluster, look in looks.items() if look.file}, who, now, task.check_mode)


def _show(display: str, pairs: t.Mapping[str, Pair], reports: t.Mapping[str, dict[str, t.Any]]) -> None:
    """Print what was judged, as it is asked for."""
    if display == "auto":
        display = "screen" if len(pairs) == 1 else "table"
    if display == "screen":
        for pair in pairs.values():
            tell("", *pair.screen, "")
    elif display in ("quiet", "table"):
        listed = {cluster: reports[cluster] for cluster in (fleet.worst_first(reports) if display == "table" else reports)}
        lines = [line for line in (quiet(cluster, pairs[cluster]) for cluster in listed) if line]
        if display == "table":
            shown = ["", *fleet.render(listed), *lines, fleet.summary(listed), ""]
            tell(*shown, colors=[None, *fleet.colors(listed), *[None] * (len(lines) + 2)])
        elif lines:
            tell(*lines)


def _judged(task: Task, role: str, cluster: str, hosts: Hosts) -> tuple[Pair, Observations]:
    """What a cluster's hosts mean together, and by host what is to be shown."""
    results = {host: known.get(OBSERVATION) for host, known in hosts.items()}
    desired = {host: _desired(known, results[host]) for host, known in hosts.items()}
    known = {host: {name: of_host.options[name] for name in options.INVENTORY} for host, of_host in desired.items()}
    coordinators = [host for host in hosts if known[host]["whpg_role"] in COORDINATOR_ROLES]
    asked = _asked(task, role, {host: results[host] or {} for host in coordinators})
    limit = asked["options"]["discovery_retention_limit"]
    pair = assess(
        cluster,
        known,
        results,
        limit=parse_size(limit) if limit else None,
        locks={host: of_host.get(_LOCK) for host, of_host in hosts.items()},
        wrong={host: of_host.of_inventory for host, of_host in desired.items()},
        accepted=asked["options"]["standby_accepted_drift"],
    )
    pair = dataclasses.replace(pair, warnings=[*asked["wrong"], *pair.warnings], **asked)
    seen: Observations = {host: None if host in pair.unknown else observed(results[host]) for host in hosts}
    on_primary = coordinator_of(seen.get(pair.primary or ""))
    if on_primary and on_primary.primary:
        seen = {host: own_segments(found, pair.instances[host]["segments"]) for host, found in seen.items()}
    return pair, seen


def _asked(task: Task, role: str, seen: Hosts) -> dict[str, t.Any]:
    """What the options ask for of a pair: of which role that acts, their values, and what is wrong with them.

    :param role: that acts now.
    :param seen: by host of a coordinator, its observation.
    """
    told = {host: found for host, found in seen.items() if "options" in found}
    # a host that was lost on the way shows what was asked for by a role before
    told = {host: found for host, found in told.items() if found["options"]["discovery_role"] == role} or told
    if not told:  # neither host was looked at
        told = {"": dataclasses.asdict(options.read({**task.variables, "discovery_role": role}, task.template))}
    first = next(iter(told.values()))["options"]
    role = first["discovery_role"]
    counting = options.of_pair(role)
    wrong = dict.fromkeys(found["wrong"][name] for found in told.values() for name in counting if name in found["wrong"])
    unlike = options.disagreement(role, {host: found["options"] for host, found in told.items()})
    return {"role": role, "options": first, "wrong": [*wrong, *unlike]}


def _desired(variables: Variables, observation: Variables | None) -> options.Desired:
    """What the inventory tells of a host, by its observation where it was looked at."""
    found = observation or {}
    return options.Desired(found["options"], found["wrong"]) if "options" in found else options.of_inventory(variables)


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
