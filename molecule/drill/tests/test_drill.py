# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A switchover is rehearsed there and back, or a copy of the standby activated; what that costs is told, and the pair is as it was."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from activating import Client, Operator, Outcome, kill_run
from conftest import (
    INVENTORY,
    TOLD,
    Coordinator,
    left_of_runs,
    module,
    playbook,
    status,
    stopped,
    wait_in_sync,
    wait_until,
)
from inventories import CACHE, SET

DRILL = "warehousepg.coordinator.drill"

# Opens a transaction on the standby's host when that is primary, which lasts.
HINDER = "psql -X -q -h /tmp -c BEGIN -c 'SELECT pg_sleep(600)' < /dev/null > /dev/null 2>&1 & sleep 1"


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(tmp_path)


def drill(operator: Operator, *arguments: str, variables: dict | None = None, **own: object) -> Outcome:
    """Run the playbook; the names of its own variables are given without the role's prefix."""
    given = {**(variables or {}), **{f"drill_{name}": value for name, value in own.items()}}
    return operator.run(DRILL, "drill", "rehearsed", arguments, given)


def check_left(primary: Coordinator, standby: Coordinator) -> None:
    """The pair is mirrored as it was, and nothing of a drill is left: no process, no file, no lock, no note."""
    assert primary.sql("SELECT state, sync_state FROM pg_stat_replication") == "streaming|sync"
    assert standby.host.file(f"{standby.directory}/standby.signal").exists
    for host in (primary, standby):
        assert host.run("ls -A ~/.whpg | grep -E 'writes|armed' || true") == ""
        assert host.run("ps -C python3 -o args= || true") == ""
        assert (
            host.run("psql -X -At -h /tmp -c 'SELECT 1' 2> /dev/null | wc -l; ps -C postgres -o args= | grep -c -- '-D.*drill' || true")[-1]
            == "0"
        )
    assert standby.run(f"ls {standby.directory.rpartition('/')[0]}") == "gpseg-1"
    assert left_of_runs(primary, standby) == ""


def timeline(primary: Coordinator) -> str:
    return primary.sql("SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)")


def test_a_switchover_there_and_back_is_told_with_what_it_costs(primary, standby, converged):
    said = re.findall(r"^demo: (there|back|written|rehearsed): (.*)$", converged, re.MULTILINE)
    assert [kind for kind, _words in said] == ["there", "back", "written", "rehearsed"]
    told = dict(said)
    assert re.match(r"scdw became primary; RTO \d+\.\d\d s, RPO 0 commits of [1-9]\d* acknowledged; seconds: prepare ", told["there"])
    assert told["back"].startswith("cdw became primary; RTO ")
    assert re.match(r"cdw is primary again, and scdw its standby; RTO \d+\.\d\d s, RPO 0 commits$", told["rehearsed"])
    check_left(primary, standby)
    assert timeline(primary) == "00000003"
    assert status() == ("mirrored", 0)


def test_the_report_is_for_programs_and_for_auditors(converged):
    told = json.loads((TOLD / ".whpg/demo.drill.json").read_text())
    assert (told["outcome"], told["kind"], told["former_primary"], told["new_primary"]) == ("rehearsed", "switchover", "cdw", "cdw")
    assert told["rto_s"] == max(told["there"]["rto_s"], told["back"]["rto_s"]) > 0
    assert (told["rpo_commits"], told["loss"]["known"]) == (0, "none")
    for way in ("there", "back"):
        assert told[way]["acknowledged"] > 0
        assert {"prepare", "stop", "follow"} <= set(told[way]["seconds"])
        assert {f"{way}_prepare", f"{way}_stop", f"{way}_follow"} <= set(told["seconds"])
    assert told["writes"]["acknowledged"] > told["there"]["acknowledged"] + told["back"]["acknowledged"], "it was written after both"
    assert told["writes"]["longest_pause_s"] >= told["rto_s"]
    assert told["writes"]["clock_uncertainty_s"] is not None
    (line,) = [json.loads(line) for line in (TOLD / ".whpg/demo.audit.jsonl").read_text().splitlines()]
    assert line == {**told, "action": "drill"}


