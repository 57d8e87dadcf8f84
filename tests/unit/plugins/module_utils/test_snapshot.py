# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import os
import subprocess
from pathlib import Path

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils import snapshot
from ansible_collections.warehousepg.coordinator.plugins.module_utils.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils.instance import ControlData, Instance, Postmaster
from ansible_collections.warehousepg.coordinator.plugins.module_utils.replication import Passfile, Upstream, parse_conninfo
from ansible_collections.warehousepg.coordinator.plugins.module_utils.snapshot import Place, Site, Wanted

CONTROL = ControlData("1", "in archive recovery", 1, "0/1", "0/1", "0/1", 1 << 26, True)
ABSENT = Instance("/data/gpseg-1", "absent")
STANDBY = Instance("/data/gpseg-1", "instance", "gpadmin", "standby", "12", 8, 5432, {}, CONTROL)
POSTMASTER = Postmaster(1, 5432, "/tmp", "standby", False, True, None)
SITE = Site("/data", "gpadmin", True, 10 << 30, "gpadmin", False, "postgres 12")
WANTED = Wanted("1", "postgres 12", 1 << 30)
PASSFILE = Passfile("/p", True, "abcd")


def but(thing, **changes):
    return dataclasses.replace(thing, **changes)


def planned(site=SITE, instance=ABSENT, passfile=PASSFILE, password=None, wanted=WANTED):
    return [step.name for step in snapshot.plan(Place(site, instance, passfile), wanted, password)]


@pytest.mark.parametrize(
    ("given_place", "steps"),
    [
        ({}, ["copy", "swap_in"]),
        ({"instance": but(ABSENT, content="empty", owner="gpadmin")}, ["copy", "swap_in"]),
        ({"password": "pw"}, ["write_passfile", "copy", "swap_in"]),
        ({"passfile": None, "password": "pw"}, ["copy", "swap_in"]),
        ({"site": but(SITE, leftover=True)}, ["remove_leftover", "copy", "swap_in"]),
        ({"instance": STANDBY}, []),
        ({"instance": but(STANDBY, postmaster=POSTMASTER)}, []),
        ({"instance": STANDBY, "site": but(SITE, leftover=True, free=0)}, ["remove_leftover"]),
        ({"wanted": but(WANTED, engine_version=None, bytes=None), "site": but(SITE, free=0)}, ["copy", "swap_in"]),
    ],
)
def test_plans(given_place, steps):
    assert planned(**given_place) == steps


@pytest.mark.parametrize(
    ("given_place", "message"),
    [
        ({"site": but(SITE, parent_owner=None, writable=False)}, "parent directory /data does not exist: create it"),
        ({"site": but(SITE, parent_owner="root", writable=False)}, "/data belongs to root and gpadmin cannot write there"),
        ({"instance": but(ABSENT, content="other", owner="gpadmin")}, "holds something that is not an instance"),
        ({"instance": but(ABSENT, content="empty", owner="root")}, "/data/gpseg-1 belongs to root: let gpadmin"),
        ({"site": but(SITE, engine_version=None)}, "no installation of the engine"),
        ({"site": but(SITE, engine_version="postgres 13")}, "this host has 'postgres 13', the primary 'postgres 12'"),
        ({"site": but(SITE, free=1 << 20)}, "/data has 1 MiB free, the copy needs 1536 MiB"),
        ({"instance": but(STANDBY, control=None)}, "pg_controldata cannot read"),
        ({"instance": but(STANDBY, control=but(CONTROL, system_identifier="2"))}, "instance of the system 2, the primary is of 1"),
        ({"instance": but(STANDBY, role="primary")}, "a primary of the same system is there"),
        ({"instance": but(STANDBY, role="primary", postmaster=POSTMASTER)}, "a primary of the same system runs there"),
        ({"passfile": Passfile("/p", False, None)}, "passfile /p is missing or others can read it: give replication_password"),
    ],
)
def test_refuses_before_anything_is_touched(given_place, message):
    with pytest.raises(CoordinatorError) as raised:
        planned(**given_place)
    assert message in raised.value.message


