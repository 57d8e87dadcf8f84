# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import socket
import time

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.processes import Process, connected_ports
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import stream
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.stream import PRIMARY, STANDBY, UNKNOWN, Disconnect
from hypothesis import given
from hypothesis import strategies as st

NOON = 1795435200.0  # 2026-11-23 12:00:00 UTC
ENGINE = (
    '2026-11-23 12:00:{second}.500000 UTC,,,p{pid},th-4711,,,,0,,,seg-1,,,,,"{level}","08006","{message}",,,,,,,0,,"walreceiver.c",374,'
)
SIMULATED = (
    '2026-11-23 12:00:{second}.500 UTC,,,{pid},,6b03edb8.383,1,,2026-11-23 12:00:00 UTC,,0,{level},08006,"{message}",,,,,,,,,"","x",,0'
)
PLAIN = "2026-11-23 12:00:{second}.500 UTC [{pid}] {level}:  {message}"
FORMS = pytest.mark.parametrize("form", [ENGINE, SIMULATED, PLAIN])
BEGIN = "started streaming WAL from primary at 0/14000000 on timeline 1"
TIMEOUT = "could not receive data from WAL stream: could not receive data from server: Connection timed out"


def line(form, second, pid, message, level="FATAL"):
    return form.format(second=f"{second:02d}", pid=pid, level=level, message=message)


@FORMS
@pytest.mark.parametrize(
    ("message", "by"),
    [
        (TIMEOUT, STANDBY),
        ("could not send data to WAL stream: could not send data to server: Connection timed out", STANDBY),
        ("could not receive data from WAL stream: could not receive data from server: No route to host", STANDBY),
        ("could not receive data from WAL stream: server closed the connection unexpectedly", PRIMARY),
        ("could not receive data from WAL stream: could not receive data from server: Connection reset by peer", PRIMARY),
        ("replication terminated by primary server", PRIMARY),
        ("terminating walreceiver due to timeout", UNKNOWN),
        ("terminating walreceiver process due to administrator command", UNKNOWN),
        ("could not receive data from WAL stream: ERROR: requested WAL segment 0000 has already been removed", UNKNOWN),
    ],
)
def test_tells_who_ended_a_stream(form, message, by):
    lines = [line(form, 5, 42, BEGIN, "LOG"), line(form, 30, 42, message)]
    assert stream.find_disconnect(lines) == Disconnect(time=NOON + 30.5, by=by, error=message, started=NOON + 5.5)


@FORMS
def test_attempts_to_connect_end_nothing(form):
    lines = [line(form, 5, 42, BEGIN, "LOG"), line(form, 30, 42, TIMEOUT), line(form, 35, 43, "could not connect to the primary server: x")]
    assert stream.find_disconnect(lines).time == NOON + 30.5


@FORMS
def test_the_last_stream_counts(form):
    lines = [line(form, 5, 42, BEGIN, "LOG"), line(form, 6, 42, TIMEOUT), line(form, 7, 43, BEGIN, "LOG"), line(form, 8, 43, TIMEOUT)]
    assert stream.find_disconnect(lines) == Disconnect(time=NOON + 8.5, by=STANDBY, error=TIMEOUT, started=NOON + 7.5)


@FORMS
def test_a_beginning_that_is_not_in_the_log_is_not_known(form):
    assert stream.find_disconnect([line(form, 30, 42, TIMEOUT)]).started is None
    assert stream.find_disconnect([line(form, 5, 41, BEGIN, "LOG"), line(form, 30, 42, TIMEOUT)]).started is None


def test_a_log_without_an_end():
    assert (
        stream.find_disconnect(["", "no stamp", line(PLAIN, 5, 42, BEGIN, "LOG"), "2026-11-23 12:00:00.5 XYZ [1] FATAL:  " + TIMEOUT])
        is None
    )


