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
import os
import time
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import aside, work
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host, sync_tree, used_bytes
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import tablespaces, wal
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.backup_session import (
    PIECE,
    Backup,
    BackupSession,
    Range,
    Server,
    session,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection_string import of_psycopg2
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.control_data import read_control
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.replication import Upstream
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.timeline import HISTORY_FILE
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.backup_files import CONTROL, LINKS
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.block_comparison import Comparison
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.brake import Brake
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.copied_tree import Tree
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.rewind import source_server
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.snapshot import Desired, rate_of, staging_directory

#: how often what is torn by a write is read again
_TRIES = 5


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
    with session(lambda mode: source_server(of_psycopg2(upstream.parameters()), mode), upstream.host) as primary:
        server = primary.server()
        if server.system_identifier != desired.system_identifier:
            raise CoordinatorError(
                f"the primary on {upstream.host} is of the system {server.system_identifier}, not {desired.system_identifier}: correct it"
            )
        start = primary.begin(desired.checkpoint == "fast")
        _prepare(staging, server.directory_mode, wal_place)
        places = _link(primary, server, data_directory, staging, dbid, desired)
        comparison = Comparison(primary, server, start, staging, rate_of(desired.max_rate or ""))
        expected = desired.in_all
        with work.measured(lambda: work.Progress("comparing", comparison.done, expected and max(expected, comparison.done), paused())):
            Tree(primary, server, staging, seed, comparison.add).make()
            comparison.finish()
        host.write(os.path.join(staging, "standby.signal"), "", 0o600)  # it never could come up as a primary
        _fetch_control(host, primary, staging, server)
        backup = primary.end()
        with work.measured(lambda: work.Progress("fetching WAL", used_bytes(os.path.realpath(wal.wal_directory(staging))), 0, paused())):
            copied_wal = _fetch_wal(primary, wal.wal_directory(staging), backup, server.segment_bytes, comparison.keep_to_rate)
    mode = 0o640 if server.directory_mode & 0o040 else 0o600
    host.write(os.path.join(staging, "internal.auto.conf"), f"gp_dbid={dbid}\n", mode)
    host.write(os.path.join(staging, "backup_label"), backup.label, mode)
    wal_real = os.path.realpath(wal.wal_directory(staging))
    for place in dict.fromkeys([staging, wal_real, *places]):
        sync_tree(place)
        work.check()
    in_all = sum(map(used_bytes, dict.fromkeys([staging, *([wal_place] if wal_place else []), *places])))
    return {"bytes_copied": comparison.fetched + copied_wal, "bytes": in_all}


def _prepare(staging: str, mode: int, wal_place: str | None) -> None:
    """Let the copy be what nobody can take for an instance, without a control file, and with an empty directory for its WAL."""
    if os.path.islink(staging):
        os.unlink(staging)
    os.makedirs(staging, mode=mode, exist_ok=True)
    os.chmod(staging, mode)
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
    links = os.path.join(staging, LINKS)
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

    :param keep_to_rate: as of :class:`Comparison`.
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
