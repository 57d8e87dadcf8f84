# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A work is done by a process of its own, for real; the module around it is a stand-in."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import detached, outlasting, processes, work
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.outlasting import END, GOES_ON, VARIABLE, Asking, Ended
from hypothesis import given
from hypothesis import strategies as st


class Module:
    """An AnsibleModule's ways to end, and to run a program."""

    no_log_values = frozenset({"secret"})

    def __init__(self, check_mode=False):
        self.check_mode = check_mode

    def exit_json(self, **result):
        raise Ended(False, result)

    def fail_json(self, msg, **result):
        raise Ended(True, {"msg": msg, **result})

    def run_command(self, command, environ_update=None, before_communicate_callback=None):
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
            if before_communicate_callback:
                before_communicate_callback(program)
            stdout, stderr = program.communicate()
        return program.returncode, stdout, stderr


def ask(asking, body=lambda module: module.exit_json(changed=True), module=None, of="/c/gpseg-1"):
    """How an execution of a module ends."""
    module = module or Module()
    os.environ[VARIABLE] = str(asking)
    try:
        outlasting.run(module, lambda: body(module), of)
    except Ended as ended:
        return ended
    finally:
        del os.environ[VARIABLE]
    raise AssertionError("it did not end the module")


def wait_until(holds):
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """Where works are told of; none is there any more afterwards."""
    directory = tmp_path / "tmp"
    directory.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(directory))
    monkeypatch.setattr(outlasting, "_PATIENCE", 0.3)
    monkeypatch.setattr(outlasting, "_FURTHER", 0.3)
    monkeypatch.setattr(outlasting.logout, "ending", lambda host: "")
    yield directory
    for path in directory.iterdir():
        (path / END).touch()
    wait_until(lambda: not any(directory.iterdir()))


BEGIN, FOLLOW = Asking(True, "0123", 60), Asking(False, "0123", 60)


@given(st.builds(Asking, st.booleans(), st.text("0123456789abcdef", min_size=1), st.integers(1, 9999).map(float)))
def test_what_is_asked_is_read_as_it_was_written(asking):
    assert Asking.parse(str(asking)) == asking


def test_short_work_takes_one_execution(place):
    ended = ask(BEGIN, lambda module: module.exit_json(changed=True, by=os.getpid()))
    assert not ended.failed and ended.result["changed"] and ended.result["by"] != os.getpid()
    wait_until(lambda: not any(place.iterdir()))


@pytest.mark.parametrize("how", ["plain", "check"])
def test_without_being_asked_for_a_module_does_its_work_itself(monkeypatch, how):
    if how == "check":
        monkeypatch.setenv(VARIABLE, str(BEGIN))
    with pytest.raises(Ended) as raised:
        module = Module(check_mode=how == "check")
        outlasting.run(module, lambda: module.exit_json(by=os.getpid()), "/c/gpseg-1")
    assert raised.value.result == {"by": os.getpid()}


def test_where_a_login_ends_all_it_started_a_module_does_its_work_itself(monkeypatch):
    monkeypatch.setattr(outlasting.logout, "ending", lambda host: "KillUserProcesses=yes")
    assert ask(BEGIN, lambda module: module.exit_json(by=os.getpid())).result == {"by": os.getpid()}


def test_a_failure_passes_through_without_secrets():
    ended = ask(BEGIN, lambda module: module.fail_json("no: secret", steps=({"name": "copy"},), set_aside={"a"}))
    assert ended.failed and ended.result == {"msg": "no: ********", "steps": [{"name": "copy"}], "set_aside": ["a"]}


def test_what_nobody_expected_is_a_failure_that_tells_where():
    ended = ask(BEGIN, lambda module: {}["x"])
    assert ended.failed and ended.result["msg"] == "KeyError: 'x'" and "test_outlasting.py" in ended.result["exception"]


def test_a_work_that_does_not_end_its_module_is_a_failure():
    assert ask(BEGIN, lambda module: None).failed


def long_work(go: Path):
    def body(module):
        with work.measured(lambda: work.Progress("copying", 5, 10)):
            while not go.exists():
                work.check()
                time.sleep(0.01)
        module.exit_json(changed=True)

    return body


def begin(go):
    """The directory of a work that goes on."""
    return ask(BEGIN, long_work(go)).result[GOES_ON]["directory"]


def alive(directory):
    return outlasting.State(directory).lives


def test_long_work_is_followed_to_its_end(tmp_path, place):
    directory = begin(tmp_path / "go")
    assert Path(directory).stat().st_mode & 0o777 == 0o700
    far = {"what": "copying", "done": 5, "total": 10, "paused": 0.0}
    wait_until(lambda: ask(FOLLOW).result[GOES_ON]["progress"] == far)
    assert ask(BEGIN, lambda module: module.exit_json(again=True)).result[GOES_ON], "an execution that ssh repeats begins nothing"
    (tmp_path / "go").touch()
    wait_until(lambda: GOES_ON not in ask(FOLLOW).result)
    assert ask(FOLLOW).result == {"changed": True}, "whoever was not heard asks again"
    outlasting.State(directory).end()
    wait_until(lambda: not any(place.iterdir()))
    assert ask(FOLLOW).result == {GOES_ON: {}}


