# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What the observations of all hosts of a cluster mean together."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.maintenance import sentence
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.verdict import PRIMARY_UNKNOWN, Verdict, judge
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.coordinator import Coordinator
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.observation import Observation
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.record import RecordedSegment
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster import inventory, warnings
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.observations import (
    Observations,
    coordinator_of,
    read,
    read_as,
)
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.places import places
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.sightings import sightings
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.unseen import Unseen
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.views import registered_addresses, views_of
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._desired.option_checks import COORDINATOR_ROLES
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby import drift
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.preflight.case import Case
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.preflight.checks import obstacle, unlike

Result = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pair(Verdict):
    """A cluster's pair of coordinators: what state it is in, and what else all hosts show together.

    :param coordinators: hosts where the coordinator may live.
    :param segment_hosts: the other hosts.
    :param variables: by host, its variables of the inventory, typed.
    :param unknown: by host that was not observed, why, and what to do.
    :param problems: what is wrong with the inventory.
    :param obstacle: why the host that is not primary cannot become its standby; None when it can, or when that was not seen.
    :param differences: by name, what of that host differs from the primary's so that it could not serve as it.
    :param instances: by host, the data directories of the cluster's instances there, ``coordinator`` and ``segments``; those that the
        catalog says are down are left out, for they get their access rules from the acting primary when they are recovered.
    :param segments: the catalog's segment instances, each with the ``host`` of the inventory that it is on, None where that is none of
        those observed.
    :param strays: hosts that the catalog names and the inventory does not.
    :param busy: that another run works on it, or that no host could be locked, and what to do; empty when this run may act, and when it
        does not want to.
    :param unlocked: by host that was reached and could not be locked, why; the lock on the other one keeps other runs away.
    :param drift: settings and files that differ between the two; None where they were not seen.
    :param maintenance: that it is in maintenance, and how that ends; empty when it is not. Nothing but a look is done to it then.
    :param warnings: what the operator should know beside the verdict.
    :param role: of the collection that acts on it.
    :param options: what the options of the roles ask for, by their names.
    :param wrong: what is wrong with those.
    :param screen: it for people, line by line.
    :param reporter: host that reports for it.
    """

    coordinators: list[str]
    segment_hosts: list[str]
    variables: dict[str, dict[str, t.Any]]
    unknown: dict[str, str]
    problems: list[str]
    obstacle: str | None
    differences: dict[str, str]
    instances: dict[str, dict[str, list[str]]]
    segments: list[RecordedSegment]
    strays: list[str]
    busy: str
    unlocked: dict[str, str]
    drift: list[drift.Difference] | None
    maintenance: str
    warnings: list[str]
    role: str = ""
    options: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    wrong: list[str] = dataclasses.field(default_factory=list)
    screen: list[str] = dataclasses.field(default_factory=list)
    reporter: str = ""

    @property
    def hosts(self) -> list[str]:
        """All hosts of the cluster."""
        return [*self.coordinators, *self.segment_hosts]


