# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Streaming from the primary coordinator to its standby: what is seen on the primary, and how a standby connects."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import signal
import socket
import time
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.border import Name, Position, Seconds
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host, read_text
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.configuration import read_settings
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection import Connection, NoAnswer, Refused
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection_string import conninfo, parse_conninfo
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import wait_until
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.password_stores.password_store import (
    PasswordStore,
    Peer,
    StoredPassword,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.password_stores.registry import store_of

#: name that a standby's walreceiver gives; the engine waits with a commit for a walsender of this name only (syncrep.c)
APPLICATION_NAME = "gp_walreceiver"

#: seconds: a standby says something at least every ten (wal_receiver_status_interval), so one that said something later lives
SILENT = 15.0


@dataclasses.dataclass(frozen=True)
class WalSender:
    """A row of ``pg_stat_replication`` of the walsender that serves a standby.

    :param pid: process identifier of the walsender.
    :param client_addr: address of the standby.
    :param state: ``startup``, ``catchup``, ``streaming`` …
    :param sync_state: ``sync`` when commits wait for it.
    :param sent_lsn: LSN sent.
    :param flush_lsn: LSN that the standby has on disk.
    :param replay_lsn: LSN that the standby has replayed.
    :param lag_bytes: bytes between the primary's end of WAL and what the standby has replayed.
    :param replay_lag_s: seconds that the latest commits took to be replayed, None on an idle primary.
    :param reply_age_s: seconds since the standby's last message.
    :param client_port: port that its connection comes from.
    """

    pid: int
    client_addr: Name | None
    state: str
    sync_state: str
    sent_lsn: Position | None
    flush_lsn: Position | None
    replay_lsn: Position | None
    lag_bytes: int | None
    replay_lag_s: float | None
    reply_age_s: float | None
    client_port: int | None = None

    @property
    def in_sync(self) -> bool:
        """Whether it streams and commits wait for it."""
        return self.state == "streaming" and self.sync_state == "sync"

    def has_replayed(self, lsn: str) -> bool:
        """Whether the standby is in sync and has replayed everything up to a position."""
        return self.in_sync and self.replay_lsn is not None and Lsn.parse(self.replay_lsn) >= Lsn.parse(lsn)


def walsender(connection: Connection) -> WalSender | None:
    """The walsender that serves the standby, None when none does; a backup's walsender is none."""
    rows = connection.query(
        """
        SELECT pid, client_addr::text, state, sync_state, sent_lsn::text, flush_lsn::text, replay_lsn::text,
               pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)::bigint AS lag_bytes,
               extract(epoch FROM replay_lag)::float8 AS replay_lag_s,
               extract(epoch FROM clock_timestamp() - reply_time)::float8 AS reply_age_s, client_port
        FROM pg_stat_replication WHERE application_name = %s ORDER BY backend_start DESC LIMIT 1
        """,
        APPLICATION_NAME,
    )
    return WalSender(**rows[0]) if rows else None


@dataclasses.dataclass(frozen=True)
class OtherSender:
    """A walsender that serves something else than the standby: a backup, an archive of WAL, another copy.

    :param pid: process identifier of the walsender.
    :param application_name: what its client calls itself.
    :param user: role that it connects as.
    :param client_addr: address of the client, None on this host.
    :param state: as of a :class:`WalSender`.
    :param reply_age_s: seconds since the client's last message; None where it never sent one.
    """

    pid: int
    application_name: str
    user: str
    client_addr: str | None
    state: str | None
    reply_age_s: float | None

    def __str__(self) -> str:
        silent = self.reply_age_s is not None and self.reply_age_s > SILENT
        heard = f", silent for {self.reply_age_s:.0f} s" if silent else ""
        client = f"{self.application_name or 'unnamed'} of {self.user} on {self.client_addr or 'this host'}"
        return f"{client}, served by process {self.pid}, {self.state}{heard}"


def other_senders(connection: Connection) -> list[OtherSender]:
    """The walsenders that do not serve the standby."""
    own = walsender(connection)
    rows = connection.query(
        """
        SELECT pid, coalesce(application_name, '') AS application_name, coalesce(usename::text, '') AS user, client_addr::text, state,
               extract(epoch FROM clock_timestamp() - reply_time)::float8 AS reply_age_s
        FROM pg_stat_replication WHERE pid <> %s ORDER BY pid
        """,
        own.pid if own else 0,
    )
    return [OtherSender(**row) for row in rows]


def hides_walsenders(connection: Connection) -> bool:
    """Whether the primary has walsenders of which it tells this role nothing but that they are there."""
    return bool(connection.value("SELECT count(*) FROM pg_stat_replication WHERE state IS NULL"))


def sync_error(connection: Connection) -> str | None:
    """The coordinator's ``sync_error`` in ``gp_stat_replication``, None when no walsender is listed there."""
    rows = connection.query(
        "SELECT sync_error FROM gp_stat_replication WHERE gp_segment_id = -1 AND application_name = %s", APPLICATION_NAME
    )
    return rows[0]["sync_error"] if rows else None


@dataclasses.dataclass(frozen=True)
class Slot:
    """A replication slot.

    :param name: its name.
    :param active: whether a walsender uses it.
    :param restart_lsn: oldest LSN that it keeps.
    :param retained_bytes: bytes of WAL that it retains.
    """

    name: str
    active: bool
    restart_lsn: Position | None
    retained_bytes: int | None


def slots(connection: Connection) -> list[Slot]:
    """The physical replication slots of the primary."""
    rows = connection.query(
        """
        SELECT slot_name::text AS name, active, restart_lsn::text,
               pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint AS retained_bytes
        FROM pg_replication_slots WHERE slot_type = 'physical' ORDER BY slot_name
        """
    )
    return [Slot(**row) for row in rows]


def create_slot(connection: Connection, name: str) -> None:
    """Make a physical slot that retains WAL from now on."""
    connection.query("SELECT pg_create_physical_replication_slot(%s, true)", name)


def copy_slot(connection: Connection, name: str, copy: str) -> None:
    """Make a slot that keeps the same WAL as another one."""
    connection.query("SELECT pg_copy_physical_replication_slot(%s, %s)", name, copy)


#: settings by which a standby follows its primary; a promotion leaves them
FOLLOWING = ("primary_conninfo", "primary_slot_name")


def left_following(data_directory: str) -> list[str]:
    """Which of :data:`FOLLOWING` an instance has among the settings that ALTER SYSTEM keeps."""
    settings = read_settings(read_text(os.path.join(data_directory, "postgresql.auto.conf")) or "")
    return [name for name in FOLLOWING if name in settings]


def reset_upstream(connection: Connection, names: t.Iterable[str]) -> None:
    """Reset the settings of a primary that was a standby once by which it followed another instance.

    :param names: what it has of :data:`FOLLOWING`.
    """
    for name in names:
        connection.query(f"ALTER SYSTEM RESET {name}")


def drop_slot(connection: Connection, name: str) -> None:
    """Remove a slot; the walsender that uses it is terminated first."""
    connection.query("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = %s", name)

    def idle() -> bool:
        return not any(slot.active for slot in slots(connection) if slot.name == name)

    if not wait_until(idle, seconds=10):
        raise CoordinatorError(f"the slot {name} is in use and stays so: stop the standby that uses it")
    connection.query("SELECT pg_drop_replication_slot(%s)", name)


@dataclasses.dataclass(frozen=True)
class Probe:
    """What a write on the primary met, or a look without one.

    :param lsn: end of WAL after the write, or when the probe began where its commit did not return or none was tried.
    :param acknowledged: whether the write's commit returned; None where none was tried.
    :param replayed: whether the standby then replayed everything up to ``lsn``. The acknowledgement alone proves nothing:
        the end of any walsender lets all waiting commits go on (walsender.c).
    :param seconds: how long both took.
    """

    lsn: Position
    acknowledged: bool | None
    replayed: bool
    seconds: Seconds


def probe_write(connection: Connection, second: t.Callable[[], t.ContextManager[Connection]], limit: float) -> Probe:
    """Commit a message that makes no object, and see it acknowledged and the standby at the primary's position.

    Its commit waits for a standby that streams as any other does. One that does not come back is ended, so that no
    backend is left waiting.

    :param second: opens another connection.
    :param limit: seconds given to each of both.
    """
    began = time.monotonic()
    lsn = str(connection.value("SELECT pg_current_wal_lsn()"))
    pid = connection.backend_pid
    try:
        connection.query("SELECT pg_logical_emit_message(true, 'warehousepg.coordinator', 'probe')", timeout=limit)
    except NoAnswer:
        end_backend(second, pid)
        return Probe(lsn, False, False, round(time.monotonic() - began, 3))
    return _replay(connection, True, began, limit)


def end_backend(second: t.Callable[[], t.ContextManager[Connection]], pid: int) -> None:
    """End a backend of ours that waits for a standby; where no further connection is to be had, as its owner may."""
    try:
        with second() as other:
            other.query("SELECT pg_terminate_backend(%s)", pid)
    except Refused:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGTERM)


