# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of all scenarios use to look at the hosts."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import time
from pathlib import Path

import pytest
import testinfra

CACHE = Path(os.environ["WHPG_CACHE"])
HERE = Path(__file__).parent


class Coordinator:
    """A coordinator's host: the instance's data directory, SQL in utility mode, any command as gpadmin."""

    def __init__(self, name: str, directory: str):
        self.name = name
        self.directory = directory
        self.host = testinfra.get_host(f"ssh://{name}", ssh_config=str(CACHE / "ssh/config"))

    def run(self, command: str) -> str:
        done = self.host.run("bash -c " + shlex.quote(f". /run/whpg/profile.sh; {command}"))
        assert done.rc == 0, f"{self.name}: {command}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def sql(self, query: str, role: str = "utility") -> str:
        # Dispatch mode is what a plain client gets; asking for it is refused.
        options = "" if role == "dispatch" else f"PGOPTIONS='-c gp_role={role}'"
        return self.run(f"{options} psql -X -At -h /tmp -c {shlex.quote(query)}")

    def start(self) -> None:
        self.run(
            f"pg_ctl -D {self.directory} -l {self.directory}/log/startup.log -w -t 60 -o '-p 5432 -c gp_role=dispatch' start > /dev/null"
        )

    def stop(self) -> None:
        self.run(f"pg_ctl -D {self.directory} -m fast -w stop")

    def signal(self, name: str) -> None:
        """Send a signal to the instance's processes, all of them."""
        leader = self.run(f"head -n 1 {self.directory}/postmaster.pid")
        self.run(f"kill -{name} {leader} $(ps -o pid= --ppid {leader})")


@pytest.fixture(scope="session")
def primary() -> Coordinator:
    return Coordinator("cdw", "/data/whpg/v7/coordinator/gpseg-1")


@pytest.fixture(scope="session")
def standby() -> Coordinator:
    return Coordinator("scdw", "/data/whpg/v7/standby/gpseg-1")


def wait_until(holds, what: str, limit_s: float = 30) -> None:
    deadline = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < deadline, f"not within {limit_s} s: {what}"
        time.sleep(0.1)


def playbook(name: str, *arguments: str) -> subprocess.CompletedProcess:
    """Run a playbook as an operator does: from anywhere, with no configuration of molecule's."""
    done = subprocess.run(
        ["ansible-playbook", name, "-i", str(HERE / "inventory"), *arguments],
        cwd="/",
        env={name: value for name, value in os.environ.items() if name != "ANSIBLE_CONFIG"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    print(done.stdout, done.stderr)
    return done


def status(*arguments: str) -> tuple[str, int]:
    """The verdict that the status screen shows, and the exit code."""
    shown = playbook("warehousepg.coordinator.status", *arguments)
    verdicts = set(re.findall(r"^Cluster demo: ([a-z_]+)$", shown.stdout, re.MULTILINE))
    assert len(verdicts) == 1, f"one verdict expected: {verdicts}"
    return verdicts.pop(), shown.returncode
