# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""The process of an instance: what postmaster.pid names, and whether that runs."""

from __future__ import annotations

import dataclasses
import os
import re
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.border import Port, Position, digits, port_in
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import read_text, user_name
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.processes import (
    Process,
    has_connection,
    processes,
    read_process,
)

#: the kernel has no process with a larger number
_LAST_PROCESS = (1 << 31) - 1


@dataclasses.dataclass(frozen=True)
class PostmasterFile:
    """What ``postmaster.pid`` tells.

    :param pid: process identifier of the postmaster.
    :param port: its port, None while it starts.
    :param socket_directory: directory of its Unix-domain socket.
    :param status: ``starting``, ``stopping``, ``ready``, ``standby``; ``dtmready`` for a coordinator that accepts work.
    """

    pid: int
    port: int | None
    socket_directory: str | None
    status: str | None


def parse_postmaster_file(text: str) -> PostmasterFile | None:
    """Read ``postmaster.pid``; None when it does not even name a process."""
    lines = [line.strip() for line in text.split("\n")] + [""] * 8
    pid = digits(lines[0].lstrip("-"))
    if not pid or pid > _LAST_PROCESS:
        return None
    return PostmasterFile(
        pid=pid,
        port=port_in(lines[3]),
        socket_directory=lines[4] or None,
        status=lines[7] or None,
    )


@dataclasses.dataclass(frozen=True)
class Postmaster:
    """A running instance.

    :param pid: process identifier of the postmaster.
    :param port: its port.
    :param socket_directory: directory of its Unix-domain socket.
    :param status: as in ``postmaster.pid``.
    :param suspended: whether one of its vital processes is stopped by a signal.
    :param connected: whether a walreceiver holds a connection to the primary; None when another user's cannot be seen into.
    :param received: LSN up to which the walreceiver says it received; it says so only after the first WAL came.
    """

    pid: int
    port: Port | None
    socket_directory: str | None
    status: str | None
    suspended: bool
    connected: bool | None
    received: Position | None


_VITAL = re.compile(r"\b(walreceiver|wal receiver|startup|walsender|wal sender)\b")


_WALRECEIVER = re.compile(r"\b(?:walreceiver|wal receiver)\b(?:.*\bstreaming ([0-9A-F]+/[0-9A-F]+))?")


def describe_postmaster(
    file: PostmasterFile, running: t.Iterable[Process], is_connected: t.Callable[[int], bool | None]
) -> Postmaster | None:
    """The running instance that ``postmaster.pid`` names; None when its process is gone.

    :param running: the processes of the host.
    :param is_connected: tells of a process whether it holds a connection, None when that cannot be seen.
    """
    family = [process for process in running if file.pid in (process.pid, process.parent) and process.state != "Z"]
    if not any(process.pid == file.pid for process in family):
        return None
    titles = [(" ".join(process.command), process) for process in family]
    vital = [process for title, process in titles if process.pid == file.pid or _VITAL.search(title)]
    receivers = [(match, process) for match, process in ((_WALRECEIVER.search(title), process) for title, process in titles) if match]
    looks = [(is_connected(process.pid), match.group(1)) for match, process in receivers]
    seen = [True if look is None and streaming else look for look, streaming in looks]
    return Postmaster(
        pid=file.pid,
        port=file.port,
        socket_directory=file.socket_directory,
        status=file.status,
        suspended=any(process.state in "Tt" for process in vital),
        connected=True if True in seen else None if None in seen else False,
        received=next((streaming for dummy, streaming in looks), None),
    )


def _is_instance_process(pid: int, directory: str) -> bool:
    """Whether a process that has the number of a postmaster is that postmaster: it works in its data directory.

    Where another user's process works is not shown; its command line is, and names the directory.

    :raises CoordinatorError: neither can be seen.
    """
    try:
        return os.path.samefile(f"/proc/{pid}/cwd", directory)
    except PermissionError:
        process = read_process(pid)
        named = named_directory(process.command) if process else None
    except OSError:
        if read_process(pid) or not _is_hidden(pid):
            return False
        named = None
    if named is None:
        raise CoordinatorError(
            f"postmaster.pid in {directory} names the process {pid}, of which {user_name(os.getuid())} cannot see what it is: "
            "mount /proc without hidepid for this user, or run as the owner of the instance"
        )
    return named != "" and os.path.realpath(named) == os.path.realpath(directory)


def named_directory(command: t.Sequence[str]) -> str | None:
    """The data directory that a command line of ``postgres`` names; empty for another program, None when it names none."""
    if os.path.basename(command[0]) not in ("postgres", "postmaster"):
        return ""
    directories = [word for option, word in zip(command, command[1:]) if option == "-D"]
    return directories[-1] if directories and os.path.isabs(directories[-1]) else None


def _is_hidden(pid: int) -> bool:
    """Whether a process is there that ``/proc`` does not show to this user."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except OSError:
        pass
    return False


def read_postmaster_file(data_directory: str) -> PostmasterFile | None:
    """What the ``postmaster.pid`` of a data directory says, also one that was left behind."""
    return parse_postmaster_file(read_text(os.path.join(data_directory, "postmaster.pid")) or "")


def running_file(data_directory: str) -> PostmasterFile | None:
    """What ``postmaster.pid`` says, None when nothing runs on the data directory.

    :raises CoordinatorError: this user cannot see what runs.
    """
    file = read_postmaster_file(data_directory)
    return file if file is not None and _is_instance_process(file.pid, data_directory) else None


def read_postmaster(data_directory: str) -> Postmaster | None:
    """Observe what runs on a data directory; None when nothing does.

    :raises CoordinatorError: this user cannot see what runs.
    """
    file = running_file(data_directory)
    return describe_postmaster(file, processes(), has_connection) if file is not None else None