def test_history_and_page_show_it(converged, tmp_path):
    kept = str(TOLD / ".whpg/demo.audit.jsonl")
    shown = playbook("warehousepg.coordinator.history", drill_audit_file=kept)
    assert re.search(r"demo +\w+ +drill +rehearsed +\d+ s +none +RTO \d+\.\d\d s; RPO 0 commits", shown.stdout)
    page = tmp_path / "status.html"
    files = {"status_html": str(page), "status_samples_file": str(tmp_path / "samples.jsonl"), "drill_audit_file": kept}
    assert playbook("warehousepg.coordinator.status", **files).returncode == 0
    text = " ".join(re.sub(r"<[^>]*>", " ", page.read_text(encoding="utf-8")).split())
    assert re.search(r"Last drill .* cdw is primary; RTO \d+\.\d\d s; RPO 0 commits .* there prepare \d+\.\d\d s", text)
    assert "drill: rehearsed" in text


@pytest.mark.usefixtures("mirrored")
def test_the_activation_of_a_copy_touches_neither_coordinator(primary, standby, operator):
    before = primary.sql(
        "SELECT pg_postmaster_start_time(), system_identifier, timeline_id FROM pg_control_system(), pg_control_checkpoint()"
    )
    stream = primary.sql("SELECT pid, backend_start FROM pg_stat_replication")
    process = standby.run(f"head -n 3 {standby.directory}/postmaster.pid")
    client = Client("segments_copy").start()
    client.wait_for("cdw", 50)
    done = drill(operator, kind="copy")
    client.wait_for("cdw", 50)
    client.stop()
    assert done.code == 0
    assert re.match(r"rehearsed: a copy of the standby on scdw was activated and removed; .* RTO \d+\.\d\d s, RPO 0 commits$", done.line)
    told = done.result
    assert (told["outcome"], told["kind"], told["rpo_commits"], told["copy"]["behind_bytes"]) == ("rehearsed", "copy", 0, 0)
    assert told["rto_s"] == told["copy"]["rto_s"] > 0 and told["copy"]["acknowledged"] > 0
    assert {"copy_files", "take_wal", "start", "replay", "promote", "first_write"} == set(told["seconds"])
    assert "utility mode" in told["copy"]["closed"]
    after = primary.sql(
        "SELECT pg_postmaster_start_time(), system_identifier, timeline_id FROM pg_control_system(), pg_control_checkpoint()"
    )
    assert (after, primary.sql("SELECT pid, backend_start FROM pg_stat_replication")) == (before, stream)
    assert standby.run(f"head -n 3 {standby.directory}/postmaster.pid") == process
    check_left(primary, standby)
    assert status() == ("mirrored", 0)


@pytest.mark.usefixtures("mirrored")
def test_a_copy_has_what_was_committed_and_reaches_no_segment(primary, standby, operator):
    """The steps of the drill, one after the other, while the standby is written to."""
    directory = f"{standby.directory}.drill"
    primary.sql("CREATE TABLE of_drill (number int); CREATE INDEX ON of_drill (number); CHECKPOINT")
    client = Client("coordinator_copy", role="utility").start()
    primary.sql("INSERT INTO of_drill SELECT * FROM generate_series(1, 50000)")
    assert module(standby, "rehearsal_copy", state="copied")["changed"]
    primary.sql("UPDATE of_drill SET number = -number WHERE number % 2 = 0; DELETE FROM of_drill WHERE number % 3 = 0")
    done = module(standby, "rehearsal_copy", state="activated")
    client.stop()
    assert done["timeline"] == done["end_timeline"] + 1
    query = "SELECT count(*), sum(number) FROM of_drill"
    within = f'PGOPTIONS="-c $WHPG_UTILITY_SETTING=utility" psql -X -At -h {directory} -c {shlex.quote(query)}'
    assert standby.run(within) == primary.sql(query)
    said = standby.run(f"psql -X -At -h {directory} -c 'SHOW gp_role' 2>&1 || true")
    assert "only utility mode connections are allowed" in said or said == "utility"
    leader = standby.run(f"head -n 1 {directory}/postmaster.pid")
    family = standby.run(f"echo {leader} $(ps -o pid= --ppid {leader})").split()
    sockets = standby.run("ss -Htnap")
    assert not [pid for pid in family if f"pid={pid}," in sockets], "it listens nowhere, and is connected to nobody"
    # a drill that was cut off left it: the next one removes it before it makes another
    again = drill(operator, kind="copy")
    assert again.code == 0
    assert [step["name"] for step in module(standby, "rehearsal_copy", state="absent")["steps"]] == []
    primary.sql("DROP TABLE of_drill")
    check_left(primary, standby)


