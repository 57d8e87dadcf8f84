# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.inventory import (
    members,
    names_standby,
    problems,
    shared_places,
)
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._desired.options import of_inventory

COORDINATOR = {"whpg_role": "coordinator", "whpg_port": 5432, "whpg_data_directory": "/data/whpg"}
SEGMENT = {"whpg_role": "segment"}
HOSTS = {"cdw": COORDINATOR, "scdw": {**COORDINATOR, "whpg_role": "standby"}, "sdw1": SEGMENT}


def without(name):
    return {key: value for key, value in COORDINATOR.items() if key != name}


def wrong(cluster, hosts):
    desired = {host: of_inventory(variables) for host, variables in hosts.items()}
    return problems(
        cluster, {host: found.options for host, found in desired.items()}, {host: found.wrong for host, found in desired.items()}
    )


@pytest.mark.parametrize(
    "hosts",
    [
        HOSTS,
        {"cdw": COORDINATOR},
        {"cdw": COORDINATOR, "cdw2": COORDINATOR},
        {"cdw": {**COORDINATOR, "whpg_port": "5432"}},
        {"cdw": {**COORDINATOR, "whpg_port": 65535}},
        {"cdw": without("whpg_port")},
        {"cdw": {**COORDINATOR, "whpg_port": None}},
        {"cdw": {**COORDINATOR, "whpg_standby_data_directory": "/s", "whpg_seg_prefix": "gpseg"}},
        {"cdw": {**without("whpg_data_directory"), "discovery_data_directory": "/data/gpseg-1"}},
        {"cdw": {**without("whpg_data_directory"), "discovery_coordinator_directory": "/data"}},
        {"cdw": {**COORDINATOR, "whpg_addresses": ["10.0.0.11", "fd00::11"]}},
        {"cdw": {**COORDINATOR, "whpg_addresses": "10.0.0.11, fd00::11"}},
        {"cdw": {**COORDINATOR, "whpg_addresses": []}},
        {"cdw": {**COORDINATOR, "maintenance": True}},
        {"cdw": {**COORDINATOR, "maintenance": "off"}},
        {"cdw": {**COORDINATOR, "maintenance": None}},
        {"cdw": {**COORDINATOR, "whpg_major_version": "7"}},
        # what only coordinators need
        {"cdw": COORDINATOR, "sdw1": {"whpg_role": "segment", "whpg_port": "x", "whpg_data_directory": "relative"}},
    ],
)
def test_an_inventory_that_is_right(hosts):
    assert wrong("demo", hosts) == []


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, "cdw: whpg_role is missing: give one of coordinator, standby, segment"),
        ({**COORDINATOR, "whpg_role": "master"}, "cdw: whpg_role is 'master': give one of coordinator, standby, segment"),
        ({**COORDINATOR, "maintenance": "maybe"}, "cdw: maintenance is 'maybe': give true or false"),
        ({**COORDINATOR, "maintenance": []}, "cdw: maintenance is []: give true or false"),
        ({**COORDINATOR, "whpg_port": 0}, "cdw: whpg_port is 0: give a port, 1 to 65535"),
        ({**COORDINATOR, "whpg_port": 65536}, "cdw: whpg_port is 65536: give a port, 1 to 65535"),
        ({**COORDINATOR, "whpg_port": "-1"}, "cdw: whpg_port is -1: give a port, 1 to 65535"),
        ({**COORDINATOR, "whpg_port": "54a"}, "cdw: whpg_port is '54a': give a whole number"),
        ({**COORDINATOR, "whpg_port": True}, "cdw: whpg_port is True: give a whole number"),
        (
            without("whpg_data_directory"),
            "cdw: whpg_data_directory is missing: give the directory above the instances' data directories",
        ),
        ({**COORDINATOR, "whpg_data_directory": "data"}, "cdw: whpg_data_directory is 'data': give an absolute path"),
        ({**COORDINATOR, "whpg_data_directory": ""}, "cdw: whpg_data_directory is '': give an absolute path"),
        (
            {**COORDINATOR, "whpg_seg_prefix": ""},
            "cdw: whpg_seg_prefix is '': give the prefix of the instances' directories, such as gpseg",
        ),
        ({**COORDINATOR, "whpg_seg_prefix": "a/b"}, "cdw: whpg_seg_prefix is 'a/b': give the prefix of the instances' directories"),
        ({**COORDINATOR, "whpg_addresses": ["cdw"]}, "cdw: whpg_addresses has 'cdw', which is no address: give IPv4 or IPv6 addresses"),
        ({**COORDINATOR, "whpg_addresses": ["10.0.0.0/8"]}, "cdw: whpg_addresses has '10.0.0.0/8', which is no address: give IPv4"),
        ({**COORDINATOR, "whpg_major_version": 6}, "cdw: whpg_major_version is 6, and only clusters of WarehousePG 7 can be mirrored: "),
        ({**COORDINATOR, "whpg_use_versioned_directories": "maybe"}, "cdw: whpg_use_versioned_directories is 'maybe': give true or false"),
    ],
)
def test_each_mistake_of_a_host_is_told_with_value_and_remedy(variables, said):
    (found,) = wrong("demo", {"cdw": variables, "scdw": COORDINATOR})
    assert found.startswith(said)


