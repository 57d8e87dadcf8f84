# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What has to be done on which host of a cluster so that its coordinator is mirrored as it is wanted."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.addresses import normal_address
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.access import rules_of
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.catalog import Registration, StandbyAddress
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection import DATABASE
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.installation import library_path
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import Instance, instance_of
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.password_stores.registry import store_at
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.replication import APPLICATION_NAME
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.retention import parse_size
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.stream import commit_limit
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.verdict import DEGRADED, MIRRORED, UNMIRRORED
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import own_files
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.record import is_stale
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.registration import spare
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.pair import lacking, registered_addresses
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.unseen import unseen
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._desired.option_checks import TLS_FILES, Options
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby import move as move_plan
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.drift import to_bring
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.move import Move, Scene
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.preflight import checks
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.preflight.case import COPY, MOVE, REWIND, START, STAYS, Case
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.rejoin import Rejoin, foresee

Observation = t.Mapping[str, t.Any]
Variables = t.Mapping[str, t.Any]

#: as the role rejoin wishes it, of a standby that can no longer catch up
_ANEW = {"cluster": "", "method": "auto", "report_file": None}

_METHODS = {"scram": "scram-sha-256", "cert": "cert", "trust": "trust"}


@dataclasses.dataclass(frozen=True)
class StandbyPlan:
    """What has to be done.

    :param refusal: why nothing can be begun; empty when it can.
    :param left_alone: why nothing is to be done, and the cluster has no standby; empty where it is to have one.
    :param unsettled: what is not as it is wanted; with nothing in it no module would change anything.
    :param tasks: name of the role's tasks that do what has to be done; empty where nothing has.
    :param primary: host that is primary.
    :param standby: host that is, or is to be, the standby.
    :param copying: whether a copy has to be made.
    :param look: options of a further look at the standby's host, for what it needs there beside its data directory; empty where none is
        needed.
    :param password_missing: whether a password has to be chosen.
    :param registration: options of the standby's registration.
    :param registered: whether the catalog has a standby already, whatever it says of it.
    :param access: by host, the data directories and rules of its instances.
    :param closed: hosts where an instance lacks its rules.
    :param primary_host: name or address that the standby reaches the primary by.
    :param primary_port: port of the primary.
    :param connection: further parameters of libpq.
    :param snapshot: options of the copy.
    :param listen_addresses: value of that setting on the standby; None: it stays as it is.
    :param expected_dbid: number under which the standby is registered, or will be.
    :param record: what is to be kept on the standby's host for the day on which the primary cannot be asked.
    :param rejoin: options for a former primary that is to become the standby; empty where none is.
    :param way: how it will, ``method`` and ``reason``; empty where none is.
    :param rewind_rules: rules that let it in while it is rewound; empty where it will not be.
    :param fenced: hosts with a packet filter against it.
    :param drift: files that have to be brought from the primary, for the standby has them otherwise.
    :param accept_drift: settings that keep their values meanwhile, by name or pattern.
    :param move: how it comes to another place than the catalog has it in, see :class:`move_plan.Move`, and by host the rules ``meanwhile``
        and ``before``; empty where it stays, or could not go back.
    :param files: what will become of its files, see :class:`rejoin_plan.Rejoin`.
    :param remove_old: whether what a copy takes the place of is removed at the end.
    """

    refusal: str
    left_alone: str = ""
    unsettled: list[str] = dataclasses.field(default_factory=list)
    tasks: str = ""
    primary: str | None = None
    standby: str | None = None
    copying: bool = False
    look: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    password_missing: bool = False
    registration: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    registered: bool = False
    access: dict[str, dict[str, t.Any]] = dataclasses.field(default_factory=dict)
    closed: list[str] = dataclasses.field(default_factory=list)
    primary_host: str | None = None
    primary_port: int | None = None
    connection: dict[str, str] = dataclasses.field(default_factory=dict)
    snapshot: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    listen_addresses: str | None = None
    expected_dbid: int | None = None
    record: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    rejoin: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    way: dict[str, str] = dataclasses.field(default_factory=dict)
    rewind_rules: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)
    fenced: list[str] = dataclasses.field(default_factory=list)
    drift: list[str] = dataclasses.field(default_factory=list)
    accept_drift: list[str] = dataclasses.field(default_factory=list)
    move: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    files: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    remove_old: bool = False


