# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the status playbook says of a pair, to people and to programs, and its exit code, for each way a pair can be broken."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import threading
from contextlib import contextmanager

import pytest
from conftest import (
    INVENTORY,
    PLAIN,
    ansible,
    inherited,
    pause,
    playbook,
    podman,
    stopped,
    suspended,
    unreachable,
    wait_in_sync,
    wait_until,
)
from document import STATUS, look

pytestmark = pytest.mark.usefixtures("pair")

LEFT_OUT = ("--limit", "scdw,sdw1")


@pytest.fixture(autouse=True)
def mirrored_again(primary):
    yield
    wait_in_sync(primary)


@pytest.mark.drawn
def test_standby_stopped(standby, tmp_path):
    with stopped(standby):
        cluster, code = look(tmp_path)
    assert (cluster["state"], code) == ("degraded", 2)
    assert (cluster["replication"]["connected"], cluster["hosts"]["scdw"]["running"]) == (False, False)
    assert cluster["slots"][0]["active"] is False


def test_standby_suspended(standby, tmp_path):
    with suspended(standby):
        cluster, code = look(tmp_path)
    assert (cluster["state"], code) == ("degraded", 2)
    assert (cluster["probe"]["acknowledged"], cluster["hosts"]["scdw"]["suspended"]) == (False, True)


@pytest.mark.drawn
def test_primary_stopped(primary, tmp_path):
    with stopped(primary):
        cluster, code = look(tmp_path)
    assert (cluster["state"], code) == ("primary_down", 2)
    assert cluster["activation"]["allowed"] is True


def test_primary_suspended(primary, tmp_path):
    with suspended(primary):
        cluster, code = look(tmp_path)
    assert (cluster["state"], code) == ("primary_hung", 2)
    assert cluster["hosts"]["cdw"]["answered"] is False


#: what a role or a database can have that would mislead or hinder who looks
SETTINGS = (
    "ROLE gpadmin SET statement_timeout = '1ms'",
    "DATABASE postgres SET lock_timeout = '1ms'",
    "ROLE gpadmin SET default_transaction_read_only = on",
    "DATABASE postgres SET synchronous_commit = off",
    "ROLE gpadmin SET role = pg_monitor",
    "ROLE gpadmin SET session_preload_libraries = 'nonesuch'",
    "ROLE gpadmin SET \"DateStyle\" = 'German'",
    "ROLE gpadmin SET search_path = hostile, pg_catalog",
)
HOSTILE = (
    "CREATE SCHEMA hostile; GRANT USAGE ON SCHEMA hostile TO PUBLIC; "
    "CREATE FUNCTION hostile.pg_current_wal_lsn() RETURNS pg_lsn LANGUAGE sql AS 'SELECT pg_sleep(60); SELECT NULL::pg_lsn'; "
    "CREATE VIEW hostile.pg_stat_replication AS SELECT * FROM pg_catalog.pg_stat_replication WHERE false"
)
OWN = "-c role=none -c statement_timeout=0 -c default_transaction_read_only=off -c session_preload_libraries= -c search_path=pg_catalog"


@pytest.mark.drawn
def test_settings_of_a_role_or_a_database_do_not_matter(primary, tmp_path):
    def sql(statements):
        """Like a session of old: the present one would be hindered."""
        options = f"{OWN} -c $WHPG_UTILITY_SETTING=utility"
        return primary.run(f'PGOPTIONS="{options}" psql -X -At -q -h /tmp -v ON_ERROR_STOP=1 -c {shlex.quote(statements)}')

    sql(HOSTILE)
    try:
        sql("; ".join(f"ALTER {setting}" for setting in SETTINGS))
        cluster, code = look(tmp_path)
    finally:
        sql("ALTER ROLE gpadmin RESET ALL; ALTER DATABASE postgres RESET ALL; DROP SCHEMA hostile CASCADE")
    assert (cluster["state"], code) == ("mirrored", 0)
    assert (cluster["probe"]["acknowledged"], cluster["probe"]["replayed"]) == (True, True)


@contextmanager
def sessions(primary, count, statement=""):
    """Idle sessions of a client, each after a statement."""
    session = f"(echo {shlex.quote(statement)}; sleep 300) | psql -X -q -h /tmp > /dev/null 2>&1"
    script = f"for number in $(seq {count}); do {session} & done; wait"
    primary.run(f"setsid bash -c {shlex.quote(script)} > /dev/null 2>&1 < /dev/null & echo $! > /tmp/sessions")
    try:
        yield
    finally:
        primary.run("kill -- -$(cat /tmp/sessions); rm /tmp/sessions")


