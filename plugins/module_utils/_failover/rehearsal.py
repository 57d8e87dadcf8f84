# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""A copy of a standby that is made to be activated and thrown away, while the standby goes on.

It is made as a base backup from a standby is (``do_pg_start_backup`` in xlog.c): first the files, from which recovery begins at the restart
point that the standby had before; then the control file, which says up to where these must be recovered; then the WAL up to there. Pages
that were half written meanwhile come whole out of the WAL, which has them in full.

It is closed: its own configuration leaves it nothing to follow, to restore from or to archive to, and no port to listen at; and it is
started in utility mode, in which the engine looks for no segments, and refuses whoever would have it do so, or lets no session out of that
mode, as its version has it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import os
import shutil
import stat
import time
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import aside
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import OWN, Host, free_bytes, read_text, used_bytes
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import WAL_FILE, Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Step
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.processes import connected_ports, listening
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import instance, wal
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.configuration import change_settings
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.control_data import ControlData, read_control
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import Instance, wait_until
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.tablespaces import link_targets
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.timeline import HISTORY_FILE
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import start_block
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.promotion import Promotion

#: in a directory of such a copy, from its beginning to its end
_MARK = f"{OWN}drill"

#: bytes that a path of a Unix-domain socket may have, less its name
_LONGEST_DIRECTORY = 85

#: seconds that the copy has to end by itself
_END = 5.0

#: of the ioctl that makes a file share its blocks with another one, where the file system can
_FICLONE = 0x40049409

#: directories of which the content is made anew, or comes otherwise
_EMPTIED = frozenset(
    ("log", "pg_dynshmem", "pg_log", "pg_notify", "pg_replslot", "pg_serial", "pg_snapshots", "pg_stat_tmp", "pg_subtrans", "pg_wal")
)
_LEFT_OUT = frozenset(("postmaster.pid", "postmaster.opts", "backup_label", "tablespace_map", "promote"))
_CONTROL = os.path.join("global", "pg_control")

#: what the copy has in any case; a setting with nothing is one that would lead out of it
_CLOSED = {
    "listen_addresses": "",
    "ssl": "off",
    "primary_conninfo": "",
    "primary_slot_name": "",
    "restore_command": "",
    "archive_mode": "off",
    "archive_cleanup_command": "",
    "recovery_end_command": "",
    "external_pid_file": "",
    "hot_standby": "off",
    "log_directory": "log",
}


@dataclasses.dataclass(frozen=True)
class Ground:
    """A standby, and the place of its copy.

    :param standby: the standby.
    :param directory: where the copy is, or is to be.
    :param copy: the copy there; one without its mark is none of ours.
    :param marked: whether it has its mark.
    :param running: whether processes of the engine work in it.
    :param needed: bytes that a copy takes.
    :param free: bytes that are free for it.
    :param tablespaces: where tablespaces of the standby are, which a copy would share with it.
    :param torn: whether pages may come torn out of a copy, for the primary does not write them in full.
    """

    standby: Instance
    directory: str
    copy: Instance
    marked: bool
    running: bool
    needed: int = 0
    free: int = 0
    tablespaces: tuple[str, ...] = ()
    torn: bool = False


def observe(host: Host, data_directory: str, directory: str, size: bool = False) -> Ground:
    """Observe the standby, and the place of its copy.

    :param size: whether to look at what a copy takes.
    :raises CoordinatorError: this user may not.
    """
    standby = instance.read_instance(host, data_directory)
    found = Ground(
        standby=standby,
        directory=os.path.normpath(directory),
        copy=instance.read_instance(host, directory),
        marked=os.path.exists(os.path.join(directory, _MARK)),
        running=bool(start_block.left(directory)),
    )
    if not size or standby.directory_state != "instance":
        return found
    place = os.path.dirname(found.directory)
    if not os.path.isdir(place):
        raise CoordinatorError(f"{place} is not there: give a drill_directory whose parent is a directory of this host")
    return dataclasses.replace(
        found,
        needed=used_bytes(standby.data_directory, _EMPTIED) + used_bytes(wal.wal_directory(standby.data_directory)),
        free=free_bytes(place),
        tablespaces=tuple(link_targets(standby.data_directory)),
        torn="full_page_writes:off" in host.run("pg_controldata", standby.data_directory).replace(" ", ""),
    )


