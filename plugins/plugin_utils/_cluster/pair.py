# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What the observations of all hosts of a cluster mean together."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.addresses import normal_address
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.maintenance import sentence
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import retention
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.catalog import COORDINATOR, Registration, placed, segments_of
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.verdict import (
    PRIMARY_UNKNOWN,
    RECENT,
    Sighting,
    Verdict,
    View,
    judge,
    view_of,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.record import parse as parse_record
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster import inventory
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.unseen import Unseen, unseen
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby import drift
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.preflight.case import Case
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.preflight.checks import obstacle, unlike
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.preflight.listening import deaf, unheard

Observation = t.Mapping[str, t.Any]
Record = t.Mapping[str, t.Any]
Observations = t.Mapping[str, t.Optional[Observation]]


@dataclasses.dataclass(frozen=True)
class Pair:
    """A cluster's pair of coordinators, and what it stands in.

    :param verdict: what state it is in.
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
    """

    verdict: Verdict
    coordinators: list[str]
    segment_hosts: list[str]
    variables: dict[str, dict[str, t.Any]]
    unknown: dict[str, str]
    problems: list[str]
    obstacle: str | None
    differences: dict[str, str]
    instances: dict[str, dict[str, list[str]]]
    segments: list[dict[str, t.Any]]
    strays: list[str]
    busy: str
    unlocked: dict[str, str]
    drift: list[drift.Difference] | None
    maintenance: str
    warnings: list[str]


def assess(
    cluster: str,
    variables: t.Mapping[str, inventory.Variables],
    results: Observations,
    limit: int | None = None,
    locks: t.Mapping[str, Observation | None] | None = None,
    wrong: t.Mapping[str, t.Mapping[str, str]] | None = None,
    accepted: t.Sequence[str] = (),
) -> Pair:
    """What a cluster's observations mean.

    :param cluster: its name.
    :param variables: by host, its variables of the inventory, typed.
    :param results: by host, what was registered there.
    :param limit: bytes of WAL that a slot may hold back before it is warned of; None: the engine's own limit.
    :param locks: by host, what taking the lock returned there; None of a run that only looks.
    :param wrong: by host, what is wrong with its variables, by their names.
    :param accepted: settings and files that may differ between the two, by name or pattern.
    """
    coordinators = [host for host, known in variables.items() if known.get("whpg_role") in inventory.COORDINATOR_ROLES]
    missing = {host: found for host, found in ((host, unseen(results[host])) for host in variables) if found}
    unknown = {host: str(found) for host, found in missing.items()}
    observations = {host: None if host in unknown else results[host] for host in variables}
    problems = inventory.problems(cluster, variables, wrong or {}) + inventory.shared_places(
        {
            host: (found["instance"]["data_directory"], (found["hostname"], tuple(found["addresses"])))
            for host, found in observations.items()
            if found and "instance" in found
        }
    )
    problems += [
        f"{host}: {found['instance']['data_directory']} is of PostgreSQL {found['instance']['major']}, as WarehousePG 6 is, which keeps a "
        "standby's settings otherwise: only engines of WarehousePG 7, PostgreSQL 12, can be mirrored"
        for host, found in observations.items()
        if found and "instance" in found and str(found["instance"]["major"]).startswith(("8.", "9."))
    ]
    if problems:
        verdict = Verdict(PRIMARY_UNKNOWN, tuple(problems), "correct the inventory", None, None, False, "the inventory is wrong")
    else:
        seen = sightings(coordinators, variables, observations)
        verdict = judge(_views(coordinators, observations, missing), sightings=seen, desired=inventory.names_standby(variables))
    other = next((host for host in coordinators if host != verdict.primary), None) if verdict.primary else None
    primary, standby = (observations.get(host or "") for host in (verdict.primary, other))
    case = Case(verdict.primary, primary or {}, other, standby or {}, addresses=registered_addresses(primary))
    differences = unlike(case)
    instances, segments, strays = whereabouts(variables, observations, primary)
    drifted = _drift(primary, standby, accepted)
    maintenance = sentence(
        {host: found["maintenance"] for host, found in observations.items() if found and found.get("maintenance")},
        [host for host, known in variables.items() if known.get("maintenance")],
    )
    # of one that cannot be asked it is told already why
    taken = {host: (locks or {}).get(host) or {} for host in coordinators}
    busy, unlocked = hindrances({host: {} if host in unknown and "lock" not in found else found for host, found in taken.items()})
    return Pair(
        verdict=verdict,
        coordinators=coordinators,
        segment_hosts=[host for host in variables if host not in coordinators],
        variables={host: dict(known) for host, known in variables.items()},
        unknown=unknown,
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
            *(f"{host} could not be locked against other runs: {why}" for host, why in unlocked.items()),
            *_warnings_of_commits(other, primary, standby),
            *_warnings_of_directories(variables, observations),
            *(f"{host}: the catalog has segments there, the inventory does not name it" for host in strays),
            *(f"{other} could not serve as the primary does: {said}" for said in differences.values()),
            *_warnings_of_segments(primary),
            *_warnings_of_wal(verdict.primary, primary, limit),
            *_warnings_of_path(other, standby),
            *_warnings_of_listening(coordinators, observations),
            *drift.warnings(verdict.primary, other, [dataclasses.asdict(one) for one in drifted or ()]),
        ],
    )


