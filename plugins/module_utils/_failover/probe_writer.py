# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""A process that commits one probe write after the other through the coordinator of its host, whenever that is primary, and logs each.

It lives as long as its log has its name, holds the log meanwhile, and ends by itself after a time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import time
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import detached
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.border import Position, Positive, Seconds, digits
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Step
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import connection
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import Instance, wait_until
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.postmaster import Postmaster, read_postmaster_file
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.replication import APPLICATION_NAME
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.promotion import is_promoted

#: seconds that a write may take, after which its client gives up
_ANSWER = 30.0

#: seconds that a process which was told to end has for it
_END = 5.0

#: One round trip: who gets its rows knows that the transaction before is committed, and where the WAL was at most by then. A standby that
#: follows tells its own time with each answer.
_WRITE = """
    BEGIN; SELECT pg_logical_emit_message(true, 'warehousepg.coordinator', %s); COMMIT;
    SELECT pg_current_wal_insert_lsn()::text AS lsn, substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8) AS timeline,
           (SELECT max(extract(epoch FROM clock_timestamp() - reply_time))::float8 FROM pg_stat_replication
            WHERE application_name = %s AND state = 'streaming') AS age
"""


@dataclasses.dataclass(frozen=True)
class Write:
    """A write that was begun.

    :param began: when, by the clock of the host, in seconds since the epoch.
    :param acknowledged: when its commit was acknowledged; None: that was not heard of, and it may be committed or not.
    :param timeline: the timeline that it is on; None where it is not acknowledged.
    :param lsn: a position in the WAL that its commit does not lie behind; likewise.
    """

    began: Seconds
    acknowledged: Seconds | None = None
    timeline: Positive | None = None
    lsn: Position | None = None


@dataclasses.dataclass(frozen=True)
class Log:
    """What a writer logged.

    :param writes: in their order.
    :param ahead: seconds that the clock of this host is ahead of the standby's, at most; None where no standby answered.
    """

    writes: tuple[Write, ...] = ()
    ahead: float | None = None


@dataclasses.dataclass(frozen=True)
class Writer:
    """A writer, or what one left.

    :param running: whether it lives.
    :param left: whether its log is there.
    :param logout: why it would be ended with the session that starts it; empty where it would not.
    """

    running: bool
    left: bool
    logout: str = ""


def observe(file: str, logout: str = "") -> Writer:
    """Observe the writer that has a log."""
    return Writer(detached.is_held(file), os.path.exists(file), logout)


def plan_start(found: Writer) -> list[Step]:
    """The steps after which one writes; one that a run left is ended before.

    :raises CoordinatorError: it would not live long enough.
    """
    if found.logout:
        raise CoordinatorError(f"no process can go on writing by itself here: {found.logout}")
    return [*plan_stop(found), Step("start_writer")]


def plan_stop(found: Writer) -> list[Step]:
    """The steps after which none writes, and its log is gone."""
    return [Step("end_writer")] if found.running or found.left else []


def parse(text: str) -> Log:
    """Read a log; a last line that was cut off does not count."""
    writes, ahead = [], None
    for line in text.splitlines(keepends=True)[1:]:
        if line.endswith("\n"):
            *write, age = json.loads(line)
            writes.append(Write(*write))
            ahead = age if ahead is None else ahead if age is None else min(ahead, age)
    return Log(tuple(writes), None if ahead is None else round(ahead, 6))


class ProbeWriter:
    """The steps, carried out.

    :param data_directory: of the coordinator of this host.
    :param file: its log.
    :param interval: seconds from the beginning of a write to that of the next one.
    :param seconds: after which it ends.
    """

    def __init__(self, data_directory: str, file: str, interval: float, seconds: float) -> None:
        self._directory = data_directory
        self._file = file
        self._interval = interval
        self._until = time.monotonic() + seconds
        self._log = -1

    def start(self) -> None:
        """Start the process that writes; it ends when that has begun.

        :raises CoordinatorError: it ended at once.
        """
        os.makedirs(os.path.dirname(self._file), mode=0o700, exist_ok=True)
        detached.run(self._work)

    def _work(self, ready: t.Callable[[], None]) -> None:
        self._log = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        with detached.held(self._file):
            os.write(self._log, f"{os.getpid()}\n".encode())
            ready()
            while self._goes_on():
                with contextlib.suppress(CoordinatorError, OSError):
                    self._write()
                time.sleep(self._interval)  # no primary serves here now

    def _goes_on(self) -> bool:
        """Whether its time has not come, nor its log been removed."""
        return time.monotonic() < self._until and os.fstat(self._log).st_nlink > 0

    def _write(self) -> None:
        """Write through one connection until that ends.

        A standby is not asked: it would refuse, and log that it did.
        """
        file = read_postmaster_file(self._directory) if is_promoted(self._directory) else None
        if file is None:
            return
        running = Postmaster(file.pid, file.port, file.socket_directory, file.status, False, None, None)
        primary = Instance(self._directory, "instance", role="primary", port=file.port, postmaster=running)
        with connection.connect_primary(primary, _ANSWER, dispatch=True) as open_connection:
            number = 0
            while self._goes_on():
                number += 1
                began = time.time()
                try:
                    row = open_connection.query(_WRITE, f"probe write {number}", APPLICATION_NAME, timeout=_ANSWER)[0]
                except CoordinatorError:
                    self._tell(began, None, None, None, None)
                    raise
                self._tell(began, round(time.time(), 4), int(row["timeline"], 16), row["lsn"], row["age"])
                time.sleep(max(0.0, self._interval - (time.time() - began)))

    def _tell(self, began: float, *rest: t.Any) -> None:
        os.write(self._log, (json.dumps([round(began, 4), *rest]) + "\n").encode())

    def end(self) -> dict[str, t.Any]:
        """End the process, if it lives, and take its log away.

        :returns: what it logged.
        :raises CoordinatorError: it does not end.
        """
        with open(self._file, encoding="ascii") as file:
            pid = digits(file.readline().strip())
        for number in (signal.SIGTERM, signal.SIGKILL):
            if pid and detached.is_held(self._file):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
                wait_until(lambda: not detached.is_held(self._file), _END)
        if detached.is_held(self._file):
            raise CoordinatorError(f"the process {pid}, which writes for a drill and logs that in {self._file}, does not end: end it")
        with open(self._file, encoding="ascii") as file:
            found = parse(file.read())
        os.unlink(self._file)
        return dataclasses.asdict(found)