def plan_copy(found: Ground) -> list[Step]:
    """The steps after which there is a copy; one that a run left is removed before.

    :raises CoordinatorError: it cannot be made; nothing was touched.
    """
    standby, directory = found.standby, found.directory
    where = standby.data_directory
    if standby.directory_state != "instance" or standby.role != "standby" or standby.postmaster is None:
        raise CoordinatorError(f"{where} holds no standby that runs, and cannot be copied for a drill: run status")
    if standby.control is None or standby.control.state != "in archive recovery":
        raise CoordinatorError(f"the standby in {where} has no restart point yet that a copy could begin with: run this again in a while")
    if found.tablespaces:
        listed = ", ".join(found.tablespaces)
        raise CoordinatorError(f"the standby in {where} has tablespaces, which a copy would share with it: {listed}. Rehearse a switchover")
    if found.torn:
        raise CoordinatorError("the primary has full_page_writes=off, without which a copy of what runs cannot be trusted: set it on")
    if found.copy.directory_state not in ("absent", "empty") and not found.marked:
        raise CoordinatorError(f"{directory} holds something that no drill left there: give another drill_directory, or remove it")
    if os.path.commonpath([os.path.realpath(directory), os.path.realpath(where)]) == os.path.realpath(where):
        raise CoordinatorError(f"drill_directory, {directory}, lies in the data directory {where}: give another one")
    if len(directory.encode()) > _LONGEST_DIRECTORY:
        raise CoordinatorError(
            f"{directory} has more than {_LONGEST_DIRECTORY} bytes, too many for the socket in it: give a shorter drill_directory"
        )
    needed = found.needed + found.needed // 20
    if found.free < needed:
        raise CoordinatorError(
            f"a copy of {where} takes {needed >> 20} MiB, with a twentieth to spare, and {found.free >> 20} MiB are free for {directory}: "
            "make room, or give a drill_directory elsewhere"
        )
    return [*plan_removal(found), Step("copy_files")]


def plan_activation(found: Ground) -> list[Step]:
    """The steps after which the copy was activated and has been seen to be closed.

    :raises CoordinatorError: there is no copy.
    """
    if not found.marked or found.running:
        raise CoordinatorError(f"{found.directory} holds no copy that could be activated")
    return [Step(name) for name in ("take_wal", "start", "replay", "promote", "first_write", "see_closed")]


def plan_removal(found: Ground) -> list[Step]:
    """The steps after which nothing is left of a copy."""
    if not found.marked:
        return []
    return [*([Step("stop_copy")] if found.running else []), Step("remove_copy")]