def _drift(primary: Observation | None, standby: Observation | None, accepted: t.Sequence[str]) -> list[drift.Difference] | None:
    """What differs between the two, where both are instances of one system."""
    controls = [(found or {}).get("instance", {}).get("control") for found in (primary, standby)]
    if not all(controls) or len({control["system_identifier"] for control in controls}) > 1:
        return None
    return drift.differences((primary or {}).get("drifting"), (standby or {}).get("drifting"), accepted)


def _views(coordinators: t.Sequence[str], observations: Observations, missing: t.Mapping[str, Unseen]) -> list[View]:
    """What was seen of each host where the coordinator may live; what a standby lacks, and whether it is reached, is seen on both."""
    views = [
        dataclasses.replace(view_of(host, observations[host]), silence=missing[host].why, remedy=f"{host}: {missing[host].remedy}")
        if host in missing and missing[host].answered
        else view_of(host, observations[host])
        for host in coordinators
    ]
    primary = next((view.host for view in views if view.is_primary), None)
    on_primary = observations.get(primary or "")

    def unreachable(host: str) -> str | None:
        seen = observations[host]
        if host == primary or not seen or seen["instance"]["role"] != "standby":
            return None
        return deaf(Case(primary, on_primary or {}, host, seen, addresses=registered_addresses(on_primary)))

    return [dataclasses.replace(view, lacks=lacking(on_primary, observations[view.host]), deaf=unreachable(view.host)) for view in views]


def registered_addresses(primary: Observation | None, address: str | None = None) -> tuple[str, ...]:
    """The numeric addresses that the primary's host knows for the registered standby.

    :param address: its name or address; None: that of its row in the catalog.
    """
    known = (primary or {}).get("primary") or {}
    name = address or (known.get("standby") or {}).get("address")
    return tuple(normal_address(str(found)) for found in known.get("resolved", {}).get(name, ()))


def hindrances(locks: t.Mapping[str, Observation]) -> tuple[str, dict[str, str]]:
    """Why this run must not act, empty when it may; and by host that was reached and could not be locked, why.

    Whoever changes a pair needs both hosts, or the one that it changes. So the lock of one is enough where the other cannot be locked.

    :param locks: by host where the coordinator may live, what taking the lock returned; empty where it was not tried.
    """
    others = {str(found["msg"]): host for host, found in locks.items() if found.get("msg") and found.get("lock")}
    unlocked = {host: str(found["msg"]) for host, found in locks.items() if found.get("msg") and not found.get("lock")}
    unlocked = {host: why for host, why in unlocked.items() if not locks[host].get("unreachable")}
    if others:
        return "; ".join(f"{host}: {said}" for said, host in others.items()), unlocked
    if unlocked and not any("lock" in found for found in locks.values()):
        return "no host of the coordinators could be locked: " + "; ".join(f"{host}: {why}" for host, why in unlocked.items()), unlocked
    return "", unlocked


def lacking(primary: Observation | None, standby: Observation | None) -> str | None:
    """The WAL segment that a standby needs and its primary has no more, by its log or by where the WAL of both ends and begins.

    None where it does not lack one, and where that was not seen.
    """
    if not primary or not standby or standby["instance"]["role"] != "standby":
        return None
    instance, own, there = standby["instance"], standby["wal"] or {}, primary["wal"] or {}
    if (standby["standby"] or {}).get("removed_wal"):
        return str(standby["standby"]["removed_wal"])
    postmaster = instance["postmaster"] or {"connected": False}
    if postmaster["connected"] is not False or not instance["control"] or not own.get("end_lsn") or not there.get("oldest_lsn"):
        return None
    end, size = Lsn.parse(own["end_lsn"]), instance["control"]["segment_bytes"]
    if end.position // size * size >= Lsn.parse(there["oldest_lsn"]).position:
        return None
    return end.wal_file(own["timeline"], size)


