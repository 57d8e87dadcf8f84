# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils.wanted import disagreement, wanted_of

VARIABLES = {
    "wanted": {"port": "standby_port", "tls": ["standby_tls", {}], "access": {"user": "discovery_user", "method": ["method", "trust"]}},
    "given": {"fence_command": "fence", "hook_command": "hook", "analysis": "missing"},
    "standby_port": "{{ 5000 + 432 }}",
    "discovery_user": "gpadmin",
    "fence": "ipmitool -H {{ undefined_here }} off",
    "hook": "",
}


def wanted(given=None):
    return wanted_of(lambda value: 5432 if value == VARIABLES["standby_port"] else value, VARIABLES, "wanted", given)


def test_each_thing_is_what_its_variable_says_or_what_holds_without_it():
    assert wanted() == {"port": 5432, "tls": {}, "access": {"user": "gpadmin", "method": "trust"}}


def test_a_variable_that_another_host_evaluates_counts_as_given_or_not():
    assert wanted("given") == {**wanted(), "fence_command": True, "hook_command": False, "analysis": False}


@pytest.mark.parametrize(
    "told",
    [{"cdw": {"port": 1}}, {"cdw": {"port": 1}, "scdw": {"port": 1}}, {"cdw": {"port": None}, "scdw": {}}],
)
def test_hosts_that_want_the_same_agree(told):
    assert disagreement(told) == ""


def test_hosts_that_want_different_things_are_named_with_both_values():
    said = disagreement({"cdw": {"port": 5432, "tls": {}}, "scdw": {"port": 5433, "tls": {}}})
    assert "cdw and scdw" in said and "port is 5432 and 5433" in said and "group" in said
