# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What all hosts showed is judged, cluster by cluster."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ansible.errors import AnsibleActionFail
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.retention import parse_size
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.inventory import known_of
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
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.invocation import out_of_step
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.stage import Hosts, Task, Variables
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show import report
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.screen import render

#: where the role C(_common) registers what taking the lock returned
_LOCK = "_common_lock"


@dataclasses.dataclass(frozen=True)
class Judged:
    """All clusters that take part.

    :param members: by cluster, all its hosts and their variables.
    :param pairs: by cluster, what its hosts mean together.
    :param observations: by cluster, and by host, what is to be shown.
    """

    members: t.Mapping[str, Hosts]
    pairs: t.Mapping[str, Pair]
    observations: t.Mapping[str, Observations]

    def reports(self, since: t.Mapping[str, datetime.datetime] | None = None) -> dict[str, dict[str, t.Any]]:
        """By cluster, what the document says of it.

        :param since: by cluster, since when it is in its state, where that is known.
        """
        return {name: report.describe(pair, self.observations[name], (since or {}).get(name)) for name, pair in self.pairs.items()}

    def returned(self, warnings: t.Sequence[str]) -> dict[str, t.Any]:
        """What the task returns."""
        verdicts = {name: dataclasses.asdict(pair) for name, pair in self.pairs.items()}
        return {"clusters": verdicts, **({"warnings": [*warnings]} if warnings else {})}


def judge(task: Task, whole: str = "") -> Judged:
    """Judge each cluster that takes part.

    :param whole: what is to be made of all clusters at once, for which a play must not have batches; empty: nothing is.
    """
    unfit = out_of_step(task.strategy)
    if unfit:
        raise AnsibleActionFail(unfit)
    members = task.members()
    batch, in_play = task.variables["ansible_play_batch"], task.variables["ansible_play_hosts_all"]
    if whole and set(batch) != set(task.variables["ansible_play_hosts"]):
        raise AnsibleActionFail(f"{whole} is about all clusters, which a play with serial does not see at once: leave serial out")
    order = {host: number for number, host in enumerate(dict.fromkeys([*batch, *in_play]))}
    pairs, observations = {}, {}
    for cluster, hosts in members.items():
        pair, seen = _of_cluster(task, task.options["discovery_role"], cluster, hosts)
        reporter = min((host for host in hosts if host in order), key=order.__getitem__)
        pairs[cluster] = dataclasses.replace(pair, screen=render(cluster, pair, seen), reporter=reporter)
        observations[cluster] = seen
    return Judged(members, pairs, observations)


def _of_cluster(task: Task, role: str, cluster: str, hosts: Hosts) -> tuple[Pair, Observations]:
    """What a cluster's hosts mean together, and by host what is to be shown."""
    results = {host: known_of(known, OBSERVATION) for host, known in hosts.items()}
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
        locks={host: known_of(of_host, _LOCK) for host, of_host in hosts.items()},
        wrong={host: of_host.of_inventory for host, of_host in desired.items()},
        accepted=asked["options"]["standby_accepted_drift"],
    )
    pair = dataclasses.replace(pair, warnings=[*asked["wrong"], *strangers(hosts), *pair.warnings], **asked)
    seen: Observations = {host: None if host in pair.unknown else observed(results[host]) for host in hosts}
    on_primary = coordinator_of(seen.get(pair.primary or ""))
    if on_primary and on_primary.primary:
        seen = {host: own_segments(found, pair.instances[host]["segments"]) for host, found in seen.items()}
    return pair, seen


def strangers(hosts: Hosts) -> list[str]:
    """What variables of hosts look like options and are none, in sentences."""
    seen = (known_of(known, OBSERVATION) or {} for known in hosts.values())
    return list(dict.fromkeys(said for found in seen for said in found.get("strangers", ())))


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
