# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""A lock on a pair of coordinators: a file on both hosts that names the run which works on the pair.

Beside it is a note of what such a run began to change, until it is finished: it outlives the lock, and tells the next run.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import time
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import border
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.border import Seconds
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host, read_text

#: seconds after which a lock that is not renewed no longer counts
LIFETIME = 300.0


@dataclasses.dataclass(frozen=True)
class Holder:
    """A run that holds a lock, told from every other one.

    :param user: who started it.
    :param controller: name of the host that it runs on; containers and machines may share one.
    :param boot: what names the start of that host's kernel; empty where the host does not tell.
    :param namespace: that its process number counts in, of a container for one; empty where the host does not tell.
    :param pid: its process there.
    :param started: when that process started, in whatever way its host tells; another one with the same number started at another time.
    """

    user: str
    controller: str
    boot: str
    namespace: str
    pid: int
    started: str

    def __str__(self) -> str:
        return f"{self.user} on {self.controller}, process {self.pid}"


@dataclasses.dataclass(frozen=True)
class Lock:
    """A lock that is held.

    :param holder: the run that holds it.
    :param since: seconds since the epoch, by the clock of the host that the file is on.
    :param purpose: what the run does, such as ``activate_standby``.
    """

    holder: Holder
    since: Seconds
    purpose: str


@dataclasses.dataclass(frozen=True)
class Held(Lock):
    """A lock as its host shows it.

    :param quiet_s: seconds since it was taken or renewed.
    """

    quiet_s: Seconds

    def __str__(self) -> str:
        return f"{self.purpose} by {self.holder}, since {clock_time(self.since)}"

    @property
    def counts(self) -> bool:
        """Whether its run may still be at work."""
        return self.quiet_s <= LIFETIME


def line_of(holder: Holder) -> str:
    """The first line of a lock's file, the same as long as the run holds it."""
    return json.dumps(dataclasses.asdict(holder))


def parse(text: str) -> Lock | None:
    """The lock that a file tells of, None when it tells of none."""
    try:
        holder, told = (json.loads(line) for line in text.splitlines())
        return border.parse(Lock, {**told, "holder": holder})
    except (ValueError, TypeError, RecursionError):
        return None


def read_lock(lock_file: str) -> Held | None:
    """The lock that is held, or that was left by a run which is gone; None without one."""
    found = parse(read_text(lock_file) or "")
    try:
        return Held(**vars(found), quiet_s=max(0.0, time.time() - os.stat(lock_file).st_mtime)) if found else None
    except FileNotFoundError:  # it was released meanwhile
        return None


def note_file(lock_file: str) -> str:
    """Where it is noted what a run that held a lock began."""
    return f"{lock_file}.unfinished"


def read_note(lock_file: str) -> str | None:
    """What a run began to change and did not finish, in the words of its role; None where nothing is left."""
    return (read_text(note_file(lock_file)) or "").strip() or None


def clock_time(seconds: float) -> str:
    """A point in time for people, in UTC."""
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")


def keeper(host: Host, desired: t.Mapping[str, t.Any]) -> t.Callable[[], None]:
    """What a module calls before each step: it sees that the run still holds the lock, and notes what it begins.

    :param desired: ``file`` and ``holder`` of the lock, and what it ``begins``; empty for a run that works without one.
    """
    path, begins = desired.get("file"), desired.get("begins")
    if not path:
        return lambda: None
    holder = Holder(**desired["holder"])

    def keep() -> None:
        held = parse(read_text(path) or "")
        if held is None or held.holder != holder:
            who = f"{held.purpose} by {held.holder} has it" if held else "it is gone"
            raise CoordinatorError(
                f"this run no longer holds the lock on the pair, {path}: {who}. Nothing more is changed here: see what was done meanwhile, "
                "and run this again"
            )
        if begins and read_note(path) != begins:
            host.write(note_file(path), f"{begins}\n", 0o600)

    return keep
