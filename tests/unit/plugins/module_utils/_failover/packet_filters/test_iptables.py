# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.addresses import parse_address
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.packet_filters.iptables import Iptables, rejected
from hypothesis import given
from hypothesis import strategies as st

CHAIN = "WHPG_FENCE_DEMO"

IPTABLES = f"""\
-P INPUT ACCEPT
-N {CHAIN}
-A INPUT -j {CHAIN}
-A INPUT -p tcp -m tcp --dport 6000 -j ACCEPT
-A {CHAIN} -s 10.0.0.11/32 -p tcp -m tcp --dport 6000 -j REJECT --reject-with tcp-reset
-A {CHAIN} -s fd00::11/128 -p tcp -m tcp --dport 7000 -j REJECT --reject-with tcp-reset
-A {CHAIN} -s 10.0.0.0/24 -p tcp -m tcp --dport 6000 -j REJECT --reject-with tcp-reset
-A {CHAIN}2 -s 10.0.0.12/32 -p tcp -m tcp --dport 6000 -j REJECT --reject-with tcp-reset
"""


def test_reads_what_iptables_lists():
    assert rejected(IPTABLES, CHAIN) == {("10.0.0.11", 6000), ("fd00::11", 7000)}


@pytest.mark.parametrize(
    "entries",
    ["-A INPUT -p tcp -m tcp --dport 6000 -j ACCEPT\n", "-A INPUT -j OTHERS\n", f"-A INPUT -s 10.0.0.12/32 -j {CHAIN}\n"],
)
def test_a_chain_that_packets_do_not_come_to_first_rejects_nothing(entries):
    assert rejected(entries + IPTABLES, CHAIN) == frozenset()
    assert rejected(IPTABLES.replace(f"-A INPUT -j {CHAIN}\n", ""), CHAIN) == frozenset()


def test_fences_of_two_clusters_do_not_hide_each_other():
    other = f"-A INPUT -j {CHAIN}2\n"
    assert rejected(other + IPTABLES, CHAIN) == rejected(IPTABLES, CHAIN) != frozenset()
    accepts = f"-A {CHAIN}2 -s 10.0.0.11/32 -j ACCEPT\n"
    assert rejected(other + IPTABLES + accepts, CHAIN) == frozenset()


rules = st.frozensets(st.tuples(st.ip_addresses().map(str).map(parse_address), st.integers(1, 65535)), max_size=6)


@given(rules)
def test_what_was_written_is_read(pairs):
    files = Iptables("demo").files(sorted(pairs))
    seen = set()
    for program, text in files.items():
        lines = [line for line in text.splitlines() if line.startswith("-A ")]
        found = rejected("\n".join([f"-N {CHAIN}", f"-A INPUT -j {CHAIN}", *lines]), CHAIN)
        assert len(found) == len(lines) > 0
        assert {":" in address for address, _port in found} == {program == "ip6tables"}
        seen |= found
    assert seen == pairs
