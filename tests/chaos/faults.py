# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What fails. Each fault begins while the run waits at a task, lets it go on, and is over when its ``with`` is left."""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import subprocess
import time
import typing as t
from pathlib import Path

from activating import CONTROLLER_ADDRESS, parted
from cells import FAULTS, INTENTS, PRIMARY, SPARE, STANDBY, Cell
from conftest import NET, Coordinator, pause, podman, run_podman
from conftest import SET as HOSTS

ADDRESSES = {"cdw": f"{NET}.11", "scdw": f"{NET}.12", "cdw2": f"{NET}.13"}

#: what is held is all of a host's data; the home of the engine's user is elsewhere
DATA = b"/data"
MS_RDONLY, MS_REMOUNT, MS_BIND, MNT_DETACH = 1, 32, 4096, 2

#: seconds: in which a module is looked for that is to be killed, and how long it may have worked by then
SOUGHT, WORKED = 20, (0.0, 0.1, 0.3, 0.6)

#: a module, whose program comes by its standard input
MODULE = "pgrep -x 'python3[.0-9]*'"


PROCESSES: dict[str, str] = {}


def process(host: str) -> str:
    """The first process of a host, as the machine that it is on numbers it."""
    if not Path(f"/proc/{PROCESSES.get(host, 'none')}").exists():
        command = ["podman", "inspect", "--format", "{{.State.Pid}}", f"{HOSTS}-{host}"]
        PROCESSES[host] = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    return PROCESSES[host]