def make(
    pair: t.Mapping[str, t.Any],
    observations: t.Mapping[str, Observation],
    variables: t.Mapping[str, Variables],
    options: Options,
    inventory: t.Container[str] = (),
    former: t.Any = None,
    looked: t.Any = None,
) -> StandbyPlan:
    """What has to be done in a cluster.

    :param pair: the verdict on it.
    :param observations: by host, what M(warehousepg.coordinator.mirroring_info) returned there.
    :param variables: by host, its variables of the inventory.
    :param options: what the options of the roles ask for, by their names; None: there is none.
    :param inventory: all hosts of the inventory.
    :param former: what M(warehousepg.coordinator.mirroring_info) returned of the place that the standby is to leave; None: it was not
        looked there yet.
    :param looked: what M(warehousepg.coordinator.mirroring_info) returned of a further look at the standby's host; None: there was none.
    """
    why = _refusal(pair)
    if why:
        return StandbyPlan(why, primary=pair["primary"])
    if _is_alone(pair):
        return StandbyPlan("", left_alone="; ".join(pair["reasons"]), primary=pair["primary"])
    primary = pair["primary"]
    standby = next(host for host in pair["coordinators"] if host != primary)
    on_primary, on_standby = observations[primary], observations[standby]
    known = on_primary["primary"]
    rows = [Registration(**row) for row in known["registrations"]]
    row = next((row for row in rows if row.content == -1 and row.role == "m"), None)
    own = next(row for row in rows if row.content == -1 and row.role == "p")
    addresses = [str(address) for address in variables[standby].get("whpg_addresses") or on_standby["addresses"]]
    scene = move_plan.scene(standby, row, known, on_standby, addresses) if row else None
    wanted = _registration(standby, on_standby, variables[standby], scene, options)
    system = on_primary["instance"]["control"]["system_identifier"]
    move = move_plan.foresee(scene, wanted, options["standby_move_from"], system, inventory, former) if scene else Move()
    cut_off = any(observations[host]["unfinished"] in move_plan.PURPOSES for host in pair["coordinators"])
    if row and cut_off and not (move.kind or move.refusal):
        move = move_plan.rest(row, options["standby_move_from"], inventory, pair["coordinators"])
    wished = _wish(options) or (_ANEW if lacking(on_primary, on_standby) and move.kind in ("", move_plan.REST) else None)
    rejoin = foresee(pair, observations, wished) if wished else Rejoin("")
    refusal = _refusal_of_move(move, options) or rejoin.refusal
    if refusal:
        return StandbyPlan(refusal, primary=primary)
    row_fits = row is not None and wanted.matches(row)
    copying = rejoin.copies or (on_standby["instance"]["content"] != "instance" and not move.renames)
    instances = {name: dict(there) for name, there in (rejoin.instances or pair["instances"]).items()}
    if move.kind in (move_plan.DIRECTORY, move_plan.HOST):
        instances[standby]["coordinator"] = [wanted.datadir]  # its access file comes with it
    snapshot, missing = _snapshot(on_primary, options)
    admission = _access({**pair, "instances": instances}, observations, variables, options)
    expected_dbid = row.dbid if row and row_fits else max(other.dbid for other in rows if other != row) + 1
    case = Case(
        primary_host=primary,
        primary=on_primary,
        host=standby,
        standby={**on_standby, "port_taken": False} if move.kind == move_plan.DIRECTORY else on_standby,  # by the standby itself
        way=_way(copying, rejoin, move),
        instance=rejoin.by_then or _moved_there(on_primary, on_standby, move),
        addresses=registered_addresses(on_primary, wanted.address),
        options=options,
        snapshot=snapshot,
        unknown_locations=tuple(missing),
        succession=copying and move.kind in (move_plan.DIRECTORY, move_plan.HOST),
        looked=(looked or {}).get("looked"),
    )
    missed = unseen(looked) if looked is not None else None
    hinders = f"{standby}: {missed.why}" if missed else checks.in_the_way(case, options["standby_accept"])
    if hinders:
        return StandbyPlan(hinders, primary=primary)
    look = {} if looked else checks.to_look_for(case)
    plan = StandbyPlan(
        refusal="",
        primary=primary,
        standby=standby,
        copying=copying,
        look={**look, "data_directory": wanted.datadir, "dbid": expected_dbid} if look else {},
        registration={f"standby_{_OPTION.get(name, name)}": value for name, value in dataclasses.asdict(wanted).items()},
        registered=row is not None,
        access=admission,
        closed=_closed(admission, observations),
        primary_host=options["standby_primary_host"] or own.address,
        primary_port=own.port,
        connection=_further(options),
        snapshot=snapshot,
        listen_addresses=options["standby_listen_addresses"],
        expected_dbid=expected_dbid,
        record=_record(pair, on_primary, variables[primary], _further(options)),
        rejoin=rejoin.options,
        way=rejoin.way,
        files=rejoin.files,
        remove_old=options["standby_rejoins"] and options["rejoin_remove_old"] and not options["standby_part_of"],
        rewind_rules=[_rewind_rule(on_standby, variables[standby], options)] if rejoin.rewinds else [],
        fenced=rejoin.fenced if _wish(options) else _fenced(options, observations, addresses),
        # a copy has what the primary has, and one that moves is looked at again in its place
        drift=[] if copying or move.kind else to_bring(pair["drift"]),
        accept_drift=options["standby_accept_drift"],
        move={**_moved(move, pair, observations, variables, options), **_own_of(move, former, on_primary)},
    )
    stored = [observed.get("passfile") or {} for observed in (on_primary, on_standby)]
    same = all(password.get("usable") for password in stored) and len({password["check"] for password in stored}) == 1
    scram, given = options["standby_replication_auth"] == "scram", bool(options["standby_replication_password"])
    unsettled = _unsettled(plan, pair, observations, options, row_fits, same or not scram, given)
    return dataclasses.replace(
        plan,
        password_missing=scram and not given and not same,
        unsettled=unsettled,
        tasks=_tasks(plan) if unsettled else "",
    )


