# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What clients were told, what is in their tables in the end, and whether both can be of one cluster that never had two coordinators.

Pure. Times are seconds of one clock.
"""

from __future__ import annotations

import dataclasses
import itertools
import typing as t


@dataclasses.dataclass(frozen=True)
class Write:
    """A commit that a client asked for.

    :param writer: the client.
    :param number: of the commit, one after the other.
    :param begun: when it was asked for.
    :param returned: when it was acknowledged; None where it is not known what became of it.
    :param host: the coordinator that acknowledged it; None likewise.
    :param timeline: of that; None where the client did not ask.
    """

    writer: str
    number: int
    begun: float
    returned: float | None = None
    host: str | None = None
    timeline: int | None = None


@dataclasses.dataclass(frozen=True)
class Stated:
    """What a run said may be lost.

    :param host: the coordinator whose commits they are.
    :param since: from when on they were acknowledged.
    :param until: until when.
    :param commits: how many at most; None where that was not known.
    """

    host: str
    since: float
    until: float
    commits: int | None = None

    def covers(self, write: Write) -> bool:
        """Whether a commit is among them."""
        return write.host == self.host and write.returned is not None and self.since <= write.returned and write.begun <= self.until


@dataclasses.dataclass(frozen=True)
class History:
    """What happened to a cluster.

    :param writes: of all clients.
    :param rows: by client and number, how many times the whole of a commit is there in the end; a part of it is a fraction.
    :param stated: what may be lost.
    :param excused: within which times nobody has to serve, each a beginning and an end.
    :param patience: seconds without any acknowledged commit that are nothing out of the ordinary.
    """

    writes: tuple[Write, ...]
    rows: t.Mapping[tuple[str, int], float]
    stated: tuple[Stated, ...] = ()
    excused: tuple[tuple[float, float], ...] = ()
    patience: float = 5.0

    @property
    def acknowledged(self) -> list[Write]:
        """The commits that were acknowledged."""
        return [write for write in self.writes if write.returned is not None]


@dataclasses.dataclass
class Tenure:
    """A time in which a coordinator was seen to write.

    :param host: the coordinator.
    :param timeline: its timeline; None where nobody asked.
    :param first: when the first of its commits was acknowledged.
    :param last: when the last of them was asked for.
    """

    host: str
    timeline: int | None
    first: float
    last: float

    def __str__(self) -> str:
        return f"{self.host} on timeline {self.timeline or 'unknown'}"


def problems(history: History) -> list[str]:
    """What cannot have happened to such a cluster, each a sentence; none where all is well."""
    return [*_lost(history), *_odd(history), *_several(history), *_silent(history)]


def _lost(history: History) -> t.Iterator[str]:
    """Acknowledged commits that are not there, and that nobody said may be lost."""
    missing = [write for write in history.acknowledged if not history.rows.get((write.writer, write.number))]
    for stated in history.stated:
        covered = [write for write in missing if stated.covers(write)]
        if stated.commits is not None and len(covered) > stated.commits:
            yield f"{len(covered)} acknowledged commits of {stated.host} are missing, and {stated.commits} at most were said to be lost"
        missing = [write for write in missing if write not in covered]
    for write in missing:
        yield f"{write.writer}: commit {write.number}, acknowledged by {write.host} at {write.returned:.3f}, is missing"


def _odd(history: History) -> t.Iterator[str]:
    """What is there otherwise than once."""
    known = {(write.writer, write.number) for write in history.writes}
    for (writer, number), times in sorted(history.rows.items()):
        if (writer, number) not in known and times:
            yield f"{writer}: commit {number} is there, and nobody asked for it"
        elif times not in (0, 1):
            yield f"{writer}: commit {number} is there {times:g} times"


def tenures(history: History) -> list[Tenure]:
    """The times in which coordinators wrote, one for each time that a host became primary.

    A commit whose client did not ask for the timeline belongs to the time of its host that is nearest.
    """
    found: dict[tuple[str, int | None], Tenure] = {}
    for write in history.acknowledged:
        if write.timeline is not None:
            _extend(found, write, write.timeline)
    for write in history.acknowledged:
        if write.timeline is None:
            own = [tenure for tenure in found.values() if tenure.host == write.host]
            nearest = min(
                own, key=lambda tenure: max(tenure.first - write.begun, t.cast(float, write.returned) - tenure.last), default=None
            )
            _extend(found, write, nearest.timeline if nearest else None)
    return sorted(found.values(), key=lambda tenure: (tenure.first, tenure.last))


def _extend(found: dict[tuple[str, int | None], Tenure], write: Write, timeline: int | None) -> None:
    host, returned = t.cast(str, write.host), t.cast(float, write.returned)
    tenure = found.setdefault((host, timeline), Tenure(host, timeline, returned, write.begun))
    tenure.first, tenure.last = min(tenure.first, returned), max(tenure.last, write.begun)


def _several(history: History) -> t.Iterator[str]:
    """Two coordinators that wrote at once, or on one timeline, or the later one on the earlier timeline."""
    for one, other in itertools.combinations(tenures(history), 2):
        if one.last > other.first:
            yield f"{one} took a write {one.last - other.first:.3f} s after {other} had acknowledged one"
        if one.timeline is not None and other.timeline is not None and one.timeline >= other.timeline:
            yield f"{other} wrote after {one}"


def _silent(history: History) -> t.Iterator[str]:
    """Times in which nobody served, and somebody should have."""
    times = sorted(t.cast(float, write.returned) for write in history.acknowledged)
    for before, after in zip(times, times[1:]):
        if after - before > history.patience and not any(begin <= after and before <= end for begin, end in history.excused):
            yield f"no commit was acknowledged for {after - before:.1f} s from {before:.3f} on, without any reason"
