# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""A primary that is to be left by its clients: what is seen of it, and the steps that drain it, shut it down or bring it back."""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Step
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.processes import Process
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import access, connection, instance, wal
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import Instance
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.replication import OtherSender, other_senders
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import start_block

#: name of the block in the access file that refuses new sessions
BLOCK = f"{access.BLOCK} drain"

#: sessions of hosts, whoever they are; ``all`` is no replication
REFUSAL = ({"database": "all", "addresses": ["all"], "method": "reject"},)

#: what remains of the sessions after a drain: they are ended by the stop, or nothing is done
TERMINATE, REFUSE = "terminate", "refuse"


#: how often, and in which distance, a process is looked at that waits for the kernel: one that only reads or writes is soon seen otherwise
_LOOKS, _PAUSE = 5, 0.1


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
    :param drain_then: :data:`TERMINATE` or :data:`REFUSE`.
    :param terminate_walsenders: whether walsenders of others are terminated before the stop.
    """

    transaction_seconds: float
    accept_transactions: bool
    drain_seconds: float
    drain_then: str
    terminate_walsenders: bool = False


def observe(host: Host, data_directory: str, ask: bool = False) -> Leaver:
    """Observe the primary.

    :param ask: whether its clients are looked at.
    :raises CoordinatorError: it cannot be read by this user, or does not answer.
    """
    found = instance.read_instance(host, data_directory)
    if found.directory_state != "instance":
        raise CoordinatorError(f"{data_directory} holds no instance ({found.directory_state}): set data_directory to the primary's")
    running = bool(start_block.left(data_directory))
    asked: tuple[Transaction, ...] = ()
    senders: tuple[OtherSender, ...] = ()
    stuck: tuple[Process, ...] = ()
    if ask and found.role == "primary" and found.postmaster is not None:
        stuck = tuple(stuck_of(lambda: start_block.left(data_directory)))
        if not any(process.pid == found.postmaster.pid for process in stuck):
            with connection.connect_primary(found, 10.0) as open_connection:
                asked = tuple(client_transactions(open_connection))
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


#: sessions of clients; ours are none, such as that of a drill, which comes back whenever it is ended
CLIENTS = f"FROM pg_stat_activity WHERE backend_type = 'client backend' AND application_name <> '{connection.SESSION_NAME}'"


def client_transactions(open_connection: connection.Connection) -> list[Transaction]:
    rows = open_connection.query(
        "SELECT pid, coalesce(usename::text, '') AS user, extract(epoch FROM clock_timestamp() - xact_start)::float8 AS seconds "
        f"{CLIENTS} AND xact_start IS NOT NULL ORDER BY xact_start"
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


def _refuse_hindrances(found: Leaver, terminate_walsenders: bool) -> None:
    """Refuse what the shutdown could wait for, and no primary would serve meanwhile.

    :raises CoordinatorError: there is something of that kind.
    """
    where = found.instance.data_directory
    if found.stuck:
        raise CoordinatorError(
            f"the shutdown of the primary in {where} would wait for {named(found.stuck)}: resume it (kill -CONT), or see what it waits for"
        )
    if found.senders and not terminate_walsenders:
        listed = "; ".join(map(str, found.senders))
        raise CoordinatorError(
            f"the primary in {where} sends WAL to others than its standby, and its shutdown waits until they have all of it: {listed}. "
            "Stop their programs first, or set switchover_terminate_walsenders=true, and they are terminated right before the shutdown",
            walsenders=[dataclasses.asdict(sender) for sender in found.senders],
        )


def _require_primary(found: Leaver) -> None:
    where = found.instance.data_directory
    if found.instance.role != "primary":
        raise CoordinatorError(f"the instance in {where} is a standby: run this on the primary's host")


def _rules(found: Leaver, refuse: bool) -> list[Step]:
    return access.plan({found.instance.data_directory: found.access_file}, {BLOCK: REFUSAL if refuse else ()})


def plan_preparation(found: Leaver, desired: Patience) -> list[Step]:
    """The steps after which the primary can be stopped quickly, and its clients were treated as the options say.

    :raises CoordinatorError: it does not serve, has transactions that run for too long, or something that its shutdown could wait for;
        nothing was touched.
    """
    _require_primary(found)
    where = found.instance.data_directory
    if found.instance.postmaster is None or found.stopping:
        raise CoordinatorError(f"the primary in {where} does not run: start it, or activate its standby")
    _refuse_hindrances(found, desired.terminate_walsenders)
    drains = desired.drain_seconds > 0
    long = [transaction for transaction in found.transactions if transaction.seconds > desired.transaction_seconds]
    if long and not desired.accept_transactions and not drains:
        listed = "; ".join(map(str, long[:5])) + (f" and {len(long) - 5} more" if len(long) > 5 else "")
        raise CoordinatorError(
            f"transactions run for more than {desired.transaction_seconds:g} s, and would be lost: {listed}. Wait for their end, give them "
            "time by switchover_drain_seconds, or set switchover_accept_transactions=true",
            transactions=[dataclasses.asdict(transaction) for transaction in long],
        )
    waiting = [Step("wait_for_clients", {"seconds": desired.drain_seconds, "then": desired.drain_then})] if drains else []
    return [*_rules(found, drains), *waiting, Step("checkpoint")]


def plan_stop(found: Leaver, include: str, token: str | None, terminate_walsenders: bool = False) -> list[Step]:
    """The steps after which the primary is shut down, and stays so.

    :param include: names the start block.
    :param token: what its standby was armed with; None: it is stopped already.
    :param terminate_walsenders: whether walsenders of others are terminated before.
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
        _refuse_hindrances(found, terminate_walsenders)
    terminating = [Step("terminate_walsenders")] if found.running and found.senders else []
    lasting = [Step("block_start", {"include": include})] if found.instance.start_block != include else []
    stopping = [Step("announce", {"token": token}), Step("stop")] if found.running else []
    return [*terminating, *lasting, *stopping, *_rules(found, False)]


def plan_return(found: Leaver) -> list[Step]:
    """The steps after which the primary serves as if nothing had been begun; none on one that has become a standby."""
    if found.instance.role != "primary":
        return []
    halted = [Step("stop_at_once")] if found.stopping else []
    lifting = [Step("lift_start_block")] if found.instance.start_block else []
    starting = [Step("start"), Step("wait_serving")] if found.stopping or not found.running else []
    return [*halted, *lifting, *_rules(found, False), *starting]
