# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.addresses import parse_address
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.packet_filters import nftables
from hypothesis import given
from hypothesis import strategies as st

FILTER = nftables.Nftables("demo")
TABLE = {"family": "inet", "name": "whpg_fence_demo"}
PLACE = {"family": "inet", "table": "whpg_fence_demo"}

rules = st.frozensets(st.tuples(st.ip_addresses().map(str).map(parse_address), st.integers(1, 65535)), max_size=6)


def commands(pairs):
    return json.loads(FILTER.files(sorted(pairs))["nft"])["nftables"]


def listing(pairs):
    """What nft lists of the table, as nftables 1.0.6 shows it."""
    handles = {"handle": 7}
    objects = [{kind: {**about, **handles}} for command in commands(pairs)[2:] for kind, about in command["add"].items()]
    return {"nftables": [{"metainfo": {"version": "1.0.6", "json_schema_version": 1}}, *objects]}


def test_the_table_is_made_anew_in_one_transaction():
    assert commands([("10.0.0.11", 6000)]) == [
        {"add": {"table": TABLE}},
        {"delete": {"table": TABLE}},
        {"add": {"table": TABLE}},
        {"add": {"chain": {**PLACE, "name": "input", "type": "filter", "hook": "input", "prio": -10, "policy": "accept"}}},
        {
            "add": {
                "rule": {
                    **PLACE,
                    "chain": "input",
                    "expr": [
                        {"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": "10.0.0.11"}},
                        {"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 6000}},
                        {"reject": {"type": "tcp reset"}},
                    ],
                }
            }
        },
    ]


@given(rules)
def test_what_was_written_is_read(pairs):
    assert nftables.rejected(json.dumps(listing(pairs))) == pairs


ACCEPT = {"accept": None}
LIMIT = {"limit": {"rate": 1, "burst": 5, "per": "second"}}


@given(rules.filter(bool), st.data())
def test_a_rule_that_is_another_one_rejects_nothing(pairs, data):
    """Statements left out, added, in another order, or with other values."""
    found = listing(pairs)
    rule = data.draw(st.sampled_from([each["rule"] for each in found["nftables"] if "rule" in each]))
    statements = rule["expr"]
    pair = (statements[0]["match"]["right"], statements[1]["match"]["right"])
    changed = data.draw(st.lists(st.sampled_from([*statements, ACCEPT, LIMIT]), max_size=5).filter(lambda other: other != statements))
    rule["expr"] = changed
    assert nftables.rejected(json.dumps(found)) == pairs - {pair}


@pytest.mark.parametrize(
    ("statement", "path", "value"),
    [
        (0, ("match", "op"), "!="),
        (0, ("match", "left", "payload", "field"), "daddr"),
        (0, ("match", "left", "payload", "protocol"), "ip6"),
        (0, ("match", "right"), {"prefix": {"addr": "10.0.0.0", "len": 24}}),
        (0, ("match",), {"op": "==", "left": {"payload": {"protocol": "ip6", "field": "saddr"}}, "right": "::ffff:10.0.0.11"}),
        (0, ("match", "right"), "cdw"),
        (1, ("match", "left", "payload", "field"), "sport"),
        (1, ("match", "left", "payload", "protocol"), "udp"),
        (1, ("match", "right"), {"set": [6000, 7000]}),
        (1, ("match", "right"), "6000"),
        (1, ("match", "right"), True),
        (2, ("reject",), {"type": "icmpx", "expr": "port-unreachable"}),
        (2, ("reject",), None),
    ],
)
def test_a_rule_with_another_value_is_another_one(statement, path, value):
    found = listing([("10.0.0.11", 6000)])
    at = found["nftables"][-1]["rule"]["expr"][statement]
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    assert nftables.rejected(json.dumps(found)) == frozenset()


@pytest.mark.parametrize("change", [{"hook": "output"}, {"type": "nat"}, {"name": "other"}])
def test_a_chain_that_packets_do_not_come_to_rejects_nothing(change):
    found = listing([("10.0.0.11", 6000)])
    chain = next(each["chain"] for each in found["nftables"] if "chain" in each)
    without = copy.deepcopy(found)
    chain.update(change)
    assert nftables.rejected(json.dumps(found)) == frozenset()
    for name in ("hook", "type"):
        plain = copy.deepcopy(without)
        del next(each["chain"] for each in plain["nftables"] if "chain" in each)[name]
        assert nftables.rejected(json.dumps(plain)) == frozenset()


values = st.recursive(st.none() | st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@given(st.text() | values.map(json.dumps))
def test_what_is_no_list_rejects_nothing(text):
    assert nftables.rejected(text) == nftables.rejected(f'{{"nftables": {text}}}') == frozenset()


@pytest.mark.parametrize(
    ("script", "works"),
    [
        ("""echo '{"nftables": [{"metainfo": {"version": "1.0.6"}}]}'""", True),
        ("echo 'JSON support not compiled-in' >&2; exit 1", False),
        ("echo 'table inet filter'", False),  # before 0.9.2, such a build takes the option for nothing
        ("", False),
        ("echo '[]'", False),
        ("""echo '{"nftables": []}'; exit 1""", False),
    ],
)
def test_a_build_without_json_does_not_count(host, tmp_path, monkeypatch, script, works):
    (tmp_path / "nft").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "nft").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert nftables.Nftables.works(host) is works


def in_namespace(*command, check=True):
    """Run a command in a network of its own, where what is rejected is nobody's."""
    return subprocess.run(["unshare", "--map-root-user", "--net", *command], capture_output=True, text=True, check=check)


@pytest.mark.skipif(
    not shutil.which("nft") or not shutil.which("unshare") or in_namespace("nft", "list", "tables", check=False).returncode != 0,
    reason="needs nft, and a network namespace",
)
@pytest.mark.parametrize("pairs", [[("10.0.0.11", 6000), ("10.0.0.11", 7000), ("fd00::11", 6000), ("::a00:b", 6000)], []])
def test_nft_itself_takes_and_lists_it(tmp_path, pairs):
    path = tmp_path / "fence.nft"
    path.write_text(FILTER.files(pairs)["nft"])
    (tmp_path / "fence").write_text(f"set -eu\n{FILTER.script}")
    path.with_name("steps").write_text(
        f"""
        sh {tmp_path}/fence
        sh {tmp_path}/fence
        nft -j -n list table inet whpg_fence_demo
        nft delete table inet whpg_fence_demo
        nft list tables
        """
    )
    listed = in_namespace("sh", "-eu", f"{tmp_path}/steps").stdout
    assert nftables.rejected(listed) == set(pairs)
    assert len(listed.splitlines()) == 1, "no table is left"
