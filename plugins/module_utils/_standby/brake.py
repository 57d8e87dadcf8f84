# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""The brake of a copy: small commits on the primary are timed while it is made, and where one takes too long, the copy pauses.

In each cycle it runs for a share of the time, which shrinks fast and grows slowly. Pauses are short: neither a walsender nor the kernel
takes it for dead.
"""

from __future__ import annotations

import contextlib
import threading
import time
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import work
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection import DATABASE, Refused, RemoteSession
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.replication import Upstream

#: seconds of a cycle
CYCLE = 1.0

#: the least share of it that the copy runs, so that it ends, and what the share grows by
LEAST, GROWTH = 0.05, 0.05

#: seconds between two commits, and between two attempts to connect
_PAUSE, _AGAIN = 0.05, 1.0

#: seconds that a commit has to end once it is canceled
_END = 5.0

#: makes no object; its commit is flushed, and waits for a standby that streams, as any other
_WRITE = "SELECT pg_logical_emit_message(true, 'warehousepg.coordinator', 'latency')"


def next_share(share: float, latencies: t.Iterable[float], ceiling: float) -> float:
    """The share of the next cycle that the copy runs.

    :param share: that of this one.
    :param latencies: of the commits in this one, in any unit.
    :param ceiling: what none of them is to exceed, in the same unit.
    """
    return max(share / 2, LEAST) if max(latencies, default=0.0) > ceiling else min(share + GROWTH, 1.0)


def _milliseconds_since(began: float) -> float:
    return 1000 * (time.monotonic() - began)


class Commits:
    """Small commits, one after the other, by a thread.

    :param connect: opens a session for them.
    :raises Refused: that is not possible.
    """

    def __init__(self, connect: t.Callable[[], RemoteSession]) -> None:
        self._connect = connect
        self._session: RemoteSession | None = connect()
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._took: list[float] = []
        self._began: float | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def latencies(self) -> tuple[list[float], float]:
        """The milliseconds of those that returned since this was asked last, and those that one is waited for by now."""
        with self._lock:
            took, self._took = self._took, []
            return took, 0.0 if self._began is None else _milliseconds_since(self._began)

    def end(self) -> None:
        """Make no more."""
        self._over.set()
        session, waits = self._session, self._began is not None
        if session is not None and waits:  # it would go on to wait on the primary, for a standby that is suspended for instance
            threading.Thread(target=session.cancel, daemon=True).start()
        self._thread.join(_END)

    def _run(self) -> None:
        try:
            while not self._over.is_set():
                began = time.monotonic()
                with self._lock:
                    self._began = began
                returned = self._commit()
                with self._lock:
                    self._began = None
                    self._took += [_milliseconds_since(began)] if returned else []
                self._over.wait(_PAUSE)
        finally:
            if self._session is not None:
                self._session.close()

    def _commit(self) -> bool:
        """Commit, over another connection where one is lost; False where that is given up."""
        while not self._over.is_set():
            try:
                self._session = self._session or self._connect()
                self._session.query(_WRITE)
                return True
            except Refused:
                if self._session is not None:
                    self._session.close()
                self._session = None
                self._over.wait(_AGAIN)
        return False


class Brake:
    """Slows the program down that the work waits for.

    :param ceiling: milliseconds that a commit may take.
    """

    def __init__(self, ceiling: int) -> None:
        self._ceiling = ceiling
        self._share = 1.0
        self._commits, self._above, self._all, self._highest = 0, 0, 0.0, 0.0
        self.paused = 0.0

    def told(self) -> dict[str, t.Any]:
        """What is returned of it."""
        return {
            "commits": self._commits,
            "above": self._above,
            "average_ms": round(self._all / self._commits, 3) if self._commits else None,
            "highest_ms": round(self._highest, 3),
            "paused": round(self.paused, 3),
        }

    def heed(self, latencies: t.Sequence[float], waiting: float = 0.0) -> float:
        """Take a cycle into account; returns the seconds that the copy pauses in the next one.

        :param latencies: milliseconds of the commits that returned.
        :param waiting: milliseconds that one is waited for.
        """
        self._commits += len(latencies)
        self._above += sum(latency > self._ceiling for latency in latencies)
        self._all += sum(latencies)
        self._highest = max([self._highest, waiting, *latencies])
        self._share = next_share(self._share, [*latencies, waiting], self._ceiling)
        return (1 - self._share) * CYCLE

    @contextlib.contextmanager
    def applied(self, commits: Commits) -> t.Iterator[None]:
        """While this lasts, it brakes."""
        over = threading.Event()
        thread = threading.Thread(target=self._run, args=(commits, over), daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            self.heed(*commits.latencies())
            commits.end()

    def _run(self, commits: Commits, over: threading.Event) -> None:
        pause = 0.0
        while not over.wait(CYCLE - pause):
            pause = self.heed(*commits.latencies())
            began = time.monotonic()
            if pause and work.pause(pause):
                self.paused += time.monotonic() - began


@contextlib.contextmanager
def braking(upstream: Upstream, ceiling: int | None) -> t.Iterator[Brake | None]:
    """While this lasts, the program that the work waits for is slowed down where commits on the primary take longer.

    :param ceiling: milliseconds that one may take; None: nothing is measured, and there is no brake.
    :raises CoordinatorError: commits cannot be measured; nothing was begun.
    """
    if ceiling is None:
        yield None
        return
    try:
        commits = Commits(lambda: RemoteSession(upstream.parameters()))
    except Refused as error:
        raise CoordinatorError(
            f"the latency of commits on {upstream.host} cannot be measured: {error.message}; let {upstream.user} connect to the database "
            f"{DATABASE} there from this host, or leave max_latency out"
        ) from error
    brake = Brake(ceiling)
    with brake.applied(commits):
        yield brake
