# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What has to be done on which host of a cluster so that its coordinator is mirrored as desired."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.addresses import normal_address
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.catalog import StandbyAddress, primary_of, standby_of
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.installation import library_path
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import Instance
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.stream import commit_limit
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.verdict import DEGRADED, UNMIRRORED
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import own_files
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.coordinator import Coordinator
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.observation import Observation
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.primary import Primary
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.record import Record, RecordedPrimary
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.snapshot import BASEBACKUP, is_worth
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.inventory import Variables
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.observations import Observations, coordinator_on
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.pair import Pair
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.unseen import Unseen
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.views import registered_addresses, removed_wal
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._desired.option_checks import TLS_FILES, Options
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby import access
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby import move as move_plan
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.drift import to_bring
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.move import Move, Scene
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.planned import Moving, StandbyPlan
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.preflight import checks
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.preflight.case import COPY, MOVE, REWIND, START, STAYS, Case
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.rejoin import Rejoin, foresee
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.to_change import to_change

#: as the role rejoin desires it, of a standby that can no longer catch up
_ANEW = {"cluster": "", "method": "auto", "report_file": None}

#: a look at another place than where a host was observed: what it showed, or what kept it from that; None: there was none yet
Look = t.Union[Coordinator, Unseen, None]


def make(
    pair: Pair,
    observations: Observations,
    inventory: t.Container[str] = (),
    former: Look = None,
    looked: Observation | Unseen | None = None,
) -> StandbyPlan:
    """What has to be done in a cluster.

    :param pair: the verdict on it.
    :param inventory: all hosts of the inventory.
    :param former: of the place that the standby is to leave.
    :param looked: of the standby's host, for what it needs there beside its data directory.
    """
    why = _refusal(pair)
    if why:
        return StandbyPlan(why, primary=pair.primary)
    if _is_alone(pair):
        return StandbyPlan("", left_alone="; ".join(pair.reasons), primary=pair.primary)
    primary, options = pair.primary or "", pair.options
    standby = next(host for host in pair.coordinators if host != primary)
    on_primary, on_standby = coordinator_on(primary, observations), coordinator_on(standby, observations)
    known, control = on_primary.primary, on_primary.instance.control
    own = primary_of(known.registrations) if known else None
    if known is None or control is None or own is None:
        what = "its row in the catalog" if control else "its control file"
        return StandbyPlan(f"{primary}: {what} was not seen of the primary: look at it", primary=primary)
    row = standby_of(known.registrations)
    addresses = access.addresses_of(standby, pair, observations)
    scene = move_plan.scene(standby, row, known, on_standby, addresses) if row else None
    desired = _registration(standby, on_standby, pair.variables[standby], scene, options)
    system, leaves = control.system_identifier, options["standby_move_from"]
    move = move_plan.foresee(scene, desired, leaves, system, inventory, former) if scene else Move()
    cut_off = any(found.unfinished in move_plan.PURPOSES for found in (on_primary, on_standby))
    if row and cut_off and not (move.kind or move.refusal):
        move = move_plan.rest(row, leaves, inventory, pair.coordinators)
    rejoining = _rejoin_options(options) or (_ANEW if removed_wal(on_primary, on_standby) and move.kind in ("", move_plan.REST) else None)
    rejoin = foresee(pair, observations, system, rejoining) if rejoining else Rejoin("")
    refusal = _refusal_of_move(move, options) or rejoin.refusal
    if refusal:
        return StandbyPlan(refusal, primary=primary)
    comes = move.kind in (move_plan.DIRECTORY, move_plan.HOST)
    row_fits = row is not None and desired.matches(row)
    copying = rejoin.copies or (on_standby.instance.directory_state != "instance" and not move.renames)
    instances = rejoin.instances or pair.instances
    if comes:
        instances = {**instances, standby: {**instances[standby], "coordinator": [desired.datadir]}}  # its access file comes with it
    anew = move.copies or (rejoining or {}).get("method") == BASEBACKUP
    resumes = copying and not anew and is_worth(on_standby.site.staged, on_primary.used_bytes)
    snapshot, missing = _snapshot(on_primary, known, system, options)
    snapshot["resume"] = resumes
    allowed = access.of_pair(dataclasses.replace(pair, instances=instances), observations, options)
    expected_dbid = row.dbid if row and row_fits else max(other.dbid for other in known.registrations if other != row) + 1
    case = Case(
        primary_host=primary,
        primary=on_primary,
        host=standby,
        # what listens there may be the standby itself
        standby=dataclasses.replace(on_standby, port_taken=False) if move.kind == move_plan.DIRECTORY else on_standby,
        way=_way(copying, rejoin, move),
        instance=rejoin.by_then or _moved_there(on_primary, on_standby, move),
        addresses=registered_addresses(on_primary, desired.address),
        options=options,
        snapshot=snapshot,
        unknown_locations=tuple(missing),
        succession=copying and move.copies,
        looked=looked.looked if isinstance(looked, Observation) else None,
    )
    hinders = f"{standby}: {looked.why}" if isinstance(looked, Unseen) else checks.in_the_way(case, options["standby_accepted_differences"])
    if hinders:
        return StandbyPlan(hinders, primary=primary)
    connection = _further(options)
    plan = StandbyPlan(
        refusal="",
        primary=primary,
        standby=standby,
        copying=copying,
        registration={f"standby_{_OPTION.get(name, name)}": value for name, value in dataclasses.asdict(desired).items()},
        registered=row is not None,
        access=allowed,
        lacking_rules=access.lacking(allowed, observations),
        primary_host=options["standby_primary_host"] or own.address,
        primary_port=own.port,
        connection=connection,
        snapshot=snapshot,
        listen_addresses=options["standby_listen_addresses"],
        expected_dbid=expected_dbid,
        record=_record(pair, on_primary, known, system, connection),
        rejoin=rejoin.options,
        way=rejoin.way,
        files=rejoin.files,
        remove_set_aside=options["standby_rejoins"] and options["rejoin_remove_set_aside"] and not options["standby_part_of"],
        rewind_rules=[access.rewind_rule(addresses, options)] if rejoin.compares or resumes else [],
        fenced=rejoin.fenced if _rejoin_options(options) else _fenced(options, observations, addresses),
        # a copy has what the primary has, and one that moves is looked at again in its place
        drift=[] if copying or move.kind else to_bring(pair.drift),
        accepted_drift=options["standby_accepted_drift"],
        move=_moved(move, pair, observations, _own_of(move, former, on_primary)),
    )
    passwords = {found.passfile.check if found.passfile and found.passfile.usable else None for found in (on_primary, on_standby)}
    same = len(passwords) == 1 and None not in passwords
    scram, given = options["standby_replication_auth"] == "scram", bool(options["standby_replication_password"])
    differs = to_change(plan, pair, known, on_standby, row_fits, same or not scram)
    tasks, chosen = _tasks(plan) if differs else "", scram and not given and not same
    tells = move.kind == move_plan.HOST and move.stops and (chosen or given)
    look = {} if looked else checks.to_look_for(case, _server(plan, options) if differs and options["standby_tls"] else {})
    return dataclasses.replace(
        plan,
        look={**look, "data_directory": desired.datadir, "dbid": expected_dbid} if look else {},
        password_missing=chosen,
        to_change=differs,
        tasks=tasks,
        former_directory=move.registration["standby_data_directory"] if move.renames else "",
        begins=options["standby_part_of"] or _BEGINS.get(tasks, ""),
        move=dataclasses.replace(plan.move, tells=tells) if plan.move else None,
    )


