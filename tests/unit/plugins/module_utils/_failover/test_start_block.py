# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import user_name
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.processes import Process, processes
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import Instance
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import start_block
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.start_block import Target

INCLUDE = "FENCED_scdw_is_primary.conf"
OTHER = "FENCED_smdw_is_primary.conf"
PRIMARY = Instance(data_directory="/c", directory_state="instance", owner="gpadmin", role="primary")
BLOCKED = dataclasses.replace(PRIMARY, start_block=INCLUDE)
STANDBY = dataclasses.replace(PRIMARY, role="standby")
POSTMASTER = Process(pid=7, parent=1, state="S", command=("/usr/local/bin/postgres", "-D", "/c"))
WRITER = Process(pid=8, parent=7, state="S", command=("postgres:  5432, walwriter",))
RUNNING = (POSTMASTER, WRITER)


@pytest.mark.parametrize(
    ("target", "include", "steps"),
    [
        (Target(PRIMARY, RUNNING), INCLUDE, ["block_start", "stop"]),
        (Target(PRIMARY), INCLUDE, ["block_start"]),
        (Target(PRIMARY, (WRITER,)), INCLUDE, ["block_start", "stop"]),
        (Target(BLOCKED, RUNNING), INCLUDE, ["stop"]),
        (Target(BLOCKED), INCLUDE, []),
        (Target(BLOCKED), OTHER, ["block_start"]),
        (Target(dataclasses.replace(BLOCKED, role="standby")), INCLUDE, []),
        (Target(BLOCKED, RUNNING), None, ["lift_start_block"]),
        (Target(PRIMARY, RUNNING), None, []),
        (Target(Instance("/c", "absent")), None, []),
    ],
)
def test_blocks_the_start_first_and_stops_then(target, include, steps):
    assert [step.name for step in start_block.plan(target, include, "gpadmin")] == steps


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (Target(Instance("/c", "absent")), "/c holds no instance \\(absent\\): correct data_directory"),
        (Target(Instance("/c", "other", "gpadmin")), "/c holds no instance \\(other\\)"),
        (Target(dataclasses.replace(PRIMARY, owner="whpg")), "the instance in /c belongs to whpg: become whpg"),
        (Target(STANDBY), "is a standby, accepts no writes"),
        (Target(dataclasses.replace(BLOCKED, role="standby"), RUNNING), "is a standby"),
    ],
)
def test_refuses_what_is_no_former_primary_of_this_user(target, message):
    with pytest.raises(CoordinatorError, match=message):
        start_block.plan(target, INCLUDE, "gpadmin")


def test_start_blocks_the_data_directory_and_lifts_that(host, data_directory):
    path = data_directory / "postgresql.conf"
    path.chmod(0o640)
    before = path.read_text()
    start_block.write(host, str(data_directory), INCLUDE)
    assert start_block.observe(host, str(data_directory)).instance.start_block == INCLUDE
    assert path.read_text().startswith(before)
    assert path.stat().st_mode & 0o777 == 0o640
    start_block.write(host, str(data_directory), None)
    assert path.read_text() == before


def test_an_instance_whose_configuration_is_elsewhere_is_not_start_blocked(host, data_directory):
    (data_directory / "postgresql.conf").unlink()
    with pytest.raises(CoordinatorError, match=r"postgresql\.conf does not exist, .*: give another proof that it is down"):
        start_block.write(host, str(data_directory), INCLUDE)


@pytest.mark.parametrize(
    ("found", "obeys"),
    [
        (RUNNING, True),
        ((WRITER,), False),
        ((dataclasses.replace(POSTMASTER, state="T"), WRITER), False),
        ((POSTMASTER, dataclasses.replace(WRITER, state="t")), False),
        ((), False),
    ],
)
def test_only_a_postmaster_with_nothing_suspended_obeys(found, obeys):
    assert start_block.obeys(found) is obeys


ENDS = "signal.signal(signal.SIGINT, lambda *_: sys.exit())"
DEAF = "signal.signal(signal.SIGINT, signal.SIG_IGN)"
DEAFER = f"{DEAF}; signal.signal(signal.SIGQUIT, signal.SIG_IGN)"


@pytest.fixture
def engine(data_directory):
    """Starts processes that look like the engine's, in the data directory; they do with signals what is given."""
    started = []

    def start(way, *arguments, title="postgres", cwd=data_directory):
        quits = "signal.signal(signal.SIGQUIT, signal.SIG_DFL)"  # it may be ignored here, in the background, and would be there
        code = f"import pathlib, signal, sys, time; {quits}; {way}; pathlib.Path('ready').touch(); time.sleep(60)"
        process = subprocess.Popen([title, "-c", code, *arguments], executable=sys.executable, cwd=cwd)
        started.append(process)
        while not (cwd / "ready").exists():
            time.sleep(0.01)
        (cwd / "ready").unlink()
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("way", "ended_by"),
    [(ENDS, 0), (DEAF, -signal.SIGQUIT), (DEAFER, -signal.SIGKILL)],
)
def test_stops_harder_and_harder(engine, data_directory, way, ended_by):
    process = engine(way, "-D", str(data_directory))
    start_block.stop(str(data_directory), 1)
    assert process.wait(5) == ended_by


def test_kills_what_is_suspended_at_once(engine, data_directory):
    process = engine(ENDS, "-D", str(data_directory))
    process.send_signal(signal.SIGSTOP)
    os.waitpid(process.pid, os.WUNTRACED)
    began = time.monotonic()
    start_block.stop(str(data_directory), 30)
    assert process.wait(5) == -signal.SIGKILL
    assert time.monotonic() - began < 5


def test_kills_what_a_killed_postmaster_left(engine, data_directory):
    process = engine(DEAF, title="postgres: gpadmin")
    start_block.stop(str(data_directory), 30)
    assert process.wait(5) == -signal.SIGKILL


def test_others_in_the_data_directory_or_elsewhere_are_left_alone(engine, data_directory, tmp_path):
    engine(ENDS, title="vi")
    engine(ENDS, "-D", str(data_directory), cwd=tmp_path)
    assert start_block.family(str(data_directory), processes()) == []
    leader = engine(ENDS, "-D", str(data_directory))
    orphan = engine(ENDS, title="postgres: gpadmin")
    assert [process.pid for process in start_block.family(str(data_directory), reversed(processes()))] == [leader.pid, orphan.pid]


def test_says_what_cannot_even_be_killed(data_directory, monkeypatch):
    monkeypatch.setattr(start_block, "_KILL_LIMIT", 0.1)
    monkeypatch.setattr(start_block, "family", lambda *_: [Process(pid=4194400, parent=1, state="D", command=("postgres: gpadmin",))])
    with pytest.raises(CoordinatorError, match="start-blocked, but its processes 4194400 do not end, not even killed: power its host off"):
        start_block.stop(str(data_directory), 0.1)


def test_user_names_are_compared_as_the_instance_tells_them(host, data_directory):
    (data_directory / "standby.signal").unlink()
    target = start_block.observe(host, str(data_directory))
    assert [step.name for step in start_block.plan(target, INCLUDE, user_name(os.getuid()))] == ["block_start"]
