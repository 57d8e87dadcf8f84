# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils.inventory import problems, shared_places

COORDINATOR = {"whpg_role": "coordinator", "whpg_port": 5432, "whpg_data_directory": "/data/whpg"}
SEGMENT = {"whpg_role": "segment"}
HOSTS = {"cdw": COORDINATOR, "scdw": {**COORDINATOR, "whpg_role": "standby"}, "sdw1": SEGMENT}


def without(name):
    return {key: value for key, value in COORDINATOR.items() if key != name}


@pytest.mark.parametrize(
    "hosts",
    [
        HOSTS,
        {"cdw": COORDINATOR},
        {"cdw": COORDINATOR, "cdw2": COORDINATOR},
        {"cdw": {**COORDINATOR, "whpg_port": "5432"}},
        {"cdw": {**COORDINATOR, "whpg_port": 65535}},
        {"cdw": {**COORDINATOR, "whpg_standby_data_directory": "/s", "whpg_seg_prefix": "gpseg"}},
        {"cdw": {**without("whpg_data_directory"), "discovery_data_directory": "/data/gpseg-1"}},
        {"cdw": {**COORDINATOR, "whpg_addresses": ["10.0.0.11", "fd00::11"]}},
        {"cdw": {**COORDINATOR, "whpg_addresses": []}},
        {"cdw": {**COORDINATOR, "maintenance": True}},
        {"cdw": {**COORDINATOR, "maintenance": "off"}},
        # what only coordinators need
        {"cdw": COORDINATOR, "sdw1": {"whpg_role": "segment", "whpg_port": None, "whpg_data_directory": "relative"}},
    ],
)
def test_an_inventory_that_is_right(hosts):
    assert problems("demo", hosts) == []


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, "cdw: whpg_role is missing: give one of coordinator, standby, segment"),
        ({**COORDINATOR, "whpg_role": "master"}, "cdw: whpg_role is 'master': give one of coordinator, standby, segment"),
        (without("whpg_port"), "cdw: whpg_port is missing: give the coordinator's port, 1 to 65535"),
        ({**COORDINATOR, "whpg_port": None}, "cdw: whpg_port is None: give the coordinator's port, 1 to 65535"),
        ({**COORDINATOR, "maintenance": "maybe"}, "cdw: maintenance is 'maybe': give true or false"),
        ({**COORDINATOR, "maintenance": None}, "cdw: maintenance is None: give true or false"),
        ({**COORDINATOR, "maintenance": []}, "cdw: maintenance is []: give true or false"),
        ({**COORDINATOR, "whpg_port": 0}, "cdw: whpg_port is 0: give the coordinator's port, 1 to 65535"),
        ({**COORDINATOR, "whpg_port": 65536}, "cdw: whpg_port is 65536: give the coordinator's port, 1 to 65535"),
        ({**COORDINATOR, "whpg_port": "-1"}, "cdw: whpg_port is '-1': give the coordinator's port, 1 to 65535"),
        ({**COORDINATOR, "whpg_port": "54a"}, "cdw: whpg_port is '54a': give the coordinator's port, 1 to 65535"),
        (
            without("whpg_data_directory"),
            "cdw: whpg_data_directory is missing: give the directory above the instances' data directories",
        ),
        ({**COORDINATOR, "whpg_data_directory": "data"}, "cdw: whpg_data_directory is 'data': give an absolute path"),
        ({**COORDINATOR, "whpg_data_directory": ""}, "cdw: whpg_data_directory is '': give an absolute path"),
        ({**COORDINATOR, "whpg_standby_data_directory": "~/s"}, "cdw: whpg_standby_data_directory is '~/s': give an absolute path"),
        ({**COORDINATOR, "discovery_data_directory": "s"}, "cdw: discovery_data_directory is 's': give an absolute path"),
        (
            {**COORDINATOR, "whpg_seg_prefix": ""},
            "cdw: whpg_seg_prefix is '': give the prefix of the instances' directories, such as gpseg",
        ),
        ({**COORDINATOR, "whpg_seg_prefix": "a/b"}, "cdw: whpg_seg_prefix is 'a/b': give the prefix of the instances' directories"),
        ({**COORDINATOR, "whpg_addresses": "10.0.0.11"}, "cdw: whpg_addresses is '10.0.0.11': give a list of addresses"),
        ({**COORDINATOR, "whpg_addresses": ["cdw"]}, "cdw: 'cdw' in whpg_addresses is no address: give IPv4 or IPv6 addresses"),
        ({**COORDINATOR, "whpg_addresses": ["10.0.0.0/8"]}, "cdw: '10.0.0.0/8' in whpg_addresses is no address: give IPv4"),
    ],
)
def test_each_mistake_of_a_host_is_told_with_value_and_remedy(variables, said):
    (found,) = problems("demo", {"cdw": variables, "scdw": COORDINATOR})
    assert found.startswith(said)


def test_all_mistakes_of_all_hosts_are_told_at_once():
    found = problems("demo", {"cdw": {"whpg_role": "coordinator"}, "sdw1": {}})
    assert [problem.split(" is ", maxsplit=1)[0] for problem in found] == ["cdw: whpg_port", "cdw: whpg_data_directory", "sdw1: whpg_role"]


@pytest.mark.parametrize(
    ("cluster", "hosts", "said"),
    [
        ("", HOSTS, "cdw, scdw, sdw1: cluster_name is missing: give every host the name of its cluster"),
        ("a/b", HOSTS, "cluster_name 'a/b' is part of file names: give letters, digits, dots, dashes and underscores only"),
        ("a b", HOSTS, "cluster_name 'a b' is part of file names: give letters, digits, dots, dashes and underscores only"),
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
    assert problems(cluster, hosts) == [said]


def test_a_number_is_a_name_of_a_cluster():
    assert problems(7, HOSTS) == []


def test_a_machine_has_one_instance_in_a_data_directory():
    one, two = ("cdw", ("10.0.0.11",)), ("cdw", ("10.0.0.12",))
    assert shared_places({"a": ("/c", one), "b": ("/c", two), "c": ("/d", one)}) == []
    assert shared_places({"a": ("/c", one), "b": ("/d", two), "c": ("/c", one)}) == [
        "a and c are one machine, and both name the data directory /c: give each instance its own"
    ]
