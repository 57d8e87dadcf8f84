# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the scenarios of an activation share: an operator who runs it, clients that survive it, and what must hold afterwards."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator, NamedTuple, Sequence

from conftest import CLIENT, NET, Coordinator, Host, changes, enable, playbook, podman, wait_in_sync, wait_until

ACTIVATE = "warehousepg.coordinator.activate_standby"
SWITCH = "warehousepg.coordinator.switchover"
PARTS = 8  # rows of one commit of a client
EVERY_SEGMENT = "SELECT gp_segment_id FROM gp_dist_random('gp_id') ORDER BY 1"
CONTROLLER_ADDRESS = f"{NET}.1"


class Commit(NamedTuple):
    """One that was acknowledged: seconds of the epoch, and the host that answered."""

    number: int
    begun: float
    returned: float
    host: str


class Client(Host):
    """A client on a host, see shared/host/client.py; it reaches the primary wherever that is, unless it is told where to connect.

    It has patience for so many seconds with one that does not answer, and pauses for so many after each commit.
    """

    def __init__(
        self,
        name: str,
        host: str = CLIENT,
        where: str = "host=cdw,scdw port=5432,5432",
        role: str = "dispatch",
        patience: float = 2,
        pause: float = 0.02,
    ):
        super().__init__(host)
        self.patience = patience
        self.pause = pause
        self.called = name
        self.role = role
        options = "" if role == "dispatch" else f"options='-c gp_role={role}'"
        self.conninfo = f"{where} dbname=postgres user=gpadmin target_session_attrs=read-write {options}"

    def start(self) -> Client:
        limits = f"ANSWER_S={self.patience} PAUSE_S={self.pause}"
        self.run(f"{limits} python3 /run/whpg/client.py start {self.called} {shlex.quote(self.conninfo)}")
        return self

    def errors(self) -> str:
        return self.run(f"cat /tmp/clients/{self.called}/errors")

    def stop(self) -> None:
        self.run(f"python3 /run/whpg/client.py stop {self.called}")

    def commits(self) -> list[Commit]:
        lines = self.run(f"cat /tmp/clients/{self.called}/acknowledged").splitlines()
        # the last line of a client that is writing may be half
        whole = [line.split() for line in lines if len(line.split()) == 4]
        return [Commit(int(number), float(begun), float(returned), host) for number, begun, returned, host in whole]

    def wait_for(self, host: str, number: int = 10) -> None:
        """Until so many more commits were acknowledged by a host."""
        before = len(self.commits())

        def enough() -> bool:
            return sum(commit.host == host for commit in self.commits()[before:]) >= number

        wait_until(enough, f"{self.called} is served by {host}")


@dataclass(frozen=True)
class Outcome:
    """How a run of the playbook ended."""

    code: int
    output: str
    line: str  # the last word about the cluster
    result: dict[str, Any]  # the file for programs; empty in check mode, which writes none
    changes: int


class Operator:
    """Somebody with a home directory of his own, for whom no connection to a host is open."""

    def __init__(self, home: Path):
        self.home = home

    def activate(self, *arguments: str, **variables: Any) -> Outcome:
        """Run the playbook; the names of variables are given without the role's prefix."""
        given = {f"activate_standby_{name}": value for name, value in variables.items()}
        return self.run(ACTIVATE, "activation", "activated", arguments, given)

    def switch(self, *arguments: str, variables: dict[str, Any] | None = None, **own: Any) -> Outcome:
        """Run the playbook; the names of its own variables are given without the role's prefix."""
        given = {**(variables or {}), **{f"switchover_{name}": value for name, value in own.items()}}
        return self.run(SWITCH, "switchover", "switched", arguments, given)

    def run(self, name: str, kind: str, word: str, arguments: Sequence[str], variables: dict[str, Any]) -> Outcome:
        """Run a playbook that leaves a file of its kind, and whose last line has a word."""
        file = self.home / f".whpg/demo.{kind}.json"
        file.unlink(missing_ok=True)
        with tempfile.TemporaryDirectory(prefix="ssh-") as sockets:
            environment = {"HOME": str(self.home), "ANSIBLE_SSH_CONTROL_PATH_DIR": sockets}
            done = playbook(name, *arguments, environment=environment, **variables)
        return Outcome(
            code=done.returncode,
            output=done.stdout,
            line=re.findall(rf"^demo: (.*(?:{word}|unconfirmed).*)$", done.stdout, re.MULTILINE | re.IGNORECASE)[-1],
            result=json.loads(file.read_text()) if file.exists() else {},
            changes=changes(done),
        )

    def audit(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.home / ".whpg/demo.audit.jsonl").read_text().splitlines()]


def see_in_sync(primary: Coordinator) -> None:
    """The present stream was seen in sync, and a silence shorter than five minutes does not end it: slow machines need more than one."""
    for setting in ("wal_sender_timeout", "wal_receiver_timeout"):
        primary.sql(f"ALTER SYSTEM SET {setting} = '5min'")
    primary.sql("SELECT pg_reload_conf()")
    assert enable().returncode == 0
    wait_in_sync(primary)


def _parts(client: Client, commits: Sequence[Commit]) -> str:
    """A query for what each segment shows of some commits: nothing, a part, or all by now."""
    numbers = ", ".join(str(commit.number) for commit in commits)
    return f"SELECT gp_segment_id, number, count(*) FROM written_by_{client.called} WHERE number IN ({numbers}) GROUP BY 1, 2 ORDER BY 2, 1"


