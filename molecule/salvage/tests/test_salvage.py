# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commits that only the old primary's disk has are replayed before the promotion."""

from __future__ import annotations

import pytest
from activating import Operator, check_primary

NUMBER = 1000
# A third of them in a WAL segment each.
COMMITS = "".join(
    f"INSERT INTO late SELECT {number};" + ("SELECT pg_switch_wal();" if number % (NUMBER // 3) == 0 else "") for number in range(NUMBER)
)


@pytest.fixture
def operator(tmp_path) -> Operator:
    return Operator(tmp_path)


@pytest.mark.usefixtures("mirrored")
def test_commits_of_the_time_without_a_standby_are_there_afterwards(primary, standby, operator):
    # on the coordinator alone, where nothing but its WAL has them
    primary.sql("CREATE TABLE late (number int)")
    standby.stop()
    primary.write("late.sql", COMMITS)
    primary.run('PGOPTIONS="-c $WHPG_UTILITY_SETTING=utility" psql -X -q -h /tmp -v ON_ERROR_STOP=1 -f late.sql > /dev/null; rm late.sql')
    primary.sql("CREATE ROLE latecomer", role="dispatch")
    end = primary.sql("SELECT pg_current_wal_lsn()")
    primary.signal("KILL")

    refused = operator.activate()
    assert refused.code == 2
    assert "both_down" in refused.line and "nothing was changed" in refused.line
    assert standby.host.file(f"{standby.directory}/standby.signal").exists

    done = operator.activate(both_down=True)
    assert done.code == 0
    assert done.line.startswith("activated")
    assert done.result["loss"]["known"] == "none"
    assert standby.sql("SELECT count(DISTINCT number) FROM late") == str(NUMBER)
    assert standby.sql("SELECT count(*) FROM pg_roles WHERE rolname = 'latecomer'") == "1"
    assert standby.sql(f"SELECT pg_current_wal_lsn() > '{end}'") == "t"
    check_primary(standby)
    check_nothing_is_left(primary, standby)


def check_nothing_is_left(primary, standby) -> None:
    """Neither host has anything of the WAL that was carried, nor what it replaced."""
    for coordinator in (primary, standby):
        assert coordinator.run("find /data/whpg /tmp -name '*salvage*' 2> /dev/null || true") == ""


@pytest.mark.usefixtures("mirrored")
def test_after_a_failure_nothing_of_the_wal_is_left(primary, standby, operator):
    primary.sql("CREATE TABLE late (number int)")
    standby.stop()
    primary.sql("INSERT INTO late SELECT generate_series(1, 1000)")
    primary.signal("KILL")
    # a directory that nobody can write to stands in its way
    standby.run(f"chmod 500 {standby.quoted}/pg_wal")
    failed = operator.activate(both_down=True)
    standby.run(f"chmod 700 {standby.quoted}/pg_wal")
    assert failed.code == 2
    assert standby.host.file(f"{standby.directory}/standby.signal").exists
    check_nothing_is_left(primary, standby)
    done = operator.activate(both_down=True)
    assert done.code == 0, done.line
    assert standby.sql("SELECT count(*) FROM late") == "1000"
    check_nothing_is_left(primary, standby)


@pytest.mark.usefixtures("mirrored")
def test_what_cannot_be_read_is_a_loss_that_has_to_be_accepted(primary, standby, operator):
    primary.sql("CREATE TABLE late (number int)")
    standby.stop()
    primary.sql("INSERT INTO late SELECT generate_series(1, 1000)")
    primary.signal("KILL")
    primary.run(f"mv {primary.quoted}/pg_wal {primary.quoted}/pg_wal.away; mkdir -m 700 {primary.quoted}/pg_wal")
    refused = operator.activate(both_down=True)
    assert refused.code == 2
    assert "an unknown amount would be lost" in refused.line and "activate_standby_accept_loss" in refused.line
    assert refused.result["activated"] is False
    assert standby.host.file(f"{standby.directory}/standby.signal").exists
    done = operator.activate(both_down=True, accept_loss=True)
    assert done.code == 0
    assert done.result["loss"]["known"] == "unknown"
    assert "gpcheckcat" in done.output
    assert standby.sql("SELECT count(*) FROM late") == "0"
    check_primary(standby)
