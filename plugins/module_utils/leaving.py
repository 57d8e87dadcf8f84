# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A primary that is to be left by its clients: drained, shut down so that its standby can prove it, and brought back where that fails."""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils import access, connection, fence, instance, wal
from ansible_collections.warehousepg.coordinator.plugins.module_utils.activation import Activation
from ansible_collections.warehousepg.coordinator.plugins.module_utils.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils.host import Host, processes
from ansible_collections.warehousepg.coordinator.plugins.module_utils.instance import Instance, wait_until
from ansible_collections.warehousepg.coordinator.plugins.module_utils.lsn import Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils.plan import Step
from ansible_collections.warehousepg.coordinator.plugins.module_utils.replication import walsender

#: name of the block in the access file that refuses new sessions
BLOCK = f"{access.BLOCK} drain"

#: sessions of hosts, whoever they are; ``all`` is no replication
REFUSAL = ({"database": "all", "user": "all", "addresses": ["all"], "method": "reject"},)

#: what remains of the sessions after a drain: they are ended by the stop, or nothing is done
END, REFUSE = "end", "refuse"

#: seconds that an instance which hangs while it stops has to obey
_STOP_LIMIT = 10.0


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
    :param end: where its WAL ends; of a stopped one.
    """

    instance: Instance
    running: bool
    access_file: str
    transactions: tuple[Transaction, ...] = ()
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
    """

    transaction_seconds: float
    accept_transactions: bool
    drain_seconds: float
    drain_then: str


def observe(host: Host, data_directory: str, ask: bool = False) -> Leaver:
    """Observe the primary.

    :param ask: whether its clients are looked at.
    :raises CoordinatorError: it cannot be read by this user, or does not answer.
    """
    found = instance.read_instance(host, data_directory)
    if found.content != "instance":
        raise CoordinatorError(f"{data_directory} holds no instance ({found.content}): set data_directory to the primary's")
    running = bool(fence.family(data_directory, processes()))
    asked: tuple[Transaction, ...] = ()
    if ask and found.role == "primary" and found.postmaster is not None:
        with connection.connect_primary(found, 10.0) as open_connection:
            asked = tuple(_transactions(open_connection))
    return Leaver(
        instance=found,
        running=running,
        access_file=access.read_files([data_directory])[data_directory],
        transactions=asked,
        end=None if running else wal.end_of_wal(data_directory),
    )


_CLIENTS = "FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"


def _transactions(open_connection: connection.Connection) -> list[Transaction]:
    rows = open_connection.query(
        "SELECT pid, coalesce(usename::text, '') AS user, extract(epoch FROM clock_timestamp() - xact_start)::float8 AS seconds "
        f"{_CLIENTS} AND xact_start IS NOT NULL ORDER BY xact_start"
    )
    return [Transaction(**row) for row in rows]


def _require_primary(found: Leaver) -> None:
    where = found.instance.data_directory
    if found.instance.role != "primary":
        raise CoordinatorError(f"the instance in {where} is a standby: run this on the primary's host")


def _rules(found: Leaver, refuse: bool) -> list[Step]:
    return access.plan({found.instance.data_directory: found.access_file}, {BLOCK: REFUSAL if refuse else ()})


def plan_preparation(found: Leaver, wanted: Patience) -> list[Step]:
    """The steps after which the primary can be stopped quickly, and its clients were treated as wished.

    :raises CoordinatorError: it does not serve, or has transactions that run for too long; nothing was touched.
    """
    _require_primary(found)
    where = found.instance.data_directory
    if found.instance.postmaster is None or found.stopping:
        raise CoordinatorError(f"the primary in {where} does not run: start it, or activate its standby")
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


