# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A standby that is frozen or away: what waits for it, what is kept for it, and how both end."""

from __future__ import annotations

import time
from contextlib import contextmanager

import pytest
from conftest import RESET, enable, frozen, playbook, status, wait_in_sync, wait_until

RELEASE = "warehousepg.coordinator.release"
SLOTS = "SELECT count(*) FROM pg_replication_slots"
# Moves to the next WAL segment, which an empty one does not.
SEGMENT = "SELECT pg_logical_emit_message(true, 'x', 'y'); SELECT pg_switch_wal();"


@pytest.fixture(scope="module", autouse=True)
def mirrored(primary):
    """A pair, and a table whose rows are on several segments. Each test leaves the pair mirrored."""
    assert playbook(RESET).returncode == 0
    assert enable().returncode == 0
    primary.run("psql -X -h /tmp -c 'CREATE TABLE shapes_writes (id int)'")
    yield
    primary.run("psql -X -h /tmp -c 'DROP TABLE shapes_writes'")


@contextmanager
def a_commit_that_waits(primary):
    """A client whose commit spans segments; yields what tells whether it has returned, and sees that it does in the end."""
    primary.run(
        "rm -f /tmp/committed; (psql -X -h /tmp -c 'INSERT INTO shapes_writes SELECT generate_series(1, 100)' && touch /tmp/committed) "
        "> /dev/null 2>&1 < /dev/null &"
    )

    def returned():
        return primary.host.file("/tmp/committed").exists

    time.sleep(2)
    assert not returned(), "the standby is frozen, and its primary waits for it"
    yield returned
    wait_until(returned, "the commit returned")


def warnings(done) -> str:
    return "\n".join(line for line in done.stdout.splitlines() if "warning" in line.lower())


def test_commits_wait_for_a_frozen_standby_until_they_are_released(primary, standby):
    refused = playbook(RELEASE)
    assert refused.returncode == 2
    assert "release_commits" in refused.stdout and "release_wal" in refused.stdout
    with frozen(standby), a_commit_that_waits(primary):
        done = playbook(RELEASE, release_commits=True)
        assert done.returncode == 0
        assert "WARNING" in done.stdout + done.stderr
    wait_in_sync(primary)
    assert status() == ("mirrored", 0)


def test_commits_wait_for_a_frozen_standby_as_long_as_is_wanted(primary, standby):
    assert enable(standby_commit_timeout=8).returncode == 0
    with frozen(standby), a_commit_that_waits(primary) as returned:
        wait_until(returned, "the walsender gave up, and the commit returned")
    wait_in_sync(primary)
    assert status() == ("mirrored", 0)


def test_a_standby_that_was_away_for_long_catches_up(primary, standby):
    standby.stop()
    needed = primary.sql("SELECT pg_walfile_name(pg_current_wal_lsn())")
    primary.sql(SEGMENT * 7 + "CHECKPOINT; CHECKPOINT")  # more than is kept without a slot
    assert needed in primary.run(f"ls {primary.directory}/pg_wal").split()
    assert enable().returncode == 0
    assert status() == ("mirrored", 0)


def test_wal_is_held_back_for_a_standby_that_is_away_until_it_is_released(primary, standby):
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


def test_a_slot_that_holds_back_much_is_told_and_a_standby_that_cannot_catch_up_too(primary, standby):
    limited = {"standby_retention_limit": "64MB"}
    assert enable(**limited).returncode == 0
    standby.stop()
    needed = primary.sql("SELECT pg_walfile_name(pg_current_wal_lsn())")
    primary.sql(SEGMENT * 3)
    shown = playbook("warehousepg.coordinator.status", **limited)
    assert shown.returncode == 2
    assert "holds back" in warnings(shown)
    primary.sql("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")
    wal = f"ls {primary.directory}/pg_wal"
    for _number in range(10):
        primary.sql(SEGMENT * 2 + "CHECKPOINT")
        if needed not in primary.run(wal).split():
            break
    assert needed not in primary.run(wal).split()
    # A standby asks for WAL only once it has its slot.
    primary.sql("SELECT pg_create_physical_replication_slot('standby_coordinator')")
    standby.start()
    wait_until(lambda: "has already been removed" in standby.run(f"cat {standby.directory}/log/*"), "the standby asked for its WAL")
    shown = playbook("warehousepg.coordinator.status")
    assert shown.returncode == 2
    assert "can no longer catch up" in shown.stdout and needed in shown.stdout
    refused = enable()
    assert refused.returncode == 2
    assert "nothing was changed" in refused.stdout and "can no longer catch up" in refused.stdout
    assert "move its data directory away" in refused.stdout
    standby.stop()
    standby.run(f"mv {standby.directory} {standby.directory}.old")
    assert enable().returncode == 0
    assert status() == ("mirrored", 0)