def test_reads_the_logs_oldest_first(tmp_path):
    log = tmp_path / "log"
    log.mkdir()
    (log / "b.csv").write_text(line(ENGINE, 5, 42, BEGIN, "LOG") + "\n")
    (log / "a.csv").write_text("other\n" + line(ENGINE, 30, 42, TIMEOUT) + "\n")
    os.utime(log / "b.csv", (1000, 1000))
    assert stream.last_disconnect(str(tmp_path)) == Disconnect(time=NOON + 30.5, by=STANDBY, error=TIMEOUT, started=NOON + 5.5)
    assert stream.last_disconnect(str(tmp_path / "missing")) is None


@pytest.fixture
def in_shanghai(monkeypatch):
    """The zone of this host, which calls its time as Chicago does."""
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("zone", "stamp", "seconds"),
    [
        ("Europe/Berlin", "2026-11-23 13:00:00.250 CET", NOON + 0.25),
        ("America/Chicago", "2026-11-23 06:00:00.250 CST", NOON + 0.25),
        ("Asia/Shanghai", "2026-11-23 20:00:00.250 CST", NOON + 0.25),
        ("America/Sao_Paulo", "2026-11-23 09:00:00.250 -03", NOON + 0.25),
        ("GMT", "2026-11-23 17:30:00.250 +0530", NOON + 0.25),
        ("GMT", "2026-11-23 12:00:00.250 GMT", NOON + 0.25),
        ("America/Chicago", "2026-11-23 12:00:00.250 UTC", NOON + 0.25),
        ("Europe/Berlin", "2026-11-23 13:00:00.250 CST", None),
        ("GMT", "2026-11-23 20:00:00.250 CST", None),
        ("No/Where", "2026-11-23 20:00:00.250 CST", None),
        ("../../etc/passwd", "2026-11-23 20:00:00.250 CST", None),
        ("", "2026-11-23 20:00:00.250 CST", None),
        ("GMT", "2026-13-99 99:99:99.250 UTC", None),
    ],
)
@pytest.mark.usefixtures("in_shanghai")
def test_a_zone_has_the_name_that_the_engine_gives_it(zone, stamp, seconds):
    names = time.tzname
    with stream.local_time(zone):
        assert stream.parse_stamp(f"{stamp} [7] LOG:  x") == (seconds if seconds is None else (seconds, "7"))
    assert (time.tzname, os.environ["TZ"]) == (names, "Asia/Shanghai")


@pytest.mark.usefixtures("in_shanghai")
def test_a_log_is_read_in_the_zone_of_the_engine(data_directory):
    (data_directory / "postgresql.conf").write_text("log_timezone = 'America/Chicago'\n")
    (data_directory / "log").mkdir()
    lines = (f"2026-11-23 06:00:{second:02d} CST [42] {rest}\n" for second, rest in ((5, f"LOG:  {BEGIN}"), (30, f"FATAL:  {TIMEOUT}")))
    (data_directory / "log" / "x.log").write_text("".join(lines))
    assert stream.read_stream(str(data_directory), None, {}).disconnect == Disconnect(
        time=NOON + 30, by=STANDBY, error=TIMEOUT, started=NOON + 5
    )
    assert stream.read_stream(str(data_directory), None, {"log_timezone": "Europe/Berlin"}).disconnect is None


@FORMS
def test_a_stream_whose_end_is_not_told_is_not_the_one_before(form):
    """What ended by a time-out is not what was lost when a later one ended otherwise."""
    told = [line(form, 5, 42, BEGIN, "LOG"), line(form, 6, 42, TIMEOUT)]
    later = line(form, 7, 43, BEGIN, "LOG"), line(form, 8, 43, "replication terminated by primary server")
    foreign = [one.replace("UTC", "XYZ", 1) for one in later]
    assert stream.find_disconnect(told).time == NOON + 6.5
    for more in ([later[0]], [foreign[0]], [foreign[1]], [*foreign]):
        assert stream.find_disconnect([*told, *more]) is None


STAMPED = st.from_regex(r"\A\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? [A-Za-z0-9+:-]+,.*WAL stream: \w+")