def record_of(observation: Observation) -> tuple[Record | None, str]:
    """The record that a host keeps, None without one; and what is wrong with one that cannot be used."""
    told = observation.get("record")
    if told is None:
        return None, str(observation.get("record_wrong") or "")
    try:
        return parse_record(told), ""
    except ValueError as error:
        return None, str(error)


def kept_record(coordinators: t.Iterable[str], observations: Observations, primary: str | None) -> tuple[Record | None, str]:
    """What was recorded of the cluster on its standby's host while a primary served; None, and why, where there is none of use.

    :param primary: host that it must tell of as the primary.
    """
    why = "no host keeps a record of the cluster"
    for host in coordinators:
        found = observations.get(host) or {}
        (record, wrong), control = record_of(found), (found.get("instance") or {}).get("control")
        if host == primary or not control:
            continue
        if record is None:
            why = f"the record on {host} cannot be used, correct it there ({wrong})" if wrong else why
            continue
        if record["system_identifier"] != control["system_identifier"]:
            why = f"the record on {host} is of the system {record['system_identifier']}, its data directory {control['system_identifier']}"
        elif record["primary"]["host"] != primary:
            why = f"the record on {host} tells of {record['primary']['host']} as the primary, not of {primary or 'an unknown host'}"
        else:
            return record, ""
    return None, why


def addresses_of(host: str, variables: t.Mapping[str, inventory.Variables], observations: Observations, record: Record | None) -> set[str]:
    """All addresses that are known of a host: by the inventory, by itself, by the record of it as the primary."""
    kept = record["primary"]["addresses"] if record and record["primary"]["host"] == host else []
    found = [*(variables[host].get("whpg_addresses") or []), *(observations.get(host) or {}).get("addresses", []), *kept]
    return {normal_address(str(address)) for address in found}


def sightings(coordinators: t.Sequence[str], variables: t.Mapping[str, inventory.Variables], observations: Observations) -> list[Sighting]:
    """What the hosts of a cluster see of the hosts where its coordinator may live."""
    found = []
    for of in coordinators:
        record, _dummy = kept_record(coordinators, observations, of)
        addresses = addresses_of(of, variables, observations, record)
        for by, observation in observations.items():
            if by == of or not observation:
                continue
            sessions = observation.get("sessions")
            ports = [row["port"] for row in record["segments"] if row["host"] == by] if record else None
            recent = [
                session["count"]
                for session in sessions or ()
                if normal_address(session["address"]) in addresses
                and (ports is None or session["port"] in ports)
                and session["quiet_s"] is not None
                and session["quiet_s"] <= RECENT
            ]
            port = (observation.get("peers") or {}).get(of)
            found.append(Sighting(by, of, sum(recent) if sessions is not None else None, port))
    return found


def whereabouts(
    variables: t.Mapping[str, inventory.Variables], observations: Observations, primary: Observation | None
) -> tuple[dict[str, dict[str, list[str]]], list[dict[str, t.Any]], list[str]]:
    """Where the cluster's instances are: by host of the inventory, the segments with their host, and the hosts that it does not name."""
    instances: dict[str, dict[str, list[str]]] = {host: {"coordinator": [], "segments": []} for host in variables}
    for host, found in observations.items():
        if found and "instance" in found and found["instance"]["content"] == "instance":
            instances[host]["coordinator"].append(found["instance"]["data_directory"])
    if not primary or not primary["primary"]:
        return instances, [], []
    rows = [Registration(**row) for row in primary["primary"]["registrations"] if row["content"] != COORDINATOR]
    # a host that carries both, under two names, is the segments' first
    order = sorted((host for host, found in observations.items() if found), key=lambda host: variables[host].get("whpg_role") != "segment")
    hosts = {
        host: (found["hostname"], [normal_address(str(address)) for address in variables[host].get("whpg_addresses") or found["addresses"]])
        for host, found in ((host, observations[host] or {}) for host in order)
    }
    where = placed(rows, primary["primary"]["resolved"], hosts)
    for row in rows:
        place = where[row.dbid]
        if place is not None and (row.status == "u" or _runs(row, observations[place])):
            instances[place]["segments"].append(row.datadir)
    # a host that was not observed may be the one that is missing
    strays = {row.hostname for row in rows if where[row.dbid] is None and row.status == "u"} if all(observations.values()) else set()
    segments = [{**{name: getattr(row, name) for name in _RECORDED}, "host": where[row.dbid]} for row in rows]
    return instances, segments, sorted(strays)


#: what of a segment's row is told
_RECORDED = ("dbid", "content", "role", "hostname", "address", "port", "datadir")