@pytest.mark.drawn
def test_all_connections_in_use(primary, tmp_path):
    full = 'psql -X -h /tmp -c "SELECT 1" 2>&1 || true'
    with sessions(primary, int(primary.sql("SHOW max_connections"))):
        wait_until(lambda: "too many clients" in primary.run(full), "all connections are in use", limit_s=60)
        cluster, code = look(tmp_path)
    wait_until(lambda: "too many clients" not in primary.run(full), "connections are left again")
    assert (cluster["state"], code) == ("degraded", 2)
    host = cluster["hosts"]["cdw"]
    assert (host["answered"], host["refused"]) == (None, "too_many_connections")
    assert "too many clients" in host["error"]
    assert (cluster["replication"]["connected"], cluster["hosts"]["scdw"]["connected"]) == (None, True)
    assert not any("no standby streams" in reason for reason in cluster["reasons"])
    assert any("its walreceiver is connected" in reason for reason in cluster["reasons"])
    assert cluster["activation"]["allowed"] is False


@pytest.mark.drawn
def test_a_lock_that_somebody_holds_is_no_hang(primary, tmp_path):
    """An access-exclusive lock on what is read, by a session that forgot it."""
    held = "SET allow_system_table_mods = on; BEGIN; LOCK pg_catalog.gp_segment_configuration IN ACCESS EXCLUSIVE MODE;"
    locked = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation = 'gp_segment_configuration'::regclass"
    with sessions(primary, 1, held):
        wait_until(lambda: primary.sql(locked) == "1", "it is locked")
        cluster, code = look(tmp_path)
    wait_until(lambda: primary.sql(locked) == "0", "the lock is gone")
    assert (cluster["state"], code) == ("degraded", 2)
    assert "waits for a lock that is held by the process" in cluster["hosts"]["cdw"]["error"]


def test_segments_that_are_down_are_counted(primary, tmp_path):
    """As the engine has it in its catalog when it has lost a mirror."""
    change = "SET allow_system_table_mods = on; UPDATE gp_segment_configuration SET status = '{}' WHERE role = 'm' AND content = 0"
    primary.sql(change.format("d"))
    try:
        cluster, code = look(tmp_path, "--check")
    finally:
        primary.sql(change.format("u"))
    assert (cluster["state"], code) == ("mirrored", 0)
    assert (cluster["segments"]["down"], cluster["segments"]["not_in_preferred_role"]) == (1, 0)
    assert any("are down" in warning and "run gprecoverseg" in warning for warning in cluster["warnings"])


def test_host_of_the_primary_unreachable(primary, tmp_path):
    with unreachable(primary.name):
        cluster, code = look(tmp_path)
    assert (cluster["state"], code) == ("primary_unknown", 2)
    assert cluster["hosts"]["cdw"]["missing"].startswith("unreachable")
    assert (cluster["replication"]["connected"], cluster["registration"]["registered"], cluster["slots"]) == (None, None, None)


@pytest.mark.drawn
def test_host_of_the_standby_unreachable(standby, tmp_path):
    with unreachable(standby.name):
        cluster, code = look(tmp_path)
    assert (cluster["state"], code) == ("degraded", 2)
    assert cluster["hosts"]["scdw"]["running"] is None


@pytest.mark.drawn
def test_host_of_the_segments_unreachable(tmp_path):
    with unreachable("sdw1"):
        cluster, code = look(tmp_path)
    assert (cluster["state"], code) == ("mirrored", 0)
    assert (cluster["hosts"]["sdw1"]["observed"], cluster["hosts"]["sdw1"]["segments"]) == (False, None)


@pytest.mark.drawn
def test_host_of_the_primary_dies_while_it_is_asked(primary, standby, tmp_path):
    """The probe waits for the suspended standby when the host goes."""
    death = threading.Timer(4, pause, (primary.name,))
    with suspended(standby):
        death.start()
        try:
            cluster, code = look(tmp_path, discovery_probe_timeout=14)
        finally:
            death.join()
            podman("unpause", primary.name)
    assert (cluster["state"], code) == ("primary_unknown", 2)
    assert cluster["hosts"]["cdw"]["missing"].startswith("unreachable")


