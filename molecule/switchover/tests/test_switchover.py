# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The coordinators swap roles while clients write, there and back; or they do not, and nothing has changed."""

from __future__ import annotations

import re
import shlex
import subprocess
from contextlib import contextmanager
from typing import Iterator

import pytest
from activating import (
    EVERY_SEGMENT,
    SWITCH,
    Client,
    Operator,
    check_untouched,
    check_writes,
    hanging_later,
    kill_run,
    session_of,
)
from conftest import INVENTORY, NET, TOLD, Coordinator, playbook, podman, status, stopped, wait_in_sync, wait_until
from drift import KEY, change, check_files, check_settings

FLOATING = f"{NET}.50"

# Changes a setting and the history of backups, over and over, until the primary is stopped.
CHANGE_LATE = """
number=1
while psql -X -q -h /tmp -c "ALTER SYSTEM SET log_min_duration_statement = '$number s'"; do
  echo "backup $number" >> {directory}/gpbackup_history.db
  number=$((number + 1))
  sleep 0.05
done
"""

# Stops the process that waits for the end of the primary, and the standby when that end has come.
LOSE_STANDBY = """
find_watcher() {{ find /proc/[0-9]*/fd -lname "$HOME/.whpg/demo.armed.by-*" 2> /dev/null | head -n 1 | cut -d/ -f3; }}
until watcher=$(find_watcher) && [ -n "$watcher" ]; do sleep 0.01; done
kill -STOP "$watcher"
while (exec 3<> /dev/tcp/cdw/"$PGPORT") 2> /dev/null; do sleep 0.02; done
leader=$(head -n 1 {directory}/postmaster.pid)
kill -KILL "$leader" $(ps -o pid= --ppid "$leader")
echo "$watcher" > /tmp/watcher
"""

# In the place of pg_ctl: before the primary is told to stop, once, a backend is killed, and it is waited until the primary, which restarts
# itself, serves and is followed again.
CRASH_FIRST = """#!/bin/bash
if [[ $* == *stop ]] && victim=$(cat /tmp/victim) && rm /tmp/victim; then
  export WHPG_CLUSTER=demo
  . /run/whpg/profile.sh
  kill -KILL "$victim"
  while kill -0 "$victim"; do sleep 0.01; done
  for number in {{1..100}}; do
    streams=$(psql -X -At -h /tmp -c "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'")
    [[ $streams == 1 ]] && touch /tmp/restarted && break
    sleep 0.1
  done
  sleep 1
fi 2> /dev/null
exec {program}.own "$@"
"""

# In the place of pg_ctl: what promotes the standby has begun, and comes no further while there is a file.
HOLD_PROMOTION = """#!/bin/bash
if [[ $* == *promote ]]; then
  exec > /dev/null 2>&1
  while [[ -e /tmp/hold ]]; do sleep 0.1; done
fi
exec {program}.own "$@"
"""

# Processes that have told by a file that they promote the standby.
FIND_PROMOTING = 'find /proc/[0-9]*/fd -lname "$HOME/.whpg/demo.armed.promoting" 2> /dev/null | cut -d/ -f3 | sort -u'

# An archive that answers nothing any more from some moment on.
DEAD_ARCHIVE = "test -e /tmp/archive_is_dead && exec sleep 300; false"


@pytest.fixture
def operator(tmp_path) -> Operator:
    return Operator(tmp_path)


def clients_of(turn: str) -> list[Client]:
    """One whose commits span segments, one that writes on the coordinator alone."""
    return [Client(f"segments_{turn}"), Client(f"coordinator_{turn}", role="utility")]


def writing(turn: str, host: str, number: int) -> list[Client]:
    """Such clients, which have been served by a host."""
    clients = [client.start() for client in clients_of(turn)]
    for client in clients:
        client.wait_for(host, number)
    return clients


@contextmanager
def transaction(coordinator: Coordinator) -> Iterator[None]:
    """A client has one open."""
    command = "psql -X -q -h /tmp -c 'BEGIN' -c 'SELECT pg_sleep(600)' < /dev/null > /dev/null 2>&1 & echo $!"
    pid = coordinator.run(command)
    running = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND clock_timestamp() - xact_start > '2 s'"
    wait_until(lambda: coordinator.sql(running) == "1", "the transaction runs")
    try:
        yield
    finally:
        coordinator.run(f"kill {pid} || true")


