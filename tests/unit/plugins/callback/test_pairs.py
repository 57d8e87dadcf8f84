# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is printed of plays, which are run as an operator does; their tasks return what they are told to."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest
from ansible_collections.warehousepg.coordinator.plugins.callback.pairs import CallbackModule, InPlace, _described
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.people import PAIRS
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.progress_lines import DIRECTORY
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ...plays import ROOT, play_all
from ..plugin_utils._show.test_run_lines import results

INVENTORY = {
    "all": {
        "hosts": {"cdw": {}, "scdw": {}, "sdw1": {}, "web1": {}},
        "vars": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable},
    }
}
#: an action that returns what it is told to, as any module of any collection may
RETURNS = """
import json
import time

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    _supports_check_mode = True

    def run(self, tmp=None, task_vars=None):
        time.sleep(float(self._task.args.get("seconds", 0)))
        return {**super().run(tmp, task_vars), **json.loads(self._task.args["result"])}
"""


@pytest.fixture(autouse=True)
def action(tmp_path):
    (tmp_path / "action_plugins").mkdir()
    (tmp_path / "action_plugins/returns.py").write_text(RETURNS)


@pytest.fixture
def play(tmp_path):
    """Runs plays, and returns what they print, without seconds."""

    def run(*plays, code=None, arguments=(), **environment):
        printing = {"ANSIBLE_STDOUT_CALLBACK": PAIRS, "ANSIBLE_FORCE_COLOR": "0", "ANSIBLE_NOCOLOR": "0"}
        done = play_all(tmp_path, INVENTORY, list(plays), *arguments, **{**printing, **environment})
        assert code is None or done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr and "callback" not in done.stderr.lower()
        return re.sub(r"\d+\.\d s", "N s", done.stdout)

    return run


def of(*tasks, hosts="cdw:scdw", **attributes):
    return {"hosts": hosts, "gather_facts": False, "tasks": [OBSERVED, *tasks], **attributes}


def task(name, when=True, seconds=0, keywords=None, **result):
    return {"name": name, "returns": {"result": json.dumps(result), "seconds": seconds}, "when": when, **(keywords or {})}


ON_PRIMARY, ON_STANDBY = "inventory_hostname == 'cdw'", "inventory_hostname == 'scdw'"
#: as the module that observes a host returns it
OBSERVED = task("Observe", "inventory_hostname != 'web1'", options={"cluster_name": "demo"})


def test_what_did_something_and_what_failed(play):
    said = play(
        of(
            task("Look"),
            task("Register the standby", changed=True),
            task("Do it never", False, changed=True),
            task("Bring keys", ON_STANDBY, changed=True, secret="hush", keywords={"no_log": True}),
            {
                "block": [task("Copy the primary", ON_STANDBY, failed=True, msg="no space")],
                "rescue": [task("Roll back", ON_STANDBY, changed=True)],
            },
            {"name": "Summary", "ansible.builtin.fail": {"msg": "demo is not mirrored: no space. Run this again"}, "when": ON_PRIMARY},
            task("Bring more", ON_STANDBY, failed=True, msg="hush", keywords={"no_log": True}),
            hosts="cdw:scdw:sdw1",
        ),
        of(
            {
                "name": "Install",
                "returns": {"result": "{{ {'changed': item == 'b', 'failed': item == 'c', 'msg': 'no ' ~ item} | to_json }}"},
                "loop": ["a", "b", "c"],
                "ignore_errors": True,
            },
            task("Try", msg="no", keywords={"retries": 1, "delay": 0, "register": "found", "until": "found.msg == 'yes'"}),
            hosts="web1",
        ),
        code=2,
    )
    *lines, last, more, most = said.splitlines()
    assert lines == [
        "demo: Register the standby (cdw, scdw, sdw1, N s)",
        "demo: Bring keys (scdw, N s)",
        "demo: FAILED: Copy the primary (scdw, N s)",
        "demo: Roll back (scdw, N s)",
        "demo: FAILED: Bring more (scdw, N s)",
        "web1: Install: failed, ignored: no c",
        "web1: FAILED: Try (N s)",
    ]
    assert last == "FAILED: demo is not mirrored: no space. Run this again"
    assert more.startswith("FAILED: demo: Bring more (scdw): the output has been hidden")
    assert most == "FAILED: web1: Try: no"
    assert "hush" not in said


