# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest
from ansible_collections.warehousepg.coordinator.plugins.action import standby_proof
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.plan_action import PlanAction

PAIR = {"coordinators": ["cdw", "scdw"], "segment_hosts": ["sdw1"], "problems": []}


@dataclasses.dataclass(frozen=True)
class Planned:
    refusal: str
    port: int
    seen: list


class Action(PlanAction):
    ROLE = "standby"

    def plans(self, situations):
        return [
            Planned(
                "; ".join(found.pair["wrong"]), found.pair["options"]["port"], [host for host, seen in found.observations.items() if seen]
            )
            for found in situations
        ]


def action(kind, arguments, check_mode=False):
    """An action of a task with these arguments, on a controller that evaluates nothing."""
    task = SimpleNamespace(args=arguments, check_mode=check_mode, async_val=0, action="test", diff=False)
    found = kind(
        task, SimpleNamespace(_shell=SimpleNamespace(tmpdir=None)), None, None, SimpleNamespace(template=lambda value: value), None
    )
    found._remove_tmp_path = lambda *_arguments: None
    return found


@pytest.mark.parametrize(("role", "plans"), [("standby", 1), ("switchover", 0)])
def test_a_cluster_that_was_looked_at_for_another_role_takes_no_part(role, plans):
    pair = {**PAIR, "role": role, "options": {"port": 7}, "wrong": ["port\x1b[2J\n"]}
    arguments = {"clusters": {"demo": pair}, "observation": "seen"}
    found = action(Action, arguments)
    found.validate_argument_spec = lambda spec: (None, arguments)
    made = found.run(task_vars={"hostvars": {"cdw": {"seen": {"x": 1}}, "scdw": {}, "sdw1": {"seen": {}}}})["clusters"]
    assert made == ({"demo": {"refusal": "port\\x1b[2J", "port": 7, "seen": ["cdw"]}} if plans else {})


@pytest.mark.parametrize(
    ("alive", "replayed", "configured", "check_mode", "failed"),
    [
        (["cdw", "scdw", "sdw1"], True, True, False, False),
        (["cdw", "scdw", "sdw1"], False, True, False, True),
        (["cdw", "scdw", "sdw1"], False, True, True, False),
        (["cdw", "scdw", "sdw1"], False, False, True, True),
        (["cdw", "scdw"], True, True, False, True),
    ],
)
@pytest.mark.parametrize("host", ["cdw", "scdw", "sdw1"])
def test_without_a_proof_all_hosts_fail_and_with_one_the_standby_keeps_it(host, alive, replayed, configured, check_mode, failed):
    if host not in alive:
        return
    arguments = {name: name for name in ("verdict", "plans", "configuration", "verification", "record")}
    found = action(standby_proof.ActionModule, arguments, check_mode)
    found.validate_argument_spec = lambda spec: (None, arguments)
    kept = []
    found._execute_module = lambda module_name, module_args, task_vars: kept.append(module_args) or {"failed": True, "msg": "disk is full"}
    seen = {"probe": {"replayed": replayed}, "walsender": {"client_port": 41522}}
    result = found.run(
        task_vars={
            "cluster_name": "demo",
            "inventory_hostname": host,
            "ansible_play_hosts": alive,
            "hostvars": {"cdw": {"verification": {"primary": seen}}, "scdw": {"configuration": {"settings": {}} if configured else {}}},
            "verdict": {"clusters": {"demo": PAIR}},
            "plans": {"clusters": {"demo": {"primary": "cdw", "standby": "scdw", "record": {"segments": []}}}},
            "record": {"file": "~/record"},
        }
    )
    assert bool(result.get("failed")) is failed
    assert kept == ([{"segments": [], "file": "~/record", "client_port": 41522}] if host == "scdw" and not failed else [])
    if kept:
        assert result["unkept"] == "disk is full"
    if failed and "sdw1" not in alive:
        assert "sdw1 dropped out" in result["msg"]
