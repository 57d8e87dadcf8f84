# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import dataclasses
import os

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.work import Cancelled, Progress
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import connection, instance
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.catalog import Registration
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import Instance
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.stream import Stream
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.wal import End, Segment
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import activation, promotion, salvage
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.activation import Candidate, Desired
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.loss import Loss, Window
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.promotion import Promotion, is_promoted, switch_position
from ansible_collections.warehousepg.coordinator.plugins.modules import coordinator_activation
from hypothesis import given
from hypothesis import strategies as st

from ... import instances

CONTROL = dataclasses.replace(instances.CONTROL, state="in archive recovery", consistent="0/200")
RUNNING = dataclasses.replace(instances.SERVING, pid=9, status="standby")
STANDBY = dataclasses.replace(instances.STANDBY, control=CONTROL, postmaster=RUNNING)
PRIMARY = dataclasses.replace(STANDBY, role="primary", control=dataclasses.replace(CONTROL, state="in production", timeline=2))
STOPPED = dataclasses.replace(STANDBY, postmaster=None)
SEGMENT = Segment(path="/s/pg_wal/x", timeline=1, start=0, system_identifier=1, size=1 << 26, block=1 << 15, magic=0xD101, length=1 << 26)
END = End(1, Lsn.parse("0/200"), SEGMENT)
STREAM = Stream(started=None, ports=frozenset(), disconnect=None, silence_s=60.0, status_s=10.0)
FOUND = Candidate(STANDBY, END, STREAM)
VERDICT = {"state": "primary_down", "allowed": True, "reason": "seen stopped", "proof": "fenced"}
DESIRED = Desired(VERDICT, {"end": "0/200", "commits": 0, "proved": True}, None, False, False, "standby_coordinator", None)
NO_LOSS = Loss(known="none", bytes=0, commits=0, why="the disk", window=Window())
SOME = Loss(known="bytes", bytes=128, commits=2, why="the disk", window=Window())
NOT_KNOWN = Loss(known="unknown", bytes=None, commits=None, why="no record", window=Window())
SALVAGE = {"archive": "/a.tar.gz", "end": "0/280"}
SETTLING = ["wait_dispatch", "checkpoint", "check_catalog", "check_segments", "make_slot", "clean_up", "note_end"]
WHOLE = ["note_begin", "promote", *SETTLING]


def found(**changes):
    return dataclasses.replace(FOUND, **changes)


def desired(**changes):
    return dataclasses.replace(DESIRED, **changes)


def names(candidate, asked=DESIRED, expected=NO_LOSS):
    return [step.name for step in activation.plan(candidate, asked, expected)]


BOTH_DOWN = desired(both_down=True, verdict={**VERDICT, "state": "both_down"})


@pytest.mark.parametrize(
    ("candidate", "asked", "expected", "steps"),
    [
        (FOUND, DESIRED, NO_LOSS, WHOLE),
        (FOUND, desired(accept_loss=True), SOME, WHOLE),
        (FOUND, desired(accept_loss=True), NOT_KNOWN, WHOLE),
        (FOUND, desired(salvage=SALVAGE), NO_LOSS, ["note_begin", "stop", "place_wal", "start", "wait_replayed", *WHOLE[1:]]),
        (FOUND, desired(salvage={**SALVAGE, "end": "0/200"}), NO_LOSS, WHOLE),
        (found(instance=STOPPED), desired(salvage=SALVAGE), NO_LOSS, ["note_begin", "place_wal", "start", "wait_replayed", *WHOLE[1:]]),
        (found(instance=STOPPED), BOTH_DOWN, NO_LOSS, ["note_begin", "start", *WHOLE[1:]]),
        (found(instance=STOPPED, placing=True), DESIRED, NO_LOSS, ["note_begin", "start", *WHOLE[1:]]),
    ],
)
def test_the_steps_of_an_activation(candidate, asked, expected, steps):
    assert names(candidate, asked, expected) == steps


