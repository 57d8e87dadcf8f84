# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options reach the roles from wherever Ansible has them, and are the same; runs on every ansible-core that is supported."""

from __future__ import annotations

import json
import sys

import pytest

from ..plays import run_play

#: what is asked for, and how it is seen
ASKED = {
    "standby_timeout": (5.0, "5"),
    "standby_port": (6432, "6432"),
    "standby_accepted_differences": (["libc", "clock"], "libc,clock"),
    "standby_tls": ({"sslmode": "require"}, '{"sslmode": "require"}'),
    "status_fail": (False, "false"),
    "switchover_accept_transactions": (True, "yes"),
    "cluster_name": ("7", "7"),
}
#: variables that say nothing, and one that another says
MORE = {
    "discovery_become": False,
    "standby_max_rate": "{{ omit }}",
    "standby_hostname": None,
    "standby_slot_name": "{{ 'of_' ~ cluster_name }}",
}
HOST = {"whpg_role": "segment", "ansible_connection": "local", "ansible_python_interpreter": sys.executable, **MORE}


def run(tmp_path, play, *arguments, **variables):
    """What a play on one host, which needs nothing of it, leaves in options."""
    inventory = {"whpg_clusters": {"hosts": {"here": {**HOST, **variables}}}}
    seen = {
        "content": "{{ discovery_options | combine({'wrong': discovery_observation.wrong}) | to_json }}",
        "dest": str(tmp_path / "options.json"),
        "mode": "0600",
    }
    show = {"ansible.builtin.copy": seen}
    run_play(tmp_path, inventory, {"hosts": "here", "gather_facts": False, **play, "post_tasks": [show]}, *arguments)
    return json.loads((tmp_path / "options.json").read_text())


TYPED = {name: value for name, (value, _text) in ASKED.items()}
TEXTS = {name: text for name, (_value, text) in ASKED.items()}
OF_STATUS = {"role": "warehousepg.coordinator.status"}


@pytest.mark.parametrize("source", ["inventory", "inventory of texts", "command line", "JSON", "role", "import", "include"])
def test_options_are_the_same_wherever_they_come_from(tmp_path, source):
    play, arguments, variables = {"roles": [OF_STATUS]}, [], {}
    if source == "inventory":
        variables = TYPED
    elif source == "inventory of texts":
        variables = TEXTS
    elif source == "command line":
        arguments = [part for name, text in TEXTS.items() for part in ("-e", f"{name}='{text}'")]
    elif source == "JSON":
        arguments = ["-e", json.dumps(TEXTS)]
    elif source == "role":
        play = {"roles": [{**OF_STATUS, "vars": TEXTS}]}
    else:
        task = {"name": OF_STATUS["role"], "public": True} if source == "include" else {"name": OF_STATUS["role"]}
        play = {"tasks": [{f"ansible.builtin.{source}_role": task, "vars": TEXTS}]}
    found = run(tmp_path, play, *arguments, **variables)
    assert found.pop("wrong") == {}
    assert {name: found[name] for name in ASKED} == TYPED
    assert (found["standby_max_rate"], found["standby_hostname"], found["standby_slot_name"]) == (None, None, "of_7")
    assert (found["discovery_role"], found["discovery_lock_file"]) == ("status", "~/.whpg/7.lock")


def test_misspelt_options_of_an_inventory_are_seen(tmp_path):
    show = {"ansible.builtin.assert": {"that": "'standby_prot is no option' in discovery_observation.strangers | join('\n')"}}
    play = {"hosts": "here", "gather_facts": False, "roles": [OF_STATUS], "post_tasks": [show]}
    run_play(tmp_path, {"whpg_clusters": {"hosts": {"here": {**HOST, "status_fail": False, "standby_prot": 1}}}}, play)


def test_a_fact_is_no_option(tmp_path):
    told = {"ansible.builtin.set_fact": {"cacheable": True, "standby_timeout": 7, "coordinator_notice_command": "touch /tmp/evaluated"}}
    found = run(tmp_path, {"pre_tasks": [told], "roles": [OF_STATUS]}, **TYPED)
    assert set(found["wrong"]) == {"standby_timeout", "coordinator_notice_command"}
    assert (found["standby_timeout"], found["coordinator_notice_command"]) == (60.0, None)
