# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The standby comes to another host, directory or port, never by accident, and never without a way back."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest
from activating import Client
from conftest import (
    ENABLE,
    HERE,
    NET,
    Coordinator,
    Host,
    changes,
    enable,
    podman,
    status,
    unreachable,
    wait_in_sync,
    wait_until,
)
from inventories import rendered

PARENT = "/data/whpg/v7/standby"
APART = "/data/whpg/tablespaces/apart"
SLOTS = "SELECT slot_name, active FROM pg_replication_slots"
ROW = "SELECT dbid, hostname, port, datadir FROM gp_segment_configuration WHERE content = -1 AND role = 'm'"


SPARE = Coordinator("cdw2", f"{PARENT}/gpseg-1")
# The inventory with the spare host in the place of the standby's.
MOVED = rendered(HERE / "move/inventory", "move")
# It writes while the standby is moved.
CLIENT_MEANWHILE = Client("moved", host="cdw2", where="host=cdw port=5432")


def make_place(host: Coordinator) -> None:
    host.run(f"mkdir -p {PARENT}")


@pytest.fixture
def spare(mirrored) -> Coordinator:
    """A host that has not been a coordinator's yet."""
    make_place(SPARE)
    return SPARE


@pytest.fixture
def elsewhere() -> Path:
    return MOVED


def said(done) -> str:
    return " ".join(done.stdout.split())


def rules(primary: Coordinator) -> str:
    return "".join(host.run("cat /data/whpg/v7/*/gpseg*[0-9]/pg_hba.conf") for host in (primary, Host("sdw1")))


def check_moved(primary: Coordinator, standby: Coordinator, inventory, dbid: str) -> None:
    """It is the standby now, and nothing allows another one access."""
    assert status(inventory=inventory) == ("mirrored", 0)
    assert primary.sql(ROW) == f"{dbid}|{standby.name}|{standby.run('echo $PGPORT')}|{standby.directory}"
    assert primary.sql(SLOTS) == "standby_coordinator|t"
    again = enable(inventory=inventory)
    assert (again.returncode, changes(again)) == (0, 0)
    for host in (primary, standby):
        assert host.run("ls ~/.whpg/demo.lock 2> /dev/null || true") == ""


def check_left(standby: Coordinator) -> None:
    """Nothing runs or is kept where it was but what was set aside."""
    assert standby.run(f"pgrep -f '^[^ ]*postgres -D {PARENT}' || true") == ""
    assert standby.run("ls -A ~/.whpg 2> /dev/null || true") == ""
    assert standby.run(f"ls {PARENT}").startswith("gpseg-1.set_aside-")


def test_to_another_host_while_the_present_one_streams(primary, standby, converged, noted):
    assert f"it was moved from scdw, {standby.directory}; what was there is in {standby.directory}.set_aside-" in converged
    CLIENT_MEANWHILE.wait_for("cdw")
    CLIENT_MEANWHILE.stop()
    check_moved(primary, SPARE, MOVED, noted["row"].split("|")[0])
    check_left(standby)
    assert f"{NET}.13/32" in rules(primary) and f"{NET}.12/32" not in rules(primary)


def test_it_is_not_moved_by_accident_nor_in_check_mode(standby, spare, elsewhere):
    refused = enable(inventory=elsewhere)
    assert refused.returncode == 2
    assert f"the catalog has the standby on scdw, port 5432, in {standby.directory}" in said(refused)
    assert "to move it there set standby_move_from=scdw, otherwise correct the inventory" in said(refused)
    foretold = enable("--check", "--diff", inventory=elsewhere, standby_move_from="scdw")
    assert foretold.returncode == 0
    assert f"moved from scdw, {standby.directory}: by a copy, made while the present one streams" in said(foretold)
    assert (status(), spare.run(f"ls -A {PARENT}")) == (("mirrored", 0), "")


def test_to_another_directory_and_port_of_its_host_without_a_copy(primary, standby, spare, inventory_of):
    del spare
    place = "/data/whpg/v7/other"
    there = Coordinator("scdw", f"{place}/gpseg-1")
    standby.run(f"mkdir {place}")
    inventory = inventory_of({"scdw": {"discovery_standby_directory": place, "whpg_port": 6432}})
    dbid, file = primary.sql(ROW).split("|")[0], standby.run(f"stat -c %i {standby.directory}/PG_VERSION")
    refused = enable(inventory=inventory)
    assert refused.returncode == 2
    assert "set standby_move_from=scdw" in said(refused)
    done = enable(inventory=inventory, standby_move_from="scdw")
    assert done.returncode == 0
    assert f"it was moved from scdw, {standby.directory}" in said(done)
    assert there.run(f"stat -c %i {there.directory}/PG_VERSION") == file
    assert primary.sql(ROW) == f"{dbid}|scdw|6432|{there.directory}"
    assert standby.run(f"ls -A {PARENT}") == ""

    # back to its port, where something else would be in its way
    inventory = inventory_of({"scdw": {"discovery_standby_directory": place, "whpg_port": 5432}})
    assert enable(inventory=inventory).returncode == 0
    assert primary.sql(ROW) == f"{dbid}|scdw|5432|{there.directory}"
    assert status(inventory=inventory) == ("mirrored", 0)


