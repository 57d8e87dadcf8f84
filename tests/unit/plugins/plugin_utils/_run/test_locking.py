# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import time

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lock import Holder, Lock, line_of, note_file
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run import locking
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.locking import LOOK, RELEASE, RENEW, TAKE, Ask, Seen
from hypothesis import given, settings
from hypothesis import strategies as st

OURS = Holder(user="o'brien 100%", controller="control1", boot="boot", namespace="pid:[1]", pid=4711, started="18")
THEIRS = dataclasses.replace(OURS, user="ada", pid=47)


def shell(ask, home):
    """What a host answers."""
    run = ["/bin/sh", "-c", ask.command]
    done = subprocess.run(run, env={**os.environ, "HOME": str(home)}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), ask
    return locking.parse_seen("Welcome!\n" + done.stdout.replace("\n", "\r\n"))


@pytest.mark.parametrize("path", ["~/.whpg/demo.lock", "~/a dir/it's.lock", "{home}/new\\n/demo.lock"])
def test_of_two_runs_one_takes_the_lock_and_it_alone_renews_and_releases_it(tmp_path, path):
    path = path.format(home=tmp_path)
    file = tmp_path / path[2:] if path.startswith("~") else path

    def ask(what, own, **more):
        return shell(Ask(what=what, file=path, own=own, **more), tmp_path)

    assert ask(LOOK, OURS).lock is None
    first = ask(TAKE, OURS, purpose="re\"join's")
    assert (first.changed, first.lock.holder, first.lock.purpose, first.file) == (True, OURS, "re\"join's", str(file))
    assert abs(first.lock.since - time.time()) < 60 and 0 <= first.age < 60
    assert os.stat(file).st_mode & 0o777 == 0o600
    assert os.listdir(os.path.dirname(file)) == [os.path.basename(file)], "nothing is left beside it"
    for what in (TAKE, RENEW, RELEASE, LOOK):
        found = ask(what, THEIRS)
        assert (found.changed, found.lock) == (False, first.lock)
    os.utime(file, (time.time() - 1000, time.time() - 1000))
    assert ask(LOOK, THEIRS).age >= 1000
    renewed = ask(RENEW, OURS)
    assert (renewed.changed, renewed.lock) == (True, first.lock) and renewed.age < 60
    for stale in ((THEIRS, renewed.renewed), (OURS, renewed.renewed - 1)):
        assert ask(TAKE, THEIRS, instead_of=stale).lock.holder == OURS
    assert ask(TAKE, THEIRS, instead_of=(OURS, renewed.renewed)).lock.holder == THEIRS
    assert ask(RELEASE, OURS).lock.holder == THEIRS
    assert (ask(RELEASE, THEIRS).lock, os.path.exists(file)) == (None, False)
    assert ask(RELEASE, THEIRS).changed is False


@pytest.mark.parametrize("purpose", [r"100%s %n \\n \x41", r"""$(id) `id` '\" """, "a\nb\x1b\u202e"])
def test_what_a_lock_says_is_data_for_the_shell(tmp_path, purpose):
    taken = shell(Ask(what=TAKE, file="~/demo.lock", own=OURS, purpose=purpose), tmp_path)
    assert (taken.changed, taken.lock.purpose, taken.lock.holder) == (True, purpose, OURS)


@pytest.mark.parametrize(("finished", "stays"), [((), True), (("rejoin",), True), (("x", "switchover to it's host"), False)])
def test_what_was_begun_stays_noted_until_it_is_finished(tmp_path, finished, stays):
    file = str(tmp_path / "demo.lock")
    shell(Ask(TAKE, file, OURS), tmp_path)
    (tmp_path / os.path.basename(note_file(file))).write_text("switchover to it's host\n")
    shell(Ask(what=RELEASE, file=file, own=OURS, finished=finished), tmp_path)
    assert [path.name for path in tmp_path.glob("*")] == (["demo.lock.unfinished"] if stays else [])
    assert tmp_path.exists() == stays, "a directory with nothing in it is not left"


def test_a_file_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "demo.lock").write_text("mine\n")
    seen = shell(Ask(TAKE, "~/demo.lock", OURS), tmp_path)
    assert (tmp_path / "demo.lock").read_text() == "mine\n"
    with pytest.raises(CoordinatorError, match=r"demo\.lock is no lock of this collection: see what it is, and remove it"):
        assert seen.lock


def test_a_directory_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").touch()
    ask = Ask(TAKE, f"{tmp_path}/file/demo.lock", OURS)
    done = subprocess.run(["/bin/sh", "-c", ask.command], capture_output=True, text=True, check=False)
    assert done.returncode != 0 and "file" in done.stderr
    with pytest.raises(CoordinatorError, match="where it was asked for the lock"):
        locking.parse_seen("sudo: a password is required\n")