def test_the_copy_fetches_its_wal_and_leaves_out_what_gpinitstandby_leaves_out():
    arguments = snapshot.base_backup_arguments(Upstream("10.0.0.11", 5432, "r", "/p"), "/t", 8, WANTED)
    pairs = dict(zip(arguments[::2], arguments[1::2]))
    assert arguments[arguments.index("--wal-method") + 1] == "fetch"
    assert arguments[arguments.index("--target-gp-dbid") + 1] == "8"
    excluded = {arguments[at + 1] for at, name in enumerate(arguments) if name == "--exclude"}
    assert {"./db_dumps", "./promote", "./db_analyze", "./log"} <= excluded
    assert "--max-rate" not in pairs
    assert "--no-verify-checksums" not in arguments
    connection = parse_conninfo(arguments[arguments.index("--dbname") + 1])
    assert connection == {"host": "10.0.0.11", "port": "5432", "user": "r", "passfile": "/p"}
    limited = snapshot.base_backup_arguments(
        Upstream("10.0.0.11", 5432, "r", None), "/t", 8, but(WANTED, max_rate="100M", checkpoint="spread")
    )
    assert limited[-2:] == ["--max-rate", "100M"]


def test_reads_a_site(host, tmp_path):
    target = tmp_path / "data" / "gpseg-1"
    missing = snapshot.read_site(host, str(target))
    assert (missing.parent, missing.parent_owner, missing.writable) == (str(target.parent), None, False)
    target.parent.mkdir()
    site = snapshot.read_site(host, f"{target}/")
    assert (site.writable, site.leftover, site.engine_version) == (True, False, "postgres (Greenplum Database) 12.12")
    (target.parent / ".gpseg-1.coordinator_snapshot").mkdir()
    assert snapshot.read_site(host, str(target)).leftover


def test_a_site_without_an_installation(tmp_path, host):
    (tmp_path / "greenplum-db" / "bin" / "postgres").unlink()
    assert snapshot.read_site(host, str(tmp_path / "x")).engine_version is None


def test_the_copy_stands_beside_its_place_even_behind_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real" / "gpseg-1")
    assert snapshot.staging_directory(str(tmp_path / "link")) == str(tmp_path / "real" / ".gpseg-1.coordinator_snapshot")


def test_a_finished_copy_comes_into_place_as_a_standby(host, program, tmp_path):
    target = tmp_path / "data" / "gpseg-1"
    target.mkdir(parents=True)
    staging = snapshot.staging_directory(str(target))
    program("pg_basebackup", f"mkdir {staging} && echo 12 > {staging}/PG_VERSION")
    assert snapshot.copy(host, str(target), [])["bytes_copied"] == 4096
    assert os.listdir(target) == []
    snapshot.swap_in(host, str(target))
    assert sorted(os.listdir(target)) == ["PG_VERSION", "log", "standby.signal"]
    assert target.stat().st_mode & 0o777 == 0o700
    assert not os.path.exists(staging)


def test_a_failed_copy_leaves_nothing(host, program, tmp_path):
    target = tmp_path / "gpseg-1"
    staging = snapshot.staging_directory(str(target))
    program("pg_basebackup", f"mkdir {staging}; touch {staging}/half; echo checksum verification failed >&2; exit 1")
    with pytest.raises(CoordinatorError, match="checksum verification failed"):
        snapshot.copy(host, str(target), [])
    assert not os.path.exists(staging)
    assert not target.exists()


def test_a_leftover_that_stays_is_named(tmp_path, monkeypatch):
    target = tmp_path / "gpseg-1"
    staging = snapshot.staging_directory(str(target))
    os.mkdir(staging)
    monkeypatch.setattr(snapshot.shutil, "rmtree", lambda *args, **options: None)
    monkeypatch.setattr(snapshot, "wait_until", lambda condition, seconds: condition())
    with pytest.raises(CoordinatorError, match="cannot be removed"):
        snapshot.remove_leftover(str(target))


def test_a_leftover_goes_with_the_copying_that_fills_it(tmp_path):
    target = tmp_path / "gpseg-1"
    staging = snapshot.staging_directory(str(target))
    os.mkdir(staging)
    process = subprocess.Popen(["bash", "-c", 'exec -a pg_basebackup bash -c "sleep 60; :" "$0"', staging])
    try:
        snapshot.wait_until(lambda: "pg_basebackup" in Path(f"/proc/{process.pid}/cmdline").read_text(), 5)
        snapshot.remove_leftover(str(target))
        assert process.wait(timeout=10) != 0
    finally:
        process.kill()
        process.wait()
    assert not os.path.exists(staging)
