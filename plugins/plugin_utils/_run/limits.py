# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""How long a host has to answer: one whose disk hangs accepts connections, and then says nothing for ever."""

from __future__ import annotations

import contextlib
import os
import signal
import typing as t

from ansible.errors import AnsibleConnectionFailure

#: seconds that a host has by default
PATIENCE = 300.0


class _TooLong(BaseException):
    """Not an Exception, which a connection plugin would take for a reason to try again."""


@contextlib.contextmanager
def answers_within(seconds: float) -> t.Iterator[None]:
    """What a process of a task does with a host, for so many seconds at most.

    A program that still waits for the host by then, such as ssh, is ended.

    :raises AnsibleConnectionFailure: the host did not answer in time.
    """

    def expire(_signal: int, _frame: t.Any) -> t.NoReturn:
        raise _TooLong

    former = signal.signal(signal.SIGALRM, expire)
    others, _interval = signal.setitimer(signal.ITIMER_REAL, seconds)  # a timeout that the task has
    try:
        yield
    except _TooLong:
        for child in _children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        raise AnsibleConnectionFailure(
            f"it was connected to, and did not answer within {seconds:g} s; its disk may hang, or more time is needed: discovery_timeout"
        ) from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, others)
        signal.signal(signal.SIGALRM, former)


def _children() -> list[int]:
    """The processes that this one began."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
            return [int(word) for word in file.read().split()]
    except OSError:  # the controller has no such thing
        return []