def probe_replay(connection: Connection, limit: float) -> Probe:
    """See the standby at the primary's position without writing anything.

    :param limit: seconds given to the standby.
    """
    return _replay(connection, None, time.monotonic(), limit)


def _replay(connection: Connection, acknowledged: bool | None, began: float, limit: float) -> Probe:
    lsn = str(connection.value("SELECT pg_current_wal_lsn()"))
    connection.allow(2 * limit)
    senders: list[WalSender | None] = []

    def settled() -> bool:
        senders[:] = [walsender(connection)]
        return senders[0] is None or senders[0].has_replayed(lsn)

    wait_until(settled, limit)
    replayed = senders[0] is not None and senders[0].has_replayed(lsn)
    return Probe(lsn, acknowledged, replayed, round(time.monotonic() - began, 3))


@dataclasses.dataclass(frozen=True)
class Upstream:
    """How a standby connects to its primary.

    :param host: name or address of the primary.
    :param port: its port.
    :param user: replication role.
    :param store: where the role's password is kept, None when the primary asks for none.
    :param connection: further parameters of libpq.
    """

    host: str
    port: int
    user: str
    store: PasswordStore | None
    connection: t.Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def peer(self) -> Peer:
        """The server that the password is for."""
        return self.host, self.port

    def parameters(self) -> dict[str, str]:
        """The parameters of libpq, the application name apart."""
        found = {**self.connection, "host": self.host, "port": str(self.port), "user": self.user}
        numeric = resolve(self.host)
        if numeric != self.host:
            found["hostaddr"] = numeric  # a walreceiver inside a name look-up cannot be stopped
        if self.store is not None:
            found.update(self.store.parameters())
        return found

    def stored(self) -> StoredPassword | None:
        """The password as it is kept for the primary, None when it asks for none."""
        return self.store.read(self.peer) if self.store is not None else None

    def write_password(self, host: Host, password: str | None) -> None:
        """Keep the password for the primary.

        :param password: None to keep the one that is there, and mend the rest.
        """
        if self.store is not None:
            self.store.write(host, self.peer, password)

    def primary_conninfo(self) -> str:
        """The value of ``primary_conninfo``."""
        return conninfo(dict(self.parameters(), application_name=APPLICATION_NAME))


