# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""User tablespaces: their data comes to the standby, into places that were looked at before anything is begun."""

from __future__ import annotations

import signal
import subprocess

import pytest
from conftest import ENABLE, INVENTORY, NOTHING, Host, enable, reset, status, traces, wait_until

ROOT = "/data/whpg/tablespaces"
LOCATION = f"{ROOT}/apart"
ELSEWHERE = f"{ROOT}/elsewhere"
SLOWLY = ["ansible-playbook", ENABLE, "-i", str(INVENTORY), "-e", "standby_max_rate=2M"]


def create_tablespace(primary, standby):
    """A tablespace with data on the coordinator, and no place for it on the standby's host yet."""
    standby.run(f"sudo rm -rf {ROOT}")
    if primary.sql("SELECT count(*) FROM pg_tablespace WHERE spcname = 'apart'") == "0":
        for host in (primary, Host("sdw1")):
            host.run(f"sudo rm -rf {ROOT}; mkdir -p {LOCATION}")  # one of another scenario may be left
        primary.sql(f"CREATE TABLESPACE apart LOCATION '{LOCATION}'", role="dispatch")
        # On the coordinator alone, as its catalog is; several MB, so that a slow copy can be caught in it.
        primary.sql("CREATE TABLE kept_apart TABLESPACE apart AS SELECT repeat(md5(n::text), 30) FROM generate_series(1, 20000) n")
        primary.sql("VACUUM FREEZE kept_apart")
        primary.sql("CHECKPOINT")


@pytest.fixture
def tablespace(primary, standby):
    if traces(primary, standby) != NOTHING:
        reset()
    create_tablespace(primary, standby)


def data_of_table(coordinator, primary) -> str:
    path = primary.sql("SELECT pg_relation_filepath('kept_apart')")
    return coordinator.run(f"cd {coordinator.directory}; md5sum < {path}")


def dbid_of(standby) -> str:
    return standby.run(f"sed -n 's/^gp_dbid *= *//p' {standby.directory}/internal.auto.conf")


def check_in_place(primary, standby, location):
    """The standby has the data under its own number, and nothing else is there."""
    dbid = dbid_of(standby)
    assert standby.run(f"readlink {standby.directory}/pg_tblspc/*") == f"{location}/{dbid}"
    assert standby.run(f"ls -A {location}") == dbid
    assert data_of_table(standby, primary) == data_of_table(primary, primary)
    assert standby.run("ls -A /data/whpg/v7/standby") == "gpseg-1"
    assert status() == ("mirrored", 0)


@pytest.mark.drawn
@pytest.mark.parametrize(
    ("prepare", "mapping", "place", "reason", "remedy"),
    [
        ("true", {}, LOCATION, "does not exist", "create it"),
        (f"mkdir -p {LOCATION}", {LOCATION: ELSEWHERE}, ELSEWHERE, "does not exist", "create it"),
        (f"mkdir -p {ROOT}; touch {LOCATION}", {}, LOCATION, "does not exist", "create it"),
        (f"sudo install -d -o root -m 755 {LOCATION}", {}, LOCATION, "cannot write", "own it"),
        (f"mkdir -p {LOCATION}", {LOCATION: "elsewhere"}, "elsewhere", "give absolute paths", "absolute"),
        (f"mkdir -p {LOCATION}", {"/nowhere": ELSEWHERE}, "/nowhere", "", ""),
    ],
    ids=["missing", "mapped to a missing one", "a file", "not writable", "relative", "no such tablespace"],
)
@pytest.mark.usefixtures("tablespace")
def test_a_place_that_will_not_do_is_refused(primary, standby, prepare, mapping, place, reason, remedy):
    standby.run(prepare)
    done = enable(standby_tablespace_mapping=mapping)
    assert done.returncode == 2
    message = " ".join(done.stdout.split())
    assert "nothing was changed" in message
    assert place in message and reason in message and remedy in message
    assert traces(primary, standby) == NOTHING


@pytest.mark.usefixtures("tablespace")
def test_a_place_that_is_taken_is_refused_and_kept(primary, standby):
    taken = f"{LOCATION}/{primary.sql('SELECT max(dbid) + 1 FROM gp_segment_configuration')}"
    standby.run(f"mkdir -p {taken}; touch {taken}/precious")
    done = enable()
    assert done.returncode == 2
    assert "nothing was changed" in done.stdout and f"{taken}" in done.stdout and "not empty" in done.stdout
    assert traces(primary, standby) == NOTHING
    assert standby.run(f"ls -A {taken}") == "precious"


@pytest.mark.drawn
@pytest.mark.usefixtures("tablespace")
def test_a_copy_that_failed_leaves_nothing_and_one_cut_off_is_finished(primary, standby):
    standby.run(f"mkdir -p {LOCATION}")
    with subprocess.Popen(
        SLOWLY, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as failing:
        wait_until(lambda: standby.run(f"ls -A {LOCATION}") != "", "the copy has begun", 60)
        standby.run("kill $(pgrep -x pg_basebackup)")
        said = failing.communicate(timeout=120)[0]
    assert failing.returncode == 2
    assert "demo" in said and "Rolled back" in said
    assert standby.run(f"ls -A {LOCATION}") == ""
    assert traces(primary, standby) == NOTHING

    with subprocess.Popen(SLOWLY, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True) as cut_off:
        wait_until(lambda: standby.run(f"ls -A {LOCATION}") != "", "the copy has begun", 60)
        cut_off.send_signal(signal.SIGKILL)
    assert enable().returncode == 0
    check_in_place(primary, standby, LOCATION)


@pytest.mark.usefixtures("converged")
def test_tablespaces_are_copied_to_where_they_are_mapped_to(primary, standby):
    check_in_place(primary, standby, ELSEWHERE)
    assert standby.run(f"ls -A {LOCATION}") == ""
