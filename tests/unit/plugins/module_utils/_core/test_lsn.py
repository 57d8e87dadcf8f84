# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import WAL_FILE, Lsn
from hypothesis import given
from hypothesis import strategies as st

positions = st.integers(min_value=0, max_value=2**64 - 1).map(Lsn)


@given(positions)
def test_reads_what_it_writes(lsn):
    assert Lsn.parse(str(lsn)) == lsn


@given(positions, positions)
def test_the_difference_is_in_bytes_and_orders(one, other):
    assert one - other == -(other - one)
    assert (one - other > 0) == (one > other)


@pytest.mark.parametrize("text", ["", "1", "1/", "/1", "1/G", "1/123456789", "0/0 ", "x0/0"])
def test_refuses_other_text_and_names_it(text):
    with pytest.raises(CoordinatorError, match="is not an LSN") as raised:
        Lsn.parse(text)
    assert repr(text) in raised.value.message


@pytest.mark.parametrize(
    ("lsn", "timeline", "mebibytes", "name"),
    [
        # names as pg_walfile_name of the engine gives them
        ("0/1", 1, 64, "000000010000000000000000"),
        ("0/C000148", 1, 64, "000000010000000000000003"),
        ("1/0", 2, 64, "000000020000000100000000"),
        ("16/B374D848", 10, 16, "0000000A00000016000000B3"),
        ("0/FFFFFFFF", 1, 64, "00000001000000000000003F"),
    ],
)
def test_names_wal_files(lsn, timeline, mebibytes, name):
    assert Lsn.parse(lsn).wal_file(timeline, mebibytes << 20) == name


@given(positions, st.integers(1, 9), st.integers(0, 10))
def test_a_wal_file_begins_at_its_segment(lsn, timeline, power):
    size = 1 << 20 + power
    name = lsn.wal_file(timeline, size)
    assert WAL_FILE.fullmatch(name)
    assert Lsn.of_wal_file(name, size) == Lsn(lsn.position // size * size)
