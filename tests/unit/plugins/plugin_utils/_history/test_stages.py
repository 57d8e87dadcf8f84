# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._history import stages
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.stage import Task

from ....plays import ROOT

LOSS = {"known": "bytes", "bytes": 2048, "commits": None, "why": "", "window": {}}
ACTIVATED = {
    "time": "2026-11-23T07:16:30Z",
    "cluster": "alpha",
    "action": "activate_standby",
    "outcome": "activated",
    "who": "alice",
    "run": "20261123T071500Z-4711",
    "former_primary": "cdw",
    "new_primary": "scdw",
    "loss": LOSS,
}
REFUSED = {**ACTIVATED, "time": "2026-11-23T08:00:00Z", "outcome": "not_activated", "reason": "it serves", "loss": None}
SEEN = {
    "time": "2026-11-23T07:30:00Z",
    "cluster": "beta",
    "action": "status",
    "outcome": "degraded",
    "who": "bob",
    "state": "mirrored",
    "former_primary": "cdw",
    "new_primary": "cdw",
    "reason": "scdw: the standby is stopped",
    "run": "20261123T072900Z-1",
}


@pytest.fixture
def shown(tmp_path, monkeypatch):
    """What is printed, and returned, of two clusters."""
    (tmp_path / ".whpg").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    printed = []
    monkeypatch.setattr(stages, "tell", lambda *lines: printed.extend(lines))

    def show(alpha=(), beta=(), **variables):
        for cluster, lines in {"alpha": alpha, "beta": beta}.items():
            if lines:
                text = "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines)
                (tmp_path / f".whpg/{cluster}.audit.jsonl").write_text(text)
        hosts = {
            f"{cluster}-{role}": {"cluster_name": cluster, "whpg_role": role, **variables}
            for cluster in ("alpha", "beta")
            for role in ROLES
        }
        known = {"groups": {"whpg_clusters": list(hosts)}, "hostvars": hosts}
        known.update({name: list(hosts) for name in ("ansible_play_hosts_all", "ansible_play_hosts", "ansible_play_batch")})
        printed.clear()
        return printed, stages.STAGES["show"].do(Task({**known, **hosts["alpha-coordinator"]}, lambda value: value), {})

    return show


ROLES = ("coordinator", "standby", "segment")


def test_the_runs_of_all_clusters_the_newest_last(shown):
    printed, returned = shown([ACTIVATED, REFUSED], [SEEN])
    assert printed == [
        "",
        "ended (UTC)       cluster  who    action            outcome        took    loss",
        "2026-11-23 07:16  alpha    alice  activate_standby  activated      90 s    2.0 KiB  scdw is primary",
        "2026-11-23 07:30  beta     bob    status            degraded                        was mirrored; scdw: the standby is stopped",
        "2026-11-23 08:00  alpha    alice  activate_standby  not_activated  2700 s           it serves",
        "",
    ]
    assert [event["time"] for event in returned["events"]] == ["2026-11-23T07:16:30Z", "2026-11-23T07:30:00Z", "2026-11-23T08:00:00Z"]
    assert returned["events"][0]["loss"]["bytes"] == 2048
    json.dumps(returned)
    assert "warnings" not in returned


def test_a_drill_is_told_with_what_it_measured(shown):
    drill = {**ACTIVATED, "action": "drill", "outcome": "half_rehearsed", "rto_s": 0.94, "rpo_commits": 0, "reason": "busy"}
    printed, _returned = shown([{**drill, "loss": None}])
    assert printed[-2].endswith("scdw is primary; RTO 0.94 s; RPO 0 commits; busy")


@pytest.mark.parametrize(("lines", "count"), [("1", 1), (2, 2), (20, 3), (0, 3)])
def test_the_latest_lines_are_shown(shown, lines, count):
    printed, returned = shown([ACTIVATED, REFUSED], [SEEN], history_lines=lines)
    assert len(printed) == count + 3
    assert len(returned["events"]) == count
    assert "not_activated" in printed[-2]


def test_a_number_that_is_none_is_refused(shown):
    with pytest.raises(AnsibleActionFail, match="history_lines is -1: give a whole number, 0 or more"):
        shown(history_lines=-1)


def test_a_line_that_is_damaged_is_left_out_and_told_of(shown, tmp_path):
    printed, returned = shown([ACTIVATED, '{"time": "2026-'], [])
    assert len(printed) == 4
    assert returned["warnings"] == [f"{tmp_path}/.whpg/alpha.audit.jsonl: lines that cannot be read and were left out: 1"]


def test_a_file_that_cannot_be_read_is_told_of(shown, tmp_path):
    (tmp_path / ".whpg/beta.audit.jsonl").mkdir()
    printed, returned = shown([ACTIVATED])
    assert len(printed) == 4
    assert returned["warnings"] == [f"{tmp_path}/.whpg/beta.audit.jsonl cannot be read on the controller: Is a directory"]


def test_where_nothing_was_done_that_is_said(shown, tmp_path):
    printed, returned = shown()
    files = ", ".join(f"{tmp_path}/.whpg/{cluster}.audit.jsonl" for cluster in ("alpha", "beta"))
    assert (printed, returned) == ([f"no run is known of alpha, beta: {files}"], {"events": []})


def test_a_file_may_be_one_for_all(shown, tmp_path):
    (tmp_path / "one").write_text("".join(json.dumps(line) + "\n" for line in (ACTIVATED, SEEN, {**SEEN, "cluster": "gamma"})))
    _printed, returned = shown([REFUSED], switchover_audit_file="~/one")
    assert [(event["cluster"], event["outcome"]) for event in returned["events"]] == [
        ("alpha", "activated"),
        ("beta", "degraded"),
        ("alpha", "not_activated"),
    ]


@pytest.mark.parametrize("on_terminal", [True, False])
def test_a_line_is_cut_on_a_terminal_only(tmp_path, on_terminal):
    (tmp_path / "audit.jsonl").write_text(json.dumps({**REFUSED, "reason": "because " * 50 + "so"}) + "\n")
    host = {"cluster_name": "alpha", "whpg_role": "coordinator", "status_audit_file": str(tmp_path / "audit.jsonl")}
    (tmp_path / "inventory.json").write_text(json.dumps({"whpg_clusters": {"hosts": {"cdw": host}}}))
    command = [sys.executable, "-m", "ansible", "playbook", "-i", "inventory.json", "warehousepg.coordinator.history"]
    environment = {**os.environ, "HOME": str(tmp_path), "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache/collections"), "LC_ALL": "C.UTF-8"}
    terminal, of_run = pty.openpty() if on_terminal else os.pipe()
    pipes = {"stdin": subprocess.DEVNULL, "stdout": of_run, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, **pipes) as running:
        os.close(of_run)
        shown = ""
        while "PLAY RECAP" not in shown:
            shown += os.read(terminal, 1 << 16).decode()
    os.close(terminal)
    assert running.returncode == 0
    (line,) = (line.rstrip() for line in shown.splitlines() if "because" in line)
    assert line.endswith("…" if on_terminal else " so")
