# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A standby is given up: nothing of it is left where it could be reached, and what stays is told."""

from __future__ import annotations

import signal
import subprocess
import time

import pytest
from conftest import (
    INVENTORY,
    NET,
    NOTHING,
    Host,
    changes,
    enable,
    playbook,
    podman,
    status,
    stopped,
    traces,
    unreachable,
    wait_until,
)

DISABLE = "warehousepg.coordinator.disable_mirroring"
PARENT = "/data/whpg/v7/standby"
LOCATION = "/data/whpg/tablespaces/apart"


def disable(*arguments, **variables):
    """Run the playbook; the names of variables are given without the role's prefix."""
    return playbook(DISABLE, *arguments, **{f"disable_mirroring_{name}": value for name, value in variables.items()})


def said(done) -> str:
    return " ".join(done.stdout.split())


def kept_files(host) -> list[str]:
    return host.run("ls -A ~/.whpg 2> /dev/null || true").split()


def rules(host: Host) -> int:
    return int(host.run("cat /data/whpg/v7/*/gpseg*[0-9]/pg_hba.conf | grep -c warehousepg.coordinator || true"))


def check_deregistered(primary, rules_left: int = 0) -> None:
    """The primary and the segments know of no standby, and take writes."""
    for what in (
        "gp_segment_configuration WHERE content = -1 AND role = 'm'",
        "pg_replication_slots",
        "pg_stat_replication",
        "pg_roles WHERE rolreplication AND NOT rolsuper",
    ):
        assert primary.sql(f"SELECT count(*) FROM {what}") == "0", what
    assert (rules(primary), rules(Host("sdw1"))) == (0, rules_left)
    assert [name for name in kept_files(primary) if not name.endswith(".audit.jsonl")] == []
    assert primary.sql("CREATE TABLE written_alone (n int); DROP TABLE written_alone; SELECT 'done'", role="dispatch").endswith("done")


def check_removed(primary, standby) -> None:
    """Nothing is left of the standby but what was set aside."""
    check_deregistered(primary)
    assert standby.run(f"pgrep -f '^[^ ]*postgres -D {standby.directory}' || true") == ""
    assert not standby.host.file(standby.directory).exists
    assert [name for name in kept_files(standby) if not name.endswith(".audit.jsonl")] == []
    assert status() == ("unmirrored", 2)


def test_everything_is_removed_and_a_new_standby_can_be_made(primary, standby, converged):
    assert "demo: unmirrored: cdw serves without a standby" in converged
    check_removed(primary, standby)
    (aside,) = standby.run(f"ls -A {PARENT}").split()
    assert aside.startswith("gpseg-1.set_aside-")
    assert f"{PARENT}/{aside}" in converged
    assert "shut down in recovery" in standby.run(f"pg_controldata {PARENT}/{aside}"), "its walreceiver did not abort"
    # what was in the access files before is in them still, byte for byte
    assert (
        primary.run(f"diff {primary.directory}/pg_hba.conf /data/pristine{primary.directory}/pg_hba.conf | grep -c '^[<>]' || true") == "1"
    )

    assert enable().returncode == 0
    assert status() == ("mirrored", 0)


@pytest.mark.usefixtures("mirrored")
def test_check_mode_foretells_and_changes_nothing(primary, standby):
    before = traces(primary, standby)
    foretold = disable("--check", "--diff")
    assert foretold.returncode == 0
    found = "catalog row, slot, replication role, access rules, instance, passfile, record"
    assert f"can be unmirrored: cdw serves; to be removed: {found}" in said(foretold)
    assert traces(primary, standby) == before
    assert status() == ("mirrored", 0)


@pytest.mark.usefixtures("unmirrored")
def test_where_there_never_was_a_standby_nothing_changes(primary, standby):
    done = disable()
    assert (done.returncode, changes(done)) == (0, 0)
    assert "nothing was left to remove" in done.stdout
    assert traces(primary, standby) == NOTHING


