# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import work
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.processes import descendants, read_process
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.work import Cancelled, Progress


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(work, "_work", work._Work())


class Module:
    """What Host.run needs of an AnsibleModule, as that does it."""

    def run_command(self, command, environ_update=None, before_communicate_callback=None):
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
            if before_communicate_callback:
                before_communicate_callback(program)
            stdout, stderr = program.communicate()
        return program.returncode, stdout, stderr


@pytest.fixture
def host(program, tmp_path):
    return Host(Module(), str(tmp_path / "greenplum-db" / "greenplum_path.sh"))


def test_what_is_measured_is_told_as_long_as_it_lasts():
    def vanish():
        raise FileNotFoundError

    assert work.progress() is None and not work.takes_long()
    with work.measured(lambda: Progress("copying", 1, 2)):
        with work.measured(vanish):
            assert work.progress() is None and work.takes_long()
        assert work.progress() == Progress("copying", 1, 2)
    assert work.progress() is None


def test_work_goes_on_until_it_is_given_up():
    work.check()
    work.cancel("enough")
    work.cancel("later")
    with pytest.raises(Cancelled) as raised:
        work.check()
    assert raised.value.message == "enough"
    assert not isinstance(raised.value, Exception), "nobody tries another way"


def test_a_long_program_is_ended_with_all_that_it_started(host, program, tmp_path):
    program("pg_rewind", f"echo $$ > {tmp_path}/pid; sleep 61 & wait; touch {tmp_path}/went_on")
    found = []

    def give_up():
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text() or not found:
            found[:] = descendants(int((tmp_path / "pid").read_text() or 0)) if (tmp_path / "pid").exists() else []
            time.sleep(0.01)
        work.cancel("enough")

    thread = threading.Thread(target=give_up)
    thread.start()
    with pytest.raises(Cancelled, match="enough"):
        host.run("pg_rewind", long=True)
    thread.join()
    assert not (tmp_path / "went_on").exists()
    left = subprocess.run(["ps", "-o", "stat=", "-p", str(found[0])], capture_output=True, text=True, check=False).stdout
    assert left.strip()[:1] in ("", "Z")


def test_no_further_long_program_is_started_and_a_short_one_is(host, program, tmp_path):
    program("pg_basebackup", f"touch {tmp_path}/begun")
    program("pg_ctl", "echo started")
    work.cancel("enough")
    with pytest.raises(Cancelled):
        host.run("pg_basebackup", long=True)
    assert not (tmp_path / "begun").exists()
    assert host.run("pg_ctl") == "started\n", "what is put back needs it"


def test_a_program_prints_to_a_file_meanwhile(host, program, tmp_path):
    program("pg_rewind", 'echo "done: $*"; echo far >&2; exit ${CODE:-0}')
    said = tmp_path / "said"
    assert host.run("pg_rewind", "a b", output=str(said)) == "done: a b\nfar\n" == said.read_text()
    program("pg_rewind", "echo because >&2; exit 3")
    with pytest.raises(CoordinatorError, match="pg_rewind failed with exit code 3: because"):
        host.run("pg_rewind", login=True, output=str(said))


@pytest.fixture
def slept():
    """A program that the work waits for."""
    with work.cancellable() as begun, subprocess.Popen(["sleep", "60"]) as program:
        begun(program)
        yield program
        program.kill()


def wait_for_state(pid, state):
    deadline = time.monotonic() + 20
    while read_process(pid).state != state:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_pause_suspends_the_program_and_lets_it_go_on(slept):
    pausing = threading.Thread(target=work.pause, args=(0.2,))
    pausing.start()
    wait_for_state(slept.pid, "T")
    pausing.join()
    wait_for_state(slept.pid, "S")


def test_a_program_goes_on_where_whoever_paused_it_was_killed():
    reader, writer = os.pipe()
    pausing = os.fork()
    if pausing == 0:
        with work.cancellable() as begun:
            program = subprocess.Popen(["sleep", "60"])
            begun(program)
            os.write(writer, str(program.pid).encode())
            work.pause(0.5)
        os._exit(0)
    pid = int(os.read(reader, 20))
    wait_for_state(pid, "T")
    os.kill(pausing, signal.SIGKILL)
    os.waitpid(pausing, 0)
    wait_for_state(pid, "S")
    os.kill(pid, signal.SIGKILL)


def test_a_pause_does_not_outlast_what_suspends_it(slept, monkeypatch):
    monkeypatch.setattr(work, "_SUSPEND", 'kill -STOP "$@"; kill -KILL $$')
    assert work.pause(60)
    wait_for_state(slept.pid, "S")


def test_a_paused_program_is_ended_where_the_work_is_given_up():
    with pytest.raises(Cancelled), work.cancellable() as begun, subprocess.Popen(["sleep", "60"]) as program:
        begun(program)
        program.send_signal(signal.SIGSTOP)
        wait_for_state(program.pid, "T")
        work.cancel("enough")
        assert program.wait(timeout=20) == -signal.SIGTERM


def test_there_may_be_nothing_to_pause(slept):
    slept.kill()
    slept.wait()
    assert not work.pause(60)


def test_what_is_given_up_is_not_paused(slept):
    work._work.why = "enough"
    assert not work.pause(60)
    work._work.why = ""


def test_reads_of_another_host_wait_while_they_are_paused():
    with work.interruptible(lambda: None):
        assert work.pause(0.2)
        work._work.resumes = resumes = time.monotonic() + 0.2
        work.check()
        assert time.monotonic() >= resumes


def test_reads_that_are_paused_can_be_given_up():
    with pytest.raises(Cancelled), work.interruptible(lambda: None):
        work._work.resumes = time.monotonic() + 3600
        threading.Timer(0.05, work.cancel, ["enough"]).start()
        work.check()
