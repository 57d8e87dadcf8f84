# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A standby that is stopped, suspended or disconnected for long: it is told apart, what waits and is retained for it, and how each ends.

One that can no longer catch up, and a copy that was cut off, are brought in step by the blocks that differ.
"""

from __future__ import annotations

import re
import signal
import subprocess
import time
from contextlib import contextmanager

import pytest
from conftest import ENABLE, INVENTORY, changes, enable, left_of_runs, playbook, status, suspended, wait_in_sync, wait_until

RELEASE = "warehousepg.coordinator.release"
PARENT = "/data/whpg/v7/standby"
STAGED = f"{PARENT}/.gpseg-1.coordinator_snapshot"
#: what is said of a copy for which the blocks that differ were read: how much of how much
READ = re.compile(r"(\d+) of (\d+) MiB were copied")
SLOTS = "SELECT count(*) FROM pg_replication_slots"
# Moves to the next WAL segment, which an empty one does not.
SEGMENT = "SELECT pg_logical_emit_message(true, 'x', 'y'); SELECT pg_switch_wal();"


def create_table(primary):
    """Its rows are on several segments."""
    primary.sql("CREATE TABLE written (id int)", role="dispatch")


@pytest.fixture
def table(mirrored, primary):
    create_table(primary)


def begin_commit(primary):
    """A client whose commit spans segments, and waits for the standby."""
    primary.run(
        "rm -f /tmp/committed; (psql -X -h /tmp -c 'INSERT INTO written SELECT generate_series(1, 100)' && touch /tmp/committed) "
        "> /dev/null 2>&1 < /dev/null &"
    )
    time.sleep(2)
    assert not primary.host.file("/tmp/committed").exists, "the standby is suspended, and its primary waits for it"


def wait_for_commit(primary, why):
    wait_until(lambda: primary.host.file("/tmp/committed").exists, f"{why}, and the commit returned")


def warnings(done) -> str:
    return "\n".join(line for line in done.stdout.splitlines() if "warning" in line.lower())


def identity(coordinator) -> str:
    """Another one after a copy."""
    return coordinator.run(f"stat -c %i {coordinator.directory}/PG_VERSION")


def test_commits_wait_for_a_suspended_standby_until_they_are_released(primary, standby, converged):
    shown = " ".join(line for line in converged.splitlines() if "warning" in line.lower())
    assert "COMMITS WAIT for the standby on scdw, which is suspended" in shown
    assert "release_commits" in shown
    assert "[WARNING]" in converged
    wait_for_commit(primary, "the walsender was terminated")
    standby.signal("CONT")
    wait_in_sync(primary)
    assert status() == ("mirrored", 0)
    refused = playbook(RELEASE)
    assert refused.returncode == 2
    assert "release_commits" in refused.stdout and "release_wal" in refused.stdout


@pytest.mark.usefixtures("table")
def test_a_stopped_one_is_told_from_others_and_started_as_it_is(primary, standby):
    before = identity(standby)
    standby.signal("KILL")
    shown = playbook("warehousepg.coordinator.status")
    assert shown.returncode == 2
    assert "scdw: the standby is stopped" in shown.stdout and "can no longer catch up" not in shown.stdout
    mark = "warehousepg.coordinator.maintenance"
    assert playbook(mark, maintenance=True).returncode == 0
    refused = enable()
    assert (refused.returncode, changes(refused)) == (2, 0)
    assert "maintenance" in refused.stdout
    assert primary.sql("SELECT count(*) FROM pg_stat_replication") == "0"
    assert playbook(mark, maintenance=False).returncode == 0
    assert enable().returncode == 0
    assert (status(), identity(standby)) == (("mirrored", 0), before)


@pytest.mark.drawn
@pytest.mark.usefixtures("table")
def test_commits_wait_for_a_suspended_standby_as_long_as_is_desired(primary, standby):
    assert enable(standby_commit_timeout=8).returncode == 0
    with suspended(standby):
        begin_commit(primary)
        wait_for_commit(primary, "the walsender gave up")
    wait_in_sync(primary)
    assert status() == ("mirrored", 0)


@pytest.mark.usefixtures("table")
def test_a_standby_that_was_disconnected_for_long_catches_up(primary, standby):
    standby.stop()
    needed = primary.sql("SELECT pg_walfile_name(pg_current_wal_lsn())")
    primary.sql(SEGMENT * 7 + "CHECKPOINT; CHECKPOINT")  # more than is kept without a slot
    assert needed in primary.run(f"ls {primary.directory}/pg_wal").split()
    assert enable().returncode == 0
    assert status() == ("mirrored", 0)


@pytest.mark.drawn
@pytest.mark.usefixtures("table")
def test_wal_is_retained_for_a_standby_that_is_disconnected_until_it_is_released(primary, standby):
    refused = playbook(RELEASE, release_wal=True)
    assert refused.returncode == 2, "the standby streams"
    assert primary.sql(SLOTS) == "1"
    standby.stop()
    primary.sql(SEGMENT * 2)
    done = playbook(RELEASE, release_wal=True)
    assert done.returncode == 0
    assert "WARNING" in done.stdout + done.stderr
    assert primary.sql(SLOTS) == "0"
    assert enable().returncode == 0
    assert primary.sql(SLOTS) == "1"
    assert status() == ("mirrored", 0)


@pytest.mark.drawn
@pytest.mark.usefixtures("table")
def test_a_slot_that_holds_back_much_is_told_and_a_standby_that_cannot_catch_up_too(primary, standby):
    limited = {"standby_retention_limit": "64MB"}
    assert enable(**limited).returncode == 0
    standby.stop()
    needed = primary.sql("SELECT pg_walfile_name(pg_current_wal_lsn())")
    primary.sql(SEGMENT * 3)
    shown = playbook("warehousepg.coordinator.status", **limited)
    assert shown.returncode == 2
    assert "retains" in warnings(shown)
    primary.sql("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")
    wal = f"ls {primary.directory}/pg_wal"
    for _number in range(10):
        primary.sql(SEGMENT * 2 + "CHECKPOINT")
        if needed not in primary.run(wal).split():
            break
    assert needed not in primary.run(wal).split()
    shown = playbook("warehousepg.coordinator.status")
    assert shown.returncode == 2
    assert "can no longer catch up" in shown.stdout and needed in shown.stdout
    assert "run enable_mirroring to make scdw anew" in shown.stdout
    # a standby asks for WAL only once it has its slot
    primary.sql("SELECT pg_create_physical_replication_slot('standby_coordinator')")
    standby.start()
    wait_until(lambda: "has already been removed" in standby.run(f"cat {standby.directory}/log/*"), "the standby asked for its WAL")
    shown = playbook("warehousepg.coordinator.status")
    assert "can no longer catch up" in shown.stdout and needed in shown.stdout
    before = identity(standby)
    done = enable()
    assert done.returncode == 0
    assert "it rejoined by a copy of the blocks that differ: the primary has no more WAL before" in done.stdout
    (aside,) = (name for name in standby.run("ls /data/whpg/v7/standby").split() if name != "gpseg-1")
    assert f"what was there is in /data/whpg/v7/standby/{aside}" in done.stdout
    assert standby.run(f"stat -c %i /data/whpg/v7/standby/{aside}/PG_VERSION") == before
    assert status() == ("mirrored", 0)


def fill(primary, megabytes=48):
    """A table of the coordinator alone, whose pages no two are alike."""
    primary.sql("DROP TABLE IF EXISTS filled, counted")
    primary.sql(
        f"CREATE TABLE filled AS SELECT id, repeat(md5(id::text), 30) AS words FROM generate_series(1, {megabytes << 10}) AS id; "
        "CREATE TABLE counted (id int)"
    )
    for statement in ("VACUUM FREEZE filled", "CHECKPOINT"):  # nothing changes its pages by itself
        primary.sql(statement)


@contextmanager
def writing(primary):
    """While this lasts, clients change rows all over the table, and add some, as fast as they can."""
    statement = (
        "UPDATE filled SET words = md5(words) || substr(words, 33) WHERE id % 997 = (random() * 996)::int; "
        "INSERT INTO counted SELECT generate_series(1, 10)"
    )
    client = f'psql -X -q -h /tmp -c "{statement}"'
    primary.run("rm -f /tmp/writes; touch /tmp/writes")
    for _client in range(2):
        primary.run(
            f"(export PGOPTIONS='-c gp_role=utility'; while [ -e /tmp/writes ]; do {client}; done) > /tmp/writer.log 2>&1 < /dev/null &"
        )
    wait_until(lambda: primary.sql("SELECT count(*) > 0 FROM counted") == "t", "the clients write")
    try:
        yield
    finally:
        primary.run("rm -f /tmp/writes")
        wait_until(
            lambda: "random" not in primary.sql("SELECT string_agg(query, '') FROM pg_stat_activity WHERE pid <> pg_backend_pid()"), ""
        )


def contents(coordinator) -> str:
    """What is in the tables, by checksums."""
    words = "SELECT md5(string_agg(md5(words), '' ORDER BY id)) FROM filled"
    return coordinator.sql(f"{words}; SELECT count(*) FROM counted")


def checked(standby):
    """Let the engine verify all pages of the standby."""
    standby.stop()
    assert "Bad checksums:  0" in standby.run(f"pg_checksums --check -D {standby.directory} | tr -s ' ' ' ' | sed 's/: /:  /'")
    standby.start()


def lose_wal(primary, standby):
    """Let the primary remove WAL that the stopped standby needs."""
    standby.stop()
    needed = primary.sql("SELECT pg_walfile_name(pg_current_wal_lsn())")
    primary.sql("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")
    for _number in range(10):
        primary.sql(SEGMENT * 2 + "CHECKPOINT")
        if needed not in primary.run(f"ls {primary.directory}/pg_wal").split():
            return
    raise AssertionError(f"{needed} is still there")


@pytest.mark.usefixtures("mirrored")
def test_one_that_cannot_catch_up_is_brought_in_step_under_load(primary, standby):
    fill(primary)
    wait_in_sync(primary)
    before = identity(standby)
    lose_wal(primary, standby)
    with writing(primary):
        done = enable()
        assert done.returncode == 0, done.stdout
    assert "it rejoined by a copy of the blocks that differ: the primary has no more WAL before" in done.stdout
    read, whole = map(int, READ.search(done.stdout).groups())
    wal = int(primary.sql("SELECT setting::bigint >> 20 FROM pg_settings WHERE name = 'wal_segment_size'"))
    assert read < whole / 2 + 2 * wal
    assert identity(standby) != before, "what was there stays until a whole copy is"
    wait_in_sync(primary)
    checked(standby)
    wait_in_sync(primary)
    assert status() == ("mirrored", 0)
    assert left_of_runs(primary, standby) == ""
    there = contents(primary)
    assert playbook("warehousepg.coordinator.switchover").returncode == 0
    assert contents(standby) == there


def cut_off(standby, share, **variables):
    """Kill a run, and what it began on the standby's host, as soon as so much of the table is there."""
    command = ["ansible-playbook", ENABLE, "-i", str(INVENTORY), *(f"-e{name}={value}" for name, value in variables.items())]
    with subprocess.Popen(command, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True) as run:
        wait_until(lambda: int(standby.run(f"du -sm {STAGED} 2> /dev/null | cut -f 1 || true") or 0) >= share, "the copy has begun", 120)
        run.send_signal(signal.SIGKILL)
    standby.run("pkill -KILL -f '[A]nsiballZ|[p]g_basebackup'; true")