@pytest.mark.parametrize(
    ("candidate", "asked", "expected", "why"),
    [
        (found(instance=Instance("/s", "empty")), DESIRED, NO_LOSS, "/s holds no instance .empty."),
        (found(instance=dataclasses.replace(STANDBY, control=None)), DESIRED, NO_LOSS, "is no standby whose control file can be read"),
        (
            FOUND,
            desired(verdict={**VERDICT, "allowed": False}),
            NO_LOSS,
            "the pair is primary_down, and activation is not allowed: seen stopped",
        ),
        (found(instance=dataclasses.replace(STANDBY, start_block="FENCED_x")), DESIRED, NO_LOSS, "is start-blocked .FENCED_x."),
        (
            found(instance=dataclasses.replace(STANDBY, postmaster=dataclasses.replace(RUNNING, suspended=True))),
            DESIRED,
            NO_LOSS,
            "is suspended",
        ),
        (
            found(instance=dataclasses.replace(STANDBY, control=dataclasses.replace(CONTROL, state="in production"))),
            DESIRED,
            NO_LOSS,
            "is in production, not in recovery",
        ),
        (found(instance=STOPPED), DESIRED, NO_LOSS, "start it, or give activate_standby_both_down=true"),
        (
            found(instance=STOPPED),
            desired(verdict={**VERDICT, "state": "both_down"}),
            NO_LOSS,
            "start it, or give activate_standby_both_down=true",
        ),
        (FOUND, DESIRED, SOME, "128 bytes of WAL with at most 2 commits would be lost: the disk. Give activate_standby_accept_loss=true"),
        (FOUND, DESIRED, NOT_KNOWN, "an unknown amount would be lost: no record. Give activate_standby_accept_loss=true .* run gpcheckcat"),
    ],
)
def test_what_must_not_be_activated_is_refused(candidate, asked, expected, why):
    with pytest.raises(CoordinatorError, match=why):
        activation.plan(candidate, asked, expected)


@given(st.booleans(), st.booleans(), st.booleans(), st.booleans(), st.sampled_from([NO_LOSS, SOME, NOT_KNOWN]))
def test_nothing_is_promoted_without_a_verdict_and_without_a_word_on_the_loss(allowed, accept, running, both_down, expected):
    candidate = found(instance=STANDBY if running else STOPPED)
    asked = desired(verdict={**VERDICT, "allowed": allowed, "state": "both_down"}, accept_loss=accept, both_down=both_down)
    possible = allowed and (accept or expected is NO_LOSS) and (running or both_down)
    try:
        assert "promote" in names(candidate, asked, expected)
    except CoordinatorError:
        assert not possible
    else:
        assert possible


AFTER = found(instance=PRIMARY, end=dataclasses.replace(END, timeline=2))
BEFORE_CHECKPOINT = dataclasses.replace(AFTER, instance=dataclasses.replace(PRIMARY, control=CONTROL))
DONE = {"event": "activated", "timeline": 2}


@pytest.mark.parametrize(
    ("candidate", "asked", "steps"),
    [
        (dataclasses.replace(AFTER, activated=DONE), DESIRED, []),
        (found(instance=dataclasses.replace(PRIMARY, control=CONTROL)), DESIRED, []),
        (AFTER, DESIRED, [name for name in SETTLING if name != "checkpoint"]),
        (BEFORE_CHECKPOINT, DESIRED, SETTLING),
        (dataclasses.replace(AFTER, activated={**DONE, "timeline": 1}), DESIRED, [name for name in SETTLING if name != "checkpoint"]),
        (dataclasses.replace(AFTER, activated=DONE), desired(verdict={**VERDICT, "allowed": False}), []),
    ],
)
def test_of_a_primary_only_what_is_missing_is_done(candidate, asked, steps):
    assert names(candidate, asked, NOT_KNOWN) == steps


def test_a_primary_that_is_stopped_is_not_finished():
    with pytest.raises(CoordinatorError, match="is primary already, and stopped: start it"):
        names(dataclasses.replace(AFTER, instance=dataclasses.replace(PRIMARY, postmaster=None)))


def test_the_loss_that_was_said_at_the_beginning_stays():
    said = dataclasses.asdict(SOME)
    assert activation.expected_loss(dataclasses.replace(AFTER, begun={"loss": said}), DESIRED, 1000.0) == SOME
    for hostile in (
        "x",
        {"known": "none"},
        {**said, "known": "x"},
        {**said, "bytes": "1"},
        {**said, "start": "0/1\n"},
        {**said, "window": 1},
    ):
        assert activation.expected_loss(dataclasses.replace(AFTER, begun={"loss": hostile}), DESIRED, 1000.0) != SOME
    assert activation.expected_loss(found(begun={"loss": said}), DESIRED, 1000.0).known == "none"
    assert activation.expected_loss(FOUND, desired(exact=None), 1000.0).known == "unknown"
    assert (
        activation.expected_loss(FOUND, desired(exact={"end": "0/280", "commits": 1, "proved": True}, salvage=SALVAGE), 1000.0).known
        == "none"
    )