@pytest.fixture
def ended():
    """A process that has ended, and nobody was told."""
    process = subprocess.Popen(["sleep", "60"])
    began = locking.started(process.pid)
    process.kill()
    while locking.started(process.pid):
        time.sleep(0.01)
    yield dataclasses.replace(OURS, pid=process.pid, started=began)
    process.wait()


def test_only_a_run_that_this_controller_would_see_is_known_to_be_gone(ended, monkeypatch):
    alive = dataclasses.replace(OURS, pid=os.getpid(), started=locking.started(os.getpid()))
    for holder, gone in ((ended, True), (alive, False), (dataclasses.replace(alive, started="0"), True)):
        assert locking.is_gone(holder, OURS) is gone
        for other in ({"controller": "control2"}, {"boot": "another"}, {"namespace": "pid:[2]"}):
            assert locking.is_gone(dataclasses.replace(holder, **other), OURS) is False
    for unknown in ({"boot": ""}, {"namespace": ""}):
        assert not locking.is_gone(dataclasses.replace(ended, **unknown), dataclasses.replace(OURS, **unknown))
    unseen = dataclasses.replace(OURS, pid=2**22 + 1)
    assert locking.is_gone(unseen, OURS)

    def refused(_pid, _signal):
        raise PermissionError

    monkeypatch.setattr(os, "kill", refused)
    assert not locking.is_gone(unseen, OURS), "it is another user's, and /proc hides those"


def test_this_run_is_told_from_every_other():
    run = locking.this_run(os.getppid())
    assert (run.pid, run.started) == (os.getppid(), locking.started(os.getppid()))
    assert run.user and run.controller and run.boot and run.namespace.startswith("pid:[")


class Place:
    """The file on a host, and what its commands do."""

    def __init__(self, clock):
        self.clock = clock
        self.lock = None
        self.renewed = 0

    def answer(self, ask):
        holder, changed = self.lock and self.lock.holder, False
        if ask.what == TAKE and (holder, self.renewed) == (ask.instead_of or (None, self.renewed)):
            self.lock, self.renewed, changed = Lock(ask.own, float(self.clock.now), ask.purpose), self.clock.now, True
        elif ask.what == RENEW and holder == ask.own:
            self.renewed, changed = self.clock.now, True
        elif ask.what == RELEASE and holder == ask.own:
            self.lock, changed = None, True
        text = None
        if self.lock:
            text = f"{line_of(self.lock.holder)}\n{json.dumps({'since': self.lock.since, 'purpose': self.lock.purpose})}\n"
        return Seen(file="/l", text=text, renewed=self.renewed if self.lock else 0, age=self.clock.now - self.renewed, changed=changed)


class Clock:
    now = 1000


class Run:
    """A playbook that takes the lock of two hosts, changes both if it has both, and gives back what it has."""

    def __init__(self, number, controller, places, living):
        self.holder = Holder(user="ada", controller=controller, boot="", namespace="", pid=number, started="1")
        self.places, self.living = places, living
        self.ended, self.answers = {}, {}
        self.state, self.changes = "taking", 0
        self.last_renewal = 0
        living.add(self.holder)
        self.takings = {name: locking.taking("/l", self.holder, "test", self.is_gone, 10.0 if name == "second" else 0.0) for name in places}

    def is_gone(self, holder):
        return holder.controller == self.holder.controller and holder not in self.living

    @property
    def refusals(self):
        return [taken.refusal for taken in self.ended.values() if taken.refusal]

    def crash(self):
        self.state = "crashed"
        self.living.discard(self.holder)

    def take(self, name):
        """Go on with one host."""
        if name in self.ended:
            return
        try:
            ask = self.takings[name].send(self.answers.get(name))
            self.answers[name] = ask and self.places[name].answer(ask)
        except StopIteration as end:
            self.ended[name] = end.value

    def work(self):
        """One change, as a module makes it that looks at the lock of its host."""
        for place in self.places.values():
            if not place.lock or place.lock.holder != self.holder:
                self.state = "giving back"
                return
            self.changes += 1
        if self.changes >= 6:
            self.state = "giving back"

    def go_on(self, order):
        if self.state == "taking":
            for name in order:
                self.take(name)
            if len(self.ended) == 2:
                self.state = "giving back" if self.refusals else "working"
        elif self.state == "working":
            self.work()
        elif self.state == "giving back":
            for place in self.places.values():
                place.answer(Ask(RELEASE, "/l", self.holder))
            self.state = "ended"
            self.living.discard(self.holder)

    def renew(self):
        for place in self.places.values():
            place.answer(Ask(RENEW, "/l", self.holder))