@given(st.lists(st.one_of(st.text(), STAMPED)))
def test_no_line_of_a_log_stops_a_look_at_it(lines):
    found = stream.find_disconnect(lines)
    assert found is None or found.by in (STANDBY, PRIMARY, UNKNOWN)


@pytest.mark.parametrize(
    ("answers", "ports", "quiet", "answered", "silent"),
    [
        ([5.0, 6.0, 0.5], {41522}, None, True, 0.5),
        ([5.0, 6.0, 7.0, 8.0, 9.0], {41522}, 0.1, False, 8.0),
        ([None], {41522}, None, False, None),
        ([], set(), None, False, None),
        ([20.0], {41522}, 19.0, False, 20.0),
        ([20.0, 0.5], {41522}, 1.0, True, 0.5),
        ([20.0, 0.5], {41522}, None, True, 0.5),
    ],
)
def test_sees_whether_the_other_end_answers(monkeypatch, data_directory, answers, ports, quiet, answered, silent):
    """An answer from before counts for nothing. Where it cannot be seen, or nobody else has heard either, it is not waited for."""
    looks, clock = iter(answers), iter(range(1000))
    monkeypatch.setattr(stream, "read_connection", lambda _postmaster: (1.0 if ports else None, frozenset(ports)))
    monkeypatch.setattr(stream, "last_answer", lambda _host, _ports: next(looks))
    monkeypatch.setattr(stream.time, "monotonic", lambda: 1.0 * next(clock))
    monkeypatch.setattr(stream.time, "sleep", lambda _seconds: None)
    found = stream.see_answer(None, str(data_directory), 42, {}, quiet)
    assert (found.answered, found.silent_s) == (answered, silent)


def test_setting_the_clock_moves_the_start_of_the_host(monkeypatch):
    before, now = stream.booted_at(), time.time()
    assert before < now
    monkeypatch.setattr(stream.time, "time", lambda: now + 100)
    assert abs(stream.booted_at() - before - 100) < 5


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, 60.0),
        ("", 60.0),
        ("30000", 30.0),
        ("30s", 30.0),
        ("5min", 300.0),
        ("0", float("inf")),
        ("1h", 3600.0),
        ("5 weeks", 60.0),
        ("1.2.3", 60.0),
        (".", 60.0),
    ],
)
def test_reads_seconds_of_a_setting(text, seconds):
    assert stream.parse_seconds(text, 60.0, 1e-3) == seconds


COLLECTION_S = {"keepalives_idle": "3", "keepalives_interval": "1", "keepalives_count": "3", "tcp_user_timeout": "6000"}


@pytest.mark.parametrize(
    ("conninfo", "settings", "seconds"),
    [
        ({}, {}, 60.0),
        ({}, {"wal_receiver_timeout": "10s"}, 10.0),
        ({}, {"wal_receiver_timeout": "0"}, float("inf")),
        (COLLECTION_S, {}, 12.0),
        (COLLECTION_S, {"wal_receiver_timeout": "5000"}, 5.0),
        ({**COLLECTION_S, "keepalives": "0"}, {}, 60.0),
        ({**COLLECTION_S, "keepalives_count": "0"}, {}, 60.0),
        ({**COLLECTION_S, "keepalives_idle": "x"}, {}, 60.0),
        ({**COLLECTION_S, "keepalives_idle": "nan"}, {}, 60.0),
        # what libpq makes of it: one below zero is zero, and so is any zero
        ({**COLLECTION_S, "tcp_user_timeout": "-60000"}, {}, 60.0),
        ({**COLLECTION_S, "keepalives": "00"}, {}, 60.0),
    ],
)
def test_how_long_a_standby_bears_silence(conninfo, settings, seconds):
    assert stream.silence_limit(conninfo, settings) == seconds


