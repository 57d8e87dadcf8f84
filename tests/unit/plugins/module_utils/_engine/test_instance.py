# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import time

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import border
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.processes import Process
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import instance as instances
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import (
    Instance,
    PostmasterFile,
    SegmentProcess,
    describe_postmaster,
    file_mode,
    named_directory,
    parse_controldata,
    parse_postmaster_file,
    read_instance,
    recent_errors,
    running_segments,
)

from ..conftest import CONTROLDATA

PIDFILE = "90\n/data/whpg/v7/standby/gpseg-1\n1795386100\n5432\n/tmp\n*\n  5432001    131072\nstandby \n"


def test_reads_controldata():
    control = parse_controldata(CONTROLDATA)
    assert control.system_identifier == "7711121183714698180"
    assert control.state == "in archive recovery"
    assert (control.timeline, control.segment_bytes, control.checksums) == (1, 67108864, True)
    assert (control.checkpoint, control.redo, control.consistent) == ("0/30000060", "0/30000028", "0/34000160")


@pytest.mark.parametrize("text", ["", "nonsense", CONTROLDATA.replace("TimeLineID:       1", "TimeLineID: x", 1)])
def test_refuses_other_controldata(text):
    with pytest.raises(CoordinatorError, match="pg_controldata is not understood"):
        parse_controldata(text)


def test_reads_the_postmaster_file():
    assert parse_postmaster_file(PIDFILE) == PostmasterFile(90, 5432, "/tmp", "standby")


@pytest.mark.parametrize("text", ["", "\n", "x\n"])
def test_a_postmaster_file_that_names_no_process_is_none(text):
    assert parse_postmaster_file(text) is None


def test_a_postmaster_file_that_is_just_being_written():
    assert parse_postmaster_file("90\n/data\n") == PostmasterFile(90, None, None, None)


FILE = PostmasterFile(90, 5432, "/tmp", "standby")
FAMILY = [
    Process(90, 1, "S", ("/usr/local/greenplum-db/bin/postgres", "-D", "/data")),
    Process(91, 90, "S", ("postgres:  5432, startup   recovering 00000001000000000000000D",)),
    Process(92, 90, "S", ("postgres:  5432, walreceiver   streaming 0/340000A8",)),
    Process(95, 1, "T", ("vi",)),
]


def described(family, connected=True):
    return describe_postmaster(FILE, family, lambda pid: connected and pid == 92)


def test_a_standby_that_streams():
    postmaster = described(FAMILY)
    assert (postmaster.pid, postmaster.status, postmaster.frozen) == (90, "standby", False)
    assert (postmaster.connected, postmaster.received) == (True, "0/340000A8")


def test_before_the_first_wal_came_only_the_connection_tells():
    family = [*FAMILY[:2], Process(92, 90, "S", ("postgres:  5432, walreceiver",))]
    assert (described(family).connected, described(family).received) == (True, None)


@pytest.mark.parametrize(
    ("title", "look", "connected"),
    [
        ("walreceiver   streaming 0/340000A8", None, True),
        ("walreceiver", None, None),
        ("walreceiver", False, False),
        ("walreceiver   streaming 0/340000A8", False, False),
    ],
)
def test_a_connection_that_cannot_be_seen_is_not_denied(title, look, connected):
    family = [*FAMILY[:2], Process(92, 90, "S", (f"postgres:  5432, {title}",))]
    assert describe_postmaster(FILE, family, lambda pid: look).connected is connected


def test_without_a_walreceiver_nothing_is_connected():
    assert describe_postmaster(FILE, FAMILY[:2], lambda pid: None).connected is False


POSTGRES = "/usr/local/greenplum-db/bin/postgres"


@pytest.mark.parametrize(
    ("command", "directory"),
    [
        ((POSTGRES, "-D", "/data/c", "-p", "5432"), "/data/c"),
        ((POSTGRES, "-D", "relative"), None),
        ((POSTGRES, "-p", "5432"), None),
        (("vi", "-D", "/data/c"), ""),
        (("",), ""),
    ],
)
def test_a_command_line_names_the_data_directory(command, directory):
    assert named_directory(command) == directory