def assess(
    cluster: str,
    variables: t.Mapping[str, inventory.Variables],
    results: t.Mapping[str, Result | None],
    limit: int | None = None,
    locks: t.Mapping[str, Result | None] | None = None,
    wrong: t.Mapping[str, t.Mapping[str, str]] | None = None,
    accepted: t.Sequence[str] = (),
) -> Pair:
    """What a cluster's observations mean.

    :param cluster: its name.
    :param variables: by host, its variables of the inventory, typed.
    :param results: by host, what M(warehousepg.coordinator.mirroring_info) returned there; None of one that took no part.
    :param limit: bytes of WAL that a slot may retain before it is warned of; None: the engine's own limit.
    :param locks: by host, what taking the lock returned there; None of a run that only looks.
    :param wrong: by host, what is wrong with its variables, by their names.
    :param accepted: settings and files that may differ between the two, by name or pattern.
    """
    coordinators = [host for host, known in variables.items() if known.get("whpg_role") in COORDINATOR_ROLES]
    seen: dict[str, Observation | Unseen] = {host: read(results[host]) for host in variables}
    instances_on = {host: found for host, found in seen.items() if isinstance(found, Coordinator)}
    problems = inventory.problems(cluster, variables, wrong or {}) + inventory.shared_places(
        {host: (found.instance.data_directory, (found.hostname, found.addresses)) for host, found in instances_on.items()}
    )
    problems += [
        f"{host}: {found.instance.data_directory} is of PostgreSQL {found.instance.major}, as WarehousePG 6 is, which keeps a "
        "standby's settings otherwise: only engines of WarehousePG 7, PostgreSQL 12, can be mirrored"
        for host, found in instances_on.items()
        if str(found.instance.major).startswith(("8.", "9."))
    ]
    if not problems:  # else it may not be known where an instance is to be looked for
        seen.update({host: read_as(Coordinator, results[host]) for host in coordinators if host not in instances_on})
    missed = {host: found for host, found in seen.items() if isinstance(found, Unseen)}
    observations: Observations = {host: None if isinstance(found, Unseen) else found for host, found in seen.items()}
    if problems:
        verdict = Verdict(PRIMARY_UNKNOWN, tuple(problems), "correct the inventory", None, None, False, "the inventory is wrong")
    else:
        verdict = judge(
            views_of(coordinators, observations, missed),
            sightings=sightings(coordinators, variables, observations),
            desired=inventory.names_standby(variables),
        )
    other = next((host for host in coordinators if host != verdict.primary), None) if verdict.primary else None
    primary, standby = (coordinator_of(observations.get(host or "")) for host in (verdict.primary, other))
    case = Case(verdict.primary, primary, other, standby, addresses=registered_addresses(primary))
    differences = unlike(case)
    instances, segments, strays = places(variables, observations, primary.primary if primary else None)
    drifted = _drift(primary, standby, accepted)
    maintenance = sentence(
        {host: found.maintenance for host, found in instances_on.items() if found.maintenance},
        [host for host, known in variables.items() if known.get("maintenance")],
    )
    # of one that cannot be asked it is told already why
    taken = {host: (locks or {}).get(host) or {} for host in coordinators}
    busy, unlocked = hindrances({host: {} if host in missed and "lock" not in found else found for host, found in taken.items()})
    return Pair(
        **vars(verdict),
        coordinators=coordinators,
        segment_hosts=[host for host in variables if host not in coordinators],
        variables={host: dict(known) for host, known in variables.items()},
        unknown={host: str(found) for host, found in missed.items()},
        problems=problems,
        obstacle=obstacle(case),
        differences=differences,
        instances=instances,
        segments=segments,
        strays=strays,
        busy=busy,
        unlocked=unlocked,
        drift=drifted,
        maintenance=maintenance,
        warnings=[
            *([maintenance] if maintenance else []),
            *(warnings.of_runs(coordinators, observations) if not any("held" in found for found in taken.values()) else []),
            *(f"{host} could not be locked against other runs: {why}" for host, why in unlocked.items()),
            *warnings.of_commits(other, primary, standby),
            *warnings.of_connection(other, primary, standby),
            *warnings.of_directories(variables, observations),
            *(f"{host}: the catalog has segments there, the inventory does not name it" for host in strays),
            *(f"{other} could not serve as the primary does: {said}" for said in differences.values()),
            *warnings.of_fences(cluster, verdict.primary, primary, variables, observations),
            *warnings.of_segments(primary),
            *warnings.of_wal(verdict.primary, primary, limit),
            *warnings.of_path(other, standby),
            *warnings.of_listening(coordinators, observations),
            *drift.warnings(verdict.primary, other, drifted),
        ],
    )


def _drift(primary: Coordinator | None, standby: Coordinator | None, accepted: t.Sequence[str]) -> list[drift.Difference] | None:
    """What differs between the two, where both are instances of one system."""
    one, other = (found.instance.control if found else None for found in (primary, standby))
    if not primary or not standby or not one or not other or one.system_identifier != other.system_identifier:
        return None
    return drift.differences(primary.unlogged, standby.unlogged, accepted)


def hindrances(locks: t.Mapping[str, Result]) -> tuple[str, dict[str, str]]:
    """Why this run must not act, empty when it may; and by host that was reached and could not be locked, why.

    Whoever changes a pair needs both hosts, or the one that it changes. So the lock of one is enough where the other cannot be locked.

    :param locks: by host where the coordinator may live, what taking the lock returned; empty where it was not tried.
    """
    others: dict[str, list[str]] = {}  # by run that has the lock
    for host, found in locks.items():
        if found.get("msg") and found.get("lock"):
            others.setdefault(str(found["lock"].get("holder")), []).append(host)
    unlocked = {host: str(found["msg"]) for host, found in locks.items() if found.get("msg") and not found.get("lock")}
    unlocked = {host: why for host, why in unlocked.items() if not locks[host].get("unreachable")}
    if others:
        return "; ".join(f"{', '.join(hosts)}: {locks[hosts[0]]['msg']}" for hosts in others.values()), unlocked
    if unlocked and not any("lock" in found for found in locks.values()):
        return "no host of the coordinators could be locked: " + "; ".join(f"{host}: {why}" for host, why in unlocked.items()), unlocked
    return "", unlocked
