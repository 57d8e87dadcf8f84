# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tasks ask of how far they came; one test runs on every ansible-core that is supported."""

from __future__ import annotations

import re

import pytest
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.progress import names
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.stages import PROGRESS

from ...plays import ROOT, run_play

FINISHED = "lookup('warehousepg.coordinator.progress', 'standby', finished=true)"
PAIR = {"coordinators": ["cdw", "scdw"], "segment_hosts": ["sdw1"]}


def texts(intent):
    return "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "roles" / intent).glob("*/*.yml"))


@pytest.mark.parametrize("intent", PROGRESS)
def test_what_tasks_ask_is_answered(intent):
    asked = set(re.findall(rf"__{intent}_progress\.(\w+)", texts(intent)))
    assert asked and asked <= set(names(PROGRESS[intent][0]))


@pytest.mark.parametrize("intent", PROGRESS)
def test_what_is_answered_is_asked(intent):
    code = (ROOT / f"plugins/plugin_utils/_{intent}").glob("*.py")
    used = texts(intent) + "\n".join(path.read_text(encoding="utf-8") for path in code)
    assert [name for name in names(PROGRESS[intent][0]) if not re.search(rf"(progress|self)\.{name}\b", used)] == []


@pytest.mark.parametrize("check_mode", [False, True])
def test_conditions_are_of_the_host_s_own_cluster(tmp_path, check_mode):
    """Two clusters at once: the standby of the one can be configured, that of the other has no access."""
    configured = {"settings": {"primary_conninfo": "host=cdw"}, "failed": False}
    hosts = {
        f"{host}-{cluster}": {
            "ansible_connection": "local",
            "discovery_observation": {"options": {"cluster_name": cluster}},
            "__standby_registration": {"dbid": 8, "steps": [{"name": "add_row"}]} if host == "cdw" else {"skipped": True},
            "__standby_configuration": configured if (host, cluster) == ("scdw", "one") else {"skipped": True},
        }
        for cluster in ("one", "two")
        for host in ("cdw", "scdw", "sdw1")
    }
    del hosts["sdw1-two"]["__standby_registration"]
    of_all = {
        "discovery_verdict": {"clusters": {}},
        "__standby_plans": {"clusters": {}},
        "discovery_options": "{{ discovery_observation.options }}",
    }
    for cluster in ("one", "two"):
        known = {kind: [f"{host}-{cluster}" for host in names] for kind, names in PAIR.items()}
        of_all["discovery_verdict"]["clusters"][cluster] = known
        primary, standby = known["coordinators"]
        of_all["__standby_plans"]["clusters"][cluster] = {
            "primary": primary,
            "standby": standby,
            "begins": "rejoin" if cluster == "one" else "",
            "move": {},
        }
    conditions = {
        "one": ["__standby_progress.has_access", "__standby_progress.configured", f"{FINISHED} == ['move the standby', 'rejoin']"],
        "two": [
            "not __standby_progress.has_access",
            "not __standby_progress.configured",
            "not __standby_progress.started",
            f"{FINISHED} == []",
        ],
        "": [
            "__standby_progress.created == ['row']",
            f"__standby_progress.verified == ({check_mode} and discovery_options.cluster_name == 'one')",
        ],
    }
    tasks = [
        {"ansible.builtin.assert": {"that": that}, "when": f"'{cluster}' in ['', discovery_options.cluster_name]"}
        for cluster, that in conditions.items()
    ]
    tasks.append(
        {
            "ansible.builtin.assert": {"that": ["not __standby_progress.has_access", f"{FINISHED} == []"]},
            "vars": {"__standby_plans": {"failed": True, "msg": "nothing was planned"}},
        }
    )
    play = {
        "hosts": "all",
        "gather_facts": False,
        "vars": of_all,
        "vars_files": [str(ROOT / "roles/standby/vars/main.yml")],
        "tasks": tasks,
    }
    run_play(tmp_path, {"all": {"hosts": hosts}}, play, *(["--check"] if check_mode else []))
