# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What has to be done on which host of a cluster so that nothing of its standby is left, or why nothing is begun."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.addresses import normal_address
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.access import rules_of
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.catalog import Registration, placed
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.password_stores.registry import KINDS, STORES
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.replication import FOLLOWING, SILENT
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.retention import SETTING
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import own_files, removal
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.coordinator import Coordinator
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.observation import Observation
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.primary import Primary
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.pair import Pair
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.scenes import Scene
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.progress import Plan
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.access import access, addresses_of
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.move import PURPOSES, lives

Options = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class RemovalPlan(Plan):
    """What has to be done.

    :param standby: host whose instance is given up; None where there is none, or where its host is not reached.
    :param directories: data directories of the primary that lose their access rules.
    :param access: by host, the data directories of segments there, and the rules that they keep.
    :param hosts: hosts of coordinators whose files are removed.
    :param system_identifier: of the cluster.
    :param primary_dbid: number of the primary.
    :param places: directories in which a copy's tablespaces may have been staged on the standby's host.
    :param found: what there is to be removed, each thing by its name.
    :param left: what stays, in sentences.
    :param own: files that only the standby has, or has otherwise, and that WAL does not carry.
    """

    directories: list[str] = dataclasses.field(default_factory=list)
    access: dict[str, dict[str, t.Any]] = dataclasses.field(default_factory=dict)
    hosts: list[str] = dataclasses.field(default_factory=list)
    system_identifier: str | None = None
    primary_dbid: int | None = None
    places: list[str] = dataclasses.field(default_factory=list)
    found: list[str] = dataclasses.field(default_factory=list)
    left: list[str] = dataclasses.field(default_factory=list)
    own: list[str] = dataclasses.field(default_factory=list)


def make(scene: Scene) -> RemovalPlan:
    """What has to be done in a cluster."""
    pair, options, primary = scene.pair, scene.pair.options, scene.pair.primary
    refusal = "; ".join([*pair.problems, *pair.wrong]) or pair.busy or pair.maintenance or _refusal_of_state(pair)
    on_primary = scene.coordinator(primary)
    known = on_primary.primary if on_primary else None
    control = on_primary.instance.control if on_primary else None
    if refusal or not primary or not on_primary or not known or not control:
        return RemovalPlan(refusal or "the primary was not observed", primary=primary)
    other = next((host for host in pair.coordinators if host != primary), None)
    on_other, row = scene.coordinator(other), known.standby
    stranger = row.hostname if row and not _is_on(row, other, scene, known.resolved) else None
    refusal = _refusal_of_hosts(scene, known, stranger) or ("" if stranger else _refusal_of_place(row, other, on_other))
    if refusal:
        return RemovalPlan(refusal, primary=primary)
    system = control.system_identifier
    why_kept = removal.refusal(on_other.instance, system, on_other.site.user) if on_other else None
    standby = on_other if why_kept is None else None
    seen = {host: found for host, found in scene.observations.items() if found}
    addresses = addresses_of(primary, pair, scene.observations)
    mapping = options["standby_tablespace_mapping"]
    plan = RemovalPlan(
        refusal="",
        primary=primary,
        standby=other if standby else None,
        directories=pair.instances[primary]["coordinator"],
        access=_access(pair, seen, addresses if known.timeline > 1 else [], options),
        hosts=[host for host in pair.coordinators if host in seen],
        system_identifier=system,
        primary_dbid=on_primary.instance.dbid,
        places=sorted({os.path.normpath(mapping.get(space.location, space.location)) for space in on_primary.tablespaces}),
        left=_left(scene, on_primary, known, other, stranger, row, why_kept),
        own=own_files.lost(standby.files or {}, on_primary.files or {}) if standby else [],
    )
    return dataclasses.replace(plan, found=_found(scene, plan, on_primary, known, standby))


def _refusal_of_state(pair: Pair) -> str:
    if pair.serves:
        return ""
    return f"the primary was not seen to serve, {'; '.join(pair.reasons)}; {pair.advice}"


def _is_on(row: Registration, host: str | None, scene: Scene, resolved: t.Mapping[str, t.Sequence[str]]) -> bool:
    """Whether the registered standby is on a host of the inventory, as far as that can be seen."""
    found = scene.observations.get(host or "")
    if host is None or not found:
        return host is not None
    addresses = [normal_address(address) for address in addresses_of(host, scene.pair, scene.observations)]
    return placed([row], resolved, {host: (found.hostname, addresses)})[row.dbid] == host


def _refusal_of_hosts(scene: Scene, primary: Primary, stranger: str | None) -> str:
    """Why what was not seen keeps from beginning; empty when it does not.

    :param stranger: name of the host that the catalog has the standby on, and that is none of the inventory.
    """
    pair = scene.pair
    without = pair.options["disable_mirroring_without"]
    strays = [*pair.strays, *([stranger] if stranger else [])]
    for name in without:
        if scene.observations.get(name):
            return f"disable_mirroring_without names {name}, which was observed: take it out, or keep the host away from the run"
        if name not in pair.unknown and name not in strays:
            return f"disable_mirroring_without names {name}, which neither the inventory nor the catalog has in this cluster: correct it"
    remedy = "or, if it is gone for ever or is to be left as it is, name it in disable_mirroring_without"
    missing = [f"{host} is unknown, {why}" for host, why in pair.unknown.items() if host not in without]
    if missing:
        return f"{'; '.join(missing)}, {remedy}"
    strange = [name for name in strays if name not in without]
    if strange:
        return f"the catalog has instances on {', '.join(strange)}, which no host of the inventory is: add it there, {remedy}"
    gone = [host for host in [*pair.coordinators, stranger] if host in without]
    if gone and lives(primary.walsender):
        return (
            f"disable_mirroring_without names {', '.join(map(str, gone))}, but a standby streams and lives: "
            f"make its host reachable, or stop it. One that was lost just now has to be silent for {SILENT:g} s"
        )
    return ""


