# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Work that goes on when the module, and the connection that it came by, have ended."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError

_READY = b"ready"


def run(work: t.Callable[[t.Callable[[], None]], None]) -> None:
    """Start work in a process of its own; ends when it says that it is ready.

    All that it needs must be imported by now: the archive that a module's code comes in is removed when the module ends.

    :param work: gets a function to call when it is ready; what it does then has to be told by files.
    :raises CoordinatorError: it ended before.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.setsid()
        # a second one, which cannot get a terminal again and whose end nobody has to wait for
        if os.fork() == 0:
            _work(work, writer)
        os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader, "rb") as pipe:
        said = pipe.read()
    if said != _READY:
        raise CoordinatorError(said.decode("utf-8", "replace") or "the process that was to go on by itself ended at once")


@contextlib.contextmanager
def held(path: str) -> t.Iterator[None]:
    """While this lasts, and this process lives, others see the file held, whatever its name is by then."""
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def is_held(path: str) -> bool:
    """Whether a process holds the file; False where there is none."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    finally:
        os.close(handle)


def _work(work: t.Callable[[t.Callable[[], None]], None], writer: int) -> None:
    def ready() -> None:
        os.write(writer, _READY)
        os.close(writer)

    try:
        _let_go(writer)
        work(ready)
    except BaseException as error:  # whatever it is, nothing of the module may go on here
        with contextlib.suppress(OSError):
            os.write(writer, (str(error) or type(error).__name__).encode())
    finally:
        os._exit(0)


def _let_go(writer: int) -> None:
    """Hold nothing open that the connection of the module waits for."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    for number in map(int, os.listdir("/proc/self/fd")):
        if number > 2 and number != writer:
            with contextlib.suppress(OSError):
                os.close(number)