def test_a_host_whose_disk_hangs_is_unknown_in_time(standby, tmp_path):
    version = f"{standby.quoted}/PG_VERSION"
    standby.run(f"mv {version} /tmp/version; mkfifo {version}")  # who reads it waits for a writer
    try:
        cluster, code = look(tmp_path, discovery_timeout=25)  # enough for the others, however busy the machine is
    finally:
        # first that which would wait for ever, then the file
        standby.run(f"timeout 1 tee {version} < /tmp/version > /dev/null || true; rm {version}; mv /tmp/version {version}")
    assert (cluster["state"], code) == ("degraded", 2)
    assert "did not answer within 25 s" in cluster["hosts"]["scdw"]["missing"]


@pytest.mark.drawn
def test_host_of_the_primary_left_out(tmp_path):
    cluster, code = look(tmp_path, *LEFT_OUT)
    assert (cluster["state"], code) == ("primary_unknown", 2)
    assert cluster["hosts"]["cdw"]["missing"] == "it took no part in this run: run it for all hosts of the cluster, without --limit"


def test_only_its_own_lines_are_printed():
    def printed(status_format, *arguments):
        command = ("ansible-playbook", STATUS, "-i", str(INVENTORY), "-e", f"status_format={status_format}", *arguments)
        done = ansible(*command, ANSIBLE_STDOUT_CALLBACK="community.general.null")
        return done.stdout.splitlines(), done.returncode

    unknown = "demo: primary_unknown: scdw: no primary runs there; cdw: unknown, it was not observed"
    assert printed("quiet") == ([], 0)
    assert printed("quiet", *LEFT_OUT) == ([unknown], 2)
    assert printed("none", *LEFT_OUT) == ([], 2)


@pytest.mark.drawn
def test_it_does_not_fail_where_it_is_told_so():
    done = playbook(STATUS, "--limit", "scdw,sdw1", status_fail="no")
    assert done.returncode == 0
    assert "Cluster demo: primary_unknown" in done.stdout


@pytest.mark.drawn
@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"status_fail": "perhaps"}, "status_fail is 'perhaps': give true or false"),
        ({"status_format": "fancy"}, "status_format is 'fancy': give one of none, quiet, screen, table, auto"),
    ],
)
def test_what_it_cannot_be_told_is_refused(variables, said):
    done = playbook(STATUS, **variables)
    assert done.returncode == 2
    assert said in " ".join(done.stdout.split())


@pytest.mark.drawn
def test_what_is_wrong_with_options_of_others_is_a_warning():
    done = playbook(STATUS, status_format="quiet", standby_timeout="soon")
    assert done.returncode == 0
    assert "standby_timeout is 'soon': give seconds above zero" in done.stdout


@pytest.mark.drawn
def test_a_file_without_a_directory_is_refused(tmp_path):
    done = playbook(STATUS, status_file=str(tmp_path / "none/status.json"))
    assert done.returncode == 2
    assert f"{tmp_path}/none is no directory on the controller: make it, or name another file" in " ".join(done.stdout.split())
    assert "Cluster demo" not in done.stdout


def test_a_change_of_state_is_kept_and_history_shows_it_whatever_can_be_reached(standby, tmp_path):
    trail = tmp_path / "audit.jsonl"
    (tmp_path / "seen").mkdir()

    def since(**variables):
        cluster, _code = look(tmp_path / "seen", status_audit_file=str(trail), **variables)
        return cluster["since"]

    first = since()
    assert (since(), len(trail.read_text().splitlines())) == (first, 1)
    with stopped(standby):
        assert since() > first
    with trail.open("a") as file:
        file.write('{"time": \n')
    with unreachable("cdw"), unreachable("scdw"), unreachable("sdw1"):
        done = playbook("warehousepg.coordinator.history", status_audit_file=str(trail))
    assert done.returncode == 0
    assert re.findall(r"^20\S+ \S+ +demo +\w+ +status +(\w+)", done.stdout, re.MULTILINE) == ["mirrored", "degraded"]
    assert "lines that cannot be read and were left out: 1" in " ".join((done.stdout + done.stderr).split())


def test_it_is_repeated_until_it_is_interrupted():
    command = ["ansible-playbook", STATUS, "-i", str(INVENTORY), "-e", "status_watch=1"]
    running = subprocess.Popen(
        command, cwd="/", env={**inherited(), **PLAIN}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True
    )
    shown = b""
    while shown.count(b"Cluster demo: mirrored") < 2:
        shown += os.read(running.stdout.fileno(), 1 << 16)
    os.killpg(running.pid, signal.SIGINT)
    shown += running.communicate()[0]
    assert running.returncode == 0
    assert b"\x1b" not in shown and b"Traceback" not in shown