@pytest.mark.parametrize(
    ("text", "position"),
    [
        (None, None),
        ("1\t0/C022120\tno recovery target specified\n", "0/C022120"),
        ("1\t0/5\tx\n\n2\t16/B374D848\ty\n", "16/B374D848"),
        ("# a comment\n", None),
    ],
)
def test_reads_where_a_timeline_began(tmp_path, text, position):
    (tmp_path / "pg_wal").mkdir()
    if text is not None:
        (tmp_path / "pg_wal" / "00000003.history").write_text(text)
    assert switch_position(str(tmp_path), 3) == position


@pytest.fixture
def doing(host, data_directory):
    return Promotion(host, str(data_directory), 5432, 0.3)


@pytest.fixture
def answers(monkeypatch):
    """Lets connections to the instance meet these answers in turn, the last one again and again; the connections are kept."""

    def make(*turns):
        left = list(turns)
        seen = []

        @contextlib.contextmanager
        def connect(where, timeout, dispatch=False, user=None):
            turn = left.pop(0) if len(left) > 1 else left[0]
            seen.append((dispatch, turn))
            if isinstance(turn, str):
                raise connection.Refused(turn)
            yield turn

        monkeypatch.setattr(connection, "connect_primary", connect)
        return seen

    return make


def row(dbid, content, role):
    return dataclasses.asdict(
        Registration(
            dbid=dbid,
            content=content,
            role=role,
            preferred_role=role,
            mode="s",
            status="u",
            port=5432,
            hostname=f"h{dbid}",
            address=f"h{dbid}",
            datadir="/d",
        )
    )


ROWS = [row(8, -1, "p"), row(2, 0, "p"), row(3, 1, "p"), row(4, 1, "m")]


def test_waits_until_it_answers_in_dispatch_mode(doing, answers, recorder):
    seen = answers(
        "the database system is starting up", "waiting for distributed transaction recovery to complete", recorder(("SELECT 1", [{"x": 1}]))
    )
    doing.wait_dispatch()
    assert [dispatch for dispatch, dummy in seen] == [True] * 3


@pytest.mark.parametrize(("said", "tries"), [("password authentication failed", 1), ("the database system is in recovery mode", None)])
def test_an_instance_that_never_answers_is_told(doing, answers, said, tries):
    seen = answers(said)
    with pytest.raises(CoordinatorError, match=f"does not answer in dispatch mode: {said}"):
        doing.wait_dispatch()
    assert tries is None or len(seen) == tries


def test_waits_for_the_position(doing, answers):
    answers("last replayed record at 0/100", "the database system is starting up", "last replayed record at 0/280")
    doing.wait_replayed("0/280")
    answers("last replayed record at 0/27F")
    with pytest.raises(CoordinatorError, match=r"did not replay it up to 0/280 within 0.3 s. It says: last replayed record at 0/27F"):
        doing.wait_replayed("0/280")


@pytest.mark.parametrize(
    ("rows", "fits"),
    [
        (ROWS, True),
        ([row(1, -1, "p"), *ROWS[1:]], False),
        ([row(8, -1, "m"), *ROWS[1:]], False),
        ([row(1, -1, "m"), *ROWS], False),
        (ROWS[1:], False),
    ],
)
def test_the_catalog_names_this_instance_alone(doing, answers, recorder, data_directory, rows, fits):
    (data_directory / "pg_wal").mkdir()
    (data_directory / "pg_wal" / "00000002.history").write_text("1\t0/5\tx\n")
    answers(
        recorder(
            ("gp_segment_configuration", rows),
            ("pg_walfile_name", [{"name": "000000020000000000000003"}]),
            ("pg_current_wal_lsn", [{"lsn": "0/C000"}]),
        )
    )
    if fits:
        assert doing.check_catalog(8) == {"timeline": 2, "lsn": "0/C000", "switch_lsn": "0/5"}
    else:
        with pytest.raises(CoordinatorError, match=r"is primary, but as coordinators the catalog names .* run gpcheckcat"):
            doing.check_catalog(8)


