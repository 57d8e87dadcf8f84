# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from ansible.errors import AnsibleActionFail
from ansible_collections.warehousepg.coordinator.plugins.action.intent import ActionModule
from ansible_collections.warehousepg.coordinator.plugins.modules.intent import DOCUMENTATION
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.pair import assess
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.stages import STAGES

from ..plugin_utils.observed import MIRRORED, VARIABLES, changed, shown

ROLES = Path(__file__).parents[4] / "roles"
PAIR = shown(assess("demo", VARIABLES, MIRRORED))


def action(arguments, check_mode=False):
    """An action of a task with these arguments, on a controller that evaluates nothing."""
    play = SimpleNamespace(strategy="linear")
    task = SimpleNamespace(
        args=arguments,
        check_mode=check_mode,
        async_val=0,
        action="test",
        diff=False,
        get_play=lambda: play,
        get_variable_manager=lambda: None,
    )
    connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))
    found = ActionModule(task, connection, None, None, SimpleNamespace(template=lambda value: value), None)
    found._remove_tmp_path = lambda *_arguments: None
    return found


def of_cluster(**known):
    """What was registered for the cluster demo alone."""
    return {name: {"clusters": {"demo": one}} for name, one in known.items()}


@pytest.mark.parametrize("arguments", [{"of": "standby", "stage": "judge"}, {"of": "rejoin", "stage": "plan"}, {"of": "standby"}])
def test_a_stage_that_there_is_not_is_refused(arguments):
    with pytest.raises(AnsibleActionFail, match=r"there are .*standby plan"):
        action(arguments).run(task_vars={})


@pytest.mark.parametrize("arguments", [{"of": "standby", "stage": "plan", "seen": ["x"]}, {"of": "standby", "stage": "decide", "seen": []}])
def test_options_of_a_stage_are_validated(arguments):
    with pytest.raises(AnsibleActionFail, match="seen"):
        action(arguments).run(task_vars={"hostvars": {}})


@pytest.mark.parametrize("option", ["of", "stage", "seen"])
def test_what_is_documented_is_there(option):
    choices = yaml.safe_load(DOCUMENTATION)["options"][option]["choices"]
    if option == "seen":
        assert choices == STAGES["standby", "plan"].options["seen"]["choices"]
    else:
        assert set(choices) == {stage[option == "stage"] for stage in STAGES}


def test_each_stage_is_done_by_a_role():
    tasks = "\n".join(path.read_text(encoding="utf-8") for path in ROLES.glob("*/tasks/*.yml"))
    found = re.findall(r"warehousepg\.coordinator\.intent:\n +of: (\w+)\n +stage: (\w+)\n", tasks)
    hooked = re.findall(r"tasks_from: hook\n +rolespec_validate: false\n +vars:\n +_common_intent: (\w+)\n", tasks)
    assert set(found) | {(intent, "hook") for intent in hooked} == set(STAGES)


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
@pytest.mark.parametrize("made", [{"__standby_copy": {"directory_state": "absent"}}, {"__standby_configuration": {"settings": {}}}])
def test_without_a_proof_all_hosts_fail_and_with_one_the_standby_keeps_it(made, host, alive, replayed, configured, check_mode, failed):
    if host not in alive:
        return
    seen = changed(MIRRORED["cdw"], ("primary probe replayed", replayed), ("primary walsender client_port", 41522))
    kept = {"system_identifier": "1", "primary": {"host": "cdw", "hostname": "cdw", "addresses": ()}, "segments": ()}
    plan = {"primary": "cdw", "standby": "scdw", "record": {**kept, "other_walsenders": False, "commit_limit_s": None}}
    result = action({"of": "standby", "stage": "decide"}, check_mode).run(
        task_vars={
            "discovery_observation": {"options": {"cluster_name": "demo"}},
            "inventory_hostname": host,
            "ansible_play_hosts": alive,
            "hostvars": {
                "cdw": {"__standby_verification": seen},
                "scdw": made if configured else {},
            },
            **of_cluster(discovery_verdict=PAIR, __standby_plans=plan),
        }
    )
    assert bool(result.get("failed")) is failed
    kept.update(other_walsenders=False, client_port=41522)
    assert result.get("record") == (kept if host == "scdw" and not failed else None)
    if failed and "sdw1" not in alive:
        assert "sdw1 dropped out" in result["msg"]