def check_swapped(new: Coordinator, old: Coordinator) -> None:
    """Either is what the other was, in every respect that a later step relies on, and nothing of the way there is left."""
    assert "in production" in new.run(f"pg_controldata {new.directory}")
    assert old.host.file(f"{old.directory}/standby.signal").exists
    rows = "SELECT role, preferred_role, hostname FROM gp_segment_configuration WHERE content = -1 ORDER BY 1 DESC"
    assert new.sql(rows) == f"p|p|{new.name}\nm|m|{old.name}"
    assert new.sql(EVERY_SEGMENT, role="dispatch") == "0\n1"
    assert new.sql("SELECT slot_name, active FROM pg_replication_slots") == "standby_coordinator|t"
    for coordinator in (new, old):
        assert "FENCED" not in coordinator.run(f"cat {coordinator.directory}/postgresql.conf")
        assert "drain" not in coordinator.run(f"cat {coordinator.directory}/pg_hba.conf")
        left = coordinator.run("ls -A ~/.whpg").split()
        assert not [name for name in left if "lock" in name or "armed" in name]
    assert status() == ("mirrored", 0)


def test_roles_are_swapped_there_and_back_and_nothing_acknowledged_is_lost(primary, standby, operator, converged):
    assert "\ndemo: switched: scdw is primary on timeline 2" in converged
    there = clients_of("there")
    for client in there:
        client.wait_for("scdw")
    check_writes(there, primary, standby)
    check_swapped(standby, primary)
    result = Operator(TOLD).audit()[0]
    assert result["gap_s"] > 0
    assert {"prepare", "stop", "promotion", "follow"} <= set(result["seconds"])
    assert result["shutdown_lsn"] == result["switch_lsn"], "it ends where the former primary ended"
    assert (result["action"], result["outcome"], result["loss"]["known"]) == ("switchover", "switched", "none")
    assert "rejoined as it is" in converged
    assert "target_session_attrs=read-write" in converged
    assert "planned switchover" in standby.run("cat ~/.whpg/demo.audit.jsonl")

    podman("exec", "scdw", "ip", "address", "add", f"{FLOATING}/24", "dev", "eth0")
    back = writing("back", "scdw", 50)
    pointers = {"floating_address": f"{FLOATING}/24", "floating_interface": "eth0"}
    given = {f"activate_standby_{name}": value for name, value in pointers.items()}
    done = operator.switch(to="cdw", drain_seconds=2, variables=given)
    assert done.code == 0
    assert done.line.startswith("switched: cdw is primary on timeline 3")
    for client in back:
        client.wait_for("cdw")
    check_writes(back, standby, primary)
    check_swapped(primary, standby)
    assert FLOATING in primary.run("ip -o address show dev eth0")
    assert FLOATING not in standby.run("ip -o address show dev eth0")


@pytest.mark.usefixtures("mirrored")
def test_what_cannot_be_switched_is_refused_and_goes_on_as_it_was(primary, standby, operator):
    started = primary.run(f"stat -c %Y {primary.directory}/postmaster.pid")

    def refused(*arguments, **variables) -> str:
        done = operator.switch(*arguments, **variables)
        assert done.code == 2
        assert done.line.startswith("NOT switched")
        check_untouched(standby)
        assert primary.run("ls -A ~/.whpg").split() == before
        assert primary.run(f"stat -c %Y {primary.directory}/postmaster.pid") == started, "it was not stopped"
        assert "drain" not in primary.run(f"cat {primary.directory}/pg_hba.conf")
        return done.line

    before = primary.run("ls -A ~/.whpg").split()
    foretold = operator.switch("--check")
    assert foretold.code == 0
    assert foretold.line.startswith("can be switched: scdw can be primary instead of cdw")
    already = operator.switch(to="cdw")
    assert (already.code, already.changes) == (0, 0)
    check_untouched(standby)
    assert "sdw1 is unknown" in refused("--limit", "cdw,scdw")
    assert "switchover_to is 'sdw1'" in refused(to="sdw1")
    with transaction(primary):
        assert "switchover_accept_transactions=true" in refused(transaction_seconds=1)
        assert "sessions did not end" in refused(drain_seconds=1, drain_then="refuse")
    assert primary.sql("SELECT 1", role="dispatch") == "1"
    with stopped(standby):
        done = operator.switch()
        assert (done.code, done.changes) == (2, 0)
        assert "the pair is degraded, not mirrored" in done.line
    wait_in_sync(primary)
    assert playbook("warehousepg.coordinator.maintenance", maintenance=True).returncode == 0
    assert "maintenance" in refused()


