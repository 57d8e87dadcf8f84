# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""The processes of this host, and the TCP connections that they hold."""

from __future__ import annotations

import contextlib
import dataclasses
import glob
import ipaddress
import os
import sys

#: states of a connection in /proc/net/tcp
_ESTABLISHED, _LISTENING = "01", "0A"


@dataclasses.dataclass(frozen=True)
class Process:
    """A process as the kernel lists it.

    :param pid: process identifier.
    :param parent: process identifier of its parent.
    :param state: the kernel's letter: ``R`` running, ``S`` sleeping, ``T`` stopped, ``Z`` dead …
    :param command: its command line; for the engine's children the title that they set.
    """

    pid: int
    parent: int
    state: str
    command: tuple[str, ...]


def processes() -> list[Process]:
    """All processes of the host that can be read."""
    seen = (read_process(int(path.split("/")[2])) for path in glob.glob("/proc/[0-9]*/stat"))
    return [process for process in seen if process is not None]


def descendants(pid: int) -> list[int]:
    """Identifiers of the processes that a process began, and of those that these did."""
    children: dict[int, list[int]] = {}
    for process in processes():
        children.setdefault(process.parent, []).append(process.pid)
    found, left = [], [pid]
    while left:
        began = children.get(left.pop(), [])
        found += began
        left += began
    return found


def read_process(pid: int) -> Process | None:
    """One process of the host; None when there is none, or it cannot be read."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
            # the second field, the name in parentheses, may hold anything
            state, parent = stat.read().rpartition(")")[2].split()[:2]
        with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as cmdline:
            command = tuple(cmdline.read().rstrip("\0 ").split("\0"))
    except OSError:
        return None
    return Process(pid, int(parent), state, command)


def open_files(pid: int) -> set[str]:
    """What a process has open: paths of files, and what the kernel names the rest by, as ``socket:[1234]``.

    :raises OSError: it is another user's, or gone.
    """
    found = set()
    for name in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(OSError):  # it was closed just now
            found.add(os.readlink(f"/proc/{pid}/fd/{name}"))
    return found


def has_connection(pid: int) -> bool | None:
    """Whether a process holds an established TCP connection; None when it is another user's, of whom that cannot be seen."""
    ports = connected_ports(pid)
    return None if ports is None else bool(ports)


def connected_ports(pid: int) -> frozenset[int] | None:
    """Ports of this host that the established TCP connections of a process use; None when it is another user's."""
    rows = _own_sockets(pid, _ESTABLISHED)
    return None if rows is None else frozenset(port for _address, port in rows)


def listening(pid: int) -> list[str] | None:
    """Numeric addresses at which a process listens over TCP, ``0.0.0.0`` and ``::`` for all; None when it is another user's, or gone."""
    rows = _own_sockets(pid, _LISTENING)
    return None if rows is None or not os.path.exists(f"/proc/{pid}") else sorted({address for address, _port in rows})


def _own_sockets(pid: int, state: str) -> list[tuple[str, int]] | None:
    """Local address and port of the TCP sockets of a process that are in a state; None when it is another user's."""
    found = []
    try:
        sockets = open_files(pid)
        for table in ("tcp", "tcp6"):
            with open(f"/proc/{pid}/net/{table}", encoding="ascii") as rows:
                # second field: local address and port; fourth: the state; tenth: the inode
                fields = [row.split() for row in rows]
            found += [_endpoint(row[1]) for row in fields if row[3] == state and f"socket:[{row[9]}]" in sockets]
    except PermissionError:
        return None
    except OSError:
        pass
    return found


def _endpoint(field: str) -> tuple[str, int]:
    """Address and port as the kernel writes them: words of the machine's own byte order, in hexadecimal."""
    address, _colon, port = field.rpartition(":")
    words = [int(address[at : at + 8], 16).to_bytes(4, sys.byteorder) for at in range(0, len(address), 8)]
    return str(ipaddress.ip_address(b"".join(words))), int(port, 16)


def has_listener(port: int) -> bool:
    """Whether something listens on a TCP port of this host, in its own network namespace."""
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError), open(f"/proc/net/{table}", encoding="ascii") as rows:
            # second field: local address and port; fourth: the state
            if any(row.split()[3] == _LISTENING and row.split()[1].endswith(f":{port:04X}") for row in rows):
                return True
    return False
