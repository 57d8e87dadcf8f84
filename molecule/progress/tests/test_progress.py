# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a copy has come is seen at a terminal; it is cancelled with its run, outlasts a connection, and gives way to commits."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import threading
from contextlib import suppress
from typing import Callable, Iterator

import pytest
from conftest import ENABLE, INVENTORY, PAIRS, PLAIN, changes, enable, inherited, left_of_runs, podman, run_podman, status, wait_until

STAGED = "/data/whpg/v7/standby/.gpseg-1.coordinator_snapshot"
WORK = "/tmp/coordinator-work-*"
#: a line on how far the copy has come
FAR = re.compile(r"demo: copying \(scdw\): (\d+) %, [\d.]+ [KMG]iB of [\d.]+ [KMG]iB, [\d.]+ [KMG]iB/s, \d+:\d\d left")
SECONDS = 10


class Run:
    """A run of enable_mirroring whose copy takes a while, at a terminal or in a pipe."""

    def __init__(self, terminal: bool, **variables: object):
        reader, writer = pty.openpty() if terminal else os.pipe()
        self._run = subprocess.Popen(
            ["ansible-playbook", ENABLE, "-i", str(INVENTORY), "-e", json.dumps(variables)],
            cwd="/",
            env={**inherited(), **(PAIRS if terminal else PLAIN), "TERM": "xterm"},
            stdin=writer if terminal else subprocess.DEVNULL,
            stdout=writer,
            stderr=writer,
            start_new_session=True,
        )
        os.close(writer)
        self.told = ""
        self._thread = threading.Thread(target=self._read, args=(reader,), daemon=True)
        self._thread.start()

    def _read(self, reader: int) -> None:
        with os.fdopen(reader, "rb", buffering=0) as screen:
            try:
                while data := screen.read(1 << 16):
                    self.told += data.decode(errors="replace")
            except OSError:
                pass  # of a terminal that nobody has open any more

    def interrupt(self) -> None:
        """As Ctrl-C does."""
        os.killpg(self._run.pid, signal.SIGINT)

    def end(self) -> int:
        """Wait for its end; returns its exit code."""
        code = self._run.wait(timeout=300)
        self._thread.join(timeout=10)
        print(self.told)
        return code


@pytest.fixture
def begin(primary) -> Iterator[Callable[..., Run]]:
    """Begins a run whose files take SECONDS, beside the WAL; none goes on when the test has ended."""
    runs: list[Run] = []

    def make(terminal: bool, **variables: object) -> Run:
        kilobytes = int(primary.run(f"du -sk --exclude pg_wal {primary.quoted} | cut -f 1"))
        runs.append(Run(terminal, standby_max_rate=f"{kilobytes // SECONDS}k", **variables))
        return runs[-1]

    yield make
    for run in runs:
        with suppress(ProcessLookupError):
            run.interrupt()
        run.end()


@pytest.fixture
def narrow(primary) -> Iterator[None]:
    """What the primary's host sends waits for what it sent before: a copy that is not held back leaves commits no room."""
    podman("exec", primary.name, "sh", "-c", "tc qdisc add dev eth0 root tbf rate 40mbit burst 64kb latency 200ms")
    yield
    podman("exec", primary.name, "tc", "qdisc", "del", "dev", "eth0", "root")


def copying_states(standby) -> str:
    """The kernel's letters for the states of the processes that copy."""
    return standby.run("ps -C pg_basebackup -o stat= || true")


def at_work(standby) -> str:
    """What the work of a run shows on its host: processes and files."""
    return standby.run(f"ls -d {WORK} {STAGED} 2> /dev/null; pgrep -u gpadmin -l 'pg_basebackup|python' || true")


def copies(standby) -> str:
    """What tells the copy that is being made from one that is begun again."""
    return standby.run(f"stat -c %i.%W {STAGED}; pgrep -x pg_basebackup")


def test_output_to_a_file_shows_none_of_it(standby, converged):
    assert "demo: mirrored: scdw streams in sync from cdw" in converged
    assert "copying" not in converged
    assert at_work(standby) == ""


@pytest.mark.usefixtures("unmirrored")
def test_a_terminal_shows_how_far_the_copy_has_come(standby, begin):
    run = begin(True)
    assert run.end() == 0
    seen = [int(match.group(1)) for match in FAR.finditer(run.told)]
    assert len(set(seen)) > 1 and seen == sorted(seen) and seen[-1] <= 100
    assert "demo: fetching WAL (scdw): " in run.told
    *_before, last = run.told.splitlines()
    assert "demo: mirrored: scdw streams in sync from cdw" in last
    wait_until(lambda: at_work(standby) == "", "the work on the host has ended")


