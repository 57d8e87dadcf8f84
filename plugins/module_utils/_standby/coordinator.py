# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What a host shows where the coordinator may live: the larger part of :mod:`observation`."""

from __future__ import annotations

import dataclasses
import os
import socket
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import lock, maintenance
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.addresses import is_loopback
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.border import Address, Name, Position, Seconds
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host, read_tree, used_bytes, user_name
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.processes import has_listener, listening
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import (
    connection,
    replication,
    stream,
    survey,
    timeline,
    wal,
    wal_link,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection_string import parse_conninfo
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.installation import Installation, read_installation
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import (
    Instance,
    lacking,
    read_instance,
    recent_errors,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.password_stores.password_store import StoredPassword
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.password_stores.registry import STORES, store_of
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.postmaster import Postmaster
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.tablespaces import Tablespace, read_tablespaces
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.wal import wal_directory
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import start_block
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import drift, own_files, preflight, record
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.observation import Observation, read_access
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.primary import Primary, SqlAnswer, read_sql
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.snapshot import (
    EXCLUDED,
    Site,
    former_place,
    read_site,
    taken_out,
    wal_refusal,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.standby import removed_wal


@dataclasses.dataclass(frozen=True)
class WalFiles:
    """The WAL of an instance, and the file system that it is on.

    :param link: where ``pg_wal`` leads, None where it is no link.
    :param size: bytes of that file system.
    :param free: bytes that are free on it.
    :param oldest_lsn: where the WAL on it begins; None without any.
    :param end_lsn: where it ends.
    :param reaches_lsn: up to where it reaches at least.
    :param doubts: why that is not proved to be the end.
    :param lost_checkpoint: why recovery cannot begin; empty where it can.
    :param timeline: that it ends on.
    :param ancestors: of that timeline, each with the position where it was left.
    """

    link: str | None
    size: int
    free: int
    oldest_lsn: Position | None
    end_lsn: Position | None
    reaches_lsn: Position | None
    doubts: tuple[str, ...]
    lost_checkpoint: str
    timeline: int | None
    ancestors: tuple[tuple[int, Position], ...]


@dataclasses.dataclass(frozen=True)
class Standby:
    """What a standby that runs shows.

    :param following: parameters of its ``primary_conninfo``.
    :param resolved: the address that their host has now.
    :param received_lsn: position that it received.
    :param replayed_lsn: position that it replayed.
    :param end_lsn: end of its WAL on disk.
    :param walreceiver_started: when the walreceiver that is connected began, in seconds since the epoch; None without one.
    :param disconnect: how the last stream ended.
    :param errors: the last errors of its log.
    :param removed_wal: WAL segment that it needs and the primary has no more, by them.
    """

    following: t.Mapping[str, str]
    resolved: str | None
    received_lsn: Position | None
    replayed_lsn: Position | None
    end_lsn: Position | None
    walreceiver_started: Seconds | None
    disconnect: stream.Disconnect | None
    errors: str
    removed_wal: Name | None


@dataclasses.dataclass(frozen=True)
class Coordinator(Observation):
    """What a host shows where the coordinator may live. The documentation of the module tells what each field is."""

    instance: Instance
    site: Site
    installation: Installation | None
    port_taken: bool
    used_bytes: int | None
    unreadable: tuple[str, ...] | None
    configured: preflight.Configured | None
    listens: tuple[Address, ...] | None
    tablespaces: tuple[Tablespace, ...]
    files: t.Mapping[str, own_files.Entry] | None
    wal: WalFiles | None
    busy: tuple[int, ...]
    wal_refusal: str | None
    lacks: tuple[str, ...]
    unlogged: drift.Unlogged | None
    sql: SqlAnswer | None
    primary: Primary | None
    standby: Standby | None
    maintenance: maintenance.Mark | None
    named: bool | None
    unfinished: str | None
    locked: lock.Held | None
    record: record.Record | None
    record_wrong: Name | None
    activation: t.Mapping[str, t.Any] | None
    promotion: Seconds | None
    passfile: StoredPassword | None


Parameters = t.Mapping[str, t.Any]


def read_wal(host: Host, instance: Instance, verify: bool) -> WalFiles | None:
    """The WAL of an instance; None where its place is gone.

    :param verify: whether the checksums of the WAL of one that is stopped are looked at.
    """
    data_directory, control = instance.data_directory, instance.control
    directory = wal.wal_directory(data_directory)
    if not os.path.isdir(directory):
        return None
    status = os.statvfs(directory)
    if instance.postmaster is not None:
        seen = survey.Survey(wal.end_of_wal(data_directory))
    else:
        seen = survey.prove(host, data_directory, control) if verify else survey.survey(data_directory, control)
    end = seen.end
    oldest = timeline.oldest(os.listdir(directory), end.segment.size) if end else None
    return WalFiles(
        link=wal_link.led_to(data_directory),
        size=status.f_blocks * status.f_frsize,
        free=status.f_bavail * status.f_frsize,
        oldest_lsn=str(oldest) if oldest else None,
        end_lsn=str(end.position) if end else None,
        reaches_lsn=str(seen.reaches) if seen.reaches else None,
        doubts=seen.doubts,
        lost_checkpoint=seen.lost_checkpoint,
        timeline=end.timeline if end else None,
        ancestors=timeline.show_history(timeline.read_history(directory, end.timeline)) if end else (),
    )


def is_named(name: str, own: t.Sequence[str]) -> bool:
    """Whether this very host has a name, as far as it knows.

    :param own: this host's addresses.
    """
    address = name if name == socket.gethostname() else replication.try_resolve(name)
    return address is not None and (address == name or is_loopback(address) or address in own)


def read_standby(instance: Instance, postmaster: Postmaster, timeout: float, end_lsn: str | None = None) -> Standby:
    """What a standby that runs shows: it refuses every connection, and says how far it replayed.

    :param end_lsn: where its WAL ends.
    """
    refusal = ""
    try:
        with connection.connect(postmaster.socket_directory or "/tmp", instance.port or 0, "", timeout):
            pass
    except (connection.Refused, connection.NoAnswer) as error:
        refusal = error.message
    following = parse_conninfo(instance.settings.get("primary_conninfo", ""))
    errors = recent_errors(instance.data_directory)
    streams = stream.read_stream(instance.data_directory, postmaster.pid, instance.settings)
    return Standby(
        following=following,
        resolved=replication.try_resolve(following.get("host")),
        received_lsn=postmaster.received,
        replayed_lsn=connection.last_replayed(refusal),
        end_lsn=end_lsn,
        walreceiver_started=streams.started,
        disconnect=streams.disconnect,
        errors=errors,
        removed_wal=None if postmaster.connected else removed_wal(errors),
    )


def read_files(instance: Instance) -> dict[str, own_files.Entry]:
    """What is not the engine's own of what is in the place of an instance, or was when its rewind was cut off."""
    where = instance.data_directory
    return {**own_files.listing(former_place(where)), **own_files.listing(taken_out(where))}


def read_coordinator(host: Host, parameters: Parameters, seen: Observation) -> Coordinator:
    """Everything about the coordinator instance of this host.

    :param seen: what every host shows.
    """
    instance = read_instance(host, parameters["data_directory"])
    where, postmaster = instance.data_directory, instance.postmaster
    there = instance.directory_state == "instance"
    user = user_name(os.getuid())
    if instance.owner not in (None, user):
        # another user has another password, and sees a part of the files
        parameters = {**parameters, **dict.fromkeys(STORES), "size": False, "files": False}
    port, size = parameters["port"], parameters["size"]
    files = read_tree(where, EXCLUDED) if size else None
    kept, wrong = record.read_record(parameters["record_file"]) if parameters["record_file"] else (None, None)
    audit = record.entries(parameters["audit_file"]) if parameters["audit_file"] else []
    wal_files = read_wal(host, instance, size) if there else None
    store = store_of(parameters)
    sql, primary, standby = None, None, None
    if postmaster and instance.role == "standby":
        standby = read_standby(instance, postmaster, parameters["probe_timeout"], wal_files.end_lsn if wal_files else None)
    elif postmaster:
        sql, primary = read_sql(instance, parameters, seen.addresses, user)
    return Coordinator(
        **{**vars(seen), "access": {**seen.access, **({where: read_access(where)} if there else {})}},
        instance=instance,
        site=read_site(host, where),
        installation=read_installation(host) if size else None,
        port_taken=port is not None and not (postmaster and postmaster.port == port) and has_listener(port),
        used_bytes=files.bytes - _own_wal(where) if files else None,
        unreadable=files.unreadable if files else None,
        configured=preflight.read_configured(where) if files and there else None,
        listens=_tuple(listening(postmaster.pid)) if postmaster else None,
        tablespaces=tuple(read_tablespaces(where, size)),
        files=read_files(instance) if parameters["files"] else None,
        wal=wal_files,
        busy=tuple(start_block.working(where)) if size and postmaster is None else (),
        wal_refusal=wal_refusal(where) if size else None,
        lacks=tuple(lacking(where)) if there and postmaster is None else (),
        unlogged=drift.read(where) if there else None,
        sql=sql,
        primary=primary,
        standby=standby,
        maintenance=maintenance.read(maintenance.mark_file(where)),
        named=is_named(parameters["name"], seen.addresses) if parameters["name"] and postmaster is None else None,
        unfinished=lock.read_note(parameters["lock_file"]) if parameters["lock_file"] else None,
        locked=lock.read_lock(parameters["lock_file"]) if parameters["lock_file"] else None,
        record=kept,
        record_wrong=wrong,
        activation=record.last(audit, record.ACTIVATED),
        promotion=(record.last(audit, record.BEGUN, record.ACTIVATED) or {}).get("time"),
        passfile=store.read(replication.followed(instance.settings) if instance.role == "standby" else None) if store else None,
    )


def _own_wal(data_directory: str) -> int:
    """Bytes of WAL within a data directory, which a copy leaves there, but for what is written meanwhile."""
    place = wal_directory(data_directory)
    return 0 if os.path.islink(place) else used_bytes(place)


def _tuple(found: t.Sequence[str] | None) -> tuple[str, ...] | None:
    return None if found is None else tuple(found)