@pytest.mark.parametrize(("contents", "fits"), [([1, 0], True), ([0], False), ([0, 1, 1], False), ([], False)])
def test_every_segment_answers(doing, answers, recorder, contents, fits):
    seen = answers(recorder(("gp_segment_configuration", ROWS), ("gp_dist_random", [{"content": content} for content in contents])))
    if fits:
        assert doing.check_segments() == {"segments_answered": [0, 1]}
        assert seen[0][0] is True
    else:
        with pytest.raises(CoordinatorError, match=r"not every segment answers through it: of the segments .0, 1. only") as error:
            doing.check_segments()
        assert error.value.data["segments_answered"] == sorted(contents)


def test_checkpoints_until_the_control_file_has_the_timeline(doing, answers, recorder, program, tmp_path):
    (tmp_path / "control").write_text("")
    control = "cat << 'END'\n" + "\n".join(
        f"{name}: {value}"
        for name, value in {
            "Database system identifier": "1",
            "Database cluster state": "in production",
            "Latest checkpoint's TimeLineID": "$(wc -l < COUNT)",
            "Latest checkpoint location": "0/1",
            "Latest checkpoint's REDO location": "0/1",
            "Minimum recovery ending location": "0/0",
            "Bytes per WAL segment": "67108864",
            "Data page checksum version": "1",
        }.items()
    )
    control = control.replace("'END'", "END").replace("COUNT", str(tmp_path / "control"))
    program("pg_controldata", f"echo >> {tmp_path}/control\n{control}\nEND")
    asked = recorder(("pg_walfile_name", [{"name": "000000020000000000000003"}]))
    seen = answers("the database system is starting up", asked)
    doing.checkpoint()
    assert [statement for statement, dummy in asked.asked].count("CHECKPOINT") == 2
    assert {dispatch for dispatch, dummy in seen} == {False}
    answers(recorder(("pg_walfile_name", [{"name": "000000FF0000000000000003"}])))
    with pytest.raises(CoordinatorError, match="no checkpoint was written on its new timeline: the control file has timeline"):
        doing.checkpoint()


@pytest.mark.parametrize(
    ("slots", "kept", "limit", "statements"),
    [
        ([], -1, None, ["create"]),
        ([], -1, 20 << 30, ["ALTER", "create"]),
        ([], 20 << 10, 20 << 30, ["create"]),
        ([], None, 20 << 30, ["create"]),
        (["standby_coordinator"], -1, None, []),
        (["other"], -1, None, ["create"]),
    ],
)
def test_makes_the_slot_of_the_next_standby(doing, answers, recorder, slots, kept, limit, statements):
    shown = [{"name": name, "active": False, "restart_lsn": None, "retained_bytes": None} for name in slots]
    asked = recorder(("FROM pg_replication_slots", shown), ("FROM pg_settings", [] if kept is None else [{"setting": str(kept)}]))
    seen = answers(asked)
    doing.make_slot("standby_coordinator", limit)
    found = [name for statement, dummy in asked.asked for name in ("ALTER", "create") if name in statement]
    assert (found, seen[0][0]) == (statements, False)


PG_CTL = """
directory=$2
case "$*" in
  *promote) {promote} ;;
  *stop) echo "$*" >> $directory/done; {stop} ;;
esac
"""


@pytest.fixture
def hanging(monkeypatch):
    monkeypatch.setattr(promotion, "_STALL", 0.5)


def test_a_promotion_that_begins_is_left_alone(doing, answers, program, data_directory):
    answers("last replayed record at 0/100")
    program("pg_ctl", PG_CTL.format(promote="rm $directory/standby.signal", stop="exit 1"))
    assert doing.promote() == {"restarted": False}
    assert not (data_directory / "done").exists()


