# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The primary is lost while clients write, and its host answers."""

from __future__ import annotations

import subprocess

import pytest
from activating import ACTIVATE, Client, Operator, check_primary, check_untouched, check_writes, kill_run
from conftest import INVENTORY, NET, TOLD, playbook, podman, status, wait_until
from drift import KEY, change, check_files, check_settings

FLOATING = f"{NET}.50"
# One whose commits span segments, one that writes on the coordinator alone; they write when the primary is lost.
CLIENTS = [Client("segments"), Client("coordinator", role="utility")]


@pytest.fixture
def operator(tmp_path) -> Operator:
    return Operator(tmp_path)


def refuses_to_start(primary, command: str) -> str:
    """What is said to somebody who tries to start the former primary."""
    said = primary.run(f"({command}) < /dev/null 2>&1; test $? != 0; cat {primary.quoted}/log/startup.log")
    assert primary.run(f"pg_ctl -D {primary.quoted} status || true").startswith("pg_ctl: no server running")
    return said


def test_a_killed_primary_is_replaced_and_nothing_acknowledged_is_lost(primary, standby, converged):
    assert "\ndemo: activated" in converged
    for client in CLIENTS:
        client.wait_for("scdw")
    check_writes(CLIENTS, primary, standby)
    check_primary(standby)
    done = Operator(TOLD).audit()[0]
    assert (done["outcome"], done["activated"]) == ("activated", True)
    assert done["loss"]["known"] == "none"
    assert "enable_mirroring" in converged or "rejoin" in converged, "what to run next"
    assert "target_session_attrs=read-write" in converged
    assert status() == ("unmirrored", 2)

    assert "primary_down" in standby.run("cat ~/.whpg/demo.audit.jsonl")
    assert standby.run("ls ~/.whpg/demo.lock 2> /dev/null || true") == ""

    for command in ("gpstart -a", "gpstart -a -m", f"pg_ctl -w -D {primary.quoted} -l {primary.quoted}/log/startup.log start"):
        assert "FENCED_scdw_is_primary" in refuses_to_start(primary, command)
    assert standby.sql("SELECT 1", role="dispatch") == "1"


@pytest.mark.drawn
@pytest.mark.usefixtures("mirrored")
def test_a_run_that_was_cut_off_after_the_promotion_is_finished_by_the_next(primary, standby, operator):
    primary.signal("KILL")
    command = ["ansible-playbook", ACTIVATE, "-i", str(INVENTORY)]
    run = subprocess.Popen(command, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: not standby.host.file(f"{standby.directory}/standby.signal").exists, "the promotion", 60)
    finally:
        kill_run(run, standby)
    done = operator.activate()
    assert done.code == 0
    assert done.line.startswith("activated")
    check_primary(standby)
    again = operator.activate()
    assert (again.code, again.changes) == (0, 0)


@pytest.mark.drawn
@pytest.mark.usefixtures("mirrored")
def test_clients_are_pointed_to_the_new_primary(primary, standby, operator):
    podman("exec", "cdw", "ip", "address", "add", f"{FLOATING}/24", "dev", "eth0")
    primary.sql("CREATE TABLE counted (n int); INSERT INTO counted SELECT generate_series(1, 100)")
    primary.signal("KILL")
    done = operator.activate(floating_address=f"{FLOATING}/24", floating_interface="eth0", analyze="true")
    assert done.code == 0
    assert FLOATING in standby.run("ip -o address show dev eth0")
    assert FLOATING not in primary.run("ip -o address show dev eth0")
    assert standby.sql("SELECT reltuples FROM pg_class WHERE relname = 'counted'") == "100", "it was analyzed"


@pytest.mark.usefixtures("mirrored")
def test_what_was_changed_on_the_primary_is_brought_from_its_disk(primary, standby, operator):
    change(primary)
    primary.signal("KILL")
    foretold = operator.activate("--check")
    assert foretold.code == 0
    assert foretold.line.startswith("can be activated: scdw instead of cdw")
    assert "its instance on cdw stopped, and its data directory start-blocked" in foretold.output
    check_untouched(standby)
    assert "brought from cdw before the promotion: gpbackup_history.db, gpssl/server.key, pg_hba.conf" in foretold.output
    done = operator.activate()
    assert done.code == 0
    assert KEY not in done.output
    assert (len(done.result["brought"]), done.result["not_brought"]) == (6, "")
    check_primary(standby)
    check_files(standby)
    check_settings(standby)

    # What the former primary has of its own by then is kept beside it.
    standby.sql("ALTER SYSTEM SET log_min_duration_statement = '8s'")
    primary.run(f"echo 'only here' >> {primary.directory}/pg_ident.conf")
    rejoined = playbook("warehousepg.coordinator.rejoin")
    assert rejoined.returncode == 0
    assert "brought from scdw: pg_ident.conf, postgresql.auto.conf" in rejoined.stdout
    assert "only here" in primary.run(f"cat {primary.directory}.replaced-*/pg_ident.conf")
    assert "only here" not in primary.run(f"cat {primary.directory}/pg_ident.conf")
    assert "'8s'" in primary.run(f"cat {primary.directory}/postgresql.auto.conf")
    assert status() == ("mirrored", 0)