def _wish(options: Options) -> dict[str, t.Any]:
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


_OPTION = {"datadir": "data_directory"}


def _refusal(pair: t.Mapping[str, t.Any]) -> str:
    if pair["problems"] or pair["wrong"]:
        return "; ".join([*pair["problems"], *pair["wrong"]])
    if pair["busy"] or pair["maintenance"]:
        return str(pair["busy"] or pair["maintenance"])
    if _is_alone(pair):
        return ""
    if pair["unknown"]:
        return "; ".join(f"{host} is unknown, {why}" for host, why in pair["unknown"].items())
    if not pair["serves"]:
        return f"the primary was not seen to serve, {'; '.join(pair['reasons'])}; {pair['advice']}"
    if len(pair["coordinators"]) < 2:
        if pair["state"] == DEGRADED:
            return f"{'; '.join(pair['reasons'])}: {pair['advice']}"
        return "no host for the standby: give a second host of the cluster whpg_role=coordinator or standby"
    if pair["strays"]:
        return (
            f"the catalog has segments on {', '.join(pair['strays'])}, which no host of the inventory is: add it with whpg_role=segment, "
            "or give its whpg_addresses as the primary knows them"
        )
    return ""


def _is_alone(pair: t.Mapping[str, t.Any]) -> bool:
    """Whether it has no standby, and is to have none."""
    return bool(pair["as_desired"]) and pair["state"] == UNMIRRORED