def test_a_promotion_that_hangs_is_made_with_nothing_to_follow(hanging, monkeypatch, host, answers, program, data_directory):
    doing = Promotion(host, str(data_directory), 5432, 5)
    answers("last replayed record at 0/100")
    (data_directory / "postmaster.pid").write_text(f"{os.getpid()}\n{data_directory}\n1\n5432\n/tmp\n*\n1 2\nstandby\n")
    before = (data_directory / "postgresql.auto.conf").read_text()
    promote = "test ! -e $directory/started || rm $directory/standby.signal; true"
    program("pg_ctl", PG_CTL.format(promote=promote, stop="case $* in *immediate*) ;; *) exit 1 ;; esac"))
    started = []

    def start(_host, *how):
        started.append(how)
        (data_directory / "started").touch()

    monkeypatch.setattr(instance, "start", start)
    assert doing.promote() == {"restarted": True}
    assert started == [(str(data_directory), 5432, {"primary_conninfo": "", "restore_command": ""})]
    assert (data_directory / "postgresql.auto.conf").read_text() == before, "it has both again when it is a standby"
    stops = (data_directory / "done").read_text().splitlines()
    assert ["fast" in stop for stop in stops] == [True, False]


def test_a_standby_that_ended_in_its_promotion_is_started_anew(hanging, monkeypatch, host, answers, program, data_directory):
    """As where its disk is full, so that it cannot write its new timeline: it is told why it does not start."""
    answers("the database system is shutting down")
    program("pg_ctl", PG_CTL.format(promote="rm -f $directory/postmaster.pid", stop="exit 1"))

    def start(_host, *_how):
        raise CoordinatorError("it did not start: No space left on device")

    monkeypatch.setattr(instance, "start", start)
    with pytest.raises(CoordinatorError, match="No space left on device"):
        Promotion(host, str(data_directory), 5432, 5).promote()


def test_recovery_that_sleeps_is_woken(monkeypatch, answers, host, program, data_directory):
    answers("last replayed record at 0/100")
    program("pg_ctl", PG_CTL.format(promote="true", stop="exit 1"))
    monkeypatch.setattr(instance, "reload", lambda directory: os.unlink(os.path.join(directory, "standby.signal")))
    assert Promotion(host, str(data_directory), 5432, 10).promote() == {"restarted": False}


def test_one_that_replays_on_is_waited_for(hanging, answers, host, program, data_directory):
    doing = Promotion(host, str(data_directory), 5432, 10)
    answers(*(f"last replayed record at 0/{number:X}" for number in range(1, 100)))
    program("pg_ctl", PG_CTL.format(promote="(sleep 1.5; rm $directory/standby.signal) > /dev/null 2>&1 &", stop="exit 1"))
    assert doing.promote() == {"restarted": False}


def test_one_that_never_leaves_recovery_is_told(hanging, monkeypatch, host, answers, program, data_directory):
    answers("the database system is in recovery mode")
    program("pg_ctl", PG_CTL.format(promote="true", stop="true"))
    monkeypatch.setattr(instance, "start", lambda *arguments: None)
    with pytest.raises(CoordinatorError, match=r"was told to become primary and did not leave recovery within 1 s: .* it may still do so"):
        Promotion(host, str(data_directory), 5432, 1).promote()


def test_observes_all_that_is_kept(host, data_directory, tmp_path):
    (tmp_path / "audit").write_text('{"event": "begun", "n": 1}\n{"event": "activated", "timeline": 1}\n')
    seen = activation.observe(host, str(data_directory), str(tmp_path / "none"), str(tmp_path / "audit"))
    assert (seen.instance.role, seen.end, seen.record, seen.placing) == ("standby", None, None, False)
    assert (seen.begun, seen.activated) == ({"event": "begun", "n": 1}, {"event": "activated", "timeline": 1})
    assert seen.timeline == 1
    assert not is_promoted(str(data_directory))
    bare = activation.observe(host, str(tmp_path / "missing"), None, None)
    assert (bare.instance.directory_state, bare.timeline) == ("absent", 0)


class Doing:
    """An activation whose steps are noted, and of which some fail, the first time."""

    def __init__(self, *failing):
        self.failing = list(failing)
        self.done = []

    def __getattr__(self, name):
        def step(*_arguments):
            self.done.append(name)
            if name in self.failing:
                self.failing.remove(name)
                raise CoordinatorError(f"{name} failed")

        return step


class Notes:
    def __init__(self):
        self.entries = []

    def write(self, event, **more):
        self.entries.append({"event": event, **more})
        return self.entries[-1]


PLACED = {"salvaged": ["000000010000000000000003"]}


