# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""WAL on disk: where what is valid of it ends, and carrying what a standby lacks from its old primary to it."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import shutil
import struct
import sys
import tarfile
import tempfile
import time
import typing as t
import zlib

from ansible_collections.warehousepg.coordinator.plugins.module_utils.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils.host import Host, sync_directory, unreadable
from ansible_collections.warehousepg.coordinator.plugins.module_utils.instance import file_mode
from ansible_collections.warehousepg.coordinator.plugins.module_utils.lsn import WAL_FILE, Lsn

# XLogPageHeaderData, XLogLongPageHeaderData and XLogRecord of the engine (xlog_internal.h, xlogrecord.h), in the host's byte order
_PAGE = struct.Struct("=HHIQI4x")
_LONG_PAGE = struct.Struct("=HHIQI4xQII")
_RECORD = struct.Struct("=IIQBB6x")
_CONTINUES, _LONG = 0x01, 0x02
_ALIGNMENT = 8
_XLOG, _SHUTDOWN, _SWITCH = 0, 0x00, 0x40

#: records that end a transaction for good, by the names that pg_waldump has for them
_COMMITS = re.compile(r"^Transaction/(?:COMMIT|COMMIT_PREPARED|DISTRIBUTED_COMMIT)\s+(\d+)", re.MULTILINE)

#: where WAL is unpacked, in pg_wal, before it is put in its place
_STAGE = "salvage.new"


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


class _Reader(contextlib.ExitStack):
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


def _last_page(reader: _Reader, segment: Segment) -> int:
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
    with _Reader(segment) as reader:
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
    with _Reader(end.segment) as reader:
        return text in reader.content(start.position, end.position.position)


def missing(host: Host, data_directory: str, timeline: int, wal_from: str | None, salvage_directory: str | None) -> dict[str, t.Any]:
    """What a standby lacks of the WAL of its old primary, which is stopped; what it lacks is packed.

    :param timeline: the timeline that the standby follows.
    :param wal_from: the end of the standby's WAL; None when it is not known.
    :param salvage_directory: where the archive is put, mode 0600; None: nothing is packed.
    :returns: ``end`` and ``timeline`` of the old primary's WAL, ``missing_bytes``, ``commits`` in them, ``first_segment`` and
        ``archive`` of what is needed; each None where it is not known or there is none, and then ``why`` says the reason.
    """
    found: dict[str, t.Any] = dict.fromkeys(("end", "timeline", "missing_bytes", "commits", "first_segment", "archive"))
    found["why"] = ""
    try:
        end = end_of_wal(data_directory)
        if end is None:
            raise CoordinatorError(f"there is no valid WAL in {wal_directory(data_directory)}")
        found.update(end=str(end.position), timeline=end.timeline)
        if wal_from is None:
            raise CoordinatorError("the end of the standby's WAL is not known")
        if timeline > end.timeline:
            raise CoordinatorError(f"the old primary's WAL is on timeline {end.timeline}, the standby's on {timeline}: they diverged")
        start = Lsn.parse(wal_from)
        if end.position <= start:
            return {**found, "missing_bytes": 0, "commits": 0}
        segments = _needed(data_directory, end, start)
        end, commits = _verified(host, data_directory, end, start, segments)
        found.update(end=str(end.position), missing_bytes=max(0, end.position - start), commits=commits)
        if end.position > start:
            segments = _needed(data_directory, end, start)
            found.update(first_segment=segments[0], archive=salvage_directory and _pack(data_directory, end, segments, salvage_directory))
    except CoordinatorError as error:
        found["why"] = error.message
    except OSError as error:
        found["why"] = f"the missing WAL could not be packed in {salvage_directory}: {error.strerror}"
    return found