def _refusal_of_place(row: Registration | None, host: str | None, found: Coordinator | None) -> str:
    if row is None or not found or os.path.normpath(row.datadir) == found.instance.data_directory:
        return ""
    return (
        f"the catalog has the standby on {host} in {row.datadir}, the inventory in {found.instance.data_directory}: let the inventory name "
        "the directory that is right, with discovery_data_directory for that host"
    )


def _access(pair: Pair, seen: t.Container[str], addresses: t.Sequence[str], options: Options) -> dict[str, dict[str, t.Any]]:
    """By host, the segments there and the rules that they keep.

    A primary that was a standby once is allowed access by no rule but ours: gpinitsystem wrote its own for the coordinator that it made.

    :param addresses: of the primary, if it may have been a standby.
    """
    segments = {host: {"coordinator": [], "segments": there["segments"]} for host, there in pair.instances.items() if host in seen}
    rules = access(segments, addresses, {**options, "standby_addresses": [], "standby_tls": {}, "standby_replication_auth": "trust"})
    return {
        host: {**desired, "rules": desired["rules"] if addresses else []} for host, desired in rules.items() if desired["data_directories"]
    }


def _left(
    scene: Scene,
    on_primary: Coordinator,
    known: Primary,
    other: str | None,
    stranger: str | None,
    row: Registration | None,
    why_kept: str | None,
) -> list[str]:
    """What stays, and what to do about it."""
    left = []
    pair, on_other = scene.pair, scene.coordinator(other)
    seen = {host: found for host, found in scene.observations.items() if found}
    coordinators = {host: found for host, found in seen.items() if isinstance(found, Coordinator)}
    gone = stranger or (other if not on_other else None)
    if gone and row:
        left.append(
            f"{gone} was not reached: the standby there in {row.datadir}, port {row.port}, its {KINDS} and its record stay. It can no "
            "longer stream; should the host come back, run this again before anybody promotes it"
        )
    elif gone:
        left.append(
            f"{gone} was not reached: what is there of the cluster, a former primary perhaps, stays as it is; see that it does not start"
        )
    if on_other and on_other.site.rewinding:
        left.append(f"{other}: what a rewind that was cut off left beside {on_other.instance.data_directory} stays")
    limit = on_primary.instance.settings.get(SETTING)
    if limit is not None:
        left.append(f"{pair.primary}: {SETTING} = {limit} in postgresql.auto.conf, by standby_retention_limit or by others")
    left += [f"{host}: {', '.join(found.site.set_aside)}" for host, found in coordinators.items() if found.site.set_aside]
    if on_other and why_kept:
        start_block = on_other.instance.start_block
        left.append(f"{other}: {why_kept}; it is left as it is" + (f", start-blocked by {start_block}" if start_block else ""))
    left += [
        f"{host}: {found.unfinished} was cut off, and is not finished by this: run that playbook again when there is a standby"
        for host, found in coordinators.items()
        if found.unfinished and found.unfinished not in PURPOSES
    ]
    left += [f"{host} was not reached: access rules on segments there stay" for host in pair.segment_hosts if host not in seen]
    if known.timeline > 1 and pair.segments:
        left.append(f"segments go on allowing {pair.primary} access, by rules of this collection, for it may have been a standby once")
    left += [
        f"{host} rejects {', '.join(fence.addresses)}, addresses of a former primary: the playbook lift_fence lifts that"
        for host, found in seen.items()
        for fence in found.fences
        if fence.cluster == scene.cluster
    ]
    return left


def _found(scene: Scene, plan: RemovalPlan, on_primary: Coordinator, known: Primary, standby: Coordinator | None) -> list[str]:
    """What there is to be removed."""
    coordinators = [found for found in map(scene.coordinator, plan.hosts) if found]
    kept = [found.passfile for found in coordinators if found.passfile]
    there = {
        "catalog row": known.standby is not None,
        "slot": any(slot.name == scene.pair.options["disable_mirroring_slot_name"] for slot in known.slots),
        "replication role": known.role is not None,
        "access rules": any(on_primary.access.get(where) is not None for where in plan.directories)
        or any(_has_other_rules(desired, scene.observations[host]) for host, desired in plan.access.items()),
        "instance": bool(standby and standby.instance.directory_state == "instance"),
        "unfinished copy": any(found.site.leftover for found in coordinators),
        "settings of a standby": any(name in on_primary.instance.settings for name in FOLLOWING),
        **{kind: any(stored.check for stored in kept if stored.kind == kind) for kind in STORES},
        "record": any(found.record or found.record_wrong for found in coordinators),
    }
    return [name for name, is_there in there.items() if is_there]


def _has_other_rules(desired: t.Mapping[str, t.Any], found: Observation | None) -> bool:
    """Whether segments have other rules of this collection than those that they keep."""
    kept = {where: tuple(str(rule) for rule in rules_of(desired["rules"], where)) or None for where in desired["data_directories"]}
    return found is not None and any(found.access.get(where) != rules for where, rules in kept.items())
