# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Carrying WAL that a standby lacks from its former primary to it."""

from __future__ import annotations

import contextlib
import glob
import gzip
import os
import re
import shutil
import tarfile
import typing as t
import zlib

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import work
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host, free_bytes, sync_directory, used_bytes
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import WAL_FILE, Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.control_data import ControlData
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import file_mode
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.survey import prove
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.wal import End, read_segment, wal_directory

#: where WAL is unpacked, in pg_wal, before it is put in its place
_STAGE = "salvage.new"


def missing(
    host: Host,
    data_directory: str,
    control: ControlData | None,
    timeline: int,
    wal_from: str | None,
    salvage_directory: str | None,
    pack: bool = True,
) -> dict[str, t.Any]:
    """What a standby lacks of the WAL of its former primary, which is stopped; what it lacks and is valid is packed.

    :param control: of the former primary; None when it cannot be read.
    :param timeline: the timeline that the standby follows.
    :param wal_from: the end of the standby's WAL; None when it is not known.
    :param salvage_directory: where the archive is put, mode 0600; None: nothing is packed.
    :param pack: whether it is made, or only told of.
    :returns: ``end`` and ``timeline`` of the former primary's valid WAL, whether it is ``proved`` that it ended there, up to where it
        ``reaches`` at least, ``missing_bytes`` that are valid, ``commits`` in them, ``first_segment`` and ``archive`` of what is needed;
        each None where it is not known or there is none, and then ``why`` says the reason.
    """
    names = ("end", "timeline", "reaches", "missing_bytes", "commits", "first_segment", "archive")
    found: dict[str, t.Any] = dict(dict.fromkeys(names), proved=False)
    reasons: list[str] = []
    try:
        start = Lsn.parse(wal_from) if wal_from else None
        seen = prove(host, data_directory, control, start)
        reasons += seen.doubts
        end = seen.end
        if end is not None:
            found.update(end=str(end.position), timeline=end.timeline, reaches=str(seen.reaches))
            reasons += _apart(end, timeline)
            found["proved"] = not reasons
            if start is None:
                reasons.append("the end of the standby's WAL is not known")
            elif end.timeline == timeline:
                found.update(missing_bytes=max(0, end.position - start), commits=seen.commits)
                if end.position > start and salvage_directory:
                    segments = _needed(data_directory, end, start)
                    archive = _archive(salvage_directory, segments)
                    if pack:
                        _pack(data_directory, end, segments, salvage_directory)
                    found.update(first_segment=segments[0], archive=archive)
    except CoordinatorError as error:
        reasons.append(error.message)
    except OSError as error:
        reasons.append(f"the missing WAL could not be packed in {salvage_directory}: {error.strerror}")
    return {**found, "why": "; ".join(reasons)}


def _apart(end: End, timeline: int) -> t.Iterator[str]:
    """Why the WAL of a former primary says nothing of what a standby lacks that follows a timeline."""
    if end.timeline < timeline:
        yield f"the former primary's valid WAL is on timeline {end.timeline}, the standby's on {timeline}: a part is gone, or they diverged"
    elif end.timeline > timeline:
        yield f"the former primary's WAL went on to timeline {end.timeline}, the standby's is on {timeline}: they diverged"