@pytest.mark.drawn
@pytest.mark.usefixtures("unmirrored")
@pytest.mark.parametrize("fate", ["set_aside", "deleted"])
def test_tablespaces_go_with_their_instance(primary, standby, fate):
    for host in (primary, standby, Host("sdw1")):
        host.run(f"rm -rf {LOCATION}; mkdir -p {LOCATION}")
    primary.sql(f"CREATE TABLESPACE apart LOCATION '{LOCATION}'", role="dispatch")
    primary.sql("CREATE TABLE kept_apart TABLESPACE apart AS SELECT generate_series(1, 1000) AS n")
    own = primary.run(f"ls -A {LOCATION}")
    assert enable().returncode == 0
    dbid = standby.run(f"ls -A {LOCATION}")

    assert disable(data=fate).returncode == 0
    check_removed(primary, standby)
    assert primary.run(f"ls -A {LOCATION}") == own
    assert primary.sql("SELECT count(*) FROM kept_apart") == "1000"
    if fate == "deleted":
        assert standby.run(f"ls -A {PARENT}; ls -A {LOCATION}") == ""
    else:
        aside, part = (standby.run(f"ls -A {place}") for place in (PARENT, LOCATION))
        assert (aside.startswith("gpseg-1.set_aside-"), part.startswith(f"{dbid}.set_aside-")) == (True, True)
        assert standby.run(f"realpath {PARENT}/{aside}/pg_tblspc/*") == f"{LOCATION}/{part}"
    again = disable(data=fate)
    assert (again.returncode, changes(again)) == (0, 0)


@pytest.mark.drawn
@pytest.mark.usefixtures("mirrored")
def test_a_host_that_is_gone_for_ever_is_given_up_by_the_operator_s_word(primary, standby):
    refused = disable(without=["scdw"])
    assert refused.returncode == 2
    assert "nothing was changed: disable_mirroring_without names scdw, which was observed" in said(refused)

    refused = disable("--limit", "cdw,sdw1", without=["scdw"])
    assert refused.returncode == 2
    assert "nothing was changed: disable_mirroring_without names scdw, but a standby streams and lives" in said(refused)

    with unreachable("scdw"):
        silent = time.monotonic()
        refused = disable()
        assert refused.returncode == 2
        assert "nothing was changed: scdw is unknown" in said(refused)
        assert "name it in disable_mirroring_without" in said(refused)
        assert primary.sql("SELECT count(*) FROM gp_segment_configuration WHERE content = -1") == "2"

        time.sleep(max(0, silent + 16 - time.monotonic()))  # longer than a standby that lives says nothing
        done = disable(without=["scdw"])
        assert done.returncode == 0
        assert f"left: scdw was not reached: the standby there in {standby.directory}, port 5432" in said(done)
        assert "demo: unmirrored: cdw serves without a standby" in done.stdout
        check_deregistered(primary)
        again = disable(without=["scdw"])
        assert (again.returncode, changes(again)) == (0, 0)

    # it came back after all
    assert primary.sql("SELECT count(*) FROM pg_stat_replication") == "0"
    done = disable()
    assert done.returncode == 0
    check_removed(primary, standby)


@pytest.mark.drawn
@pytest.mark.usefixtures("mirrored")
def test_a_suspended_standby_is_removed(primary, standby):
    standby.signal("STOP")
    done = disable(stop_timeout=2)
    assert done.returncode == 0
    check_removed(primary, standby)


@pytest.mark.drawn
@pytest.mark.usefixtures("mirrored")
def test_what_is_half_removed_is_removed(primary, standby):
    # as a rewind that was cut off leaves it
    primary.sql("GRANT EXECUTE ON FUNCTION pg_read_binary_file(text) TO standby_replicator")
    primary.sql("GRANT TEMPORARY ON DATABASE postgres TO standby_replicator")
    with stopped(standby):
        verb = primary.sql("SELECT min(proname) FROM pg_proc WHERE proname ~ '^gp_remove_(coordinator|master)_standby$'")
        primary.sql(f"SELECT {verb}()")
        primary.run(f"sed -i '/BEGIN warehousepg/,/END warehousepg/d' {primary.directory}/pg_hba.conf; rm ~/.whpg/demo.pgpass")
    done = disable()
    assert done.returncode == 0
    check_removed(primary, standby)


@pytest.mark.drawn
@pytest.mark.usefixtures("mirrored")
def test_a_run_that_was_cut_off_is_finished_by_the_next(primary, standby):
    command = ["ansible-playbook", DISABLE, "-i", str(INVENTORY)]
    with subprocess.Popen(command, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True) as cut_off:
        wait_until(lambda: primary.sql("SELECT count(*) FROM pg_stat_replication") == "0", "the standby is stopped", 60)
        cut_off.send_signal(signal.SIGKILL)
    done = disable()
    assert done.returncode == 0
    check_removed(primary, standby)


