# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import dataclasses

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.processes import Process
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import access, wal
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.replication import OtherSender
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import leaving, shutdown
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.leaving import Leaver, Patience, Transaction
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.shutdown import Shutdown
from hypothesis import given
from hypothesis import strategies as st

from ... import instances

CONTROL = instances.CONTROL
RUNNING = instances.SERVING
PRIMARY = instances.PRIMARY
RULES = "# BEGIN warehousepg.coordinator\nhost\tall\n# END warehousepg.coordinator\nlocal all all trust\n"
DRAINED = access.change_block(RULES, leaving.BLOCK, access.rules_of(leaving.REFUSAL))
INCLUDE = "FENCED_scdw_is_primary.conf"

SERVING = Leaver(PRIMARY, True, RULES)
DOWN = Leaver(dataclasses.replace(PRIMARY, postmaster=None, control=dataclasses.replace(CONTROL, state="shut down")), False, RULES)
CRASHED = dataclasses.replace(DOWN, instance=dataclasses.replace(PRIMARY, postmaster=None))
STOPPING = dataclasses.replace(SERVING, instance=dataclasses.replace(PRIMARY, postmaster=dataclasses.replace(RUNNING, status="stopping")))
ORPHANED = dataclasses.replace(SERVING, instance=dataclasses.replace(PRIMARY, postmaster=None))
LONG = (Transaction(1, "etl", 100.0), Transaction(2, "web", 0.5))
PATIENCE = Patience(transaction_seconds=60, accept_transactions=False, drain_seconds=0, drain_then="terminate")
ARCHIVE = OtherSender(pid=9, application_name="pg_receivewal", user="backup", client_addr="10.0.0.30", state="streaming", reply_age_s=40.0)
SENDING = dataclasses.replace(SERVING, senders=(ARCHIVE,))
STUCK = dataclasses.replace(SERVING, stuck=(Process(pid=8, parent=7, state="T", command=("postgres: etl",)),))


def blocked(found):
    return dataclasses.replace(found, instance=dataclasses.replace(found.instance, start_block=INCLUDE))


def drained(found):
    return dataclasses.replace(found, access_file=DRAINED)


def standby(found):
    return dataclasses.replace(found, instance=dataclasses.replace(found.instance, role="standby"))


def names(steps):
    return [step.name for step in steps]


def test_refusing_sessions_goes_before_all_rules_and_spares_replication():
    assert f"# BEGIN {leaving.BLOCK}\nhost\tall\tall\tall\treject\n# END {leaving.BLOCK}\n{RULES}" == DRAINED
    assert access.change_block(DRAINED, leaving.BLOCK, ()) == RULES
    assert drained(SERVING).drained and not SERVING.drained


@pytest.mark.parametrize(
    ("found", "desired", "steps"),
    [
        (SERVING, {}, ["checkpoint"]),
        (dataclasses.replace(SERVING, transactions=LONG), {"accept_transactions": True}, ["checkpoint"]),
        (dataclasses.replace(SERVING, transactions=LONG), {"transaction_seconds": 100}, ["checkpoint"]),
        (
            dataclasses.replace(SERVING, transactions=LONG),
            {"drain_seconds": 5},
            ["write_rules", "reload", "wait_for_clients", "checkpoint"],
        ),
        (SENDING, {"terminate_walsenders": True}, ["checkpoint"]),
        (drained(SERVING), {"drain_seconds": 5}, ["wait_for_clients", "checkpoint"]),
        (drained(SERVING), {}, ["write_rules", "reload", "checkpoint"]),
    ],
)
def test_clients_are_treated_as_wished(found, desired, steps):
    assert names(leaving.plan_preparation(found, dataclasses.replace(PATIENCE, **desired))) == steps


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (dataclasses.replace(SERVING, transactions=LONG), "etl, process 1, since 100 s.*switchover_accept_transactions"),
        (SENDING, "pg_receivewal of backup on 10.0.0.30, served by process 9, streaming, silent for 40 s.*switchover_terminate_walsenders"),
        (STUCK, r"process 8 \(postgres: etl\), stopped by a signal"),
        (DOWN, "does not run"),
        (STOPPING, "does not run"),
        (standby(SERVING), "is a standby"),
    ],
)
def test_a_primary_that_is_not_to_be_left_now_is_refused(found, words):
    with pytest.raises(CoordinatorError, match=words) as caught:
        leaving.plan_preparation(found, PATIENCE)
    assert "web" not in caught.value.message