@pytest.mark.usefixtures("unmirrored")
def test_an_interruption_leaves_what_the_next_run_goes_on_from(primary, standby, begin):
    run = begin(True)
    staged = f"du -sm {STAGED} 2> /dev/null | cut -f 1 || true"
    wait_until(lambda: int(standby.run(staged) or 0) >= 10, "more than a tenth of the copy is there", limit_s=60)
    assert "pg_basebackup" in at_work(standby) and STAGED in at_work(standby)
    run.interrupt()
    assert run.end() != 0
    wait_until(lambda: at_work(standby) == STAGED, "no process is left", limit_s=60)
    assert standby.run("ls -A /data/whpg/v7/standby") == os.path.basename(STAGED)
    done = enable()
    assert done.returncode == 0
    assert "it was made by a copy of the blocks that differ: a copy that was cut off left " in done.stdout
    assert standby.run("ls -A /data/whpg/v7/standby") == os.path.basename(standby.directory)
    assert left_of_runs(primary, standby) == ""
    assert status() == ("mirrored", 0)


@pytest.mark.usefixtures("unmirrored")
def test_a_lost_connection_does_not_begin_the_copy_again(standby, begin):
    run = begin(False)
    wait_until(lambda: run_podman("exec", standby.name, "sh", "-c", f"ls {WORK}/progress").returncode == 0, "the copy goes on", limit_s=60)
    before = copies(standby)
    podman("exec", standby.name, "pkill", "-KILL", "-f", "^sshd: gpadmin")
    assert copies(standby) == before
    wait_until(lambda: run.told.count("streams in sync") or not standby.host.file(STAGED).exists, "the copy is there", limit_s=120)
    assert run.end() == 0
    assert "UNREACHABLE" not in run.told and "unreachable=1" not in run.told
    assert standby.run(f"stat -c %i.%W {standby.quoted}") == before.splitlines()[0]
    assert status() == ("mirrored", 0)
    wait_until(lambda: at_work(standby) == "", "the work on the host has ended")


@pytest.mark.usefixtures("unmirrored", "narrow")
def test_a_copy_gives_way_to_commits_that_take_long(primary, begin):
    run = begin(True, standby_max_latency=5)
    assert run.end() == 0
    assert ", paused for " in run.told
    told = re.search(r"mirrored: .*; the copy was paused for (\S+) s: (\d+) of (\d+) commits on cdw took longer than 5 ms", run.told)
    assert told is not None
    paused, above, commits = map(float, told.groups())
    assert paused > 0 and 0 < above <= commits
    assert primary.sql("SELECT state FROM pg_stat_replication") == "streaming"
    assert changes(enable(standby_max_latency=5)) == 0
    rules = primary.run(f"cat {primary.quoted}/pg_hba.conf")
    assert '"postgres"\t"standby_replicator"' in rules
    assert changes(enable()) > 0, "without a ceiling the role may not connect any more"
    assert '"postgres"\t"standby_replicator"' not in primary.run(f"cat {primary.quoted}/pg_hba.conf")
    assert status() == ("mirrored", 0)


@pytest.mark.usefixtures("unmirrored")
def test_a_copy_is_not_slowed_down_where_commits_are_fast_enough(begin):
    run = begin(True, standby_max_latency=60000)
    assert run.end() == 0
    assert "mirrored: scdw streams in sync from cdw" in run.told and "paused" not in run.told


@pytest.mark.usefixtures("unmirrored", "narrow")
def test_nothing_stays_suspended_of_a_copy_that_is_interrupted_in_a_pause(primary, standby, begin):
    run = begin(True, standby_max_latency=1)
    wait_until(lambda: copying_states(standby).startswith("T"), "the copy is suspended", limit_s=60)
    run.interrupt()
    assert run.end() != 0
    wait_until(lambda: at_work(standby) in ("", STAGED), "no process is left, at most what the next run goes on from")
    assert primary.sql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'standby_replicator'") == "0"
    assert enable().returncode == 0
    assert left_of_runs(primary, standby) == ""


@pytest.mark.usefixtures("unmirrored", "narrow")
def test_a_copy_whose_module_is_killed_in_a_pause_goes_on_and_is_ended_by_the_next_run(primary, standby, begin):
    run = begin(False, standby_max_latency=1)
    wait_until(lambda: copying_states(standby).startswith("T"), "the copy is suspended", limit_s=60)
    standby.run("kill -KILL $(ps -o ppid= -C pg_basebackup)")
    wait_until(lambda: not copying_states(standby).startswith("T"), "it is not suspended any more")
    assert run.end() != 0
    assert enable().returncode == 0
    assert left_of_runs(primary, standby) == ""
    assert status() == ("mirrored", 0)
