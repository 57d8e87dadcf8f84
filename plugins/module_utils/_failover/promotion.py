# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""A standby is promoted, carried out step by step, and what has to be seen of it then."""

from __future__ import annotations

import contextlib
import os
import re
import time
import types
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import work
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import catalog, connection, instance, retention, wal
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.control_data import read_control
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import Instance, wait_until
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.postmaster import Postmaster, read_postmaster_file
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.replication import (
    create_slot,
    left_following,
    reset_upstream,
    slots,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.timeline import read_history
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import salvage

#: seconds without any progress after which a promotion is taken to hang
_STALL = 2.0

#: seconds without any progress, once the promotion was noticed, after which recovery is woken
_SLEEP = 0.15

#: seconds between two looks
_PAUSE = 0.03

#: settings by which recovery gets more WAL than it has, and waits for it
_SOURCES = ("primary_conninfo", "restore_command")

#: what an instance says while it is on its way to accept distributed work
_ON_THE_WAY = re.compile(
    r"starting up|recovery mode|not yet accepting connections|waiting for distributed transaction recovery to complete"
    r"|Connection refused|No such file"
)


def is_promoted(data_directory: str) -> bool:
    """Whether a data directory is a primary's, or will be as soon as its instance comes to it."""
    return not os.path.exists(os.path.join(data_directory, "standby.signal"))


class Promotion:
    """The steps, carried out.

    :param host: this host.
    :param data_directory: of the instance.
    :param port: of the instance.
    :param timeout: seconds for each thing that is waited for.
    :param settings: what it has otherwise than its files say whenever it is started.
    """

    def __init__(
        self, host: Host, data_directory: str, port: int, timeout: float, settings: t.Mapping[str, str] = types.MappingProxyType({})
    ) -> None:
        self._host = host
        self._directory = data_directory
        self._port = port
        self._timeout = timeout
        self._settings = settings
        self._heard = ""
        #: where the replay was first seen, and last
        self._replayed: list[Lsn] = []

    def _instance(self) -> Instance:
        """The instance as its ``postmaster.pid`` has it, without looking at its processes."""
        file = read_postmaster_file(self._directory)
        running = Postmaster(file.pid, file.port, file.socket_directory, file.status, False, None, None) if file else None
        return Instance(self._directory, "instance", role="primary", port=self._port, postmaster=running)

    def refusal(self) -> str:
        """What the instance says to a connection in dispatch mode; empty when it accepts it."""
        try:
            with connection.connect_primary(self._instance(), 1.0, dispatch=True):
                return ""
        except CoordinatorError as error:
            return error.message

    def mode(self) -> str:
        """In what mode the sessions of clients are that ask for none; of an instance that was started in utility mode no session leaves it
        (``check_gp_role`` in cdbvars.c).

        :raises CoordinatorError: none is let in.
        """
        with connection.connect_primary(self._instance(), 1.0, dispatch=True) as session:
            return str(session.value("SHOW gp_role"))

    def _look(self) -> Lsn | None:
        """Up to where the instance has replayed, by what it says to a connection; None where it does not tell."""
        self._heard = self.refusal()
        told = connection.last_replayed(self._heard)
        position = Lsn.parse(told) if told else None
        if position is not None:
            self._replayed[1:] = [position]
        return position

    def stop(self) -> None:
        """Stop the standby."""
        instance.stop(self._host, self._directory)

    def start(self) -> None:
        """Start the standby; it ends when it is in recovery."""
        instance.start(self._host, self._directory, self._port, self._settings)

    def wait_replayed(self, end: str) -> None:
        """Wait until everything up to a position is replayed.

        :raises CoordinatorError: it is not within the time.
        :raises Cancelled: the work was given up; it goes on to replay.
        """

        def reached() -> bool:
            work.check()
            position = self._look()
            return position is not None and position >= Lsn.parse(end)

        with work.measured(lambda: replay_progress(self._replayed, Lsn.parse(end))):
            replayed = wait_until(reached, self._timeout, _PAUSE)
        if not replayed:
            raise CoordinatorError(
                f"the salvaged WAL is in its place, but the standby did not replay it up to {end} within {self._timeout:g} s. It says: "
                f"{self._heard}; {instance.recent_errors(self._directory)}"
            )

    def promote(self, end: Lsn | None = None) -> dict[str, t.Any]:
        """Promote the standby; ends when it has left recovery, before which it replays what it has.

        Where its walreceiver has ended a moment before, recovery notices the promotion, and then sleeps for what is left of
        ``wal_retrieve_retry_interval``, 5 s by default (``WaitForWALToBecomeAvailable`` in xlog.c): a reload wakes it. One that hangs all
        the same, as with a walreceiver inside a look-up of a name, or with an archive that does not answer, is started anew with nothing to
        follow nor to restore from, and promoted then. Neither can be changed while it runs; its files keep both for later.

        :param end: of the WAL that it has, by which it is told how far that has come; None: it is not told.
        :raises CoordinatorError: it did not leave recovery within the time.
        """
        with work.measured(lambda: replay_progress(self._replayed, end)) if end else contextlib.nullcontext():
            return self._promote()

    def _promote(self) -> dict[str, t.Any]:
        deadline = time.monotonic() + self._timeout
        self._request_promotion()
        if self._leaves_recovery(deadline, _STALL):
            return {"restarted": False}
        self._stop_hanging()
        instance.start(self._host, self._directory, self._port, {**self._settings, **dict.fromkeys(_SOURCES, "")})
        self._request_promotion()
        if not self._leaves_recovery(deadline, self._timeout):
            raise CoordinatorError(
                f"the standby in {self._directory} was told to become primary and did not leave recovery within {self._timeout:g} s: "
                f"{instance.recent_errors(self._directory) or self.refusal()}; it may still do so"
            )
        return {"restarted": True}

    def _request_promotion(self) -> None:
        try:
            self._host.run("pg_ctl", "-D", self._directory, "-W", "promote")
        except CoordinatorError:
            if not is_promoted(self._directory):
                raise

    def _leaves_recovery(self, deadline: float, patience: float) -> bool:
        """Whether the instance leaves recovery; not waited for when there is no progress for that many seconds."""
        seen: tuple[t.Any, ...] = ()
        since = looked = time.monotonic()
        while not is_promoted(self._directory):
            now = time.monotonic()
            if now >= deadline or now - since >= patience:
                return is_promoted(self._directory)
            if now - looked >= 0.2:
                looked = now
                noticed = not os.path.exists(os.path.join(self._directory, "promote"))
                progress = (self._look(), noticed)
                if progress != seen:
                    seen, since = progress, now
                elif noticed and now - since >= _SLEEP:
                    instance.reload(self._directory)
            time.sleep(_PAUSE)
        return True

    def _stop_hanging(self) -> None:
        for mode, seconds in (("fast", "1"), ("immediate", "10")):
            try:
                self._host.run("pg_ctl", "-D", self._directory, "-t", seconds, "-w", "-m", mode, "stop")
                return
            except CoordinatorError:
                if read_postmaster_file(self._directory) is None:
                    return  # it has ended meanwhile, as it does where it cannot write its new timeline
                if mode == "immediate":
                    raise

    def wait_dispatch(self, statement: str = "SELECT 1") -> None:
        """Wait until queries are answered in dispatch mode.

        :param statement: what is asked; it returns one value.
        :raises CoordinatorError: they are not within the time, or the instance says why they never will be.
        """
        heard: list[str] = []

        def settled() -> bool:
            try:
                with connection.connect_primary(self._instance(), self._timeout, dispatch=True) as open_connection:
                    open_connection.value(statement)
                heard[:] = []
                return True
            except CoordinatorError as error:
                heard[:] = [error.message]
                starts = isinstance(error, connection.Refused) and error.kind == connection.NOT_ACCEPTING
            return not (starts or _ON_THE_WAY.search(heard[0]))

        wait_until(settled, self._timeout, _PAUSE)
        if heard:
            raise CoordinatorError(f"the instance in {self._directory} left recovery, but does not answer in dispatch mode: {heard[0]}")

    def checkpoint(self) -> None:
        """Write checkpoints until the control file has the new timeline, which the former primary's utilities look at.

        :raises CoordinatorError: it has it not within the time.
        """
        deadline = time.monotonic() + self._timeout
        why = ""
        while True:
            try:
                with self.utility() as open_connection:
                    open_connection.query("CHECKPOINT")
                    timeline = int(str(open_connection.value("SELECT pg_walfile_name(pg_current_wal_lsn())"))[:8], 16)
                control = read_control(self._host, self._directory)
                if control.timeline >= timeline:
                    return
                why = f"the control file has timeline {control.timeline}, the WAL {timeline}"
            except CoordinatorError as error:
                why = error.message
            if time.monotonic() >= deadline:
                raise CoordinatorError(
                    f"the instance in {self._directory} is primary, but no checkpoint was written on its new timeline: {why}. "
                    "Until then gpstart on the former primary's host may start a second primary"
                )
            time.sleep(_PAUSE)

    def utility(self) -> t.ContextManager[connection.Connection]:
        """A connection in utility mode."""
        return connection.connect_primary(self._instance(), self._timeout)

    def check_catalog(self, dbid: int | None) -> dict[str, t.Any]:
        """See that the catalog names this instance as primary and no other coordinator; returns its positions.

        :raises CoordinatorError: it does not.
        """
        with self.utility() as open_connection:
            rows = catalog.registrations(open_connection)
            lsn = str(open_connection.value("SELECT pg_current_wal_lsn()"))
            timeline = int(str(open_connection.value("SELECT pg_walfile_name(pg_current_wal_lsn())"))[:8], 16)
        own = [row for row in rows if row.content == catalog.COORDINATOR]
        if [(row.dbid, row.role) for row in own] != [(dbid, "p")]:
            named = ", ".join(f"dbid {row.dbid} as {row.role} on {row.hostname}" for row in own) or "none"
            raise CoordinatorError(
                f"the instance in {self._directory} is primary, but as coordinators the catalog names {named}, instead of its dbid {dbid} "
                "alone as p: run gpcheckcat before the cluster is used"
            )
        return {"timeline": timeline, "lsn": lsn, "switch_lsn": switch_position(self._directory, timeline)}

    def check_segments(self) -> dict[str, t.Any]:
        """See that every segment answers through this coordinator.

        :raises CoordinatorError: one does not within the time.
        """
        answered: list[int] = []
        expected: list[int] = []
        why: list[str] = []

        def settled() -> bool:
            try:
                with connection.connect_primary(self._instance(), self._timeout, dispatch=True) as open_connection:
                    expected[:] = sorted({row.content for row in catalog.registrations(open_connection)} - {catalog.COORDINATOR})
                    rows = open_connection.query("SELECT gp_segment_id AS content FROM gp_dist_random('gp_id')")
            except CoordinatorError as error:
                why[:] = [error.message]
                return False
            answered[:] = sorted(int(row["content"]) for row in rows)
            why[:] = [f"of the segments {expected} only {answered} answered"]
            return answered == expected

        if not wait_until(settled, self._timeout, 0.1):
            raise CoordinatorError(
                f"the instance in {self._directory} is primary, but not every segment answers through it: {why[0]}",
                segments_answered=answered,
            )
        return {"segments_answered": answered}

    def clean_up(self) -> None:
        """Remove what only mattered until the promotion: whom it followed, and what salvaged WAL left."""
        names = left_following(self._directory)
        if names:
            with self.utility() as open_connection:
                reset_upstream(open_connection, names)
        salvage.clean(self._directory)

    def make_slot(self, name: str, limit: int | None) -> None:
        """Make the slot of the next standby, which retains WAL from now on, and set how much it may retain."""
        with self.utility() as open_connection:
            if limit is not None and retention.read_limit(open_connection) not in (None, limit):
                retention.write_limit(open_connection, limit)
            if not any(slot.name == name for slot in slots(open_connection)):
                create_slot(open_connection, name)


def replay_progress(positions: t.Sequence[Lsn], end: Lsn) -> work.Progress | None:
    """How far the replay of WAL has come; None where there is nothing to be replayed.

    :param positions: where it was first seen, and last; none before it was seen.
    """
    if not positions or end <= positions[0]:
        return None
    return work.Progress("replaying WAL", positions[-1] - positions[0], end - positions[0])


def switch_position(data_directory: str, timeline: int) -> str | None:
    """Where a timeline began, by its history file; None for the first."""
    ancestors = read_history(wal.wal_directory(data_directory), timeline).ancestors
    return str(ancestors[-1][1]) if ancestors else None