@pytest.mark.parametrize(
    ("found", "token", "steps"),
    [
        (SERVING, "t", ["block_start", "announce", "stop"]),
        (drained(SERVING), "t", ["block_start", "announce", "stop", "write_rules", "reload"]),
        (blocked(SERVING), "t", ["announce", "stop"]),
        (SENDING, "t", ["terminate_walsenders", "block_start", "announce", "stop"]),
        (DOWN, None, ["block_start"]),
        (blocked(DOWN), None, []),
        (blocked(drained(DOWN)), "t", ["write_rules", "reload"]),
    ],
)
def test_it_is_start_blocked_before_it_is_told_that_the_shutdown_follows(found, token, steps):
    assert names(leaving.plan_stop(found, INCLUDE, token, terminate_walsenders=True)) == steps


@pytest.mark.parametrize(
    ("found", "token", "words"),
    [
        (SERVING, None, "not armed"),
        (SENDING, "t", "switchover_terminate_walsenders"),
        (STUCK, "t", "process 8"),
        (CRASHED, "t", "was not shut down, it is in production"),
        (standby(DOWN), "t", "is a standby"),
    ],
)
def test_what_proves_nothing_is_not_stopped(found, token, words):
    with pytest.raises(CoordinatorError, match=words):
        leaving.plan_stop(found, INCLUDE, token)


@pytest.mark.parametrize(
    ("found", "steps"),
    [
        (SERVING, []),
        (blocked(drained(SERVING)), ["lift_start_block", "write_rules", "reload"]),
        (blocked(DOWN), ["lift_start_block", "start", "wait_serving"]),
        (blocked(CRASHED), ["lift_start_block", "start", "wait_serving"]),
        (blocked(STOPPING), ["stop_at_once", "lift_start_block", "start", "wait_serving"]),
        (ORPHANED, ["stop_at_once", "start", "wait_serving"]),
        (standby(blocked(DOWN)), []),
    ],
)
def test_it_serves_again_as_if_nothing_had_been_begun(found, steps):
    assert names(leaving.plan_return(found)) == steps


STATES = st.sampled_from([SERVING, DOWN, CRASHED, STOPPING, ORPHANED])


@given(STATES, st.booleans(), st.booleans())
def test_nothing_that_was_begun_is_left_whatever_was_cut_off(found, with_block, with_drain):
    found = drained(found) if with_drain else found
    found = blocked(found) if with_block else found
    steps = names(leaving.plan_return(found))
    assert ("lift_start_block" in steps, "write_rules" in steps) == (with_block, with_drain)
    assert ("start" in steps) == (found.stopping or not found.running)
    assert "start" not in steps or "lift_start_block" not in steps or steps.index("lift_start_block") < steps.index("start")


def test_every_step_has_an_action():
    doing = Shutdown(None, SERVING, 1.0, 10.0)
    steps = [
        *leaving.plan_preparation(SERVING, dataclasses.replace(PATIENCE, drain_seconds=1)),
        *leaving.plan_stop(SENDING, INCLUDE, "t", terminate_walsenders=True),
        *leaving.plan_return(blocked(STOPPING)),
    ]
    assert set(names(steps)) <= set(doing.actions)


def look_at(monkeypatch, *states):
    """What is seen at each look: by process, its state."""
    monkeypatch.setattr(leaving.time, "sleep", lambda seconds: None)
    looks = [[Process(pid=pid, parent=7, state=state, command=("postgres: x",)) for pid, state in seen.items()] for seen in states]
    return leaving.stuck_of(lambda: looks.pop(0) if len(looks) > 1 else looks[0])


def test_a_process_that_reads_from_a_disk_now_and_then_is_not_stuck(monkeypatch):
    assert look_at(monkeypatch, {8: "S"}, {8: "T"}) == [], "one look does where nothing is to be seen"
    assert [process.pid for process in look_at(monkeypatch, {8: "D", 9: "D", 10: "T"}, {8: "D", 9: "S", 10: "T"})] == [8, 10]
    assert look_at(monkeypatch, {8: "D"}, {8: "D"}, {}) == [], "it has ended"


class Clock:
    """Time that passes when somebody waits or asks something slow."""

    def __init__(self, monkeypatch):
        self.now = 100.0
        monkeypatch.setattr(leaving.time, "monotonic", lambda: self.now)

    def pass_(self, seconds):
        self.now += seconds
        return []


