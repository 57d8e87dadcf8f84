# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import argparse

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


def test_nothing_is_cut_where_no_terminal_shows_it():
    assert table.lines([("a" * 500, "b" * 500)]) == [f"{'a' * 500}  {'b' * 500}"]


@pytest.mark.parametrize(
    ("terminal", "watched", "room"),
    [(False, None, None), (True, None, 150), (False, "0", None), (False, "90", table.WIDTH), (False, "200", 200)],
)
def test_a_terminal_has_its_room(monkeypatch, terminal, watched, room):
    monkeypatch.setenv("COLUMNS", "150")
    monkeypatch.setattr(table.sys, "stdout", argparse.Namespace(isatty=lambda: terminal))
    if watched:
        monkeypatch.setenv(table.MARK, watched)
    assert table.room() == room


@given(st.integers(1, 8).flatmap(lambda count: st.lists(st.tuples(*[st.text(max_size=200)] * count), min_size=1, max_size=5)))
def test_no_line_is_too_wide(rows):
    shown = table.lines(rows, table.WIDTH)
    assert len(shown) == len(rows)
    assert all(len(line) <= table.WIDTH and line.isprintable() for line in shown)
