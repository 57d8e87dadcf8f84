# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Directories and files of a copy as the primary has them, with what is on this host already in them."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import tablespaces
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.backup_session import (
    PIECE,
    BackupSession,
    Listed,
    Server,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.backup_files import EMPTY, LINKS, WAL, below, copied

#: directories that may be in each other; more is a link that leads back
_DEPTH = 32


class Tree:
    """All of them but WAL and ``pg_control``. What is in a file need not be what the primary has in it.

    :param primary: a session on the primary.
    :param server: the primary.
    :param copy: directory of the copy, in which there are the links to its tablespaces.
    :param seed: data directory of an instance of this host of which blocks are taken; None for none.
    :param compare: called with the path of each file, the bytes that the primary has, and those that the copy has.
    """

    def __init__(
        self, primary: BackupSession, server: Server, copy: str, seed: str | None, compare: t.Callable[[str, int, int], None]
    ) -> None:
        self._primary = primary
        self._server = server
        self._copy = copy
        self._seed = seed
        self._compare = compare

    def make(self) -> None:
        """Make them.

        :raises CoordinatorError: that cannot be done.
        """
        self._walk("", 0)
        for tablespace in tablespaces.read_tablespaces(self._copy):
            self._walk(below(LINKS, str(tablespace.oid)), 0)

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
        self._clear(directory, {name: there[name] for name in names})
        inner = []
        for name in names:
            path = below(directory, name)
            if not there[name].directory:
                self._compare(path, there[name].size, self._fill(path, there[name].size))
            elif path not in (WAL, LINKS):
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
            own = stat.S_ISREG(status.st_mode) and status.st_nlink == 1 and status.st_mode & 0o600 == 0o600
            alike = entry and (stat.S_ISDIR(status.st_mode) if entry.directory else own)
            if alike or (not directory and name in (WAL, LINKS)):
                continue
            if stat.S_ISDIR(status.st_mode):
                shutil.rmtree(path)
            else:
                os.unlink(path)

    def _fill(self, path: str, size: int) -> int:
        """Make a file, or let it have what the seed has of it beyond its end; returns the bytes that it has."""
        source = os.path.join(self._seed, path) if self._seed else None
        was = _regular(source) if source else None
        mode = stat.S_IMODE(was.st_mode) & 0o700 | 0o600 if was else 0o600
        mode |= 0o040 if self._server.directory_mode & 0o040 and not _is_secret(path) else 0
        with open(os.open(self._place(path), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, mode), "r+b") as file:
            os.fchmod(file.fileno(), mode)
            there = file.seek(0, os.SEEK_END)
            if there > size:
                file.truncate(size)
            elif source and was and was.st_size > there:
                with open(source, "rb") as old:
                    old.seek(there)
                    while there < size:
                        data = old.read(min(PIECE, size - there))
                        if not data:
                            break
                        there += file.write(data)
            return min(there, size)


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