@pytest.mark.parametrize(
    ("seconds", "written"),
    [([0.1], 1), ([30.0, 0.1], 2), ([30.0, 5.0, 2.5, 1.9], 4), ([30.0, 9.0, 8.0, 2.1], None)],
)
def test_checkpoints_are_written_until_one_is_short_enough_for_the_gap(recorder, monkeypatch, seconds, written):
    clock, left = Clock(monkeypatch), list(seconds)
    opened = recorder(("CHECKPOINT", lambda: clock.pass_(left.pop(0))))
    doing = Shutdown(None, SERVING, 60.0, 10.0)
    monkeypatch.setattr(doing, "_connect", lambda *_: contextlib.nullcontext(opened))
    if written is None:
        with pytest.raises(CoordinatorError, match=r"took 2\.1 s.*2 s that switchover_max_gap \(10 s\)"):
            doing.checkpoint()
    else:
        doing.checkpoint()
    assert len(seconds) - len(left) == (written or len(seconds))


class Stopping:
    """A primary that is told to stop: when its processes are gone, and when the checkpoint of the shutdown is written."""

    def __init__(self, monkeypatch, ends=None, written=None, left=("postgres: etl",), walsender=0):
        self.clock, self.killed = Clock(monkeypatch), False
        self.written, self.ends = written, ends
        self.processes = [
            Process(pid=7, parent=1, state="S", command=("postgres", "-D", "/c")),
            *(Process(pid=8 + n, parent=7, state="T", command=(name,)) for n, name in enumerate(left)),
        ]
        monkeypatch.setattr(leaving.start_block, "left", lambda directory: [] if self.is_gone() else self.processes)
        monkeypatch.setattr(leaving.start_block, "end", self.end)
        monkeypatch.setattr(shutdown, "wait_until", self.wait_until)
        self.doing = Shutdown(self, SERVING, 60.0, 10.0)
        self.doing._stop_until, self.doing._walsender = self.clock.now + 4.0, walsender
        monkeypatch.setattr(self.doing, "_is_shut_down", lambda: self.written is not None and self.passed() >= self.written)

    def passed(self):
        return self.clock.now - 100.0

    def is_gone(self):
        return self.killed or (self.ends is not None and self.passed() >= self.ends)

    def end(self, directory, seconds):
        self.killed = True

    def run(self, program, *arguments):
        assert (program, arguments[2:]) == ("pg_ctl", ("-W", "-m", "fast", "stop"))

    def wait_until(self, condition, seconds, pause=0.05):
        deadline = self.clock.now + seconds
        while not condition() and self.clock.now < deadline:
            self.clock.pass_(pause)
        return condition()


def test_a_primary_that_stops_is_waited_for(monkeypatch):
    stopping = Stopping(monkeypatch, ends=0.3)
    assert stopping.doing.stop() == {}
    assert not stopping.killed


def test_what_outlives_the_checkpoint_of_the_shutdown_is_not_waited_for(monkeypatch):
    """An archiver that hangs, or a walsender of others."""
    stopping = Stopping(monkeypatch, written=0.2, left=("postgres: archiver",))
    assert "archiver" in stopping.doing.stop()["ended"]
    assert stopping.killed and stopping.passed() < 2


def test_the_standby_gets_its_time_to_have_all_of_it(monkeypatch):
    stopping = Stopping(monkeypatch, written=0.2, left=("postgres: walsender",), walsender=8)
    assert "walsender" in stopping.doing.stop()["ended"]
    assert stopping.passed() >= 4


@pytest.mark.parametrize(
    ("last", "started", "serves"),
    [(False, True, True), (False, False, False), (True, None, False), (None, None, False)],
)
def test_a_shutdown_that_hangs_is_broken_off_within_its_part_of_the_gap(monkeypatch, last, started, serves):
    """It serves again at once where its WAL does not end with the checkpoint of a shutdown, which the standby could have got, too."""
    stopping, tried = Stopping(monkeypatch), []
    end = None if last is None else wal.End(timeline=1, position=Lsn(0x200), segment=None, shutdown=last)
    monkeypatch.setattr(leaving.wal, "end_of_wal", lambda directory: end)

    def serve_again():
        assert stopping.killed
        tried.append(started)
        if not started:
            raise CoordinatorError("the disk is full")

    monkeypatch.setattr(stopping.doing, "_serve_again", serve_again)
    with pytest.raises(CoordinatorError, match=r"hung for the 4 s.*process 8 \(postgres: etl\), stopped by a signal") as caught:
        stopping.doing.stop()
    assert stopping.killed and 4 <= stopping.passed() < 5
    assert (caught.value.data["serves"], tried) == (serves, [] if started is None else [started])
    assert ("the disk is full" in caught.value.message) == (started is False)


def test_a_shutdown_that_ended_when_it_was_to_be_broken_off_is_one(monkeypatch):
    stopping = Stopping(monkeypatch)
    monkeypatch.setattr(leaving.start_block, "end", lambda directory, seconds: setattr(stopping, "written", 0.0))
    assert stopping.doing.stop()["ended"]
