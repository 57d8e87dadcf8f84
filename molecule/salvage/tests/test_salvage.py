# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commits that only the former primary's disk has are replayed before the promotion."""

from __future__ import annotations

import base64
import io
import json
import random
import tarfile
from pathlib import Path

import pytest
from activating import Operator, check_primary
from conftest import HERE, TOLD, Coordinator

NUMBER = 1000
# A third of them in a WAL segment each.
COMMITS = "".join(
    f"INSERT INTO late SELECT {number};" + ("SELECT pg_switch_wal();" if number % (NUMBER // 3) == 0 else "") for number in range(NUMBER)
)


@pytest.fixture
def operator(tmp_path) -> Operator:
    return Operator(tmp_path)


def run_late(primary: Coordinator, statements: str) -> None:
    """On the coordinator alone, where nothing but its WAL has what they change."""
    primary.write("late.sql", statements)
    primary.run('PGOPTIONS="-c $WHPG_UTILITY_SETTING=utility" psql -X -q -h /tmp -v ON_ERROR_STOP=1 -f late.sql > /dev/null; rm late.sql')


def commit_late(primary: Coordinator) -> None:
    primary.sql("CREATE TABLE late (number int)")
    run_late(primary, COMMITS)
    primary.sql("CREATE ROLE latecomer", role="dispatch")


def test_commits_of_the_time_without_a_standby_are_there_afterwards(primary, standby, converged, noted):
    assert "\ndemo: activated" in converged
    assert Operator(TOLD).audit()[0]["loss"]["known"] == "none"
    assert standby.sql("SELECT count(DISTINCT number) FROM late") == str(NUMBER)
    assert standby.sql("SELECT count(*) FROM pg_roles WHERE rolname = 'latecomer'") == "1"
    assert standby.sql(f"SELECT pg_current_wal_lsn() > '{noted['end']}'") == "t"
    check_primary(standby)
    check_nothing_is_left(primary, standby)


def check_nothing_is_left(primary, standby) -> None:
    """Neither host has anything of the WAL that was carried, nor what it replaced."""
    for coordinator in (primary, standby):
        assert coordinator.run("find /data/whpg /tmp -name '*salvage*' 2> /dev/null || true") == ""


@pytest.mark.drawn
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


@pytest.mark.drawn
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


def lose_damaged(former: Coordinator, other: Coordinator, rows: int, length: int) -> None:
    """Rows that the standby lacks are acknowledged; then the primary is killed, and its last WAL file cut to a length."""
    other.stop()
    former.sql("CREATE TABLE late (number int, text text)")  # in a file that stays whole
    former.sql("SELECT pg_switch_wal()")
    inserts = "".join(f"INSERT INTO late SELECT {number}, repeat('x', 200);" for number in range(rows))
    run_late(former, inserts)
    used = former.sql("SELECT pg_walfile_name(pg_current_wal_lsn())")
    former.signal("KILL")
    former.run(f"truncate -s {length} {former.quoted}/pg_wal/{used}")


def refused_and_accepted(operator: Operator, other: Coordinator, said: str) -> dict:
    """What is found to be lost, by check mode and by the run, which refuses; and is, once that is accepted."""
    foretold = operator.activate("--check", both_down=True)
    refused = operator.activate(both_down=True)
    for run in (foretold, refused):
        assert run.code == 2
        assert "an unknown amount" in run.line and said in run.line and "activate_standby_accept_loss" in run.line
    assert refused.result["loss"]["known"] == "unknown"
    assert other.host.file(f"{other.directory}/standby.signal").exists
    done = operator.activate(both_down=True, accept_loss=True)
    assert done.code == 0
    assert done.line.startswith("activated")
    assert done.result["loss"]["known"] == "unknown" and said in done.result["loss"]["why"]
    return done.result["loss"]


@pytest.mark.drawn
@pytest.mark.usefixtures("mirrored")
def test_a_file_that_was_cut_short_behind_its_data_proves_nothing_and_all_of_it_is_brought(primary, standby, operator):
    # so that the WAL in use is the first of its timeline
    primary.sql("SELECT pg_switch_wal()")
    assert operator.switch().code == 0
    lose_damaged(standby, primary, 100, 8192000)
    loss = refused_and_accepted(operator, primary, "has 8192000 bytes instead of")
    assert loss["at_least"] == 0
    assert primary.sql("SELECT count(*) FROM late") == "100"


@pytest.mark.usefixtures("mirrored")
def test_of_a_file_that_was_cut_within_its_data_what_is_valid_is_brought(primary, standby, operator):
    lose_damaged(primary, standby, NUMBER, 100000)
    refused_and_accepted(operator, standby, "has 100000 bytes instead of")
    numbers = [int(number) for number in standby.sql("SELECT number FROM late ORDER BY number").split()]
    assert 0 < len(numbers) < NUMBER and numbers == list(range(len(numbers)))
    check_primary(standby)


@pytest.mark.drawn
@pytest.mark.usefixtures("mirrored")
def test_what_cannot_be_brought_is_gone_without_once_that_is_accepted(primary, standby, operator):
    primary.sql("CREATE TABLE late (number int)")
    standby.stop()
    primary.sql("INSERT INTO late SELECT generate_series(1, 1000)")
    primary.signal("KILL")
    standby.run(f"touch {standby.quoted}/pg_wal/salvage.new")  # in the way of what is brought
    refused = operator.activate(both_down=True)
    assert refused.code == 2
    assert "could not be put into" in refused.line and "activate_standby_accept_loss" in refused.line
    assert standby.host.file(f"{standby.directory}/standby.signal").exists
    done = operator.activate(both_down=True, accept_loss=True)
    assert done.code == 0
    assert done.result["loss"]["known"] == "bytes" and done.result["loss"]["commits"] == 1
    assert standby.sql("SELECT count(*) FROM late") == "0"
    check_primary(standby)


@pytest.mark.usefixtures("mirrored")
def test_what_is_read_of_damaged_wal_is_what_the_engine_reads(primary):
    """On copies of real WAL, each damaged at a place of its own; run it with the seed that it prints to see them again."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    primary.sql("CHECKPOINT")
    primary.sql("CREATE TABLE IF NOT EXISTS dumped (number int, text text)")
    for _dummy in range(3):
        primary.sql("INSERT INTO dumped SELECT number, repeat(md5(number::text), 40) FROM generate_series(1, 300) AS number")
        primary.sql("SELECT pg_logical_emit_message(true, 'long', repeat('x', 100000))")
        primary.sql("SELECT pg_switch_wal()")
    primary.sql("INSERT INTO dumped SELECT number FROM generate_series(1, 300) AS number")
    primary.signal("KILL")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path in sorted((HERE.parent / "plugins/module_utils").rglob("*.py")):
            archive.add(path, f"ansible_collections/warehousepg/coordinator/{path.relative_to(HERE.parent)}")
        archive.add(Path(__file__).parent / "damage.py", "damage.py")
    primary.write("damage.tar.gz.base64", base64.b64encode(packed.getvalue()).decode())
    unpack = "rm -rf damage; mkdir damage; base64 -d damage.tar.gz.base64 | tar -xz -C damage; rm damage.tar.gz.base64"
    told = primary.run(
        f"{unpack}; PYTHONPATH=damage python3 damage/damage.py {primary.quoted} {primary.quoted}.copies {seed} 40;"
        " code=$?; rm -r damage; exit $code"
    )
    found = json.loads(told.splitlines()[-1])
    print(json.dumps(found, indent=1))
    assert found["segments"] == 4 and len(found["seen"]) == 8
