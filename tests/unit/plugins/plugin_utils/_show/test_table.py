# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show import table
from hypothesis import given
from hypothesis import strategies as st


def test_columns_are_below_each_other():
    assert table.lines([("cluster", "state"), ("a", "mirrored"), ("long-name", "")]) == [
        "cluster    state",
        "a          mirrored",
        "long-name",
    ]


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        (("abc", "0123456789"), "abc  012345…"),
        (("0123456789", "0123456789"), "0123…  0123…"),
        (("a\x1b[2J", "b"), "a\\x1b[2J  b"),
    ],
)
def test_the_widest_columns_are_cut(row, shown):
    assert table.lines([row], width=12) == [shown]


@given(st.integers(1, 8).flatmap(lambda count: st.lists(st.tuples(*[st.text(max_size=200)] * count), min_size=1, max_size=5)))
def test_no_line_is_too_wide(rows):
    shown = table.lines(rows)
    assert len(shown) == len(rows)
    assert all(len(line) <= table.WIDTH and line.isprintable() for line in shown)