@contextmanager
def archive(coordinator: Coordinator) -> Iterator[str]:
    """Somebody keeps the WAL by a program of his own, which is stopped by a signal; its name for itself."""
    command = "pg_receivewal -h /tmp --no-loop -D /tmp/archive > /tmp/archive.log 2>&1 < /dev/null & echo $! > /tmp/archive.pid"
    coordinator.run(f"rm -rf /tmp/archive; mkdir /tmp/archive; {command}")
    connected = "SELECT count(*) FROM pg_stat_replication WHERE application_name = 'pg_receivewal' AND state = 'streaming'"
    wait_until(lambda: coordinator.sql(connected) == "1", "the WAL is kept")
    coordinator.run("kill -STOP $(cat /tmp/archive.pid)")
    try:
        yield "pg_receivewal"
    finally:
        coordinator.run("kill -KILL $(cat /tmp/archive.pid); rm -r /tmp/archive /tmp/archive.pid")


@pytest.mark.drawn
@pytest.mark.usefixtures("mirrored")
def test_a_walsender_of_somebody_else_is_named_and_ended_by_option(primary, standby, operator):
    with archive(primary) as name:
        for arguments in (["--check"], []):
            refused = operator.switch(*arguments)
            assert refused.code == 2
            assert f"{name} of gpadmin on this host" in refused.line and "switchover_terminate_walsenders=true" in refused.line
            check_untouched(standby)
        assert primary.sql("SELECT 1", role="dispatch") == "1"
        done = operator.switch(terminate_walsenders=True)
    assert done.code == 0
    check_swapped(standby, primary)


def longest_pause(client: Client) -> float:
    """Seconds between two commits that were acknowledged one after the other."""
    moments = [commit.returned for commit in client.commits()]
    return max(later - earlier for earlier, later in zip(moments, moments[1:]))


@pytest.mark.drawn
@pytest.mark.usefixtures("mirrored")
def test_a_shutdown_that_hangs_is_got_out_of_before_the_gap_is_too_long(primary, standby, operator):
    max_gap = 15
    clients = writing("pause", "cdw", 50)
    with hanging_later(primary):
        done = operator.switch(max_gap=max_gap)
    assert done.code == 2
    assert done.line.startswith("NOT switched")
    assert "stopped by a signal" in done.line and "cdw serves, as before" in done.line
    for client in clients:
        client.wait_for("cdw")
        client.stop()
        assert longest_pause(client) < max_gap
        numbers = set(map(int, primary.sql(f"SELECT DISTINCT number FROM written_by_{client.called}", role=client.role).split()))
        assert {commit.number for commit in client.commits()} <= numbers
    assert "FENCED" not in primary.run(f"cat {primary.directory}/postgresql.conf")
    wait_in_sync(primary)
    check_untouched(standby)

    done = operator.switch()
    assert done.code == 0
    check_swapped(standby, primary)


@pytest.mark.drawn
@pytest.mark.usefixtures("mirrored")
def test_the_former_primary_serves_again_where_its_standby_is_lost_before_the_promotion(primary, standby, operator):
    (client, other) = writing("through", "cdw", 1)
    script = LOSE_STANDBY.format(directory=standby.directory)
    standby.run(f"nohup bash -c {shlex.quote(script)} > /tmp/lose 2>&1 < /dev/null &")
    done = operator.switch()
    assert done.code == 2
    assert done.line.startswith("NOT switched")
    assert "cdw serves, as before" in done.line
    assert "back" in done.result["seconds"], "it had been stopped"
    for writer in (client, other):
        writer.wait_for("cdw")
        writer.stop()
    assert "FENCED" not in primary.run(f"cat {primary.directory}/postgresql.conf")

    standby.run("kill -CONT $(cat /tmp/watcher)")
    wait_until(lambda: standby.run("kill -0 $(cat /tmp/watcher) 2> /dev/null || echo gone") == "gone", "the process that waited ends")
    standby.start()
    wait_in_sync(primary)
    check_untouched(standby)
    for writer in (client, other):
        numbers = set(map(int, primary.sql(f"SELECT DISTINCT number FROM written_by_{writer.called}", role=writer.role).split()))
        assert {commit.number for commit in writer.commits()} <= numbers

    done = operator.switch()
    assert done.code == 0
    check_swapped(standby, primary)


