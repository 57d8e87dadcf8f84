# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What an instance needs of its host beside its data directory, and whether another host has it."""

from __future__ import annotations

import dataclasses
import os
import socket
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.border import Address, Name
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import tablespaces

#: kinds of what an instance needs: a file or a directory that it reads, one that it writes to, one that it makes where there is none
FILE, DIRECTORY, WRITTEN, MADE = "file", "directory", "written", "made"


@dataclasses.dataclass(frozen=True)
class Need:
    """A file or directory that an instance cannot be without, or could not serve without, and that a copy of it would not have in itself.

    It is outside the data directory, or named by an absolute path, which in another directory is another place.

    :param path: its path.
    :param kind: :data:`FILE`, :data:`DIRECTORY`, :data:`WRITTEN` or :data:`MADE`.
    :param where: what names it.
    """

    path: str
    kind: str
    where: str


@dataclasses.dataclass(frozen=True)
class Lacking(Need):
    """A need that is not met, and ``why``."""

    why: str


@dataclasses.dataclass(frozen=True)
class Looked:
    """What was seen of what an instance of another host needs here.

    :param lacks: needs that are not met.
    :param names: by name, its numeric addresses.
    :param tablespaces: places for the tablespaces.
    :param distrust: why the instance cannot be connected to by TLS, and what helps; None where it can, or where nobody asked.
    """

    lacks: tuple[Lacking, ...]
    names: t.Mapping[str, tuple[Address, ...]]
    tablespaces: tuple[tablespaces.Spot, ...]
    distrust: Name | None = None


def look(options: t.Mapping[str, t.Any], staging: str) -> Looked:
    """Observe what an instance of another host needs here.

    :param options: as of :data:`arguments.LOOK`.
    :param staging: where an earlier copy may have been left.
    """
    placements = [tablespaces.Placement(**placement) for placement in options["tablespaces"]]
    return Looked(
        lacks=tuple(Lacking(**need, why=why) for need in options["needs"] for why in [_why_lacking(need["path"], need["kind"])] if why),
        names={name: _addresses(name) for name in options["names"]},
        tablespaces=tablespaces.read_spots(placements, options["dbid"], options["data_directory"], staging),
    )


def _why_lacking(path: str, kind: str) -> str:
    if kind == MADE and not os.path.lexists(path):
        path = os.path.dirname(path)
    if not os.path.lexists(path):
        return "is missing"
    if os.path.isdir(path) != (kind != FILE):
        return "is a directory" if kind == FILE else "is no directory"
    mode = {FILE: os.R_OK, DIRECTORY: os.R_OK | os.X_OK}.get(kind, os.W_OK | os.X_OK)
    return "" if os.access(path, mode) else "cannot be written to" if mode & os.W_OK else "cannot be read"


def _addresses(name: str) -> tuple[str, ...]:
    """The numeric addresses of a name on this host, none where it is not known."""
    try:
        return tuple(sorted({str(found[4][0]) for found in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)}))
    except (OSError, UnicodeError):
        return ()