def _way(copying: bool, rejoin: Rejoin, move: Move) -> str:
    """How the standby's host comes to have it."""
    if copying:
        return COPY
    if move.renames:
        return MOVE
    return {"rewind": REWIND, "start": START}.get(rejoin.way.get("method", ""), STAYS)


def _moved_there(on_primary: Observation, on_standby: Observation, move: Move) -> Instance | None:
    """What will be in the place of a standby that comes from another directory of its host; None: what is there."""
    comes = move.kind == move_plan.DIRECTORY and (move.look or move.renames)
    if not comes or on_standby["instance"]["content"] not in ("absent", "empty"):
        return None
    present, where = instance_of(on_primary["instance"]), on_standby["instance"]["data_directory"]
    return dataclasses.replace(present, data_directory=where, owner=on_standby["site"]["user"], role="standby", postmaster=None)


def _refusal_of_move(move: Move, options: Options) -> str:
    if move.kind in (move_plan.DIRECTORY, move_plan.HOST) and _wish(options) and not move.refusal:
        return (
            f"the catalog has a standby on {move.name} already: first make it the one that is wanted, by the playbook enable_mirroring, or "
            "give it up, by disable_mirroring"
        )
    return move.refusal


def _moved(
    move: Move,
    pair: t.Mapping[str, t.Any],
    observations: t.Mapping[str, Observation],
    variables: t.Mapping[str, Variables],
    options: Options,
) -> dict[str, t.Any]:
    """The move, and by host the rules that let in both standbys, and the former one alone."""
    if not move.kind:
        return {}
    stays = move.kind in (move_plan.NAME, move_plan.REST)
    own = [str(address) for address in variables[pair["primary"]].get("whpg_addresses") or observations[pair["primary"]]["addresses"]]
    given = options["standby_addresses"]
    both = {**options, "standby_addresses": [*given, *move.addresses] if given else given}
    return {
        **dataclasses.asdict(move),
        "meanwhile": _access(pair, observations, variables, both, move.addresses),
        "before": (
            _access(pair, observations, variables, options) if stays else access(pair["instances"], [*own, *move.addresses], options)
        ),
    }


def _own_of(move: Move, former: t.Any, on_primary: Observation) -> dict[str, list[str]]:
    """What only the standby has that is to leave its place, and has otherwise than the primary, where a copy takes its place."""
    if move.kind not in (move_plan.DIRECTORY, move_plan.HOST) or move.renames:
        return {}
    return {"own": own_files.lost(*(own_files.entries_of((found or {}).get("files")) for found in (former, on_primary)))}


def _fenced(options: Options, observations: t.Mapping[str, Observation], addresses: t.Iterable[str]) -> list[str]:
    """Hosts with packet filters of this cluster that reject the standby's host and nobody else: it took the place of a former primary's."""
    own = {normal_address(address) for address in addresses}
    found = []
    for host, seen in observations.items():
        fences = [fence for fence in seen["fences"] if fence["cluster"] == options["cluster_name"]]
        if fences and own.issuperset(normal_address(address) for fence in fences for address in fence["addresses"]):
            found.append(host)
    return found


def _registration(host: str, observed: Observation, variables: Variables, scene: Scene | None, options: Options) -> StandbyAddress:
    """How the standby is to be registered: as the operator says, else as it is already, else as the inventory and its host name it.

    :param host: its name in the inventory, by which EDB's playbooks look for it in C(gpstate -f), which shows the address.
    """
    instance = observed["instance"]
    hostname = options["standby_hostname"] or variables.get("whpg_hostname")
    address = options["standby_address"] or variables.get("whpg_address")
    if scene is not None and scene.is_it:
        address = address or (scene.row.address if hostname in (None, scene.row.hostname) else None)
        hostname = hostname or scene.row.hostname
    address = address or hostname or (host if observed.get("named") else None)
    hostname = hostname or observed["hostname"]
    port = options["standby_port"] or variables["whpg_port"]
    return StandbyAddress(str(hostname), str(address or hostname), port, instance["data_directory"])


