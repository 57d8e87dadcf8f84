# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.probe_writer import Log, Write
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._drill.measure import (
    Clocks,
    Measured,
    OfCopy,
    clocks,
    counted,
    longest_pause,
    measure,
    of_copy,
)
from hypothesis import given
from hypothesis import strategies as st

CDW = Log(
    (
        Write(10.0, 10.01, 1, "0/100"),
        Write(10.05, 10.06, 1, "0/200"),
        Write(10.1),  # what became of it was not heard
        Write(13.0, 13.02, 3, "0/900"),
    ),
    0.5003,
)
SCDW = Log((Write(10.9, 11.0, 2, "0/400"), Write(11.05, 11.06, 2, "0/500"), Write(11.1)), -0.4997)
LOGS = {"cdw": CDW, "scdw": SCDW}


def test_both_ways_are_measured_by_what_both_hosts_acknowledged():
    assert measure(LOGS, 2, "0/300", {}) == Measured(0.94, 2, 0)
    assert measure(LOGS, 3, "0/600", {}) == Measured(1.96, 2, 0)
    assert longest_pause(LOGS, {}) == 1.96
    assert counted(LOGS) == (5, 2)


def test_clocks_that_differ_are_corrected():
    found = clocks(CDW, SCDW)
    assert found == Clocks(0.5, 0.0003)
    ahead = {"cdw": found.ahead_s}
    assert measure(LOGS, 2, "0/300", ahead).rto_s == 1.44
    assert measure(LOGS, 3, "0/600", ahead).rto_s == 1.46
    assert clocks(CDW, Log()) == Clocks()


@pytest.mark.parametrize(("fork", "lost"), [("0/300", 0), ("0/200", 0), ("0/1FF", 1), ("0/80", 2), (None, None)])
def test_what_was_acknowledged_behind_the_fork_is_lost(fork, lost):
    assert measure(LOGS, 2, fork, {}).lost == lost


def test_what_was_not_seen_is_not_measured():
    assert measure(LOGS, None, None, {}) == Measured(None, 0, None)
    assert measure({"scdw": SCDW}, 2, "0/300", {}) == Measured(None, 0, None)
    assert measure({"cdw": CDW}, 2, "0/300", {}) == Measured(None, 2, 0)
    assert longest_pause({"cdw": Log(CDW.writes[:1])}, {}) is None


def test_a_copy_lacks_what_was_acknowledged_behind_its_end():
    assert of_copy(LOGS, 1, "0/200") == OfCopy(2, 0, 0)
    assert of_copy(LOGS, 1, "0/1F0") == OfCopy(2, 1, 16)
    assert of_copy({}, 1, "0/1F0") == OfCopy(0, 0, 0)


@given(
    before=st.lists(st.floats(0.001, 5), min_size=1, max_size=20),
    gap=st.floats(0.001, 60),
    after=st.lists(st.floats(0.001, 5), max_size=20),
    ahead=st.floats(-1000, 1000),
    lost=st.integers(0, 20),
    unheard=st.lists(st.floats(0, 100), max_size=5),
)
def test_the_time_without_an_acknowledged_commit_depends_on_no_clock_and_on_no_unheard_one(before, gap, after, ahead, lost, unheard):
    """The former primary's clock is ahead, and some of its last writes are behind the fork."""
    now, old, new = 1e6, [], []
    for number, seconds in enumerate(before):
        now += seconds
        old.append(Write(now + ahead, now + ahead, 1, str(Lsn(0x100 * (number + 1)))))
    now += gap
    new.append(Write(now, now, 2, str(Lsn(0x100000))))
    for number, seconds in enumerate(after):
        now += seconds
        new.append(Write(now, now, 2, str(Lsn(0x100001 + number))))
    lost = min(lost, len(old))
    fork = str(Lsn(0x100 * (len(old) - lost)))
    logs = {"new": Log((*new, *map(Write, unheard))), "old": Log((*map(Write, unheard), *old))}
    found = measure(logs, 2, fork, {"old": ahead})
    assert found.rto_s == pytest.approx(gap, abs=0.0011)
    assert (found.acknowledged, found.lost) == (len(old), lost)
    assert longest_pause(logs, {"old": ahead}) == pytest.approx(max([*before[1:], gap, *after]), abs=0.0011)
    assert counted(logs) == (len(old) + len(new), 2 * len(unheard))