class Rehearsal:
    """The steps, carried out.

    :param host: this host.
    :param found: the standby, and the place of its copy.
    :param timeout: seconds for each thing that is waited for.
    """

    def __init__(self, host: Host, found: Ground, timeout: float) -> None:
        self._host = host
        self._source = found.standby.data_directory
        self._directory = found.directory
        self._port = t.cast(int, found.standby.port)
        self._dbid = found.standby.dbid
        self._timeout = timeout
        self._promotion = Promotion(host, found.directory, self._port, timeout, self._settings)
        self._end = Lsn(0)
        self._told = 0.0

    @property
    def _settings(self) -> dict[str, str]:
        own = {"unix_socket_directories": self._directory, "data_directory": self._directory, "gp_role": "utility"}
        return {**_CLOSED, **own}

    def copy_files(self) -> dict[str, t.Any]:
        """Copy the files of the standby, but the control file, and the WAL that it has now: later it may have less.

        :raises CoordinatorError: it cannot be read, or there is no room.
        """
        control = read_control(self._host, self._source)
        try:
            os.makedirs(self._directory, mode=0o700, exist_ok=True)
            os.chmod(self._directory, 0o700)
            self._host.write(self._path(_MARK), _label(control), 0o600)
            size = self._copy_tree()
            os.makedirs(self._path("pg_wal", "archive_status"), mode=0o700, exist_ok=True)
            size += self._copy_wal(Lsn.parse(control.redo))
        except OSError as error:
            raise CoordinatorError(f"{self._source} cannot be copied to {self._directory}: {error}") from error
        return {"bytes": size}

    def _path(self, *names: str) -> str:
        return os.path.join(self._directory, *names)

    def _copy_tree(self) -> int:
        """Copy all but what comes later, or is made anew; returns how many bytes that are."""
        size = 0
        for top, directories, files in os.walk(self._source, followlinks=True):
            relative = os.path.relpath(top, self._source)
            for name in directories:
                os.makedirs(self._path(relative, name), mode=0o700, exist_ok=True)
            outermost = relative == os.curdir
            directories[:] = [
                name for name in directories if not name.startswith((OWN, "pgsql_tmp")) and not (outermost and name in _EMPTIED)
            ]
            left_out = _LEFT_OUT if outermost else frozenset()
            for name in files:
                source = os.path.join(top, name)
                if name in left_out or name.startswith(OWN) or os.path.relpath(source, self._source) == _CONTROL:
                    continue
                with contextlib.suppress(FileNotFoundError):  # it went just now, which the WAL tells
                    size += _double(source, self._path(relative, name))
        return size

    def _copy_wal(self, start: Lsn) -> int:
        """Copy the WAL from a position on, as far as the copy has it not as it is; returns how many bytes that are."""
        directory, end = wal.wal_directory(self._source), wal.end_of_wal(self._source)
        if end is None:
            raise CoordinatorError(f"the standby in {self._source} has no WAL that can be read: run status")
        first, last = (Lsn.wal_file(position, 1, end.segment.size)[8:] for position in (start, end.position))
        size = 0
        for name in sorted(os.listdir(directory)):
            if HISTORY_FILE.fullmatch(name) or (WAL_FILE.fullmatch(name) and first <= name[8:] <= last):
                source, target = os.path.join(directory, name), self._path("pg_wal", name)
                with contextlib.suppress(FileNotFoundError):
                    if not _is_same(source, target):
                        size += _double(source, target)
        return size

    def take_wal(self) -> dict[str, t.Any]:
        """Copy the control file, then the WAL that the standby has by now: what an activation would go by.

        :raises CoordinatorError: the standby has removed meanwhile what the copy needs.
        """
        label = read_text(self._path(_MARK)) or ""
        start = Lsn.parse(label.split()[3])
        try:
            _double(os.path.join(self._source, _CONTROL), self._path(_CONTROL))
            self._copy_wal(start)
        except OSError as error:
            raise CoordinatorError(f"the WAL of {self._source} cannot be copied to {self._directory}: {error}") from error
        end = wal.end_of_wal(self._directory)
        there = {name[8:] for name in os.listdir(self._path("pg_wal")) if WAL_FILE.fullmatch(name)}
        missing = "all"
        if end is not None:
            step = end.segment.size
            numbers = range(start.position // step, (end.position.position - 1) // step + 1)
            names = [Lsn(number * step).wal_file(1, step)[8:] for number in numbers]
            missing = ", ".join(name for name in names if name not in there)
        if end is None or missing:
            raise CoordinatorError(
                f"the standby in {self._source} removed WAL, while it was copied, that the copy needs ({missing}): run this again when "
                "less is written"
            )
        self._host.write(self._path("backup_label"), label, 0o600)
        auto = self._path("postgresql.auto.conf")
        kept = {name: value for name, value in self._settings.items() if name not in ("data_directory", "gp_role")}
        self._host.write(auto, change_settings(read_text(auto) or "", kept), 0o600)
        self._end = end.position
        return {"end_lsn": str(end.position), "end_timeline": end.timeline}

    def start(self) -> None:
        """Start the copy; it ends when that is in recovery."""
        instance.start(self._host, self._directory, self._port, self._settings)

    def replay(self) -> None:
        """Wait until it has replayed all that it has, as a standby has.

        :raises CoordinatorError: it has not within the time.
        """
        self._promotion.wait_replayed(str(self._end))

    def promote(self) -> None:
        """Promote it, as an activation does."""
        self._told = time.monotonic()
        self._promotion.promote()

    def first_write(self) -> dict[str, t.Any]:
        """Write through it, and read its catalog.

        :returns: seconds from the order to promote to the acknowledgement, and its positions.
        :raises CoordinatorError: it does not answer, or is no primary by its catalog.
        """
        heard: list[str] = []

        def written() -> bool:
            try:
                with self._promotion.utility() as open_connection:
                    open_connection.value("SELECT pg_logical_emit_message(true, 'warehousepg.coordinator', 'drill')")
                return True
            except CoordinatorError as error:
                heard[:] = [error.message]
                return False

        if not wait_until(written, self._timeout, 0.03):
            raise CoordinatorError(f"the copy in {self._directory} was promoted, but takes no write: {heard[0]}")
        seconds = round(time.monotonic() - self._told, 3)
        return {"rto_s": seconds, **self._promotion.check_catalog(self._dbid)}

    def see_closed(self) -> dict[str, t.Any]:
        """See that it reaches nobody, nor anybody it.

        :raises CoordinatorError: it listens, is connected, or lets a session in that would dispatch.
        """
        pids = [process.pid for process in start_block.left(self._directory)]
        ports = sorted({port for pid in pids for port in connected_ports(pid) or ()})
        heard = [address for pid in pids for address in listening(pid) or ()]
        refusal = self._promotion.refusal()
        said = refusal or f"welcome, in {self._promotion.mode()} mode"
        if ports or heard or "utility mode" not in said:
            raise CoordinatorError(
                f"the copy in {self._directory} is not closed: it listens at {heard or 'nothing'}, has connections at the ports "
                f"{ports or 'none'}, and says to a session that would dispatch: {said}"
            )
        return {"closed": said}

    def stop_copy(self) -> None:
        """Stop it at once: nothing of it is needed any more.

        :raises CoordinatorError: something of it does not end.
        """
        start_block.end(self._directory, _END)

    def remove_copy(self) -> None:
        """Remove it; its mark goes last, so that what is left of one is known as such."""
        for name in sorted(os.listdir(self._directory)):
            if name != _MARK:
                aside.remove_tree(self._path(name))
        aside.remove_tree(self._directory)

    @property
    def actions(self) -> dict[str, t.Callable[..., t.Any]]:
        """The actions of all plans."""
        names = ("copy_files", "take_wal", "start", "replay", "promote", "first_write", "see_closed", "stop_copy", "remove_copy")
        return {name: getattr(self, name) for name in names}


def _label(control: ControlData) -> str:
    """The ``backup_label`` of a copy that was begun when the control file was so."""
    redo = Lsn.parse(control.redo)
    return (
        f"START WAL LOCATION: {redo} (file {redo.wal_file(control.timeline, control.segment_bytes)})\n"
        f"CHECKPOINT LOCATION: {control.checkpoint}\n"
        "BACKUP METHOD: streamed\n"
        "BACKUP FROM: standby\n"
        f"START TIME: {time.strftime('%Y-%m-%d %H:%M:%S UTC', time.gmtime())}\n"
        "LABEL: drill of warehousepg.coordinator\n"
        f"START TIMELINE: {control.timeline}\n"
    )


def _is_same(source: str, target: str) -> bool:
    """Whether a file was not written to since it was copied."""
    try:
        one, other = os.stat(source), os.stat(target)
    except FileNotFoundError:
        return False
    return (one.st_size, one.st_mtime_ns) == (other.st_size, other.st_mtime_ns)


def _double(source: str, target: str) -> int:
    """Copy a file, sharing its blocks where the file system can; returns how many bytes it has."""
    with open(source, "rb") as old, open(target, "wb") as new:
        seen = os.fstat(old.fileno())
        try:
            fcntl.ioctl(new.fileno(), _FICLONE, old.fileno())
        except OSError:
            shutil.copyfileobj(old, new, 1 << 20)
        os.fchmod(new.fileno(), stat.S_IMODE(seen.st_mode))
    os.utime(target, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    return seen.st_size