def _needed(data_directory: str, end: End, start: Lsn) -> list[str]:
    """Names of the segments from a position to the end.

    :raises CoordinatorError: one of them is gone.
    """
    size = end.segment.size
    names = [end.name(number * size) for number in range(start.position // size, (end.position.position - 1) // size + 1)]
    for name in names:
        if not os.path.exists(os.path.join(wal_directory(data_directory), name)):
            raise CoordinatorError(f"the former primary no longer has the WAL segment {name}, which the standby needs")
    return names


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


def _archive(salvage_directory: str, segments: t.Sequence[str]) -> str:
    """Path of the archive of segments."""
    return os.path.join(salvage_directory, f"{segments[0]}.tar.gz")


def _pack(data_directory: str, end: End, segments: t.Sequence[str], salvage_directory: str) -> str:
    """Pack segments, each of its whole length; what is behind the end is left out, so that nothing else can be replayed.

    Returns the path of the archive.
    """
    os.makedirs(salvage_directory, mode=0o700, exist_ok=True)
    path = _archive(salvage_directory, segments)
    temporary = f"{path}.new"
    for left in os.listdir(salvage_directory):  # by an earlier attempt
        if re.fullmatch(r"[0-9A-F]{24}\.tar\.gz(?:\.new)?", left):
            os.unlink(os.path.join(salvage_directory, left))
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            with tarfile.open(fileobj=file, mode="w:gz", compresslevel=1, format=tarfile.USTAR_FORMAT) as archive:
                for name in segments:
                    with open(os.path.join(wal_directory(data_directory), name), "rb") as segment:
                        entry = tarfile.TarInfo(name)
                        entry.size = end.segment.size  # the file of one that is damaged may be shorter or longer
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


def place(data_directory: str, archive: str, own: End | None, end: Lsn | None = None) -> dict[str, t.Any]:
    """Put the WAL of an archive of :func:`missing` into the WAL directory of a standby that is stopped.

    Every segment that is overwritten was seen to be the same as far as the standby has it, so that nothing of it has to be kept.

    :param own: the end of the standby's own WAL.
    :param end: the end of the WAL in the archive, by which it is told how much of it there is; None: it is not known.
    :returns: ``salvaged`` names of the segments.
    :raises CoordinatorError: the archive is not of this standby's primary, or diverged from what it has; nothing was changed.
    :raises Cancelled: the work was given up; nothing was changed.
    """
    if own is None:
        raise CoordinatorError(f"there is no valid WAL in {wal_directory(data_directory)}, to which what is salvaged could be added")
    directory = wal_directory(data_directory)
    stage = os.path.join(directory, _STAGE)
    clean(data_directory)
    try:
        os.mkdir(stage, 0o700)
        with work.measured(lambda: progress(stage, own, end)):
            names = _unpack(archive, stage, own, file_mode(data_directory))
        for name in names:
            os.replace(os.path.join(stage, name), os.path.join(directory, name))
        sync_directory(directory)
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise CoordinatorError(f"the salvaged WAL in {archive} could not be put into {directory}: {error}") from error
    finally:
        clean(data_directory)
    return {"salvaged": names}


def progress(stage: str, own: End, end: Lsn | None) -> work.Progress:
    """How far the unpacking of WAL has come: what is staged by now, of the segments that the standby has not, or not whole."""
    size = own.segment.size
    count = 0 if end is None else max(0, -(-end.position // size) - own.position.position // size)
    return work.Progress("unpacking salvaged WAL", used_bytes(stage), count * size)


def clean(data_directory: str) -> None:
    """Remove what putting salvaged WAL into a data directory left."""
    for path in glob.glob(os.path.join(glob.escape(wal_directory(data_directory)), "salvage.*")):
        shutil.rmtree(path, ignore_errors=True)


def roll_back(data_directory: str, names: t.Iterable[str], own: End | None) -> None:
    """Undo what :func:`place` did, in a standby that is stopped: what it had by itself before is the same in the segments put there.

    :param names: of the segments that were put there.
    :param own: the end of the standby's WAL before.
    """
    directory = wal_directory(data_directory)
    for name in names:
        path = os.path.join(directory, name)
        kept = own.position.position - Lsn.of_wal_file(name, own.segment.size).position if own else 0
        if own is None or kept <= 0:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            continue
        with open(path, "r+b") as file:
            file.truncate(min(kept, own.segment.size))
            file.truncate(own.segment.size)  # zeros
            os.fsync(file.fileno())
    sync_directory(directory)


def was_placing(data_directory: str) -> bool:
    """Whether putting salvaged WAL into a data directory was begun and cut off."""
    return os.path.isdir(os.path.join(wal_directory(data_directory), _STAGE))


def _unpack(path: str, stage: str, own: End, mode: int) -> list[str]:
    """Unpack an archive and compare it with what the standby has; returns the names of its segments, in their order.

    Its host may be an enemy's: each entry is looked at before anything of it is written, and nothing is kept in memory but a block.
    """
    names: list[str] = []
    size = own.segment.size
    with gzip.open(path) as archive:
        for entry in _entries(archive):
            work.check()
            if not entry.isreg() or not WAL_FILE.fullmatch(entry.name):
                raise CoordinatorError(f"{path} holds {entry.name!r}, which is no WAL segment: it was not made by this collection")
            if entry.size != size:
                raise CoordinatorError(f"{path} holds {entry.name} with {entry.size} bytes: the standby's WAL segments have {size}")
            begins = Lsn.of_wal_file(names[0] if names else entry.name, size)
            if entry.name != own.name(begins.position + len(names) * size):
                raise _apart_from(path, own, [*names, entry.name])
            if begins > own.position:
                raise CoordinatorError(
                    f"the salvaged WAL begins with {entry.name}, the standby's ends at {own.position}: there is a gap between them"
                )
            if free_bytes(stage) < size:
                raise CoordinatorError(f"there is no room in {os.path.dirname(stage)} for {entry.name} of {path}: free some space")
            target = os.path.join(stage, entry.name)
            with open(target, "xb") as file:
                for part in _parts(archive, size):
                    file.write(part)
                file.flush()
                os.fsync(file.fileno())
                os.fchmod(file.fileno(), mode)
            _compare(target, entry.name, own)
            names.append(entry.name)
    if not names:
        raise _apart_from(path, own, names)
    return names


def _apart_from(path: str, own: End, names: t.Sequence[str]) -> CoordinatorError:
    return CoordinatorError(f"{path} does not hold WAL segments of timeline {own.timeline} that follow one another: {', '.join(names)}")


def _entries(archive: gzip.GzipFile) -> t.Iterator[tarfile.TarInfo]:
    """The entries of an archive, one after the other, by their plain headers alone; whoever takes one reads what is in it.

    What tarfile itself makes of an archive, such as further headers of whatever length, which it reads into memory, is not heeded.
    """
    while True:
        header = archive.read(tarfile.BLOCKSIZE)
        if header == bytes(tarfile.BLOCKSIZE):
            return
        entry = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
        yield entry
        archive.read(-entry.size % tarfile.BLOCKSIZE)


def _parts(archive: gzip.GzipFile, count: int) -> t.Iterator[bytes]:
    """The next bytes of an archive, in parts.

    :raises EOFError: it ends before.
    """
    while count > 0:
        part = archive.read(min(count, 1 << 20))
        if not part:
            raise EOFError("it ends within a WAL segment")
        count -= len(part)
        yield part


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
                    f"the salvaged WAL segment {name} differs from the standby's own before {own.position}: the former primary and the "
                    "standby diverged, it is not replayed"
                )
            left -= count
