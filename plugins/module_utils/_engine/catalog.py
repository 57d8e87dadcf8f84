# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""The catalog's registration of the coordinator and its standby: ``gp_segment_configuration``."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.addresses import normal_address
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.border import Name, Path, Port, Positive
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection import Connection

#: content identifier of the coordinator, where segments have 0, 1, 2 …
COORDINATOR = -1


@dataclasses.dataclass(frozen=True)
class Registration:
    """One row of ``gp_segment_configuration``.

    :param dbid: unique number of the instance.
    :param content: -1 for the coordinator and its standby.
    :param role: ``p`` primary, ``m`` mirror; for the coordinator's standby ``m``.
    :param preferred_role: the role it was made for.
    :param mode: ``s`` in sync, ``n`` not; says ``s`` for ever on a standby coordinator.
    :param status: ``u`` up, ``d`` down; says ``u`` for ever on a standby coordinator.
    :param port: its port.
    :param hostname: name of its host.
    :param address: name or address that the others reach it by.
    :param datadir: its data directory.
    """

    dbid: Positive
    content: int
    role: Name
    preferred_role: Name
    mode: Name
    status: Name
    port: Port
    hostname: Name
    address: Name
    datadir: Path


def registrations(connection: Connection) -> list[Registration]:
    """All rows of ``gp_segment_configuration``, by dbid."""
    columns = ", ".join(field.name for field in dataclasses.fields(Registration))
    rows = connection.query(f"SELECT {columns} FROM pg_catalog.gp_segment_configuration ORDER BY dbid")
    return [Registration(**row) for row in rows]


def primary_of(rows: t.Iterable[Registration]) -> Registration | None:
    """The row of the coordinator that is primary."""
    return next((row for row in rows if row.content == COORDINATOR and row.role == "p"), None)


def standby_of(rows: t.Iterable[Registration]) -> Registration | None:
    """The row of the coordinator's standby."""
    return next((row for row in rows if row.content == COORDINATOR and row.role == "m"), None)


@dataclasses.dataclass(frozen=True)
class Segments:
    """What the catalog says of the segment instances together.

    :param instances: how many there are.
    :param down: those that are down, or were when the engine last looked.
    :param swapped: those that are not in the role that they were made for.
    :param not_in_sync: contents whose mirror is up and lacks something of its primary.
    """

    instances: int
    down: tuple[Registration, ...]
    swapped: tuple[Registration, ...]
    not_in_sync: tuple[int, ...]


def segments_of(rows: t.Iterable[Registration]) -> Segments:
    """What the rows say of the segments, not of the coordinators."""
    own = [row for row in rows if row.content != COORDINATOR]
    behind = {row.content for row in own if (row.role, row.status, row.mode) == ("m", "u", "n")}
    return Segments(
        instances=len(own),
        down=tuple(row for row in own if row.status != "u"),
        swapped=tuple(row for row in own if row.role != row.preferred_role),
        not_in_sync=tuple(sorted(behind)),
    )


@dataclasses.dataclass(frozen=True)
class StandbyAddress:
    """Where a standby is, as it is registered.

    :param hostname: name of its host.
    :param address: name or address that the others reach it by.
    :param port: its port.
    :param datadir: its data directory.
    """

    hostname: str
    address: str
    port: int
    datadir: str

    def matches(self, row: Registration) -> bool:
        """Whether a row registers this very standby, however its address and data directory are written."""
        return (row.hostname, row.port) == (self.hostname, self.port) and (
            (normal_address(row.address), os.path.normpath(row.datadir)) == (normal_address(self.address), os.path.normpath(self.datadir))
        )


def placed(
    rows: t.Iterable[Registration],
    resolved: t.Mapping[str, t.Sequence[str]],
    hosts: t.Mapping[str, tuple[str, t.Container[str]]],
) -> dict[int, str | None]:
    """On which of some hosts each registered instance is, by dbid; None: on none of them.

    An address decides; a name does where its address is not known.

    :param resolved: by address of a row, the numeric addresses that the primary knows for it.
    :param hosts: by name, the name that the host has for itself and its addresses; of several that match the first is taken.
    """
    found: dict[int, str | None] = {}
    for row in rows:
        numeric = [normal_address(address) for address in resolved.get(row.address, ())]
        found[row.dbid] = next(
            (
                name
                for name, (hostname, addresses) in hosts.items()
                if (any(address in addresses for address in numeric) if numeric else hostname in (row.hostname, row.address))
            ),
            None,
        )
    return found


def _function(connection: Connection, verb: str) -> str:
    """Name of a registration function of this engine.

    WarehousePG 7 says ``coordinator``; 6, and early engines of the 7 line, say ``master``.
    """
    names = [f"gp_{verb}_coordinator_standby", f"gp_{verb}_master_standby"]
    known = connection.query("SELECT DISTINCT proname::text FROM pg_catalog.pg_proc WHERE proname = ANY(%s)", names)
    for name in names:
        if {"proname": name} in known:
            return name
    raise CoordinatorError(f"the engine has neither {names[0]}() nor {names[1]}(): is this a coordinator of WarehousePG 6 or 7?")


def add_standby(connection: Connection, standby: StandbyAddress) -> int:
    """Register a standby; returns its dbid."""
    name = _function(connection, "add")
    return int(
        connection.value(f"SELECT pg_catalog.{name}(%s, %s, %s, %s)", standby.hostname, standby.address, standby.datadir, standby.port)
    )


def remove_standby(connection: Connection) -> None:
    """Take the standby out of the catalog."""
    connection.query(f"SELECT pg_catalog.{_function(connection, 'remove')}()")
