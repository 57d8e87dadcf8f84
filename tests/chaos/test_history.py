# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checker of histories passes each that can be, and finds each thing that cannot."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from .history import History, Stated, Write, problems, tenures

HOSTS = ("cdw", "scdw")


@st.composite
def histories(draw):
    """Histories of a cluster whose coordinators took turns: two clients wrote, one of which asks for timelines."""
    now, numbers = 100.0, {"client": 0, "observer": 0}
    writes, rows, stated, excused = [], {}, [], []
    turns = draw(st.integers(1, 4))
    for turn in range(turns):
        host, began = HOSTS[turn % 2], now
        lost = draw(st.booleans()) and turn < turns - 1
        count = draw(st.integers(1, 5))
        kinds = ["observer", *draw(st.lists(st.sampled_from(["client", "observer"]), min_size=count, max_size=count)), "observer"]
        gone = draw(st.integers(0, 2)) if lost else 0
        for at, writer in enumerate(kinds):
            numbers[writer] += 1
            known = at in (0, len(kinds) - 1) or draw(st.booleans())
            begun, now = now, now + draw(st.floats(0.01, 1.0))
            timeline = turn + 1 if writer == "observer" and known else None
            told = (now, host, timeline) if known else (None, None, None)
            writes.append(Write(writer, numbers[writer], begun, *told))
            there = 0 if known and at >= len(kinds) - gone else 1 if known else draw(st.sampled_from([0, 1]))
            rows[writer, numbers[writer]] = there
            now += 0.01
        if gone:
            stated.append(Stated(host, began, now, draw(st.sampled_from([None, gone, gone + 3]))))
        before, now = now, now + draw(st.floats(0.1, 30.0))
        excused.append((before, now))
    return History(tuple(writes), rows, tuple(stated), tuple(excused))


@given(histories())
def test_what_can_be_passes(history):
    assert problems(history) == []


def acknowledged_and_there(history):
    return [write for write in history.acknowledged if history.rows[write.writer, write.number] == 1]


@given(histories(), st.data())
def test_a_lost_commit_is_found(history, data):
    safe = [write for write in acknowledged_and_there(history) if not any(stated.covers(write) for stated in history.stated)]
    assume(safe)
    write = data.draw(st.sampled_from(safe))
    found = problems(dataclasses.replace(history, rows={**history.rows, (write.writer, write.number): 0}))
    assert found == [f"{write.writer}: commit {write.number}, acknowledged by {write.host} at {write.returned:.3f}, is missing"]


@given(histories(), st.data())
def test_more_losses_than_were_stated_are_found(history, data):
    limited = [stated for stated in history.stated if stated.commits is not None]
    assume(limited)
    stated = data.draw(st.sampled_from(limited))
    rows = {**history.rows, **{(write.writer, write.number): 0 for write in history.writes if stated.covers(write)}}
    covered = sum(stated.covers(write) for write in history.writes)
    found = problems(dataclasses.replace(history, rows=rows))
    assert any(f"and {stated.commits} at most were said to be lost" in problem for problem in found) is (covered > stated.commits)


@given(histories(), st.data(), st.sampled_from([2, 0.5, 1.125]))
def test_what_is_there_twice_or_in_part_is_found(history, data, times):
    write = data.draw(st.sampled_from(history.writes))
    found = problems(dataclasses.replace(history, rows={**history.rows, (write.writer, write.number): times}))
    assert f"{write.writer}: commit {write.number} is there {times:g} times" in found


@given(histories())
def test_what_nobody_wrote_is_found(history):
    assert problems(dataclasses.replace(history, rows={**history.rows, ("client", 999): 1})) == [
        "client: commit 999 is there, and nobody asked for it"
    ]


@given(histories(), st.data(), st.sampled_from(["client", "observer"]), st.booleans())
def test_two_coordinators_that_wrote_at_once_are_found(history, data, writer, there):
    """A commit of a former primary that was asked for after its successor had acknowledged one, whether it is kept or lost on a fork."""
    known = tenures(history)
    assume(len(known) > 1)
    at = data.draw(st.integers(0, len(known) - 2))
    former, after = known[at], known[at + 1]
    begun = data.draw(st.floats(0, max(0.0, after.last - after.first))) + after.first + 0.001
    if writer == "client" and len(known) > at + 2:
        # its timeline is not known, and by the time it may be of the next time of its host
        assume(begun - former.last < known[at + 2].first - begun - 0.1)
    timeline = former.timeline if writer == "observer" else None
    write = Write(writer, 999, begun, begun + 0.01, former.host, timeline)
    found = problems(dataclasses.replace(history, writes=(*history.writes, write), rows={**history.rows, (writer, 999): int(there)}))
    assert any(f"after {after} had acknowledged one" in problem for problem in found)
    covered = any(stated.covers(write) for stated in history.stated)
    assert any("commit 999" in problem and "is missing" in problem for problem in found) is (not there and not covered)


@given(histories(), st.data())
def test_a_timeline_on_two_hosts_is_found(history, data):
    known = tenures(history)
    assume(len(known) > 1)
    one, other = data.draw(st.sampled_from(list(zip(known, known[1:]))))
    writes = tuple(
        dataclasses.replace(write, timeline=one.timeline) if (write.host, write.timeline) == (other.host, other.timeline) else write
        for write in history.writes
    )
    assert any(
        problem == f"{other.host} on timeline {one.timeline} wrote after {one}"
        for problem in problems(dataclasses.replace(history, writes=writes))
    )


@given(histories())
def test_a_silence_without_a_reason_is_found(history):
    known = tenures(history)
    assume(len(known) > 1 and known[1].first - known[0].last > 12)
    assert any("without any reason" in problem for problem in problems(dataclasses.replace(history, excused=())))


@pytest.mark.parametrize(
    ("begin", "end", "excused"), [(100.0, 104.0, True), (103.0, 120.0, True), (90.0, 95.0, False), (116.0, 120.0, False)]
)
def test_a_silence_is_excused_by_what_happened_in_it(begin, end, excused):
    writes = (Write("observer", 1, 99.9, 100.0, "cdw", 1), Write("observer", 2, 115.0, 115.1, "cdw", 1))
    history = History(writes, {("observer", 1): 1, ("observer", 2): 1}, excused=((begin, end),))
    assert (problems(history) == []) is excused
