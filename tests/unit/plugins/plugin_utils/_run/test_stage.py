# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.pair import assess
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run import stage
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.progress import Plan, Plans, Progress
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.stage import OBSERVATION, VERDICT, Task

from ..observed import MIRRORED, VARIABLES, shown

ROOT = Path(__file__).parents[5]


@dataclasses.dataclass(frozen=True)
class Made:
    wrong: str

    @property
    def fits(self):
        return not self.wrong


@dataclasses.dataclass(frozen=True)
class Planned(Plan):
    port: int = 0
    seen: list[str] = dataclasses.field(default_factory=list)
    made: Made | None = None


def plans(situations):
    return [
        Planned(
            "; ".join(found.pair.wrong),
            port=found.pair.options["port"],
            seen=[seen.hostname for seen in found.observations.values() if seen],
            made=Made("x"),
        )
        for found in situations
    ]


@pytest.mark.parametrize(("role", "count"), [("standby", 1), ("switchover", 0)])
def test_a_cluster_that_was_looked_at_for_another_role_takes_no_part(role, count):
    seen = {**MIRRORED, "scdw": None, "sdw1": {"unreachable": True}}
    pair = {**shown(assess("demo", VARIABLES, seen)), "role": role, "options": {"port": 7}, "wrong": ["port\x1b[2J\n"]}
    hostvars = {host: {OBSERVATION: found} for host, found in seen.items()}
    task = Task({"hostvars": hostvars, VERDICT: {"clusters": {"demo": pair}}}, str)
    made = stage.plan("standby", plans).do(task, {})["clusters"]
    known = {
        "refusal": "port\\x1b[2J",
        "primary": None,
        "standby": None,
        "pre_tasks": "",
        "post_tasks": "",
        "planned": "",
        "acts": False,
        "port": 7,
        "seen": ["cdw"],
        "made": {"wrong": "x", "fits": False},
    }
    assert made == ({"demo": known} if count else {})
    read = Planned("port\\x1b[2J", port=7, seen=["cdw"], made=Made("x")) if count else Planned("nothing was planned")
    assert Plans(Planned, "x").of("demo", {"x": {"clusters": made}}) == read


@dataclasses.dataclass(frozen=True)
class Ended:
    text: str
    failure: str = ""
    lines: tuple = ("before",)
    document: dict | None = None

    @property
    def returned(self):
        return {"outcome": self.text}


def ended(cluster, failed, outcome="done"):
    """What notices are told by."""
    return {"ended": {"outcome": outcome, "failed": failed, "message": f"{cluster} ended", "acted": True}}


def concluded(host, alive, monkeypatch, check_mode=False, files=None, **of_end):
    """What the task returns on a host, what it was told of each cluster, and what was printed."""
    known, printed = [], []
    monkeypatch.setattr(stage, "tell", printed.append)
    roles = {
        "one": {"a1": "coordinator", "a2": "standby", "a3": "segment"},
        "two": {"b1": "coordinator", "b2": "segment"},
    }
    pairs = {
        cluster: shown(assess(cluster, {name: {"whpg_role": role} for name, role in of.items()}, dict.fromkeys(of)))
        for cluster, of in roles.items()
    }

    def ended(progress, _task):
        known.append((progress.cluster, progress.plan, {name: dict(of) for name, of in progress.hosts.items()}, progress.lost))
        return Ended(f"{progress.cluster} ended", **of_end)

    task = Task(
        {
            "inventory_hostname": host,
            "ansible_play_batch": alive,
            "ansible_play_hosts_all": ["a1", "a2", "b1", "b2"],
            "hostvars": {name: {"__x": name} for name in ("a1", "a2", "a3", "b1", "b2")},
            VERDICT: {"clusters": pairs},
            "__plans": {"clusters": {"one": {"primary": "a1"}, "two": {"primary": "b1"}}},
            OBSERVATION: {"options": {"cluster_name": "one" if host.startswith("a") else "two", **(files or {})}},
        },
        str,
        check_mode,
    )
    return stage.conclude("switchover", Progress, Plans(Plan, "__plans"), ended).do(task, {}), known, printed


@pytest.mark.parametrize(
    ("host", "alive", "returned", "clusters", "printed"),
    [
        ("a1", ["a1", "a2", "b1", "b2"], "one", ["one", "two"], 4),
        ("a2", ["a1", "a2", "b1", "b2"], None, [], 0),
        ("b1", ["a1", "a2", "b1", "b2"], "two", ["two"], 0),
        ("b2", ["a2", "b2"], "two", ["two"], 0),
        ("b2", ["b2"], "two", ["one", "two"], 4),
    ],
)
def test_one_host_tells_of_all_clusters_and_one_of_each_returns_how_it_ended(host, alive, returned, clusters, printed, monkeypatch):
    result, known, lines = concluded(host, alive, monkeypatch, failure="it failed\x1b[2J")
    assert [cluster for cluster, *_rest in known] == clusters
    assert len(lines) == printed
    assert result == (
        {"outcome": f"{returned} ended", "failed": True, "msg": "it failed\\x1b[2J", **ended(returned, True)} if returned else {}
    )


def test_what_is_known_at_the_end_are_the_plan_what_was_registered_and_who_was_lost(monkeypatch):
    _result, known, printed = concluded("a2", ["a2", "b2"], monkeypatch)
    hosts = {name: {"__x": name} for name in ("a1", "a2", "a3")}
    assert known[0] == ("one", Plan("", "a1"), hosts, ["a1"]), "a3 took no part from the beginning"
    assert printed == ["one: before", "one: one ended", "two: before", "two: two ended"]


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_document_is_kept_for_programs_unless_in_check_mode(check_mode, tmp_path, monkeypatch):
    files = {f"switchover_{name}": str(tmp_path / name) for name in ("result_file", "audit_file")}
    result, *_rest = concluded("a1", ["a1", "b1"], monkeypatch, check_mode, files, document={"outcome": "well"})
    assert result == {"outcome": "one ended", "result_file": files["switchover_result_file"], **ended("one", False, "well")}
    assert [path.name for path in sorted(tmp_path.iterdir())] == ([] if check_mode else ["audit_file", "result_file"])
    if not check_mode:
        assert json.loads((tmp_path / "audit_file").read_text())["action"] == "switchover"
        assert json.loads((tmp_path / "result_file").read_text())["outcome"] == "well"


def test_a_document_that_cannot_be_kept_fails_the_cluster(tmp_path, monkeypatch):
    files = {f"switchover_{name}": str(tmp_path) for name in ("result_file", "audit_file")}
    result, *_rest = concluded("a1", ["a1", "b1"], monkeypatch, False, files, document={}, failure="it failed")
    assert result["failed"]
    assert result["msg"].startswith("it failed; the result cannot be written on the controller: ")


def test_what_stages_read_is_what_tasks_register():
    """By the texts: a name that no task registers is taken for a task that was not done."""
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "plugins/plugin_utils").glob("_*/*.py"))
    tasks = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "roles").glob("*/tasks/*.yml"))
    read = set(re.findall(r"\"((?:__[a-z]+_|_common_|discovery_observation|discovery_verdict)\w*)\"", code)) - {"__main__"}
    registered = set(re.findall(r"register: (\w+)", tasks)) | set(re.findall(r"^ +(_\w+):(?: |$)", tasks, re.MULTILINE))
    assert {"__standby_plans", "__switchover_verdict", "_common_lock", "discovery_verdict"} <= read
    assert read - registered == set()
