# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What looking at clusters has done on the controller: what all hosts showed is judged."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import typing as t

from ansible.errors import AnsibleActionFail
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.retention import parse_size
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.inventory import name_of
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
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.invocation import clusters_of_batch, out_of_step
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.stage import Hosts, Stage, Task, Variables
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show import page, report
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.people import tell
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.screen import quiet, render

INTENT = options.DISCOVERY

#: where the role C(_common) registers what taking the lock returned
_LOCK = "_common_lock"


def _judge(task: Task, _given: Variables) -> Variables:
    """Judge each cluster that takes part and, if asked, print its screen, and write all of them to files."""
    unfit = out_of_step(task.strategy)
    if unfit:
        raise AnsibleActionFail(unfit)
    role, display, file = (task.options[f"discovery_{name}"] for name in ("role", "display", "report_file"))
    html = task.options["status_html"] if role == "status" else ""
    batch, in_play = task.variables["ansible_play_batch"], task.variables["ansible_play_hosts_all"]
    members = _members(task, batch, in_play)
    whole = file or html
    if whole and set(batch) != set(task.variables["ansible_play_hosts"]):
        raise AnsibleActionFail(f"{whole} is about all clusters, which a play with serial does not see at once: leave serial out")
    own = options.read(task.variables, task.template).wrong if role == "status" else {}
    if set(own) & set(options.names("status")):
        raise AnsibleActionFail("; ".join(own[name] for name in options.names("status") if name in own))
    clusters, reports, pairs = {}, {}, {}
    for cluster, hosts in members.items():
        pair, observations = _judged(task, role, cluster, hosts)
        screen = render(cluster, pair, observations)
        line = quiet(cluster, pair)
        if display == "screen":
            tell("", *screen, "")
        elif display == "quiet" and line:
            tell(line)
        reporter = next(host for host in [*batch, *in_play] if host in hosts)
        clusters[cluster] = dataclasses.asdict(dataclasses.replace(pair, screen=screen, reporter=reporter))
        reports[cluster], pairs[cluster] = report.describe(pair, observations), pair
    document = report.document(reports, datetime.datetime.now(datetime.timezone.utc))
    for path, write in ((file, report.write), (html, functools.partial(page.write, pairs=pairs, check_mode=task.check_mode))):
        try:
            write(path, document) if path else None
        except OSError as error:
            raise AnsibleActionFail(f"{path} cannot be written on the controller: {error.strerror}") from error
    return {"clusters": clusters}


def _members(task: Task, batch: t.Sequence[str], in_play: t.Sequence[str]) -> dict[str, Hosts]:
    """By cluster of the batch, all hosts that the inventory has in it, and their variables."""
    groups, hostvars = task.variables["groups"], task.variables["hostvars"]
    inventory = groups.get("whpg_clusters") or groups["all"]
    of_host = {host: hostvars[host] for host in dict.fromkeys([*in_play, *inventory])}  # each lookup makes them anew
    cluster_of = {host: name_of(known) for host, known in of_host.items()}
    here, split = clusters_of_batch(cluster_of, in_play, task.variables["ansible_play_hosts"], batch)
    if split:
        raise AnsibleActionFail("; ".join(_refusal_of_batches(cluster, hosts) for cluster, hosts in split.items()))
    return {cluster: {host: of_host[host] for host in inventory if cluster_of[host] == cluster} for cluster in here}


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


def _refusal_of_batches(cluster: str, elsewhere: t.Sequence[str]) -> str:
    return (
        f"{cluster or 'a cluster without a name'}: {', '.join(elsewhere)} is in another batch of the play, so that not all of the cluster "
        "was seen: leave serial out, all clusters are worked on at once, or let each batch have whole clusters"
    )


STAGES = {"judge": Stage(_judge)}
