# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""TCP sessions between this host and others: which there are, how quiet they are, and ending them."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import glob
import ipaddress
import os
import re
import signal
import socket
import sys
import threading
import time
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.addresses import is_loopback, normal_address, parse_address
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.border import Address, Port, Seconds
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host, read_text
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.processes import Process, processes

#: seconds that a peer has to accept or refuse a connection
PEER_LIMIT = 1.0

#: what a client sends to learn whether there is TLS
_SSL_REQUEST = bytes.fromhex("00000008 04d2162f")


@dataclasses.dataclass(frozen=True)
class Session:
    """Established sessions of one other host with one port of this host.

    :param address: the other host's address.
    :param port: the port of this host.
    :param count: how many there are.
    :param quiet_s: seconds since data last came over one of them, None where the kernel does not tell.
    """

    address: Address
    port: Port
    count: int
    quiet_s: Seconds | None


def plain_address(text: str) -> str:
    """An address without brackets and zone; one of IPv4 that an IPv6 socket shows, as IPv4."""
    return parse_address(text.strip("[]").partition("%")[0])


Seen = t.Tuple[int, str, t.Optional[float]]


def parse_ss(text: str, figure: str = "lastrcv") -> list[Seen]:
    """The port here, the other host's address and the seconds of silence of each session, by ``ss -Htin state established``.

    :param figure: ``lastrcv`` for silence without data, ``lastack`` for one without an answer of the other host's kernel.
    :raises CoordinatorError: a line is not understood; a session that is left out would count as ended.
    """
    try:
        return _parse_ss(text, figure)
    except ValueError as error:
        raise CoordinatorError(f"the output of ss is not understood: {error}") from error


def _parse_ss(text: str, figure: str) -> list[Seen]:
    found: list[Seen] = []
    for block in re.split(r"\n(?=\S)", text.strip()):
        # the two ends come before the kernel's figures, which look alike: rto:204
        ends = [field.rpartition(":") for field in block.split() if re.search(r":\d+$", field)][:2]
        # milliseconds; ss leaves a zero out
        quiet = re.search(rf"\b{figure}:(\d+)", block)
        seconds = int(quiet.group(1)) / 1000 if quiet else 0.0 if re.search(r"\brto:", block) else None
        if len(ends) == 2:
            found.append((int(ends[0][2]), plain_address(ends[1][0]), seconds))
    return found


def together(seen: t.Iterable[Seen], ports: t.Container[int], own: t.Container[str]) -> list[Session]:
    """The sessions of other hosts, those of one host with one port counted.

    :param ports: ports of this host that count.
    :param own: this host's own addresses.
    """
    found: dict[tuple[str, int], list[float | None]] = {}
    for port, peer, quiet in seen:
        if port in ports and peer not in own and not is_loopback(peer):
            found.setdefault((peer, port), []).append(quiet)
    return [
        Session(address, port, len(silences), min((seconds for seconds in silences if seconds is not None), default=None))
        for (address, port), silences in sorted(found.items())
    ]


def read_sessions(host: Host, ports: t.Collection[int], own: t.Container[str]) -> list[Session]:
    """Observe the sessions of other hosts with ports of this host; without a ``ss`` that is understood their silence is not known."""
    if not ports:
        return []
    code, text = host.command("ss", "-Htin", "state", "established", " or ".join(f"sport = :{port}" for port in ports))
    if code == 0:
        with contextlib.suppress(CoordinatorError):
            return together(parse_ss(text), ports, own)
    return together(((found.local_port, found.peer, None) for found in read_sockets()), ports, own)


def last_answer(host: Host, ports: t.Iterable[int]) -> float | None:
    """Seconds since the other end of a connection from one of these ports of this host answered; None where that is not known."""
    code, text = host.command("ss", "-Htin", "state", "established", " or ".join(f"sport = :{port}" for port in sorted(ports)))
    answers = [seconds for _port, _peer, seconds in parse_ss(text, "lastack")] if code == 0 else []
    return min((seconds for seconds in answers if seconds is not None), default=None)


def quietest(found: t.Iterable[Session], addresses: t.Iterable[str]) -> float | None:
    """Seconds since data last came from one of these addresses in sessions; zero where that cannot be told, None without a session."""
    desired = {normal_address(address) for address in addresses}
    return min((session.quiet_s or 0.0 for session in found if session.address in desired), default=None)


@dataclasses.dataclass(frozen=True)
class Socket:
    """A TCP socket that a process of this host holds.

    :param local_port: its port.
    :param peer: address of the other end.
    :param inode: number by which a process refers to it.
    """

    local_port: int
    peer: str
    inode: int


