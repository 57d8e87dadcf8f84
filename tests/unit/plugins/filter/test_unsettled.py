# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy

import pytest
from ansible_collections.warehousepg.coordinator.plugins.filter.unsettled import FilterModule, unsettled

RULE = {"database": "replication", "user": "standby_replicator", "addresses": ["10.0.0.11", "10.0.0.12"], "method": "scram-sha-256"}
LINES = [
    "host\treplication\tstandby_replicator\t10.0.0.11/32\tscram-sha-256",
    "host\treplication\tstandby_replicator\t10.0.0.12/32\tscram-sha-256",
]
PASSFILE = {"path": "/home/gpadmin/.whpg/demo.pgpass", "usable": True, "check": "abcd"}
FOLLOWING = {
    "host": "cdw",
    "hostaddr": "10.0.0.11",
    "port": "5432",
    "user": "standby_replicator",
    "passfile": PASSFILE["path"],
    "application_name": "gp_walreceiver",
}
OBSERVATIONS = {
    "cdw": {
        "instance": {"port": 5432},
        "passfile": PASSFILE,
        "primary": {
            "standby": {"hostname": "scdw", "address": "scdw", "port": 5432},
            "slots": [{"name": "standby_coordinator", "active": True}],
            "role": {"ready": True, "verified": True},
        },
        "access": {"/c": LINES},
    },
    "scdw": {
        "instance": {"settings": {"primary_slot_name": "standby_coordinator"}},
        "site": {"leftover": False},
        "passfile": PASSFILE,
        "standby": {"following": FOLLOWING, "resolved": "10.0.0.11"},
        "access": {"/s": LINES},
    },
    "sdw1": {"access": {"/p0": LINES, "/m0": LINES}},
}
WANTED = {
    "hostname": "scdw",
    "address": "scdw",
    "port": 5432,
    "slot_name": "standby_coordinator",
    "replication_user": "standby_replicator",
    "scram": True,
    "primary_host": "cdw",
    "rules": {"cdw": [RULE], "scdw": [RULE], "sdw1": [RULE]},
}


def changed(path, value, base=None):
    found = copy.deepcopy(base or OBSERVATIONS)
    *way, last = path
    place = found
    for step in way:
        place = place[step]
    place[last] = value
    return found


def test_a_pair_that_is_as_wanted():
    assert FilterModule().filters() == {"unsettled": unsettled}
    assert unsettled(OBSERVATIONS, "cdw", "scdw", WANTED) == []


@pytest.mark.parametrize(
    ("path", "value", "name"),
    [
        (["cdw", "primary", "standby"], None, "row"),
        (["cdw", "primary", "standby", "hostname"], "other", "row"),
        (["cdw", "primary", "slots"], [], "slot"),
        (["cdw", "primary", "slots", 0, "active"], False, "slot"),
        (["cdw", "primary", "role"], None, "role"),
        (["cdw", "primary", "role", "verified"], False, "role"),
        (["cdw", "passfile"], {**PASSFILE, "check": "0000"}, "passfile"),
        (["scdw", "passfile"], {**PASSFILE, "usable": False}, "passfile"),
        (["scdw", "standby"], None, "upstream"),
        (["scdw", "standby", "resolved"], "10.0.0.99", "upstream"),
        (["scdw", "standby", "following"], {**FOLLOWING, "port": "6000"}, "upstream"),
        (["scdw", "standby", "following"], {**FOLLOWING, "sslmode": "disable"}, "upstream"),
        (["scdw", "instance", "settings"], {}, "slot_name"),
        (["scdw", "site", "leftover"], True, "copy"),
        (["cdw", "access", "/c"], None, "access"),
        (["sdw1", "access", "/m0"], LINES[:1], "access"),
    ],
)
def test_what_differs_is_named(path, value, name):
    assert unsettled(changed(path, value), "cdw", "scdw", WANTED) == [name]


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ({"port": 6000}, ["row"]),
        ({"slot_name": "other"}, ["slot", "slot_name"]),
        ({"replication_user": "other"}, ["upstream"]),
        ({"primary_host": "10.0.0.11"}, ["upstream"]),
        ({"scram": False}, ["upstream"]),
        ({"rules": {**WANTED["rules"], "sdw1": [{**RULE, "method": "trust"}]}}, ["access"]),
    ],
)
def test_what_is_wanted_otherwise_differs(wanted, names):
    assert unsettled(OBSERVATIONS, "cdw", "scdw", {**WANTED, **wanted}) == names


def test_trusted_by_address_no_password_counts():
    following = {name: value for name, value in FOLLOWING.items() if name != "passfile"}
    observations = changed(["scdw", "standby", "following"], following)
    observations = changed(["cdw", "primary", "role"], {"ready": True, "verified": False}, observations)
    observations = changed(["cdw", "passfile"], None, observations)
    assert unsettled(observations, "cdw", "scdw", {**WANTED, "scram": False}) == []
