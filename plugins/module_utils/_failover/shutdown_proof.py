# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""The proof that a primary was shut down for the standby that has its WAL, which an armed process waits for.

The proof comes by the WAL: a text that was chosen for this arming, which the primary writes when it can no longer be started again,
and after it, as the last record of all, the checkpoint of a shutdown, both through one connection. Nothing can follow that one. A primary
that restarts itself after a crash writes such a checkpoint, too, when it has recovered (``CHECKPOINT_END_OF_RECOVERY`` in xlog.c); its
crash ended all connections before, for it waits until no walsender is left (``PM_WAIT_DEAD_END`` in postmaster.c). What comes while nobody
looks may have come by a connection that nobody saw: it proves nothing.
"""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.processes import processes, read_process
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import stream, wal
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.postmaster import read_postmaster_file

#: seconds between two looks at the WAL
_PAUSE = 0.01

#: seconds without a look at a walreceiver that lives in which another one may have come and gone: a crash, the recovery from it, a new
#: connection and the end of that take longer
_BLIND = 1.0


@dataclasses.dataclass(frozen=True)
class Arming:
    """What an armed standby waits for.

    :param token: text that the primary writes into its WAL before it is stopped.
    :param timeline: the timeline that it follows.
    :param start: end of its WAL when it was armed.
    :param expires: when it waits no longer, in seconds since the epoch.
    :param proof_seconds: how long after the announcement the proof is waited for.
    """

    token: str
    timeline: int
    start: str
    expires: float
    proof_seconds: float = 60.0


@dataclasses.dataclass(frozen=True)
class Proof:
    """That the primary was shut down, and that everything it wrote is here.

    :param position: the end of its WAL.
    :param announced: when its announcement was not here yet for the last time, by the monotonic clock.
    """

    position: Lsn
    announced: float


class Watch:
    """What was seen of the WAL so far.

    :param arming: what is waited for.
    :param now: seconds of the monotonic clock.
    :param receiver: the walreceiver that the WAL comes by.
    """

    def __init__(self, arming: Arming, now: float, receiver: int | None) -> None:
        self._token = arming.token.encode()
        self._timeline = arming.timeline
        self._position = Lsn.parse(arming.start)
        self._proof_seconds = arming.proof_seconds
        self._looked = self._alive = now
        self._receivers = set() if receiver is None else {receiver}
        self._announced: float | None = None
        #: whether what may come now is not the shutdown that was announced, or comes too late
        self.over = receiver is None

    def look(
        self,
        end: wal.End | None,
        now: float,
        receiver: int | None,
        then: float,
        holds: t.Callable[[wal.End, Lsn, bytes], bool] = wal.holds,
    ) -> Proof | None:
        """Look again; the proof, once it is there.

        :param end: where the WAL ends.
        :param now: seconds of the monotonic clock, before that was read.
        :param receiver: the walreceiver, after that was read; None without one.
        :param then: seconds of the monotonic clock, after that was seen.
        :param holds: as :func:`wal.holds`.
        """
        before, self._looked = self._looked, now
        arrives = self._announced is None and self._arrives(end, holds)
        if self._announced is None and not arrives and receiver is not None:
            self._receivers = {receiver}
        elif receiver is not None:
            self._receivers.add(receiver)  # it, or the one of the last look, brought the announcement
        if arrives:
            self._announced = before
        if receiver is not None:
            self._alive = now
        if self._announced is not None:
            unseen = receiver is None and then - self._alive > _BLIND
            self.over = self.over or unseen or len(self._receivers) != 1 or now - self._announced > self._proof_seconds
        if end is None or end.timeline != self._timeline or end.position < self._position:
            return None
        self._position = end.position
        return Proof(end.position, self._announced) if self._announced is not None and end.shutdown and not self.over else None

    def _arrives(self, end: wal.End | None, holds: t.Callable[[wal.End, Lsn, bytes], bool]) -> bool:
        """Whether the announcement is in what came since the last look."""
        if end is None or end.timeline != self._timeline or end.position <= self._position:
            return False
        return holds(end, self._position, self._token)


def wait_for_proof(data_directory: str, arming: Arming, armed: t.Callable[[], bool]) -> Proof | None:
    """The proof, as soon as it is there; None when the standby is not armed any more, or it took too long."""
    receiver = Receiver(data_directory)
    watch = Watch(arming, time.monotonic(), receiver.pid())
    while time.time() < arming.expires and not watch.over and armed():
        now = time.monotonic()
        end = wal.end_of_wal(data_directory)
        found = watch.look(end, now, receiver.pid(), time.monotonic())
        if found is not None:
            return found
        time.sleep(_PAUSE)
    return None


class Receiver:
    """The walreceiver of a standby; a new connection is a new process."""

    def __init__(self, data_directory: str) -> None:
        file = read_postmaster_file(data_directory)
        self._postmaster = file.pid if file else 0
        self._pid: int | None = None

    def pid(self) -> int | None:
        """Its process identifier now, None without one; all processes are looked through only where it is another one.

        When the primary ends its connection, another one begins at once and tries to connect: it counts when it brings WAL.
        """
        process = read_process(self._pid) if self._pid else None
        found = stream.walreceiver(self._postmaster, [process] if process else [])
        found = found or stream.walreceiver(self._postmaster, processes())
        if found is None or (self._pid is not None and found.pid != self._pid and not stream.has_written(found.pid)):
            return None
        self._pid = found.pid
        return self._pid
