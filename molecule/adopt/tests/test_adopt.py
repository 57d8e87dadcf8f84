# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Going together with the engine's utilities: a standby of theirs becomes ours as it is, and they work on ours."""

from __future__ import annotations

import re

import pytest
from conftest import enable, reset, status, wait_in_sync, wait_until

ROW = "SELECT dbid, hostname, address, port, datadir FROM gp_segment_configuration WHERE content = -1 AND role = 'm'"
SENDER = "SELECT usename, state, sync_state FROM pg_stat_replication"


@pytest.fixture(scope="module", autouse=True)
def rebuilt_afterwards():
    """After a failover the hosts are made anew."""
    yield
    reset()


def make_by_the_engine(primary, standby):
    primary.run(f"gpinitstandby -a -s {standby.name} -S {standby.directory}")
    wait_in_sync(primary)


@pytest.fixture
def made_by_the_engine(unmirrored, primary, standby):
    make_by_the_engine(primary, standby)


@pytest.fixture(scope="module")
def mirrored():
    reset()
    assert enable().returncode == 0


def identity(standby) -> str:
    """What a copy made anew would not have: directory and files are the same."""
    return standby.run(f"cd {standby.directory}; stat -c '%n %i' . PG_VERSION global/pg_control base/*")


def test_a_standby_of_gpinitstandby_is_adopted_as_it_is(primary, standby, converged, noted):
    assert sum(map(int, re.findall(r"changed=(\d+)", converged))) >= 3, "the role and the slot, the rules, the settings"
    assert "standby_coordinator" in converged and "standby_replicator" in converged, "what is corrected is reported"
    assert identity(standby) == noted["identity"]
    assert primary.sql(ROW) == noted["row"]
    assert primary.sql(SENDER) == "standby_replicator|streaming|sync"
    assert primary.sql("SELECT active FROM pg_replication_slots") == "t"
    rules = primary.run(f"cat {primary.directory}/pg_hba.conf").splitlines()
    assert rules[0].startswith("# BEGIN")
    assert any(rule.split()[:3] == ["host", "replication", "gpadmin"] for rule in rules), "rules of gpinitstandby stay"
    assert status() == ("mirrored", 0)


@pytest.mark.drawn
@pytest.mark.usefixtures("made_by_the_engine")
def test_its_row_is_corrected_where_the_inventory_says_otherwise(primary, standby, inventory_of):
    before = identity(standby)
    dbid = primary.sql(ROW).split("|")[0]
    inventory = inventory_of({"scdw": {"whpg_hostname": "scdw", "whpg_address": "scdw-ic"}})
    assert enable(inventory=inventory).returncode == 0
    assert primary.sql(ROW) == f"{dbid}|scdw|scdw-ic|5432|{standby.directory}"
    assert standby.run(f"sed -n 's/^gp_dbid *= *//p' {standby.directory}/internal.auto.conf") == dbid
    assert identity(standby) == before
    assert status(inventory=inventory) == ("mirrored", 0)


@pytest.mark.usefixtures("mirrored")
def test_gpstate_shows_our_pair(primary):
    shown = primary.run("gpstate -f")
    assert "Standby address" in shown
    assert "streaming" in shown and "sync" in shown
    assert "No entries found" not in shown


@pytest.mark.drawn
@pytest.mark.usefixtures("mirrored")
def test_gpstop_and_gpstart_take_our_pair_down_and_up(primary, standby):
    primary.run("gpstop -a -M fast")
    assert not standby.host.file(f"{standby.directory}/postmaster.pid").exists
    assert status()[0] == "both_down"
    primary.run("gpstart -a")
    wait_in_sync(primary)
    assert status() == ("mirrored", 0)


@pytest.mark.drawn
@pytest.mark.usefixtures("mirrored")
def test_gpinitstandby_starts_our_standby(primary, standby):
    standby.stop()
    primary.run("gpinitstandby -a -n")
    wait_in_sync(primary)
    assert status() == ("mirrored", 0)


@pytest.mark.drawn
@pytest.mark.usefixtures("mirrored")
def test_gpinitstandby_removes_our_standby_and_we_make_it_again(primary, standby):
    primary.run("gpinitstandby -a -r")
    assert not standby.host.file(standby.directory).exists
    assert status() == ("unmirrored", 2)
    assert enable().returncode == 0
    assert status() == ("mirrored", 0)


@pytest.mark.usefixtures("mirrored")
def test_gpactivatestandby_activates_our_standby(primary, standby):
    primary.signal("KILL")
    primary.run("rm /tmp/.s.PGSQL.$PGPORT*")  # the utility takes what a killed primary leaves for a living one
    standby.run(f"gpactivatestandby -a -d {standby.directory}")
    wait_until(lambda: "2" in standby.run("psql -X -At -h /tmp -c 'SELECT 1 + 1' 2>&1 || true").split(), "the new primary serves")
    verdict, code = status()
    assert (verdict, code) == ("unmirrored", 2)
