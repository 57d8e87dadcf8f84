# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Following long work: a host is a list of what its executions say, or this machine."""

from __future__ import annotations

import os
import signal
import time
from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible_collections.warehousepg.coordinator.plugins.action import coordinator_activation, coordinator_snapshot
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.outlasting import GOES_ON, VARIABLE, Asking
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run import long_work
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.long_work import FIRST_LEASE, LEASE, Guard, Pace, Shown, follow
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show import progress_lines
from hypothesis import given
from hypothesis import strategies as st

LOST = AnsibleConnectionFailure("lost")
FAR = {"what": "copying", "done": 5 << 20, "total": 20 << 20}
ON = {GOES_ON: {"directory": "/tmp/w", "progress": FAR}}
UNKNOWN = {GOES_ON: {}}
DONE = {"changed": True, "failed": True, "msg": "as the module says"}


class Host:
    """Answers one after the other; the last one again and again. Each takes so many seconds."""

    def __init__(self, *answers, seconds=2.5):
        self.answers, self.seconds = list(answers), seconds
        self.asked, self.told, self.lost, self.now = [], [], 0, 0.0

    def execute(self, asking):
        self.asked.append(asking)
        self.now += self.seconds
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _count(self):
        self.lost += 1

    def follow(self):
        return follow(self.execute, self.told.append, self._count, lambda: self.now)


def test_short_work_takes_one_execution():
    host = Host(DONE)
    assert host.follow() == DONE
    assert [(asking.begin, asking.lease) for asking in host.asked] == [(True, FIRST_LEASE)]
    assert host.told == []


def test_long_work_is_asked_for_until_it_has_ended():
    host = Host(ON, {GOES_ON: {"directory": "/tmp/w", "progress": None}}, DONE)
    assert host.follow() == DONE
    assert [told["progress"] for told in host.told] == [FAR, None]
    assert [(asking.begin, asking.lease) for asking in host.asked] == [(True, FIRST_LEASE), (False, LEASE), (False, LEASE)]
    assert len({asking.token for asking in host.asked}) == 1
    assert Host(DONE).follow() and len(host.asked[0].token) == 32


@pytest.mark.parametrize("answers", [(LOST, ON, DONE), (ON, LOST, LOST, ON, DONE), (ON, LOST, DONE)])
def test_a_lost_connection_is_made_again_and_nothing_is_begun_again(answers):
    host = Host(*answers)
    assert host.follow() == DONE
    assert host.lost == answers.count(LOST)
    assert [asking.begin for asking in host.asked] == [True] + [False] * (len(answers) - 1)


@pytest.mark.parametrize(
    ("answers", "words"), [((LOST, UNKNOWN), "^lost"), ((LOST, LOST, ON), "^lost"), ((ON, LOST), "given up and removed.*: lost")]
)
def test_a_host_that_stays_away_is_unreachable(answers, words):
    host = Host(*answers)
    with pytest.raises(AnsibleConnectionFailure, match=words):
        host.follow()
    assert host.now <= LEASE + 3 * host.seconds


def test_work_that_its_host_does_not_know_any_more_is_lost():
    with pytest.raises(AnsibleConnectionFailure, match="given up and removed"):
        Host(ON, UNKNOWN).follow()


@given(st.lists(st.tuples(st.floats(0.5, 30), st.integers(0, 1 << 40)), min_size=1, max_size=30), st.integers(0, 1 << 45))
def test_a_rate_is_never_negative_and_time_is_left_only_by_one(steps, total):
    pace, now, done = Pace(), 0.0, 0
    for number, (seconds, more) in enumerate(steps):
        now, done = now + seconds, done + more
        figures = pace.figures(done, total, now)
        assert figures["rate"] is None or figures["rate"] > 0
        assert (figures["left"] is None) == (figures["rate"] is None or not total)
        assert figures["left"] is None or figures["left"] >= 0
        assert number or figures["rate"] is None


@given(st.integers(1, 1 << 32), st.integers(2, 60))
def test_an_even_rate_is_told_and_what_is_left_by_it(rate, count):
    pace, total = Pace(), rate * 100
    for second in range(count):
        figures = pace.figures(rate * second, total, float(second))
    assert figures == {"rate": rate, "left": 100 - (count - 1)}


def test_a_rate_is_that_of_the_last_seconds_and_of_one_thing():
    pace = Pace()
    for second in range(100):
        pace.figures(1000 * second if second < 50 else 50_000, 100_000, float(second))
    assert pace.figures(50_000, 100_000, 100.0) == {"rate": None, "left": None}, "it stands still"
    assert pace.figures(10, 100, 101.0)["rate"] is None, "another one begins"


def test_people_see_a_line_as_long_as_work_goes_on(monkeypatch, tmp_path):
    monkeypatch.setenv(progress_lines.DIRECTORY, str(tmp_path))
    shown = Shown({"inventory_hostname": "cdw/1", "cluster_name": "demo"})
    shown.write(None, 0.0)
    assert progress_lines.lines(str(tmp_path), 100) == []
    shown.write(FAR, 0.0)
    assert progress_lines.lines(str(tmp_path), 100) == ["demo: copying (cdw/1): 25 %, 5.0 MiB of 20.0 MiB"]
    shown.write({**FAR, "done": 10 << 20}, 5.0)
    assert progress_lines.lines(str(tmp_path), 100) == ["demo: copying (cdw/1): 50 %, 10.0 MiB of 20.0 MiB, 1.0 MiB/s, 0:10 left"]
    shown.write({"what": "fetching WAL", "done": 1 << 30, "total": 0}, 6.0)
    assert progress_lines.lines(str(tmp_path), 100) == ["demo: fetching WAL (cdw/1): 1.0 GiB"]
    for lie in ({**FAR, "done": float("inf")}, {**FAR, "total": "all"}, {"what": "copying"}, ["copying"]):
        shown.write(lie, 7.0)
        assert progress_lines.lines(str(tmp_path), 100) == []
    shown.write(None, 8.0)
    shown.remove()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("directory", [None, "/nowhere"])
