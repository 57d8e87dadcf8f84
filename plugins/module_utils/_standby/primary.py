# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What a primary that runs knows of itself and its standby, over SQL."""

from __future__ import annotations

import contextlib
import dataclasses
import time
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.addresses import is_loopback
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.border import Address, Name, Position, Positive
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import (
    catalog,
    connection,
    replication,
    retention,
    stream,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.installation import (
    Needs,
    read_needs,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import (
    Instance,
    wait_until,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.password_stores.registry import store_of
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import preflight, registration


@dataclasses.dataclass(frozen=True)
class SqlAnswer:
    """Whether an instance that runs answered over SQL.

    :param answered: False of one that kept silent, None of one that refused at once.
    :param refused: why that did, one of :data:`connection.KINDS`.
    :param error: what was said.
    """

    answered: bool | None
    refused: Name | None
    error: str | None


@dataclasses.dataclass(frozen=True)
class RoleKnown:
    """Whether the replication role is ``ready`` to log in and replicate, and ``verified`` by the password that is kept."""

    ready: bool
    verified: bool


@dataclasses.dataclass(frozen=True)
class Primary:
    """What a primary that answers knows of itself and its standby; what the role that asks may not see is None.

    :param registrations: the rows of the catalog.
    :param standby: the standby's among them.
    :param walsender: the one that serves the standby.
    :param other_walsenders: those that serve something else.
    :param sync_error: of the coordinator, in ``gp_stat_replication``.
    :param role: the replication role; None also without one.
    :param slots: the replication slots.
    :param probe: what became of the probe.
    :param needs: what it uses of its host.
    :param limits: how many standbys it may have; None also where a copy is no question.
    :param retention_limit: bytes of WAL that a slot may retain, -1 for no limit; None where the engine knows none.
    :param commit_limits: how long commits wait for a silent standby.
    :param access_errors: what it cannot make sense of in its access file.
    :param lsn: end of its WAL.
    :param timeline: its timeline.
    :param version: the engine's, in its own words.
    :param resolved: by address of a row, the numeric addresses that its host knows for it.
    """

    registrations: tuple[catalog.Registration, ...]
    standby: catalog.Registration | None
    walsender: replication.WalSender | None
    other_walsenders: tuple[replication.OtherSender, ...]
    sync_error: str | None
    role: RoleKnown | None
    slots: tuple[replication.Slot, ...]
    probe: replication.Probe
    needs: Needs
    limits: preflight.Limits | None
    retention_limit: int | None
    commit_limits: stream.CommitLimits
    access_errors: tuple[str, ...] | None
    lsn: Position
    timeline: Positive
    version: str
    resolved: t.Mapping[str, tuple[Address, ...]]


Parameters = t.Mapping[str, t.Any]


def read_sql(instance: Instance, parameters: Parameters, own: t.Sequence[str], user: str) -> tuple[SqlAnswer, Primary | None]:
    """Whether a primary that runs answers over SQL, and what it tells then.

    :param own: the host's addresses.
    :param user: of the operating system, who asks.
    :raises CoordinatorError: the role that asks has no access, which says nothing of the instance.
    """
    try:
        return SqlAnswer(True, None, None), read_primary(instance, parameters, own)
    except connection.NoAnswer as error:
        return SqlAnswer(False, None, error.message), None
    except connection.Refused as error:
        if error.kind in (connection.AUTHORIZATION, connection.OTHER) and (parameters["sql_user"] or user) != instance.owner:
            raise
        return SqlAnswer(None, error.kind, error.message), None


def read_primary(instance: Instance, parameters: Parameters, own: t.Sequence[str]) -> Primary:
    """What a running primary tells over SQL.

    :param own: the host's addresses.
    """

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
                        return describe_primary(fresh, probe, parameters, own)
            else:
                probe = replication.probe_replay(open_connection, parameters["probe_timeout"])
            open_connection.allow(parameters["probe_timeout"])
            return describe_primary(open_connection, probe, parameters, own)
        except connection.NoAnswer as error:
            with connect() as other:
                blockers = other.value("SELECT pg_blocking_pids(%s)", pid)
            if not blockers:
                raise
            pids = ", ".join(map(str, blockers))
            raise connection.Refused(f"what was asked waits for a lock that is held by the process {pids}", sqlstate="55P03") from error


def describe_primary(
    open_connection: connection.Connection, probe: replication.Probe, parameters: Parameters, own: t.Sequence[str]
) -> Primary:
    """What a primary knows, once a connection is open."""
    rows = catalog.registrations(open_connection)
    role = connection.permitted(lambda: registration.read_role(open_connection, parameters["replication_user"]))
    store = store_of(parameters)
    kept = store.password() if store else None
    return Primary(
        registrations=tuple(rows),
        standby=catalog.standby_of(rows),
        walsender=replication.walsender(open_connection),
        other_walsenders=tuple(replication.other_senders(open_connection)),
        sync_error=connection.permitted(lambda: replication.sync_error(open_connection)),
        role=RoleKnown(role.ready, bool(kept and registration.verifies(role.verifier, kept))) if role else None,
        slots=tuple(replication.slots(open_connection)),
        probe=probe,
        needs=read_needs(open_connection),
        limits=connection.permitted(lambda: preflight.read_limits(open_connection)) if parameters["size"] else None,
        retention_limit=retention.read_limit(open_connection),
        commit_limits=stream.read_commit_limits(open_connection),
        access_errors=connection.permitted(lambda: read_access_errors(open_connection)),
        resolved=resolved(sorted({row.address for row in rows}), own),
        **open_connection.query(
            "SELECT pg_current_wal_lsn()::text AS lsn, timeline_id AS timeline, version() FROM pg_control_checkpoint()"
        )[0],
    )


def read_access_errors(open_connection: connection.Connection) -> tuple[str, ...]:
    """What the primary cannot make sense of in its access file; with a line of this kind it takes no rule from the file any more.

    A rule that merely cannot match, such as ``hostssl`` where SSL is off, does not keep the others from being taken (hba.c).
    """
    rows = open_connection.query(
        "SELECT line_number, error FROM pg_hba_file_rules WHERE strpos(error, 'cannot match') = 0 ORDER BY line_number"
    )
    return tuple(f"line {row['line_number']}: {row['error']}" for row in rows)


def resolved(names: t.Iterable[str], own: t.Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The numeric addresses of names; a name for this very host has all of its own.

    :param own: this host's addresses.
    """
    found: dict[str, tuple[str, ...]] = {}
    for name in names:
        address = replication.try_resolve(name)
        if address is not None:
            found[name] = tuple(own) if is_loopback(address) or address in own else (address,)
    return found