@pytest.mark.usefixtures("unmirrored")
def test_a_copy_that_was_cut_off_is_gone_on_with(primary, standby):
    fill(primary)
    cut_off(standby, 30, standby_max_rate="8M")
    biggest = standby.run(f"find {STAGED}/base -type f -size +1M | xargs ls -S | head -n 1")
    standby.run(f"printf damaged | dd of={biggest} bs=1 seek=20000 conv=notrunc 2> /dev/null")
    assert primary.run("test -e ~/.whpg/demo.lock && echo held") == "held"
    # the primary is restarted in the middle of the next attempt
    command = ["ansible-playbook", ENABLE, "-i", str(INVENTORY), "-estandby_max_rate=1M"]
    with subprocess.Popen(command, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as run:
        backup = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_read_binary_file(wanted%' AND pid <> pg_backend_pid()"
        wait_until(lambda: primary.sql(backup) == "1", "blocks are compared", 120)
        primary.stop()
        primary.start()
        told = " ".join(run.communicate()[0].split())
    assert run.returncode == 2
    assert "was lost while" in told and f"stays in {STAGED}: the next run goes on from there" in told
    assert standby.run(f"ls -A {PARENT}") == ".gpseg-1.coordinator_snapshot"
    done = enable()
    assert done.returncode == 0, done.stdout
    assert "it was made by a copy of the blocks that differ: a copy that was cut off left " in done.stdout
    read, whole = map(int, READ.search(done.stdout).groups())
    assert read <= whole - 20
    wait_in_sync(primary)
    assert left_of_runs(primary, standby) == ""
    assert standby.run(f"ls -A {PARENT}") == "gpseg-1"
    may = "has_function_privilege('standby_replicator', 'pg_read_binary_file(text,bigint,bigint,boolean)', 'EXECUTE')"
    assert primary.sql(f"SELECT {may}") == "f"
    for coordinator in (primary, standby):
        assert coordinator.run(f"grep -c 'warehousepg.coordinator rewind' {coordinator.directory}/pg_hba.conf || true") == "0"
    checked(standby)
    wait_in_sync(primary)
    assert status() == ("mirrored", 0)
    there = contents(primary)
    assert playbook("warehousepg.coordinator.switchover").returncode == 0
    assert contents(standby) == there
