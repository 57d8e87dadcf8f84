# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.timeline import (
    History,
    Parting,
    history_of,
    oldest,
    parting,
    read_history,
    shared,
    show_history,
)
from hypothesis import given
from hypothesis import strategies as st


def history(timeline, *ancestors):
    return History(timeline, tuple((number, Lsn(position)) for number, position in ancestors))


def parted(timeline, position):
    return Parting(timeline, None if position is None else Lsn(position))


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        (history(1), history(1), parted(1, None)),
        (history(1), history(2, (1, 50)), parted(1, 50)),
        (history(2, (1, 50)), history(3, (1, 50), (2, 80)), parted(2, 80)),
        # promoted twice from the same timeline, at different positions
        (history(2, (1, 40)), history(2, (1, 50)), parted(1, 40)),
        (history(2, (1, 40)), history(3, (1, 50)), parted(1, 40)),
        (history(2, (1, 50)), history(3, (1, 50)), parted(1, 50)),
        # both went on from the second, which they share
        (history(3, (1, 50), (2, 60)), history(4, (1, 50), (2, 70)), parted(2, 60)),
        (history(5), history(1), None),
    ],
)
def test_where_two_instances_parted(first, second, found):
    assert parting(first, second) == found
    assert parting(second, first) == found


@st.composite
def histories(draw):
    """Any that the engine can write: numbers and positions go up."""
    numbers = sorted(draw(st.sets(st.integers(2, 6), max_size=4)))
    positions = sorted(draw(st.lists(st.integers(1, 100), min_size=len(numbers), max_size=len(numbers))))
    chain = [1, *numbers]
    return history(chain[-1], *zip(chain, positions))


@given(histories(), histories())
def test_what_two_instances_share_is_on_the_way_of_both(one, other):
    found = parting(one, other)
    assert found is not None, "all begin with the first timeline"
    for way in (one, other):
        number, begin, end = next(stretch for stretch in way.stretches() if stretch[0] == found.timeline)
        assert found.position is None or begin <= found.position <= (end or found.position)
        assert number == found.timeline
    assert (found.position is None) == (one == other)


@given(histories())
def test_a_history_survives_being_shown(one):
    assert history_of(one.timeline, show_history(one)) == one


def test_a_history_is_read(tmp_path):
    (tmp_path / "00000003.history").write_text("1\t0/3000060\tno recovery target specified\n\n2\t1/A0\tbefore 2026\n")
    assert read_history(str(tmp_path), 3) == history(3, (1, 0x3000060), (2, 0x1000000A0))
    assert read_history(str(tmp_path), 1) == history(1)


def test_the_oldest_segment():
    size = 1 << 26
    names = ["000000020000000100000000", "00000001000000000000003F", "000000020000000000000040", "00000002.history", "archive_status"]
    assert oldest(names, size) == Lsn(0x3F * size)
    assert oldest(["00000002.history"], size) is None


def test_the_segments_that_two_instances_have_alike():
    size = 1 << 26
    went = history(3, (1, 5 * size + 100), (2, 8 * size))
    names = [Lsn(number * size).wal_file(timeline, size) for timeline in (1, 2, 3) for number in range(3, 13)]
    found = shared(["00000002.history", *reversed(names), "archive_status"], size, went, Lsn(10 * size + 1))
    desired = [(1, 3), (1, 4), (1, 5), (2, 5), (2, 6), (2, 7), (3, 8), (3, 9)]
    assert found == [Lsn(number * size).wal_file(timeline, size) for timeline, number in desired]
    assert shared(names, size, went, Lsn(5 * size + 200)) == found[:3], "it went to the next timeline before they parted, in one segment"
    assert shared(names, size, went, Lsn(5 * size + 50)) == found[:2]
    assert shared(names, size, went, Lsn(3 * size)) == []
    assert shared(names, size, went, Lsn(4 * size)) == names[:1]
