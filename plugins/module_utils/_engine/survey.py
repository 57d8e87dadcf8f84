# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Whether the end of WAL on disk is proved: what is valid of it one record after another, and what tells that there was more.

The end of an instance that was killed is where the next record is not valid. That is no damage: the last page may be half written, what
waits behind it to be used is empty or of an earlier place. Whatever else is seen, the end is not proved.
"""

from __future__ import annotations

import dataclasses
import os
import re
import struct
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host, unreadable
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import WAL_FILE, Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.control_data import ControlData
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.timeline import HISTORY_FILE, History, read_history
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.wal import (
    CUT,
    WHOLE,
    WRONG,
    End,
    Reader,
    Segment,
    Walk,
    first_record,
    read_head,
    wal_directory,
)

#: records that end a transaction for good, by the names that pg_waldump has for them
_COMMITS = re.compile(r"^Transaction/(?:COMMIT|COMMIT_PREPARED|DISTRIBUTED_COMMIT)\s+(\d+)", re.MULTILINE)

#: the beginning of a page: magic number, timeline, address (xlog_internal.h)
_HEAD = struct.Struct("=H2xIQ")

#: of a segment that waits to be used again, so many pages at its beginning are looked at, and so many more
_SAMPLE = 4


@dataclasses.dataclass(frozen=True)
class Survey:
    """What the WAL of a stopped instance shows.

    :param end: where the records end that are valid one after another; None when there are none.
    :param reaches: where it is known to have gone to at least, also where that cannot be read.
    :param doubts: why it is not proved that the end is the end, each a sentence; empty: it is.
    :param lost_checkpoint: why recovery cannot begin at the latest checkpoint; empty when it can.
    :param commits: transactions that were committed in what was verified; None when it was not.
    """

    end: End | None
    reaches: Lsn | None = None
    doubts: tuple[str, ...] = ()
    lost_checkpoint: str = ""
    commits: int | None = None


def prove(host: Host, data_directory: str, control: ControlData | None, start: Lsn | None = None) -> Survey:
    """What :func:`survey` sees, and what the engine's ``pg_waldump`` says of the checksums of the records.

    :raises CoordinatorError: it cannot be read by this user.
    """
    found = survey(data_directory, control, start)
    lowest = start if start is not None else Lsn.parse(control.redo) if control else None
    if found.end is None or lowest is None or found.end.position <= lowest:
        return dataclasses.replace(found, commits=0)
    end, commits = found.end, 0
    for number, begin, left in read_history(wal_directory(data_directory), end.timeline).stretches():
        low, high = max(lowest, begin), min(end.position, left or end.position)
        if low >= high:
            continue
        valid, more, complaint = _dumped(host, dataclasses.replace(end, timeline=number), low, high)
        commits += more
        if complaint:
            reaches = max(end.position, found.reaches or end.position)
            end = dataclasses.replace(end, position=valid, shutdown=False)
            return dataclasses.replace(found, end=end, reaches=reaches, doubts=(*found.doubts, complaint), commits=commits)
    return dataclasses.replace(found, commits=commits)


def _dumped(host: Host, end: End, low: Lsn, high: Lsn) -> tuple[Lsn, int, str]:
    """Where the valid records end by their checksums, the commits among them, and what is wrong with the next; empty when nothing is."""
    directory, size = os.path.dirname(end.segment.path), end.segment.size
    numbers = range(low.position // size, (high.position - 1) // size + 1)
    segments = [name for name in (end.name(number * size) for number in numbers) if os.path.exists(os.path.join(directory, name))]
    if len(segments) < len(numbers):
        return high, 0, ""  # the rest of an earlier timeline is in a file of the next, and was looked at page by page
    # what a record is filled up with at its end may be cut off, and is not asked for
    there = Lsn.of_wal_file(segments[-1], size).position + os.path.getsize(os.path.join(directory, segments[-1]))
    # the segments are named, else pg_waldump takes any for a model, also one that was never written
    options = ("--path", directory, "--start", str(low), "--end", str(min(high, Lsn(there))), "--stats=record")
    try:
        return high, _commits(host.run("pg_waldump", *options, segments[0], segments[-1])), ""
    except CoordinatorError as error:
        told = error.message
    last = re.search(r"error in WAL record at ([0-9A-F]+/[0-9A-F]+): (.*)", told)
    if last is None:
        return low, 0, f"pg_waldump can read nothing behind {low}: {' '.join(told.split())}"
    with Reader(end.segment) as reader:
        record = reader.record(Lsn.parse(last.group(1)).position, None)
    valid = max(low, min(high, Lsn(record.end))) if record.state == WHOLE else low
    return valid, _commits(told), f"the record behind {valid} is damaged: {last.group(2).strip()}"


def _commits(told: str) -> int:
    return sum(int(count) for count in _COMMITS.findall(told))


def survey(data_directory: str, control: ControlData | None, start: Lsn | None = None) -> Survey:
    """What the pages of WAL, the last records in it, and the control file show.

    :param control: of the instance; None when it cannot be read.
    :param start: where a record begins from which on the records are read; None: where recovery begins.
    :raises CoordinatorError: it cannot be read by this user.
    """
    directory = wal_directory(data_directory)
    try:
        files = {name: os.path.getsize(os.path.join(directory, name)) for name in os.listdir(directory) if WAL_FILE.fullmatch(name)}
        model = _newest(directory, files, control)
        if model is None:
            return Survey(None, doubts=(f"there is no valid WAL in {directory}",), lost_checkpoint="there is no valid WAL")
        history = read_history(directory, model.timeline)
        with Reader(model, history if history.is_consistent() else None) as reader:
            return _Look(directory, files, model, history, control, reader).survey(start)
    except PermissionError as error:
        raise unreadable(directory, error) from error
    except OSError as error:
        return Survey(None, doubts=(f"WAL cannot be read in {directory}: {error.strerror}",), lost_checkpoint="WAL cannot be read")


def _newest(directory: str, files: t.Iterable[str], control: ControlData | None) -> Segment | None:
    """The newest segment of this system that begins as it should."""
    for name in sorted(files, reverse=True):
        found = read_head(os.path.join(directory, name), name)
        if found is not None and (control is None or str(found.system_identifier) == control.system_identifier):
            return found
    return None


class _Look:
    """A look at the WAL of an instance.

    :param directory: with the WAL.
    :param files: lengths of the files of segments there, by name.
    :param model: the newest segment that begins as it should.
    :param history: of its timeline.
    :param control: of the instance.
    :param reader: of this timeline.
    """

    def __init__(
        self,
        directory: str,
        files: t.Mapping[str, int],
        model: Segment,
        history: History,
        control: ControlData | None,
        reader: Reader,
    ) -> None:
        self._directory = directory
        self._files = files
        self._model = model
        self._size = model.size
        self._block = model.block
        self._history = history
        self._control = control
        self._reader = reader

    def survey(self, start: Lsn | None) -> Survey:
        """All of it."""
        control = self._control
        redo = Lsn.parse(control.redo).position if control else None
        begin = redo if redo is not None else start.position if start is not None else self._contiguous()
        limit = self._limit(begin)
        walk = self._walk(begin, limit)
        later = self._last_page(limit)
        doubts = [*self._wrong_history(), *self._wrong_files(begin), *self._behind(walk, limit, later)]
        reaches, lost = max(walk.end, later or 0), "its control file cannot be read"
        if control is None:
            doubts.append("the control file, which has the latest checkpoint, cannot be read")
        else:
            reached, lost = self._checkpoint(control, limit)
            consistent = Lsn.parse(control.consistent).position
            if lost:
                doubts.append(lost)
            for position, what in ((reached, "the latest checkpoint"), (consistent, "what is on disk of the data")):
                if position > walk.end:
                    doubts.append(f"the valid WAL ends at {Lsn(walk.end)}, {what} needs it up to {Lsn(position)}")
            reaches = max(reaches, reached, consistent)
        if start is not None and not begin <= start.position <= walk.end:
            # what is to be read begins elsewhere than recovery
            limit = self._limit(start.position)
            desired = self._walk(start.position, limit)
            if start.position > walk.end:
                doubts.append(f"the valid WAL ends at {Lsn(walk.end)}, the standby has it up to {start}")
                reaches = max(reaches, start.position)
                walk = desired if desired.last is not None else walk
            else:
                if desired.end < walk.end:
                    doubts.append(f"{self._damage(limit)}, and WAL is needed from {start} on")
                walk = desired
        end = End(self._model.timeline, Lsn(walk.end), self._model, walk.shutdown)
        return Survey(end, Lsn(max(reaches, walk.end)), tuple(dict.fromkeys(doubts)), lost)

    def _contiguous(self) -> int:
        """Where the segments begin that lead to the newest without a gap."""
        start = self._model.start
        while start >= self._size and self._reader.name(start - self._size) in self._files and self._reader.page(start - self._size):
            start -= self._size
        return start

    def _limit(self, begin: int) -> int:
        """The first page that is not valid, in the segment of a position or behind; what a switch of the segment left empty is passed."""
        address = begin - begin % self._size
        while True:
            while self._reader.page(address) is not None:
                address += self._block
            first = first_record(self._reader, self._block, address - self._block, begin - begin % self._size)
            if address <= begin or address % self._size == 0 or first is None:
                return address
            end = self._reader.walk(first, until=address).end
            if end <= address or end % self._size:
                return address
            address = end

    def _walk(self, begin: int, limit: int) -> Walk:
        """The last records before a limit that follow one another, from a record on; none where the limit comes first."""
        if limit <= begin:
            return Walk(begin, False, None, self._reader.record(begin, None))
        first = first_record(self._reader, self._block, limit - self._block, begin - begin % self._block)
        return self._reader.walk(max(begin, first or 0), summed=True)

    def _behind(self, walk: Walk, limit: int, later: int | None) -> t.Iterator[str]:
        """What is behind the last valid record and should not be there.

        :param later: the last valid page behind the limit.
        """
        stop, page = walk.stop, walk.end - walk.end % self._block
        if later is not None:
            yield f"{self._damage(limit)}, though WAL goes on behind that"
        elif stop.state == WRONG:
            yield f"the checksum of the record at {Lsn(walk.end)} in {self._reader.name(walk.end)} is wrong"
        elif (stop.end if stop.state == CUT else page + self._block) < limit:
            yield f"the record at {Lsn(walk.end)} in {self._reader.name(walk.end)} is not valid, though WAL goes on behind it"
        elif self._later_record(walk, page + self._block):
            yield f"the record at {Lsn(walk.end)} in {self._reader.name(walk.end)} is missing, though others follow on its page"
        for name in sorted(self._files):
            written = self._written_for(name)
            if written is not None and written >= max(limit, walk.end) and Lsn(written).wal_file(int(name[:8], 16), self._size) != name:
                yield f"{name} holds what belongs to {Lsn(written)}"

    def _later_record(self, walk: Walk, end: int) -> bool:
        """Whether there is a whole record on the rest of a page that names one behind the last."""
        rest = self._reader.read(walk.end, end - walk.end)
        for offset in range(8, len(rest), 8) if rest.strip(b"\0") else ():
            position = walk.end + offset
            if rest[offset : offset + 4] == b"\0\0\0\0" or position % self._block == 0:
                continue
            found = self._reader.record(position, None)
            if found.state == WHOLE and self._names(found.begins) >= walk.end and self._reader.record(position, None, True).state == WHOLE:
                return True
        return False

    def _names(self, begins: int) -> int:
        """Where the record before one begins, by that."""
        return int(struct.unpack("=Q", self._reader.read(begins + 8, 8))[0]) if begins % self._block <= self._block - 16 else 0

    def _last_page(self, limit: int) -> int | None:
        """The last valid page behind a limit, by a file of its timeline; None without one."""
        first = limit // self._size
        own = [Lsn.of_wal_file(name, self._size).position for name in self._files if int(name[:8], 16) == self._model.timeline]
        for start in sorted((start for start in own if start // self._size >= first), reverse=True):
            for address in reversed(self._pages(start, start // self._size - first <= 1)):
                if address > limit and self._reader.page(address) is not None:
                    return address
        return None

    def _pages(self, start: int, all_of_them: bool) -> t.Sequence[int]:
        """Addresses of the pages of a segment at which to look: of one that waits to be used again a sample does."""
        every = range(start, start + self._size, self._block)
        written = self._written_for(Lsn(start).wal_file(self._model.timeline, self._size))
        if all_of_them or written is None:
            return every
        return sorted({*every[:_SAMPLE], *every[:: max(1, len(every) // _SAMPLE)]})

    def _written_for(self, name: str) -> int | None:
        """The position that the first page of a file was written for, on this line of timelines; None when that tells of none."""
        with open(os.path.join(self._directory, name), "rb") as file:
            head = file.read(_HEAD.size)
        if len(head) < _HEAD.size:
            return None
        magic, timeline, address = _HEAD.unpack(head)
        known = magic == self._model.magic and address % self._size == 0 and self._history.at(Lsn(address)) == timeline
        return int(address) if known else None

    def _damage(self, address: int) -> str:
        """What is wrong with a page."""
        name = self._reader.name(address)
        if name not in self._files:
            return f"the WAL segment {name} is missing"
        if self._files[name] < address % self._size + self._block:
            return f"{name} has {self._files[name]} bytes instead of {self._size}"
        what = "is not of its place" if self._reader.read(address, self._block).strip(b"\0") else "is empty"
        return f"the page at {Lsn(address)} in {name} {what}"

    def _wrong_history(self) -> t.Iterator[str]:
        """What is wrong with the timelines."""
        number = self._model.timeline
        if not self._history.is_consistent():
            yield f"the history of timeline {number}, {number:08X}.history, is missing or makes no sense"
        later = [int(name[:8], 16) for name in os.listdir(self._directory) if HISTORY_FILE.fullmatch(name)]
        if max(later, default=0) > number:
            yield f"there is a history of timeline {max(later)}, but valid WAL only up to timeline {number}"
        control = self._control
        if control is not None and control.timeline > number:
            yield f"the latest checkpoint is on timeline {control.timeline}, but there is valid WAL only up to timeline {number}"
        if control is not None and control.segment_bytes != self._size:
            yield f"the control file tells of WAL segments of {control.segment_bytes} bytes, those there are of {self._size}"

    def _wrong_files(self, begin: int) -> t.Iterator[str]:
        """What is wrong with the files of segments from a position on."""
        begin -= begin % self._size
        for name, length in sorted(self._files.items()):
            number, start = int(name[:8], 16), Lsn.of_wal_file(name, self._size)
            if number > self._model.timeline and self._holds_pages(name):
                yield f"{name} holds WAL of timeline {number}, but does not begin as it should"
            counts = number > self._model.timeline or self._history.is_on(number, start)
            if counts and length != self._size and start.position + self._size > begin:
                yield f"{name} has {length} bytes instead of {self._size}"

    def _holds_pages(self, name: str) -> bool:
        """Whether there is a page in a file that was written for its place."""
        number, start = int(name[:8], 16), Lsn.of_wal_file(name, self._size).position
        with open(os.path.join(self._directory, name), "rb") as file:
            for offset in range(0, self._size, self._block):
                file.seek(offset)
                head = file.read(_HEAD.size)
                if len(head) < _HEAD.size:
                    return False
                magic, timeline, address = _HEAD.unpack(head)
                if magic == self._model.magic and timeline <= number and address == start + offset:
                    return True
        return False

    def _checkpoint(self, control: ControlData, limit: int) -> tuple[int, str]:
        """Up to where the latest checkpoint needs WAL, and why it cannot be read from there on; empty when it can."""
        position, redo = Lsn.parse(control.checkpoint), Lsn.parse(control.redo)
        if redo > position:  # StartupXLOG of xlog.c calls it an invalid redo
            return position.position, f"recovery would begin at {redo}, behind the latest checkpoint, at {position}"
        found = self._reader.record(position.position, None, summed=True)
        if found.state != WHOLE:
            name = self._reader.name(position.position)
            return position.position, f"the latest checkpoint, at {position} in {name}, cannot be read"
        if limit < found.end:
            return found.end, f"{self._damage(limit)}, and recovery, which begins at {redo}, needs it"
        return found.end, ""