@contextmanager
def in_the_place_of_pg_ctl(coordinator: Coordinator, script: str) -> Iterator[None]:
    """A script is run on the host for it, which finds the program itself under its name with ``.own``."""
    program = coordinator.run("type -P pg_ctl")
    coordinator.write("/tmp/pg_ctl", script.format(program=program))
    podman("exec", coordinator.name, "mv", program, f"{program}.own")
    podman("exec", coordinator.name, "install", "-m", "755", "/tmp/pg_ctl", program)
    try:
        yield
    finally:
        podman("exec", coordinator.name, "mv", f"{program}.own", program)
        coordinator.run("rm /tmp/pg_ctl")


@contextmanager
def crash_before_the_stop(coordinator: Coordinator) -> Iterator[None]:
    """Between the announcement of its shutdown and the order to stop the primary crashes, and restarts itself."""
    with session_of(coordinator, "victim") as pid:
        coordinator.run(f"rm -f /tmp/restarted; echo {pid} > /tmp/victim")
        try:
            with in_the_place_of_pg_ctl(coordinator, CRASH_FIRST):
                yield
        finally:
            coordinator.run("rm -f /tmp/victim")


@pytest.mark.usefixtures("mirrored")
def test_the_checkpoint_of_a_primary_that_restarts_itself_after_a_crash_promotes_nobody(primary, standby, operator):
    """It is written as the one of a shutdown is, and the standby has it, behind the announcement."""
    clients = writing("crash", "cdw", 20)
    with crash_before_the_stop(primary):
        done = operator.switch(max_gap=40)
    assert primary.run("rm /tmp/restarted && echo it did") == "it did"
    if done.code == 0:
        for client in clients:
            client.wait_for("scdw")
        check_writes(clients, primary, standby)
        assert done.result["shutdown_lsn"] == done.result["switch_lsn"], "it was promoted where the primary was shut down in the end"
        check_swapped(standby, primary)
        return
    assert done.line.startswith("NOT switched") and "cdw serves, as before" in done.line
    for client in clients:
        client.wait_for("cdw")
        client.stop()
        numbers = set(map(int, primary.sql(f"SELECT DISTINCT number FROM written_by_{client.called}", role=client.role).split()))
        assert {commit.number for commit in client.commits()} <= numbers
    wait_in_sync(primary)
    check_untouched(standby)


@contextmanager
def promotion_held(coordinator: Coordinator) -> Iterator[None]:
    """What promotes the standby hangs, until the file that holds it is removed."""
    coordinator.run("touch /tmp/hold")
    try:
        with in_the_place_of_pg_ctl(coordinator, HOLD_PROMOTION):
            yield
    finally:
        coordinator.run("rm -f /tmp/hold")


def check_stays_shut_down(old: Coordinator) -> None:
    """It was shut down, and nothing has started it or may do so."""
    assert re.search("state: *shut down$", old.run(f"pg_controldata {old.directory}"), re.MULTILINE)
    assert not old.host.file(f"{old.directory}/postmaster.pid").exists
    assert "FENCED" in old.run(f"cat {old.directory}/postgresql.conf")


@pytest.mark.usefixtures("mirrored")
def test_a_switchover_is_not_rolled_back_where_its_standby_cannot_be_disarmed(primary, standby, operator):
    """Its promotion has begun and hangs: it comes after the run has ended, when a primary that served again would be a second one."""
    clients = writing("held", "cdw", 20)
    with promotion_held(standby):
        done = operator.switch(timeout=10)
        assert done.code == 2
        assert done.line.startswith("SWITCHOVER UNCONFIRMED: cdw was told to stop")
        assert "was to be promoted by a process that still works" in done.line
        assert "run this again, which finishes it or rolls it back" in done.line
        assert (done.result["outcome"], done.result["switched"]) == ("unconfirmed", None)
        check_stays_shut_down(primary)
        assert standby.host.file(f"{standby.directory}/standby.signal").exists

        # The process is lost, what it has begun goes on.
        standby.run(f"kill -KILL $({FIND_PROMOTING}); rm /tmp/hold")
        wait_until(lambda: not standby.host.file(f"{standby.directory}/standby.signal").exists, "the promotion")
    for client in clients:
        client.wait_for("scdw")
    check_stays_shut_down(primary)

    done = operator.switch()
    assert done.code == 0
    assert done.line.startswith("switched: scdw is primary on timeline 2")
    check_writes(clients, primary, standby)
    check_swapped(standby, primary)


@contextmanager
def promoted_by_another(coordinator: Coordinator) -> Iterator[None]:
    """A process of an earlier run has begun to promote the standby; nothing else is known of that run any more."""
    file = "~/.whpg/demo.armed.promoting"
    leader = coordinator.run(f"setsid flock {file} sleep 600 > /dev/null 2>&1 < /dev/null & echo $!")
    try:
        wait_until(lambda: coordinator.run(f"flock -n {file} echo free || echo held") == "held", "the process has begun")
        yield
    finally:
        coordinator.run(f"kill -- -{leader}")


