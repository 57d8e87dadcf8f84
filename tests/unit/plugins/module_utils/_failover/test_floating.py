# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ipaddress
import json
import re

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import floating
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.floating import Assigned, parse_address

ADDRESS = parse_address("10.0.0.100/24")
OWN = [Assigned("eth0", "10.0.0.12/24"), Assigned("eth0", "fd00::12/64"), Assigned("eth1", "10.1.0.12/24")]
THERE = Assigned("eth0", "10.0.0.100/32")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cdw", "address is 'cdw': 'cdw' does not appear to be an IPv4 or IPv6 interface; give an address and the length of its mask"),
        ("10.0.0.100/33", "give an address and the length of its mask"),
        ("10.0.0.100", "address is '10.0.0.100': give the length of its mask too, such as 10.0.0.100/24"),
        ("127.0.0.2/8", "address is '127.0.0.2/8', which no other host can reach"),
        ("ff02::1/64", "which no other host can reach"),
    ],
)
def test_refuses_what_cannot_float(text, message):
    with pytest.raises(CoordinatorError, match=re.escape(message)):
        parse_address(text)


def test_reads_the_addresses_of_the_host(host, tmp_path, monkeypatch):
    links = [
        {"ifname": "lo", "addr_info": [{"local": "127.0.0.1", "prefixlen": 8, "scope": "host"}]},
        {"ifname": "eth0", "addr_info": [{"local": "10.0.0.12", "prefixlen": 24, "scope": "global"}]},
        {"ifname": "eth1"},
    ]
    program = tmp_path / "ip"
    program.write_text(f"#!/bin/sh\necho '{json.dumps(links)}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert floating.read_assigned(host) == [Assigned("eth0", "10.0.0.12/24")]
    program.write_text("#!/bin/sh\nexit 2\n")
    with pytest.raises(CoordinatorError, match="ip -json address failed with exit code 2"):
        floating.read_assigned(host)


@pytest.mark.parametrize(
    ("assigned", "present", "interface", "steps"),
    [
        (OWN, True, None, [("add", Assigned("eth0", "10.0.0.100/24")), ("announce", Assigned("eth0", "10.0.0.100/24"))]),
        (OWN, True, "eth1", [("add", Assigned("eth1", "10.0.0.100/24")), ("announce", Assigned("eth1", "10.0.0.100/24"))]),
        ([], True, "eth0", [("add", Assigned("eth0", "10.0.0.100/24")), ("announce", Assigned("eth0", "10.0.0.100/24"))]),
        ([*OWN, THERE], True, None, [("announce", THERE)]),
        ([*OWN, THERE], True, "eth0", [("announce", THERE)]),
        (
            [*OWN, THERE, Assigned("eth1", "10.0.0.100/24")],
            False,
            "eth0",
            [("remove", THERE), ("remove", Assigned("eth1", "10.0.0.100/24"))],
        ),
        (OWN, False, None, []),
    ],
)
def test_adds_announces_and_removes(assigned, present, interface, steps):
    assert [(step.name, step.arguments["assigned"]) for step in floating.plan(assigned, ADDRESS, present, interface)] == steps


@pytest.mark.parametrize(
    ("assigned", "interface", "message"),
    [
        ([*OWN, THERE], "eth1", "10.0.0.100 is on the interface eth0 already: remove it there, or name that interface"),
        (OWN[1:], None, "no interface has an address in the network of 10.0.0.100/24: name the interface"),
        ([*OWN, Assigned("eth2", "10.0.0.13/24")], None, "the interfaces eth0, eth2 have an address in the network of 10.0.0.100/24: name"),
    ],
)
def test_refuses_where_it_is_not_clear_where_it_belongs(assigned, interface, message):
    with pytest.raises(CoordinatorError, match=re.escape(message)):
        floating.plan(assigned, ADDRESS, True, interface)


def test_chooses_by_the_version_too():
    assert floating.choose(OWN, parse_address("fd00::100/64")) == "eth0"


def test_changes_the_address_and_tells_why_not(host, tmp_path, monkeypatch):
    program = tmp_path / "ip"
    program.write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/asked\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    floating.change(host, "add", Assigned("eth0", "fd00::100/64"))
    floating.change(host, "del", THERE)
    assert (tmp_path / "asked").read_text() == "address add fd00::100/64 dev eth0 nodad\naddress del 10.0.0.100/32 dev eth0\n"
    program.write_text("#!/bin/sh\necho 'Cannot find device' >&2\nexit 1\n")
    with pytest.raises(CoordinatorError, match=r"ip address add 10\.0\.0\.100/32 dev eth0 failed with exit code 1: Cannot find device"):
        floating.change(host, "add", THERE)


def test_announces_as_the_standards_have_it():
    hardware, address = bytes.fromhex("020000000001"), ipaddress.ip_address("10.0.0.100").packed
    frame = floating.arp_announcement(hardware, address)
    assert frame[:14] == b"\xff" * 6 + hardware + bytes.fromhex("0806")
    assert frame[14:] == bytes.fromhex("0001 0800 06 04 0001") + hardware + address + b"\0" * 6 + address
    address = ipaddress.ip_address("fd00::100").packed
    assert (
        floating.neighbour_advertisement(hardware, address)
        == bytes.fromhex("88 00 0000 20000000") + address + bytes.fromhex("02 01") + hardware
    )


def test_an_interface_without_neighbours_is_told_nothing():
    floating.announce(Assigned("no-such-interface", "10.0.0.100/24"))
