# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What enable_mirroring leaves behind, seen with the engine's own means."""

from __future__ import annotations

import re


def test_data_directory_is_private_and_alone(standby):
    directory = standby.host.file(standby.directory)
    assert (directory.user, directory.mode) == ("gpadmin", 0o700)
    assert standby.run("ls -A /data/whpg/v7/standby") == "gpseg-1"


def test_standby_is_in_recovery_on_disk(standby):
    assert standby.host.file(f"{standby.directory}/standby.signal").exists
    assert "in archive recovery" in standby.run(f"pg_controldata {standby.directory}")


def test_both_are_one_system(primary, standby):
    def system(coordinator):
        return re.search(r"system identifier: +(\d+)", coordinator.run(f"pg_controldata {coordinator.directory}"))[1]

    assert system(primary) == system(standby)


def test_files_that_hold_access_are_private(standby):
    settings = standby.run(f"cat {standby.directory}/postgresql.auto.conf")
    assert standby.host.file(f"{standby.directory}/postgresql.auto.conf").mode == 0o600
    for passfile in re.findall(r"passfile='*\"?([^'\" ]+)", settings):
        assert standby.host.file(passfile).mode == 0o600
        assert standby.host.file(passfile).user == "gpadmin"
    assert not re.search(r"password=(?!\*)", settings)


def test_the_password_is_one_that_leaves_the_walreceiver_whole(standby):
    assert standby.run("tail -c 3 ~/.whpg/demo.pgpass | od -An -tx1").split() == ["c2", "80", "0a"]


def test_walsender_and_walreceiver_run(primary, standby):
    assert "walsender" in primary.run("ps -o args= -u gpadmin")
    assert "walreceiver" in standby.run("ps -o args= -u gpadmin")


def test_commits_wait_for_the_standby(primary):
    columns = "application_name, state, sync_state"
    assert primary.sql(f"SELECT {columns} FROM pg_stat_replication") == "gp_walreceiver|streaming|sync"


def test_row_and_dbid_agree(primary, standby):
    row = primary.sql(
        "SELECT dbid, preferred_role, mode, status, port, hostname, datadir FROM gp_segment_configuration WHERE content = -1 AND role = 'm'"
    )
    dbid = standby.run(f"sed -n 's/^gp_dbid *= *//p' {standby.directory}/internal.auto.conf")
    assert row == f"{dbid}|m|s|u|5432|scdw|{standby.directory}"


def test_one_slot_holds_the_wal(primary):
    assert primary.sql("SELECT slot_type, active FROM pg_replication_slots") == "physical|t"


def test_standby_refuses_connections(standby):
    answer = standby.run("psql -X -h /tmp -c 'SELECT 1' 2>&1 || true")
    assert "the database system is in recovery mode" in answer


def test_access_rules_are_marked_once_and_first(primary):
    rules = primary.run(f"cat {primary.directory}/pg_hba.conf").splitlines()
    pristine = primary.run(f"cat /data/pristine{primary.directory}/pg_hba.conf").splitlines()
    assert rules[-len(pristine) :] == pristine, "rules of others stay as they were, below ours"
    added = rules[: -len(pristine)]
    assert added and len([line for line in added if line.startswith("#")]) == 2


def test_every_acknowledged_write_is_there(primary):
    acknowledged = set(primary.run("cat /tmp/writer/acknowledged").split())
    present = set(primary.sql("SELECT id FROM acknowledged_writes", role="dispatch").split())
    assert len(acknowledged) > 100
    assert acknowledged <= present


def test_standby_replayed_the_last_acknowledged_write(primary):
    end = primary.run("cat /tmp/writer/end")
    assert primary.sql(f"SELECT replay_lsn >= '{end}' FROM pg_stat_replication") == "t"