@pytest.mark.parametrize(
    ("settings", "kernel", "seconds"),
    [
        ({}, {}, 924.6),
        ({"tcp_user_timeout": 30.0}, {}, 30.0),
        ({"tcp_keepalives_idle": 10.0, "tcp_keepalives_interval": 5.0, "tcp_keepalives_count": 2.0}, {}, 20.0),
        ({}, {"tcp_retries2": 5.0}, 12.6),
        ({}, {"tcp_keepalive_time": 60.0, "tcp_keepalive_intvl": 10.0, "tcp_keepalive_probes": 3.0}, 90.0),
        ({"tcp_keepalives_idle": 0.0}, {"tcp_keepalive_time": 60.0, "tcp_keepalive_intvl": 10.0, "tcp_keepalive_probes": 3.0}, 90.0),
    ],
)
def test_how_long_the_kernel_bears_silence(settings, kernel, seconds):
    assert stream.network_limit(settings, kernel) == seconds


@pytest.mark.parametrize(
    ("limits", "options", "seconds"),
    [
        (stream.CommitLimits(300.0, 924.6), None, 300.0),
        (stream.CommitLimits(300.0, 30.0), None, 30.0),
        (stream.CommitLimits(None, 924.6), None, 924.6),
        (stream.CommitLimits(300.0, 924.6), "-c wal_sender_timeout=10s", 10.0),
        (stream.CommitLimits(10.0, 924.6), "-c wal_sender_timeout=60000", 60.0),
        (stream.CommitLimits(10.0, 924.6), "-c wal_sender_timeout=0", 924.6),
    ],
)
def test_how_long_commits_wait(limits, options, seconds):
    assert stream.commit_limit(limits, {"options": options} if options else {}) == seconds


@pytest.mark.parametrize(
    ("source", "filed", "walsender"),
    [
        ("default", [], 300.0),
        ("configuration file", [], 300.0),
        ("user", [], 60.0),
        ("database", [{"name": "wal_sender_timeout", "setting": "10s"}], 10.0),
        ("user", [{"name": "wal_sender_timeout", "setting": "10s"}, {"name": "wal_sender_timeout", "setting": "20000"}], 20.0),
    ],
)
def test_asks_the_primary_for_what_was_set_not_for_what_this_session_or_its_role_has(recorder, source, filed, walsender):
    row = {"name": "wal_sender_timeout", "reset_val": "300000", "boot_val": "60000", "unit": "ms", "source": source}
    other = {"name": "tcp_user_timeout", "reset_val": "5000", "boot_val": "0", "unit": "ms", "source": "configuration file"}
    connection = recorder(("pg_file_settings", filed), ("pg_settings", [row, other]))
    assert stream.read_commit_limits(connection) == stream.CommitLimits(walsender, 5.0)


@given(
    st.lists(st.tuples(st.integers(1, 3), st.sampled_from("SZ"), st.sampled_from(["walreceiver streaming 0/1", "startup", "wal receiver"])))
)
def test_finds_the_walreceiver_of_an_instance(shown):
    running = [
        Process(pid=10 + number, parent=parent, state=state, command=("postgres:", title))
        for number, (parent, state, title) in enumerate(shown)
    ]
    found = stream.walreceiver(1, running)
    fitting = [process for process in running if process.parent == 1 and process.state == "S" and "receiver" in process.command[1]]
    assert found == (fitting[0] if fitting else None)


def test_when_a_process_began():
    began = stream.started_at(os.getpid())
    assert 0 <= time.time() - began < 3600
    assert abs(stream.started_at(os.getpid()) - began) < 0.1
    assert stream.started_at(2**22 + 1) is None


def test_ports_of_a_process():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getsockname()[1] in connected_ports(os.getpid())
    assert connected_ports(2**22 + 1) == frozenset()


def test_a_standby_that_is_stopped(data_directory):
    (data_directory / "postgresql.conf").write_text("wal_receiver_status_interval = 5\nwal_receiver_timeout = 20s\n")
    found = stream.read_stream(str(data_directory), None, {"primary_conninfo": "host=cdw"})
    assert found == stream.Stream(started=None, ports=frozenset(), disconnect=None, silence_s=20.0, status_s=5.0, booted=found.booted)