def _further(options: Options) -> dict[str, str]:
    """Parameters of libpq beside who and where."""
    bound = options["standby_commit_timeout"]
    further = {**options["standby_connection"], **options["standby_tls"]}
    if bound is not None:
        # a setting of the session that the primary's walsender is
        further["options"] = f"-c wal_sender_timeout={int(bound)}s"
    return {name: str(value) for name, value in further.items()}


def _snapshot(primary: Observation, options: Options) -> tuple[dict[str, t.Any], list[str]]:
    """Options of the copy, and locations in the mapping that are none of a tablespace."""
    mapping = {os.path.normpath(old): os.path.normpath(new) for old, new in options["standby_tablespace_mapping"].items()}
    locations = {space["location"]: space["bytes"] for space in primary["tablespaces"]}
    libraries = [path for path in map(library_path, primary["primary"]["needs"]["preload"]) if path]
    files = [str(options["standby_tls"][name]) for name in TLS_FILES if options["standby_tls"].get(name)]
    wanted = {
        "system_identifier": primary["instance"]["control"]["system_identifier"],
        "engine_version": primary["site"]["engine_version"],
        "expected_bytes": primary["used_bytes"],
        "checkpoint": options["standby_checkpoint"],
        "max_rate": options["standby_max_rate"],
        "tablespaces": [
            {"location": location, "place": mapping.get(location, location), "bytes": size} for location, size in sorted(locations.items())
        ],
        "required_files": libraries + files,
    }
    return {name: value for name, value in wanted.items() if value is not None}, sorted(set(mapping) - set(locations))


def _record(pair: t.Mapping[str, t.Any], primary: Observation, variables: Variables, connection: t.Mapping[str, str]) -> dict[str, t.Any]:
    """What is to be kept on the standby's host; the rest of it is seen there."""
    return {
        "system_identifier": primary["instance"]["control"]["system_identifier"],
        "primary": {
            "host": pair["primary"],
            "hostname": primary["hostname"],
            "addresses": [normal_address(str(address)) for address in variables.get("whpg_addresses") or primary["addresses"]],
        },
        "segments": pair["segments"],
        "commit_limit_s": commit_limit(primary["primary"]["commit_limits"], connection),
        "other_walsenders": bool(primary["primary"]["other_walsenders"]),
    }


def _access(
    pair: t.Mapping[str, t.Any],
    observations: t.Mapping[str, Observation],
    variables: t.Mapping[str, Variables],
    options: Options,
    more: t.Sequence[str] = (),
) -> dict[str, dict[str, t.Any]]:
    """By host, the instances there and their rules.

    :param more: addresses that are let in beside those of the coordinators.
    """
    seen = (variables[host].get("whpg_addresses") or observations[host]["addresses"] for host in pair["coordinators"])
    return access(pair["instances"], [*(str(address) for found in seen for address in found), *more], options)


def access(
    instances: t.Mapping[str, t.Mapping[str, list[str]]], addresses: t.Sequence[str], options: Options
) -> dict[str, dict[str, t.Any]]:
    """By host, the instances there and their rules; either coordinator may be primary later, so both are let in on both.

    The engine's programs, gpcheckcat for one, come to a coordinator by its host's own address. gpinitsystem lets in the addresses of the
    host that it ran on, and the standby's file is a copy of that.

    :param instances: by host, the data directories of its ``coordinator`` and of its ``segments``.
    :param addresses: all addresses of the coordinators' hosts; an option overrides them.
    """
    addresses = list(dict.fromkeys(options["standby_addresses"] or addresses))
    coordinator = _rule("replication", addresses, options)
    segment = {
        "database": "all",
        "addresses": addresses,
        "user": options["discovery_user"],
        "method": options["standby_segment_access_method"],
    }
    programs = {**segment, "addresses": ["samehost"]}
    return {
        host: {
            "data_directories": there["coordinator"] + there["segments"],
            "rules": [
                {**rule, "data_directories": there[kind]}
                for kind, rule in (("coordinator", coordinator), ("coordinator", programs), ("segments", segment))
                if there[kind]
            ],
        }
        for host, there in instances.items()
    }


