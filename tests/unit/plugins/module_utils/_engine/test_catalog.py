# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.addresses import is_loopback, normal_address
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.catalog import (
    Registration,
    StandbyAddress,
    placed,
)

ROW = Registration(
    dbid=8,
    content=-1,
    role="m",
    preferred_role="m",
    mode="s",
    status="u",
    port=5432,
    hostname="scdw",
    address="fd00:203:17::12",
    datadir="/data/s",
)
DESIRED = StandbyAddress(hostname="scdw", address="fd00:203:17::12", port=5432, datadir="/data/s")


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"datadir": "/data/s/"}, True),
        ({"datadir": "/data//s"}, True),
        ({"address": "FD00:0203:17:0:0:0:0:0012"}, True),
        ({"hostname": "SCDW"}, False),
        ({"address": "fd00:203:17::13"}, False),
        ({"address": "scdw"}, False),
        ({"port": 5433}, False),
        ({"datadir": "/data/s2"}, False),
    ],
)
def test_a_row_means_a_standby_however_it_is_written(changes, same):
    assert DESIRED.matches(dataclasses.replace(ROW, **changes)) is same
    assert dataclasses.replace(DESIRED, **changes).matches(ROW) is same


@pytest.mark.parametrize(
    ("address", "normal"),
    [("10.0.0.12", "10.0.0.12"), ("::FFFF", "::ffff"), ("fd00:0:0::1", "fd00::1"), ("Scdw", "Scdw"), ("10.0.0.012x", "10.0.0.012x")],
)
def test_an_address_is_written_in_one_way_and_a_name_stays(address, normal):
    assert normal_address(address) == normal


@pytest.mark.parametrize(
    ("address", "loops"), [("127.0.0.1", True), ("127.1.2.3", True), ("::1", True), ("10.0.0.1", False), ("localhost", False)]
)
def test_knows_an_address_of_the_very_host(address, loops):
    assert is_loopback(address) is loops


HOSTS = {
    "one": ("sdw1", ["10.0.0.21", "fd00:203:17::21"]),
    "two": ("sdw2", ["10.0.0.22"]),
    "again": ("sdw1", ["10.0.0.21"]),
}


@pytest.mark.parametrize(
    ("hostname", "address", "numeric", "host"),
    [
        ("x", "sdw1-ic", ["10.0.0.21"], "one"),
        ("x", "sdw2-ic", ["10.0.0.22"], "two"),
        ("x", "y", ["10.0.0.9", "10.0.0.22"], "two"),
        ("x", "y", ["FD00:203:17:0::21"], "one"),
        # the address decides, whatever the name
        ("sdw1", "sdw1", ["10.0.0.22"], "two"),
        ("sdw1", "sdw1", ["10.0.0.9"], None),
        # it is not known
        ("sdw2", "unknown", None, "two"),
        ("x", "sdw2", None, "two"),
        ("sdw2", "unknown", [], "two"),
        ("x", "unknown", None, None),
        # several match
        ("sdw1", "unknown", None, "one"),
    ],
)
def test_an_instance_is_where_its_address_is(hostname, address, numeric, host):
    row = dataclasses.replace(ROW, hostname=hostname, address=address)
    assert placed([row], {} if numeric is None else {address: numeric}, HOSTS) == {8: host}


def test_every_instance_has_its_place():
    rows = [dataclasses.replace(ROW, dbid=dbid, address=f"sdw{dbid}") for dbid in (1, 2, 3)]
    assert placed(rows, {"sdw1": ["10.0.0.21"], "sdw2": ["10.0.0.22"]}, HOSTS) == {1: "one", 2: "two", 3: None}
    assert placed(rows, {}, {}) == {1: None, 2: None, 3: None}
