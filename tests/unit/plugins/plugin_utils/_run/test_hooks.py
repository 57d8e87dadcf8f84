# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import os

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.vars.manager import VariableManager
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.pair import assess
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run import hooks, stage
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.progress import Plans
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.stage import OBSERVATION, VERDICT, Task
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._switchover.plan import SwitchoverPlan
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._switchover.progress import Progress

from ..desired import with_options
from ..observed import MIRRORED, VARIABLES, shown

PLAN = SwitchoverPlan("", "cdw", "scdw", begin=True, state="mirrored")
GIVEN = {"switchover_pre_tasks": "/h/pre.yml", "switchover_post_tasks": "/h/post.yml"}


def made(plan=PLAN, **given):
    """A plan with the operator's tasks."""
    return hooks.with_tasks(plan, "switchover", {**GIVEN, **given}, lambda path: "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- debug:\n- import_tasks: other.yml\n", ""),
        ("- include_tasks: nowhere.yml\n", ""),
        ("- name: x\n  debug:\n  wehn: true\n", "wehn"),
        ("name: x\n", "it is no list"),
        ("", "it is no list"),
        ("- [", "YAML"),
        (None, "tasks.yml"),
    ],
)
def test_a_file_that_ansible_would_not_run_is_found_out_before(text, said, tmp_path):
    (tmp_path / "other.yml").write_text("- debug:\n")
    path = tmp_path / "tasks.yml"
    if text is not None:
        path.write_text(text)
    loader = DataLoader()
    loader.set_basedir("/")
    found = hooks.problem(str(path), loader, VariableManager(loader=loader))
    assert said in found and bool(found) == bool(said) and "\n" not in found
    assert loader.get_basedir() == "/"


def test_a_plan_that_acts_has_the_operators_tasks():
    assert (made().pre_tasks, made().post_tasks) == ("/h/pre.yml", "/h/post.yml")
    assert made().planned != made().planned, "it is told from an earlier one"
    assert dataclasses.replace(made(), pre_tasks="", post_tasks="", planned="") == PLAN
    assert made(switchover_pre_tasks="x/pre.yml").pre_tasks == f"{os.getcwd()}/x/pre.yml"
    assert made(switchover_pre_tasks=None, switchover_post_tasks=None) == PLAN
    idle = SwitchoverPlan("", "cdw", "scdw", done="cdw")
    assert made(idle) == idle
    assert made(switchover_part_of="x") == PLAN, "they are those of what it is a part of"


def test_nothing_is_begun_with_tasks_that_cannot_be_run():
    found = hooks.with_tasks(PLAN, "switchover", GIVEN, lambda path: "it is bad" if "post" in path else "")
    assert not found.acts
    assert found.refusal == "switchover_post_tasks is /h/post.yml: it is bad: give a file with a list of tasks"
    assert (found.primary, found.standby, found.state, found.post_tasks) == ("cdw", "scdw", "mirrored", "")


@pytest.mark.parametrize(
    ("alive", "host"),
    [(["cdw", "scdw", "sdw1"], "sdw1"), (["cdw", "scdw"], "scdw"), (["cdw", "other"], "cdw"), ([], "cdw")],
)
def test_that_host_runs_them_which_matters_least(alive, host):
    assert hooks.runner(["cdw", "scdw", "sdw1"], alive) == host


def remembered(plan, phase, failure):
    return {"_common_hooked": {"planned": plan.planned, "phase": phase, "failure": failure}}


def test_how_they_ended_is_known_of_this_plan_alone():
    plan = made()
    for failure in ("", "Ask somebody: no"):
        assert hooks.ended(plan, "pre", {"cdw": {}, "sdw1": remembered(plan, "pre", failure)}) == failure
    assert hooks.ended(plan, "post", {"sdw1": remembered(plan, "pre", "")}) is None
    assert hooks.ended(plan, "pre", {"sdw1": remembered(made(), "pre", "")}) is None
    assert hooks.failure(plan, "pre", {"sdw1": remembered(plan, "pre", "")}) == ""
    assert hooks.failure(plan, "pre", {"sdw1": remembered(plan, "pre", "Ask: no")}) == "the operator's tasks in /h/pre.yml: Ask: no"
    assert "did not come to their end" in hooks.failure(plan, "post", {"sdw1": {}})
    assert hooks.failure(PLAN, "post", {"sdw1": {}}) == ""


def test_what_is_not_run_in_check_mode_is_told():
    assert hooks.foretold(made(switchover_pre_tasks=None)).endswith("not run in check mode: /h/post.yml after")
    assert hooks.foretold(PLAN) == ""


