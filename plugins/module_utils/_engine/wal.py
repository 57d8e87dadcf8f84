# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""WAL on disk: where what is valid of it ends."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import struct
import sys
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import unreadable
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import WAL_FILE, Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.timeline import History

# XLogPageHeaderData, XLogLongPageHeaderData and XLogRecord of the engine (xlog_internal.h, xlogrecord.h), in the host's byte order
_PAGE = struct.Struct("=HHIQI4x")
_LONG_PAGE = struct.Struct("=HHIQI4xQII")
_RECORD = struct.Struct("=IIQBB2xI")
_CONTINUES, _LONG, _OVERWRITES = 0x01, 0x02, 0x08
_ALIGNMENT = 8
#: bytes of a record's header that its checksum covers, behind what follows the header
_SUMMED = 20
#: CRC-32C, reversed
_POLYNOMIAL = 0x82F63B78
#: bytes that a page and a segment have at most (configure.ac, xlog_internal.h)
_LARGEST_PAGE, _LARGEST_SEGMENT = 1 << 16, 1 << 30
_XLOG, _SHUTDOWN, _SWITCH = 0, 0x00, 0x40


@dataclasses.dataclass(frozen=True)
class Segment:
    """A WAL segment by its first page.

    :param path: its file.
    :param timeline: of its name.
    :param start: position at which it begins.
    :param system_identifier: of the system that wrote it.
    :param size: its size in bytes, as its first page has it.
    :param block: size of a page in bytes.
    :param magic: the number that pages of this engine's version begin with.
    :param length: of its file in bytes; of another length than its size it was damaged.
    """

    path: str
    timeline: int
    start: int
    system_identifier: int
    size: int
    block: int
    magic: int
    length: int


@dataclasses.dataclass(frozen=True)
class Page:
    """A valid page.

    :param content: where what it holds begins.
    :param continued: how many bytes of that belong to a record that began before it.
    :param overwrites: whether it replaces the rest of a record that a crash cut off.
    """

    content: int
    continued: int
    overwrites: bool = False


#: what is found where a record is to begin: one that is whole, nothing, one whose rest is missing, one whose checksum is wrong
WHOLE, NOTHING, CUT, WRONG = "whole", "nothing", "cut", "wrong"


@dataclasses.dataclass(frozen=True)
class Record:
    """What is found where a record is to begin.

    :param state: one of :data:`WHOLE`, :data:`NOTHING`, :data:`CUT`, :data:`WRONG`.
    :param begins: where it begins, behind the header of a page: by this the next one names it.
    :param end: where the next one begins; of one that is cut off, the page on which its rest is missing.
    :param shutdown: whether it is the checkpoint of a shutdown.
    """

    state: str
    begins: int
    end: int
    shutdown: bool = False


@dataclasses.dataclass(frozen=True)
class Walk:
    """Whole records that follow one another.

    :param end: where the last of them ends.
    :param shutdown: whether that is the checkpoint of a shutdown.
    :param last: where it begins; None when there is not one.
    :param stop: what is found behind it.
    """

    end: int
    shutdown: bool
    last: int | None
    stop: Record


@dataclasses.dataclass(frozen=True)
class End:
    """Where the valid WAL of a data directory ends.

    :param timeline: the timeline that it ends on.
    :param position: the end of its last complete record.
    :param segment: the segment that holds that record.
    :param shutdown: whether that record is the checkpoint of a shutdown, after which an instance writes nothing until it is started.
    """

    timeline: int
    position: Lsn
    segment: Segment
    shutdown: bool = False

    def name(self, position: int) -> str:
        """Name of the file that holds a position on this timeline."""
        return Lsn(position).wal_file(self.timeline, self.segment.size)


def wal_directory(data_directory: str) -> str:
    """Where an instance keeps its WAL."""
    return os.path.join(data_directory, "pg_wal")


def _are_sizes(size: int, block: int) -> bool:
    """Whether a segment and its pages can have these sizes: powers of two, and no more of a page is held than one has."""
    powers = all(number and number & (number - 1) == 0 for number in (size, block))
    return powers and _LONG_PAGE.size < block <= min(size, _LARGEST_PAGE) and size <= _LARGEST_SEGMENT


