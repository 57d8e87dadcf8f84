# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""A standby becomes primary: what it needs for that, in which order, and what has to be seen of it afterwards."""

from __future__ import annotations

import dataclasses
import os
import re
import time
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Step
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import catalog, connection, instance, retention, survey, wal
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.control_data import read_control
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import Instance, wait_until
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.postmaster import Postmaster, read_postmaster_file
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.replication import (
    create_slot,
    forget_upstream,
    left_following,
    slots,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.stream import Stream, read_stream, see_answer
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.timeline import read_history
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import loss, salvage
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.verdict import BOTH_DOWN
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import record

#: seconds without any progress after which a promotion is taken to hang
_STALL = 2.0

#: seconds without any progress, once the promotion was noticed, after which recovery is woken
_SLEEP = 0.15

#: seconds between two looks
_PAUSE = 0.03

#: settings by which recovery gets more WAL than it has, and waits for it
_SOURCES = ("primary_conninfo", "restore_command")

#: steps that look or wait
PASSIVE = ("wait_replayed", "wait_dispatch", "check_catalog", "check_segments")

#: what an instance says while it is on its way to accept distributed work
_ON_THE_WAY = re.compile(
    r"starting up|recovery mode|not yet accepting connections|waiting for distributed transaction recovery to complete"
    r"|Connection refused|No such file"
)


@dataclasses.dataclass(frozen=True)
class Candidate:
    """The instance that is to become primary, as it was found.

    :param instance: the instance.
    :param end: where its WAL ends.
    :param stream: the stream of WAL that it has or had.
    :param record: what was kept when the pair was last seen mirrored.
    :param begun: the audit's last entry on an activation that was begun.
    :param activated: the audit's last entry on one that was finished.
    :param placing: whether putting salvaged WAL in its place was cut off.
    """

    instance: Instance
    end: wal.End | None
    stream: Stream
    record: record.Record | None = None
    begun: t.Mapping[str, t.Any] | None = None
    activated: t.Mapping[str, t.Any] | None = None
    placing: bool = False

    @property
    def timeline(self) -> int:
        """The timeline that its WAL is on; the control file follows with the next checkpoint only."""
        control = self.instance.control
        return max(self.end.timeline if self.end else 0, control.timeline if control else 0)


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What is asked for.

    :param verdict: ``state``, ``allowed``, ``reason``, ``proof`` and ``quiet_s`` of the verdict on the pair.
    :param exact: what was read from the old primary's disk; None when it was not.
    :param salvage: ``archive`` and ``end`` of WAL to be replayed first; None for none.
    :param accept_loss: whether something may be lost.
    :param both_down: whether a standby that is stopped is started.
    :param slot_name: the slot that is made for the next standby.
    :param retention_limit: bytes of WAL that it may hold back, None for what is set.
    """

    verdict: t.Mapping[str, t.Any]
    exact: t.Mapping[str, t.Any] | None
    salvage: t.Mapping[str, t.Any] | None
    accept_loss: bool
    both_down: bool
    slot_name: str
    retention_limit: int | None


def observe(
    host: Host, data_directory: str, record_file: str | None, audit_file: str | None, by_disk: bool = False, quiet_s: float | None = None
) -> Candidate:
    """Observe the instance that is to become primary, and what is kept about its pair.

    :param by_disk: whether the old primary's disk tells what is lost, so that it need not be seen whether its stream still lasts.
    :param quiet_s: seconds since a segment last had data from the old primary, None when that is not known.
    :raises CoordinatorError: the data directory cannot be read by this user.
    """
    found = instance.read_instance(host, data_directory)
    audit = record.entries(audit_file) if audit_file else []
    pid = found.postmaster.pid if found.postmaster and found.role == "standby" else None
    return Candidate(
        instance=found,
        end=_end(found) if found.content == "instance" else None,
        stream=(
            read_stream(data_directory, pid, found.settings) if by_disk else see_answer(host, data_directory, pid, found.settings, quiet_s)
        ),
        record=record.read_record(record_file)[0] if record_file else None,
        begun=record.last(audit, record.BEGUN),
        activated=record.last(audit, record.ACTIVATED),
        placing=salvage.was_placing(data_directory),
    )


def _end(found: Instance) -> wal.End | None:
    """Where its WAL ends; of one that is stopped, as far as recovery will come."""
    return wal.end_of_wal(found.data_directory) if found.postmaster else survey.survey(found.data_directory, found.control).end


def expected_loss(found: Candidate, wanted: Wanted, now: float) -> loss.Loss:
    """What is lost if this instance becomes primary; of one that is, what was said when that was begun."""
    said = loss.parse((found.begun or {}).get("loss")) if found.instance.role == "primary" else None
    if said is not None:
        return said
    salvaged = Lsn.parse(wanted.salvage["end"]) if wanted.salvage else None
    control = found.instance.control
    system = control.system_identifier if control else None
    quiet = wanted.verdict.get("quiet_s")
    heard = None if quiet is None else now - quiet
    return loss.judge(wanted.exact, found.end.position if found.end else None, salvaged, found.record, system, found.stream, now, heard)


def needs_salvage(found: Candidate, wanted: Wanted) -> bool:
    """Whether WAL is brought that the instance does not have."""
    return wanted.salvage is not None and (found.end is None or found.end.position < Lsn.parse(wanted.salvage["end"]))


def refusal(found: Candidate, wanted: Wanted, expected: loss.Loss) -> str | None:
    """Why a standby cannot be activated; None when it can."""
    standby, verdict = found.instance, wanted.verdict
    where = standby.data_directory
    if standby.content != "instance":
        return f"{where} holds no instance ({standby.content}): set data_directory to the standby's"
    if standby.role != "standby" or standby.control is None:
        return f"the instance in {where} is no standby whose control file can be read: correct data_directory"
    if not verdict.get("allowed"):
        return f"the pair is {verdict.get('state')}, and activation is not allowed: {verdict.get('reason') or 'no reason was given'}"
    if standby.fenced:
        return f"the instance in {where} is fenced ({standby.fenced}): it was the primary once, and is not to become it again as it is"
    running = standby.postmaster
    if running is not None and running.frozen:
        return f"the standby in {where} is frozen, one of its processes is stopped by a signal (postmaster {running.pid}): let it go on"
    if running is not None and standby.control.state not in ("in archive recovery", "shut down in recovery"):
        return f"the standby in {where} is {standby.control.state}, not in recovery: see its log, {instance.recent_errors(where)}"
    startable = wanted.both_down and verdict.get("state") == BOTH_DOWN
    if running is None and not (startable or found.placing or needs_salvage(found, wanted)):
        return (
            f"the standby in {where} is stopped: start it, or set activate_standby_both_down if the primary is down too and shall not be "
            "started instead"
        )
    if expected.known != loss.NONE and not wanted.accept_loss:
        accept = "Set activate_standby_accept_loss to accept it for this run"
        return f"{_words(expected)} would be lost: {expected.why}. {accept}; {loss.MEANING}"
    return None


def _words(expected: loss.Loss) -> str:
    if expected.known != loss.BYTES:
        return f"an unknown amount, at least {expected.at_least} bytes of WAL," if expected.at_least else "an unknown amount"
    commits = "an unknown number of" if expected.commits is None else f"at most {expected.commits}"
    return f"{expected.bytes} bytes of WAL with {commits} commits"


def plan(found: Candidate, wanted: Wanted, expected: loss.Loss) -> list[Step]:
    """The steps after which the instance is primary, and was seen to be.

    :raises CoordinatorError: it must not become primary; nothing was touched.
    """
    if found.instance.content == "instance" and found.instance.role == "primary":
        return _finish(found)
    why = refusal(found, wanted, expected)
    if why is not None:
        raise CoordinatorError(why, loss=dataclasses.asdict(expected))
    steps = [Step("note_begin")]
    running = found.instance.postmaster is not None
    if needs_salvage(found, wanted) and wanted.salvage is not None:
        end = str(wanted.salvage["end"])
        stop = [Step("stop")] if running else []
        steps += [*stop, Step("place_wal", {"archive": wanted.salvage["archive"]}), Step("start"), Step("wait_replayed", {"end": end})]
    elif not running:
        steps.append(Step("start"))
    return [*steps, Step("promote"), *_SETTLING]


#: what follows a promotion
_SETTLING = tuple(
    Step(name) for name in ("wait_dispatch", "checkpoint", "check_catalog", "check_segments", "make_slot", "clean_up", "note_end")
)


def _finish(found: Candidate) -> list[Step]:
    """The steps that an activation lacks which was cut off after the promotion.

    :raises CoordinatorError: the instance does not run.
    """
    done = found.activated is not None and found.activated.get("timeline") == found.timeline
    if found.timeline <= 1 or done:
        return []
    if found.instance.postmaster is None:
        raise CoordinatorError(f"the instance in {found.instance.data_directory} is primary already, and stopped: start it")
    control = found.instance.control
    written = control is not None and control.timeline >= found.timeline
    return [step for step in _SETTLING if not (written and step.name == "checkpoint")]


def is_promoted(data_directory: str) -> bool:
    """Whether a data directory is a primary's, or will be as soon as its instance comes to it."""
    return not os.path.exists(os.path.join(data_directory, "standby.signal"))


class Activation:
    """The steps, carried out.

    :param host: this host.
    :param data_directory: of the instance.
    :param port: of the instance.
    :param timeout: seconds for each thing that is waited for.
    """

    def __init__(self, host: Host, data_directory: str, port: int, timeout: float) -> None:
        self._host = host
        self._directory = data_directory
        self._port = port
        self._timeout = timeout

    def _instance(self) -> Instance:
        """The instance as its ``postmaster.pid`` has it, without looking at its processes."""
        file = read_postmaster_file(self._directory)
        running = Postmaster(file.pid, file.port, file.socket_directory, file.status, False, None, None) if file else None
        return Instance(self._directory, "instance", role="primary", port=self._port, postmaster=running)

    def _refusal(self) -> str:
        """What the instance says to a connection; empty when it lets it in."""
        try:
            with connection.connect_primary(self._instance(), 1.0, dispatch=True):
                return ""
        except CoordinatorError as error:
            return error.message

    def stop(self) -> None:
        """Stop the standby."""
        instance.stop(self._host, self._directory)

    def start(self) -> None:
        """Start the standby; it ends when it is in recovery."""
        instance.start(self._host, self._directory, self._port)

    def wait_replayed(self, end: str) -> None:
        """Wait until everything up to a position is replayed.

        :raises CoordinatorError: it is not within the time.
        """
        heard: list[str] = []

        def reached() -> bool:
            heard[:] = [self._refusal()]
            position = connection.last_replayed(heard[0])
            return position is not None and Lsn.parse(position) >= Lsn.parse(end)

        if not wait_until(reached, self._timeout, _PAUSE):
            raise CoordinatorError(
                f"the salvaged WAL is in its place, but the standby did not replay it up to {end} within {self._timeout:g} s. It says: "
                f"{heard[0]}; {instance.recent_errors(self._directory)}"
            )

    def promote(self) -> dict[str, t.Any]:
        """Promote the standby; ends when it has left recovery.

        Where its walreceiver has ended a moment before, recovery notices the promotion, and then sleeps for what is left of
        ``wal_retrieve_retry_interval``, 5 s by default (``WaitForWALToBecomeAvailable`` in xlog.c): a reload wakes it. One that hangs all
        the same, as with a walreceiver inside a look-up of a name, or with an archive that does not answer, is started anew with nothing to
        follow nor to restore from, and promoted then. Neither can be changed while it runs; its files keep both for later.

        :raises CoordinatorError: it did not leave recovery within the time.
        """
        deadline = time.monotonic() + self._timeout
        self._request_promotion()
        if self._leaves_recovery(deadline, _STALL):
            return {"restarted": False}
        self._stop_hanging()
        instance.start(self._host, self._directory, self._port, dict.fromkeys(_SOURCES, ""))
        self._request_promotion()
        if not self._leaves_recovery(deadline, self._timeout):
            raise CoordinatorError(
                f"the standby in {self._directory} was told to become primary and did not leave recovery within {self._timeout:g} s: "
                f"{instance.recent_errors(self._directory) or self._refusal()}; it may still do so"
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
                progress = (connection.last_replayed(self._refusal()), noticed)
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
        """Write checkpoints until the control file has the new timeline, which the old primary's utilities look at.

        :raises CoordinatorError: it has it not within the time.
        """
        deadline = time.monotonic() + self._timeout
        why = ""
        while True:
            try:
                with self._utility() as open_connection:
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
                    "Until then gpstart on the old primary's host may start a second primary"
                )
            time.sleep(_PAUSE)

    def _utility(self) -> t.ContextManager[connection.Connection]:
        return connection.connect_primary(self._instance(), self._timeout)

    def check_catalog(self, dbid: int | None) -> dict[str, t.Any]:
        """See that the catalog names this instance as primary and no other coordinator; returns its positions.

        :raises CoordinatorError: it does not.
        """
        with self._utility() as open_connection:
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
            with self._utility() as open_connection:
                forget_upstream(open_connection, names)
        salvage.clean(self._directory)

    def make_slot(self, name: str, limit: int | None) -> None:
        """Make the slot of the next standby, which keeps WAL from now on, and set how much it may hold back."""
        with self._utility() as open_connection:
            if limit is not None and retention.read_limit(open_connection) not in (None, limit):
                retention.write_limit(open_connection, limit)
            if not any(slot.name == name for slot in slots(open_connection)):
                create_slot(open_connection, name)


def switch_position(data_directory: str, timeline: int) -> str | None:
    """Where a timeline began, by its history file; None for the first."""
    ancestors = read_history(wal.wal_directory(data_directory), timeline).ancestors
    return str(ancestors[-1][1]) if ancestors else None