def _needed(data_directory: str, end: End, start: Lsn) -> list[str]:
    """Names of the segments from a position to the end.

    :raises CoordinatorError: one of them is gone.
    """
    size = end.segment.size
    names = [end.name(number * size) for number in range(start.position // size, (end.position.position - 1) // size + 1)]
    for name in names:
        if not os.path.exists(os.path.join(wal_directory(data_directory), name)):
            raise CoordinatorError(f"the old primary no longer has the WAL segment {name}, which the standby needs")
    return names


def _verified(host: Host, data_directory: str, end: End, start: Lsn, segments: t.Sequence[str]) -> tuple[End, int]:
    """The end of what is valid by checksums too, and the commits up to there.

    :param segments: those to look at; without them pg_waldump takes any for a model, also one that was never written.
    """
    options = ("--path", wal_directory(data_directory), "--start", str(start), "--end", str(end.position), "--stats=record")
    try:
        told = host.run("pg_waldump", *options, segments[0], segments[-1])
    except CoordinatorError as error:
        told = error.message
        last = re.search(r"error in WAL record at ([0-9A-F]+/[0-9A-F]+)", told)
        nothing = re.search(r"could not find a valid record after", told)
        if last is None and nothing is None:
            raise
        if last is not None:
            with _Reader(end.segment) as reader:
                found = reader.record_end(Lsn.parse(last.group(1)).position, None)
            end = dataclasses.replace(end, position=Lsn(found[0] if found else 0))
        else:
            end = dataclasses.replace(end, position=start)
    return end, sum(int(count) for count in _COMMITS.findall(told))


class _Cut:
    """A file of which nothing but zeros is read behind a length."""

    def __init__(self, file: t.BinaryIO, length: int) -> None:
        self._file = file
        self._left = length

    def read(self, size: int) -> bytes:
        """Bytes of the file, then zeros."""
        data = self._file.read(min(size, self._left))
        self._left -= len(data)
        return data + bytes(size - len(data))


def _pack(data_directory: str, end: End, segments: t.Sequence[str], salvage_directory: str) -> str:
    """Pack segments; what is behind the end is left out, so that nothing else can be replayed. Returns the path of the archive."""
    os.makedirs(salvage_directory, mode=0o700, exist_ok=True)
    path = os.path.join(salvage_directory, f"{segments[0]}.tar.gz")
    temporary = f"{path}.new"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            with tarfile.open(fileobj=file, mode="w:gz", compresslevel=1) as archive:
                for name in segments:
                    with open(os.path.join(wal_directory(data_directory), name), "rb") as segment:
                        entry = archive.gettarinfo(arcname=name, fileobj=segment)
                        length = end.position - Lsn.of_wal_file(name, end.segment.size)
                        archive.addfile(entry, t.cast(t.BinaryIO, _Cut(segment, length)))
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    return path


def place(data_directory: str, archive: str, own: End | None) -> dict[str, t.Any]:
    """Put the WAL of an archive of :func:`missing` into the WAL directory of a standby that is stopped.

    What is overwritten is kept aside, in a directory below it.

    :param own: the end of the standby's own WAL.
    :returns: ``salvaged`` names of the segments, ``aside`` the directory of those that were replaced, None without any.
    :raises CoordinatorError: the archive is not of this standby's primary, or diverged from what it has; nothing was changed.
    """
    if own is None:
        raise CoordinatorError(f"there is no valid WAL in {wal_directory(data_directory)}, to which what is salvaged could be added")
    directory = wal_directory(data_directory)
    stage = os.path.join(directory, _STAGE)
    shutil.rmtree(stage, ignore_errors=True)
    os.mkdir(stage, 0o700)
    try:
        names = _unpack(archive, stage, own, file_mode(data_directory))
        replaced = [name for name in names if os.path.exists(os.path.join(directory, name))]
        aside = tempfile.mkdtemp(prefix=time.strftime("salvage.before.%Y%m%dT%H%M%SZ.", time.gmtime()), dir=directory) if replaced else None
        for name in replaced:
            os.link(os.path.join(directory, name), os.path.join(t.cast(str, aside), name))
        for name in names:
            os.replace(os.path.join(stage, name), os.path.join(directory, name))
        sync_directory(directory)
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise CoordinatorError(f"the salvaged WAL in {archive} could not be put into {directory}: {error}") from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    return {"salvaged": names, "aside": aside}


def was_placing(data_directory: str) -> bool:
    """Whether putting salvaged WAL into a data directory was begun and cut off."""
    return os.path.isdir(os.path.join(wal_directory(data_directory), _STAGE))


def _unpack(path: str, stage: str, own: End, mode: int) -> list[str]:
    """Unpack an archive and compare it with what the standby has; returns the names of its segments, in their order."""
    names = []
    with tarfile.open(path, "r:gz") as archive:
        for entry in archive:
            content = archive.extractfile(entry) if entry.isreg() and WAL_FILE.fullmatch(entry.name) else None
            if content is None:
                raise CoordinatorError(f"{path} holds {entry.name!r}, which is no WAL segment: it was not made by this collection")
            target = os.path.join(stage, entry.name)
            with open(target, "xb") as file:
                shutil.copyfileobj(content, file, 1 << 20)
                file.flush()
                os.fsync(file.fileno())
                os.fchmod(file.fileno(), mode)
            _compare(target, entry.name, own)
            names.append(entry.name)
    first = min(names, default="")
    begins = Lsn.of_wal_file(first, own.segment.size) if first else own.position
    if not first or sorted(names) != [own.name(begins.position + number * own.segment.size) for number in range(len(names))]:
        raise CoordinatorError(f"{path} does not hold WAL segments of timeline {own.timeline} that follow one another: {', '.join(names)}")
    if begins > own.position:
        raise CoordinatorError(f"the salvaged WAL begins with {first}, the standby's ends at {own.position}: there is a gap between them")
    return sorted(names)


def _compare(path: str, name: str, own: End) -> None:
    """See that a segment continues what the standby has.

    :raises CoordinatorError: it does not.
    """
    segment = read_segment(path, name)
    if segment is None or (segment.system_identifier, segment.size) != (own.segment.system_identifier, own.segment.size):
        raise CoordinatorError(f"the salvaged WAL segment {name} is not one of the system {own.segment.system_identifier}")
    left = min(own.position.position - segment.start, segment.size)
    kept = os.path.join(os.path.dirname(own.segment.path), name)
    if left <= 0 or not os.path.exists(kept):
        return
    with open(path, "rb") as salvaged, open(kept, "rb") as mine:
        while left > 0:
            count = min(left, 1 << 20)
            if salvaged.read(count) != mine.read(count):
                raise CoordinatorError(
                    f"the salvaged WAL segment {name} differs from the standby's own before {own.position}: the old primary and the "
                    "standby diverged, it is not replayed"
                )
            left -= count
