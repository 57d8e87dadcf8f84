# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Blocks of a copy's files that the primary has otherwise: found by their SHA-256, and read from it."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import time
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import work
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import page_checksum
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.backup_session import (
    PIECE,
    BackupSession,
    Range,
    Server,
)

#: bytes, and parts of files, that are compared before the next ones are looked for
_BATCH, _PARTS = 16 << 20, 2000

#: pages whose checksums are computed at once, at least
_PAGES = 16


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
        #: those that the primary, or the copy, has no more
        self.gone: set[str] = set()

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


class _Pages:
    """Pages of relations that come one after the other, of which some have wrong checksums.

    :param server: the primary.
    :param start: where its backup began.
    """

    def __init__(self, server: Server, start: Lsn) -> None:
        self._server = server
        self._start = start
        self._path, self._first, self._data = "", 0, bytearray()
        self._wrong: list[Range] = []

    def add(self, path: str, at: int, data: bytes) -> None:
        """Take bytes at a position of a file. Those that follow each other are looked at together, which is faster."""
        if (path, at) != (self._path, self._first + len(self._data)) or len(self._data) >= _PAGES * self._server.block:
            self._look()
            self._path, self._first = path, at
        self._data += data

    def wrong(self) -> list[Range]:
        """Those with wrong checksums, of all that were taken."""
        self._look()
        return self._wrong

    def _look(self) -> None:
        size = self._server.block
        if self._server.checksums and page_checksum.has_pages(self._path):
            number = page_checksum.block_of(os.path.basename(self._path), self._first, size, self._server.blocks)
            wrong = page_checksum.damaged(bytes(self._data), number, size, self._start.position)
            self._wrong += [Range(self._path, self._first + page * size, self._first + (page + 1) * size) for page in wrong]
        self._data.clear()


class Comparison:
    """Files of a copy that are brought in step, many at a time.

    :param primary: a session on the primary.
    :param server: the primary.
    :param start: where its backup began.
    :param copy: directory of the copy.
    :param rate: bytes a second that are read from the primary at most; None for no limit.
    :param pause: called between any two reads; it waits where the copy is to wait, and ends it where it is given up.
    """

    def __init__(
        self,
        primary: BackupSession,
        server: Server,
        start: Lsn,
        copy: str,
        rate: int | None = None,
        pause: t.Callable[[], None] = work.check,
    ) -> None:
        self._primary = primary
        self._server = server
        self._start = start
        self._copy = copy
        self._rate = rate
        self._pause = pause
        self._due = time.monotonic()
        self._parts: list[Part] = []
        self._waiting = 0
        self._damaged: list[Range] = []
        #: bytes of files that are in step, and those that were read from the primary
        self.done = self.fetched = 0

    def add(self, path: str, size: int, there: int) -> None:
        """Bring a file in step, now or with others.

        :param path: of the file, relative to the data directory.
        :param size: that it has on the primary.
        :param there: bytes of it that the copy has.
        """
        for part in parts_of(path, size, there, self._server.block, page_checksum.has_pages(path)):
            self._parts.append(part)
            self._waiting += part.until - part.first
            if self._waiting >= _BATCH or len(self._parts) >= _PARTS:
                self._bring_in_step()

    def finish(self) -> None:
        """Bring those in step that still wait for it.

        :raises CoordinatorError: pages of the primary are damaged.
        """
        self._bring_in_step()
        if self._damaged:
            named = [f"{each.path}, block {each.first // self._server.block}" for each in self._damaged[:5]]
            more = f", and {len(self._damaged) - 5} more" if len(self._damaged) > 5 else ""
            raise CoordinatorError(
                f"pages of the primary have wrong checksums: {', '.join(named)}{more}; nothing is made of such a copy: see to its disks, "
                "and to a backup"
            )

    def _bring_in_step(self) -> None:
        parts, self._parts, self._waiting = self._parts, [], 0
        if not parts:
            return
        with contextlib.closing(_Files(self._copy)) as files:
            doubted, damaged = _Pages(self._server, self._start), _Pages(self._server, self._start)
            wanted = self._differing(files, parts, doubted)
            began, fetched = time.monotonic(), self.fetched
            self._read(files, wanted, doubted, {part.path for part in parts if part.whole})
            self._read(files, doubted.wrong(), damaged)  # what seems to be torn is read once more
            self._damaged += damaged.wrong()
        for path in files.gone:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(self._copy, path))
        self.done += sum(part.until - part.first for part in parts)
        self.keep_to_rate(self.fetched - fetched, began)

    def _differing(self, files: _Files, parts: t.Sequence[Part], pages: _Pages) -> list[Range]:
        """What differs from the primary's, or is not here at all.

        :param pages: takes what is alike.
        """
        asked = [part for part in parts if part.there > part.first]
        found: dict[Part, list[tuple[int, int]]] = {part: [(part.there, part.until)] for part in parts if part.until > part.there}
        size = self._server.block

        def row(number: int, at: int, digest: bytes | None) -> None:
            part = asked[number]
            handle = files.handle(part.path)
            if digest is None or handle is None:
                files.gone.add(part.path)
                return
            until = min(at + size, part.there)
            data = os.pread(handle, until - at, at)
            if hashlib.sha256(data).digest() == digest:
                pages.add(part.path, at, data)
            else:
                found.setdefault(part, []).append((at, until))

        if asked:
            self._primary.digests([Range(part.path, part.first, part.there) for part in asked], size, row)
            self._pause()
        wanted = []
        for part, ranges in found.items():
            if part.path not in files.gone:
                wanted += [Range(part.path, first, until) for first, until in ([(0, PIECE)] if part.whole else joined(ranges))]
        return wanted

    def _read(self, files: _Files, wanted: t.Sequence[Range], pages: _Pages, whole: t.Container[str] = ()) -> None:
        """Read parts of files from the primary.

        :param pages: takes what came.
        :param whole: paths of files that are read as a whole.
        """

        def row(number: int, at: int, data: bytes | None) -> None:
            part = wanted[number]
            handle = files.handle(part.path)
            if data is None or handle is None:
                files.gone.add(part.path)
                return
            _write(handle, data, at)
            self.fetched += len(data)
            if part.path in whole:
                os.ftruncate(handle, len(data))
                return
            lacking = min(at + PIECE, part.until) - at - len(data)
            if lacking > 0:  # it was made shorter meanwhile, as WAL says, too
                _write(handle, bytes(lacking), at + len(data))
            pages.add(part.path, at, data)

        if wanted:
            self._primary.read(wanted, row)

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
