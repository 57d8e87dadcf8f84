# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""A primary that is to be left by its clients: drained, shut down so that its standby can prove it, and brought back where that fails."""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Step
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.processes import Process
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import access, connection, instance, wal
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.control_data import read_control
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import Instance, wait_until
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.replication import (
    OtherSender,
    end_backend,
    other_senders,
    walsender,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import gap, start_block
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.activation import Activation

#: name of the block in the access file that refuses new sessions
BLOCK = f"{access.BLOCK} drain"

#: sessions of hosts, whoever they are; ``all`` is no replication
REFUSAL = ({"database": "all", "addresses": ["all"], "method": "reject"},)

#: what remains of the sessions after a drain: they are ended by the stop, or nothing is done
END, REFUSE = "end", "refuse"

#: seconds that an instance which hangs while it stops has to end at once
_END_LIMIT = 1.0

#: how often, and in which distance, a process is looked at that waits for the kernel: one that only reads or writes is soon seen otherwise
_LOOKS, _PAUSE = 5, 0.1

#: how many checkpoints are written at most, so that the last one is short
_CHECKPOINTS = 4

#: seconds that the walsenders of others have to end
_SENDERS_LIMIT = 3.0


@dataclasses.dataclass(frozen=True)
class Transaction:
    """A transaction of a client.

    :param pid: of its backend.
    :param user: its role.
    :param seconds: since when it runs.
    """

    pid: int
    user: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.user}, process {self.pid}, since {self.seconds:.0f} s"


@dataclasses.dataclass(frozen=True)
class Leaver:
    """A primary that is to be stopped, or was.

    :param instance: the instance.
    :param running: whether processes of it are left, be it with a postmaster or without.
    :param access_file: text of its access file.
    :param transactions: those of clients that run, the oldest first; of a primary that is asked.
    :param senders: the walsenders that serve something else than its standby; likewise.
    :param stuck: its processes that would not end when they are told to; likewise.
    :param end: where its WAL ends; of a stopped one.
    """

    instance: Instance
    running: bool
    access_file: str
    transactions: tuple[Transaction, ...] = ()
    senders: tuple[OtherSender, ...] = ()
    stuck: tuple[Process, ...] = ()
    end: wal.End | None = None

    @property
    def drained(self) -> bool:
        """Whether it refuses new sessions."""
        return access.first_block(self.access_file, BLOCK) is not None

    @property
    def stopping(self) -> bool:
        """Whether it was told to stop, and has not done so."""
        return self.running and (self.instance.postmaster is None or self.instance.postmaster.status == "stopping")


@dataclasses.dataclass(frozen=True)
class Patience:
    """How clients are treated.

    :param transaction_seconds: a transaction that runs for longer is a reason not to begin.
    :param accept_transactions: unless that is accepted.
    :param drain_seconds: how long clients have to end, while new ones are refused; 0 for no drain.
    :param drain_then: :data:`END` or :data:`REFUSE`.
    :param end_walsenders: whether walsenders of others are ended before the stop.
    """

    transaction_seconds: float
    accept_transactions: bool
    drain_seconds: float
    drain_then: str
    end_walsenders: bool = False


def observe(host: Host, data_directory: str, ask: bool = False) -> Leaver:
    """Observe the primary.

    :param ask: whether its clients are looked at.
    :raises CoordinatorError: it cannot be read by this user, or does not answer.
    """
    found = instance.read_instance(host, data_directory)
    if found.content != "instance":
        raise CoordinatorError(f"{data_directory} holds no instance ({found.content}): set data_directory to the primary's")
    running = bool(start_block.left(data_directory))
    asked: tuple[Transaction, ...] = ()
    senders: tuple[OtherSender, ...] = ()
    stuck: tuple[Process, ...] = ()
    if ask and found.role == "primary" and found.postmaster is not None:
        stuck = tuple(stuck_of(lambda: start_block.left(data_directory)))
        if not any(process.pid == found.postmaster.pid for process in stuck):
            with connection.connect_primary(found, 10.0) as open_connection:
                asked = tuple(_transactions(open_connection))
                senders = tuple(other_senders(open_connection))
    return Leaver(
        instance=found,
        running=running,
        access_file=access.read_files([data_directory])[data_directory],
        transactions=asked,
        senders=senders,
        stuck=stuck,
        end=None if running else wal.end_of_wal(data_directory),
    )


_CLIENTS = "FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"


def _transactions(open_connection: connection.Connection) -> list[Transaction]:
    rows = open_connection.query(
        "SELECT pid, coalesce(usename::text, '') AS user, extract(epoch FROM clock_timestamp() - xact_start)::float8 AS seconds "
        f"{_CLIENTS} AND xact_start IS NOT NULL ORDER BY xact_start"
    )
    return [Transaction(**row) for row in rows]


