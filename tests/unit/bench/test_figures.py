# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the benchmark makes of its runs."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from ansible.plugins.action import ActionBase

BENCH = Path(__file__).parents[2] / "bench"


def load(path):
    spec = importlib.util.spec_from_file_location(f"bench_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


figures = load(BENCH / "figures.py")


def report(*tasks):
    """Of a play whose strategy has a full name: a task of several hosts is there once for each."""
    return {"plays": [{"tasks": [{"task": {"id": task}, "hosts": {host: result}} for task, host, result in tasks]}]}


def test_hosts_of_one_task_work_at_the_same_time():
    of_both = report(
        ("a", "cdw", {"action": "c.one", "steps": [{"seconds": 1}, {"seconds": 2}]}),
        ("a", "scdw", {"action": "c.one", "steps": [{"seconds": 5}]}),
        ("b", "cdw", {"action": "c.two", "steps": [{"seconds": 7}]}),
        ("b", "scdw", {"action": "c.two"}),
    )
    by_task = figures.tasks(of_both).values()
    assert [figures.module_seconds(results, "") for results in by_task] == [5, 7]
    assert [figures.module_seconds(results, "one") for results in by_task] == [5, 0]


def test_executions_are_tasks_that_sent_a_command_to_a_host():
    of_both = report(
        ("play", "localhost", {}),
        ("lock", "cdw", {}),
        ("lock", "scdw", {}),
        ("plan", "cdw", {}),
        ("copy", "cdw", {"skipped": True}),
        ("copy", "scdw", {"censored": "hidden"}),
        ("copy", "sdw1", {"skipped": True}),
    )
    assert figures.executed(of_both, "lock\nlock\ncopy\n") == (2, ("cdw", "scdw"))


def test_a_host_out_of_reach_has_no_part_in_the_floor():
    of_both = report(("lock", "cdw", {"unreachable": True}), ("lock", "scdw", {}), ("observe", "cdw", {}), ("observe", "scdw", {}))
    assert figures.executed(of_both, "lock\nobserve\n") == (2, ("scdw",))


def test_the_floor_beside_ours():
    ours = [figures.Run(wall_s, 0, executions, ()) for wall_s, executions in ((8.0, 12), (7.0, 12), (9.5, 13))]
    assert figures.beside_floor(ours, [4.5, 3.9, 4.3], bare=2.0) == {
        "executions": 13,
        "floor_s": 4.3,
        "floor_min_s": 3.9,
        "floor_max_s": 4.5,
        "floor_ratio": 1.27,
    }


@pytest.mark.parametrize("runs", [1, 2, 5])
def test_who_begins_changes(runs):
    order = list(figures.turns(runs))
    assert Counter(order) == {"A": runs, "B": runs}
    assert {frozenset(order[2 * number : 2 * number + 2]) for number in range(runs)} == {frozenset("AB")}
    assert all(order[2 * number] != order[2 * number - 2] for number in range(1, runs))


def test_a_comparison():
    assert figures.compared([2.0, 4.0, 3.0], [3.3, 1.0, 9.0]) == {
        "a_s": 3.0,
        "a_min_s": 2.0,
        "a_max_s": 4.0,
        "b_s": 3.3,
        "b_min_s": 1.0,
        "b_max_s": 9.0,
        "b_over_a": 1.1,
    }


class Thing:
    def __init__(self, **attributes):
        self.__dict__.update(attributes)


def test_commands_are_noted_that_a_host_carried_out(tmp_path, monkeypatch):
    def carry_out(action, command):
        if command == "lost":
            raise ConnectionError
        return {"rc": 0, "stdout": command}

    monkeypatch.setattr(ActionBase, "_low_level_execute_command", carry_out)
    monkeypatch.setenv("WHPG_BENCH_EXECUTIONS", str(tmp_path / "noted"))
    load(BENCH / "callback/executions.py").CallbackModule()

    def action(task, transport):
        return Thing(_connection=Thing(transport=transport), _task=Thing(_uuid=task))

    noting = ActionBase._low_level_execute_command
    assert noting(action("one", "ssh"), "true") == {"rc": 0, "stdout": "true"}
    noting(action("one", "ssh"), "true")
    noting(action("here", "local"), "true")
    with pytest.raises(ConnectionError):
        noting(action("gone", "ssh"), "lost")
    assert (tmp_path / "noted").read_text().split() == ["one", "one"]


def test_empty_plays_have_as_many_tasks_on_as_many_hosts():
    seen = {
        "plays": [
            report(("read", "localhost", {}))["plays"][0],
            report(
                ("lock", "cdw", {}),
                ("lock", "scdw", {}),
                ("plan", "cdw", {}),
                ("copy", "cdw", {"skipped": True}),
                ("copy", "scdw", {}),
                ("show", "cdw", {}),
                ("show", "scdw", {}),
                ("undo", "cdw", {"skipped": True}),
                ("undo", "scdw", {"skipped": True}),
            )["plays"][0],
            {"tasks": []},
        ]
    }
    first, second = figures.empty_plays(seen, "lock copy")
    assert (first["hosts"], len(first["tasks"])) == (["localhost"], 1)
    assert second["hosts"] == ["cdw", "scdw"]
    kinds = ["ping" if "ansible.builtin.ping" in task else "debug" for task in second["tasks"]]
    assert kinds == ["ping", "debug", "ping", "debug", "debug"]
    acting = [task.get("vars", {}).get("acting") for task in second["tasks"]]
    assert acting == [["cdw", "scdw"], None, ["scdw"], ["cdw", "scdw"], []]
    assert second["tasks"][1]["run_once"]


@pytest.mark.parametrize(("share", "value"), [(0, 1), (50, 2), (75, 3), (76, 4), (95, 4), (100, 4)])
def test_a_percentile_is_one_of_what_was_measured(share, value):
    assert figures.percentile([4, 1, 3, 2], share) == value


def test_what_a_command_takes_counts_with_all_that_it_leaves(tmp_path):
    usage = load(BENCH / "usage.py")
    spun = tmp_path / "spun"
    left = f"""
import os, time
if os.fork() == 0:
    os.setsid()
    while time.process_time() < 0.5:
        pass
    open({str(spun)!r}, "w").close()
    time.sleep(60)
"""
    waits = f"""
import os, time
while not os.path.exists({str(spun)!r}):
    time.sleep(0.01)
raise SystemExit(3)
"""
    command = usage.command(tmp_path / "usage", "sh", "-c", f'"{sys.executable}" -c "$0"; "{sys.executable}" -c "$1"', left, waits)
    assert subprocess.run(command, check=False).returncode == 3
    assert usage.read(tmp_path / "usage").cpu_s >= 0.5
