# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""A coordinator or segment instance: its data directory, and how it is started, stopped and reloaded."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import shlex
import signal
import stat
import time
import types
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import border
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.border import Name, Path, Port, Positive
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import (
    ARRIVING,
    LOST_AND_FOUND,
    OWN,
    Host,
    is_mount,
    newest_first,
    read_text,
    unreadable,
    user_name,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.processes import Process
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.configuration import read_settings, start_block_of
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.control_data import ControlData, read_control
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.postmaster import Postmaster, read_postmaster, running_file

#: seconds that the engine's own utilities give an instance to start, stop or promote (``pg_ctl -t``)
PATIENCE = 600

#: how many names of many are told
NAMED = 5

#: files and directories without which no instance starts (those that ``initdb`` makes), as far as nothing makes them anew
_ESSENTIAL = (
    "base",
    "base/1",
    "global/pg_control",
    "global/pg_filenode.map",
    "pg_commit_ts",
    "pg_dynshmem",
    "pg_hba.conf",
    "pg_logical",
    "pg_logical/mappings",
    "pg_logical/snapshots",
    "pg_multixact",
    "pg_multixact/members",
    "pg_multixact/offsets",
    "pg_notify",
    "pg_replslot",
    "pg_serial",
    "pg_snapshots",
    "pg_stat",
    "pg_subtrans",
    "pg_tblspc",
    "pg_twophase",
    "pg_wal",
    "pg_xact",
    "postgresql.conf",
)


DirectoryState = t.Literal["absent", "empty", "instance", "other"]
Role = t.Literal["primary", "standby"]


@dataclasses.dataclass(frozen=True)
class Instance:
    """A data directory and what runs on it.

    :param data_directory: its path, symbolic links as given.
    :param directory_state: ``absent``, ``empty``, ``instance``, or ``other`` when something else is there.
    :param owner: user that owns it.
    :param role: ``primary`` or ``standby``, as its files say: it is a standby while ``standby.signal`` is there.
    :param major: major version that it was made by, content of ``PG_VERSION``.
    :param dbid: ``gp_dbid`` of ``internal.auto.conf``.
    :param port: port it is configured for.
    :param settings: the settings that ALTER SYSTEM and this collection keep in ``postgresql.auto.conf``.
    :param control: what ``pg_controldata`` tells.
    :param postmaster: the running instance, None when it is stopped.
    :param start_block: name of the include that keeps it from starting, None without one.
    :param names: what is there instead of an instance.
    """

    data_directory: Path
    directory_state: DirectoryState
    owner: str | None = None
    role: Role | None = None
    major: str | None = None
    dbid: Positive | None = None
    port: Port | None = None
    settings: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    control: ControlData | None = None
    postmaster: Postmaster | None = None
    start_block: Name | None = None
    names: tuple[str, ...] = ()


def _directory_state(directory: str) -> tuple[DirectoryState, tuple[str, ...]]:
    """What a directory holds, and the names of what is there instead of an instance.

    What this collection has within one that is a mount point does not count, nor what a file system has in its root.
    """
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return "absent", ()
    except NotADirectoryError:
        return "other", (os.path.basename(directory),)
    except PermissionError as error:
        raise unreadable(directory, error) from error
    if "PG_VERSION" in names and "global" in names:
        return "instance", ()
    mount = is_mount(directory)
    others = sorted(name for name in names if not name.startswith(OWN) and not (mount and name == LOST_AND_FOUND))
    if not others or (mount and "PG_VERSION" not in names and _WORK & set(names)):
        return "empty", ()  # in the latter case a part of what is being brought there
    return "other", tuple(others)


#: work on a data directory that is a mount point, of which a part may be in it: a copy that comes
_WORK = frozenset({f"{OWN}snapshot{ARRIVING}"})


def lacking(data_directory: str) -> tuple[str, ...]:
    """Files and directories that an instance cannot be without, and that are missing; of a missing directory not what would be in it."""
    missing = [name for name in _ESSENTIAL if not os.path.exists(os.path.join(data_directory, name))]
    return tuple(name for name in missing if os.path.dirname(name) not in missing)


def file_mode(data_directory: str) -> int:
    """The mode that the engine gives to files in a data directory: readable by the group where the directory is."""
    return 0o640 if os.stat(data_directory).st_mode & stat.S_IRGRP else 0o600


def read_instance(host: Host, data_directory: str) -> Instance:
    """Observe an instance; whatever state it is in is no error.

    :raises CoordinatorError: the directory cannot be read by this user.
    """
    data_directory = os.path.normpath(data_directory)
    directory_state, names = _directory_state(data_directory)
    if directory_state == "absent":
        return Instance(data_directory, directory_state)
    owner = user_name(os.stat(data_directory).st_uid)
    if directory_state != "instance":
        return Instance(data_directory, directory_state, owner, names=names[:NAMED])

    def text(name: str) -> str:
        return read_text(os.path.join(data_directory, name)) or ""

    settings = read_settings(text("postgresql.auto.conf"))
    dbid = read_settings(text("internal.auto.conf")).get("gp_dbid", "")
    postmaster = read_postmaster(data_directory)
    read_text(os.path.join(data_directory, "global", "pg_control"))  # what cannot be read is not damaged
    try:
        control: ControlData | None = read_control(host, data_directory)
    except CoordinatorError:
        control = None  # a damaged or start-blocked directory is an observation, not a failure
    configuration = text("postgresql.conf")
    port = {**read_settings(configuration), **settings}.get("port", "")
    return Instance(
        data_directory=data_directory,
        directory_state=directory_state,
        owner=owner,
        role="standby" if os.path.exists(os.path.join(data_directory, "standby.signal")) else "primary",
        major=text("PG_VERSION").strip(),
        dbid=border.digits(dbid) or None,
        port=postmaster.port if postmaster and postmaster.port else border.port_in(port),
        settings=settings,
        control=control,
        postmaster=postmaster,
        start_block=start_block_of(configuration),
    )


@dataclasses.dataclass(frozen=True)
class SegmentProcess:
    """A segment instance that runs on this host.

    :param data_directory: its data directory.
    :param port: its port.
    """

    data_directory: Path
    port: Port


def running_segments(running: t.Iterable[Process]) -> list[SegmentProcess]:
    """The segment instances among the processes: the engine starts them with ``gp_role=execute``."""
    found = []
    for process in running:
        command = process.command
        if not command[0].endswith("postgres") or "gp_role=execute" not in command:
            continue
        try:
            # anybody can give a process of theirs such a command
            directory, port = command[command.index("-D") + 1], int(command[command.index("-p") + 1])
            found.append(SegmentProcess(border.path(directory), border.port(port)))
        except (ValueError, IndexError):
            continue
    return sorted(found, key=lambda segment: segment.port)


def start(host: Host, data_directory: str, port: int, settings: t.Mapping[str, str] = types.MappingProxyType({})) -> None:
    """Start a coordinator instance, primary or standby, as the engine's utilities do; ends when it is up.

    :param settings: what it is to have otherwise than its files say, until it is stopped.
    :raises CoordinatorError: it did not start; the end of its log is in the message.
    """
    startup_log = os.path.join(data_directory, "log", "startup.log")
    os.makedirs(os.path.dirname(startup_log), mode=0o700, exist_ok=True)
    own = {"gp_role": "dispatch", **settings}
    options = " ".join([f"-p {port}", *(f"-c {shlex.quote(f'{name}={value}')}" for name, value in own.items())])
    try:
        host.run("pg_ctl", "-D", data_directory, "-l", startup_log, "-t", str(PATIENCE), "-w", "-o", options, "start", login=True)
    except CoordinatorError as error:
        raise CoordinatorError(
            f"the instance in {data_directory} did not start: {recent_errors(data_directory) or error.message}", **error.data
        ) from error


def stop(host: Host, data_directory: str, mode: str = "fast") -> None:
    """Stop an instance; ends when it is down.

    :param mode: shutdown mode of ``pg_ctl``: ``smart``, ``fast``, ``immediate``.
    """
    host.run("pg_ctl", "-D", data_directory, "-t", str(PATIENCE), "-w", "-m", mode, "stop")


def reload(data_directory: str) -> None:
    """Let a running instance read its configuration again; a stopped one reads it when it starts.

    :raises CoordinatorError: this user cannot see what runs.
    """
    file = running_file(data_directory)
    if file is not None:
        with contextlib.suppress(ProcessLookupError):  # it ended just now
            os.kill(file.pid, signal.SIGHUP)


#: what a log has of each client that an instance which does not serve turned away, us among them
_TOLD_CLIENTS = "the database system is"


def recent_errors(data_directory: str, newer_than: float = 0.0, lines: int = 3) -> str:
    """The last errors that an instance wrote to its log, oldest first.

    :param newer_than: modification time, in seconds since the epoch, before which a log file does not count; one that cannot be read
        does not either.
    :param lines: how many at most.
    """
    found: list[str] = []
    for log in reversed(newest_first((os.path.join(data_directory, name) for name in ("log", "pg_log")), newer_than)):
        try:
            with open(log, "rb") as file:
                file.seek(max(0, os.path.getsize(log) - 65536))
                tail = file.read().decode("utf-8", errors="replace").splitlines()
        except OSError:  # it may not be read, or is gone meanwhile
            continue
        found += [line.strip() for line in tail if re.search(r"\b(FATAL|PANIC|ERROR)\b", line) and _TOLD_CLIENTS not in line]
    return " | ".join(found[-lines:])


def wait_until(condition: t.Callable[[], bool], seconds: float, pause: float = 0.05) -> bool:
    """Wait until something is so.

    :param seconds: how long at most.
    :param pause: seconds between two looks.
    :returns: whether it became so.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(pause)
    return True
