# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""The long work that this process does: how far it has come, and whether it is to be given up."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import subprocess
import time
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.processes import descendants


@dataclasses.dataclass(frozen=True)
class Progress:
    """How far work has come.

    :param what: what is done, such as ``copying``.
    :param done: bytes of it that are done.
    :param total: bytes that it has in all; 0 where that is not known.
    :param paused: seconds that it was paused for the sake of others.
    """

    what: str
    done: int
    total: int
    paused: float = 0.0


class Cancelled(BaseException):
    """Work was given up. No :exc:`Exception`: nothing is tried in another way, but what was staged is removed.

    :param message: why, a sentence for the operator.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
        self.data: dict[str, t.Any] = {}


class _Work:
    """What is known of it."""

    def __init__(self) -> None:
        self.measure: t.Callable[[], Progress | None] | None = None
        self.why = ""
        self.program: subprocess.Popen[bytes] | None = None
        self.shut: t.Callable[[], None] | None = None
        self.resumes = 0.0


_work = _Work()


@contextlib.contextmanager
def measured(measure: t.Callable[[], Progress | None]) -> t.Iterator[None]:
    """While this lasts, a function tells how far the work has come; it is called by another thread."""
    former, _work.measure = _work.measure, measure
    try:
        yield
    finally:
        _work.measure = former


def takes_long() -> bool:
    """Whether something is measured."""
    return _work.measure is not None


def progress() -> Progress | None:
    """How far the work has come; None while nothing is measured, or it cannot be seen just now."""
    measure = _work.measure
    try:
        return measure() if measure else None
    except (OSError, ValueError):
        return None


def check() -> None:
    """A point where the work waits while it is paused, and can be given up.

    :raises Cancelled: it is to be.
    """
    while not _work.why and time.monotonic() < _work.resumes:
        time.sleep(0.02)
    if _work.why:
        raise Cancelled(_work.why)


def cancel(why: str) -> None:
    """Let the work be given up at the next such point; a program that it waits for and that can be ended is ended."""
    _work.why = _work.why or why
    pids = _running()
    for number in (signal.SIGTERM, signal.SIGCONT):  # one that is suspended would not end
        _signal(pids, number)
    if _work.shut is not None:
        _work.shut()


def _running() -> list[int]:
    """Processes of the program that the work waits for; none where it waits for none."""
    program = _work.program
    return [program.pid, *descendants(program.pid)] if program is not None and program.poll() is None else []


def _signal(pids: t.Iterable[int], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


#: suspends processes, and lets them go on after so many seconds
_SUSPEND = 'kill -STOP "$@"; sleep "$0"; kill -CONT "$@"'


def pause(seconds: float) -> bool:
    """Suspend what goes on, and let it go on after a time; False where there is nothing to be suspended.

    That is a program, which one process beside this one suspends and resumes, so that nothing stays suspended if this one is killed
    meanwhile; or reads from another host, which wait in :func:`check`.
    """
    pids = _running()
    if _work.why or not (pids or _work.shut):
        return False
    if not pids:
        _work.resumes = time.monotonic() + seconds
        time.sleep(seconds)
        return True
    try:
        subprocess.run(
            ["/bin/sh", "-c", _SUSPEND, f"{seconds:.3f}", *map(str, pids)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            check=False,
        )
    finally:
        _signal(pids, signal.SIGCONT)
    return True


@contextlib.contextmanager
def cancellable() -> t.Iterator[t.Callable[[subprocess.Popen[bytes]], None]]:
    """While this lasts, the program that is given to the function is ended where the work is given up.

    :raises Cancelled: it is, and the program has ended.
    """

    def begun(program: subprocess.Popen[bytes]) -> None:
        _work.program = program
        if _work.why:
            cancel(_work.why)

    check()
    try:
        yield begun
    finally:
        _work.program = None
    check()


@contextlib.contextmanager
def interruptible(shut: t.Callable[[], None]) -> t.Iterator[None]:
    """While this lasts, a function is called where the work is given up, by another thread; it ends what is waited for.

    :raises Cancelled: it is given up already.
    """
    check()
    _work.shut = shut
    try:
        if _work.why:
            shut()
        yield
    finally:
        _work.shut = None
