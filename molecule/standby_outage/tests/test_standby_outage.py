# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A standby that is stopped, suspended or disconnected for long: it is told apart, what waits and is retained for it, and how each ends."""

from __future__ import annotations

import time

import pytest
from conftest import changes, enable, playbook, status, suspended, wait_in_sync, wait_until

RELEASE = "warehousepg.coordinator.release"
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
    assert "the primary has no more WAL before" in done.stdout
    (aside,) = (name for name in standby.run("ls /data/whpg/v7/standby").split() if name != "gpseg-1")
    assert f"what was there is in /data/whpg/v7/standby/{aside}" in done.stdout
    assert standby.run(f"stat -c %i /data/whpg/v7/standby/{aside}/PG_VERSION") == before
    assert status() == ("mirrored", 0)
