# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleError
from ansible_collections.warehousepg.coordinator.plugins.lookup.pair import LookupModule

from ...plays import ROOT, run_play


def test_each_host_has_the_verdict_on_its_own_cluster(tmp_path):
    hosts = {
        f"{host}-{cluster}": {"ansible_connection": "local", "discovery_observation": {"options": {"cluster_name": cluster}}}
        for cluster in ("one", "two")
        for host in ("cdw", "scdw")
    }
    verdict = {"clusters": {cluster: {"state": f"state of {cluster}", "reporter": f"cdw-{cluster}"} for cluster in ("one", "two")}}
    conditions = [
        "discovery_pair.state == 'state of ' + discovery_options.cluster_name",
        "(inventory_hostname == discovery_pair.reporter) == inventory_hostname.startswith('cdw-')",
    ]
    play = {
        "hosts": "all",
        "gather_facts": False,
        "vars": {"discovery_verdict": verdict},
        "vars_files": [str(ROOT / "roles/discovery/vars/main.yml")],
        "tasks": [{"ansible.builtin.assert": {"that": conditions}}],
    }
    run_play(tmp_path, {"all": {"hosts": hosts}}, play)


def test_before_a_verdict_there_is_none():
    with pytest.raises(AnsibleError, match="run the role discovery before"):
        LookupModule().run([], {})