def read_head(path: str, name: str) -> Segment | None:
    """A WAL segment by its first page, whatever the length of its file; None when that was written for another place or not at all.

    :param name: the name that the segment has, or is to have.
    """
    with open(path, "rb") as file:
        head = file.read(_LONG_PAGE.size)
        length = os.fstat(file.fileno()).st_size
    if len(head) < _LONG_PAGE.size:
        return None
    magic, info, _timeline, address, _continued, system, size, block = _LONG_PAGE.unpack(head)
    if not info & _LONG or not _are_sizes(size, block):
        return None
    start = Lsn.of_wal_file(name, size).position
    return Segment(path, int(name[:8], 16), start, system, size, block, magic, length) if address == start else None


def read_segment(path: str, name: str) -> Segment | None:
    """A WAL segment; None when its file holds no valid beginning of it, as one that waits to be used again, or is of another length.

    :param name: the name that the segment has, or is to have.
    """
    found = read_head(path, name)
    return found if found is not None and found.length == found.size else None


@functools.lru_cache(maxsize=None)
def _table() -> tuple[int, ...]:
    table = list(range(256))
    for _dummy in range(8):
        table = [(value >> 1) ^ (_POLYNOMIAL if value & 1 else 0) for value in table]
    return tuple(table)


def checksum(data: bytes, before: int = 0) -> int:
    """CRC-32C of data, which the checksums of records are.

    :param before: of what comes before it.
    """
    table, value = _table(), before ^ 0xFFFFFFFF
    for byte in data:
        value = table[(value ^ byte) & 0xFF] ^ (value >> 8)
    return value ^ 0xFFFFFFFF


class Reader(contextlib.ExitStack):
    """Pages and records of one timeline.

    :param segment: any segment of the timeline; the others are read from the same directory.
    :param history: of the timeline; with it, what is older is read from the files of the timelines before, and a page is valid only
        when it was written on the timeline that its place belongs to.
    """

    def __init__(self, segment: Segment, history: History | None = None) -> None:
        super().__init__()
        self._model = segment
        self._stretches = history.stretches() if history else []
        self._files: dict[int, int | None] = {}

    def name(self, position: int) -> str:
        """Name of the file that a position is read from: of the newest timeline that could have it and does."""
        size = self._model.size
        own = Lsn(position).wal_file(self._model.timeline, size)
        for number, begin, _end in reversed(self._stretches):
            name = Lsn(position).wal_file(number, size)
            if position // size >= begin.position // size and os.path.exists(self.path(name)):
                return name
        return own

    def path(self, name: str) -> str:
        """Where the file of a segment is."""
        return os.path.join(os.path.dirname(self._model.path), name)

    def read(self, position: int, size: int) -> bytes:
        """Bytes from a position on, at most to the end of its segment; fewer where its file ends."""
        number, offset = divmod(position, self._model.size)
        if number not in self._files:
            try:
                handle = os.open(self.path(self.name(position)), os.O_RDONLY)
            except FileNotFoundError:
                self._files[number] = None
            else:
                self.callback(os.close, handle)
                self._files[number] = handle
        found = self._files[number]
        return b"" if found is None else os.pread(found, min(size, self._model.size - offset), offset)

    def page(self, address: int) -> Page | None:
        """The page at an address, None when what is there was written for another place or not at all."""
        head = self.read(address, _PAGE.size)
        if len(head) < _PAGE.size:
            return None
        magic, info, timeline, written_for, continued = _PAGE.unpack(head)
        if magic != self._model.magic or written_for != address or not self._belongs(timeline, address):
            return None
        size = _LONG_PAGE.size if info & _LONG else _PAGE.size
        return Page(address + size, continued if info & _CONTINUES else 0, bool(info & _OVERWRITES))

    def _belongs(self, timeline: int, address: int) -> bool:
        """Whether a page of a timeline can be at an address: the one in which a timeline was left keeps the number it began with."""
        for number, begin, _end in reversed(self._stretches):
            if address >= begin.position:
                return timeline == number
        return timeline <= self._model.timeline

    def record(self, start: int, previous: int | None, summed: bool = False) -> Record:
        """What is found where a record is to begin.

        :param previous: where the record before it begins, which it names; None when that is not known.
        :param summed: whether its checksum is looked at.
        """
        block = self._model.block
        position = start
        if position % block == 0:
            page = self.page(position)
            if page is None or page.continued:
                return Record(NOTHING, start, start)
            position = page.content
        begins, head, value, names = position, b"", 0, None
        field = self.read(position, 4)
        left = int.from_bytes(field, sys.byteorder)
        if len(field) < 4 or left < _RECORD.size:
            return Record(NOTHING, begins, start)
        while True:
            here = min(left, block - position % block)
            part = self.read(position, here if summed else max(0, min(here, _RECORD.size - len(head))))
            mine = _RECORD.size - len(head)
            head += part[:mine]
            if summed:
                value = checksum(part[mine:], value)
            if len(head) == _RECORD.size and names is None:
                names = _RECORD.unpack(head)[2]
                if names != previous if previous is not None else names >= start:
                    return Record(NOTHING, begins, start)
            if not self._has(position, here):
                return Record(CUT, begins, position - position % block + block)
            left -= here
            position += here
            if not left:
                break
            page = self.page(position)
            if page is None or page.continued != left:
                return Record(CUT, begins, position)
            position = page.content
        _length, _transaction, _names, info, manager, sum_of_it = _RECORD.unpack(head)
        kind = (manager, info & 0xF0)
        alignment = self._model.size if kind == (_XLOG, _SWITCH) else _ALIGNMENT
        right = not summed or checksum(head[:_SUMMED], value) == sum_of_it
        return Record(WHOLE if right else WRONG, begins, position + -position % alignment, kind == (_XLOG, _SHUTDOWN))

    def _has(self, position: int, size: int) -> bool:
        """Whether the file of a position does not end before so many bytes."""
        return len(self.read(position + size - 1, 1)) == 1

    def walk(self, start: int, summed: bool = False, until: int | None = None) -> Walk:
        """The whole records that follow one another from a position on.

        :param summed: whether their checksums are looked at.
        :param until: a position at which, or behind which, no more are looked for.
        """
        shutdown, last = False, t.cast(t.Optional[int], None)
        at = start
        while True:
            found = self.record(at, last, summed)
            if found.state == CUT and found.end % self._model.block == 0:
                page = self.page(found.end)
                if page is not None and page.overwrites:  # its rest was lost in a crash, and recovery went on behind it
                    at = found.end
                    continue
            if found.state != WHOLE or (until is not None and start >= until):
                return Walk(start, shutdown, last, found)
            last, start, at, shutdown = found.begins, found.end, found.end, found.shutdown

    def content(self, start: int, end: int) -> bytes:
        """What records hold from a position to another, without the headers of pages."""
        found = bytearray()
        while start < end:
            address = start - start % self._model.block
            page = self.page(address)  # there is none behind a switch of the segment
            begin, start = max(start, page.content if page else end), min(address + self._model.block, end)
            found += self.read(begin, max(0, start - begin))
        return bytes(found)


