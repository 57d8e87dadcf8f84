# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show import chart
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.chart import HEIGHT, PARTS, STEP, WIDTH, Run
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.samples import Sample
from hypothesis import given
from hypothesis import strategies as st


def look(time, state="mirrored", lag=0):
    return Sample(float(time), state, state == "mirrored", lag, None, None)


def test_one_look_is_no_course():
    assert chart.parts([]) == chart.parts([look(1)]) == chart.parts([look(1), look(1)]) == []


def test_a_state_lasts_until_another_one_was_seen():
    seen = chart.parts([look(0), look(30, "degraded"), look(60), look(90), look(120)])
    assert chart.runs(seen) == [Run(0, 150, "mirrored", True), Run(150, 150, "degraded", False), Run(300, 300, "mirrored", True)]


def test_what_was_not_looked_at_is_left_open():
    seen = chart.parts([look(0), look(1), look(2), look(118), look(119), look(120)])
    first, last = chart.runs(seen)
    assert (first.x, last.x + last.width) == (0, WIDTH)
    assert last.x - (first.x + first.width) > WIDTH / 2


def test_the_worst_of_a_part_is_shown():
    seen = chart.parts([look(second, "split_brain" if second == 5_001 else "mirrored") for second in range(12_000)])
    assert [run.state for run in chart.runs(seen)] == ["mirrored", "split_brain", "mirrored"]


def test_a_shape_has_a_piece_for_each_stretch_that_is_known():
    assert chart.area([0, 10, 10, None, 5], 10) == f"M0 {HEIGHT}h5v-46h10V{HEIGHT}zM20 {HEIGHT}v-23h5V{HEIGHT}z"
    assert chart.area([0, 0], 0) == f"M0 {HEIGHT}h10V{HEIGHT}z"
    assert chart.area([None], 1) == ""


def test_where_something_happened():
    looks = [look(0), look(100)]
    assert [chart.place(time, looks) for time in (-1, 0, 50, 100, 101)] == [None, 0, WIDTH // 2, WIDTH, None]


TIMES = st.lists(st.integers(0, 10**10), min_size=2, max_size=300, unique=True).map(sorted)


@given(TIMES, st.data())
def test_what_is_drawn_stays_within_the_drawing(times, data):
    lags = data.draw(st.lists(st.none() | st.integers(0, 1 << 50), min_size=len(times), max_size=len(times)))
    seen = chart.parts([look(time, lag=lag) for time, lag in zip(times, lags)])
    assert len(seen) == PARTS and seen[0] and seen[-1]
    drawn = chart.runs(seen)
    assert all(one.x + one.width <= other.x for one, other in zip(drawn, drawn[1:]))
    assert drawn[0].x == 0 and drawn[-1].x + drawn[-1].width == WIDTH
    peak = max((lag for lag in lags if lag is not None), default=0)
    path = chart.area([one.lag_bytes if one else None for one in seen], peak)
    x = y = 0
    for command, numbers in re.findall(r"([MhvVz])([-\d ]*)", path):
        if command == "M":
            x, y = map(int, numbers.split())
            assert x % STEP == 0
        x += int(numbers) if command == "h" else 0
        y = int(numbers) if command == "V" else y + int(numbers) if command == "v" else y
        assert 0 <= x <= WIDTH and 0 < y <= HEIGHT