def _rejoin_options(options: Options) -> dict[str, t.Any]:
    """How what is left of a former primary becomes the standby; empty where it must not."""
    if options["standby_part_of"]:
        method = "auto"
    elif options["standby_rejoins"]:
        method = options["rejoin_method"]
    else:
        return {}
    return {"cluster": options["cluster_name"], "method": method, "report_file": options["rejoin_report_file"]}


def _tasks(plan: StandbyPlan) -> str:
    if plan.rejoin:
        return "rejoin"
    if plan.move:
        return "move"
    return "replace" if plan.fenced else "make"


#: by tasks, what is noted as begun
_BEGINS = {"rejoin": move_plan.REJOINS, "move": move_plan.MOVES}

_OPTION = {"datadir": "data_directory"}


def _refusal(pair: Pair) -> str:
    if pair.problems or pair.wrong:
        return "; ".join([*pair.problems, *pair.wrong])
    if pair.busy or pair.maintenance:
        return pair.busy or pair.maintenance
    if _is_alone(pair):
        return ""
    if pair.unknown:
        return "; ".join(f"{host} is unknown, {why}" for host, why in pair.unknown.items())
    if not pair.serves:
        return f"the primary was not seen to serve, {'; '.join(pair.reasons)}; {pair.advice}"
    if len(pair.coordinators) < 2:
        if pair.state == DEGRADED:
            return f"{'; '.join(pair.reasons)}: {pair.advice}"
        return "no host for the standby: give a second host of the cluster whpg_role=coordinator or standby"
    if pair.strays:
        return (
            f"the catalog has segments on {', '.join(pair.strays)}, which no host of the inventory is: add it with whpg_role=segment, "
            "or give its whpg_addresses as the primary knows them"
        )
    return ""