def test_nobody_looks(monkeypatch, directory):
    monkeypatch.delenv(progress_lines.DIRECTORY, raising=False)
    if directory:
        monkeypatch.setenv(progress_lines.DIRECTORY, directory)
    shown = Shown({"inventory_hostname": "cdw"})
    shown.write(FAR, 0.0)
    shown.remove()


def wait_until(holds):
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("killed", [False, True])
def test_work_is_ended_when_its_task_is_through_with_it_or_was_killed(tmp_path, killed):
    guarded, ended = tmp_path / "guarded", tmp_path / "ended"
    task = os.fork()
    if task == 0:
        try:
            guard = Guard(ended.touch)
            guarded.touch()
            while killed:
                signal.pause()
            guard.release()
        finally:
            os._exit(0)
    wait_until(guarded.exists)
    if killed:
        assert not ended.exists()
        os.kill(task, signal.SIGKILL)
    os.waitpid(task, 0)
    wait_until(ended.exists)


class Action:
    """Of an action plugin, what stands for Ansible: a task, a connection, and executions of the module."""

    def __init__(self, answers, **task):
        self.host = Host(*answers)
        self._task = SimpleNamespace(**{"async_val": 0, "check_mode": False, "environment": [{"LANG": "C"}], "args": {}, **task})
        self._connection = SimpleNamespace(has_native_async=False, reset=lambda: None)
        self.environments, self.commands, self.wrapped = [], [], []

    def _execute_module(self, task_vars, wrap_async=False):
        self.environments.append(self._task.environment)
        self.wrapped.append(wrap_async)
        return self.host.execute(None)


def ran(monkeypatch, plugin, answers, **task):
    """An action plugin that was run, and its result."""
    monkeypatch.setattr(long_work.ActionBase, "run", lambda self, tmp, task_vars: {})
    monkeypatch.setattr(long_work, "_PAUSE", 0)

    class Tried(Action, plugin.ActionModule):
        pass

    action = Tried(answers, **task)
    return action, action.run(task_vars={"inventory_hostname": "scdw", "cluster_name": "demo"})


@pytest.fixture
def guards(monkeypatch):
    """What guards a work, in place of a process."""
    found = []

    class Guarding:
        def __init__(self, end):
            self.released = False
            found.append(self)

        def release(self):
            self.released = True

    monkeypatch.setattr(long_work, "Guard", Guarding)
    return found


def test_a_module_is_asked_by_its_environment_and_its_result_is_its_own(monkeypatch, tmp_path, guards):
    monkeypatch.setenv(progress_lines.DIRECTORY, str(tmp_path))
    seen = []
    monkeypatch.setattr(Shown, "write", lambda shown, progress, now: seen.append(progress))
    action, result = ran(monkeypatch, coordinator_snapshot, [ON, LOST, ON, DONE])
    assert result == DONE
    assert seen == [FAR, FAR] and list(tmp_path.iterdir()) == []
    asked = [Asking.parse(environment[-1][VARIABLE]) for environment in action.environments]
    assert [asking.begin for asking in asked] == [True, False, False, False]
    assert all(environment[0] == {"LANG": "C"} for environment in action.environments)
    assert action._task.environment == [{"LANG": "C"}]
    assert [guard.released for guard in guards] == [True]


def test_what_is_shown_goes_when_the_host_stays_away(monkeypatch, tmp_path, guards):
    monkeypatch.setenv(progress_lines.DIRECTORY, str(tmp_path))
    monkeypatch.setattr(long_work, "LEASE", 0)
    with pytest.raises(AnsibleConnectionFailure):
        ran(monkeypatch, coordinator_snapshot, [ON, LOST])
    assert list(tmp_path.iterdir()) == [] and [guard.released for guard in guards] == [True]


def test_a_task_whose_run_is_gone_gives_its_work_up(monkeypatch, guards):
    parents = iter([1, 1, 2])
    monkeypatch.setattr(os, "getppid", lambda: next(parents))
    with pytest.raises(long_work.AnsibleError, match="gone"):
        ran(monkeypatch, coordinator_snapshot, [ON])
    assert [guard.released for guard in guards] == [True]


@pytest.mark.parametrize(("task", "wrapped"), [({"check_mode": True}, False), ({"async_val": 60}, True)])
def test_where_nothing_is_followed_a_module_runs_as_any_other(monkeypatch, guards, task, wrapped):
    action, result = ran(monkeypatch, coordinator_snapshot, [DONE], **task)
    assert result == DONE
    assert action.environments == [[{"LANG": "C"}]] and action.wrapped == [wrapped]
    assert guards == []


def test_an_activation_is_followed_too(monkeypatch, guards):
    action, _result = ran(monkeypatch, coordinator_activation, [ON, DONE], environment=None)
    assert [list(environment[-1]) for environment in action.environments] == [[VARIABLE]] * 2


def test_work_is_ended_by_a_file_whoever_removed_its_directory_meanwhile(monkeypatch, tmp_path):
    monkeypatch.setattr(
        coordinator_snapshot.ActionModule, "_low_level_execute_command", lambda self, command: os.system(command), raising=False
    )
    action = object.__new__(coordinator_snapshot.ActionModule)
    (tmp_path / "a work").mkdir()
    action._end(str(tmp_path / "a work"))
    action._end(str(tmp_path / "none"))
    assert [path.name for path in tmp_path.rglob("*")] == ["a work", "end"]
