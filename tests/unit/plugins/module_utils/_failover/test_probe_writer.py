# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import json
import os

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import probe_writer
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.probe_writer import Log, ProbeWriter, Write, Writer, parse
from hypothesis import given
from hypothesis import strategies as st

#: the file of the process, as a postmaster writes it
PID_FILE = "4711\n/c\n1\n5432\n/tmp\n*\n\nready   \n"


@pytest.mark.parametrize(
    ("found", "starts", "stops"),
    [
        (Writer(running=False, left=False), ["start_writer"], []),
        (Writer(running=True, left=True), ["end_writer", "start_writer"], ["end_writer"]),
        (Writer(running=False, left=True), ["end_writer", "start_writer"], ["end_writer"]),
    ],
)
def test_what_a_run_left_is_ended_first(found, starts, stops):
    assert [step.name for step in probe_writer.plan_start(found)] == starts
    assert [step.name for step in probe_writer.plan_stop(found)] == stops


def test_none_is_started_that_would_end_with_the_session():
    with pytest.raises(CoordinatorError, match="add ansible to KillExcludeUsers"):
        probe_writer.plan_start(Writer(False, False, "add ansible to KillExcludeUsers"))


_TIMES = st.floats(0, 4e9).map(lambda seconds: round(seconds, 4))
_LINES = st.one_of(
    st.tuples(_TIMES, _TIMES, st.integers(1, 99), st.just("0/200"), st.none() | st.floats(-9, 9)),
    st.tuples(_TIMES, st.none(), st.none(), st.none(), st.none()),
)


@given(st.lists(_LINES, max_size=20), st.integers(0, 10))
def test_a_log_is_read_as_far_as_it_is_whole(lines, cut):
    text = "4711\n" + "".join(json.dumps(line) + "\n" for line in lines)
    ages = [age for *_write, age in lines if age is not None]
    assert parse(text) == Log(tuple(Write(*line[:4]) for line in lines), round(min(ages), 6) if ages else None)
    whole = parse(text[: len(text) - cut]).writes
    assert whole == parse(text).writes[: len(whole)]


class Session:
    """A session that acknowledges two writes and is ended then."""

    def __init__(self):
        self.asked = []

    def query(self, _statement, number, _name, timeout):
        self.asked.append(number)
        if len(self.asked) > 2:
            raise CoordinatorError("terminating connection due to administrator command")
        return [{"lsn": f"0/{len(self.asked)}00", "timeline": "0000000A", "age": 0.001 * len(self.asked)}]


@pytest.fixture
def primary(tmp_path, monkeypatch):
    """Where a primary runs, and the session that it gives, once."""
    (tmp_path / "postmaster.pid").write_text(PID_FILE)
    session, dispatched = Session(), []

    @contextlib.contextmanager
    def connect(instance, _timeout, dispatch):
        dispatched.append(dispatch)
        assert (instance.role, instance.port, instance.postmaster.socket_directory) == ("primary", 5432, "/tmp")
        yield session

    monkeypatch.setattr(probe_writer.connection, "connect_primary", connect)
    session.dispatched = dispatched
    return tmp_path, session


def written(directory, file):
    """What a writer logs that is to end when its session has."""
    doing = ProbeWriter(str(directory), str(file), 0.0, 60)

    def once():
        doing._until = 0

    os.makedirs(file.parent, exist_ok=True)
    write = doing._write

    def write_once():
        try:
            write()
        finally:
            once()

    doing._write = write_once
    doing._work(lambda: None)
    return file.read_text()


def test_what_is_acknowledged_is_logged_and_what_is_not_heard_of_too(primary):
    directory, session = primary
    found = parse(written(directory, directory / "logs/writes"))
    assert session.asked == ["probe write 1", "probe write 2", "probe write 3"]
    assert session.dispatched == [True], "as a client asks"
    assert [(write.timeline, write.lsn) for write in found.writes] == [(10, "0/100"), (10, "0/200"), (None, None)]
    assert [write.acknowledged is not None for write in found.writes] == [True, True, False]
    assert found.ahead == 0.001


def test_a_standby_is_not_asked_nor_one_that_is_stopped(primary):
    directory, session = primary
    (directory / "standby.signal").write_text("")
    assert parse(written(directory, directory / "one")) == Log()
    (directory / "standby.signal").unlink()
    (directory / "postmaster.pid").unlink()
    assert parse(written(directory, directory / "other")) == Log()
    assert session.asked == session.dispatched == []


def test_it_ends_with_its_log_and_is_ended(tmp_path):
    file = tmp_path / "home/writes"
    doing = ProbeWriter(str(tmp_path), str(file), 0.01, 60)
    doing.start()
    assert probe_writer.observe(str(file)) == Writer(running=True, left=True)
    assert doing.end() == {"writes": (), "ahead": None}
    assert probe_writer.observe(str(file)) == Writer(running=False, left=False)
    doing.start()
    os.rename(file, tmp_path / "kept")
    os.link(tmp_path / "kept", tmp_path / "held")
    os.unlink(tmp_path / "kept")
    assert probe_writer.observe(str(tmp_path / "held")).running, "its log has a name"
    assert ProbeWriter(str(tmp_path), str(tmp_path / "held"), 1, 60).end() == {"writes": (), "ahead": None}


def test_one_ends_by_itself_after_its_time(tmp_path):
    file = tmp_path / "writes"
    ProbeWriter(str(tmp_path), str(file), 0.0, -1)._work(lambda: None)
    assert probe_writer.observe(str(file)) == Writer(running=False, left=True)
