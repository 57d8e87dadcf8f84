# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carrying WAL that a standby lacks from its old primary to it."""

from __future__ import annotations

import contextlib
import dataclasses
import glob
import os
import re
import shutil
import tarfile
import typing as t
import zlib

from ansible_collections.warehousepg.coordinator.plugins.module_utils.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils.host import Host, sync_directory
from ansible_collections.warehousepg.coordinator.plugins.module_utils.instance import file_mode
from ansible_collections.warehousepg.coordinator.plugins.module_utils.lsn import WAL_FILE, Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils.wal import End, Reader, end_of_wal, read_segment, wal_directory

#: records that end a transaction for good, by the names that pg_waldump has for them
_COMMITS = re.compile(r"^Transaction/(?:COMMIT|COMMIT_PREPARED|DISTRIBUTED_COMMIT)\s+(\d+)", re.MULTILINE)

#: where WAL is unpacked, in pg_wal, before it is put in its place
_STAGE = "salvage.new"


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
            with Reader(end.segment) as reader:
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
    for left in os.listdir(salvage_directory):  # by an earlier attempt
        if re.fullmatch(r"[0-9A-F]{24}\.tar\.gz(?:\.new)?", left):
            os.unlink(os.path.join(salvage_directory, left))
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

    Every segment that is overwritten was seen to be the same as far as the standby has it, so that nothing of it has to be kept.

    :param own: the end of the standby's own WAL.
    :returns: ``salvaged`` names of the segments.
    :raises CoordinatorError: the archive is not of this standby's primary, or diverged from what it has; nothing was changed.
    """
    if own is None:
        raise CoordinatorError(f"there is no valid WAL in {wal_directory(data_directory)}, to which what is salvaged could be added")
    directory = wal_directory(data_directory)
    stage = os.path.join(directory, _STAGE)
    clean(data_directory)
    try:
        os.mkdir(stage, 0o700)
        names = _unpack(archive, stage, own, file_mode(data_directory))
        for name in names:
            os.replace(os.path.join(stage, name), os.path.join(directory, name))
        sync_directory(directory)
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise CoordinatorError(f"the salvaged WAL in {archive} could not be put into {directory}: {error}") from error
    finally:
        clean(data_directory)
    return {"salvaged": names}


def clean(data_directory: str) -> None:
    """Remove what putting salvaged WAL into a data directory left."""
    for path in glob.glob(os.path.join(glob.escape(wal_directory(data_directory)), "salvage.*")):
        shutil.rmtree(path, ignore_errors=True)


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
