# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A copy is slowed down where commits take long, and never stands still."""

from __future__ import annotations

import subprocess
import threading
import time

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import work
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.processes import read_process
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection import Refused
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.replication import Upstream
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import brake
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.brake import CYCLE, LEAST, Brake, Commits, next_share
from hypothesis import given
from hypothesis import strategies as st

UPSTREAM = Upstream(host="10.0.0.11", port=5432, user="r", store=None)

milliseconds = st.floats(0, 1e6)
cycles = st.lists(st.lists(milliseconds, max_size=5), max_size=50)


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(work, "_work", work._Work())


def wait_until(holds, limit=20):
    deadline = time.monotonic() + limit
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@given(st.floats(LEAST, 1), st.lists(milliseconds, max_size=5), milliseconds)
def test_one_slow_commit_slows_it_down_and_fast_ones_let_it_go(share, latencies, ceiling):
    after = next_share(share, latencies, ceiling)
    assert LEAST <= after <= 1
    if any(latency > ceiling for latency in latencies):
        assert after < share or after == LEAST
    else:
        assert after > share or after == 1


@given(cycles, st.floats(0.001, 1e5))
def test_it_always_runs_for_a_part_of_a_cycle(seen, ceiling):
    slowed = Brake(ceiling)
    pauses = [slowed.heed(latencies) for latencies in seen]
    assert all(0 <= pause <= (1 - LEAST) * CYCLE for pause in pauses)
    told = slowed.told()
    assert told["commits"] == sum(map(len, seen))
    assert told["above"] == sum(latency > ceiling for latencies in seen for latency in latencies)
    assert bool(told["above"]) == any(pauses)


def test_a_ceiling_that_is_kept_or_never_kept():
    kept, never = Brake(10), Brake(10)
    assert [kept.heed([9, 10]) for _cycle in range(3)] == [0, 0, 0]
    assert [never.heed([11]) for _cycle in range(9)][-1] == pytest.approx((1 - LEAST) * CYCLE)
    for _cycle in range(30):
        pause = never.heed([1])
    assert pause == 0, "it recovers"


def test_a_commit_that_does_not_return_counts_by_the_time_it_is_waited_for():
    slowed = Brake(10)
    assert slowed.heed([], 11) == CYCLE / 2
    assert slowed.told() == {"commits": 0, "above": 0, "average_ms": None, "highest_ms": 11, "paused": 0}


class Session:
    """A session, of which some commits fail or hang until they are canceled."""

    def __init__(self, *does):
        self.does = list(does)
        self.canceled = threading.Event()
        self.closed = False

    def query(self, statement):
        assert "pg_logical_emit_message(true" in statement
        does = self.does.pop(0) if self.does else ""
        if does == "fail":
            raise Refused("the connection was lost")
        if does == "hang":
            self.canceled.wait(30)

    def cancel(self):
        self.canceled.set()

    def close(self):
        self.closed = True


def test_commits_are_timed_and_one_that_hangs_is_told_and_canceled():
    session = Session("", "", "hang")
    commits = Commits(lambda: session)
    wait_until(lambda: not session.does)
    took, waiting = commits.latencies()
    assert len(took) == 2 and waiting >= 0
    wait_until(lambda: commits.latencies()[1] > waiting)
    commits.end()
    assert session.canceled.is_set() and session.closed


def test_a_lost_connection_counts_as_waiting_until_there_is_another(monkeypatch):
    monkeypatch.setattr(brake, "_AGAIN", 0.01)
    refused = threading.Event()
    lost, found = Session("fail"), Session()
    sessions = [lost]

    def connect():
        if not sessions:
            refused.set()
            raise Refused("no connection")
        return sessions.pop()

    commits = Commits(connect)
    assert refused.wait(20)
    took, waiting = commits.latencies()
    assert took == [] and waiting > 0 and lost.closed
    sessions.append(found)
    wait_until(lambda: commits.latencies()[0])
    commits.end()
    assert found.closed


def test_commits_that_cannot_be_measured_are_refused_with_the_remedy(monkeypatch):
    def refuse(_parameters):
        raise Refused("no pg_hba.conf entry")

    monkeypatch.setattr(brake, "RemoteSession", refuse)
    with pytest.raises(CoordinatorError) as raised, brake.braking(UPSTREAM, 20):
        raise AssertionError
    assert raised.value.message == (
        "the latency of commits on 10.0.0.11 cannot be measured: no pg_hba.conf entry; let r connect to the database postgres there from "
        "this host, or leave max_latency out"
    )


def test_nothing_is_measured_without_a_ceiling():
    with brake.braking(UPSTREAM, None) as none:
        assert none is None


def test_a_program_is_suspended_again_and_again_and_goes_on_in_the_end(monkeypatch):
    monkeypatch.setattr(brake, "RemoteSession", lambda _parameters: Session())
    monkeypatch.setattr(brake, "CYCLE", 0.1)
    with work.cancellable() as begun, subprocess.Popen(["sleep", "60"]) as program:
        begun(program)
        with brake.braking(UPSTREAM, 1e-9) as applied:
            wait_until(lambda: read_process(program.pid).state == "T")
            wait_until(lambda: read_process(program.pid).state != "T")
            wait_until(lambda: read_process(program.pid).state == "T")
            wait_until(lambda: applied.paused > 0)
        assert read_process(program.pid).state != "T"
        program.kill()
    told = applied.told()
    assert told["paused"] == pytest.approx(applied.paused, abs=0.001) and told["above"] == told["commits"] > 0