def task(host="sdw1", **plan):
    """On a host of a mirrored pair that is to swap roles."""
    pair = with_options(assess("demo", VARIABLES, MIRRORED), "switchover", {})
    planned = {**dataclasses.asdict(made()), **plan}
    variables = {
        "inventory_hostname": host,
        "ansible_play_hosts": ["cdw", "scdw", "sdw1"],
        VERDICT: {"clusters": {"demo": shown(pair)}},
        "__switchover_plans": {"clusters": {"demo": planned}},
    }
    seen = {name: {**known, OBSERVATION: {**MIRRORED[name], "options": {"cluster_name": "demo"}}} for name, known in VARIABLES.items()}
    return Task({**variables, **seen[host], "hostvars": seen}, str)


PLANS = Plans(SwitchoverPlan, "__switchover_plans")


def hook(of, phase):
    return stage.hook("switchover", Progress, PLANS).do(of, {"phase": phase})


def test_the_operators_tasks_are_told_who_serves_and_how_it_ended():
    cdw, scdw = ({"host": host, "address": host, "port": 5432} for host in ("cdw", "scdw"))
    known = {"playbook": "switchover", "cluster": "demo", "state": "mirrored"}
    before = hook(task(), "pre")
    assert before["file"] == "/h/pre.yml"
    assert before["hook"] == {**known, "phase": "pre", "outcome": None, "primary": cdw, "standby": scdw}
    of = task()
    of.variables["hostvars"]["scdw"].update(
        __switchover_verdict={"way": "forward", "reason": "", "drift": []}, __switchover_activation={"promoted": True}
    )
    after = hook(of, "post")
    assert after["file"] == "/h/post.yml"
    assert after["hook"] == {**known, "phase": "post", "outcome": "switched", "primary": scdw, "standby": cdw}
    of = task()
    of.variables["hostvars"]["scdw"].update(__switchover_verdict={"way": "unknown", "reason": "", "drift": []})
    assert hook(of, "post")["hook"] == {**known, "phase": "post", "outcome": "unconfirmed", "primary": None, "standby": None}
    assert hook(task(begin=False, refusal="no"), "post")["hook"]["outcome"] == "refused"


def test_one_host_runs_them_once():
    assert [hook(task(host), "post")["file"] for host in ("cdw", "scdw")] == ["", ""]
    of = task()
    plan = PLANS.of("demo", of.variables)
    of.variables["hostvars"]["cdw"].update(remembered(plan, "post", "no"))
    assert hook(of, "post")["file"] == "", "also where they failed"
    assert hook(of, "pre")["file"] == "/h/pre.yml"


@pytest.mark.parametrize(("failure", "acts"), [("", True), ("Ask somebody: no\x1b[2J", False), (None, False)])
def test_nothing_is_begun_where_they_failed(failure, acts):
    of = task()
    plan = PLANS.of("demo", of.variables)
    if failure is not None:
        of.variables["hostvars"]["sdw1"].update(remembered(plan, "pre", failure))
    heeded = stage.heed(PLANS).do(of, {})
    found = PLANS.of("demo", {"__switchover_plans": heeded})
    assert (found.acts, heeded["clusters"]["demo"].get("acts", True), found.post_tasks) == (acts, acts, "/h/post.yml")
    assert "\x1b" not in found.refusal and bool(found.refusal) is not acts


def test_what_failed_after_it_fails_the_run_and_is_told(tmp_path, monkeypatch):
    lines = []
    monkeypatch.setattr(stage, "tell", lines.append)
    of = task()
    plan = PLANS.of("demo", of.variables)
    of.variables["hostvars"]["sdw1"].update(remembered(plan, "post", "Resume: no"))
    files = {f"switchover_{name}": str(tmp_path / name) for name in ("result_file", "audit_file")}
    told = {OBSERVATION: {"options": {"cluster_name": "demo", **files}}, "inventory_hostname": "cdw"}
    alive = {"ansible_play_batch": ["cdw", "scdw", "sdw1"], "ansible_play_hosts_all": ["cdw", "scdw", "sdw1"]}
    ended = dataclasses.make_dataclass("Ended", ["text", "failure", "lines", "document", "returned"])

    def conclude(check_mode):
        how = ended("switched", "", [], {"outcome": "switched", "reason": ""}, {})
        final = Task({**of.variables, **told, **alive}, str, check_mode)
        return stage.conclude("switchover", Progress, PLANS, lambda progress, _task: how).do(final, {})

    result = conclude(False)
    said = "the operator's tasks in /h/post.yml: Resume: no"
    assert lines == [f"demo: switched; {said}"]
    assert (result["failed"], result["msg"]) == (True, f"demo: {said}")
    assert result["ended"]["failed"] and result["ended"]["message"] == f"switched; {said}"
    assert said in (tmp_path / "audit_file").read_text()
    lines.clear()
    assert "failed" not in conclude(True)
    assert lines == [f"demo: {hooks.foretold(plan)}", "demo: switched"]
