# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import subprocess
import threading
import time
from pathlib import Path

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import detached
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import read_text
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import instance
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.wal import End, Segment
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import handover
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.handover import Files, Handover, Readiness
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.shutdown_proof import (
    Arming,
    Proof,
    Receiver,
    Watch,
    wait_for_proof,
)
from hypothesis import given
from hypothesis import strategies as st

from ... import instances

SEGMENT = Segment(
    path="/s/pg_wal/000000010000000000000000",
    timeline=1,
    start=0,
    system_identifier=1,
    size=1 << 26,
    block=1 << 15,
    magic=0xD101,
    length=1 << 26,
)
END = End(1, Lsn(0x200), SEGMENT)
RUNNING = instances.STREAMING
CONTROL = dataclasses.replace(instances.CONTROL, state="in archive recovery")
STANDBY = dataclasses.replace(instances.STANDBY, control=CONTROL, postmaster=RUNNING)
ARMING = Arming(token="0123abcd", timeline=1, start="0/200", expires=4e9)
READY = Readiness(STANDBY, END)


def vary(**changes):
    return dataclasses.replace(READY, instance=dataclasses.replace(STANDBY, **changes))


@pytest.mark.parametrize("found", [READY, dataclasses.replace(READY, armed=True), dataclasses.replace(READY, promoting=True)])
def test_a_standby_that_follows_is_armed_with_the_end_of_its_wal(found):
    """What an earlier run left does not matter, unless it is at work."""
    (step,) = handover.plan_arming(found)
    assert (step.name, step.arguments) == ("arm", {"timeline": 1, "start": "0/200"})


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (vary(directory_state="absent", role=None), "holds no instance"),
        (vary(role="primary"), "holds a primary"),
        (vary(start_block="FENCED_cdw_is_primary.conf"), "start-blocked"),
        (vary(postmaster=None), "stopped: start it"),
        (vary(postmaster=dataclasses.replace(RUNNING, suspended=True)), "suspended"),
        (vary(postmaster=dataclasses.replace(RUNNING, connected=False)), "no connection"),
        (vary(control=dataclasses.replace(CONTROL, state="in crash recovery")), "in crash recovery"),
        (vary(control=None), "without a control file"),
        (dataclasses.replace(READY, end=None), "no connection"),
        (dataclasses.replace(READY, promoting=True, lives=True), "being promoted"),
        (dataclasses.replace(READY, logout="add ansible to KillExcludeUsers"), "cannot be armed: add ansible"),
    ],
)
def test_one_that_could_not_become_primary_is_refused(found, words):
    with pytest.raises(CoordinatorError, match=words):
        handover.plan_arming(found)


@pytest.mark.parametrize(("changes", "steps"), [({}, []), ({"armed": True}, ["disarm"]), ({"promoting": True}, ["disarm"])])
def test_only_what_is_armed_is_disarmed(changes, steps):
    assert [step.name for step in handover.plan_disarming(dataclasses.replace(READY, **changes))] == steps


#: what comes one after the other, the record that holds the token among it
LOOKS = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.booleans(),
        st.integers(1, 3),
        st.sampled_from([70, 70, 70, None, 71]),
        st.sampled_from([0.01, 0.01, 0.6, 31.0]),
    ),
    max_size=20,
)


@given(LOOKS, st.integers(0, 40))
def test_the_proof_is_a_shutdown_behind_the_token_by_the_same_connection_in_time_and_nothing_else(looks, token):
    """Each look sees more WAL or not, of which the last record is a shutdown's or not, on the timeline that is followed or another.

    It comes by a walreceiver, the first, another one, or one that is gone by then. Where that was not seen to live for long, one may have
    come and gone.
    """
    watch, position, now = Watch(ARMING, 0.0, 70), 0x200, 0.0
    announced, streams, last, alive, blind = None, set(), 70, 0.0, False
    for growth, shutdown, timeline, receiver, seconds in looks:
        position += growth
        before, now = now, now + seconds
        end = End(timeline=1 if timeline < 3 else 2, position=Lsn(position), segment=SEGMENT, shutdown=shutdown)

        def holds(found, start, text):
            assert text == b"0123abcd"
            return start.position < 0x200 + token <= found.position.position

        then = now + seconds / 2
        found = watch.look(end, now, receiver, then, holds)
        if announced is None and end.timeline == 1 and token > 0 and position >= 0x200 + token:
            announced, streams = before, {last}
        if announced is not None:
            streams |= {receiver}
        last, alive = receiver or last, now if receiver else alive
        blind = blind or (announced is not None and receiver is None and then - alive > 1.0)
        alone = len(streams - {None}) == 1 and not blind
        expected = announced is not None and end.timeline == 1 and shutdown and alone and now - announced <= ARMING.proof_seconds
        assert (found is not None) == expected
        assert watch.over == (announced is not None and not (alone and now - announced <= ARMING.proof_seconds))
        if found is not None:
            assert found.position == end.position
            assert found.announced < now, "the gap is not said shorter than it was"


def shutdown_at(position):
    return End(timeline=1, position=Lsn(position), segment=SEGMENT, shutdown=True)


