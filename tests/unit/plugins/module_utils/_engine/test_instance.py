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
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import postmaster
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import (
    Instance,
    SegmentProcess,
    file_mode,
    read_instance,
    recent_errors,
    running_segments,
)

from ..conftest import PIDFILE


def test_files_are_for_the_group_where_the_data_directory_is(data_directory):
    assert file_mode(str(data_directory)) == 0o600
    data_directory.chmod(0o750)
    assert file_mode(str(data_directory)) == 0o640


def test_finds_segments_by_their_command_line():
    bin_directory = "/usr/local/greenplum-db/bin/postgres"
    found = running_segments(
        [
            Process(pid=2, parent=1, state="S", command=(bin_directory, "-D", "/data/m0", "-p", "7000", "-c", "gp_role=execute")),
            Process(pid=1, parent=1, state="S", command=(bin_directory, "-D", "/data/p0", "-p", "6000", "-c", "gp_role=execute")),
            Process(pid=3, parent=1, state="S", command=(bin_directory, "-D", "/data/c", "-p", "5432", "-c", "gp_role=dispatch")),
            Process(pid=4, parent=1, state="S", command=(bin_directory, "-c", "gp_role=execute")),
            Process(pid=5, parent=1, state="S", command=("",)),
            Process(pid=6, parent=1, state="S", command=(bin_directory, "-D", "/data/p\n", "-p", "6001", "-c", "gp_role=execute")),
            Process(pid=7, parent=1, state="S", command=(bin_directory, "-D", "here", "-p", "6001", "-c", "gp_role=execute")),
            Process(pid=8, parent=1, state="S", command=(bin_directory, "-D", "/data/p1", "-p", "66000", "-c", "gp_role=execute")),
        ]
    )
    assert found == [SegmentProcess("/data/p0", 6000), SegmentProcess("/data/m0", 7000)]


def test_reads_a_stopped_standby(host, data_directory):
    instance = read_instance(host, f"{data_directory}/")
    assert (instance.directory_state, instance.role, instance.major, instance.dbid, instance.port) == ("instance", "standby", "12", 8, 5432)
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
    monkeypatch.setattr(postmaster, "processes", lambda: pytest.fail("a host has thousands"))
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
    assert read_instance(host, str(path)).directory_state == content


def test_a_damaged_control_file_is_an_observation(host, program, data_directory):
    program("pg_controldata", "echo broken >&2; exit 1")
    instance = read_instance(host, str(data_directory))
    assert (instance.directory_state, instance.control) == ("instance", None)


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
    log.write_text("ERROR one\nLOG fine\nFATAL two\n" + "FATAL:  the database system is in recovery mode\n" * 3)
    assert recent_errors(str(data_directory), lines=1) == "FATAL two"
    assert recent_errors(str(data_directory)) == "ERROR one | FATAL two"
    assert recent_errors(str(data_directory), newer_than=time.time() + 60) == ""


def test_waiting_ends_when_it_is_so_or_in_time():
    answers = iter([False, True])
    assert instances.wait_until(lambda: next(answers), 5, 0.001)
    assert not instances.wait_until(lambda: False, 0.01, 0.001)