class Inside(Coordinator):
    """A coordinator whose host is entered by the machine that it is on, not by ssh: whatever fails, it can be looked at."""

    def run(self, command: str) -> str:
        command = f"export WHPG_CLUSTER={self.cluster}; . /run/whpg/profile.sh; {command}"
        done = subprocess.run(
            ["nsenter", "--all", "--target", process(self.name), "su", "-s", "/bin/bash", "-", "gpadmin", "-c", command],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, f"{self.name}: {command}: {done.stdout}{done.stderr}"
        return done.stdout.strip()


COORDINATORS = {
    "cdw": Inside("cdw", "/data/whpg/v7/coordinator/gpseg-1"),
    "scdw": Inside("scdw", "/data/whpg/v7/standby/gpseg-1"),
    "cdw2": Inside("cdw2", "/data/whpg/v7/standby/gpseg-1"),
}


class Run(t.Protocol):
    """A run that waits at a task."""

    def goes_on(self) -> None:
        """Let it go on."""

    def lives(self) -> bool:
        """Whether it has not ended."""

    def kill(self) -> None:
        """Its controller is gone."""


def _moment(cell: Cell) -> float:
    """How long a module may have worked, the same again for a cell."""
    return random.Random(str(cell)).choice(WORKED)


@contextlib.contextmanager
def _controller_killed(cell: Cell, run: Run) -> t.Iterator[None]:
    """With all its processes; what it had begun on hosts works on."""
    run.goes_on()
    time.sleep(_moment(cell))
    run.kill()
    yield


@contextlib.contextmanager
def _module_killed(cell: Cell, run: Run) -> t.Iterator[None]:
    seek = (
        f"for _ in $(seq 2000); do {MODULE} > /dev/null && break; sleep 0.01; done; sleep {_moment(cell)}; pkill -KILL -x 'python3[.0-9]*'"
    )
    seeker = subprocess.Popen(
        ["podman", "exec", "--user=root", f"{HOSTS}-{cell.host}", "sh", "-c", f"echo ready; {seek}"], stdout=subprocess.PIPE
    )
    with seeker, t.cast(t.IO[bytes], seeker.stdout) as said:
        said.readline()
        run.goes_on()
        seeker.wait()
    yield


def _running(manager: t.ContextManager[None], run: Run) -> t.Iterator[None]:
    """Let it go on within what fails."""
    with manager:
        run.goes_on()
        yield


@contextlib.contextmanager
def _ssh_cut(cell: Cell, run: Run) -> t.Iterator[None]:
    yield from _running(parted(cell.host, CONTROLLER_ADDRESS), run)


@contextlib.contextmanager
def _postmaster_killed(cell: Cell, run: Run) -> t.Iterator[None]:
    podman("exec", cell.host, "sh", "-c", f"kill -KILL $(head -n 1 {COORDINATORS[cell.host].directory}/postmaster.pid)")
    run.goes_on()
    yield


@contextlib.contextmanager
def _host_paused(cell: Cell, run: Run) -> t.Iterator[None]:
    pause(cell.host)
    try:
        run.goes_on()
        yield
    finally:
        podman("unpause", cell.host)


@contextlib.contextmanager
def _host_restarted(cell: Cell, run: Run) -> t.Iterator[None]:
    """It is silent, and whatever ran on it is gone; no instance starts by itself. Files in memory would not survive more."""
    with _filtered(cell.host, "iifname != lo drop", "oifname != lo drop"):
        podman(
            "exec", cell.host, "sh", "-c", "pkill -KILL -u gpadmin; pkill -KILL -x 'python3[.0-9]*'; pkill -KILL -f '^sshd: [a-z]+ '; true"
        )
        run.goes_on()
        yield


@contextlib.contextmanager
def _filtered(host: str, incoming: str = "", outgoing: str = "") -> t.Iterator[None]:
    chains = "".join(
        f"chain {hook} {{ type filter hook {hook} priority -10; {rule}; }}; "
        for hook, rule in (("input", incoming), ("output", outgoing))
        if rule
    )
    podman("exec", host, "nft", f"add table inet chaos {{ {chains} }}")
    try:
        yield
    finally:
        podman("exec", host, "nft", "delete table inet chaos")


@contextlib.contextmanager
def _packets_to_dropped(cell: Cell, run: Run) -> t.Iterator[None]:
    yield from _running(_filtered(cell.host, incoming="iifname != lo drop"), run)


@contextlib.contextmanager
def _packets_from_dropped(cell: Cell, run: Run) -> t.Iterator[None]:
    yield from _running(_filtered(cell.host, outgoing="oifname != lo drop"), run)


@contextlib.contextmanager
def _cut_off(cell: Cell, run: Run) -> t.Iterator[None]:
    yield from _running(_filtered(cell.host, "iifname != lo drop", "oifname != lo drop"), run)


@contextlib.contextmanager
def _link_cut(cell: Cell, run: Run) -> t.Iterator[None]:
    hosts = INTENTS[cell.intent].hosts
    yield from _running(parted(hosts[PRIMARY], ADDRESSES[hosts.get(SPARE, hosts[STANDBY])]), run)


@contextlib.contextmanager
def _slow_and_lossy(cell: Cell, run: Run) -> t.Iterator[None]:
    """Two of a hundred packets are lost each way, and 8 Mbit a second leave it. (A kernel may have no netem.)"""
    lose = "numgen random mod 100 < 2 drop"
    network = ["nsenter", "--net", "--target", process(cell.host), "tc", "qdisc"]
    with _filtered(cell.host, f"iifname != lo {lose}", f"oifname != lo {lose}"):
        shape = ["root", "tbf", "rate", "8mbit", "burst", "32k", "latency", "300ms"]
        subprocess.run([*network, "add", "dev", "eth0", *shape], check=True)
        try:
            run.goes_on()
            yield
        finally:
            subprocess.run([*network, "del", "dev", "eth0", "root"], check=True)


@contextlib.contextmanager
def _disk_full(cell: Cell, run: Run) -> t.Iterator[None]:
    """No block is free any more."""
    used = run_podman("exec", cell.host, "sh", "-c", "df --output=used -k /data | tail -n 1").stdout.strip()
    _mount(cell.host, (b"tmpfs", DATA, b"tmpfs", MS_REMOUNT, f"size={int(used) + 64}k".encode()))
    try:
        run.goes_on()
        yield
    finally:
        _mount(cell.host, (b"tmpfs", DATA, b"tmpfs", MS_REMOUNT, b"size=50%"))


@contextlib.contextmanager
def _disk_read_only(cell: Cell, run: Run) -> t.Iterator[None]:
    """For what is begun from now on: an instance that runs keeps the directory that it has."""
    _mount(cell.host, (DATA, DATA, b"", MS_BIND, b""), (b"", DATA, b"", MS_REMOUNT | MS_BIND | MS_RDONLY, b""))
    try:
        run.goes_on()
        yield
    finally:
        _mount(cell.host, unmount=True)


def _mount(host: str, *calls: tuple[bytes, bytes, bytes, int, bytes], unmount: bool = False) -> None:
    """Calls of mount(2), or one of umount2(2), as the host sees its files."""
    first = process(host)
    child = os.fork()
    if child == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        failed = libc.setns(os.open(f"/proc/{first}/ns/mnt", os.O_RDONLY), 0)
        for call in calls:
            failed = failed or libc.mount(*call)
        if unmount:
            failed = failed or libc.umount2(DATA, MNT_DETACH)
        os._exit(ctypes.get_errno() if failed else 0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code:
        raise OSError(code, f"{host}: {os.strerror(code)}")


def mend(hosts: t.Iterable[str]) -> None:
    """Undo what a run that was killed may have left, and what conftest.lift knows nothing of."""
    for host in hosts:
        mounts = Path(f"/proc/{process(host)}/mounts").read_text().splitlines()
        for _read_only in [line for line in mounts if line.split()[1] == DATA.decode()][1:]:
            _mount(host, unmount=True)
        _mount(host, (b"tmpfs", DATA, b"tmpfs", MS_REMOUNT, b"size=50%"))
        shaped = ["nsenter", "--net", "--target", process(host), "tc", "qdisc", "del", "dev", "eth0", "root"]
        subprocess.run(shaped, check=False, capture_output=True)


@contextlib.contextmanager
def _wrong_password(cell: Cell, run: Run) -> t.Iterator[None]:
    """Somebody gave the replication role another password, and whoever uses the old one has to log in again. Nobody mends it."""
    for coordinator in COORDINATORS.values():
        with contextlib.suppress(AssertionError, subprocess.TimeoutExpired):
            coordinator.sql("ALTER ROLE standby_replicator PASSWORD 'another'")
            coordinator.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_replication")
    run.goes_on()
    yield


MAKERS: dict[str, t.Callable[[Cell, Run], t.ContextManager[None]]] = {
    "controller killed": _controller_killed,
    "module killed": _module_killed,
    "ssh cut": _ssh_cut,
    "postmaster killed": _postmaster_killed,
    "host paused": _host_paused,
    "host restarted": _host_restarted,
    "packets to it dropped": _packets_to_dropped,
    "packets from it dropped": _packets_from_dropped,
    "cut off": _cut_off,
    "link between both cut": _link_cut,
    "slow and lossy": _slow_and_lossy,
    "disk full": _disk_full,
    "disk read-only": _disk_read_only,
    "wrong password": _wrong_password,
}
assert MAKERS.keys() == FAULTS.keys()