def stuck_of(look: t.Callable[[], t.Iterable[Process]]) -> list[Process]:
    """The processes that follow no order: stopped by a signal, or waiting for the kernel each time that they are looked at."""
    found = [process for process in look() if process.state in "TtD"]
    for _look in range(_LOOKS):
        if not any(process.state == "D" for process in found):
            break
        time.sleep(_PAUSE)
        states = {process.pid: process.state for process in look()}
        found = [process for process in found if states.get(process.pid, "") in tuple("TtD")]
    return found


def named(found: t.Iterable[Process]) -> str:
    """Processes for people."""
    states = {"T": "stopped by a signal", "t": "stopped by a debugger", "D": "waiting for the kernel, perhaps a disk"}
    titles = [(process, " ".join(process.command)) for process in found]
    return "; ".join(
        f"process {process.pid} ({title[:80]})" + (f", {states[process.state]}" if process.state in states else "")
        for process, title in titles
    )


def _refuse_hindrances(found: Leaver, end_walsenders: bool) -> None:
    """Refuse what the shutdown could wait for, and no primary would serve meanwhile.

    :raises CoordinatorError: there is something of that kind.
    """
    where = found.instance.data_directory
    if found.stuck:
        raise CoordinatorError(
            f"the shutdown of the primary in {where} would wait for {named(found.stuck)}: let it go on (kill -CONT), or see what it "
            "waits for"
        )
    if found.senders and not end_walsenders:
        listed = "; ".join(map(str, found.senders))
        raise CoordinatorError(
            f"the primary in {where} sends WAL to others than its standby, and its shutdown waits until they have all of it: {listed}. "
            "Stop their programs first, or set switchover_end_walsenders=true, and they are ended right before the shutdown",
            walsenders=[dataclasses.asdict(sender) for sender in found.senders],
        )


def _require_primary(found: Leaver) -> None:
    where = found.instance.data_directory
    if found.instance.role != "primary":
        raise CoordinatorError(f"the instance in {where} is a standby: run this on the primary's host")


def _rules(found: Leaver, refuse: bool) -> list[Step]:
    return access.plan({found.instance.data_directory: found.access_file}, {BLOCK: REFUSAL if refuse else ()})


def plan_preparation(found: Leaver, wanted: Patience) -> list[Step]:
    """The steps after which the primary can be stopped quickly, and its clients were treated as wished.

    :raises CoordinatorError: it does not serve, has transactions that run for too long, or something that its shutdown could wait for;
        nothing was touched.
    """
    _require_primary(found)
    where = found.instance.data_directory
    if found.instance.postmaster is None or found.stopping:
        raise CoordinatorError(f"the primary in {where} does not run: start it, or activate its standby")
    _refuse_hindrances(found, wanted.end_walsenders)
    drains = wanted.drain_seconds > 0
    long = [transaction for transaction in found.transactions if transaction.seconds > wanted.transaction_seconds]
    if long and not wanted.accept_transactions and not drains:
        listed = "; ".join(map(str, long[:5])) + (f" and {len(long) - 5} more" if len(long) > 5 else "")
        raise CoordinatorError(
            f"transactions run for more than {wanted.transaction_seconds:g} s, and would be lost: {listed}. Wait for their end, give them "
            "time by switchover_drain_seconds, or set switchover_accept_transactions=true",
            transactions=[dataclasses.asdict(transaction) for transaction in long],
        )
    waiting = [Step("wait_for_clients", {"seconds": wanted.drain_seconds, "then": wanted.drain_then})] if drains else []
    return [*_rules(found, drains), *waiting, Step("checkpoint")]


def plan_stop(found: Leaver, include: str, token: str | None, end_walsenders: bool = False) -> list[Step]:
    """The steps after which the primary is shut down, and stays so.

    :param include: names the fence.
    :param token: what its standby was armed with; None: it is stopped already.
    :param end_walsenders: whether walsenders of others are ended before.
    :raises CoordinatorError: it is not to be stopped by this, or went down otherwise.
    """
    _require_primary(found)
    where, control = found.instance.data_directory, found.instance.control
    if not found.running and (control is None or control.state != "shut down"):
        state = control.state if control else "without a control file that can be read"
        raise CoordinatorError(f"the instance in {where} was not shut down, it is {state}: start it, or activate its standby")
    if found.running and not token:
        raise CoordinatorError(f"the primary in {where} runs, and its standby is not armed: arm that first")
    if found.running:
        _refuse_hindrances(found, end_walsenders)
    ending = [Step("end_walsenders")] if found.running and found.senders else []
    lasting = [Step("fence", {"include": include})] if found.instance.fenced != include else []
    stopping = [Step("announce", {"token": token}), Step("stop")] if found.running else []
    return [*ending, *lasting, *stopping, *_rules(found, False)]