def _last_page(reader: Reader, segment: Segment) -> int:
    """Address of the last valid page of a segment, whose pages are written in their order."""
    low, high = 0, segment.size // segment.block
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if reader.page(segment.start + middle * segment.block) else (low, middle)
    return segment.start + low * segment.block


def end_of_wal(data_directory: str) -> End | None:
    """Where the valid WAL of a data directory ends, by the headers of its pages and records; None when it has none.

    Read without a program of the engine's, and of an instance in any state, quickly. What was damaged is not noticed: for that, see
    C(survey.py).

    :raises CoordinatorError: it cannot be read by this user.
    """
    directory = wal_directory(data_directory)
    try:
        names = sorted((name for name in os.listdir(directory) if WAL_FILE.fullmatch(name)), reverse=True)
        for name in names:
            segment = read_head(os.path.join(directory, name), name)
            if segment is not None:
                return _end_of(segment)
    except PermissionError as error:
        raise unreadable(directory, error) from error
    except OSError:  # a segment that was removed or renamed during the look
        pass
    return None


def _end_of(segment: Segment) -> End | None:
    with Reader(segment) as reader:
        first = first_record(reader, segment.block, _last_page(reader, segment))
        if first is None:
            return None
        found = reader.walk(first)
        return End(segment.timeline, Lsn(found.end), segment, found.shutdown)


def first_record(reader: Reader, block: int, last: int, lowest: int = 0) -> int | None:
    """Where the records begin that lead to the end on a page; None when that is not found.

    :param last: address of the page.
    :param lowest: address before which nothing is looked at.
    """
    address, first = last, None
    page = reader.page(address)
    while page is not None and address >= lowest:
        begins = page.content + page.continued + -page.continued % _ALIGNMENT
        if begins < address + block or not page.continued:
            first = begins if page.continued else address
            # behind a record that began on an earlier page, what was there before may look like another one
            if address != last or not page.continued:
                break
        address -= block
        page = reader.page(address)
    return first


def holds(end: End, start: Lsn, text: bytes) -> bool:
    """Whether a record between a position and the end of WAL holds a text.

    :param start: where a record begins.
    """
    with Reader(end.segment) as reader:
        return text in reader.content(start.position, end.position.position)