def check_writes(clients: Sequence[Client], old: Coordinator, new: Coordinator) -> None:
    """None of the commits that were acknowledged is missing, and at no moment two coordinators wrote."""
    for client in clients:
        client.stop()
    commits = {client: client.commits() for client in clients}
    for client, acknowledged in commits.items():
        query = f"SELECT number FROM written_by_{client.called} GROUP BY number HAVING count(*) = {PARTS}"
        there = set(map(int, new.sql(query, role=client.role).split()))
        missing = [commit for commit in acknowledged if commit.number not in there]
        assert not missing, (
            f"{client.called}: {len(missing)} of {len(acknowledged)} acknowledged commits are missing: {missing[:5]}; "
            f"there now: {new.sql(_parts(client, missing), role=client.role)}"
        )
    every = [commit for acknowledged in commits.values() for commit in acknowledged]
    of_former, of_new = ([commit for commit in every if commit.host == coordinator.name] for coordinator in (old, new))
    assert of_former and of_new, "both served clients"
    last, first = max(commit.begun for commit in of_former), min(commit.returned for commit in of_new)
    assert last <= first, f"{old.name} took a write {last - first:.3f} s after {new.name} had acknowledged one"


@contextmanager
def session_of(coordinator: Coordinator, name: str) -> Iterator[str]:
    """A client has a session; the process that serves it."""
    session = f"sleep 300 | psql -X -q -h /tmp 'dbname=postgres application_name={name}'"
    leader = coordinator.run(f"setsid bash -c {shlex.quote(session)} > /dev/null 2>&1 < /dev/null & echo $!")
    find = f"SELECT pid FROM pg_stat_activity WHERE application_name = '{name}'"
    wait_until(lambda: coordinator.sql(find) != "", "the session is there")
    try:
        yield coordinator.sql(find)
    finally:
        coordinator.run(f"kill -- -{leader} 2> /dev/null || true")


@contextmanager
def hanging_later(coordinator: Coordinator) -> Iterator[None]:
    """A client's session follows no order from the moment on at which the primary is told that it will be stopped."""
    with session_of(coordinator, "hanging") as pid:
        watch = f"until grep -q FENCED {coordinator.directory}/postgresql.conf; do sleep 0.002; done; kill -STOP {pid}"
        coordinator.run(f"nohup bash -c {shlex.quote(watch)} > /dev/null 2>&1 < /dev/null &")
        yield


def check_primary(new: Coordinator) -> None:
    """The instance is the primary, in every respect that a later step relies on."""
    assert not new.host.file(f"{new.directory}/standby.signal").exists
    assert "in production" in new.run(f"pg_controldata {new.directory}")
    timeline = re.search(r"Latest checkpoint's TimeLineID: +(\d+)", new.run(f"pg_controldata {new.directory}"))
    assert timeline and timeline[1] == "2", "until a checkpoint gpstart of the former primary sees no difference"
    assert new.sql("SELECT role, preferred_role, hostname FROM gp_segment_configuration WHERE content = -1") == f"p|p|{new.name}"
    assert new.sql(EVERY_SEGMENT, role="dispatch") == "0\n1"
    assert new.run(f"psql -X -At -h {new.name} -c 'SELECT 1'") == "1", "gpcheckcat comes by the host's own name"
    assert new.sql("SELECT slot_name FROM pg_replication_slots") == "standby_coordinator", "WAL is retained for the next standby"


def check_untouched(standby: Coordinator) -> None:
    """The standby is one still, no segment host is fenced, and nobody has the lock."""
    assert standby.host.file(f"{standby.directory}/standby.signal").exists
    assert re.search("state: *(in archive|shut down in) recovery", standby.run(f"pg_controldata {standby.directory}"))
    assert Host("sdw1").run("ls /etc/warehousepg-coordinator 2> /dev/null || true") == ""
    assert standby.run("ls ~/.whpg/demo.lock 2> /dev/null || true") == ""


def refuses(coordinator: Coordinator, statement: str) -> str:
    """What the coordinator says to a client on its own host, whose statement it must not carry out."""
    command = f"timeout 20 psql -X -At -h /tmp -v ON_ERROR_STOP=1 -c {shlex.quote(statement)} 2>&1; test $? != 0"
    return coordinator.run(command)


@contextmanager
def cut_off(host: str, sender: str = "iifname != lo") -> Iterator[None]:
    """The host gets no packet from outside any more, or none from a certain sender."""
    podman("exec", host, "nft", f"add table inet cut_off {{ chain in {{ type filter hook input priority -10; {sender} drop; }}; }}")
    try:
        yield
    finally:
        podman("exec", host, "nft", "delete table inet cut_off")


@contextmanager
def parted(host: str, address: str) -> Iterator[None]:
    """The host and one address exchange no packet any more; all others it reaches as before."""
    chains = (f"chain {hook} {{ type filter hook {hook} priority -10; ip {end} {address} drop; }};" for hook, end in PARTED)
    podman("exec", host, "nft", f"add table inet parted {{ {' '.join(chains)} }}")
    try:
        yield
    finally:
        podman("exec", host, "nft", "delete table inet parted")


PARTED = (("input", "saddr"), ("output", "daddr"))


def kill_run(run: subprocess.Popen, host: Host) -> None:
    """The controller is gone, and with it what it had begun on a host."""
    run.kill()
    run.wait()
    host.run("pkill -KILL -x python3 || true")