@pytest.mark.usefixtures("mirrored")
def test_what_could_not_be_switched_is_refused_and_nothing_is_changed(primary, standby, operator):
    with stopped(standby):
        for kind in ("switchover", "copy"):
            done = drill(operator, kind=kind)
            assert (done.code, done.changes, done.result["outcome"]) == (2, 0, "not_rehearsed")
            assert "NOT rehearsed: nothing was changed: the pair is degraded, not mirrored" in done.line
    wait_in_sync(primary)
    done = drill(operator, variables={"switchover_to": "scdw"})
    assert (done.code, done.changes) == (2, 0)
    assert "a drill swaps the coordinators and swaps them back: leave it out" in done.line
    standby.run(f"mkdir {standby.directory}.drill; echo mine > {standby.directory}.drill/notes")
    done = drill(operator, kind="copy")
    assert done.code == 2
    assert "holds something that no drill left there" in done.line and "cdw is primary, and scdw its standby, as before" in done.line
    assert standby.run(f"cat {standby.directory}.drill/notes; rm -r {standby.directory}.drill") == "mine"
    check_left(primary, standby)


@pytest.mark.usefixtures("mirrored")
@pytest.mark.parametrize(
    ("kind", "words"), [("switchover", "scdw can be primary instead of cdw"), ("copy", "the standby on scdw can be copied")]
)
def test_in_check_mode_it_says_what_could_be(primary, standby, operator, kind, words):
    done = drill(operator, "--check", kind=kind)
    assert (done.code, done.result) == (0, {})
    assert done.line.startswith(f"can be rehearsed: {words}") and done.line.endswith("nothing was changed")
    assert timeline(primary) == "00000001"
    check_left(primary, standby)


@pytest.mark.usefixtures("mirrored")
def test_where_the_way_back_is_refused_the_run_fails_and_says_how_to_swap_back(primary, standby, operator, tmp_path):
    hinder = f"ssh -F {CACHE}/ssh/{SET}.config scdw {shlex.quote(f'export WHPG_CLUSTER=demo; . /run/whpg/profile.sh; {HINDER}')}"
    tasks = tmp_path / "hinder.yml"
    tasks.write_text(json.dumps([{"name": "Hinder the way back", "ansible.builtin.shell": hinder}]))
    done = drill(operator, variables={"switchover_post_tasks": str(tasks), "switchover_transaction_seconds": 0.5})
    assert (done.code, done.result["outcome"], done.result["new_primary"]) == (2, "half_rehearsed", "scdw")
    assert "HALF REHEARSED: scdw is primary and stays so, for the way back failed: " in done.line
    assert "transactions run for more than 0.5 s" in done.line
    assert "run the playbook switchover with switchover_to=cdw" in done.line
    assert done.result["rto_s"] == done.result["there"]["rto_s"] > 0
    check_left(primary=standby, standby=primary)
    back = operator.switch(to="cdw", accept_transactions=True)
    assert back.code == 0
    check_left(primary, standby)


@pytest.mark.usefixtures("mirrored")
def test_a_drill_that_was_cut_off_is_finished_by_switchover_and_the_next_one_ends_its_writers(primary, standby, operator):
    command = ["ansible-playbook", DRILL, "-i", str(INVENTORY)]
    run = subprocess.Popen(command, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: not standby.host.file(f"{standby.directory}/standby.signal").exists, "the promotion", 60)
    finally:
        kill_run(run, standby)
    assert primary.run("ls ~/.whpg/demo.writes") and primary.run("pgrep -x python3")
    refused = drill(operator)
    assert (refused.code, refused.result["outcome"]) == (2, "not_rehearsed")
    assert "a switchover to scdw was cut off: finish it by the playbook switchover, then rehearse" in refused.line
    assert operator.switch().code == 0
    assert operator.switch(to="cdw").code == 0
    done = drill(operator)
    assert (done.code, done.result["outcome"]) == (0, "rehearsed")
    check_left(primary, standby)