def test_all_mistakes_of_all_hosts_are_told_at_once():
    found = wrong("demo", {"cdw": {"whpg_role": "coordinator", "whpg_port": "x"}, "sdw1": {}})
    assert [problem.split(" is ", maxsplit=1)[0] for problem in found] == ["cdw: whpg_data_directory", "cdw: whpg_port", "sdw1: whpg_role"]


@pytest.mark.parametrize(
    ("cluster", "hosts", "said"),
    [
        ("", HOSTS, "cdw, scdw, sdw1: cluster_name is missing: give every host the name of its cluster"),
        (
            "a/b",
            HOSTS,
            "cluster_name 'a/b' is part of file names: give letters, digits, dots, dashes and underscores only, up to 200 bytes",
        ),
        (
            "a b",
            HOSTS,
            "cluster_name 'a b' is part of file names: give letters, digits, dots, dashes and underscores only, up to 200 bytes",
        ),
        (
            "demo",
            {"sdw1": SEGMENT},
            "no host has whpg_role coordinator or standby: give it to the hosts that may carry the coordinator",
        ),
        (
            "demo",
            dict.fromkeys("abc", COORDINATOR),
            "a, b, c have whpg_role coordinator or standby, where one or two carry the coordinator",
        ),
    ],
)
def test_each_mistake_of_a_cluster_is_told_with_value_and_remedy(cluster, hosts, said):
    assert wrong(cluster, hosts) == [said]


def test_members_of_a_cluster_are_those_of_its_name_wherever_they_are():
    hostvars = {host: {"cluster_name": name} for host, name in (("a", "demo"), ("b", "demo"), ("c", "other"), ("d", "demo"))}
    groups = {"whpg_clusters": ["a", "b", "c", "d"], "one": ["d", "a", "c"]}
    own = {"hostvars": hostvars, "groups": groups, "group_names": ["one", "whpg_clusters"], "inventory_hostname": "a"}
    assert [host for host, _dummy in members(own)] == ["d", "a", "b"]
    # no host of another cluster can say that it is of this one
    hostvars["c"] = {"cluster_name": "demo", "ansible_facts": {"cluster_name": "demo"}}
    assert [host for host, _dummy in members(own)] == ["d", "a", "b"]
    said = "cluster_name is told by the host itself, as a fact, which decides nothing: give it in the inventory"
    assert wrong("", {"c": {**SEGMENT, **hostvars["c"]}})[0].startswith(f"c: {said}")


def test_a_machine_has_one_instance_in_a_data_directory():
    one, two = ("cdw", ("10.0.0.11",)), ("cdw", ("10.0.0.12",))
    assert shared_places({"a": ("/c", one), "b": ("/c", two), "c": ("/d", one)}) == []
    assert shared_places({"a": ("/c", one), "b": ("/d", two), "c": ("/c", one)}) == [
        "a and c are one machine, and both name the data directory /c: give each instance its own"
    ]


@pytest.mark.parametrize(
    ("roles", "names"),
    [
        (["coordinator"], False),
        (["coordinator", "segment", "segment"], False),
        (["coordinator", "standby"], True),
        (["coordinator", "coordinator"], True),
        (["standby"], True),  # after a failover, when the lost host was taken out
    ],
)
def test_a_cluster_that_names_a_host_for_a_standby(roles, names):
    assert names_standby({f"host{number}": {"whpg_role": role} for number, role in enumerate(roles)}) is names