def test_work_that_is_ended_gives_itself_up(tmp_path, place):
    directory = begin(tmp_path / "go")
    pid = outlasting.State(directory).read("alive")
    outlasting.State(directory).end()
    wait_until(lambda: processes.read_process(pid) is None)
    assert not any(place.iterdir())


@pytest.mark.parametrize("asked", [True, False])
def test_the_next_work_on_the_same_directory_begins_when_the_one_before_has_ended(tmp_path, asked):
    """Its run was killed: who begins the next one does not wait until it gives itself up."""
    log = tmp_path / "log"

    def body(module):
        try:
            long_work(tmp_path / "go")(module)
        except BaseException:
            time.sleep(0.5)  # it removes what it staged
            log.write_text("ended")
            raise

    before = ask(BEGIN, body).result[GOES_ON]["directory"]
    other = ask(Asking(True, "4567", 60), long_work(tmp_path / "go"), of="/c/gpseg-2").result[GOES_ON]["directory"]

    def next_one(module):
        module.exit_json(before=log.read_text(), lives=alive(before))

    if asked:
        ended = ask(Asking(True, "89ab", 60), next_one)
    else:
        module = Module()
        with pytest.raises(Ended) as raised:
            outlasting.run(module, lambda: next_one(module), "/c/gpseg-1")
        ended = raised.value
    assert ended.result == {"before": "ended", "lives": False}
    assert alive(other)


def test_a_work_that_does_not_end_for_the_next_one_is_told_of(tmp_path, monkeypatch):
    monkeypatch.setattr(outlasting, "_END", 0.2)

    def stuck(module):
        with work.measured(lambda: work.Progress("copying", 5, 10)):
            while not (tmp_path / "go").exists():
                time.sleep(0.01)
        module.exit_json()

    ask(BEGIN, stuck)
    ended = ask(Asking(True, "4567", 60))
    (tmp_path / "go").touch()
    assert ended.failed and "an earlier run is still at work on /c/gpseg-1 and does not end: end its process" in ended.result["msg"]


def test_work_that_nobody_asks_for_gives_itself_up(tmp_path, place):
    told = tmp_path / "told"

    def body(module):
        try:
            with work.measured(lambda: None):
                while True:
                    work.check()
                    time.sleep(0.01)
        except work.Cancelled as cancelled:
            told.write_text(cancelled.message)
            raise

    assert GOES_ON in ask(Asking(True, "0123", 1), body).result
    wait_until(lambda: not any(place.iterdir()))
    assert "nobody asked for it within 1 s" in told.read_text()


def test_work_is_given_up_by_a_signal(tmp_path):
    directory = begin(tmp_path / "go")
    os.kill(outlasting.State(directory).read("alive"), signal.SIGTERM)
    wait_until(lambda: ask(FOLLOW).failed)
    assert "ended by a signal" in ask(FOLLOW).result["msg"]


def test_a_process_that_was_killed_is_told_of(tmp_path, place):
    directory = begin(tmp_path / "go")
    os.kill(outlasting.State(directory).read("alive"), signal.SIGKILL)
    wait_until(lambda: not alive(directory))
    ended = ask(FOLLOW)
    assert ended.failed and "was killed" in ended.result["msg"]
    assert not any(place.iterdir())


def test_what_killed_processes_left_is_removed_by_the_next_work(tmp_path, place):
    dead, new, held, unlike = (place / name for name in ("coordinator-work-1", "coordinator-work-2", "coordinator-work-3", "others-work-4"))
    for directory in (dead, new, held, unlike):
        directory.mkdir()
        (directory / "alive").write_text("1")
    for directory in (dead, held, unlike):
        os.utime(directory, (0, 0))
    with detached.held(str(held / "alive")):
        assert ask(BEGIN).result == {"changed": True}
    left = {path.name for path in place.iterdir()} - {"coordinator-work-0123"}
    for directory in place.iterdir():
        shutil.rmtree(directory)
    assert left == {new.name, held.name, unlike.name}


def test_a_directory_of_another_user_is_refused(tmp_path, monkeypatch):
    begin(tmp_path / "go")
    monkeypatch.setattr(os, "getuid", lambda: 4711)
    ended = ask(FOLLOW)
    assert ended.failed and "belongs to another user" in ended.result["msg"]


def test_where_there_is_no_room_for_a_process_or_its_files_a_module_does_its_work_itself(monkeypatch, place):
    def fork():
        raise BlockingIOError

    monkeypatch.setattr(tempfile, "tempdir", str(place / "none"))
    assert ask(BEGIN, lambda module: module.exit_json(by=os.getpid())).result == {"by": os.getpid()}
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    monkeypatch.setattr(os, "fork", fork)
    assert ask(BEGIN, lambda module: module.exit_json(by=os.getpid())).result == {"by": os.getpid()}


def test_work_that_measures_nothing_is_waited_for_longer():
    def body(module):
        time.sleep(3 * outlasting._PATIENCE)
        module.exit_json(changed=True)

    assert ask(BEGIN, body).result == {"changed": True}
