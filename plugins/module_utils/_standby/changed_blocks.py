# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""A copy of the primary for which only those blocks travel that are not on this host already.

What is here is what an earlier copy left that was cut off, and the directory of an instance whose place the copy takes. Whatever it is,
the primary, in a backup, is asked for the SHA-256 of each block, and what is not the same is read from it. So each block of the copy is
as the primary had it at a time since the backup began, which is all that a base backup has; WAL from then on makes it consistent.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import hashlib
import os
import re
import shutil
import stat
import time
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import aside, work
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host, used_bytes
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import page_checksum, tablespaces, wal
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.backup_session import (
    PIECE,
    Backup,
    BackupSession,
    Listed,
    Range,
    Server,
    session,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection import UTILITY
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection_string import of_psycopg2
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.control_data import read_control
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.replication import Upstream
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.timeline import HISTORY_FILE
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.backup_files import CONTROL, EMPTY, LINKS, WAL, below, copied
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.brake import Brake
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.rewind import source_server
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.snapshot import Desired, staging_directory

#: bytes, and parts of files, that are compared before the next ones are looked for
_BATCH, _PARTS = 16 << 20, 2000

#: pages whose checksums are computed at once
_PAGES = 16

#: directories that may be in each other; more is a link that leads back
_DEPTH = 32

#: how often what is torn by a write is read again
_TRIES = 5


@dataclasses.dataclass(frozen=True)
class Part:
    """A part of a file that is brought in step.

    :param path: of the file, relative to the data directory.
    :param first: where it begins.
    :param until: where it ends.
    :param there: up to where this host has something to compare.
    :param whole: whether it is a small file, which is read as a whole where anything differs.
    """

    path: str
    first: int
    until: int
    there: int
    whole: bool = False


def parts_of(path: str, size: int, there: int, block: int, relation: bool) -> list[Part]:
    """A file in parts.

    :param size: that it has on the primary.
    :param there: bytes of it that this host has.
    :param block: bytes that are compared as one.
    :param relation: whether its blocks are written each on its own; another file may be replaced as a whole at any time.
    """
    known = size if there >= size else there // block * block
    if not relation and size <= PIECE:
        return [Part(path, 0, size, known, whole=True)] if size else []
    found = []
    for first in range(0, size, _BATCH):
        until = min(first + _BATCH, size)
        found.append(Part(path, first, until, min(max(known, first), until)))
    return found


def joined(ranges: t.Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ranges in their order, those that meet as one."""
    found: list[tuple[int, int]] = []
    for first, until in sorted(ranges):
        if found and found[-1][1] >= first:
            found[-1] = (found[-1][0], max(found[-1][1], until))
        else:
            found.append((first, until))
    return found


class _Files:
    """Files of the copy that are written to, one open at a time.

    :param directory: the copy.
    """

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._path = ""
        self._handle = -1

    def handle(self, path: str) -> int | None:
        """That of a file; None where it is gone by now."""
        if path != self._path:
            self.close()
            try:
                self._handle = os.open(os.path.join(self._directory, path), os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
            except FileNotFoundError:
                return None
            self._path = path
        return self._handle

    def close(self) -> None:
        """Close it."""
        if self._path:
            os.close(self._handle)
            self._path = ""


def _write(handle: int, data: bytes, at: int) -> None:
    view = memoryview(data)
    while view:
        done = os.pwrite(handle, view, at)
        view, at = view[done:], at + done


class Copying:
    """A copy that is brought in step.

    :param primary: a session on the primary.
    :param server: the primary.
    :param copy: directory of the copy.
    :param seed: data directory of an instance of this host of which blocks are taken; None for none.
    :param rate: bytes a second that are read from the primary at most; None for no limit.
    :param pause: called between any two reads; it waits where the copy is to wait, and ends it where it is given up.
    """

    def __init__(
        self,
        primary: BackupSession,
        server: Server,
        copy: str,
        seed: str | None,
        rate: int | None = None,
        pause: t.Callable[[], None] = work.check,
    ) -> None:
        self._primary = primary
        self._server = server
        self._copy = copy
        self._seed = seed
        self._rate = rate
        self._pause = pause
        self._due = time.monotonic()
        self._start = Lsn(0)
        self._parts: list[Part] = []
        self._waiting = 0
        self._damaged: list[str] = []
        #: bytes of files that are in step, and those that were read from the primary
        self.done = self.fetched = 0

    def run(self, start: Lsn) -> None:
        """Bring all files in step, but for WAL and ``pg_control``.

        :param start: where the backup began.
        :raises CoordinatorError: that cannot be done.
        """
        self._start = start
        self._walk("", 0)
        self._flush()
        if self._damaged:
            more = f", and {len(self._damaged) - 5} more" if len(self._damaged) > 5 else ""
            raise CoordinatorError(
                f"pages of the primary have wrong checksums: {', '.join(self._damaged[:5])}{more}; nothing is made of such a copy: see to "
                "its disks, and to a backup"
            )

    def _place(self, path: str) -> str:
        return os.path.join(self._copy, path) if path else self._copy

    def _walk(self, directory: str, depth: int) -> None:
        if depth > _DEPTH:
            raise CoordinatorError(f"{directory} of the primary leads through more than {_DEPTH} directories: see where its links lead")
        found = self._primary.entries(directory)
        if found is None:
            return
        there = {entry.name: entry for entry in found}
        names = copied(directory, there.keys())
        if re.fullmatch(rf"{LINKS}/\d+", directory):
            names = list(filter(tablespaces.is_version, names))
        if directory == LINKS:  # one that was made since comes by WAL
            names = [name for name in names if os.path.islink(self._place(below(directory, name)))]
        else:
            self._clear(directory, {name: there[name] for name in names})
        inner = []
        for name in names:
            path = below(directory, name)
            if not there[name].directory:
                self._add(path, there[name].size)
            elif path != WAL:
                self._make(self._place(path))
                inner.append((path, name in EMPTY))
        del found, there, names
        for path, empty in inner:
            if empty:
                self._clear(path, {})
            else:
                self._walk(path, depth + 1)

    def _make(self, place: str) -> None:
        with contextlib.suppress(FileExistsError):
            os.mkdir(place)
        os.chmod(place, self._server.directory_mode)

    def _clear(self, directory: str, kept: t.Mapping[str, Listed]) -> None:
        """Remove what the primary has not in a directory, or has as something else: nothing is written through a link."""
        place = self._place(directory)
        for name in os.listdir(place):
            path = os.path.join(place, name)
            status = os.lstat(path)
            entry = kept.get(name)
            if not directory and name in (WAL, LINKS):
                continue
            if entry is not None and entry.directory and stat.S_ISDIR(status.st_mode):
                continue
            own = stat.S_ISREG(status.st_mode) and status.st_nlink == 1 and status.st_mode & 0o600 == 0o600
            if entry is not None and not entry.directory and own:
                continue
            if stat.S_ISDIR(status.st_mode):
                shutil.rmtree(path)
            else:
                os.unlink(path)

    def _add(self, path: str, size: int) -> None:
        relation = path.split("/")[0] in ("base", "global", "pg_tblspc") and path.split("/")[-1][:1].isdigit()
        for part in parts_of(path, size, self._fill(path, size), self._server.block, relation):
            self._parts.append(part)
            self._waiting += part.until - part.first
            if self._waiting >= _BATCH or len(self._parts) >= _PARTS:
                self._flush()

    def _fill(self, path: str, size: int) -> int:
        """Make a file, or let it have what the seed has of it beyond its end; returns the bytes that it has."""
        source = os.path.join(self._seed, path) if self._seed else None
        was = _regular(source) if source else None
        mode = stat.S_IMODE(was.st_mode) & 0o700 | 0o600 if was else 0o600
        mode |= 0o040 if self._server.directory_mode & 0o040 and not _is_secret(path) else 0
        handle = os.open(self._place(path), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
        with os.fdopen(handle, "r+b", buffering=0) as file:
            os.fchmod(handle, mode)
            there = os.fstat(handle).st_size
            if there > size:
                file.truncate(size)
            elif source and was and was.st_size > there:
                with open(source, "rb", buffering=0) as old:
                    old.seek(there)
                    while there < size:
                        data = old.read(min(PIECE, size - there))
                        if not data:
                            break
                        _write(handle, data, there)
                        there += len(data)
            return min(there, size)

    def _flush(self) -> None:
        """Compare what waits for it, and read what differs."""
        parts, self._parts, self._waiting = self._parts, [], 0
        if not parts:
            return
        files, fetched = _Files(self._copy), self.fetched
        try:
            gone, wanted, doubted = self._compare(files, parts)
            began = time.monotonic()
            self._fetch(
                files, [each for each in wanted if each.path not in gone], {part.path for part in parts if part.whole}, gone, doubted
            )
        finally:
            files.close()
        for path in gone:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._place(path))
        self.done += sum(part.until - part.first for part in parts)
        self.keep_to_rate(self.fetched - fetched, began)

    def _doubts(self, path: str, at: int, data: bytes) -> list[Range]:
        """Pages that have wrong checksums, of bytes at a position of a file."""
        size = self._server.block
        if not self._server.checksums or not page_checksum.is_checked(path.split("/")):
            return []
        first = page_checksum.block_of(os.path.basename(path), at, size, self._server.blocks)
        wrong = page_checksum.damaged(data, first, size, self._start.position)
        return [Range(path, at + page * size, at + (page + 1) * size) for page in wrong]

    def _compare(self, files: _Files, parts: t.Sequence[Part]) -> tuple[set[str], list[Range], list[Range]]:
        """Which files are gone on the primary, which parts differ or are not here at all, and which pages are alike and damaged."""
        asked = [part for part in parts if part.there > part.first]
        gone: set[str] = set()
        differing: dict[Part, list[tuple[int, int]]] = {part: [(part.there, part.until)] for part in parts if part.until > part.there}
        doubted: list[Range] = []
        size = self._server.block
        same: list[bytes] = []  # blocks that follow each other, up to a position of a file
        upto = ("", 0)

        def look() -> None:
            if same:
                data = b"".join(same)
                doubted.extend(self._doubts(upto[0], upto[1] - len(data), data))
                same.clear()

        def row(number: int, at: int, digest: bytes | None) -> None:
            nonlocal upto
            part = asked[number]
            handle = files.handle(part.path)
            if digest is None or handle is None:
                gone.add(part.path)
                return
            until = min(at + size, part.there)
            data = os.pread(handle, until - at, at)
            if hashlib.sha256(data).digest() != digest:
                differing.setdefault(part, []).append((at, until))
                return
            if upto != (part.path, at) or len(same) == _PAGES:
                look()
            same.append(data)
            upto = (part.path, until)

        if asked:
            self._primary.digests([Range(part.path, part.first, part.there) for part in asked], size, row)
            look()
            self._pause()
        wanted = []
        for part, ranges in differing.items():
            for first, until in [(0, PIECE)] if part.whole else joined(ranges):
                wanted.append(Range(part.path, first, until))
        return gone, wanted, doubted

    def _fetch(self, files: _Files, wanted: t.Sequence[Range], whole: t.Container[str], gone: set[str], doubted: list[Range]) -> None:
        """Read parts of files; what seems to be torn is read once more."""

        def row(number: int, at: int, data: bytes | None) -> None:
            part = wanted[number]
            handle = files.handle(part.path)
            if data is None or handle is None:
                gone.add(part.path)
                return
            _write(handle, data, at)
            self.fetched += len(data)
            if part.path in whole:
                os.ftruncate(handle, len(data))
                return
            lacking = min(at + PIECE, part.until) - at - len(data)
            if lacking > 0:  # it was made shorter meanwhile, as WAL says, too
                _write(handle, bytes(lacking), at + len(data))
            doubted.extend(self._doubts(part.path, at, data))

        if wanted:
            self._primary.read(wanted, row)
        if doubted:
            wanted, doubted = doubted, []
            self._primary.read(wanted, row)
            self._damaged += [f"{each.path}, block {each.first // self._server.block}" for each in doubted]

    def keep_to_rate(self, fetched: int, began: float) -> None:
        """Let the operator end it, and keep to the rate: time in which nothing was read gives no right to read faster later.

        :param fetched: bytes that were read from the primary.
        :param began: seconds of the monotonic clock when that began.
        """
        self._pause()
        if self._rate:
            self._due = max(self._due, began) + fetched / self._rate
            while time.monotonic() < self._due:
                time.sleep(0.05)
                self._pause()


def _regular(path: str) -> os.stat_result | None:
    """The status of a regular file that can be read; None where there is none, or something else."""
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status if stat.S_ISREG(status.st_mode) and os.access(path, os.R_OK, effective_ids=True) else None


def _is_secret(path: str) -> bool:
    """Whether the engine refuses to take a file that a group may read."""
    return path.endswith((".key", ".pem", ".p12", ".keytab"))


def rate_of(text: str | None) -> int | None:
    """Bytes a second, of what ``pg_basebackup --max-rate`` takes; None for no limit."""
    found = re.fullmatch(r"(\d+)([kM]?)", text or "")
    return int(found.group(1)) * (1 << 20 if found.group(2) == "M" else 1 << 10) if found else None


def bring_in_step(
    host: Host,
    upstream: Upstream,
    data_directory: str,
    dbid: int,
    desired: Desired,
    seed: str | None,
    wal_place: str | None,
    brake: Brake | None = None,
) -> dict[str, t.Any]:
    """Make a copy of the primary of what is staged for it, and of what an instance of this host has; it is on disk then.

    :param data_directory: its place.
    :param dbid: ``gp_dbid`` for it.
    :param seed: data directory of a stopped instance; None: what is staged alone.
    :param wal_place: directory for its WAL; None: in the copy.
    :param brake: what slows it down, if anything does.
    :returns: ``bytes_copied``, those that were read from the primary, and ``bytes``, those that the copy has.
    :raises Unavailable: the primary does not let the role do it; nothing was touched.
    :raises CoordinatorError: it cannot be made. What is staged stays.
    """

    def paused() -> float:
        return brake.paused if brake else 0.0

    staging = staging_directory(data_directory)
    names = [source_server(of_psycopg2(upstream.parameters()), utility) for utility in UTILITY]
    with session(names, upstream.host) as primary:
        server = primary.server()
        if server.system_identifier != desired.system_identifier:
            raise CoordinatorError(
                f"the primary on {upstream.host} is of the system {server.system_identifier}, not {desired.system_identifier}: correct it"
            )
        start = primary.begin(desired.checkpoint == "fast")
        _prepare(host, staging, server.directory_mode, wal_place)
        places = _link(primary, server, data_directory, staging, dbid, desired)
        copying = Copying(primary, server, staging, seed, rate_of(desired.max_rate))
        expected = (desired.bytes or 0) + sum(placement.bytes or 0 for placement in desired.tablespaces)
        with work.measured(lambda: work.Progress("comparing", copying.done, max(expected, copying.done) if desired.bytes else 0, paused())):
            copying.run(start)
        _fetch_control(host, primary, staging, server)
        backup = primary.end()
        with work.measured(lambda: work.Progress("fetching WAL", used_bytes(os.path.realpath(wal.wal_directory(staging))), 0, paused())):
            copied_wal = _fetch_wal(primary, wal.wal_directory(staging), backup, server.segment_bytes, copying.keep_to_rate)
    mode = 0o640 if server.directory_mode & 0o040 else 0o600
    host.write(os.path.join(staging, "internal.auto.conf"), f"gp_dbid={dbid}\n", mode)
    host.write(os.path.join(staging, "backup_label"), backup.label, mode)
    wal_real = os.path.realpath(wal.wal_directory(staging))
    for place in dict.fromkeys([staging, wal_real, *places]):
        _sync(place)
        work.check()
    in_all = sum(map(used_bytes, dict.fromkeys([staging, *([wal_place] if wal_place else []), *places])))
    return {"bytes_copied": copying.fetched + copied_wal, "bytes": in_all}


def _prepare(host: Host, staging: str, mode: int, wal_place: str | None) -> None:
    """Let the copy be what nobody can take for an instance, with an empty directory for its WAL."""
    if os.path.islink(staging):
        os.unlink(staging)
    os.makedirs(staging, mode=mode, exist_ok=True)
    os.chmod(staging, mode)
    host.write(os.path.join(staging, "standby.signal"), "", 0o600)  # it never could come up as a primary
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        os.unlink(os.path.join(staging, CONTROL))
    for path in filter(None, (wal.wal_directory(staging), wal_place)):
        aside.remove_tree(path)
    if wal_place:
        os.mkdir(wal_place, mode)
        os.symlink(wal_place, wal.wal_directory(staging))
    else:
        os.mkdir(wal.wal_directory(staging), mode)
    os.mkdir(os.path.join(wal.wal_directory(staging), "archive_status"), mode)


def _link(primary: BackupSession, server: Server, data_directory: str, staging: str, dbid: int, desired: Desired) -> list[str]:
    """Let the copy's links to tablespaces lead to their staged parts; returns these.

    :raises CoordinatorError: there is one that nobody knew of.
    """
    links = os.path.join(staging, "pg_tblspc")
    if os.path.islink(links) or os.path.isfile(links):
        os.unlink(links)
    os.makedirs(links, mode=server.directory_mode, exist_ok=True)
    places = {placement.location: tablespaces.staging_place(placement.place, data_directory) for placement in desired.tablespaces}
    found, parts = primary.tablespaces(), {}
    for oid, location in sorted(found.items()):
        if location not in places:
            raise CoordinatorError(f"the primary has a tablespace in {location} that it had not when this began: run this again")
        parts[str(oid)] = os.path.join(places[location], str(dbid))
    for name in os.listdir(links):
        if name not in parts:
            aside.remove_tree(os.path.join(links, name))
    for location, place in places.items():
        if location not in found.values():
            aside.remove_tree(place)
    for number, part in parts.items():
        place = os.path.dirname(part)
        if os.path.islink(place):
            os.unlink(place)
        os.makedirs(place, mode=0o700, exist_ok=True)
        for name in os.listdir(place):
            if name != str(dbid) or os.path.islink(part):
                aside.remove_tree(os.path.join(place, name))
        os.makedirs(part, mode=server.directory_mode, exist_ok=True)
        if not os.path.islink(os.path.join(links, number)):
            aside.remove_tree(os.path.join(links, number))
        tablespaces.relink(staging, int(number), part)
    return sorted(parts.values())


def _read_file(primary: BackupSession, path: str, size: int, write: t.Callable[[bytes], t.Any]) -> int:
    """Read a file of the primary from its beginning; returns the bytes that came."""
    came = [0]

    def row(_number: int, at: int, data: bytes | None) -> None:
        if at == came[0] and data:
            write(data)
            came[0] += len(data)

    primary.read([Range(path, 0, size)], row)
    return came[0]


def _fetch_control(host: Host, primary: BackupSession, staging: str, server: Server) -> None:
    """Fetch ``pg_control``, the last file of a backup, as a whole.

    :raises CoordinatorError: it is damaged.
    """
    for left in reversed(range(_TRIES)):
        with open(os.path.join(staging, CONTROL), "wb") as file:
            _read_file(primary, CONTROL, PIECE, file.write)
        try:
            found = read_control(host, staging)
        except CoordinatorError:
            if not left:
                raise
            continue
        if found.system_identifier != server.system_identifier:
            raise CoordinatorError(f"pg_control of the primary is of the system {found.system_identifier}: see what it has there")
        return


def _fetch_wal(primary: BackupSession, directory: str, backup: Backup, size: int, keep_to_rate: t.Callable[[int, float], None]) -> int:
    """Fetch the WAL of a backup, and the history of its timelines; returns the bytes that came.

    :param keep_to_rate: as of :class:`Copying`.
    :raises CoordinatorError: the primary has not all of it any more.
    """
    first, last = backup.start.position // size, max(backup.start.position, backup.stop.position - 1) // size
    segments = [Lsn(number * size).wal_file(backup.timeline, size) for number in range(first, last + 1)]
    histories = [entry.name for entry in primary.entries("pg_wal") or () if HISTORY_FILE.fullmatch(entry.name)]
    came = 0
    for name in [*segments, *histories]:
        work.check()
        path, began, before = os.path.join(directory, name), time.monotonic(), came
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            came += _read_file(primary, f"pg_wal/{name}", size if name in segments else PIECE, file.write)
        if name in segments and wal.read_segment(path, name) is None:
            raise CoordinatorError(
                f"the primary has no more of its WAL {name}, which the copy needs: see that the standby's slot is there, and run this again"
            )
        with open(os.path.join(directory, "archive_status", f"{name}.done"), "wb"):
            pass  # it is not archived once more when this one is a primary
        keep_to_rate(came - before, began)
    return came


def _sync(directory: str) -> None:
    """Make what is below a directory outlast a power failure.

    :raises OSError: it cannot be written.
    """
    for top, _names, files in os.walk(directory):
        for path in [*(os.path.join(top, name) for name in files), top]:
            if os.path.islink(path):
                continue
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(handle)
            except OSError as error:
                if error.errno != errno.EINVAL:  # what is no file
                    raise
            finally:
                os.close(handle)
