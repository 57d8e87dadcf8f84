# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import pytest
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._desired.options import SPEC
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._desired.strangers import OF_PLAYBOOKS, refusal, warnings

from ....plays import ROOT

#: names by hand that differ from an option's in a letter or two
MISSPELT = {
    "switchover_drain_thn": "switchover_drain_then",
    "status_fromat": "status_format",
    "standby_prot": "standby_port",
    "standby_time_out": "standby_timeout",
    "lift_fence_confirmdown": "lift_fence_confirm_down",
    "release_comits": "release_commits",
}

#: variables that an operator may well have
OWN = ("status_page_url", "standby_hosts", "release_version", "maintenance_window", "history_size", "discovery_zone", "switchover_team")


@pytest.mark.parametrize("name", MISSPELT)
def test_misspelt_options_are_found_wherever_they_are_given(name):
    said = f"{name} is no option (did you mean {MISSPELT[name]}?): correct it, "
    assert refusal([name], True) == refusal([name], False) == f"{said}or leave it out"
    assert warnings([name]) == [f"{said}or give a variable of your own another name"]


@pytest.mark.parametrize("name", ["whpg_host", "whpg_prot", "greenplum_pth", "swichover_to", "cluster_nam"])
def test_the_command_line_misspells_other_beginnings(name):
    assert refusal([name], False)
    assert not warnings([name])


@pytest.mark.parametrize("name", OWN)
def test_variables_of_the_operators_own(name):
    assert not warnings([name])
    assert not refusal([name], False)
    assert refusal([name], True).startswith(f"{name} is no option")


def test_what_is_given_is_all_told():
    assert refusal(["status_x", "release_x"], True).count("is no option") == 2
    assert refusal(["status_zzzzzzzzzzzz"], True) == "status_zzzzzzzzzzzz is no option: correct it, or leave it out"


def test_what_exists_is_no_stranger():
    known = [*SPEC, *OF_PLAYBOOKS, "ansible_user", "awx_job_id", "whpg_mirror_data_directory", "whpg_version", "site"]
    assert not refusal(known, True)
    assert not warnings(known)


def test_what_roles_and_playbooks_have_for_themselves_is_no_stranger():
    texts = [path.read_text() for of in ("roles/*/tasks", "roles/*/vars", "playbooks") for path in ROOT.glob(f"{of}/*.yml")]
    names = {name for text in texts for name in re.findall(r"\b[a-z]+_\w+", text)}
    assert "discovery_observation" in names
    assert not warnings(names)


def test_playbooks_take_no_other_variables():
    texts = "".join(path.read_text() for path in ROOT.glob("playbooks/*.yml"))
    assert set(re.findall(r"\bwhpg_\w+(?= \| default| is undefined)", texts)) == set(OF_PLAYBOOKS)