def start(clock, controllers):
    places, living = {"first": Place(clock), "second": Place(clock)}, set()
    return places, [Run(number, controller, places, living) for number, controller in enumerate(controllers, 1)]


ORDERS = st.sampled_from([("first", "second"), ("second", "first"), ("first",), ("second",)])


@given(st.data())
def test_of_runs_that_begin_at_once_one_works_at_a_time_and_one_at_least_does(data):
    clock = Clock()
    places, runs = start(clock, ["a", "b", "a"][: data.draw(st.integers(2, 3))])
    for _round in range(400):
        for run in data.draw(st.permutations(runs)):
            run.go_on(data.draw(ORDERS) if _round < 8 else ("first", "second"))
            assert sum(run.state == "working" for run in runs) <= 1
        if all(run.state == "ended" for run in runs):
            break
    assert all(run.state == "ended" for run in runs), [run.state for run in runs]
    assert any(run.changes == 6 for run in runs)
    assert all(run.changes in (0, 6) for run in runs), "nothing is half done"
    for run in runs:
        assert run.changes or "another run works on this pair: test by ada on" in run.refusals[0]
    assert [place.lock for place in places.values()] == [None, None]


@given(st.data())
@settings(max_examples=200)
def test_a_run_that_crashed_loses_the_lock_and_one_that_lives_keeps_it(data):
    """Whatever becomes of renewals and of runs, no two work at once, and who lost the lock stops."""
    clock = Clock()
    places, runs = start(clock, [data.draw(st.sampled_from("ab"))])
    for number in range(2, 30):
        event = data.draw(st.sampled_from(["go on", "go on", "go on", "crash", "start", "renew", "wait", "wait long"]))
        run = data.draw(st.sampled_from(runs))
        if event == "go on" and run.state != "crashed":
            run.go_on(data.draw(ORDERS))
        elif event == "crash" and run.state != "ended":
            run.crash()
        elif event == "start" and len(runs) < 4:
            runs.append(Run(number, data.draw(st.sampled_from("ab")), places, runs[0].living))
        elif event == "renew" and run.state not in ("crashed", "ended"):
            run.renew()
        elif event.startswith("wait"):
            clock.now += 400 if event == "wait long" else 60
        holders = [place.lock.holder for place in places.values() if place.lock]
        working = [run for run in runs if run.state == "working" and holders == [run.holder, run.holder]]
        assert len(working) <= 1, "whoever else believes to work stops before its next change"
    for run in runs:
        if run.state != "ended":
            run.crash()
    for controller, later in (("a", 0), ("b", 301)):
        last = Run(100 + later, controller, places, runs[0].living)
        clock.now += later
        for _round in range(80):
            last.go_on(("first", "second"))
        seen_at_once = all(run.holder.controller == controller for run in runs if run.state == "crashed")
        assert last.state == "ended"
        if later or seen_at_once:
            assert last.changes == 6, last.refusals


def test_a_lock_that_is_renewed_is_not_lost_by_time():
    clock = Clock()
    places, (run,) = start(clock, ["a"])
    run.go_on(("first", "second"))
    run.go_on(("first", "second"))
    run.go_on(("first", "second"))
    assert run.state == "working"
    for _minute in range(300):
        clock.now += int(locking.RENEWAL)
        run.renew()
        other = Run(2, "b", places, run.living)
        other.takings["second"] = locking.taking("/l", other.holder, "test", other.is_gone)
        for _round in range(3):
            other.go_on(("first", "second"))
        assert len(other.refusals) == 2
    run.work()
    assert run.state == "working"
    assert int(locking.LIFETIME) > 3 * locking.RENEWAL, "some renewals may fail"


def test_check_mode_takes_nothing_and_tells_who_holds_it():
    clock = Clock()
    place = Place(clock)

    def foretell(is_gone=lambda _holder: False):
        taking = locking.taking("/l", OURS, "test", is_gone, check=True)
        ask = next(taking)
        assert ask.what == LOOK
        with pytest.raises(StopIteration) as end:
            taking.send(place.answer(ask))
        return end.value.value

    assert (foretell().refusal, place.lock) == ("", None)
    place.answer(Ask(what=TAKE, file="/l", own=THEIRS, purpose="rejoin"))
    clock.now += 12
    assert foretell().refusal == (
        "another run works on this pair: rejoin by ada on control1, process 47, since 1970-01-01 00:16:40 UTC, alive 12 s ago. "
        "Wait for it, and run this again; the lock of a run that was killed counts for 300 s more at most. If you must not wait, "
        "remove /l: that run stops before its next change"
    )
    assert (foretell(lambda _holder: True).refusal, place.lock.holder) == ("", THEIRS)
    clock.now += 300
    assert foretell().former.holder == THEIRS