@pytest.mark.parametrize(
    ("words", "running"),
    [(("-D", "{}"), True), (("-D", "{}/"), True), (("-D", "/elsewhere"), False), ((), None), (None, None)],
)
def test_another_user_s_postmaster_is_known_by_its_command_line(host, data_directory, monkeypatch, words, running):
    def denied(*paths):
        raise PermissionError(13, "Permission denied")

    (data_directory / "postmaster.pid").write_text(PIDFILE)
    family = [] if words is None else [Process(90, 1, "S", (POSTGRES, *(word.format(data_directory) for word in words)))]
    monkeypatch.setattr(instances.os.path, "samefile", denied)
    monkeypatch.setattr(instances, "processes", lambda: family)
    monkeypatch.setattr(instances, "read_process", {process.pid: process for process in family}.get)
    if running is None:
        with pytest.raises(CoordinatorError, match=r"names the process 90, of which .* cannot see what it is"):
            read_instance(host, str(data_directory))
    else:
        assert (read_instance(host, str(data_directory)).postmaster is not None) is running


def test_a_process_that_is_hidden_is_not_taken_for_gone(host, data_directory, monkeypatch):
    def hidden(pid, number):
        raise PermissionError(1, "Operation not permitted")

    (data_directory / "postmaster.pid").write_text(PIDFILE.replace("90\n", f"{2**22 + 1}\n", 1))
    assert read_instance(host, str(data_directory)).postmaster is None
    monkeypatch.setattr(instances.os, "kill", hidden)
    with pytest.raises(CoordinatorError, match="mount /proc without hidepid"):
        read_instance(host, str(data_directory))


def test_files_are_for_the_group_where_the_data_directory_is(data_directory):
    assert file_mode(str(data_directory)) == 0o600
    data_directory.chmod(0o750)
    assert file_mode(str(data_directory)) == 0o640


@pytest.mark.parametrize("index", [0, 1, 2])
def test_frozen_when_a_vital_process_is_stopped(index):
    family = [dataclasses.replace(process, state="T") if at == index else process for at, process in enumerate(FAMILY)]
    assert described(family).frozen


def test_gone_when_its_process_is_gone_or_a_zombie():
    assert described(FAMILY[1:]) is None
    assert described([dataclasses.replace(FAMILY[0], state="Z")]) is None


def test_finds_segments_by_their_command_line():
    bin_directory = "/usr/local/greenplum-db/bin/postgres"
    found = running_segments(
        [
            Process(2, 1, "S", (bin_directory, "-D", "/data/m0", "-p", "7000", "-c", "gp_role=execute")),
            Process(1, 1, "S", (bin_directory, "-D", "/data/p0", "-p", "6000", "-c", "gp_role=execute")),
            Process(3, 1, "S", (bin_directory, "-D", "/data/c", "-p", "5432", "-c", "gp_role=dispatch")),
            Process(4, 1, "S", (bin_directory, "-c", "gp_role=execute")),
            Process(5, 1, "S", ("",)),
            Process(6, 1, "S", (bin_directory, "-D", "/data/p\n", "-p", "6001", "-c", "gp_role=execute")),
            Process(7, 1, "S", (bin_directory, "-D", "here", "-p", "6001", "-c", "gp_role=execute")),
            Process(8, 1, "S", (bin_directory, "-D", "/data/p1", "-p", "66000", "-c", "gp_role=execute")),
        ]
    )
    assert found == [SegmentProcess("/data/p0", 6000), SegmentProcess("/data/m0", 7000)]


def test_reads_a_stopped_standby(host, data_directory):
    instance = read_instance(host, f"{data_directory}/")
    assert (instance.content, instance.role, instance.major, instance.dbid, instance.port) == ("instance", "standby", "12", 8, 5432)
    assert instance.settings == {"primary_slot_name": "standby_coordinator"}
    assert instance.control.timeline == 1
    assert instance.postmaster is None
    assert border.parse(Instance, dataclasses.asdict(instance)) == instance


def test_a_postmaster_file_left_behind_is_no_instance(host, data_directory):
    (data_directory / "postmaster.pid").write_text(PIDFILE.replace("90\n", f"{os.getpid()}\n", 1))
    assert read_instance(host, str(data_directory)).postmaster is None


def test_an_instance_that_runs_and_is_reloaded(host, data_directory):
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # it may be ignored here, by nohup, and would be there
    process = subprocess.Popen(["sleep", "60"], cwd=data_directory)
    signal.signal(signal.SIGHUP, before)
    try:
        (data_directory / "postmaster.pid").write_text(PIDFILE.replace("90\n", f"{process.pid}\n", 1).replace("5432\n", "5433\n", 1))
        instance = read_instance(host, str(data_directory))
        assert instance.postmaster.pid == process.pid
        assert instance.port == 5433
        assert border.parse(Instance, dataclasses.asdict(instance)) == instance
        instances.reload(str(data_directory))
        assert process.wait(timeout=10) == -signal.SIGHUP
    finally:
        process.kill()


