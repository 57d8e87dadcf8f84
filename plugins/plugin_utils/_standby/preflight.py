# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Whatever would make a standby fail, or useless as a primary, and can be seen before anything is begun: the one list of checks.

A check is a pure function from what was observed to sentences, each of them what is wrong, where, why, and what helps.
"""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.addresses import normal_address
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import tablespaces
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.installation import (
    CLOCK_LIMIT,
    Installation,
    Needs,
    clock_difference,
    differences,
    named,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import Instance, instance_of
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.preflight import (
    ENDING,
    PLACE,
    Limit,
    named_in,
    reaches,
    would_listen,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.snapshot import SPARE, Site, Wanted, refusal

Observation = t.Mapping[str, t.Any]

#: ways in which a host comes to have the standby; the empty one: it is there
COPY, MOVE, REWIND, START, STAYS = "copy", "move", "rewind", "start", ""


@dataclasses.dataclass(frozen=True)
class Case:
    """A host that is to have the standby, and its primary.

    :param primary_host: host of the primary.
    :param primary: what it shows; None: it was not observed.
    :param host: host of the standby that is to be.
    :param standby: what it shows; None: it was not observed.
    :param way: how it comes to have it.
    :param instance: what will be in its place by then; None: what is there now.
    :param addresses: numeric addresses that the primary's host knows for the standby.
    :param row: its registration in the catalog; None: not looked at.
    :param options: variables of the role, without its prefix.
    :param snapshot: options of the copy.
    :param unknown_locations: what a mapping of tablespaces names that is no location of one.
    :param succession: whether the present standby goes on streaming while a copy is made.
    :param looked: what a further look at the standby's host showed; None: there was none yet.
    """

    primary_host: str | None
    primary: Observation | None
    host: str | None
    standby: Observation | None
    way: str = STAYS
    instance: Instance | None = None
    addresses: tuple[str, ...] = ()
    options: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    snapshot: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    unknown_locations: tuple[str, ...] = ()
    succession: bool = False
    looked: t.Mapping[str, t.Any] | None = None

    @property
    def known(self) -> t.Mapping[str, t.Any]:
        """What the primary tells over SQL."""
        return (self.primary or {}).get("primary") or {}

    @property
    def comes(self) -> bool:
        """Whether something is done for which the host would have to be fit."""
        return self.way != STAYS

    @property
    def source(self) -> tuple[str | None, Observation | None]:
        """The host whose configuration the standby will have, and what it shows."""
        return (self.primary_host, self.primary) if self.way == COPY else (self.host, self.standby)

    @property
    def configured(self) -> t.Mapping[str, t.Any]:
        """What that configuration says."""
        return (self.source[1] or {}).get("configured") or {}


Messages = t.Iterable[str]


@dataclasses.dataclass(frozen=True)
class Check:
    """A check.

    :param name: what it is called, in C(standby_accept) too.
    :param find: what it finds wrong.
    :param acceptable: whether what it finds may be accepted.
    :param compares: whether it is about a difference of the hosts, which is to be known of a standby that is there, too.
    """

    name: str
    find: t.Callable[[Case], Messages]
    acceptable: bool = False
    compares: bool = False


def _access(case: Case) -> Messages:
    for error in (case.known.get("access_errors") or ())[:1]:
        where = f"{(case.primary or {})['instance']['data_directory']}/pg_hba.conf"
        yield f"{case.primary_host}: the engine takes no new rules from {where}, {error}: correct that line"


def _place(case: Case) -> Messages:
    primary, standby = case.primary, case.standby
    if not primary or not standby or not primary["instance"]["control"]:
        return
    wanted = Wanted(primary["instance"]["control"]["system_identifier"], primary["site"]["engine_version"], primary["used_bytes"])
    site = Site(**{**standby["site"], "mounts": tuple(standby["site"]["mounts"])})
    why = refusal(site, case.instance or instance_of(standby["instance"]), wanted)
    if why:
        yield f"{case.host}: {why}"


def _port(case: Case) -> Messages:
    if case.primary and case.standby and case.standby["port_taken"]:
        yield (
            f"{case.host}: something else listens on the standby's port there: stop it, or set whpg_port of that host or standby_port to "
            "another one"
        )


def _tls(case: Case) -> Messages:
    if case.options.get("standby_tls") and not case.known["needs"]["ssl"]:
        yield "standby_tls is given, and the primary has ssl=off: turn it on there, with a certificate, or leave standby_tls out"


def _tablespaces(case: Case) -> Messages:
    if case.unknown_locations:
        there = ", ".join(space["location"] for space in (case.primary or {})["tablespaces"]) or "nowhere"
        named_ones = ", ".join(case.unknown_locations)
        yield f"standby_tablespace_mapping names {named_ones}; the primary has tablespaces in {there}: correct the mapping"
    elif case.way == COPY and case.looked and case.standby:
        spots = [tablespaces.Spot(**{**spot, "wish": tablespaces.Wish(**spot["wish"])}) for spot in case.looked["tablespaces"]]
        site = case.standby["site"]
        why = tablespaces.refusal(spots, site["user"], {site["device"]: ((case.primary or {})["used_bytes"] or 0) + SPARE})
        if why:
            yield f"{case.host}: {why}"


def _readable(case: Case) -> Messages:
    unreadable = (case.primary or {}).get("unreadable") if case.way in (COPY, REWIND) else None
    if unreadable and case.primary:
        user = case.primary["site"]["user"]
        yield (
            f"{case.primary_host}: {user}, which runs the engine, cannot read {named(unreadable)}, with which the copy would fail: "
            f"let {user} own it, or move it out of the data directory"
        )


def _limit(case: Case, name: str) -> Limit | None:
    found = (case.known.get("limits") or {}).get(name)
    return Limit(**found) if found else None


def _used(limit: Limit) -> str:
    return "; ".join(limit.users) or "none"


def _walsenders(case: Case) -> Messages:
    limits, limit = case.known.get("limits") or {}, _limit(case, "walsenders")
    if limits.get("wal_level") == "minimal":
        yield f"{case.primary_host}: wal_level is minimal, which no standby can follow: set it to replica, and restart the primary"
    needed = 1 if case.way == COPY or not case.known.get("walsender") else 0
    if limit and limit.used + needed > limit.most:
        yield (
            f"{case.primary_host}: max_wal_senders is {limit.most}, and {limit.used} are in use ({_used(limit)}): stop one of these "
            "programs, or end its walsender by SELECT pg_terminate_backend(<process>), or raise max_wal_senders and restart the primary"
        )


def _slots(case: Case) -> Messages:
    limit, name = _limit(case, "slots"), case.options.get("standby_slot_name")
    has = any(slot["name"] == name for slot in case.known.get("slots") or ())
    needed = (0 if has else 1) + (1 if case.succession else 0)
    if limit and limit.used + needed > limit.most:
        yield (
            f"{case.primary_host}: max_replication_slots is {limit.most}, and {limit.used} are in use ({_used(limit)}): drop one that "
            "nobody needs by SELECT pg_drop_replication_slot('<slot>'), or raise max_replication_slots and restart the primary"
        )


def _connections(case: Case) -> Messages:
    limit = _limit(case, "connections") if case.way == REWIND else None
    if limit and limit.used + 2 > limit.most:
        yield (
            f"{case.primary_host}: {limit.used} of {limit.most} connections for others than superusers are in use ({_used(limit)}), a "
            "rewind needs 2: end some, or raise max_connections"
        )


def _following(case: Case) -> Messages:
    yield from _hindering(case, ENDING, "with it the standby would end its recovery, and promote itself beside its primary")


def _recovery(case: Case) -> Messages:
    others = [name for name in case.configured.get("settings", {}) if name not in ENDING and name != PLACE]
    yield from _hindering(case, others, "with it the standby may stop, or not follow its primary")


def _hindering(case: Case, names: t.Iterable[str], what: str) -> Messages:
    host, observed = case.source
    runs = not case.comes and observed and (observed["instance"]["postmaster"] or observed["instance"]["content"] != "instance")
    found = {name: case.configured.get("settings", {}).get(name) for name in names}
    for name, setting in found.items():
        if setting and observed and not runs:
            directory = observed["instance"]["data_directory"]
            yield (
                f"{host}: {name} is {setting['value']!r} in {setting['where']}, of {directory}: {what}; a primary has no use for it: "
                "remove it"
            )


def _elsewhere(case: Case) -> Messages:
    """Started in its place, the standby would work in another directory, which may hold anything."""
    host, observed = case.source
    setting = case.configured.get("settings", {}).get(PLACE)
    if setting and observed and case.standby and case.comes and os.path.normpath(setting["value"]) != _place_of(case):
        directory = observed["instance"]["data_directory"]
        yield (
            f"{host}: {PLACE} is {setting['value']!r} in {setting['where']}, of {directory}: the standby would work there instead of in "
            f"{_place_of(case)}: remove it, the engine's utilities start an instance by its directory"
        )


def _place_of(case: Case) -> str:
    return os.path.normpath((case.standby or {})["instance"]["data_directory"])


def _within(case: Case, path: str) -> bool:
    """Whether a path is in the directory whose configuration the standby will have."""
    return path.startswith(os.path.normpath((case.source[1] or {})["instance"]["data_directory"]) + "/")


def _files(case: Case) -> Messages:
    host = case.source[0]
    links = case.configured.get("links") or ()
    if case.way == COPY and links:
        yield f"{host}: {named(links)} is a symbolic link, which a base backup leaves out: put the file itself there, or name its place"
    for lacking in (case.looked or {}).get("lacks", ()):
        user = (case.standby or {})["site"]["user"]
        remedy = f"put it there, readable by {user}" if lacking["kind"] in ("file", "directory") else f"make it, writable by {user}"
        if _within(case, lacking["path"]):
            remedy = f"name it on {host} by its path relative to the data directory, which a copy has too"
        yield f"{case.host}: {lacking['path']}, named by {lacking['where']}, {lacking['why']} there: {remedy}, or correct what names it"


def _listening(case: Case) -> Messages:
    """The standby must be reached where it is registered, as its primary is."""
    primary, standby = case.primary, case.standby
    if not primary or not standby:
        return
    here = set(primary["addresses"]) & set(standby["addresses"])
    at = primary.get("listens")
    if at is not None and not here and case.comes and all(normal_address(address) in ("127.0.0.1", "::1") for address in at):
        where = f"{named(at)} only" if at else "no address"
        yield (
            f"{case.primary_host}: the primary listens on {where}, and no standby on another host can connect to it: set its "
            "listen_addresses to '*', and restart it"
        )
        return
    why = deaf(case)
    if why:
        yield f"{case.host}: {why}"


def deaf(case: Case) -> str | None:
    """Why clients could not connect to the standby, were it primary, by where it listens or would; None when they could, or not known."""
    primary, standby = case.primary, case.standby
    if not primary or not standby or not case.known:
        return None
    own = [normal_address(str(address)) for address in standby["addresses"]]
    local = bool(set(primary["addresses"]) & set(standby["addresses"]))
    asked, instance = case.options.get("standby_listen_addresses"), standby["instance"]
    setting = asked or listen_setting(case)
    if not case.comes and instance["postmaster"] and asked in (None, instance["settings"].get("listen_addresses")):
        at, said = standby.get("listens"), ""
    elif setting is None or (named_in(setting) and case.looked is None):
        return None
    else:
        at, said = would_listen(setting, (case.looked or {}).get("names", {}), own), f", as listen_addresses is {setting!r}"
    if at is None or reaches(at, case.addresses, own, local) or _as_unreachable(case):
        return None
    wanted = ", ".join(address for address in case.addresses if address in own) or ", ".join(own)
    verb = "listens" if not said and not case.comes else "would listen"
    return (
        f"the standby {verb} on {', '.join(at) or 'no address'}{said}, not on {wanted}: no client could connect to it were it primary; set "
        f"standby_listen_addresses to '*' and run enable_mirroring, or set listen_addresses in its configuration, and restart it"
    )


def unheard(host: str, standby: Observation | None) -> str | None:
    """That no client on another host could connect to a standby, where its primary cannot be asked; None when one could, or not known."""
    at = (standby or {}).get("listens")
    if not standby or at is None or reaches(at, (), [normal_address(str(address)) for address in standby["addresses"]]):
        return None
    return (
        f"NO CLIENT OF ANOTHER HOST CAN CONNECT to {host}, which listens on {', '.join(at) or 'no address'}: set listen_addresses = '*' in "
        f"{standby['instance']['data_directory']}/postgresql.auto.conf there and restart it, while it is a standby or as the primary"
    )


def listen_setting(case: Case) -> str | None:
    """The value of ``listen_addresses`` that the standby will have, if no option says another; None where that is not known."""
    value = case.configured.get("listen_addresses")
    by_default = ((case.primary or {}).get("configured") or {"listen_addresses": ""})["listen_addresses"] is None
    if value is None and case.known and (case.way == COPY or by_default):
        value = case.known["needs"]["listen_addresses"]
    return value


def _as_unreachable(case: Case) -> bool:
    """Whether the primary is not reached where it is registered either: clients then come another way."""
    primary = case.primary or {}
    own = next((row for row in case.known["registrations"] if row["content"] == -1 and row["role"] == "p"), None)
    at = primary.get("listens")
    if own is None or at is None:
        return False
    addresses = [normal_address(str(address)) for address in primary["addresses"]]
    return not reaches(at, [normal_address(address) for address in case.known["resolved"].get(own["address"], ())], addresses)


def _difference(name: str) -> t.Callable[[Case], Messages]:
    def find(case: Case) -> Messages:
        primary, standby = case.primary, case.standby
        if primary and standby and case.known and primary["installation"] and standby["installation"]:
            ours, theirs = Installation(**primary["installation"]), Installation(**standby["installation"])
            said = differences(ours, theirs, Needs(**case.known["needs"])).get(name)
            if said:
                yield f"{case.host}: {said}"

    return find


def _clock(case: Case) -> Messages:
    if not case.known:
        return
    clocks = [
        (found["asked"][0], found["clock"], found["asked"][1]) for found in (case.primary, case.standby) if found and found.get("asked")
    ]
    seconds = clock_difference(*clocks) if len(clocks) == 2 else 0.0
    if seconds > CLOCK_LIMIT:
        yield f"{case.host}: its clock differs from the primary's by at least {seconds:.0f} s: let both follow the same time server"


def _logout(case: Case) -> Messages:
    why = ((case.standby or {}).get("installation") or {}).get("logout")
    if case.comes and why:
        yield f"{case.host}: {why}"


#: in the order in which they are told
CHECKS = (
    Check("access", _access),
    Check("place", _place),
    Check("port", _port),
    Check("tls", _tls),
    Check("tablespaces", _tablespaces),
    Check("readable", _readable),
    Check("walsenders", _walsenders),
    Check("slots", _slots),
    Check("connections", _connections),
    Check("following", _following),
    Check("elsewhere", _elsewhere),
    Check("listening", _listening),
    Check("logout", _logout, acceptable=True),
    Check("recovery", _recovery, acceptable=True),
    Check("files", _files, acceptable=True),
    *(
        Check(name, _difference(name), acceptable=True, compares=True)
        for name in ("gphome", "preload", "libraries", "extensions", "locale", "libc", "limits")
    ),
    Check("clock", _clock, acceptable=True, compares=True),
)

#: what C(standby_accept) may name
ACCEPTABLE = tuple(check.name for check in CHECKS if check.acceptable)


def in_the_way(case: Case, accept: t.Container[str] = ()) -> str:
    """Why the standby cannot be made, or would be of no use; empty when it can.

    :param accept: names of checks whose findings are accepted.
    """
    found = {check.name: list(check.find(case)) for check in CHECKS if not check.compares or case.comes}
    said = {name: messages for name, messages in found.items() if messages and name not in accept}
    if not said:
        return ""
    acceptable = [name for name in said if name in ACCEPTABLE]
    text = "; ".join(message for messages in said.values() for message in messages)
    return text + (f"; or accept it: standby_accept={acceptable}" if len(acceptable) == len(said) else "")


def obstacle(case: Case) -> str | None:
    """Why the standby cannot stand on its host, whatever is wanted; None when it can, or when that was not seen."""
    found = (message for check in CHECKS if check.name in ("access", "place", "port") for message in check.find(case))
    return next(found, None)


def unlike(case: Case) -> dict[str, str]:
    """By name of the check, in what the standby's host differs so that it could not serve as the primary does."""
    prefix = f"{case.host}: "
    found = ((check.name, message) for check in CHECKS if check.compares for message in check.find(case))
    return {name: message[len(prefix) :] for name, message in found}


def to_look_for(case: Case) -> dict[str, t.Any]:
    """Options of a further look at the standby's host; empty where none is needed."""
    needs = [dict(need) for need in case.configured.get("needs") or ()] if case.comes and case.way != MOVE else []
    if needs and _place_of(case) == os.path.normpath((case.source[1] or {})["instance"]["data_directory"]):
        needs = [need for need in needs if not _within(case, need["path"])]
    spaces = list(case.snapshot.get("tablespaces") or ()) if case.way == COPY else []
    if case.comes:
        needs += [{"path": path, "kind": "file", "where": "a setting"} for path in case.snapshot.get("required_files") or ()]
    setting = (case.options.get("standby_listen_addresses") or listen_setting(case)) if case.comes else None
    names = named_in(setting) if setting else []
    if not (needs or spaces or names):
        return {}
    return {"needs": needs, "tablespaces": spaces, "names": names}