def test_the_checkpoint_of_a_primary_that_restarted_itself_after_a_crash_proves_nothing():
    """It writes one as at a shutdown when it has recovered; its standby has connected to it anew by then."""
    watch = Watch(ARMING, 0.0, 70)
    assert watch.look(dataclasses.replace(END, position=Lsn(0x300)), 0.01, 70, 0.01, lambda *_: True) is None
    assert watch.look(dataclasses.replace(END, position=Lsn(0x300)), 0.02, None, 0.02, lambda *_: False) is None
    assert not watch.over
    assert watch.look(shutdown_at(0x400), 0.5, 71, 0.5, lambda *_: False) is None
    assert watch.over
    assert watch.look(shutdown_at(0x400), 0.6, None, 0.6, lambda *_: False) is None, "for ever"


@pytest.mark.parametrize(("now", "then", "proven"), [(0.5, 0.5, True), (0.5, 2.0, False), (2.0, 2.0, False)])
def test_what_came_while_the_process_was_suspended_proves_nothing(now, then, proven):
    """The primary may have restarted itself, and been connected to, and lost again, before anybody looked."""
    watch = Watch(ARMING, 0.0, 70)
    watch.look(dataclasses.replace(END, position=Lsn(0x300)), 0.01, 70, 0.01, lambda *_: True)
    assert (watch.look(shutdown_at(0x400), now, None, then, lambda *_: False) is not None) is proven
    assert watch.over is not proven
    assert (watch.look(shutdown_at(0x400), then, 70, then, lambda *_: False) is not None) is proven, "for ever"


def test_an_announcement_that_came_while_the_process_was_suspended_proves_nothing():
    watch = Watch(ARMING, 0.0, 70)
    assert watch.look(shutdown_at(0x400), 2.0, None, 2.0, lambda *_: True) is None
    assert watch.over


def test_a_shutdown_that_comes_too_late_proves_nothing():
    for seconds, proven in ((59.0, True), (61.0, False)):
        watch = Watch(ARMING, 0.0, 70)
        watch.look(dataclasses.replace(END, position=Lsn(0x300)), 0.01, 70, 0.01, lambda *_: True)
        assert (watch.look(shutdown_at(0x400), seconds, 70, seconds, lambda *_: False) is not None) is proven
        assert watch.over is not proven


def test_wal_that_came_by_nothing_proves_nothing():
    watch = Watch(ARMING, 0.0, None)
    assert watch.over
    assert watch.look(shutdown_at(0x300), 0.01, 71, 0.01, lambda *_: True) is None


def test_wal_that_is_not_there_proves_nothing():
    watch = Watch(ARMING, 0.0, 70)
    assert watch.look(None, 1.0, 70, 1.0) is None
    assert watch.look(End(timeline=1, position=Lsn(0x100), segment=SEGMENT, shutdown=True), 2.0, 70, 2.0, lambda *_: True) is None


@pytest.mark.parametrize(("opens", "counts"), [("base/1234", False), ("pg_wal/000000010000000000000003", True)])
def test_a_walreceiver_that_tries_to_connect_anew_counts_when_it_brings_wal(tmp_path, opens, counts):
    """The standby begins one as soon as the primary has ended the connection, in shutting down."""
    (tmp_path / "postmaster.pid").write_text(f"{os.getpid()}\n{tmp_path}\n1\n5432\n/tmp\n*\n1 2\nready\n")
    (tmp_path / opens).parent.mkdir()

    @contextlib.contextmanager
    def walreceiver(file):
        command = 'exec 3> "$0"; exec -a "postgres: walreceiver" sleep 60'
        with subprocess.Popen(["bash", "-c", command, str(file)]) as process:
            try:
                deadline = time.monotonic() + 20
                while "walreceiver" not in Path(f"/proc/{process.pid}/cmdline").read_text().split("\0")[0]:
                    assert time.monotonic() < deadline
                    time.sleep(0.01)
                yield process.pid
            finally:
                process.kill()

    with walreceiver(tmp_path / "log") as first:
        receiver = Receiver(str(tmp_path))
        assert receiver.pid() == receiver.pid() == first, "it is the one that the standby was armed with, whatever it brings"
    assert receiver.pid() is None
    with walreceiver(tmp_path / opens) as second:
        assert receiver.pid() == (second if counts else None)


@pytest.fixture
def armed(tmp_path, monkeypatch):
    """A standby that is armed, whose process finds the proof when it is told, and promotes or fails."""
    proven, outcome = threading.Event(), {"restarted": False, "gap_s": 0.5, "seconds": {}}

    class Host:
        def write(self, path, text, mode):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)

    def wait_for_proof(_directory, _arming, still):
        proven.wait(10)
        return Proof(Lsn(0x300), 0.0) if still() else None

    def promote(_self, _arming, _proof):
        if "error" in outcome:
            raise CoordinatorError(outcome["error"])
        return outcome

    def in_a_thread(work):
        ready = threading.Event()
        thread = threading.Thread(target=work, args=(ready.set,))
        threads.append(thread)
        thread.start()
        assert ready.wait(10)

    threads = []
    monkeypatch.setattr(handover, "wait_for_proof", wait_for_proof)
    monkeypatch.setattr(Handover, "_promote", promote)
    monkeypatch.setattr(detached, "run", in_a_thread)
    files = Files(str(tmp_path / "kept" / "demo.armed"))
    doing = Handover(Host(), str(tmp_path), 5432, files, "demo", None, {}, 5.0)
    doing.proven, doing.outcome, doing.threads, doing.files = proven, outcome, threads, files
    assert set(doing.arm(1, "0/200", 60, 10)) == {"token"}
    yield doing
    proven.set()
    for thread in threads:
        thread.join()


