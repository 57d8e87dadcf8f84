# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""The stream of WAL from a primary to its standby: since when, how the last one ended, and how long either side bears silence."""

from __future__ import annotations

import calendar
import contextlib
import dataclasses
import os
import re
import time
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.border import Seconds, digits
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host, newest_first, read_text
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import WAL_FILE
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.processes import Process, connected_ports, open_files, processes
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.configuration import read_settings
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection import Connection, configured
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection_string import parse_conninfo
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.sessions import last_answer

#: what ended a stream
STANDBY, PRIMARY, UNKNOWN = "standby", "primary", "unknown"

#: bytes of logs that are looked through for how a stream ended
_LOOK_BACK = 16 << 20


@dataclasses.dataclass(frozen=True)
class Disconnect:
    """How a stream ended, as the standby's log tells.

    :param time: when, in seconds since the epoch.
    :param by: ``standby`` when its connection was silent for too long, ``primary`` when that closed it, ``unknown`` for the rest; a
        walreceiver that was ended, or that gave up a connection which still carried packets, told the primary.
    :param error: what the log says.
    :param started: when that stream began, None when the log does not tell.
    """

    time: Seconds
    by: str
    error: str
    started: Seconds | None = None


_STAMP = re.compile(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(\.\d+)? ([A-Za-z0-9+:-]+)(?:,| \[(\d+)\])")
_ENDS = (
    (re.compile(r" WAL stream: .*\b(?:Connection timed out|No route to host)"), STANDBY),
    (re.compile(r" WAL stream: .*(?:closed the connection|Connection reset|Broken pipe)"), PRIMARY),
    (re.compile(r"replication terminated by primary server"), PRIMARY),
    (re.compile(r"terminating walreceiver|could not (?:receive data from|send data to) WAL stream"), UNKNOWN),
)
_BEGINS = re.compile(r"(?:re)?started (?:streaming WAL|WAL streaming)")
#: what a line that matters has in it; looking for these first spares most of a large log
_MARKS = (b"WAL stream", b"streaming WAL", b"terminating walreceiver", b"replication terminated by primary")


#: the zone that the engine writes its log in where nothing is set
_LOG_ZONE = "GMT"


@contextlib.contextmanager
def local_time(zone: str) -> t.Iterator[None]:
    """Local times are those of a zone meanwhile; one that this host does not know has no name of a zone that a log could have."""
    before = os.environ.get("TZ")
    try:
        os.environ["TZ"] = zone if re.fullmatch(r"[A-Za-z0-9_+/-]+", zone) else _LOG_ZONE
        time.tzset()
        yield
    finally:
        os.environ.pop("TZ")
        os.environ.update({} if before is None else {"TZ": before})
        time.tzset()


def parse_stamp(line: str) -> tuple[float, str] | None:
    """When a line of a log was written, in seconds since the epoch, and the process that wrote it; None where that cannot be told.

    The engine writes lines of comma-separated values that begin with the time and have the process in the fourth, PostgreSQL also
    such with the process in brackets. The name of a zone is that of the local time, see :func:`local_time`: others have the same one.
    """
    match = _STAMP.match(line)
    if match is None:
        return None
    zone, process = match.group(3), match.group(4)
    offset = re.fullmatch(r"([+-])(\d\d)(?::?(\d\d))?", zone)
    try:
        moment = time.strptime(match.group(1), "%Y-%m-%d %H:%M:%S")
        if zone in ("UTC", "GMT"):
            seconds = float(calendar.timegm(moment))
        elif offset:
            east = int(offset.group(2)) * 3600 + int(offset.group(3) or 0) * 60
            seconds = float(calendar.timegm(moment)) + (east if offset.group(1) == "-" else -east)
        elif zone in time.tzname:
            seconds = time.mktime((*moment[:8], time.tzname.index(zone)))
        else:
            return None
    except (ValueError, OverflowError):
        return None
    if process is None:
        fields = line.split(",", 4)
        process = fields[3].lstrip("p") if len(fields) > 4 else ""
    return seconds + float(match.group(2) or 0), process


def find_disconnect(lines: t.Iterable[str]) -> Disconnect | None:
    """The end of the last stream in the lines of a log, oldest first; None when they do not tell of it, or not when it was."""
    began: dict[str, float] = {}
    found = None
    for line in lines:
        by = next((by for pattern, by in _ENDS if pattern.search(line)), None)
        begins = by is None and _BEGINS.search(line)
        if by is None and not begins:
            continue
        # whatever ended before, this is of a later stream
        found = None
        stamp = parse_stamp(line)
        if stamp is None:
            continue
        moment, process = stamp
        if by is not None:
            message = re.search(r'(?:"(?:FATAL|LOG)",|(?:FATAL|LOG),|(?:FATAL|LOG):  )(?:"?\w{5}"?,)?"?([^"]*)', line)
            found = Disconnect(moment, by, message.group(1).strip() if message else line.strip(), began.pop(process, None))
        else:
            began.setdefault(process, moment)
    return found


def last_disconnect(data_directory: str, zone: str = _LOG_ZONE) -> Disconnect | None:
    """The end of the last stream, as a standby's log tells of it.

    :param zone: that the engine writes the log in.
    """
    lines: list[str] = []
    left = _LOOK_BACK
    for log in newest_first([os.path.join(data_directory, "log")]):
        with contextlib.suppress(OSError), open(log, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(max(0, size - left))
            lines[:0] = _marked(file.read(left))
            left -= size
        if left <= 0:
            break
    with local_time(zone):
        return find_disconnect(lines)


def _marked(text: bytes) -> list[str]:
    """The lines that have one of the marks."""
    found = set()
    for mark in _MARKS:
        at = text.find(mark)
        while at >= 0:
            end = text.find(b"\n", at)
            end = len(text) if end < 0 else end
            found.add((text.rfind(b"\n", 0, at) + 1, end))
            at = text.find(mark, end)
    return [text[begin:end].decode("utf-8", "replace") for begin, end in sorted(found)]


def walreceiver(postmaster: int, running: t.Iterable[Process]) -> Process | None:
    """The walreceiver of an instance."""
    children = (process for process in running if process.parent == postmaster and process.state != "Z")
    return next((child for child in children if re.search(r"\b(walreceiver|wal receiver)\b", " ".join(child.command))), None)


def has_written(walreceiver: int) -> bool:
    """Whether a walreceiver may have written WAL: from its first byte on it has a segment open (``XLogWalRcvWrite`` in walreceiver.c).

    :param walreceiver: its process identifier; of one whose files cannot be seen it counts as so.
    """
    try:
        return any(WAL_FILE.match(os.path.basename(path)) for path in open_files(walreceiver))
    except OSError:
        return True


def booted_at() -> float | None:
    """When this host was started, by what its clock shows now, in seconds since the epoch: setting the clock moves it."""
    with contextlib.suppress(OSError, IndexError, ValueError), open("/proc/uptime", encoding="ascii") as file:
        return round(time.time() - float(file.read().split()[0]), 2)
    return None


def started_at(pid: int) -> float | None:
    """When a process began, in seconds since the epoch; None when it is gone."""
    with contextlib.suppress(OSError, IndexError, ValueError):
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            ticks = int(file.read().rpartition(")")[2].split()[19])
        booted = booted_at()
        return None if booted is None else round(booted + ticks / os.sysconf("SC_CLK_TCK"), 2)
    return None


@dataclasses.dataclass(frozen=True)
class Stream:
    """The stream that a standby has, or had.

    :param started: when the walreceiver that is connected began, in seconds since the epoch; None when none is.
    :param ports: ports of this host that its connection uses.
    :param disconnect: how the last one ended, None when none is known to have.
    :param silence_s: seconds without a word from the primary after which a stream ends at the latest.
    :param status_s: seconds after which a standby at the latest tells the primary where it is.
    :param booted: when this host was started, by what its clock shows now; None when that is not known.
    :param answered: whether the other end of the connection was seen to answer after this look began: it is not closed there.
    :param silent_s: seconds since it last answered; None when that is not known.
    """

    started: float | None
    ports: frozenset[int]
    disconnect: Disconnect | None
    silence_s: float
    status_s: float
    booted: float | None = None
    answered: bool = False
    silent_s: float | None = None

    @property
    def lasts(self) -> bool:
        """Whether it was seen that neither end had ended it."""
        return self.started is not None and self.answered


def read_connection(postmaster: int | None) -> tuple[float | None, frozenset[int]]:
    """When the walreceiver of an instance began that is connected, in seconds since the epoch, and the ports that it uses.

    :param postmaster: its process identifier, None when it is stopped.
    """
    receiver = walreceiver(postmaster, processes()) if postmaster is not None else None
    ports = connected_ports(receiver.pid) if receiver else None
    return (started_at(receiver.pid), ports) if receiver and ports else (None, frozenset())


def read_stream(data_directory: str, postmaster: int | None, settings: t.Mapping[str, str]) -> Stream:
    """Observe the stream of a standby.

    :param postmaster: its process identifier, None when it is stopped.
    :param settings: those of ``postgresql.auto.conf``.
    """
    started, ports = read_connection(postmaster)
    known = {**read_settings(read_text(os.path.join(data_directory, "postgresql.conf")) or ""), **settings}
    return Stream(
        started=started,
        ports=ports,
        disconnect=last_disconnect(data_directory, known.get("log_timezone", _LOG_ZONE)),
        silence_s=silence_limit(parse_conninfo(known.get("primary_conninfo", "")), known),
        status_s=parse_seconds(known.get("wal_receiver_status_interval"), 10.0, 1.0),
        booted=booted_at(),
    )


#: seconds within which the other end of a connection answers, by the parameters that this collection gives it, and a little more
ANSWERS = 3.5


def see_answer(
    host: Host, data_directory: str, postmaster: int | None, settings: t.Mapping[str, str], quiet_s: float | None = None
) -> Stream:
    """Observe the stream of a standby once the primary's end of it has answered, or seconds later.

    A walsender that ends closes its connection, and what is closed answers no more, also where the word of it is lost on the way.

    :param postmaster: as for :func:`read_stream`.
    :param settings: as for :func:`read_stream`.
    :param quiet_s: seconds since a segment last had data from the primary; where it was lost to all at once no answer is waited for.
    """
    began = time.monotonic()
    while True:
        _started, ports = read_connection(postmaster)
        looked = time.monotonic()
        silent = last_answer(host, ports) if ports else None
        answered = silent is not None and looked - silent > began
        lost = silent is not None and quiet_s is not None and quiet_s >= max(ANSWERS, silent - ANSWERS)
        if answered or silent is None or lost or looked - began > ANSWERS:
            return dataclasses.replace(read_stream(data_directory, postmaster, settings), answered=answered, silent_s=silent)
        time.sleep(0.1)


_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


def parse_seconds(text: str | None, default: float, unit: float) -> float:
    """Seconds of a setting, no end for zero.

    :param default: where it is not set.
    :param unit: seconds that a number alone counts.
    """
    match = re.fullmatch(r"\s*(\d+\.?\d*|\.\d+)\s*([a-z]*)\s*", text or "", re.ASCII)
    if match is None or (match.group(2) and match.group(2) not in _UNITS):
        return default
    return float(match.group(1)) * (_UNITS[match.group(2)] if match.group(2) else unit) or float("inf")


#: what libpq has where a connection string does not tell, none of what is the kernel's
_LIBPQ = {"keepalives": "1", "keepalives_idle": "", "keepalives_interval": "", "keepalives_count": "", "tcp_user_timeout": "0"}


def silence_limit(conninfo: t.Mapping[str, str], settings: t.Mapping[str, str]) -> float:
    """Seconds without a word from the primary after which a standby ends its stream at the latest."""
    by_receiver = parse_seconds(settings.get("wal_receiver_timeout"), 60.0, 1e-3)
    probes, idle, interval, count, timeout = (digits(conninfo.get(name, default)) for name, default in _LIBPQ.items())
    if not (probes and idle and interval and count) or timeout is None:
        return by_receiver  # the kernel's own limits are longer, or not known
    return min(by_receiver, idle + interval * count + timeout / 1000)


@dataclasses.dataclass(frozen=True)
class CommitLimits:
    """Seconds after the last word from its standby before which a primary does not let commits go on without it; each None for no limit.

    :param walsender: by the engine's setting, which the standby's connection may bring another for.
    :param network: by the settings of its host.
    """

    walsender: float | None
    network: float | None


def read_commit_limits(connection: Connection) -> CommitLimits:
    """Observe how long a primary holds commits for a silent standby."""
    names = ["wal_sender_timeout", "tcp_user_timeout", "tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count"]
    found = {name: parse_seconds(value, 0.0, 1.0) for name, value in configured(connection, names).items()}
    settings = {name: 0.0 if seconds == float("inf") else seconds for name, seconds in found.items()}
    return CommitLimits(settings.get("wal_sender_timeout") or None, network_limit(settings, _kernel_settings()))


def _kernel_settings() -> dict[str, float]:
    found = {}
    for name in ("tcp_retries2", "tcp_keepalive_time", "tcp_keepalive_intvl", "tcp_keepalive_probes"):
        with contextlib.suppress(OSError, ValueError), open(f"/proc/sys/net/ipv4/{name}", encoding="ascii") as file:
            found[name] = float(file.read())
    return found


def network_limit(settings: t.Mapping[str, float], kernel: t.Mapping[str, float]) -> float:
    """Seconds of silence before which the kernel does not give up a connection.

    :param settings: of the engine, by name, in seconds, or how many; zero for what the kernel has.
    :param kernel: ``tcp_retries2`` and ``tcp_keepalive_…`` of the host.
    """
    idle = settings.get("tcp_keepalives_idle") or kernel.get("tcp_keepalive_time", 7200.0)
    interval = settings.get("tcp_keepalives_interval") or kernel.get("tcp_keepalive_intvl", 75.0)
    count = settings.get("tcp_keepalives_count") or kernel.get("tcp_keepalive_probes", 9.0)
    # retransmissions begin at 0.2 s and double, to 120 s at most
    retries = sum(min(0.2 * 2**number, 120.0) for number in range(int(kernel.get("tcp_retries2", 15)) + 1))
    limits = [settings.get("tcp_user_timeout", 0.0), idle + interval * count, retries]
    return float(round(min(limit for limit in limits if limit > 0), 3))


def commit_limit(limits: CommitLimits, following: t.Mapping[str, str]) -> float | None:
    """Seconds after the last word from its standby before which a primary does not let commits go on without it; None for no limit.

    :param limits: what :func:`read_commit_limits` returned on the primary.
    :param following: parameters of the standby's connection.
    """
    own = re.search(r"\bwal_sender_timeout\s*=\s*(\w+)", following.get("options", ""))
    timeout = parse_seconds(own.group(1), float("inf"), 1e-3) if own else limits.walsender or float("inf")
    limit = min(timeout, limits.network or float("inf"))
    return None if limit == float("inf") else limit