def _is_alone(pair: Pair) -> bool:
    """Whether it has no standby, and is to have none."""
    return pair.as_desired and pair.state == UNMIRRORED


def _way(copying: bool, rejoin: Rejoin, move: Move) -> str:
    """How the standby's host comes to have it."""
    if copying:
        return COPY
    if move.renames:
        return MOVE
    return {"rewind": REWIND, "start": START}.get(rejoin.way.get("method", ""), STAYS)


def _moved_there(on_primary: Coordinator, on_standby: Coordinator, move: Move) -> Instance | None:
    """What will be in the place of a standby that comes from another directory of its host; None: what is there."""
    comes, there = move.kind == move_plan.DIRECTORY and (move.look or move.renames), on_standby.instance
    if not comes or there.directory_state not in ("absent", "empty"):
        return None
    return dataclasses.replace(
        on_primary.instance, data_directory=there.data_directory, owner=on_standby.site.user, role="standby", postmaster=None
    )


def _refusal_of_move(move: Move, options: Options) -> str:
    if move.kind in (move_plan.DIRECTORY, move_plan.HOST) and _rejoin_options(options) and not move.refusal:
        return (
            f"the catalog has a standby on {move.name} already: first make it the desired one, by the playbook enable_mirroring, or "
            "give it up, by disable_mirroring"
        )
    return move.refusal


def _moved(move: Move, pair: Pair, observations: Observations, own: list[str]) -> Moving | None:
    """The move, and by host the rules that allow both standbys access, and the former one alone."""
    if not move.kind:
        return None
    options, given = pair.options, pair.options["standby_addresses"]
    stays = move.kind in (move_plan.NAME, move_plan.REST)
    both = {**options, "standby_addresses": [*given, *move.addresses] if given else given}
    former = [*access.addresses_of(pair.primary or "", pair, observations), *move.addresses]
    return Moving(
        **vars(move),
        meanwhile=access.of_pair(pair, observations, both, move.addresses),
        before=access.of_pair(pair, observations, options) if stays else access.access(pair.instances, former, options),
        own=own,
    )


def _own_of(move: Move, former: Look, on_primary: Coordinator) -> list[str]:
    """What only the standby has that is to leave its place, and has otherwise than the primary, where a copy takes its place."""
    own = former.files if move.copies and isinstance(former, Coordinator) else None
    return own_files.lost(own or {}, on_primary.files or {})


