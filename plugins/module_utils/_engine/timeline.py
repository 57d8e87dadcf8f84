# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Timelines: what two instances of one system have in common, and where they parted."""

from __future__ import annotations

import dataclasses
import os
import re
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import read_text
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import WAL_FILE, Lsn

#: what the file with the history of a timeline is called
HISTORY_FILE = re.compile(r"[0-9A-F]{8}\.history")

_ANCESTOR = re.compile(r"^\s*([0-9]+)\s+([0-9A-F]+/[0-9A-F]+)", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class History:
    """The timelines that an instance's WAL went along.

    :param timeline: the present one.
    :param ancestors: those before it, oldest first, each with the position where it was left.
    """

    timeline: int
    ancestors: tuple[tuple[int, Lsn], ...] = ()

    def stretches(self) -> list[tuple[int, Lsn, Lsn | None]]:
        """Timeline, beginning and end of each; the present one has no end."""
        ends: list[Lsn | None] = [end for _timeline, end in self.ancestors]
        begins = [Lsn(0), *(end for _timeline, end in self.ancestors)]
        numbers = [*(number for number, _end in self.ancestors), self.timeline]
        return list(zip(numbers, begins, [*ends, None]))

    def is_consistent(self) -> bool:
        """Whether each timeline follows the one before it, from the first on or from one of which no history is kept."""
        numbers = [number for number, _begin, _end in self.stretches()]
        begins = [begin for _number, begin, _end in self.stretches()]
        return (self.timeline == 1 or bool(self.ancestors)) and numbers == sorted(set(numbers)) and begins == sorted(begins)

    def at(self, position: Lsn) -> int:
        """The timeline that what begins at a position is on."""
        return next(number for number, begin, _end in reversed(self.stretches()) if position >= begin)

    def is_on(self, timeline: int, position: Lsn) -> bool:
        """Whether what begins at a position may be read from a timeline: from that on which it is, or where a later one began."""
        return any(number == timeline and (end is None or position < end) for number, _begin, end in self.stretches())


@dataclasses.dataclass(frozen=True)
class Parting:
    """Where two instances parted.

    :param timeline: the last timeline that they have in common.
    :param position: where the first of both left it; None: neither did.
    """

    timeline: int
    position: Lsn | None


def parting(one: History, other: History) -> Parting | None:
    """Where two instances of one system parted; None when they have no timeline in common."""
    found = None
    for (number, begin, end), (number_of_other, begin_of_other, end_of_other) in zip(one.stretches(), other.stretches()):
        if (number, begin) != (number_of_other, begin_of_other):
            break
        found = Parting(number, min((position for position in (end, end_of_other) if position is not None), default=None))
    return found


def read_history(wal_directory: str, timeline: int) -> History:
    """The history of a timeline; the first one has no file.

    :raises CoordinatorError: it cannot be read by this user, or is damaged.
    """
    path = os.path.join(wal_directory, f"{timeline:08X}.history")
    try:
        return history_of(timeline, _ANCESTOR.findall(read_text(path) or ""))
    except (ValueError, CoordinatorError) as error:
        raise CoordinatorError(f"{path} is not understood: {error}") from error


def show_history(history: History) -> tuple[tuple[int, str], ...]:
    """The ancestors as they are given to and returned by modules."""
    return tuple((number, str(position)) for number, position in history.ancestors)


def history_of(timeline: int, ancestors: t.Iterable[t.Sequence[t.Any]]) -> History:
    """The history that :func:`show_history` shows."""
    return History(timeline, tuple((int(number), Lsn.parse(str(position))) for number, position in ancestors))


def oldest(names: t.Iterable[str], segment_bytes: int) -> Lsn | None:
    """Where the oldest WAL segment of a directory begins; None without any.

    A segment that waits to be used again has the name of one to come.

    :param names: of the files in it.
    """
    return min((Lsn.of_wal_file(name, segment_bytes) for name in names if WAL_FILE.fullmatch(name)), default=None)


def shared(names: t.Iterable[str], segment_bytes: int, history: History, parted: Lsn) -> list[str]:
    """The WAL segments that two instances have alike, in the order of their names: those that end before they parted.

    Of one in which a timeline was left the part before that counts: what stands behind is nobody's, and is never read.

    :param names: of the files in a directory.
    :param history: of the instance that it belongs to.
    :param parted: where both parted.
    """

    def alike(name: str) -> bool:
        number, first = int(name[:8], 16), Lsn.of_wal_file(name, segment_bytes)
        last = Lsn(first.position + segment_bytes)
        ends = [min(last, end or last) for timeline, begin, end in history.stretches() if number == timeline and begin < last]
        return any(first < end <= parted for end in ends)

    return sorted(name for name in names if WAL_FILE.fullmatch(name) and alike(name))
