# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything that a host shows of coordinator mirroring: the result of M(warehousepg.coordinator.mirroring_info)."""

from __future__ import annotations

import dataclasses
import socket
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils import catalog, connection, registration, replication
from ansible_collections.warehousepg.coordinator.plugins.module_utils.access import BLOCK, first_block
from ansible_collections.warehousepg.coordinator.plugins.module_utils.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils.host import (
    Host,
    processes,
    read_text,
    used_bytes,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils.instance import (
    Instance,
    Postmaster,
    read_instance,
    recent_errors,
    running_segments,
    wait_until,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils.snapshot import EXCLUDED, read_site

Parameters = t.Mapping[str, t.Any]


def read_primary(instance: Instance, parameters: Parameters) -> dict[str, t.Any]:
    """What a running primary tells over SQL."""

    def connect() -> t.ContextManager[connection.Connection]:
        return connection.connect_primary(instance, parameters["probe_timeout"])

    def in_sync() -> bool:
        sender = replication.walsender(open_connection)
        return bool(sender and sender.in_sync)

    with connect() as open_connection:
        open_connection.allow(parameters["wait_timeout"])
        wait_until(in_sync, parameters["wait_timeout"])
        probe = None
        if parameters["probe_write"]:
            probe = replication.probe_write(open_connection, connect, parameters["probe_timeout"])
            if not probe.acknowledged:
                with connect() as fresh:
                    return describe_primary(fresh, probe, parameters)
        open_connection.allow(parameters["probe_timeout"])
        return describe_primary(open_connection, probe, parameters)


def describe_primary(open_connection: connection.Connection, probe: replication.Probe | None, parameters: Parameters) -> dict[str, t.Any]:
    """The RV(primary) of the result."""
    rows = catalog.registrations(open_connection)
    standby = catalog.standby_of(rows)
    role = registration.read_role(open_connection, parameters["replication_user"])
    kept = replication.kept_password(parameters["passfile"], parameters["replication_user"]) if parameters["passfile"] else None
    sender = replication.walsender(open_connection)
    return {
        "registrations": [dataclasses.asdict(row) for row in rows],
        "standby": dataclasses.asdict(standby) if standby else None,
        "walsender": dataclasses.asdict(sender) if sender else None,
        "sync_error": replication.sync_error(open_connection),
        "role": {"ready": role.ready, "verified": bool(kept and registration.verifies(role.verifier, kept))} if role else None,
        "slots": [dataclasses.asdict(slot) for slot in replication.slots(open_connection)],
        "probe": dataclasses.asdict(probe) if probe else None,
        **open_connection.query(
            "SELECT pg_current_wal_lsn()::text AS lsn, timeline_id AS timeline, version() FROM pg_control_checkpoint()"
        )[0],
    }


def read_standby(instance: Instance, postmaster: Postmaster, timeout: float) -> dict[str, t.Any]:
    """What a standby that runs shows: it refuses every connection, and says how far it replayed."""
    refusal = ""
    try:
        with connection.connect(postmaster.socket_directory or "/tmp", instance.port or 0, "", timeout):
            pass
    except (connection.Refused, connection.NoAnswer) as error:
        refusal = error.message
    following = replication.parse_conninfo(instance.settings.get("primary_conninfo", ""))
    return {
        "following": following,
        "resolved": replication.try_resolve(following.get("host")),
        "received_lsn": postmaster.received,
        "replayed_lsn": connection.last_replayed(refusal),
        "errors": recent_errors(instance.data_directory),
    }


def read_access(data_directory: str) -> list[str] | None:
    """The rules of this collection's block in an access file that begins with it, None without it."""
    try:
        return first_block(read_text(f"{data_directory}/pg_hba.conf") or "", BLOCK)
    except CoordinatorError:
        return None


def read_coordinator(host: Host, parameters: Parameters) -> dict[str, t.Any]:
    """Everything about the coordinator instance of this host."""
    instance = read_instance(host, parameters["data_directory"])
    found: dict[str, t.Any] = {
        "instance": dataclasses.asdict(instance),
        "site": dataclasses.asdict(read_site(host, instance.data_directory)),
        "used_bytes": used_bytes(instance.data_directory, EXCLUDED) if parameters["size"] else None,
        "sql": None,
        "primary": None,
        "standby": None,
    }
    if parameters["passfile"]:
        found["passfile"] = dataclasses.asdict(replication.read_passfile(parameters["passfile"]))
    if instance.postmaster is None:
        return found
    if instance.role == "standby":
        found["standby"] = read_standby(instance, instance.postmaster, parameters["probe_timeout"])
        return found
    try:
        found["primary"] = read_primary(instance, parameters)
        found["sql"] = {"answered": True, "error": None}
    except (connection.Refused, connection.NoAnswer) as error:
        found["sql"] = {"answered": False, "error": error.message}
    return found


def observe(host: Host, parameters: Parameters) -> dict[str, t.Any]:
    """What this host shows.

    :param parameters: options of the module.
    :raises CoordinatorError: the data directory cannot be read by this user.
    """
    found: dict[str, t.Any] = {
        "hostname": socket.gethostname(),
        "addresses": host.addresses(),
        "segments": [dataclasses.asdict(segment) for segment in running_segments(processes())],
    }
    directories = [segment["data_directory"] for segment in found["segments"]]
    if parameters["data_directory"]:
        found.update(read_coordinator(host, parameters))
        if found["instance"]["content"] == "instance":
            directories.append(found["instance"]["data_directory"])
    found["access"] = {directory: read_access(directory) for directory in directories}
    return found
