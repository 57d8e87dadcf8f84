# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import subprocess
import threading
import time

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import Instance
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.password_stores import passfile
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.password_stores.passfile import Passfile
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.password_stores.password_store import StoredPassword
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.replication import Upstream
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import standby
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.standby import Desired, Standby

from ... import instances

UPSTREAM = Upstream(host="10.0.0.11", port=5432, user="r", store=Passfile("/p", "r"))
DESIRED = Desired(8, 5432, UPSTREAM.primary_conninfo(), "standby_coordinator", "streaming")
SETTINGS = {
    # as the engine's own tools write it: another order, no quotes
    "primary_conninfo": "user=r host=10.0.0.11 port=5432 passfile=/p application_name=gp_walreceiver",
    "primary_slot_name": "standby_coordinator",
}
RUNNING = dataclasses.replace(instances.STREAMING, pid=1, received="0/1")
INSTANCE = dataclasses.replace(instances.STANDBY, data_directory="/data/gpseg-1", settings=SETTINGS, control=None, postmaster=RUNNING)
PASSFILE = StoredPassword(kind="passfile", path="/p", usable=True, check="abcd")
FOUND = Standby(INSTANCE, PASSFILE, True)


def vary(thing, **changes):
    return dataclasses.replace(thing, **changes)


def found(**changes):
    return Standby(vary(INSTANCE, **changes), PASSFILE, True)


def planned(seen=FOUND, desired=DESIRED, password=None):
    return [step.name for step in standby.plan(seen, desired, password)]


@pytest.mark.parametrize(
    ("seen", "desired", "password", "steps"),
    [
        (FOUND, DESIRED, None, []),
        (found(postmaster=vary(RUNNING, received=None)), DESIRED, None, []),
        (found(postmaster=vary(RUNNING, connected=False)), DESIRED, None, ["wait_streaming"]),
        (found(postmaster=vary(RUNNING, connected=False)), vary(DESIRED, state="started"), None, []),
        (found(postmaster=None), DESIRED, None, ["start", "wait_streaming"]),
        (found(postmaster=None), vary(DESIRED, state="started"), None, ["start"]),
        (found(postmaster=None, dbid=2), vary(DESIRED, state="configured"), None, ["write_dbid"]),
        (found(dbid=1), DESIRED, None, ["write_dbid", "stop", "start", "wait_streaming"]),
        (found(port=6000), DESIRED, None, ["write_port", "stop", "start", "wait_streaming"]),
        (found(settings={}, postmaster=None), DESIRED, None, ["write_settings", "start", "wait_streaming"]),
        (vary(FOUND, password_kept=False), DESIRED, "pw", ["write_password"]),
        (vary(FOUND, stored=vary(PASSFILE, usable=False)), DESIRED, None, ["write_password"]),
        (
            vary(FOUND, stored=vary(PASSFILE, named=False)),
            DESIRED,
            None,
            ["write_password"],
        ),
        (vary(FOUND, stored=None), DESIRED, None, []),
        (found(), vary(DESIRED, dbid=None), None, []),
        (vary(FOUND, tablespace_dbids=(8, 8)), DESIRED, None, []),
        (vary(FOUND, tablespace_dbids=(8, 2)), DESIRED, None, ["stop", "move_tablespaces", "start", "wait_streaming"]),
        (vary(FOUND, tablespace_dbids=(2,)), vary(DESIRED, dbid=None), None, []),
        (
            vary(found(dbid=2), tablespace_dbids=(2,)),
            DESIRED,
            None,
            ["write_dbid", "stop", "move_tablespaces", "start", "wait_streaming"],
        ),
        (vary(found(postmaster=None), tablespace_dbids=(2,)), DESIRED, None, ["move_tablespaces", "start", "wait_streaming"]),
        (vary(found(postmaster=None), tablespace_dbids=(2,)), vary(DESIRED, state="configured"), None, ["move_tablespaces"]),
        # those of an instance that runs are in use
        (vary(FOUND, tablespace_dbids=(2,)), vary(DESIRED, state="configured"), None, []),
    ],
)
def test_plans(seen, desired, password, steps):
    assert planned(seen, desired, password) == steps


FORMER = vary(
    INSTANCE,
    data_directory="/data/other",
    control=dataclasses.replace(instances.CONTROL, state="in archive recovery"),
)
ABSENT = Standby(Instance("/data/gpseg-1", "absent"), PASSFILE, True)


@pytest.mark.parametrize(
    ("former", "desired", "steps"),
    [
        (FORMER, DESIRED, ["stop_former", "bring", "start", "wait_streaming"]),
        (vary(FORMER, postmaster=None), DESIRED, ["bring", "start", "wait_streaming"]),
        (vary(FORMER, postmaster=None), vary(DESIRED, port=6000), ["bring", "write_port", "start", "wait_streaming"]),
        # its parts of tablespaces come under its number
        (
            vary(FORMER, postmaster=None, dbid=7),
            DESIRED,
            ["bring", "write_dbid", "move_tablespaces", "start", "wait_streaming"],
        ),
    ],
)
def test_it_is_brought_from_another_place(former, desired, steps):
    for system in (None, "1"):
        assert planned(vary(ABSENT, former=former), vary(desired, system_identifier=system)) == steps
    # that was done already
    assert planned(vary(FOUND, former=vary(FORMER, directory_state="absent", role=None, postmaster=None))) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"role": "primary"}, "is a primary"),
        ({"directory_state": "absent"}, "holds no instance"),
        ({"control": vary(FORMER.control, system_identifier="2")}, "of the system 2"),
    ],
)
def test_nothing_else_is_brought(changes, said):
    seen = vary(ABSENT, former=vary(FORMER, postmaster=None, **changes))
    with pytest.raises(CoordinatorError, match=said):
        planned(seen, vary(DESIRED, system_identifier="1"))


