# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What enable_mirroring makes of a pair that is half made, and what it leaves where it fails."""

from __future__ import annotations

import json
import signal
import subprocess

import pytest
from conftest import ENABLE, INVENTORY, NET, NOTHING, changes, enable, left_of_runs, lock_elsewhere, module, status, traces, wait_until

LOCK = "~/.whpg/demo.lock"
PARENT = "/data/whpg/v7/standby"
LEFTOVER = f"{PARENT}/.gpseg-1.coordinator_snapshot"


@pytest.fixture
def mirrored():
    assert enable().returncode == 0


def said(done) -> str:
    return " ".join(done.stdout.split())


@pytest.mark.usefixtures("unmirrored")
def test_check_mode_foretells_and_changes_nothing(primary, standby):
    done = enable("--check", "--diff")
    assert done.returncode == 0
    assert "changed=" in done.stdout
    assert traces(primary, standby) == NOTHING


@pytest.mark.usefixtures("unmirrored")
def test_what_a_failed_run_began_is_rolled_back(primary, standby):
    done = enable(standby_primary_host=f"{NET}.99")
    assert done.returncode == 2
    assert "demo is not mirrored" in done.stdout
    assert "Rolled back: replication role, catalog row, slot" in done.stdout
    assert traces(primary, standby) == NOTHING
    assert status() == ("unmirrored", 2)


@pytest.mark.drawn
@pytest.mark.usefixtures("unmirrored")
def test_a_copy_that_does_not_start_is_removed_again(primary, standby):
    # that the directory is missing is seen before; accepted, the start of the instance meets it
    primary.sql("ALTER SYSTEM SET unix_socket_directories = '/tmp,/nowhere'")
    try:
        done = enable(standby_accepted_differences=["files"])
    finally:
        primary.sql("ALTER SYSTEM RESET unix_socket_directories")
    assert done.returncode == 2
    assert "Rolled back: replication role, catalog row, slot, the copy" in done.stdout
    assert traces(primary, standby) == NOTHING


@pytest.mark.drawn
@pytest.mark.usefixtures("unmirrored")
def test_a_copy_that_cannot_come_into_place_is_removed_again(primary, standby):
    # something is there by the time at which the copy is whole
    watch = f"while [ ! -e {LEFTOVER}/base ]; do sleep 0.01; done; mkdir {standby.directory}; touch {standby.directory}/busy"
    standby.run(f"nohup sh -c '{watch}' > /dev/null 2>&1 &")
    done = enable()
    assert done.returncode == 2
    assert standby.run(f"ls -A {PARENT}") == "gpseg-1"
    standby.run(f"rm -r {standby.directory}")
    assert traces(primary, standby) == NOTHING


@pytest.mark.drawn
@pytest.mark.usefixtures("unmirrored")
def test_something_else_in_the_place_is_refused_and_kept(primary, standby):
    standby.run(f"mkdir {standby.directory} && touch {standby.directory}/precious")
    done = enable()
    assert done.returncode == 2
    assert f"nothing was changed: scdw: {standby.directory} holds something that is not an instance" in done.stdout
    assert standby.run(f"ls {standby.directory}") == "precious"
    assert traces(primary, standby) == (*NOTHING[:4], "gpseg-1")
    standby.run(f"rm -r {standby.directory}")


@pytest.mark.drawn
@pytest.mark.usefixtures("unmirrored")
def test_a_host_left_out_is_unknown_and_nothing_is_begun(primary, standby):
    done = enable("--limit", "cdw,scdw")
    assert done.returncode == 2
    assert "nothing was changed: sdw1 is unknown, it took no part in this run" in done.stdout
    assert traces(primary, standby) == NOTHING


@pytest.mark.usefixtures("unmirrored")
def test_a_run_that_was_cut_off_is_finished_by_the_next(primary, standby):
    command = ["ansible-playbook", ENABLE, "-i", str(INVENTORY), "-e", "standby_max_rate=256k"]
    with subprocess.Popen(command, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True) as cut_off:
        wait_until(lambda: standby.run(f"ls -A {LEFTOVER} 2> /dev/null || true") != "", "the copy has begun", 60)
        held = json.loads(primary.run("head -n 1 ~/.whpg/demo.lock"))
        assert held["pid"] == cut_off.pid
        other = enable()
        assert other.returncode == 2
        assert f"nothing was changed: cdw, scdw: another run works on this pair: enable_mirroring by {held['user']} on" in said(other)
        foreseen = enable("--check")
        assert foreseen.returncode == 2 and "nothing was changed: cdw, scdw: another run works on this pair" in said(foreseen)
        assert status()[0] == "degraded", "who only looks is not kept away"
        cut_off.send_signal(signal.SIGKILL)
    assert left_of_runs(primary, standby).count("demo.lock") == 2
    assert enable().returncode == 0
    assert left_of_runs(primary, standby) == ""
    assert standby.run("ls -A /data/whpg/v7/standby") == "gpseg-1"
    assert status() == ("mirrored", 0)


