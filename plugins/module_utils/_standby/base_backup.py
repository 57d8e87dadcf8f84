# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""How a copy of the primary is made, step by step, as :mod:`snapshot` plans it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import stat
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import aside, work
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import (
    Host,
    rename,
    used_bytes,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Actions
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.processes import processes
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import tablespaces, wal_link
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.backup_session import Unavailable
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection_string import conninfo
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import (
    file_mode,
    wait_until,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.replication import Upstream
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.wal import wal_directory
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import rewind_access
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.brake import Brake, braking
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.changed_blocks import bring_in_step
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.snapshot import (
    BASEBACKUP,
    CHANGED_BLOCKS,
    EXCLUDED,
    Desired,
    is_worth,
    leftovers,
    staged_bytes,
    staging_directory,
    wal_for_copy,
)


def base_backup_arguments(upstream: Upstream, target: str, dbid: int, desired: Desired, wal: str | None = None) -> list[str]:
    """Arguments of ``pg_basebackup``; what it verifies by default, page checksums, it verifies.

    The WAL is fetched at the end, not streamed beside: a coordinator counts every walsender that streams as a standby, and
    its commits would wait while the copy is made (syncrep.c: measured, they hang until it ends). The standby's slot, made
    before, keeps that WAL.

    :param dbid: ``gp_dbid`` for the copy's ``internal.auto.conf``; the engine's pg_basebackup insists on it.
    :param wal: directory for its WAL; None: in the data directory.
    """
    arguments = ["--pgdata", target, "--dbname", conninfo(upstream.parameters()), "--no-password"]
    # what there is of one that fails is of use to the next
    arguments += ["--wal-method", "fetch", "--checkpoint", desired.checkpoint, "--target-gp-dbid", str(dbid), "--no-clean"]
    for name in EXCLUDED:
        arguments += ["--exclude", f"./{name}"]
    arguments += ["--waldir", wal] if wal else []
    return arguments + (["--max-rate", desired.max_rate] if desired.max_rate else [])


def _end_copying(staging: str) -> None:
    """End the copying of an earlier attempt that may still go on.

    :raises CoordinatorError: it does not end.
    """

    def copying() -> list[int]:
        commands = ((process.pid, process.command) for process in processes())
        return [pid for pid, command in commands if staging in command and any(word.endswith("pg_basebackup") for word in command)]

    for pid in copying():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
            os.kill(pid, signal.SIGCONT)  # one that is suspended would not end
    if not wait_until(lambda: not copying(), seconds=30):
        raise CoordinatorError(f"an earlier copy into {staging} goes on and does not end: end its pg_basebackup")


def take_up(data_directory: str) -> None:
    """See that a copy that was cut off can be gone on with: nothing else of that attempt is left."""
    staging = staging_directory(data_directory)
    wal = wal_link.of_copy(staging)
    _end_copying(staging)
    for path in [*leftovers(data_directory), *([wal] if wal else [])]:
        if path != staging:
            aside.remove_tree(path)


def remove_leftover(data_directory: str, placements: t.Sequence[tablespaces.Placement]) -> None:
    """Remove what an earlier attempt staged, and end the copying that may still go on there.

    :param placements: where its tablespaces may have been.
    """
    staging = staging_directory(data_directory)
    wal = wal_link.of_copy(staging)
    _end_copying(staging)
    aside.gather(data_directory, staging)

    def gone() -> bool:
        tablespaces.remove_leftovers(placements, data_directory, staging)
        if wal is not None:
            shutil.rmtree(wal, ignore_errors=True)
        for path in leftovers(data_directory):
            if os.path.isfile(path):
                os.unlink(path)
            shutil.rmtree(path, ignore_errors=True)  # a copying that was ended may be removing its files itself
        return not leftovers(data_directory) and not tablespaces.leftovers(placements, data_directory)

    if not wait_until(gone, seconds=10):
        raise CoordinatorError(f"{staging}, left by an earlier attempt, cannot be removed: remove it")


def progress(data_directory: str, desired: Desired, brake: Brake | None = None) -> work.Progress:
    """How far a copy has come: what is staged by now, of what was counted on the primary; the WAL comes last, and nobody knows how much.

    :param brake: what slows it down, if anything does.
    """
    staging = staging_directory(data_directory)
    paused = brake.paused if brake else 0.0
    fetched = used_bytes(os.path.realpath(wal_directory(staging)))
    if fetched:
        return work.Progress("fetching WAL", fetched, 0, paused)
    parts = [tablespaces.staging_place(placement.place, data_directory) for placement in desired.tablespaces]
    return work.Progress("copying", used_bytes(staging) + sum(map(used_bytes, parts)), desired.in_all, paused)


def copy(host: Host, data_directory: str, arguments: t.Sequence[str]) -> dict[str, int]:
    """Make the copy in the staging directories; returns the bytes that were copied, and that it has.

    :param arguments: of ``pg_basebackup``.
    """
    staging = staging_directory(data_directory)
    host.run("pg_basebackup", *arguments, long=True)
    parts = (part.bytes or 0 for part in tablespaces.read_tablespaces(staging, size=True))
    wal = wal_link.of_copy(staging)
    in_all = used_bytes(staging) + sum(parts) + (used_bytes(wal) if wal else 0)
    return {"bytes_copied": in_all, "bytes": in_all}


def swap_in(host: Host, data_directory: str, placements: t.Sequence[tablespaces.Placement]) -> None:
    """Put the finished copy in its place. It is marked as a standby before: it never could come up as a primary."""
    staging = staging_directory(data_directory)
    host.write(os.path.join(staging, "standby.signal"), "", file_mode(staging))
    if not os.path.islink(os.path.join(staging, "log")):
        os.makedirs(os.path.join(staging, "log"), mode=0o700, exist_ok=True)
    os.chmod(staging, stat.S_IMODE(os.stat(staging).st_mode) & 0o750)  # the engine accepts no more; a group's access comes from the primary
    tablespaces.swap_in(placements, data_directory, staging)
    wal_link.swap_in(staging)
    rename(staging, os.path.realpath(data_directory))


def cleaning(
    action: t.Callable[..., t.Mapping[str, t.Any] | None], data_directory: str, placements: t.Sequence[tablespaces.Placement]
) -> t.Callable[..., t.Mapping[str, t.Any] | None]:
    """A step between the copy and its place, that leaves nothing of the copy where it fails."""

    def clean(**arguments: t.Any) -> t.Mapping[str, t.Any] | None:
        try:
            return action(**arguments)
        except BaseException as error:
            remove_leftover(data_directory, placements)
            if isinstance(error, OSError):
                raise CoordinatorError(f"the copy for {data_directory} was removed again: {error}") from error
            raise

    return clean


#: what is said where there is no room
_FULL = re.compile(r"No space left|Disk quota exceeded")


def keeping(
    action: t.Callable[..., t.Mapping[str, t.Any] | None], data_directory: str, desired: Desired
) -> t.Callable[..., t.Mapping[str, t.Any] | None]:
    """The copying, that leaves what the next one goes on from where it is cut off, unless that is little, or there is no room."""

    def keep(**arguments: t.Any) -> t.Mapping[str, t.Any] | None:
        try:
            return action(**arguments)
        except BaseException as error:
            message = getattr(error, "message", str(error))
            left = 0 if _FULL.search(message) else staged_bytes(data_directory)
            if is_worth(left, desired.bytes):
                take_up(data_directory)
                what = f"what was copied, {left >> 20} MiB, stays in {staging_directory(data_directory)}: the next run goes on from there"
            else:
                what = ""
                remove_leftover(data_directory, desired.tablespaces)
            if isinstance(error, OSError):
                raise CoordinatorError(f"the copy for {data_directory} failed: {error}; {what or 'it was removed again'}") from error
            if what and isinstance(error, (CoordinatorError, work.Cancelled)):
                error.message = f"{message}; {what}"
            raise

    return keep


def actions(host: Host, data_directory: str, upstream: Upstream, password: str | None, dbid: int, desired: Desired) -> Actions:
    """What carries out the steps of a plan.

    :param password: to be kept for the primary, None to keep what is there.
    :param dbid: number under which the standby is registered.
    """

    staging = staging_directory(data_directory)

    def copy_all(brake: Brake | None) -> dict[str, t.Any]:
        arguments = base_backup_arguments(upstream, staging, dbid, desired, wal_for_copy(data_directory))
        arguments += tablespaces.mapping_arguments(desired.tablespaces, data_directory)
        with work.measured(lambda: progress(data_directory, desired, brake)):
            return {"method": BASEBACKUP, **copy(host, data_directory, arguments)}

    def copy_changed(brake: Brake | None, seed: str | None, reason: str | None) -> dict[str, t.Any]:
        try:
            done = bring_in_step(host, upstream, data_directory, dbid, desired, seed, wal_for_copy(data_directory), brake)
        except Unavailable as error:
            remove_leftover(data_directory, desired.tablespaces)
            return {**copy_all(brake), "reason": f"blocks could not be compared: {error.message}"}
        return {"method": CHANGED_BLOCKS, **({"reason": reason} if reason else {}), **done}

    def make_copy(**there: str | None) -> dict[str, t.Any]:
        """Make the copy, with what is there already, as of :func:`snapshot.way`."""
        with braking(upstream, desired.max_latency) as brake:
            done = copy_changed(brake, **there) if there else copy_all(brake)
        rewind_access.leave_out(host, staging)
        return {**done, **({"latency": brake.told()} if brake else {})}

    return {
        "remove_leftover": lambda: remove_leftover(data_directory, desired.tablespaces),
        "write_password": lambda: upstream.write_password(host, password),
        "take_up": lambda: take_up(data_directory),
        "copy": keeping(make_copy, data_directory, desired),
        "swap_in": cleaning(lambda: swap_in(host, data_directory, desired.tablespaces), data_directory, desired.tablespaces),
    }