def upstream_of(parameters: t.Mapping[str, t.Any]) -> Upstream:
    """The upstream that options name, as of :data:`arguments.UPSTREAM`."""
    return Upstream(
        host=parameters["primary_host"],
        port=parameters["primary_port"],
        user=parameters["replication_user"],
        store=store_of(parameters) if parameters["replication_auth"] == "scram" else None,
        connection={name: str(value) for name, value in parameters["connection"].items()},
    )


def resolve(host: str) -> str:
    """The numeric address of a host.

    :raises CoordinatorError: the name is not known on this host.
    """
    try:
        return str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])
    except socket.gaierror as error:
        raise CoordinatorError(
            f"the primary's name {host!r} is not known on this host ({error.strerror}): "
            "add it to /etc/hosts, or give an address that this host can reach"
        ) from error


def try_resolve(host: str | None) -> str | None:
    """The numeric address of a host, None when it has none."""
    try:
        return resolve(host) if host else None
    except CoordinatorError:
        return None


def followed(settings: t.Mapping[str, str]) -> Peer | None:
    """The server that a standby with these settings follows; None where they do not tell."""
    parameters = parse_conninfo(settings.get("primary_conninfo", ""))
    port = parameters.get("port", "")
    return (parameters["host"], int(port)) if "host" in parameters and re.fullmatch("[0-9]{1,5}", port) else None
