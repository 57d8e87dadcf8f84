# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operator's tasks are run by the role _common on every ansible-core that is supported, and what they cannot be is found out before."""

from __future__ import annotations

import dataclasses
import json
import sys

import pytest
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.pair import assess
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._switchover.plan import SwitchoverPlan

from ..plays import play_all
from ..plugins.plugin_utils.desired import with_options
from ..plugins.plugin_utils.observed import MIRRORED, VARIABLES, shown

PLAN = SwitchoverPlan("", "cdw", "scdw", begin=True, state="mirrored", planned="1")
COMMON = {"name": "warehousepg.coordinator._common", "tasks_from": "hook", "rolespec_validate": False}
WHO = "{{ coordinator_hook.phase }} {{ coordinator_hook.primary.host }} on {{ inventory_hostname }}"


@pytest.fixture
def run(tmp_path):
    """Runs a file of tasks as the hook before a switchover; the plan that it leaves, the exit code and what was printed."""

    def run_hook(tasks):
        (tmp_path / "tasks.yml").write_text(json.dumps(tasks))
        planned = {**dataclasses.asdict(PLAN), "pre_tasks": str(tmp_path / "tasks.yml")}
        common = {
            "ansible_connection": "ssh",
            "ansible_host": "nowhere.invalid",  # what is run, is run on the controller
            "ansible_python_interpreter": sys.executable,
            "discovery_verdict": {"clusters": {"demo": shown(with_options(assess("demo", VARIABLES, MIRRORED), "switchover", {}))}},
            "__switchover_plans": {"clusters": {"demo": planned}},
        }
        hosts = {
            host: {"discovery_observation": {**MIRRORED[host], "options": {"cluster_name": "demo"}}, "whpg_role": known["whpg_role"]}
            for host, known in VARIABLES.items()
        }
        heed = {"warehousepg.coordinator.intent": {"of": "switchover", "stage": "heed"}, "run_once": True, "register": "heeded"}
        keep = {"content": "{{ heeded.clusters.demo | to_json }}", "dest": str(tmp_path / "plan.json"), "mode": "0600"}
        play = {
            "hosts": "all",
            "gather_facts": False,
            "tasks": [
                {"ansible.builtin.include_role": COMMON, "vars": {"_common_intent": "switchover", "_common_phase": "pre"}},
                heed,
                {"ansible.builtin.copy": keep, "run_once": True, "delegate_to": "localhost"},
            ],
        }
        inventory = {"whpg_clusters": {"hosts": hosts, "vars": common}}
        done = play_all(tmp_path, inventory, [play])
        assert (tmp_path / "plan.json").exists(), done.stdout + done.stderr
        return json.loads((tmp_path / "plan.json").read_text()), done.returncode, done.stdout

    return run_hook


def test_they_are_run_once_on_the_controller_and_told_who_serves(run, tmp_path):
    file = tmp_path / "seen"
    seen = {"ansible.builtin.lineinfile": {"path": str(file), "line": WHO, "create": True, "mode": "0600"}}
    plan, code, _said = run([{"name": "See", **seen}])
    assert (code, plan["begin"], plan["refusal"]) == (0, True, "")
    assert file.read_text() == "pre cdw on sdw1\n"


def test_nothing_is_begun_where_one_of_them_fails(run, tmp_path):
    plan, code, said = run([{"name": "Ask somebody", "ansible.builtin.fail": {"msg": "no"}}, {"ansible.builtin.debug": {"msg": "further"}}])
    assert code == 0 and "further" not in said
    assert (plan["acts"], plan["refusal"]) == (False, f"the operator's tasks in {tmp_path}/tasks.yml: Ask somebody: no")


def test_nothing_is_begun_where_a_host_of_theirs_is_not_reached(run):
    plan, code, _said = run([{"name": "Ask", "ansible.builtin.command": "true", "delegate_to": "nowhere.invalid"}])
    assert (code, plan["acts"]) == (4, False)
    assert "did not come to their end" in plan["refusal"]