@pytest.mark.drawn
@pytest.mark.usefixtures("unmirrored")
def test_a_run_that_lost_its_lock_stops_before_its_next_change(primary, standby):
    command = ["ansible-playbook", ENABLE, "-i", str(INVENTORY), "-e", "standby_max_rate=8M"]
    with subprocess.Popen(command, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as run:
        wait_until(lambda: standby.run(f"ls -A {LEFTOVER} 2> /dev/null || true") != "", "the copy has begun", 60)
        lock_elsewhere(standby, "disable_mirroring")
        output = " ".join(run.communicate()[0].split())
    assert run.returncode == 2
    assert "this run no longer holds the lock on the pair" in output
    assert "disable_mirroring by somebody on elsewhere, process 1 has it" in output
    assert "demo: warning: the lock on scdw was not released" in output
    assert standby.run(f"ls {standby.directory} 2> /dev/null || true") == "", "the copy did not come into its place"
    assert left_of_runs(primary) == ""
    standby.run(f"rm {LOCK}")
    assert enable().returncode == 0
    again = enable()
    assert (again.returncode, changes(again)) == (0, 0)


@pytest.mark.drawn
@pytest.mark.usefixtures("mirrored")
def test_a_stopped_standby_is_started(standby):
    standby.signal("KILL")
    assert enable().returncode == 0
    assert status() == ("mirrored", 0)


@pytest.mark.drawn
@pytest.mark.usefixtures("mirrored")
def test_a_lost_directory_is_copied_again(standby):
    standby.stop()
    standby.run(f"rm -r {standby.directory}; mkdir {LEFTOVER}; touch {LEFTOVER}/half")
    assert enable().returncode == 0
    assert standby.run("ls -A /data/whpg/v7/standby") == "gpseg-1"
    assert status() == ("mirrored", 0)


@pytest.mark.drawn
@pytest.mark.usefixtures("mirrored")
def test_a_copy_alone_is_a_standby_that_is_stopped(primary, standby):
    standby.stop()
    standby.run(f"rm -r {standby.directory}")
    observed = module(primary, "mirroring_info")
    desired = {
        "primary_host": "cdw",
        "primary_port": 5432,
        "passfile": "~/.whpg/demo.pgpass",
        "dbid": observed["primary"]["standby"]["dbid"],
        "system_identifier": observed["instance"]["control"]["system_identifier"],
    }
    refused = module(standby, "coordinator_snapshot", **{**desired, "engine_version": "another"})
    assert "install the same version on both" in refused["msg"]
    made = module(standby, "coordinator_snapshot", **desired)
    assert [step["name"] for step in made["steps"]] == ["copy", "swap_in"]
    assert made["changed"] and made["bytes_copied"] > 1 << 20
    assert standby.host.file(f"{standby.directory}/standby.signal").exists
    again = module(standby, "coordinator_snapshot", **desired)
    assert not again["changed"]
    refused = module(standby, "coordinator_snapshot", **{**desired, "system_identifier": "1"})
    assert "the primary is of 1" in refused["msg"]
    # its settings are the primary's: only standby_config makes it follow
    following = module(standby, "standby_config", port=5432, **{name: desired[name] for name in desired if name != "system_identifier"})
    assert [step["name"] for step in following["steps"]] == ["write_settings", "start", "wait_streaming"]
    assert status() == ("mirrored", 0)


@pytest.mark.drawn
@pytest.mark.usefixtures("mirrored")
def test_a_wrong_row_is_corrected_and_the_dbid_follows(primary, standby):
    verb = primary.sql("SELECT min(proname) FROM pg_proc WHERE proname ~ '^gp_add_(coordinator|master)_standby$'")
    primary.sql(f"SELECT {verb.replace('add', 'remove')}()")
    # another dbid than before: the highest one plus one, so one is taken meanwhile
    primary.sql(f"SELECT {verb}('elsewhere', 'elsewhere', '/elsewhere', 6432)")
    assert status() == ("degraded", 2)
    assert enable().returncode == 0
    row = primary.sql("SELECT dbid, hostname, port, datadir FROM gp_segment_configuration WHERE content = -1 AND role = 'm'")
    dbid = standby.run(f"sed -n 's/^gp_dbid *= *//p' {standby.directory}/internal.auto.conf")
    assert row == f"{dbid}|scdw|5432|{standby.directory}"


def let_settings_drift(primary, standby):
    standby.run(f'sed -i "s/^gp_dbid.*/gp_dbid=77/" {standby.directory}/internal.auto.conf')
    primary.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_replication")
    standby.run(f"echo \"primary_slot_name = 'another'\" >> {standby.directory}/postgresql.auto.conf")
    standby.run("sed -i 's/^[^:]*:[^:]*:/*:*:/' ~/.whpg/demo.pgpass; chmod 644 ~/.whpg/demo.pgpass")


@pytest.mark.usefixtures("converged")
def test_settings_that_drifted_are_corrected(standby):
    assert standby.run("cut -d: -f2,3 ~/.whpg/demo.pgpass") == "5432:*", "the password is for the primary alone"
    assert standby.run("stat -c %a ~/.whpg/demo.pgpass") == "600"
    assert status() == ("mirrored", 0)


@pytest.mark.drawn
@pytest.mark.usefixtures("mirrored")
def test_a_new_password_is_set_on_both_hosts_and_told_nowhere(primary, standby, tmp_path):
    variables = tmp_path / "vault.yml"
    variables.write_text("standby_replication_password: Unheard-of:1\n")
    done = enable("-e", f"@{variables}", "-vvv", "--diff")
    assert done.returncode == 0
    assert "Unheard-of" not in done.stdout + done.stderr
    for coordinator in (primary, standby):
        assert coordinator.run("cut -d: -f5- ~/.whpg/demo.pgpass") == "Unheard-of\\:1"
    standby.signal("KILL")
    assert enable().returncode == 0
    assert status() == ("mirrored", 0)
