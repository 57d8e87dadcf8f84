# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.warehousepg.coordinator.plugins.action.mirroring_verdict import judged, why_missing


@pytest.mark.parametrize(
    ("observed", "why"),
    [
        (None, "it took no part in this run"),
        ({"unreachable": True, "msg": "No route\n to host "}, "unreachable: No route to host"),
        ({"msg": "python is missing"}, "not observed: python is missing"),
        ({"segments": []}, ""),
    ],
)
def test_a_host_without_an_observation_is_told_with_its_reason(observed, why):
    assert why_missing(observed) == why


CONTROL = {
    "system_identifier": "1",
    "state": "in production",
    "timeline": 1,
    "checkpoint": "0/1",
    "redo": "0/1",
    "consistent": "0/0",
    "segment_bytes": 1 << 26,
    "checksums": True,
}
POSTMASTER = {
    "pid": 7,
    "port": 5432,
    "socket_directory": "/tmp",
    "status": "dtmready",
    "frozen": False,
    "connected": False,
    "received": None,
}
INSTANCE = {
    "data_directory": "/c",
    "content": "instance",
    "owner": "gpadmin",
    "role": "primary",
    "major": "12",
    "dbid": 1,
    "port": 5432,
    "settings": {},
    "control": CONTROL,
    "postmaster": POSTMASTER,
}
SITE = {
    "parent": "/",
    "parent_owner": "gpadmin",
    "writable": True,
    "free": 9 << 30,
    "user": "gpadmin",
    "leftover": False,
    "engine_version": "12",
}
PRIMARY = {
    "instance": INSTANCE,
    "site": SITE,
    "used_bytes": 1 << 20,
    "segments": [],
    "sql": {"answered": True, "error": None},
    "standby": None,
    "primary": {
        "lsn": "0/1",
        "timeline": 1,
        "standby": None,
        "walsender": None,
        "slots": [],
        "probe": {"acknowledged": True, "replayed": False, "seconds": 0.1},
    },
}
ABSENT = {
    **PRIMARY,
    "instance": {**INSTANCE, "content": "absent", "role": None, "control": None, "postmaster": None},
    "primary": None,
    "sql": None,
}
ROLES = {"cdw": "coordinator", "scdw": "standby", "sdw1": "segment"}


def test_a_cluster_is_judged_as_a_whole():
    verdict = judged("demo", ROLES, {"cdw": PRIMARY, "scdw": ABSENT, "sdw1": {"segments": []}})
    assert (verdict["state"], verdict["primary"], verdict["obstacle"], verdict["unknown"]) == ("unmirrored", "cdw", None, {})
    assert (verdict["coordinators"], verdict["segment_hosts"]) == (["cdw", "scdw"], ["sdw1"])
    assert verdict["screen"][0] == "Cluster demo: unmirrored"


def test_what_keeps_the_other_host_from_taking_a_copy_is_known_beforehand():
    full = {**ABSENT, "site": {**SITE, "free": 0}}
    verdict = judged("demo", ROLES, {"cdw": PRIMARY, "scdw": full, "sdw1": {"segments": []}})
    assert verdict["obstacle"].startswith("scdw: / has 0 MiB free")


def test_a_host_that_was_not_observed_is_unknown():
    verdict = judged("demo", ROLES, {"cdw": PRIMARY, "scdw": None, "sdw1": {"unreachable": True, "msg": "no route"}})
    assert verdict["unknown"] == {"scdw": "it took no part in this run", "sdw1": "unreachable: no route"}
    assert "  scdw  unknown: it took no part in this run" in verdict["screen"]


@pytest.mark.parametrize("roles", [{"sdw1": "segment"}, dict.fromkeys("abc", "standby")])
def test_an_inventory_that_names_no_pair_is_told(roles):
    verdict = judged("demo", roles, dict.fromkeys(roles))
    assert (verdict["state"], verdict["advice"], verdict["activation"]) == ("primary_unknown", "correct the inventory", False)
