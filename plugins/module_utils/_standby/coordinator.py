# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Everything that the coordinator instance of a host shows: the larger part of :mod:`observation`."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import socket
import time
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import lock, maintenance
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.addresses import is_loopback
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import (
    Host,
    has_listener,
    listening,
    read_tree,
    user_name,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import (
    catalog,
    connection,
    replication,
    retention,
    stream,
    survey,
    timeline,
    wal,
    wal_link,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection_string import parse_conninfo
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.installation import read_installation, read_needs
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import (
    Instance,
    Postmaster,
    lacking,
    read_instance,
    recent_errors,
    wait_until,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.password_stores.registry import STORES, store_of
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.tablespaces import read_tablespaces
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import start_block
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import drift, own_files, preflight, record, registration
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.snapshot import (
    EXCLUDED,
    former_place,
    read_site,
    taken_out,
    wal_refusal,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.standby import removed_wal

Parameters = t.Mapping[str, t.Any]


def read_primary(instance: Instance, parameters: Parameters) -> dict[str, t.Any]:
    """What a running primary tells over SQL."""

    deadline = time.monotonic() + parameters["probe_timeout"]

    @contextlib.contextmanager
    def connect() -> t.Iterator[connection.Connection]:
        """A connection, as soon as there is one: an instance that starts may be up soon."""
        with contextlib.ExitStack() as stack:
            while True:
                try:
                    opened = stack.enter_context(
                        connection.connect_primary(instance, parameters["probe_timeout"], user=parameters["sql_user"])
                    )
                    break
                except connection.Refused as error:
                    if error.kind != connection.NOT_ACCEPTING or time.monotonic() >= deadline:
                        raise
                    time.sleep(0.1)
            yield opened

    def in_sync() -> bool:
        sender = replication.walsender(open_connection)
        return bool(sender and sender.in_sync)

    with connect() as open_connection:
        open_connection.allow(parameters["wait_timeout"])
        pid = open_connection.backend_pid
        try:
            if replication.hides_walsenders(open_connection):
                raise CoordinatorError("the primary does not show this role how its standby streams: GRANT pg_monitor TO it")
            wait_until(in_sync, parameters["wait_timeout"])
            if parameters["probe_write"]:
                probe = replication.probe_write(open_connection, connect, parameters["probe_timeout"])
                if not probe.acknowledged:
                    with connect() as fresh:
                        return describe_primary(fresh, probe, parameters)
            else:
                probe = replication.probe_replay(open_connection, parameters["probe_timeout"])
            open_connection.allow(parameters["probe_timeout"])
            return describe_primary(open_connection, probe, parameters)
        except connection.NoAnswer as error:
            with connect() as other:
                blockers = other.value("SELECT pg_blocking_pids(%s)", pid)
            if not blockers:
                raise
            pids = ", ".join(map(str, blockers))
            raise connection.Refused(f"what was asked waits for a lock that is held by the process {pids}", sqlstate="55P03") from error


def describe_primary(open_connection: connection.Connection, probe: replication.Probe, parameters: Parameters) -> dict[str, t.Any]:
    """The RV(primary) of the result."""
    rows = catalog.registrations(open_connection)
    standby = catalog.standby_of(rows)
    role = connection.permitted(lambda: registration.read_role(open_connection, parameters["replication_user"]))
    store = store_of(parameters)
    kept = store.password() if store else None
    sender = replication.walsender(open_connection)
    return {
        "registrations": [dataclasses.asdict(row) for row in rows],
        "standby": dataclasses.asdict(standby) if standby else None,
        "walsender": dataclasses.asdict(sender) if sender else None,
        "other_walsenders": [dataclasses.asdict(other) for other in replication.other_senders(open_connection)],
        "sync_error": connection.permitted(lambda: replication.sync_error(open_connection)),
        "role": {"ready": role.ready, "verified": bool(kept and registration.verifies(role.verifier, kept))} if role else None,
        "slots": [dataclasses.asdict(slot) for slot in replication.slots(open_connection)],
        "probe": dataclasses.asdict(probe),
        "needs": dataclasses.asdict(read_needs(open_connection)),
        "limits": connection.permitted(lambda: preflight.read_limits(open_connection)) if parameters["size"] else None,
        "retention_limit": retention.read_limit(open_connection),
        "commit_limits": stream.read_commit_limits(open_connection),
        "access_errors": connection.permitted(lambda: read_access_errors(open_connection)),
        **open_connection.query(
            "SELECT pg_current_wal_lsn()::text AS lsn, timeline_id AS timeline, version() FROM pg_control_checkpoint()"
        )[0],
    }


def read_access_errors(open_connection: connection.Connection) -> list[str]:
    """What the primary cannot make sense of in its access file; with a line of this kind it takes no rule from the file any more.

    A rule that merely cannot match, such as ``hostssl`` where SSL is off, does not keep the others from being taken (hba.c).
    """
    rows = open_connection.query(
        "SELECT line_number, error FROM pg_hba_file_rules WHERE strpos(error, 'cannot match') = 0 ORDER BY line_number"
    )
    return [f"line {row['line_number']}: {row['error']}" for row in rows]


def read_wal(host: Host, instance: Instance, verify: bool) -> dict[str, t.Any] | None:
    """Where an instance's WAL is, its file system, bytes in all and free, and what WAL is there; None where its place is gone.

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
    return {
        "link": wal_link.led_to(data_directory),
        "size": status.f_blocks * status.f_frsize,
        "free": status.f_bavail * status.f_frsize,
        "oldest_lsn": str(oldest) if oldest else None,
        "end_lsn": str(end.position) if end else None,
        "reaches_lsn": str(seen.reaches) if seen.reaches else None,
        "doubts": list(seen.doubts),
        "lost_checkpoint": seen.lost_checkpoint,
        "timeline": end.timeline if end else None,
        "ancestors": timeline.show_history(timeline.read_history(directory, end.timeline)) if end else [],
    }


def resolved(names: t.Iterable[str], own: t.Sequence[str]) -> dict[str, list[str]]:
    """The numeric addresses of names; a name for this very host has all of its own.

    :param own: this host's addresses.
    """
    found: dict[str, list[str]] = {}
    for name in names:
        address = replication.try_resolve(name)
        if address is not None:
            found[name] = list(own) if is_loopback(address) or address in own else [address]
    return found


def is_named(name: str, own: t.Sequence[str]) -> bool:
    """Whether this very host has a name, as far as it knows.

    :param own: this host's addresses.
    """
    address = name if name == socket.gethostname() else replication.try_resolve(name)
    return address is not None and (address == name or is_loopback(address) or address in own)


def read_standby(instance: Instance, postmaster: Postmaster, timeout: float, end_lsn: str | None = None) -> dict[str, t.Any]:
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
    return {
        "following": following,
        "resolved": replication.try_resolve(following.get("host")),
        "received_lsn": postmaster.received,
        "replayed_lsn": connection.last_replayed(refusal),
        "end_lsn": end_lsn,
        "walreceiver_started": streams.started,
        "disconnect": dataclasses.asdict(streams.disconnect) if streams.disconnect else None,
        "errors": errors,
        "removed_wal": None if postmaster.connected else removed_wal(errors),
    }


def read_mark(data_directory: str) -> dict[str, t.Any] | None:
    """The mark that the pair is in maintenance, None without one."""
    mark = maintenance.read(maintenance.mark_file(data_directory))
    return dataclasses.asdict(mark) if mark else None


def read_files(instance: Instance) -> dict[str, t.Any]:
    """What is not the engine's own of what is in the place of an instance, or was when its rewind was cut off."""
    where = instance.data_directory
    found = {**own_files.listing(former_place(where)), **own_files.listing(taken_out(where))}
    return {path: dataclasses.asdict(entry) for path, entry in found.items()}


def read_coordinator(host: Host, parameters: Parameters, own: t.Sequence[str]) -> dict[str, t.Any]:
    """Everything about the coordinator instance of this host.

    :param own: the host's addresses.
    """
    instance = read_instance(host, parameters["data_directory"])
    there = instance.content == "instance"
    user = user_name(os.getuid())
    if instance.owner not in (None, user):
        parameters = {
            **parameters,
            **dict.fromkeys(STORES),
            "size": False,
            "files": False,
        }  # another user has another password, and sees a part of the files
    port = parameters["port"]
    files = read_tree(instance.data_directory, EXCLUDED) if parameters["size"] else None
    kept, wrong = record.read_record(parameters["record_file"]) if parameters["record_file"] else (None, None)
    audit = record.entries(parameters["audit_file"]) if parameters["audit_file"] else []
    found: dict[str, t.Any] = {
        "instance": dataclasses.asdict(instance),
        "site": dataclasses.asdict(read_site(host, instance.data_directory)),
        "installation": dataclasses.asdict(read_installation(host)) if parameters["size"] else None,
        "port_taken": port is not None and not (instance.postmaster and instance.postmaster.port == port) and has_listener(port),
        "used_bytes": files.bytes if files else None,
        "unreadable": list(files.unreadable) if files else None,
        "configured": dataclasses.asdict(preflight.read_configured(instance.data_directory)) if files and there else None,
        "listens": listening(instance.postmaster.pid) if instance.postmaster else None,
        "tablespaces": [dataclasses.asdict(space) for space in read_tablespaces(instance.data_directory, parameters["size"])],
        "files": read_files(instance) if parameters["files"] else None,
        "wal": read_wal(host, instance, parameters["size"]) if there else None,
        "busy": list(start_block.working(instance.data_directory)) if parameters["size"] and instance.postmaster is None else [],
        "wal_refusal": wal_refusal(instance.data_directory) if parameters["size"] else None,
        "lacks": list(lacking(instance.data_directory)) if there and instance.postmaster is None else [],
        "drifting": drift.read(instance.data_directory) if there else None,
        "sql": None,
        "primary": None,
        "standby": None,
        "maintenance": read_mark(instance.data_directory),
        "named": is_named(parameters["name"], own) if parameters["name"] and instance.postmaster is None else None,
        "unfinished": lock.read_note(parameters["lock_file"]) if parameters["lock_file"] else None,
        "record": kept,
        "record_wrong": wrong,
        "activation": record.last(audit, record.ACTIVATED),
        "promotion": (record.last(audit, record.BEGUN, record.ACTIVATED) or {}).get("time"),
    }
    followed = replication.followed(instance.settings) if instance.role == "standby" else None
    store = store_of(parameters)
    found["passfile"] = dataclasses.asdict(store.read(followed)) if store else None
    if instance.postmaster is None:
        return found
    if instance.role == "standby":
        found["standby"] = read_standby(instance, instance.postmaster, parameters["probe_timeout"], (found["wal"] or {}).get("end_lsn"))
        return found
    try:
        found["primary"] = read_primary(instance, parameters)
        addresses = {row["address"] for row in found["primary"]["registrations"]}
        found["primary"]["resolved"] = resolved(sorted(addresses), own)
        found["sql"] = {"answered": True, "refused": None, "error": None}
    except connection.NoAnswer as error:
        found["sql"] = {"answered": False, "refused": None, "error": error.message}
    except connection.Refused as error:
        if error.kind in (connection.ADMISSION, connection.OTHER) and (parameters["sql_user"] or user) != instance.owner:
            raise  # this tells of the role, not of the instance
        found["sql"] = {"answered": None, "refused": error.kind, "error": error.message}
    return found
