# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""The shutdown of a primary that its standby can prove, carried out step by step, and the way back."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import access, connection, instance, wal
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.control_data import read_control
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import wait_until
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.replication import (
    end_backend,
    other_senders,
    walsender,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import gap, start_block
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.leaving import (
    CLIENTS,
    REFUSE,
    Leaver,
    client_transactions,
    named,
    observe,
    plan_return,
    stuck_of,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.promotion import Promotion

#: seconds that an instance which hangs while it stops has to end at once
_END_LIMIT = 1.0

#: how many checkpoints are written at most, so that the last one is short
_CHECKPOINTS = 4

#: seconds that the walsenders of others have to end
_SENDERS_LIMIT = 3.0


class Shutdown:
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
        :raises CoordinatorError: some are, and that is not desired.
        """
        deadline = time.monotonic() + seconds
        with self._connect(seconds + self._timeout) as open_connection:
            while True:
                open_connection.query(f"SELECT pg_terminate_backend(pid) {CLIENTS} AND state = 'idle'")
                left = int(str(open_connection.value(f"SELECT count(*) {CLIENTS}")))
                if not left or time.monotonic() >= deadline:
                    break
                time.sleep(0.1)
            running = client_transactions(open_connection)
        if left and then == REFUSE:
            listed = "; ".join(map(str, running[:5])) or "sessions without a transaction"
            raise CoordinatorError(
                f"{left} sessions did not end within {seconds:g} s: {listed}. Give more switchover_drain_seconds, end them, or set "
                "switchover_drain_then=terminate"
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

    def terminate_walsenders(self) -> None:
        """Terminate the walsenders that serve something else than the standby.

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

    def block_start(self, include: str) -> None:
        """Keep the instance from being started again; one that runs goes on."""
        start_block.write(self._host, self._directory, include)

    def lift_start_block(self) -> None:
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
        recovery that follows here, or may have, is no proof (:class:`shutdown_proof.Watch`). Nothing else promotes it meanwhile: a run goes
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
        Promotion(self._host, self._directory, t.cast(int, self._instance.port), self._timeout).wait_dispatch()

    @property
    def actions(self) -> dict[str, t.Callable[..., t.Any]]:
        """The actions of all plans of a primary that is left."""
        own = (
            "terminate_walsenders",
            "wait_for_clients",
            "checkpoint",
            "block_start",
            "lift_start_block",
            "announce",
            "stop",
            "stop_at_once",
            "start",
            "wait_serving",
        )
        return {**access.actions(self._host), **{name: getattr(self, name) for name in own}}