def test_a_failure_that_is_fatal_for_all_is_told_once_also_where_the_run_is_cut_off(play):
    fatal = of(task("Copy", ON_STANDBY, failed=True, msg="no space"), task("Go on", changed=True), any_errors_fatal=True)
    broken = {"hosts": "{{ undefined_there }}", "gather_facts": False, "tasks": []}
    for plays in ([fatal], [of(*fatal["tasks"][1:2]), broken]):
        assert play(*plays).splitlines() == ["demo: FAILED: Copy (scdw, N s)", "FAILED: demo: Copy (scdw): no space"]


def test_a_host_that_is_not_reached_is_told(play):
    lost = of(hosts="web1", vars={"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1})
    lost["tasks"] = [{"ansible.builtin.ping": {}, "ignore_unreachable": True}, {"ansible.builtin.ping": {}}]
    first, last = play(lost, code=4).splitlines()
    assert first.startswith("web1: ansible.builtin.ping: unreachable, ignored: ")
    assert last.startswith("UNREACHABLE: web1: ") and "Connection refused" in last


def test_check_and_diff_mode(play):
    changed = task("Write", ON_STANDBY, changed=True, steps=[{"name": "write_rules"}], diff={"before": "old\n", "after": "new\x1b[2J\n"})
    first, *difference = play(of(changed), arguments=["--check", "--diff"], code=0).splitlines()
    assert first == "demo: to do: Write (scdw: write rules)"
    assert difference[-2:] == ["-old", "+new\\x1b[2J"]


def test_more_is_shown_to_those_who_ask(play):
    said = play(of(task("Look", level=7), task("Change", ON_STANDBY, changed=True)), arguments=["-v"], code=0)
    assert "TASK [Look]" in said and '"level": 7' in said and "PLAY RECAP" in said
    assert "demo: Change (scdw, N s)" in said.splitlines()


def test_by_the_strategy_free_each_task_is_told(play):
    slow = task("Copy", changed=True, seconds="{{ 1 if inventory_hostname == 'scdw' else 0 }}")
    said = play(of(slow, task("Start", changed=True), strategy="free"), code=0)
    for name in ("Copy", "Start"):  # on a busy machine a host may be done before another one begins
        assert sorted(host for hosts in re.findall(rf"{name} \((.*), N s", said) for host in hosts.split(", ")) == ["cdw", "scdw"]


def test_a_play_without_hosts_is_told_and_colors_are_as_they_are_asked_for(play):
    plays = {**of(hosts="web1"), "name": "Install it"}, of(task("Go", changed=True))
    said = play(*plays, arguments=["--limit", "cdw"], code=0, ANSIBLE_FORCE_COLOR="1")
    lines = ["Install it: left out, it is for none of the hosts", "demo: Go (cdw, N s)"]
    assert re.sub(r"\x1b\[[\d;]*m", "", said).splitlines() == lines
    assert said.count("\x1b[0m") == 2


def on_terminal(directory, *plays):
    """What a terminal gets of a run."""
    (directory / "inventory.json").write_text(json.dumps(INVENTORY))
    (directory / "play.yml").write_text(json.dumps(plays))
    ours, theirs = pty.openpty()
    collections = {"ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache/collections"), "LC_ALL": "C.UTF-8"}
    run = subprocess.Popen(
        [sys.executable, "-m", "ansible", "playbook", "-i", "inventory.json", "play.yml"],
        cwd=directory,
        env={**os.environ, **collections, "TERM": "xterm", "ANSIBLE_STDOUT_CALLBACK": PAIRS},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.STDOUT,
    )
    os.close(theirs)
    found = b""
    with contextlib.suppress(OSError), os.fdopen(ours, "rb") as terminal:
        while part := terminal.read(1):
            found += part
    assert run.wait() == 0
    return found.decode().replace("\r\n", "\n")


def test_on_a_terminal_work_is_shown_below_and_removed(tmp_path):
    copied = json.dumps({"cluster": "demo", "host": "scdw", "what": "copy", "done": 7, "total": 9})
    keep = f"import os; open(os.environ['{DIRECTORY}'] + '/scdw.json', 'w').write('{copied}')"
    copy = {"name": "Copy", "ansible.builtin.command": {"argv": [sys.executable, "-c", keep]}, "when": ON_STANDBY}
    where = {"ansible.builtin.debug": {"msg": f"in {{{{ lookup('env', '{DIRECTORY}') }}}}"}}
    said = on_terminal(tmp_path, of(copy, task("Wait", seconds=2.5), where))
    assert "\ndemo: copy (scdw): 77 %, 7 bytes of 9 bytes\r\x1b[1A" in said
    (directory,) = set(re.findall(r"demo: in (/\S+)", said))
    assert not os.path.exists(directory)
    assert "\r\x1b[Jdemo: in " in said


def test_lines_in_place_are_removed_before_others_are_printed(tmp_path):
    with open(tmp_path / "terminal", "wb+") as terminal:
        place = InPlace(terminal.fileno())
        place.clear()
        place.draw([])
        assert terminal.read() == b""
        place.draw(["one", "two"])
        place.draw(["three"])
        place.clear()
        place.clear()
        terminal.seek(0)
        assert terminal.read() == b"\none\ntwo\r\x1b[2A\r\x1b[J\nthree\r\x1b[1A\r\x1b[J"


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from(["ok", "failed", "unreachable", "skipped", "diff"]), results), max_size=5))
def test_no_result_is_too_much(capsys, happened):
    callback = CallbackModule()
    task = SimpleNamespace(_uuid="1", action="x", ignore_unreachable=False, get_name=lambda: "Task")
    host = SimpleNamespace(get_name=lambda: "web1")
    for event, result in happened:
        found = SimpleNamespace(result=result, task=task, host=host, task_name="Task", _task_fields={"check_mode": False})
        name = "v2_on_file_diff" if event == "diff" else f"v2_runner_on_{event}"
        getattr(callback, name)(found)
    callback.v2_playbook_on_stats(SimpleNamespace(processed={"web1": 1}, summarize=lambda host: {"failures": 9}, custom={}))
    said = capsys.readouterr().out
    assert "FAILED: " in said or all(event != "failed" for event, _result in happened)
    assert "UNREACHABLE: web1" in said or all(event != "unreachable" for event, _result in happened)


@pytest.mark.parametrize(
    ("name", "path", "own", "shown"),
    [
        ("warehousepg.coordinator._common : Lock", ROOT / "roles/_common/tasks/lock.yml:5", True, "Lock"),
        ("warehousepg.coordinator._common : Pause", "/etc/whpg/pause.yml:5", False, "Pause"),
        ("warehousepg.coordinator._common : Pause", ROOT / "docs/docsite/examples/pgbouncer_pause.yml:5", False, "Pause"),
        ("Pause", "/etc/whpg/pause.yml:5", False, "Pause"),
    ],
)
def test_a_task_of_the_operators_that_one_of_our_roles_includes_is_none_of_ours(name, path, own, shown):
    task = SimpleNamespace(_uuid="1", action="x", get_name=lambda: name, get_path=lambda: str(path))
    found = _described(SimpleNamespace(task=task, task_name=name, _task_fields={}))
    assert (found.own, found.name) == (own, shown)