@pytest.mark.usefixtures("mirrored")
def test_what_an_earlier_run_may_have_announced_counts_though_this_one_did_not(primary, standby, operator):
    started = primary.run(f"stat -c %Y {primary.directory}/postmaster.pid")
    with promoted_by_another(standby):
        done = operator.switch(timeout=10)
        assert done.code == 2
        assert done.line.startswith("SWITCHOVER UNCONFIRMED: cdw may have been told to stop by the run that was cut off")
        assert "is being promoted by an earlier run: wait for the end of that, and run this again" in done.line
        assert (done.result["outcome"], done.result["switched"]) == ("unconfirmed", None)
    assert primary.run(f"stat -c %Y {primary.directory}/postmaster.pid") == started, "it was not stopped"
    assert primary.sql("SELECT 1", role="dispatch") == "1"
    check_untouched(standby)


@pytest.mark.usefixtures("mirrored")
def test_an_archive_that_does_not_answer_holds_no_promotion_up(primary, standby, operator):
    settings = f"{standby.quoted}/postgresql.auto.conf"
    standby.run(f"rm -f /tmp/archive_is_dead; echo {shlex.quote(f'restore_command = {DEAD_ARCHIVE!r}')} >> {settings}")
    standby.stop()
    standby.start()
    wait_in_sync(primary)
    standby.run("touch /tmp/archive_is_dead")
    try:
        done = operator.switch(max_gap=20)
        assert done.code == 0
        assert 0 < done.result["gap_s"] < 20
        check_swapped(standby, primary)
        assert f"restore_command = '{DEAD_ARCHIVE}'" in standby.run(f"cat {settings}"), "it is there for later"
    finally:
        standby.run(f"rm /tmp/archive_is_dead; sed -i /^restore_command/d {settings}")


@pytest.mark.usefixtures("mirrored")
def test_a_run_that_was_cut_off_is_finished_by_the_next(primary, standby, operator):
    command = ["ansible-playbook", SWITCH, "-i", str(INVENTORY)]
    run = subprocess.Popen(command, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: not standby.host.file(f"{standby.directory}/standby.signal").exists, "the promotion", 60)
    finally:
        kill_run(run, standby)
    refused = operator.switch(to="cdw")
    assert refused.code == 2
    assert "finish it first" in refused.line
    # what it changed until it was stopped, and nobody brought
    primary.run(f"echo a backup > {primary.directory}/gpbackup_history.db; echo 'late one gpadmin' >> {primary.directory}/pg_ident.conf")
    done = operator.switch()
    assert done.code == 0
    assert done.result["brought"] == ["gpbackup_history.db", "pg_ident.conf"]
    assert standby.run(f"cat {standby.directory}/gpbackup_history.db; tail -n 1 {standby.directory}/pg_ident.conf").splitlines() == [
        *("a backup", "late one gpadmin")
    ]
    assert done.line.startswith("switched: scdw is primary on timeline 2")
    check_swapped(standby, primary)


@pytest.mark.drawn
@pytest.mark.usefixtures("mirrored")
def test_what_was_changed_on_the_former_primary_is_there_on_the_new_one(primary, standby, operator):
    change(primary)
    foretold = operator.switch("--check")
    assert foretold.code == 0
    assert (
        "differs from cdw in the settings log_min_duration_statement, max_connections, work_mem and gpbackup_history.db" in foretold.output
    )
    check_untouched(standby)

    done = operator.switch()
    assert done.code == 0
    assert KEY not in done.output
    check_files(standby)
    check_settings(standby)
    check_swapped(standby, primary)
    assert "postgresql.auto.conf" in done.result["brought"]

    script = CHANGE_LATE.format(directory=standby.directory)
    standby.run(f"nohup bash -c {shlex.quote(script)} > /tmp/late 2>&1 < /dev/null & echo")
    done = operator.switch()
    assert done.code == 0
    history = [coordinator.run(f"md5sum < {coordinator.directory}/gpbackup_history.db") for coordinator in (primary, standby)]
    assert history[0] == history[1]
    last = standby.run(f"grep log_min_duration_statement {standby.directory}/postgresql.auto.conf")
    assert last == primary.run(f"grep log_min_duration_statement {primary.directory}/postgresql.auto.conf")
    check_swapped(primary, standby)