def parse_table(text: str) -> list[Socket]:
    """The connected sockets in ``/proc/net/tcp`` or ``tcp6``, also those of which one end is closed already."""
    found = []
    for line in text.splitlines()[1:]:
        # fields: number, local end, remote end, state (0A is listening) …, the tenth the inode, 0 when no process holds it
        fields = line.split()
        local, remote, state, inode = fields[1], fields[2], fields[3], int(fields[9])
        if state != "0A" and inode:
            found.append(Socket(int(local.rpartition(":")[2], 16), _address(remote.rpartition(":")[0]), inode))
    return found


def _address(digits: str) -> str:
    """An address that the kernel prints as words of 32 bits in the byte order of the machine."""
    words = [bytes.fromhex(digits[start : start + 8]) for start in range(0, len(digits), 8)]
    packed = b"".join(word[::-1] if sys.byteorder == "little" else word for word in words)
    return plain_address(str(ipaddress.ip_address(packed)))


def read_sockets() -> list[Socket]:
    """Observe the connected sockets of this host."""
    return [found for table in ("tcp", "tcp6") for found in parse_table(read_text(f"/proc/net/{table}") or "")]


def sockets_from(addresses: t.Iterable[str], ports: t.Container[int]) -> list[Socket]:
    """The sockets that processes of this host hold with those other hosts, on its own ports given."""
    desired = {normal_address(address) for address in addresses}
    return [found for found in read_sockets() if found.local_port in ports and found.peer in desired]


def holders(sockets: t.Iterable[Socket], running: t.Iterable[Process]) -> list[Process]:
    """The engine's processes that hold sockets, by the titles that they carry. Those of other users are seen by root alone.

    No postmaster is among them, which has no title and holds a socket until its child has taken it over.
    """
    links = {f"socket:[{found.inode}]" for found in sockets}
    return [process for process in running if process.command[0].startswith("postgres:") and links & _links(process.pid)]


def _links(pid: int) -> set[str]:
    links = set()
    for path in glob.iglob(f"/proc/{pid}/fd/*"):
        with contextlib.suppress(OSError):
            links.add(os.readlink(path))
    return links


def end(addresses: t.Collection[str], ports: t.Collection[int], timeout: float) -> int:
    """End the sessions of other hosts with the engine's instances here; ends when none is left.

    :param addresses: addresses of the other hosts.
    :param ports: the instances' ports.
    :param timeout: seconds that they have to end.
    :returns: how many backends were told to end.
    :raises CoordinatorError: some are left.
    """
    told: set[int] = set()
    deadline = time.monotonic() + timeout
    while True:
        sockets = sockets_from(addresses, ports)
        if not sockets:
            return len(told)
        held_by = holders(sockets, processes())
        for process in held_by:
            if process.pid not in told:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGTERM)
                told.add(process.pid)
        if time.monotonic() >= deadline:
            break
        time.sleep(0.05)
    peers = ", ".join(sorted({found.peer for found in sockets}))
    pids = ", ".join(str(process.pid) for process in held_by) or "that cannot be seen"
    raise CoordinatorError(
        f"{len(sockets)} sessions from {peers} did not end within {timeout:g} s, of the processes {pids}: end them, and run this again"
    )


def try_peer(address: str, port: int) -> str:
    """Whether a peer is ``open``, its port ``refused``, or ``silent``; ``unknown`` where it cannot be tried.

    The kernel of a hung host still accepts connections: open is what answers a question that an instance always answers.
    """
    try:
        with socket.create_connection((address, port), PEER_LIMIT) as connection:
            connection.sendall(_SSL_REQUEST)
            connection.recv(1)
            return "open"
    except (ConnectionRefusedError, ConnectionResetError):
        return "refused"
    except (socket.gaierror, UnicodeError):
        return "unknown"
    except OSError as error:
        silent = isinstance(error, socket.timeout) or error.errno in (errno.ETIMEDOUT, errno.EHOSTUNREACH)
        return "silent" if silent else "unknown"


def try_peers(peers: t.Iterable[t.Mapping[str, t.Any]]) -> dict[str, str]:
    """By name of each peer, how its port answers; all are tried at once.

    :param peers: ``name``, ``address`` and ``port`` of each.
    """
    desired = list(peers)
    found: dict[str, str] = {}

    def attempt(peer: t.Mapping[str, t.Any]) -> None:
        found[peer["name"]] = try_peer(peer["address"], peer["port"])

    threads = [threading.Thread(target=attempt, args=(peer,), daemon=True) for peer in desired]
    deadline = time.monotonic() + 2 * PEER_LIMIT  # a name that is looked up for long is unknown
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return {peer["name"]: found.get(peer["name"], "unknown") for peer in desired}