def own_segments(observation: Observation | None, directories: t.Collection[str]) -> Observation | None:
    """An observation without segment instances of other clusters on the same host.

    :param directories: the data directories of the cluster's segments there.
    """
    if not observation:
        return observation
    return {**observation, "segments": [segment for segment in observation["segments"] if segment["data_directory"] in directories]}


def _runs(row: Registration, observation: Observation | None) -> bool:
    return any(segment["data_directory"] == row.datadir for segment in (observation or {}).get("segments", ()))


def _warnings_of_commits(host: str | None, primary: Observation | None, standby: Observation | None) -> list[str]:
    """That everybody who writes is kept waiting, which a state alone says too quietly."""
    probe = ((primary or {}).get("primary") or {}).get("probe")
    if not primary or not probe or probe["acknowledged"] is not False or not primary["primary"]["walsender"]:
        return []
    postmaster = ((standby or {}).get("instance") or {}).get("postmaster")
    why = "which is frozen" if postmaster and postmaster["frozen"] else "which does not answer in time"
    return [
        f"COMMITS WAIT for the standby on {host}, {why}: let it go on, or let them go on without it, by the playbook release with "
        "release_commits"
    ]


def _warnings_of_segments(primary: Observation | None) -> list[str]:
    """What the catalog says of segments that do not run as they were made to."""
    if not primary or not primary["primary"]:
        return []
    seen = segments_of(Registration(**row) for row in primary["primary"]["registrations"])
    found = []
    if seen.down:
        found.append(f"{len(seen.down)} of {seen.instances} segment instances are down, {_listed(seen.down)}: run gprecoverseg")
    if seen.not_in_sync:
        contents = ", ".join(map(str, seen.not_in_sync))
        found.append(f"the mirrors of content {contents} are not in sync with their primaries: see gpstate -e, and wait for them")
    if seen.swapped:
        first = "once all are up and in sync, " if seen.down or seen.not_in_sync else ""
        found.append(
            f"{len(seen.swapped)} of {seen.instances} segment instances are not in their preferred role, {_listed(seen.swapped)}: "
            f"{first}run gprecoverseg -r"
        )
    return found


def _listed(rows: t.Sequence[Registration]) -> str:
    """Some instances, the first ones by name."""
    named = [f"content {row.content} on {row.hostname}:{row.port}" for row in rows[:_NAMED]]
    return "; ".join(named) + (f" and {len(rows) - _NAMED} more" if len(rows) > _NAMED else "")


#: how many of many things are named
_NAMED = 4


def _warnings_of_directories(variables: t.Mapping[str, inventory.Variables], observations: Observations) -> list[str]:
    """Where an inventory names a directory that EDB's playbooks do not heed, and the standby is elsewhere."""
    found = []
    for host, known in variables.items():
        named = known.get("whpg_standby_data_directory") if known.get("whpg_role") == "standby" else None
        there = os.path.dirname((observations[host] or {}).get("instance", {}).get("data_directory") or "")
        if named and there and os.path.normpath(named) != there:
            found.append(
                f"{host}: whpg_standby_data_directory is {named}, which EDB's playbooks do not heed either: the standby's place is in "
                f"{there}. To have it elsewhere give discovery_standby_directory"
            )
    return found


def _warnings_of_listening(coordinators: t.Sequence[str], observations: Observations) -> list[str]:
    """That no client could connect to a standby, where no primary tells whether any could; else the verdict says it."""
    seen = {host: observations[host] or {} for host in coordinators}
    if any(found.get("primary") for found in seen.values()):
        return []
    standbys = {host: found for host, found in seen.items() if found.get("standby")}
    return [said for host, found in standbys.items() for said in [unheard(host, found)] if said]


def _warnings_of_path(host: str | None, standby: Observation | None) -> list[str]:
    """The engine's utilities pass paths through a shell unquoted."""
    directory = standby["instance"]["data_directory"] if standby and "instance" in standby else ""
    if not any(letter.isspace() for letter in directory):
        return []
    return [f"{host}: gpstart and gpstop cannot deal with the blanks in {directory}, gpstart -a refuses to start the cluster"]


def _warnings_of_wal(host: str | None, primary: Observation | None, limit: int | None) -> list[str]:
    if not primary or not primary["primary"] or not primary["wal"]:
        return []
    known = primary["primary"]
    own = known["retention_limit"] if known["retention_limit"] and known["retention_limit"] > 0 else None
    found = retention.warnings(known["slots"], limit or own, primary["wal"]["free"], primary["wal"]["size"])
    return [f"{host}: {warning}" for warning in found]
