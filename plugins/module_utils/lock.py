# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A lock on a pair of coordinators: a file on the standby's host that names the run which changes the pair."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import fcntl
import json
import os
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils.host import Host, read_text
from ansible_collections.warehousepg.coordinator.plugins.module_utils.plan import Step


@dataclasses.dataclass(frozen=True)
class Holder:
    """A run that holds a lock.

    :param user: who started it.
    :param controller: name of the host that it runs on.
    :param pid: its process there.
    :param started: when that process started, in whatever way its host tells; another one with the same number started at another time.
    """

    user: str
    controller: str
    pid: int
    started: str

    def __str__(self) -> str:
        return f"{self.user} on {self.controller}, process {self.pid}"


@dataclasses.dataclass(frozen=True)
class Lock:
    """A lock that is held.

    :param holder: the run that holds it.
    :param since: seconds since the epoch, by the clock of the host that the file is on.
    :param expires: the same; from then on it no longer counts.
    :param purpose: what the run does, such as ``activate_standby``.
    """

    holder: Holder
    since: float
    expires: float
    purpose: str


def parse(text: str) -> Lock | None:
    """The lock that a file tells of, None when it tells of none."""
    try:
        found = json.loads(text)
        holder = Holder(**found["holder"])
        return Lock(holder, float(found["since"]), float(found["expires"]), found["purpose"])
    except (ValueError, KeyError, TypeError):
        return None


def read(path: str) -> Lock | None:
    """The lock in a file, None without one.

    :raises CoordinatorError: there is a file that tells of none.
    """
    text = read_text(path)
    if text is None:
        return None
    found = parse(text)
    if found is None:
        raise CoordinatorError(f"{path} is no lock of this collection: see what it is, and remove it")
    return found


def clock_time(seconds: float) -> str:
    """A point in time for people, in UTC."""
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")


def plan(held: Lock | None, wanted: Lock, where: str, gone: Holder | None = None) -> list[Step]:
    """The steps that take the lock.

    :param held: the lock that is there.
    :param wanted: the lock that is to be there; its ``since`` is now.
    :param where: the file and the host that it is on.
    :param gone: a holder that is known to have ended.
    :raises CoordinatorError: another run holds it; ``lock`` is in its data.
    """
    if held is None:
        return [Step("take", {"lock": wanted})]
    if held.holder == wanted.holder:
        same = held.purpose == wanted.purpose and held.expires >= wanted.expires
        return [] if same else [Step("take", {"lock": dataclasses.replace(wanted, since=held.since)})]
    if held.expires <= wanted.since or held.holder == gone:
        return [Step("take_over", {"lock": wanted, "former": held})]
    raise CoordinatorError(
        f"another run works on this pair: {held.purpose} by {held.holder}, since {clock_time(held.since)}, until "
        f"{clock_time(held.expires)} at the latest. Wait for it; if it was killed, remove {where}, and run this again",
        lock=dataclasses.asdict(held),
    )


def write(host: Host, path: str, lock: Lock) -> None:
    """Write the file."""
    host.write(path, json.dumps(dataclasses.asdict(lock)) + "\n", 0o600)


def remove(path: str) -> None:
    """Remove the file, if it is there."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def release(path: str, holder: Holder | None = None) -> bool:
    """Release the lock.

    :param holder: release it only if this run holds it.
    :returns: whether it was released.
    """
    with alone(path):
        held = read(path)
        if held is None or holder not in (None, held.holder):
            return False
        remove(path)
        return True


@contextlib.contextmanager
def alone(path: str) -> t.Iterator[None]:
    """Nobody else looks at a lock's file and changes it meanwhile; its directory is made if it is missing."""
    directory = os.path.dirname(path)
    os.makedirs(directory, mode=0o700, exist_ok=True)
    handle = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