def test_no_other_process_is_told_to_reload(data_directory, tmp_path):
    process = subprocess.Popen(["sleep", "60"], cwd=tmp_path)
    try:
        for pid in (process.pid, 2**22):  # one that works elsewhere, and one that no kernel gives
            (data_directory / "postmaster.pid").write_text(PIDFILE.replace("90\n", f"{pid}\n", 1))
            instances.reload(str(data_directory))
        (data_directory / "postmaster.pid").unlink()
        instances.reload(str(data_directory))
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.2)
    finally:
        process.kill()


def test_to_reload_its_own_instance_an_owner_looks_at_no_other_process(data_directory, monkeypatch):
    told = []
    monkeypatch.setattr(instances, "processes", lambda: pytest.fail("a host has thousands"))
    monkeypatch.setattr(os, "kill", lambda *arguments: told.append(arguments))
    (data_directory / "postmaster.pid").write_text(PIDFILE.replace("90\n", f"{os.getpid()}\n", 1))
    monkeypatch.chdir(data_directory)
    instances.reload(str(data_directory))
    assert told == [(os.getpid(), signal.SIGHUP)]


@pytest.mark.parametrize(("make", "content"), [(None, "absent"), ("empty", "empty"), ("file", "other"), ("stuff", "other")])
def test_what_else_a_data_directory_may_be(host, tmp_path, make, content):
    path = tmp_path / "place"
    if make in ("empty", "stuff"):
        path.mkdir()
    if make == "stuff":
        (path / "precious").touch()
    if make == "file":
        path.touch()
    assert read_instance(host, str(path)).content == content


def test_a_damaged_control_file_is_an_observation(host, program, data_directory):
    program("pg_controldata", "echo broken >&2; exit 1")
    instance = read_instance(host, str(data_directory))
    assert (instance.content, instance.control) == ("instance", None)


def test_starts_with_the_environment_of_the_installation(host, program, data_directory):
    program("pg_ctl", 'echo "$SOURCED" "$LC_ALL" "$@" > called')
    os.chdir(data_directory)
    instances.start(host, str(data_directory), 5432)
    called = (data_directory / "called").read_text().split()
    assert called[0] == "yes"
    assert called[1] == "-D"
    assert called[-7:] == ["-w", "-o", "-p", "5432", "-c", "gp_role=dispatch", "start"]
    assert (data_directory / "log").stat().st_mode & 0o777 == 0o700
    instances.start(host, str(data_directory), 5432, {"restore_command": "", "cluster_name": "a b"})
    called = (data_directory / "called").read_text()
    assert called.endswith(" -o -p 5432 -c gp_role=dispatch -c restore_command= -c 'cluster_name=a b' start\n")


def test_a_failed_start_tells_what_the_log_says(host, program, data_directory):
    program("pg_ctl", "echo no >&2; exit 1")
    (data_directory / "log").mkdir()
    (data_directory / "log" / "startup.log").write_text("LOG: x\nFATAL:  data directory has wrong ownership\n")
    with pytest.raises(CoordinatorError, match="did not start: FATAL:  data directory has wrong ownership"):
        instances.start(host, str(data_directory), 5432)


def test_stops(host, program, data_directory):
    program("pg_ctl", f'echo "$@" > {data_directory}/called')
    instances.stop(host, str(data_directory), "immediate")
    assert "-m immediate stop" in (data_directory / "called").read_text()


def test_old_logs_do_not_count(data_directory):
    (data_directory / "log").mkdir()
    log = data_directory / "log" / "gpdb.csv"
    log.write_text("ERROR one\nLOG fine\nFATAL two\n")
    assert recent_errors(str(data_directory), lines=1) == "FATAL two"
    assert recent_errors(str(data_directory)) == "ERROR one | FATAL two"
    assert recent_errors(str(data_directory), newer_than=time.time() + 60) == ""


def test_waiting_ends_when_it_is_so_or_in_time():
    answers = iter([False, True])
    assert instances.wait_until(lambda: next(answers), 5, 0.001)
    assert not instances.wait_until(lambda: False, 0.01, 0.001)