@pytest.fixture
def tablespace(primary, standby, spare):
    hosts = (primary, standby, spare, Host("sdw1"))
    for host in hosts:
        host.run(f"rm -rf {APART}; mkdir -p {APART}")
    primary.sql(f"CREATE TABLESPACE apart LOCATION '{APART}'", role="dispatch")
    primary.sql("CREATE TABLE kept TABLESPACE apart AS SELECT generate_series(1, 1000) AS number")
    wait_in_sync(primary)
    yield
    for host in hosts:
        podman("exec", host.name, "rm", "-rf", APART)


@pytest.mark.drawn
@pytest.mark.usefixtures("tablespace")
def test_one_that_does_not_start_there_goes_back(primary, standby, spare, elsewhere, inventory_of):
    row, before = primary.sql(ROW), rules(primary)
    parts = standby.run(f"ls {APART}; readlink {standby.directory}/pg_tblspc/*; ls -i {APART}")
    # only a copy of these settings stands in the way
    primary.run(f"echo \"unix_socket_directories = '/nowhere'\" >> {primary.directory}/postgresql.conf")
    done = enable(inventory=elsewhere, standby_move_from="scdw", standby_accepted_differences=["files"])
    assert done.returncode == 2
    assert "/nowhere" in said(done)
    assert "Rolled back: the standby on scdw streams as before" in said(done)
    assert (primary.sql(ROW), primary.sql(SLOTS), rules(primary)) == (row, "standby_coordinator|t", before)
    assert (spare.run(f"ls -A {PARENT} {APART} | grep -v :$ || true"), standby.run(f"ls -A {PARENT}")) == ("", "gpseg-1")
    assert standby.run(f"ls {APART}; readlink {standby.directory}/pg_tblspc/*; ls -i {APART}") == parts
    assert status() == ("mirrored", 0)

    # nor does one whose new port somebody takes at the last moment
    standby.run("touch /tmp/.s.PGSQL.6432; mkdir /tmp/.s.PGSQL.6432.lock")
    done = enable(inventory=inventory_of({"scdw": {"whpg_port": 6432}}))
    standby.run("rm -r /tmp/.s.PGSQL.6432*")
    assert done.returncode == 2
    assert "Rolled back: the standby on scdw streams as before" in said(done)
    assert primary.sql(ROW) == row
    assert status() == ("mirrored", 0)


@pytest.mark.drawn
def test_a_run_that_was_cut_off_is_finished_by_the_next(primary, standby, spare, elsewhere):
    dbid = primary.sql(ROW).split("|")[0]
    variables = json.dumps({"standby_move_from": "scdw"})
    command = ["ansible-playbook", ENABLE, "-i", str(elsewhere), "-e", variables]
    with subprocess.Popen(command, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True) as cut_off:
        wait_until(lambda: "gpseg-1.set_aside-" in standby.run(f"ls {PARENT}"), "the former standby is set aside", 90)
        cut_off.send_signal(signal.SIGKILL)
    assert enable(inventory=elsewhere, standby_move_from="scdw").returncode == 0
    check_moved(primary, spare, elsewhere, dbid)
    check_left(standby)


@pytest.mark.drawn
def test_from_a_host_that_is_gone_for_ever(primary, standby, spare, elsewhere, unconnected):
    with unreachable("scdw"):
        silent = time.monotonic()
        refused = enable(inventory=elsewhere, environment=unconnected, standby_move_from="scdw")
        assert refused.returncode == 2
        assert "a standby streams and lives that cannot be stopped, scdw is unreachable" in said(refused)
        time.sleep(max(0, silent + 16 - time.monotonic()))  # longer than a standby that lives says nothing
        done = enable(inventory=elsewhere, environment=unconnected, standby_move_from="scdw")
        assert done.returncode == 0
        assert "left: scdw is unreachable" in said(done) and standby.directory in said(done)
    # it came back, and has no access any more
    assert primary.sql("SELECT client_addr FROM pg_stat_replication") == f"{NET}.13"
    assert status(inventory=elsewhere) == ("mirrored", 0)