def _closed(admission: t.Mapping[str, t.Mapping[str, t.Any]], observations: t.Mapping[str, Observation]) -> list[str]:
    """Hosts where an access file has not the rules that it is to have.

    :param admission: as :func:`access` returns it.
    """
    return [
        host
        for host, wanted in admission.items()
        if any(
            observations[host]["access"].get(directory) != [str(rule) for rule in rules_of(wanted["rules"], directory)]
            for directory in wanted["data_directories"]
        )
    ]


def _rule(database: str, addresses: t.Sequence[str], options: Options) -> dict[str, t.Any]:
    """The rule that lets the replication role in on a coordinator."""
    return {
        "type": "hostssl" if options["standby_tls"] else "host",
        "database": database,
        "addresses": list(addresses),
        "user": options["standby_replication_user"],
        "method": _METHODS[options["standby_replication_auth"]],
        "options": [f"clientcert={options['standby_clientcert']}"] if options["standby_clientcert"] else [],
    }


def _rewind_rule(observed: Observation, variables: Variables, options: Options) -> dict[str, t.Any]:
    addresses = options["standby_addresses"] or variables.get("whpg_addresses") or observed["addresses"]
    return _rule(DATABASE, [str(address) for address in addresses], options)


def _unsettled(
    plan: StandbyPlan,
    pair: t.Mapping[str, t.Any],
    observations: t.Mapping[str, Observation],
    options: Options,
    row_fits: bool,
    same_password: bool,
    password_given: bool,
) -> list[str]:
    """What is not as it is wanted, each thing by its name."""
    knows, shows = observations[plan.primary or ""]["primary"], observations[plan.standby or ""]
    scram = options["standby_replication_auth"] == "scram"
    standby = shows["standby"] or {}
    upstream = {
        **plan.connection,
        "host": plan.primary_host,
        "port": str(plan.primary_port),
        "user": options["standby_replication_user"],
        "application_name": APPLICATION_NAME,
    }
    if standby.get("resolved") != plan.primary_host:
        upstream["hostaddr"] = standby.get("resolved")
    stored = shows.get("passfile")
    if scram and stored:
        upstream.update(store_at(stored, options["standby_replication_user"]).parameters())
    limit = parse_size(options["standby_retention_limit"]) if options["standby_retention_limit"] else None
    checks = {
        "state": pair["state"] == MIRRORED,
        "write": bool(knows["probe"] and knows["probe"]["acknowledged"]),
        "password": not password_given,
        "row": row_fits,
        "slot": any(slot["name"] == options["standby_slot_name"] and slot["active"] for slot in knows["slots"]),
        "retention": limit is None or knows["retention_limit"] in (None, limit >> 20 << 20),
        "role": bool(knows["role"] and knows["role"]["ready"] and (knows["role"]["verified"] or not scram)),
        "passfile": same_password and (not scram or (stored or {}).get("named", True)),
        "upstream": standby.get("following") == upstream,
        "listen_addresses": options["standby_listen_addresses"] in (None, shows["instance"]["settings"].get("listen_addresses")),
        "slot_name": shows["instance"]["settings"].get("primary_slot_name") == options["standby_slot_name"],
        "tablespaces": all(space["dbid"] == shows["instance"]["dbid"] for space in shows["tablespaces"]),
        "copy": not shows["site"]["leftover"],
        "access": not plan.closed,
        "record": not is_stale(shows.get("record"), plan.record, standby.get("walreceiver_started")),
        "succession": not any(slot["name"] == spare(options["standby_slot_name"]) for slot in knows["slots"]),
        "unfinished": plan.move.get("kind") != move_plan.REST,
        "fences": not plan.fenced,
        "drift": not plan.drift,
    }
    return [name for name, holds in checks.items() if not holds]