def plan_return(found: Leaver) -> list[Step]:
    """The steps after which the primary serves as if nothing had been begun; none on one that has become a standby."""
    if found.instance.role != "primary":
        return []
    halted = [Step("stop_at_once")] if found.stopping else []
    lifting = [Step("lift_fence")] if found.instance.fenced else []
    starting = [Step("start"), Step("wait_serving")] if found.stopping or not found.running else []
    return [*halted, *lifting, *_rules(found, False), *starting]


class Leave:
    """The steps, carried out.

    :param host: this host.
    :param found: the primary, as it was observed.
    :param timeout: seconds for each thing that is waited for while the primary serves.
    :param max_gap: seconds that it may take until somebody serves again, from the announcement on.
    """

    def __init__(self, host: Host, found: Leaver, timeout: float, max_gap: float) -> None:
        self._host = host
        self._instance = found.instance
        self._directory = found.instance.data_directory
        self._timeout = timeout
        self._max_gap = max_gap
        self._stop_until = 0.0
        self._walsender = 0

    def _connect(self, seconds: float | None = None) -> t.ContextManager[connection.Connection]:
        return connection.connect_primary(self._instance, seconds or self._timeout)

    def wait_for_clients(self, seconds: float, then: str) -> dict[str, t.Any]:
        """End sessions between their transactions, and wait for the others.

        :returns: how many are left.
        :raises CoordinatorError: some are, and that is not wished.
        """
        deadline = time.monotonic() + seconds
        with self._connect(seconds + self._timeout) as open_connection:
            while True:
                open_connection.query(f"SELECT pg_terminate_backend(pid) {_CLIENTS} AND state = 'idle'")
                left = int(str(open_connection.value(f"SELECT count(*) {_CLIENTS}")))
                if not left or time.monotonic() >= deadline:
                    break
                time.sleep(0.1)
            running = _transactions(open_connection)
        if left and then == REFUSE:
            listed = "; ".join(map(str, running[:5])) or "sessions without a transaction"
            raise CoordinatorError(
                f"{left} sessions did not end within {seconds:g} s: {listed}. Give more switchover_drain_seconds, end them, or set "
                "switchover_drain_then=end"
            )
        return {"sessions_left": left}

    def checkpoint(self) -> None:
        """Write checkpoints until one is short, for the one of the shutdown then is, too.

        :raises CoordinatorError: each has more to write than can be written in time.
        """
        limit = self._max_gap * gap.CHECKPOINT
        with self._connect() as open_connection:
            for _number in range(_CHECKPOINTS):
                began = time.monotonic()
                open_connection.query("CHECKPOINT", timeout=self._timeout)
                taken = time.monotonic() - began
                if taken <= limit:
                    return
        raise CoordinatorError(
            f"of {_CHECKPOINTS} checkpoints one after the other the last one took {taken:.1f} s: that of the shutdown would take as long, "
            f"more than the {limit:g} s that switchover_max_gap ({self._max_gap:g} s) leaves for it. Wait until less is written, or allow "
            "more"
        )

    def end_walsenders(self) -> None:
        """End what serves something else than the standby.

        :raises CoordinatorError: something of it does not end.
        """
        with self._connect() as open_connection:

            def ended() -> bool:
                left = other_senders(open_connection)
                for sender in left:
                    open_connection.query("SELECT pg_terminate_backend(%s)", sender.pid)
                return not left

            if not wait_until(ended, _SENDERS_LIMIT, 0.05):
                listed = "; ".join(map(str, other_senders(open_connection)))
                raise CoordinatorError(f"the primary was to end what it sends WAL to beside its standby, and it does not end: {listed}")

    def fence(self, include: str) -> None:
        """Keep the instance from being started again; one that runs goes on."""
        start_block.write(self._host, self._directory, include)

    def lift_fence(self) -> None:
        """Let it be started again."""
        start_block.write(self._host, self._directory, None)

    def announce(self, token: str) -> None:
        """Write into the WAL that the shutdown follows, and see that the standby has that. From here on the time is short.

        :raises CoordinatorError: it has not within the time, or commits do not wait for it.
        """
        limit = self._max_gap * gap.STOP
        self._stop_until = time.monotonic() + limit
        with self._connect(limit) as open_connection:
            sender = walsender(open_connection)
            if sender is None or not sender.in_sync:
                raise CoordinatorError("the standby does not stream in sync any more: run status, and this again when the pair is mirrored")
            self._walsender = sender.pid
            pid = open_connection.backend_pid
            lsn = Lsn.parse("0/0")

            def received() -> bool:
                sender = walsender(open_connection)
                return bool(sender and sender.in_sync and sender.flush_lsn and Lsn.parse(sender.flush_lsn) >= lsn)

            try:
                open_connection.query("SELECT pg_logical_emit_message(true, 'warehousepg.coordinator', %s)", token)
                lsn = Lsn.parse(str(open_connection.value("SELECT pg_current_wal_flush_lsn()")))
                # the acknowledgement alone proves nothing: the end of any walsender lets commits go on
                seen = wait_until(received, self._stop_until - time.monotonic(), 0.01)
            except connection.NoAnswer as error:
                end_backend(self._connect, pid)
                raise CoordinatorError(f"the standby did not acknowledge a write within {limit:g} s: run status") from error
            if not seen:
                raise CoordinatorError(f"the standby did not receive what was written within {limit:g} s: run status")

    def stop(self) -> dict[str, t.Any]:
        """Shut it down; sessions are ended, and the standby gets the rest of the WAL.

        Once the checkpoint of the shutdown is written and the standby has what there is, nothing else is waited for. A shutdown that hangs
        before that cannot be called off: its processes are ended, and it is started again here, without waiting for a controller.

        :returns: what was ended because it would not end.
        :raises CoordinatorError: it hung; ``serves`` in the data tells whether it serves again.
        """
        self._host.run("pg_ctl", "-D", self._directory, "-W", "-m", "fast", "stop")
        patient = time.monotonic() + _END_LIMIT

        def ended() -> bool:
            found = start_block.left(self._directory)
            if not found or time.monotonic() < patient:
                return not found
            return self._is_shut_down() and all(process.pid != self._walsender for process in found)

        wait_until(ended, self._stop_until - time.monotonic())
        found = start_block.left(self._directory)
        if not found:
            return {}
        hung = named(stuck_of(lambda: found) or found[1:] or found)
        start_block.end(self._directory, _END_LIMIT)
        if self._is_shut_down():
            return {"ended": hung}
        why = (
            f"the shutdown of the primary in {self._directory} hung for the {self._max_gap * gap.STOP:g} s that switchover_max_gap "
            f"({self._max_gap:g} s) leaves for it, and was broken off. It waited for {hung}"
        )
        if not self._is_unproven():
            raise CoordinatorError(why, serves=False)
        try:
            self._serve_again()
        except CoordinatorError as error:
            raise CoordinatorError(f"{why}; and it could not be started again at once: {error.message}", serves=False) from error
        raise CoordinatorError(why, serves=True)

    def _is_unproven(self) -> bool:
        """Whether it is certain that the standby will not be promoted by what this primary wrote.

        None of its processes is left. What they sent was on this disk before, so the standby can have got no checkpoint of a shutdown by
        the connection of the announcement if there is none here; and what came by another one, such as the checkpoint at the end of the
        recovery that follows here, or may have, is no proof (:class:`handover.Watch`). Nothing else promotes it meanwhile: a run goes
        forward only where it saw this shutdown end.
        """
        end = wal.end_of_wal(self._directory)
        return end is not None and not end.shutdown

    def _serve_again(self) -> None:
        for step in plan_return(observe(self._host, self._directory)):
            self.actions[step.name](**step.arguments)

    def _is_shut_down(self) -> bool:
        """Whether the checkpoint of the shutdown is complete, after which nothing is written any more."""
        control = read_control(self._host, self._directory)
        return control.state == "shut down"

    def stop_at_once(self) -> None:
        """Stop what was told to stop and does not."""
        start_block.end(self._directory, _END_LIMIT)

    def start(self) -> None:
        """Start it."""
        instance.start(self._host, self._directory, t.cast(int, self._instance.port))

    def wait_serving(self) -> None:
        """Wait until it answers in dispatch mode."""
        Activation(self._host, self._directory, t.cast(int, self._instance.port), self._timeout).wait_dispatch()

    @property
    def actions(self) -> dict[str, t.Callable[..., t.Any]]:
        """The actions of all plans of a primary that is left."""
        own = (
            "end_walsenders",
            "wait_for_clients",
            "checkpoint",
            "fence",
            "lift_fence",
            "announce",
            "stop",
            "stop_at_once",
            "start",
            "wait_serving",
        )
        return {**access.actions(self._host), **{name: getattr(self, name) for name in own}}