def applied(monkeypatch, doing, asked, place=lambda *_arguments: PLACED, runs=True):
    """What an activation with salvaged WAL does and returns, and the loss that its audit tells of at last."""
    back = []
    monkeypatch.setattr(salvage, "place", place)
    monkeypatch.setattr(salvage, "roll_back", lambda *arguments: back.append(arguments))
    monkeypatch.setattr(coordinator_activation, "read_postmaster", lambda _directory: RUNNING if runs else None)
    notes = Notes()
    steps = activation.plan(FOUND, asked, NO_LOSS)
    try:
        returned = coordinator_activation.apply(doing, FOUND, steps, asked, notes, lambda: None)[1]
    finally:
        doing.back = back
    return returned, next(entry["loss"]["known"] for entry in reversed(notes.entries) if "loss" in entry)


BROUGHT = desired(exact={"end": "0/280", "commits": 1, "proved": True, "why": ""}, salvage=SALVAGE, accept_loss=True)


def cannot_be_placed(*_arguments):
    raise CoordinatorError("it is another system's")


@pytest.mark.parametrize(
    ("failing", "place", "runs", "rolled_back", "why"),
    [
        ((), cannot_be_placed, True, 0, "it is another system's"),
        (("start",), None, True, 1, "start failed"),
        (("wait_replayed",), None, True, 0, "wait_replayed failed"),
        (("wait_replayed",), None, False, 1, "wait_replayed failed"),
    ],
)
def test_salvaged_wal_that_cannot_be_replayed_keeps_nobody_from_going_on_who_accepts_a_loss(
    monkeypatch, failing, place, runs, rolled_back, why
):
    place = place or (lambda *_arguments: PLACED)
    doing = Doing(*failing)
    returned, known = applied(monkeypatch, doing, BROUGHT, place, runs)
    assert (returned["salvage_failed"], returned["loss"]["known"], known, len(doing.back)) == (why, "bytes", "bytes", rolled_back)
    assert "promote" in doing.done and doing.done.index("start") < doing.done.index("promote")

    doing = Doing(*failing)
    refused = dataclasses.replace(BROUGHT, accept_loss=False)
    with pytest.raises(CoordinatorError, match=why):
        applied(monkeypatch, doing, refused, place, runs)
    assert "promote" not in doing.done and doing.back == []


@given(st.lists(st.integers(0, 1 << 40), max_size=2).map(sorted), st.integers(0, 1 << 40))
def test_how_far_a_replay_has_come_is_told_from_where_it_was_first_seen(seen, end):
    far = promotion.replay_progress([Lsn(position) for position in seen], Lsn(end))
    assert far == (Progress("replaying WAL", seen[-1] - seen[0], end - seen[0]) if seen and end > seen[0] else None)


def test_a_replay_that_is_given_up_promotes_nothing(monkeypatch):
    given_up = Cancelled("interrupted")

    class Doing:
        def __init__(self):
            self.done = []

        def __getattr__(self, name):
            def do(*_arguments):
                self.done.append(name)
                if name == "wait_replayed":
                    raise given_up

            return do

    monkeypatch.setattr(salvage, "place", lambda *_arguments: {"salvaged": ["x"]})
    asked = desired(salvage=SALVAGE, accept_loss=True)
    doing = Doing()
    with pytest.raises(Cancelled):
        coordinator_activation.apply(doing, FOUND, activation.plan(FOUND, asked, NO_LOSS), asked, Notes(), lambda: None)
    assert doing.done == ["stop", "start", "wait_replayed"]
    assert given_up.data["failed_step"] == "wait_replayed" and given_up.data["salvaged"] == ["x"]
    assert [step["name"] for step in given_up.data["steps"]] == ["note_begin", "stop", "place_wal", "start"]


def test_a_standby_goes_on_as_it_was_where_unpacking_is_given_up(monkeypatch):
    done = []

    class Doing:
        def __getattr__(self, name):
            return lambda *_arguments: done.append(name)

    def give_up(*_arguments):
        raise Cancelled("interrupted")

    monkeypatch.setattr(salvage, "place", give_up)
    asked = desired(salvage=SALVAGE, accept_loss=True)
    with pytest.raises(Cancelled):
        coordinator_activation.apply(Doing(), FOUND, activation.plan(FOUND, asked, NO_LOSS), asked, Notes(), lambda: None)
    assert done == ["stop", "start"]