def plan_stop(found: Leaver, include: str, token: str | None) -> list[Step]:
    """The steps after which the primary is shut down, and stays so.

    :param include: names the fence.
    :param token: what its standby was armed with; None: it is stopped already.
    :raises CoordinatorError: it is not to be stopped by this, or went down otherwise.
    """
    _require_primary(found)
    where, control = found.instance.data_directory, found.instance.control
    if not found.running and (control is None or control.state != "shut down"):
        state = control.state if control else "without a control file that can be read"
        raise CoordinatorError(f"the instance in {where} was not shut down, it is {state}: start it, or activate its standby")
    if found.running and not token:
        raise CoordinatorError(f"the primary in {where} runs, and its standby is not armed: arm that first")
    lasting = [Step("fence", {"include": include})] if found.instance.fenced != include else []
    stopping = [Step("announce", {"token": token}), Step("stop")] if found.running else []
    return [*lasting, *stopping, *_rules(found, False)]


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
    :param timeout: seconds for each thing that is waited for.
    """

    def __init__(self, host: Host, found: Leaver, timeout: float) -> None:
        self._host = host
        self._instance = found.instance
        self._directory = found.instance.data_directory
        self._timeout = timeout

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
        """Write a checkpoint, so that the one of the shutdown has little left to write."""
        with self._connect() as open_connection:
            open_connection.query("CHECKPOINT")

    def fence(self, include: str) -> None:
        """Keep the instance from being started again; one that runs goes on."""
        fence.write(self._host, self._directory, include)

    def lift_fence(self) -> None:
        """Let it be started again."""
        fence.write(self._host, self._directory, None)

    def announce(self, token: str) -> None:
        """Write into the WAL that the shutdown follows, and see that the standby has that.

        :raises CoordinatorError: it has not within the time, or commits do not wait for it.
        """
        with self._connect() as open_connection:
            sender = walsender(open_connection)
            if sender is None or not sender.in_sync:
                raise CoordinatorError("the standby does not stream in sync any more: run status, and this again when the pair is mirrored")
            pid = open_connection.backend_pid
            try:
                open_connection.query("SELECT pg_logical_emit_message(true, 'warehousepg.coordinator', %s)", token)
            except connection.NoAnswer as error:
                with self._connect() as other:
                    other.query("SELECT pg_terminate_backend(%s)", pid)
                raise CoordinatorError(f"the standby did not acknowledge a write within {self._timeout:g} s: run status") from error
            lsn = Lsn.parse(str(open_connection.value("SELECT pg_current_wal_flush_lsn()")))
            # the acknowledgement alone proves nothing: the end of any walsender lets commits go on

            def received() -> bool:
                sender = walsender(open_connection)
                return bool(sender and sender.in_sync and sender.flush_lsn and Lsn.parse(sender.flush_lsn) >= lsn)

            open_connection.allow(self._timeout)
            if not wait_until(received, self._timeout, 0.01):
                raise CoordinatorError(f"the standby did not receive what was written within {self._timeout:g} s: run status")

    def stop(self) -> None:
        """Shut it down; sessions are ended, and the standby gets the rest of the WAL."""
        self._host.run("pg_ctl", "-D", self._directory, "-t", str(max(1, int(self._timeout))), "-w", "-m", "fast", "stop")

    def stop_at_once(self) -> None:
        """Stop what was told to stop and does not."""
        fence.stop(self._directory, _STOP_LIMIT)

    def start(self) -> None:
        """Start it."""
        instance.start(self._host, self._directory, t.cast(int, self._instance.port))

    def wait_serving(self) -> None:
        """Wait until it answers in dispatch mode."""
        Activation(self._host, self._directory, t.cast(int, self._instance.port), self._timeout).wait_dispatch()

    @property
    def actions(self) -> dict[str, t.Callable[..., t.Any]]:
        """The actions of all plans of a primary that is left."""
        own = ("wait_for_clients", "checkpoint", "fence", "lift_fence", "announce", "stop", "stop_at_once", "start", "wait_serving")
        return {**access.actions(self._host), **{name: getattr(self, name) for name in own}}