@pytest.mark.drawn
@pytest.mark.usefixtures("mirrored")
def test_what_killed_runs_left_goes_and_what_they_set_aside_is_named(primary, standby):
    set_aside = {}
    for coordinator in (primary, standby):
        parent = coordinator.directory.rpartition("/")[0]
        for name in ("snapshot", "salvage"):
            coordinator.run(f"mkdir {parent}/.gpseg-1.coordinator_{name}; touch {parent}/.gpseg-1.coordinator_{name}/half")
        coordinator.run("touch ~/.whpg/demo.{armed,armed.promoting,armed.result}")
        set_aside[coordinator] = f"{parent}/gpseg-1.set_aside-20261123T080000Z"
        coordinator.run(f"mkdir {set_aside[coordinator]}")
    # as one that was promoted by other means
    primary.sql("ALTER SYSTEM SET primary_conninfo = 'host=scdw'")
    primary.sql("ALTER SYSTEM SET primary_slot_name = 'standby_coordinator'")
    standby.run(f"mkdir {standby.directory}/gpmetrics; touch {standby.directory}/gpmetrics/1")
    marked = "warehousepg.coordinator environment of demo"
    standby.run(f"printf '# BEGIN {marked}\\nexport PGPORT=1\\n# END {marked}\\n' >> ~/.bashrc")
    foretold = disable("--check")
    assert "settings of a standby" in said(foretold) and "only the standby has gpmetrics/1" in said(foretold)
    assert "the environment of the engine's user" in said(foretold)
    assert marked in standby.run("cat ~/.bashrc")
    done = disable()
    assert done.returncode == 0
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("demo: ")]
    assert "only the standby had gpmetrics/1" in line
    assert "the environment of the engine's user" in line and marked not in standby.run("cat ~/.bashrc")
    for coordinator, aside in set_aside.items():
        parent = coordinator.directory.rpartition("/")[0]
        assert f"left: {coordinator.name}: {aside}" in line
        assert coordinator.run(f"ls -A {parent} | grep coordinator_ || true") == ""
        assert [name for name in kept_files(coordinator) if not name.endswith(".audit.jsonl")] == []
        coordinator.run(f"rmdir {aside}")
    assert "primary_" not in primary.run(f"cat {primary.directory}/postgresql.auto.conf")
    check_removed(primary, standby)
    again = disable()
    assert (again.returncode, changes(again)) == (0, 0)


@pytest.fixture
def disk(standby):
    """Another file system, as far as pg_wal is concerned."""
    podman("exec", standby.name, "sh", "-c", "rm -rf /data/disk; mkdir /data/disk; chown gpadmin: /data/disk")
    yield "/data/disk"
    podman("exec", standby.name, "rm", "-rf", "/data/disk")


@pytest.mark.drawn
@pytest.mark.usefixtures("mirrored")
@pytest.mark.parametrize("fate", ["set_aside", "deleted"])
def test_wal_on_another_disk_goes_with_its_instance(primary, standby, disk, fate):
    with stopped(standby):
        standby.run(f"mv {standby.directory}/pg_wal {disk}/wal; ln -s {disk}/wal {standby.directory}/pg_wal")
    done = disable(data=fate)
    assert done.returncode == 0
    check_removed(primary, standby)
    left = standby.run(f"ls -A {disk}")
    if fate == "deleted":
        assert left == "" and f"{disk}/wal" in said(done)
    else:
        assert left.startswith("wal.set_aside-") and f"{disk}/{left}" in said(done)
        assert standby.run(f"realpath {PARENT}/*/pg_wal") == f"{disk}/{left}"


@pytest.mark.drawn
@pytest.mark.usefixtures("mirrored")
def test_a_former_primary_is_left_as_it_is(primary, standby):
    primary.stop()
    assert playbook("warehousepg.coordinator.activate_standby").returncode == 0
    done = disable(data="deleted")
    assert done.returncode == 0
    left = f"left: cdw: {primary.directory} holds a primary, which is stopped; it is left as it is, start-blocked by FENCED_scdw"
    assert left in said(done)
    assert "left: segments go on allowing scdw access" in said(done)
    # two marker lines in the file of each of four segments, and between them scdw alone
    check_deregistered(standby, rules_left=8)
    blocks = Host("sdw1").run("sed -n '/BEGIN warehousepg/,/END warehousepg/p' /data/whpg/v7/*/gpseg*/pg_hba.conf")
    assert f"{NET}.12/32" in blocks and f"{NET}.11/32" not in blocks
    assert primary.host.file(f"{primary.directory}/PG_VERSION").exists
    assert [name for name in kept_files(primary) if not name.endswith(".audit.jsonl")] == []
    again = disable(data="deleted")
    assert (again.returncode, changes(again)) == (0, 0)