def test_what_was_disarmed_is_not_promoted(armed):
    (waiting,) = armed.files.waiting
    assert json.loads(read_text(waiting))["start"] == "0/200"
    assert armed.disarm() == {"disarmed": True}
    armed.proven.set()
    armed.threads[0].join()
    assert os.listdir(os.path.dirname(armed.files.armed)) == []
    assert armed.disarm() == {"disarmed": True}


@pytest.mark.parametrize("error", [None, "it does not leave recovery"])
def test_one_that_is_promoted_is_not_disarmed_and_tells_how_it_went(armed, error):
    if error:
        armed.outcome["error"] = error
    armed.proven.set()
    armed.threads[0].join()
    told = armed.disarm()
    assert told["disarmed"] is False
    assert (told["handover"]["lsn"], told["handover"]["error"]) == ("0/300", error or "")
    assert told["handover"]["gap_s"] == (None if error else 0.5)
    assert os.listdir(os.path.dirname(armed.files.armed)) == []


def test_a_process_that_began_to_promote_and_was_lost_is_told(armed, tmp_path):
    """Its file is there, and nobody holds it."""
    (waiting,) = armed.files.waiting
    os.rename(waiting, armed.files.promoting)
    armed.proven.set()
    armed.threads[0].join()
    (tmp_path / "standby.signal").touch()
    with pytest.raises(CoordinatorError, match="is gone") as caught:
        armed.disarm()
    assert (caught.value.data["disarmed"], caught.value.data["promoted"]) == (False, False)
    assert os.path.exists(armed.files.promoting), "it may be promoted yet"

    (tmp_path / "standby.signal").unlink()
    assert armed.disarm() == {"disarmed": False}
    assert os.listdir(os.path.dirname(armed.files.armed)) == []


def test_the_wait_ends_when_it_expires_or_is_rolled_back(tmp_path):
    (tmp_path / "pg_wal").mkdir()
    assert wait_for_proof(str(tmp_path), dataclasses.replace(ARMING, expires=time.time() + 0.05), lambda: True) is None
    assert wait_for_proof(str(tmp_path), ARMING, lambda: False) is None


def test_one_that_is_armed_anew_is_not_promoted_by_what_waited_before(armed):
    told = armed.arm(1, "0/200", 60, 10)
    (waiting,) = armed.files.waiting
    found = json.loads(read_text(waiting))
    assert (found["token"], found["proof_seconds"]) == (told["token"], 5.0)
    assert len(armed.threads) == 2
    assert armed.disarm() == {"disarmed": True}


def test_one_that_is_armed_anew_while_the_proof_for_the_earlier_arming_comes_is_not_promoted_by_it(armed, monkeypatch):
    """The process has looked for the last time, and not begun yet."""
    told, rename = {}, os.rename

    def late(source, target):
        monkeypatch.setattr(os, "rename", rename)
        monkeypatch.setattr(handover, "wait_for_proof", lambda *_: armed.taken.wait(10) and None)
        told.update(armed.arm(1, "0/200", 60, 10))
        rename(source, target)

    armed.taken = threading.Event()
    monkeypatch.setattr(os, "rename", late)
    armed.proven.set()
    armed.threads[0].join()
    assert not os.path.exists(armed.files.promoting)
    (waiting,) = armed.files.waiting
    assert json.loads(read_text(waiting))["token"] == told["token"], "the later one waits on"
    assert armed.disarm() == {"disarmed": True}
    armed.taken.set()


def test_one_that_is_being_promoted_is_not_armed(armed):
    """The earlier process began after this run had looked."""
    (waiting,) = armed.files.waiting
    os.rename(waiting, armed.files.promoting)
    with pytest.raises(CoordinatorError, match="being promoted by an earlier run"):
        armed.arm(1, "0/200", 60, 10)
    assert os.path.exists(armed.files.promoting)


def test_detached_work_goes_on_after_it_is_ready(tmp_path):
    go, done = tmp_path / "go", tmp_path / "done"

    def work(ready):
        ready()
        while not go.exists():
            time.sleep(0.01)
        done.write_text(str(os.getsid(0)))

    detached.run(work)
    go.touch()
    assert instance.wait_until(lambda: done.exists() and bool(done.read_text()), 10)
    assert int(done.read_text()) != os.getsid(0), "the end of this session does not end it"


def test_detached_work_that_fails_before_it_is_ready_is_told():
    def work(_ready):
        raise CoordinatorError("it cannot")

    with pytest.raises(CoordinatorError, match="it cannot"):
        detached.run(work)
