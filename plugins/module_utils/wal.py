# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""WAL on disk: where what is valid of it ends."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import struct
import sys

from ansible_collections.warehousepg.coordinator.plugins.module_utils.host import unreadable
from ansible_collections.warehousepg.coordinator.plugins.module_utils.lsn import WAL_FILE, Lsn

# XLogPageHeaderData, XLogLongPageHeaderData and XLogRecord of the engine (xlog_internal.h, xlogrecord.h), in the host's byte order
_PAGE = struct.Struct("=HHIQI4x")
_LONG_PAGE = struct.Struct("=HHIQI4xQII")
_RECORD = struct.Struct("=IIQBB6x")
_CONTINUES, _LONG = 0x01, 0x02
_ALIGNMENT = 8
_XLOG, _SHUTDOWN, _SWITCH = 0, 0x00, 0x40


@dataclasses.dataclass(frozen=True)
class Segment:
    """A WAL segment by its first page.

    :param path: its file.
    :param timeline: of its name.
    :param start: position at which it begins.
    :param system_identifier: of the system that wrote it.
    :param size: its size in bytes.
    :param block: size of a page in bytes.
    :param magic: the number that pages of this engine's version begin with.
    """

    path: str
    timeline: int
    start: int
    system_identifier: int
    size: int
    block: int
    magic: int


@dataclasses.dataclass(frozen=True)
class _Page:
    """A valid page: where what it holds begins, and how many bytes of that belong to a record that began before it."""

    content: int
    continued: int


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


def read_segment(path: str, name: str) -> Segment | None:
    """A WAL segment, None when its file holds no valid beginning of it, as one does that waits to be used again.

    :param name: the name that the segment has, or is to have.
    """
    with open(path, "rb") as file:
        head = file.read(_LONG_PAGE.size)
        size = os.fstat(file.fileno()).st_size
    if len(head) < _LONG_PAGE.size:
        return None
    magic, info, _timeline, address, _continued, system, segment_bytes, block = _LONG_PAGE.unpack(head)
    if not info & _LONG or segment_bytes != size or not block or size % block:
        return None
    start = Lsn.of_wal_file(name, size).position
    return Segment(path, int(name[:8], 16), start, system, size, block, magic) if address == start else None


class Reader(contextlib.ExitStack):
    """Pages and records of one timeline.

    :param segment: any segment of the timeline; the others are read from the same directory.
    """

    def __init__(self, segment: Segment) -> None:
        super().__init__()
        self._model = segment
        self._files: dict[int, int | None] = {}

    def read(self, position: int, size: int) -> bytes:
        """Bytes from a position on, at most to the end of its segment; empty where there is no segment."""
        number, offset = divmod(position, self._model.size)
        if number not in self._files:
            name = Lsn(position).wal_file(self._model.timeline, self._model.size)
            path = os.path.join(os.path.dirname(self._model.path), name)
            try:
                handle = os.open(path, os.O_RDONLY)
            except FileNotFoundError:
                self._files[number] = None
            else:
                self.callback(os.close, handle)
                self._files[number] = handle
        found = self._files[number]
        return b"" if found is None else os.pread(found, size, offset)

    def page(self, address: int) -> _Page | None:
        """The page at an address, None when what is there was written for another place or not at all."""
        head = self.read(address, _PAGE.size)
        if len(head) < _PAGE.size:
            return None
        magic, info, timeline, written_for, continued = _PAGE.unpack(head)
        if magic != self._model.magic or written_for != address or timeline > self._model.timeline:
            return None
        size = _LONG_PAGE.size if info & _LONG else _PAGE.size
        return _Page(address + size, continued if info & _CONTINUES else 0)

    def record_end(self, start: int, previous: int | None) -> tuple[int, bool] | None:
        """Where the record ends that begins at a position, and whether it is the checkpoint of a shutdown; None when no complete one does.

        :param previous: where the record before it begins, which it names; None when that is not known.
        """
        block = self._model.block
        position, head = start, b""
        if position % block == 0:
            page = self.page(position)
            if page is None or page.continued:
                return None
            position = page.content
        left = int.from_bytes(self.read(position, 4), sys.byteorder)
        if left < _RECORD.size:
            return None
        while True:
            here = min(left, block - position % block)
            if len(head) < _RECORD.size:
                head += self.read(position, min(here, _RECORD.size - len(head)))
            left -= here
            position += here
            if not left:
                break
            page = self.page(position)
            if page is None or page.continued != left:
                return None
            position = page.content
        _length, _transaction, names, info, manager = _RECORD.unpack(head)
        if names != previous if previous is not None else names >= start:
            return None
        if (manager, info & 0xF0) == (_XLOG, _SWITCH):
            return position + -position % self._model.size, False
        return position + -position % _ALIGNMENT, (manager, info & 0xF0) == (_XLOG, _SHUTDOWN)

    def walk(self, start: int) -> tuple[int, bool]:
        """Where the last of the complete records ends that follow one another from a position on, and what it is."""
        previous, shutdown = None, False
        while True:
            found = self.record_end(start, previous)
            if found is None:
                return start, shutdown
            # a record at the beginning of a page is named by where it begins behind the page's header
            page = self.page(start) if start % self._model.block == 0 else None
            previous = page.content if page else start
            start, shutdown = found

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

    Read without a program of the engine's, and of an instance in any state. What a power failure tore apart is not noticed: for that,
    checksums have to be looked at as :func:`missing` does.

    :raises CoordinatorError: it cannot be read by this user.
    """
    directory = wal_directory(data_directory)
    try:
        names = sorted((name for name in os.listdir(directory) if WAL_FILE.fullmatch(name)), reverse=True)
        for name in names:
            segment = read_segment(os.path.join(directory, name), name)
            if segment is not None:
                return _end_of(segment)
    except PermissionError as error:
        raise unreadable(directory, error) from error
    except OSError:  # a segment that was removed or renamed during the look
        pass
    return None


def _end_of(segment: Segment) -> End | None:
    with Reader(segment) as reader:
        last = address = _last_page(reader, segment)
        page, first = reader.page(address), None
        while page is not None:
            begins = page.content + page.continued + -page.continued % _ALIGNMENT
            if begins < address + segment.block or not page.continued:
                first = begins if page.continued else address
                # behind a record that began on an earlier page, what was there before may look like another one
                if address != last or not page.continued:
                    break
            address -= segment.block
            page = reader.page(address)
        if first is None:
            return None
        position, shutdown = reader.walk(first)
        return End(segment.timeline, Lsn(position), segment, shutdown)


def holds(end: End, start: Lsn, text: bytes) -> bool:
    """Whether a record between a position and the end of WAL holds a text.

    :param start: where a record begins.
    """
    with Reader(end.segment) as reader:
        return text in reader.content(start.position, end.position.position)