def _fenced(options: Options, observations: Observations, addresses: t.Iterable[str]) -> list[str]:
    """Hosts with packet filters of this cluster that reject the standby's host and nobody else: it took the place of a former primary's."""
    own = set(map(normal_address, addresses))
    rejected = {
        host: {address for fence in seen.fences if fence.cluster == options["cluster_name"] for address in fence.addresses}
        for host, seen in observations.items()
        if seen
    }
    return [host for host, found in rejected.items() if found and found <= own]


def _registration(host: str, observed: Coordinator, variables: Variables, scene: Scene | None, options: Options) -> StandbyAddress:
    """How the standby is to be registered: as the operator says, else as it is already, else as the inventory and its host name it.

    :param host: its name in the inventory, by which EDB's playbooks look for it in C(gpstate -f), which shows the address.
    """
    hostname = options["standby_hostname"] or variables.get("whpg_hostname")
    address = options["standby_address"] or variables.get("whpg_address")
    if scene is not None and scene.is_it:
        address = address or (scene.row.address if hostname in (None, scene.row.hostname) else None)
        hostname = hostname or scene.row.hostname
    address = address or hostname or (host if observed.named else None)
    hostname = hostname or observed.hostname
    port = options["standby_port"] or variables["whpg_port"]
    return StandbyAddress(str(hostname), str(address or hostname), port, observed.instance.data_directory)


def _server(plan: StandbyPlan, options: Options) -> dict[str, str]:
    """Parameters of libpq by which the primary is connected to."""
    named = {"host": plan.primary_host, "port": str(plan.primary_port), "user": options["standby_replication_user"]}
    return {**{name: value for name, value in plan.connection.items() if name != "options"}, **named}


def _further(options: Options) -> dict[str, str]:
    """Parameters of libpq beside who and where."""
    bound = options["standby_commit_timeout"]
    further = {**options["standby_connection"], **options["standby_tls"]}
    if bound is not None:
        # a setting of the session that the primary's walsender is
        further["options"] = f"-c wal_sender_timeout={int(bound)}s"
    return {name: str(value) for name, value in further.items()}


def _snapshot(primary: Coordinator, known: Primary, system: str, options: Options) -> tuple[dict[str, t.Any], list[str]]:
    """Options of the copy, and locations in the mapping that are none of a tablespace."""
    mapping = {os.path.normpath(old): os.path.normpath(new) for old, new in options["standby_tablespace_mapping"].items()}
    locations = {space.location: space.bytes for space in primary.tablespaces}
    libraries = [path for path in map(library_path, known.needs.preload) if path]
    files = [str(options["standby_tls"][name]) for name in TLS_FILES if options["standby_tls"].get(name)]
    desired = {
        "system_identifier": system,
        "engine_version": primary.site.engine_version,
        "expected_bytes": primary.used_bytes,
        "checkpoint": options["standby_checkpoint"],
        "max_rate": options["standby_max_rate"],
        "max_latency": options["standby_max_latency"],
        "tablespaces": [
            {"location": location, "place": mapping.get(location, location), "bytes": size} for location, size in sorted(locations.items())
        ],
        "required_files": libraries + files,
    }
    return {name: value for name, value in desired.items() if value is not None}, sorted(set(mapping) - set(locations))


def _record(pair: Pair, primary: Coordinator, known: Primary, system: str, connection: t.Mapping[str, str]) -> Record:
    """What is to be kept on the standby's host; the rest of it is seen there."""
    host = pair.primary or ""
    addresses = access.addresses_of(host, pair, {host: primary})
    return Record(
        system_identifier=system,
        primary=RecordedPrimary(host, primary.hostname, tuple(map(normal_address, addresses))),
        segments=tuple(pair.segments),
        commit_limit_s=commit_limit(known.commit_limits, connection),
        other_walsenders=bool(known.other_walsenders),
    )