@pytest.mark.parametrize("slot", [None, "other"])
def test_another_slot_is_another_configuration(slot):
    settings = dict(SETTINGS, primary_slot_name=slot) if slot else {"primary_conninfo": SETTINGS["primary_conninfo"]}
    assert planned(found(settings=settings)) == ["write_settings", "stop", "start", "wait_streaming"]


@pytest.mark.parametrize(
    ("seen", "message"),
    [
        (found(directory_state="absent"), "holds no instance (absent): make a snapshot"),
        (found(role="primary"), "is a primary: it has no standby.signal"),
        (vary(FOUND, password_kept=False), "give replication_password"),
        (found(postmaster=vary(RUNNING, suspended=True)), "is suspended"),
    ],
)
def test_refuses_before_anything_is_touched(seen, message):
    with pytest.raises(CoordinatorError) as raised:
        planned(seen)
    assert message in raised.value.message


def test_reads_a_standby_and_its_password(host, data_directory, tmp_path):
    path = tmp_path / "pass"
    upstream = Upstream(host="10.0.0.11", port=5432, user="r", store=Passfile(str(path), "r"))
    assert not standby.read_standby(host, str(data_directory), upstream, None).password_kept
    path.write_text(passfile.entry(("10.0.0.11", 5432), "r", "pw"))
    assert standby.read_standby(host, str(data_directory), upstream, None).password_kept
    assert standby.read_standby(host, str(data_directory), upstream, "pw").password_kept
    assert not standby.read_standby(host, str(data_directory), upstream, "new").password_kept
    assert standby.read_standby(host, str(data_directory), Upstream(host="10.0.0.11", port=5432, user="r", store=None), None).stored is None


def test_reads_under_which_dbids_tablespaces_lie(host, data_directory, tmp_path):
    (data_directory / "pg_tblspc").mkdir()
    (data_directory / "pg_tblspc" / "20").symlink_to(tmp_path / "fast" / "2")
    seen = standby.read_standby(host, str(data_directory), Upstream(host="10.0.0.11", port=5432, user="r", store=None), None)
    assert seen.tablespace_dbids == (2,)


def test_writes_settings(host, data_directory):
    path = data_directory / "postgresql.auto.conf"
    standby.write_settings(host, str(path), {"primary_conninfo": "host=a"})
    assert path.read_text() == "primary_slot_name = 'standby_coordinator'\nprimary_conninfo = 'host=a'\n"


def test_a_standby_that_is_gone_is_told_with_its_last_error(data_directory):
    (data_directory / "log").mkdir()
    (data_directory / "log" / "gpdb.csv").write_text("FATAL: out of disk\n")
    with pytest.raises(CoordinatorError, match="stopped: FATAL: out of disk"):
        standby.wait_streaming(str(data_directory), 1)


@pytest.fixture
def running(data_directory):
    """The data directory of a standby of which a process lives."""
    process = subprocess.Popen(["sleep", "600"], cwd=data_directory)
    (data_directory / "postmaster.pid").write_text(f"{process.pid}\n{data_directory}\n1\n5432\n/tmp\n*\n1\nstandby\n")
    (data_directory / "log").mkdir()
    yield data_directory
    process.kill()
    process.wait()


@pytest.mark.parametrize(
    ("log", "message"),
    [
        ("FATAL: could not connect: no password supplied", "did not stream within 0.2 s: FATAL: could not connect"),
        ("ERROR: requested WAL segment 00000001 has already been removed", "make a new snapshot"),
        ("", "its log tells no error"),
    ],
)
def test_a_standby_that_does_not_stream_is_told_with_its_errors(running, log, message):
    (running / "log" / "gpdb.csv").write_text(f"{log}\n")
    with pytest.raises(CoordinatorError, match=message):
        standby.wait_streaming(str(running), 0.2)


def test_a_standby_whose_wal_is_gone_is_not_waited_for(running):
    said = "FATAL: could not receive data: ERROR: requested WAL segment 0A has already been removed\n"
    writer = threading.Timer(0.2, (running / "log" / "gpdb.csv").write_text, [said])
    writer.start()
    began = time.monotonic()
    with pytest.raises(CoordinatorError, match="The primary no longer has the WAL it needs: move the data directory away"):
        standby.wait_streaming(str(running), 60)
    assert time.monotonic() - began < 30
    writer.join()


@pytest.mark.parametrize(
    ("errors", "segment"),
    [
        ("ERROR:  requested WAL segment 00000001000000000000000C has already been removed", "00000001000000000000000C"),
        ("FATAL:  could not connect", None),
        ("", None),
    ],
)
def test_the_log_tells_which_wal_is_gone(errors, segment):
    assert standby.removed_wal(errors) == segment


def test_wal_that_was_missing_before_is_no_reason_to_end_the_wait(data_directory):
    process = subprocess.Popen(["sleep", "60"], cwd=data_directory)
    try:
        (data_directory / "postmaster.pid").write_text(f"{process.pid}\n{data_directory}\n1\n5432\n/tmp\n*\n1\nstandby\n")
        (data_directory / "log").mkdir()
        (data_directory / "log" / "gpdb.csv").write_text("ERROR: requested WAL segment 00000001 has already been removed\n")
        began = time.monotonic()
        with pytest.raises(CoordinatorError, match=r"did not stream within 0\.5 s"):
            standby.wait_streaming(str(data_directory), 0.5)
        assert time.monotonic() - began >= 0.5
    finally:
        process.kill()
        process.wait()
