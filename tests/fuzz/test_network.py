# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What packet filters, and the network, tell of themselves."""

from __future__ import annotations

import json

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import sessions
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.retention import parse_size
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import floating
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.packet_filters import iptables, nftables
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.packet_filters.packet_filter import identifier
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.packet_filters.registry import FILTERS
from hypothesis import assume, example
from hypothesis import strategies as st

from .fuzzing import fuzzed, hostile_texts, hostile_values, places, replaced, spoilt_text, tellable

PAIRS = [("10.0.0.11", 6000), ("fd00::11", 6001)]
FILTER = nftables.Nftables("demo")


def listed():
    """The table of a fence as nft lists it."""
    commands = json.loads(FILTER.files(PAIRS)["nft"])["nftables"]
    return {
        "nftables": [
            {"metainfo": {"version": "1.0.6", "json_schema_version": 1}},
            *(command["add"] for command in commands[2:] if "add" in command),
        ]
    }


LISTED = listed()
CHAIN = iptables.Iptables("demo").chain
RULES = f"""\
-P INPUT ACCEPT
-N {CHAIN}
-A INPUT -j {CHAIN}
-A {CHAIN} -s 10.0.0.11/32 -p tcp -m tcp --dport 6000 -j REJECT --reject-with tcp-reset
"""
ADDRESSES = json.dumps(
    [{"ifname": "eth0", "addr_info": [{"family": "inet", "local": "10.0.0.11", "prefixlen": 24, "scope": "global"}]}, {"ifname": "lo"}]
)
SOCKETS = """\
State Recv-Q Send-Q Local Address:Port Peer Address:Port
ESTAB 0 0 10.0.0.21:6000 10.0.0.11:41000
\t cubic wscale:7,7 rto:204 rtt:0.1/0.05 lastsnd:1200 lastrcv:1204 lastack:1200
ESTAB 0 0 [fd00::21]:6001 [fd00::11]:41001
"""


def test_what_is_listed_of_a_fence_is_what_was_put_up():
    assert nftables.rejected(json.dumps(LISTED)) == frozenset(PAIRS)
    assert iptables.rejected(RULES, CHAIN) == {PAIRS[0]}


@fuzzed(st.sampled_from(list(places(LISTED))), hostile_values)
def test_a_rule_of_another_form_rejects_nothing(way, hostile):
    """Nothing that was changed in a rule makes it reject more than it says, or the look at it fail."""
    changed = replaced(LISTED, way, hostile)
    found = nftables.rejected(json.dumps(changed))
    assert all(any(str(port) in json.dumps(rule) for rule in changed["nftables"]) for _address, port in found) or not found
    assert len(found) <= 2


@fuzzed(spoilt_text(json.dumps(LISTED)))
@example("[" * 100000)
@example('{"nftables": ' + "[" * 100000)
@example('{"nftables": [{"rule": {"chain": "input", "expr": null}}, {"chain": {"name": "input", "type": "filter", "hook": "input"}}]}')
def test_whatever_nft_lists_is_rules_or_none(text):
    assert all(isinstance(port, int) for _address, port in nftables.rejected(text))


@fuzzed(spoilt_text(RULES))
@example(RULES.replace("6000", "9" * 5000))
@example(RULES.replace("6000", "²"))
def test_whatever_iptables_lists_is_rules_or_none(text):
    assert all(0 < port < 65536 for _address, port in iptables.rejected(text, CHAIN))


@fuzzed(tellable.filter(bool), tellable.filter(bool))
def test_each_cluster_has_names_of_its_own_that_are_harmless(one, other):
    for longest in (17, 48):
        found = identifier(one, longest)
        assert found.isascii() and found.replace("_", "a").isalnum() and len(found) <= longest
        assume(one != other)
        assert found != identifier(other, longest)
    for kind in FILTERS.values():
        assert kind(one).script.isascii() and "touch" not in kind(one).script


@fuzzed(spoilt_text(ADDRESSES))
@example("[1]")
@example("[" * 100000)
def test_addresses_of_the_host_are_read_or_refused(text):
    try:
        found = floating.parse_assigned(text)
        for assigned in found:
            floating.holders([assigned], floating.parse_address("10.0.0.100/24"))
    except CoordinatorError as error:
        assert "ip -json address" in error.message


@fuzzed(hostile_texts)
def test_a_floating_address_is_one_or_refused(text):
    try:
        found = floating.parse_address(text)
    except CoordinatorError as error:
        assert repr(text)[:40] in error.message
        return
    assert floating.parse_address(found.with_prefixlen) == found


@fuzzed(st.one_of(hostile_texts, st.from_regex(r"\s*[0-9]{1,30}\s*([kKmMgGtT][bB])?\s*", fullmatch=True)))
def test_a_size_is_one_that_the_engine_can_count_or_refused(text):
    try:
        assert 1 << 20 <= parse_size(text) < 1 << 63
    except CoordinatorError as error:
        assert repr(text)[:40] in error.message and len(error.message) < 400


@fuzzed(spoilt_text(SOCKETS), st.lists(st.integers(1, 65535), max_size=2))
def test_whatever_sockets_are_listed_is_sessions(text, ports):
    try:
        found = sessions.together(sessions.parse_ss(text), [6000, *ports], ["10.0.0.21"])
    except CoordinatorError as error:
        assert "ss" in error.message and len(error.message) < 400
        return
    assert all(session.count > 0 for session in found)
