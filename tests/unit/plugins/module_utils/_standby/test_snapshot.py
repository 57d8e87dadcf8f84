# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
from pathlib import Path

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import aside
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.work import Cancelled, Progress
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection_string import parse_conninfo
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import Instance
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.password_stores.passfile import Passfile
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.password_stores.password_store import StoredPassword
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.replication import Upstream
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.tablespaces import Placement, Spot, staging_place
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import base_backup, snapshot
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.snapshot import Desired, Place, Site

from ... import instances

CONTROL = dataclasses.replace(instances.CONTROL, state="in archive recovery", consistent="0/1")
ABSENT = Instance("/data/gpseg-1", "absent")
STANDBY = dataclasses.replace(instances.STANDBY, data_directory="/data/gpseg-1", control=CONTROL, postmaster=None)
POSTMASTER = dataclasses.replace(instances.STREAMING, pid=1, received=None)
SITE = Site(
    parent="/data", parent_owner="gpadmin", writable=True, free=10 << 30, user="gpadmin", leftover=False, engine_version="postgres 12"
)
DESIRED = Desired("1", "postgres 12", 1 << 30)
PASSFILE = StoredPassword(kind="passfile", path="/p", usable=True, check="abcd")
UNUSABLE = StoredPassword(kind="passfile", path="/p", usable=False, check=None)
SPOT = Spot(placement=Placement("/fast", "/fast"), exists=True, writable=True, taken=None, free=10 << 30, device=1)


def vary(thing, **changes):
    return dataclasses.replace(thing, **changes)


def planned(site=SITE, instance=ABSENT, stored=PASSFILE, password=None, desired=DESIRED, spots=(), missing=()):
    return [
        step.name
        for step in snapshot.plan(Place(site=site, instance=instance, stored=stored, spots=spots, missing=missing), desired, password)
    ]


@pytest.mark.parametrize(
    ("given_place", "steps"),
    [
        ({}, ["copy", "swap_in"]),
        ({"instance": vary(ABSENT, directory_state="empty", owner="gpadmin")}, ["copy", "swap_in"]),
        ({"password": "pw"}, ["write_password", "copy", "swap_in"]),
        ({"stored": None, "password": "pw"}, ["copy", "swap_in"]),
        (
            {"stored": StoredPassword(kind="passfile", path="/p", usable=True, check="abcd", named=False)},
            ["write_password", "copy", "swap_in"],
        ),
        ({"site": vary(SITE, leftover=True)}, ["remove_leftover", "copy", "swap_in"]),
        ({"instance": STANDBY}, []),
        ({"spots": (SPOT,)}, ["copy", "swap_in"]),
        # they are in use there
        ({"instance": STANDBY, "spots": (vary(SPOT, taken="/fast/8"),), "missing": ("/x.crt",)}, []),
        ({"instance": vary(STANDBY, postmaster=POSTMASTER)}, []),
        ({"instance": STANDBY, "site": vary(SITE, leftover=True, free=0)}, ["remove_leftover"]),
        ({"desired": vary(DESIRED, engine_version=None, bytes=None), "site": vary(SITE, free=0)}, ["copy", "swap_in"]),
    ],
)
def test_plans(given_place, steps):
    assert planned(**given_place) == steps


@pytest.mark.parametrize(
    ("given_place", "message"),
    [
        ({"site": vary(SITE, parent_owner=None, writable=False)}, "parent directory /data does not exist: create it"),
        ({"site": vary(SITE, parent_owner="root", writable=False)}, "/data belongs to root and gpadmin cannot write there"),
        ({"instance": vary(ABSENT, directory_state="other", owner="gpadmin")}, "holds something that is not an instance"),
        ({"instance": vary(ABSENT, directory_state="empty", owner="root")}, "/data/gpseg-1 belongs to root: let gpadmin"),
        ({"site": vary(SITE, engine_version=None)}, "no installation of the engine"),
        ({"site": vary(SITE, engine_version="postgres 13")}, "this host has 'postgres 13', the primary 'postgres 12'"),
        ({"site": vary(SITE, free=1 << 20)}, "/data has 1 MiB free, the copy needs 1536 MiB"),
        ({"instance": vary(STANDBY, control=None)}, "pg_controldata cannot read"),
        ({"instance": vary(STANDBY, control=vary(CONTROL, system_identifier="2"))}, "instance of the system 2, the primary is of 1"),
        ({"instance": vary(STANDBY, role="primary")}, "a primary of the same system is there"),
        ({"instance": vary(STANDBY, role="primary", postmaster=POSTMASTER)}, "a primary of the same system runs there"),
        (
            {"stored": UNUSABLE},
            "passfile /p is missing or others can read it: give replication_password",
        ),
        ({"missing": ("/x.crt", "/y.so")}, "/x.crt is missing on this host, or gpadmin cannot read it: put it there"),
        ({"desired": vary(DESIRED, max_rate="100m")}, "max_rate is '100m': give 32k to 1024M, kilobytes or megabytes a second"),
        ({"spots": (SPOT, vary(SPOT, exists=False))}, "the directory /fast for the tablespace in /fast on the primary does not exist"),
    ],
)
def test_refuses_before_anything_is_touched(given_place, message):
    with pytest.raises(CoordinatorError) as raised:
        planned(**given_place)
    assert message in raised.value.message


def test_the_copy_fetches_its_wal_and_leaves_out_what_gpinitstandby_leaves_out():
    arguments = base_backup.base_backup_arguments(
        Upstream(host="10.0.0.11", port=5432, user="r", store=Passfile("/p", "r")), "/t", 8, DESIRED
    )
    pairs = dict(zip(arguments[::2], arguments[1::2]))
    assert arguments[arguments.index("--wal-method") + 1] == "fetch"
    assert arguments[arguments.index("--target-gp-dbid") + 1] == "8"
    excluded = {arguments[at + 1] for at, name in enumerate(arguments) if name == "--exclude"}
    assert {"./db_dumps", "./promote", "./db_analyze", "./log"} <= excluded
    assert "--max-rate" not in pairs
    assert "--no-verify-checksums" not in arguments
    connection = parse_conninfo(arguments[arguments.index("--dbname") + 1])
    assert connection == {"host": "10.0.0.11", "port": "5432", "user": "r", "passfile": "/p"}
    limited = base_backup.base_backup_arguments(
        Upstream(host="10.0.0.11", port=5432, user="r", store=None), "/t", 8, vary(DESIRED, max_rate="100M", checkpoint="spread")
    )
    assert limited[-2:] == ["--max-rate", "100M"]


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("100M", 100 << 20),
        ("64k", 64 << 10),
        ("64", 64 << 10),
        ("31k", None),
        ("1025M", None),
        ("1.5M", None),
        ("", None),
        ("9" * 5000, None),
    ],
)
def test_rates(text, rate):
    assert snapshot.rate_of(text) == rate


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


@pytest.mark.parametrize(("made", "mode", "signal"), [(700, 0o700, 0o600), (750, 0o750, 0o640), (755, 0o750, 0o640)])
def test_a_finished_copy_comes_into_place_as_a_standby(host, program, tmp_path, made, mode, signal):
    target = tmp_path / "data" / "gpseg-1"
    target.mkdir(parents=True)
    staging = snapshot.staging_directory(str(target))
    program("pg_basebackup", f"mkdir -m {made} {staging} && echo 12 > {staging}/PG_VERSION")
    assert base_backup.copy(host, str(target), [])["bytes_copied"] == 4096
    assert os.listdir(target) == []
    base_backup.swap_in(host, str(target), [])
    assert sorted(os.listdir(target)) == ["PG_VERSION", "log", "standby.signal"]
    assert target.stat().st_mode & 0o777 == mode
    assert (target / "standby.signal").stat().st_mode & 0o777 == signal
    assert (target / "log").stat().st_mode & 0o777 == 0o700
    assert not os.path.exists(staging)


def copying(host, target):
    """What carries out a copy into a place."""
    return base_backup.actions(host, str(target), Upstream(host="127.0.0.1", port=5432, user="r", store=None), None, 8, DESIRED)


@pytest.mark.parametrize(
    "error",
    [CoordinatorError("it is a mount point"), OSError(28, "No space left on device"), Cancelled("a mount point or not, it was given up")],
)
def test_a_copy_that_cannot_come_into_place_leaves_nothing(host, tmp_path, monkeypatch, error):
    target = tmp_path / "gpseg-1"
    staging = snapshot.staging_directory(str(target))
    wal = tmp_path / "wal" / ".gpseg-1.coordinator_snapshot"
    wal.mkdir(parents=True)
    os.mkdir(staging)
    os.symlink(wal, os.path.join(staging, "pg_wal"))

    def fails(*_arguments):
        raise error

    monkeypatch.setattr(base_backup, "rename", fails)
    monkeypatch.setattr(snapshot.wal_link, "rename", fails)
    with pytest.raises((CoordinatorError, Cancelled), match=r"mount point|No space left"):
        copying(host, target)["swap_in"]()
    assert os.listdir(tmp_path / "wal") == []
    assert set(os.listdir(tmp_path)) <= {"wal", "greenplum-db", "tools"}


def test_wal_of_a_copy_comes_to_the_disk_where_it_was(host, program, tmp_path):
    target, disk = tmp_path / "data" / "gpseg-1", tmp_path / "wal"
    target.mkdir(parents=True)
    (disk / "gpseg-1").mkdir(parents=True)
    (target / "pg_wal").symlink_to(disk / "gpseg-1")
    arguments = tmp_path / "arguments"
    make = 'mkdir "$2" && echo 12 > "$2/PG_VERSION"; while [ "$1" != --waldir ]; do shift; done; mkdir "$2"; touch "$2/new"; echo "$2"'
    program("pg_basebackup", f'staging=$2; {make} > {arguments}; ln -s "$2" "$staging/pg_wal"')
    copying(host, target)["copy"]()
    assert arguments.read_text().strip() == str(disk / ".gpseg-1.coordinator_snapshot")
    assert snapshot.leftovers(str(target)) == [snapshot.staging_directory(str(target)), str(disk / ".gpseg-1.coordinator_snapshot")]
    with pytest.raises(CoordinatorError, match="is there already"):
        base_backup.swap_in(host, str(target), [])
    assert snapshot.wal_link.of_copy(snapshot.staging_directory(str(target))) == str(disk / ".gpseg-1.coordinator_snapshot")
    aside.move(str(target), None, ".set_aside-20261123T080000Z")
    assert sorted(os.listdir(disk)) == [".gpseg-1.coordinator_snapshot", "gpseg-1.set_aside-20261123T080000Z"]
    base_backup.swap_in(host, str(target), [])
    assert os.listdir(target / "pg_wal") == ["new"]
    assert os.path.realpath(target / "pg_wal") == str(disk / "gpseg-1")
    assert sorted(os.listdir(disk)) == ["gpseg-1", "gpseg-1.set_aside-20261123T080000Z"]
    assert snapshot.set_aside(str(target)) == [f"{target}.set_aside-20261123T080000Z", str(disk / "gpseg-1.set_aside-20261123T080000Z")]


def test_a_failed_copy_leaves_nothing(host, program, tmp_path):
    target = tmp_path / "gpseg-1"
    staging = snapshot.staging_directory(str(target))
    program("pg_basebackup", f"mkdir {staging}; touch {staging}/half; echo checksum verification failed >&2; exit 1")
    with pytest.raises(CoordinatorError, match="checksum verification failed"):
        copying(host, target)["copy"]()
    assert not os.path.exists(staging)
    assert not target.exists()


@pytest.mark.parametrize(
    ("staged", "resume", "expected", "steps"),
    [
        (1 << 30, True, 1 << 30, ["take_up", "copy", "swap_in"]),
        ((1 << 30) // 10, True, 1 << 30, ["take_up", "copy", "swap_in"]),
        ((1 << 30) // 10 - 1, True, 1 << 30, ["remove_leftover", "copy", "swap_in"]),
        (1, True, None, ["take_up", "copy", "swap_in"]),
        (0, True, None, ["remove_leftover", "copy", "swap_in"]),
        (1 << 30, False, 1 << 30, ["remove_leftover", "copy", "swap_in"]),
    ],
)
def test_a_copy_that_was_cut_off_is_gone_on_with_where_that_is_worth_it(staged, resume, expected, steps):
    assert planned(site=vary(SITE, leftover=True, staged=staged), desired=vary(DESIRED, resume=resume, bytes=expected)) == steps


def test_what_is_staged_needs_no_more_room():
    site = vary(SITE, leftover=True, staged=900 << 20, free=700 << 20)
    assert planned(site=site, desired=vary(DESIRED, resume=True)) == ["take_up", "copy", "swap_in"]
    with pytest.raises(CoordinatorError, match="has 700 MiB free, the copy needs 1536 MiB"):
        planned(site=site)
    elsewhere = vary(SPOT, placement=Placement("/fast", "/fast", 10 << 30), free=2 << 30, device=SITE.device + 1, staged=9 << 30)
    assert planned(site=site, spots=(elsewhere,), desired=vary(DESIRED, resume=True)) == ["take_up", "copy", "swap_in"]
    with pytest.raises(CoordinatorError, match="/fast has 2048 MiB free, the tablespace in /fast on the primary needs 10240 MiB there"):
        planned(spots=(elsewhere,))


def test_what_can_be_gone_on_with(tmp_path):
    target = tmp_path / "gpseg-1"
    staging = Path(snapshot.staging_directory(str(target)))
    assert snapshot.staged_bytes(str(target)) == 0
    (staging / "base").mkdir(parents=True)
    (staging / "base" / "17").write_bytes(bytes(4096))
    assert snapshot.staged_bytes(str(target)) == 4096
    part = Path(staging_place(str(tmp_path / "fast"), str(target))) / "8"
    part.mkdir(parents=True)
    (part / "17").write_bytes(bytes(8192))
    (staging / "pg_tblspc").mkdir()
    (staging / "pg_tblspc" / "16385").symlink_to(part)
    assert snapshot.staged_bytes(str(target)) == 4096, "what is on other file systems does not count, as in the size of the primary's"
    # on its way into its place already
    part.rename(tmp_path / "fast" / "8")
    (staging / "pg_tblspc" / "16385").unlink()
    (staging / "pg_tblspc" / "16385").symlink_to(tmp_path / "fast" / "8")
    assert snapshot.staged_bytes(str(target)) == 0


@pytest.mark.parametrize(
    ("said", "stays"), [("connection reset by peer", True), ("No space left on device", False), ("Disk quota exceeded", False)]
)
def test_what_a_copy_that_was_cut_off_has_stays_for_the_next(host, program, tmp_path, said, stays):
    target = tmp_path / "gpseg-1"
    staging = snapshot.staging_directory(str(target))
    program("pg_basebackup", f"mkdir {staging}; head -c 4096 /dev/zero > {staging}/17; echo {said} >&2; exit 1")
    desired = vary(DESIRED, bytes=40960)
    upstream = Upstream(host="127.0.0.1", port=5432, user="r", store=None)
    actions = base_backup.actions(host, str(target), upstream, None, 8, desired)
    with pytest.raises(CoordinatorError) as raised:
        actions["copy"]()
    assert (f"stays in {staging}: the next run goes on from there" in raised.value.message) is stays
    assert os.path.exists(staging) is stays
    if stays:
        wal = tmp_path / "wal" / ".gpseg-1.coordinator_snapshot"
        wal.mkdir(parents=True)
        (Path(staging) / "pg_wal").symlink_to(wal)
        Path(snapshot.salvage_directory(str(target))).mkdir()
        actions["take_up"]()
        assert snapshot.leftovers(str(target)) == [staging] and not wal.exists()


@pytest.mark.parametrize("taken", [True, False])
def test_where_blocks_cannot_be_compared_all_are_copied(host, program, tmp_path, monkeypatch, taken):
    target = tmp_path / "gpseg-1"
    staging = snapshot.staging_directory(str(target))
    program("pg_basebackup", f"test ! -e {staging} && mkdir {staging}")
    seeds = []

    def bring_in_step(_host, _upstream, _target, _dbid, _desired, seed, _wal, _brake):
        seeds.append(seed)
        if not taken:
            raise base_backup.Unavailable("it may not")
        os.mkdir(staging)
        return {"bytes_copied": 1, "bytes": 2}

    monkeypatch.setattr(base_backup, "bring_in_step", bring_in_step)
    found = copying(host, target)["copy"](seed="/seed", reason=None)
    assert seeds == ["/seed"]
    if taken:
        assert found == {"method": "changed_blocks", "bytes_copied": 1, "bytes": 2}
    else:
        assert (found["method"], found["reason"]) == ("basebackup", "blocks could not be compared: it may not")


def test_a_rule_that_was_made_to_compare_blocks_does_not_come_with_the_copy(host, program, tmp_path):
    target = tmp_path / "gpseg-1"
    staging = snapshot.staging_directory(str(target))
    rules = "# BEGIN warehousepg.coordinator rewind\nhost\tpostgres\n# END warehousepg.coordinator rewind\nlocal all all peer\n"
    (tmp_path / "rules").write_text(rules)
    program("pg_basebackup", f"mkdir {staging}; cp {tmp_path}/rules {staging}/pg_hba.conf")
    copying(host, target)["copy"]()
    assert (Path(staging) / "pg_hba.conf").read_text() == "local all all peer\n"


def test_a_leftover_that_stays_is_named(tmp_path, monkeypatch):
    target = tmp_path / "gpseg-1"
    staging = snapshot.staging_directory(str(target))
    os.mkdir(staging)
    monkeypatch.setattr(base_backup.shutil, "rmtree", lambda *args, **options: None)
    monkeypatch.setattr(base_backup, "wait_until", lambda condition, seconds: condition())
    with pytest.raises(CoordinatorError, match="cannot be removed"):
        base_backup.remove_leftover(str(target), [])


@pytest.mark.parametrize("suspended", [False, True])
def test_a_leftover_goes_with_the_copying_that_fills_it(tmp_path, suspended):
    target = tmp_path / "gpseg-1"
    staging = snapshot.staging_directory(str(target))
    os.mkdir(staging)
    process = subprocess.Popen(["bash", "-c", 'exec -a pg_basebackup bash -c "sleep 60; :" "$0"', staging])
    try:
        base_backup.wait_until(lambda: Path(f"/proc/{process.pid}/cmdline").read_text().startswith("pg_basebackup"), 60)
        if suspended:
            process.send_signal(signal.SIGSTOP)
        base_backup.remove_leftover(str(target), [])
        assert process.wait(timeout=10) != 0
    finally:
        process.kill()
        process.wait()
    assert not os.path.exists(staging)


def test_reads_what_a_copy_needs_beside_its_data_directory(host, tmp_path):
    target, there = tmp_path / "data" / "gpseg-1", tmp_path / "there"
    target.parent.mkdir()
    (there / "8").mkdir(parents=True)
    (there / "8" / "GPDB").touch()
    placements = (Placement("/fast", str(there)), Placement("/slow", str(tmp_path / "none")))
    desired = vary(DESIRED, tablespaces=placements, files=(str(there), str(tmp_path / "no.crt")))
    place = snapshot.read_place(host, str(target), None, 8, desired)
    assert [(spot.exists, spot.taken) for spot in place.spots] == [(True, str(there / "8")), (False, None)]
    assert place.missing == (str(tmp_path / "no.crt"),)
    assert not place.site.leftover
    assert snapshot.read_place(host, str(target), None, None, desired).spots[0].taken is None
    assert snapshot.read_place(host, str(target), None, 8, None).spots == ()


def test_a_leftover_in_the_place_of_a_tablespace_is_one_too(host, tmp_path):
    target = tmp_path / "gpseg-1"
    desired = vary(DESIRED, tablespaces=(Placement("/fast", str(tmp_path)),))
    os.mkdir(staging_place(str(tmp_path), str(target)))
    assert snapshot.read_place(host, str(target), None, 8, desired).site.leftover
    base_backup.remove_leftover(str(target), desired.tablespaces)
    assert not snapshot.read_place(host, str(target), None, 8, desired).site.leftover


def test_a_copy_with_a_tablespace(host, program, tmp_path):
    target, place = tmp_path / "data" / "gpseg-1", tmp_path / "place"
    for directory in (target.parent, place):
        directory.mkdir()
    desired = vary(DESIRED, engine_version=None, bytes=None, tablespaces=(Placement("/fast", str(place)),))
    upstream = Upstream(host="10.0.0.11", port=5432, user="r", store=Passfile(str(tmp_path / "pass"), "r"))
    program(
        "pg_basebackup",
        r"""
        while [ $# -gt 0 ]; do
          case $1 in --pgdata) target=$2 ;; --target-gp-dbid) dbid=$2 ;; --tablespace-mapping) mapped=${2#/fast=} ;; esac
          shift
        done
        mkdir -p "$target/pg_tblspc" "$mapped/$dbid" && ln -s "$mapped/$dbid" "$target/pg_tblspc/4711"
        mkdir "$mapped/$dbid/PG_15_1" && echo data > "$mapped/$dbid/PG_15_1/file"
        """,
    )
    actions = base_backup.actions(host, str(target), upstream, "pw", 8, desired)
    actions["write_password"]()
    assert (tmp_path / "pass").read_text() == "10.0.0.11:5432:*:r:pw\n"
    assert actions["copy"]() == {"method": "basebackup", "bytes_copied": 4096, "bytes": 4096}
    actions["swap_in"]()
    assert (target / "pg_tblspc" / "4711" / "PG_15_1" / "file").read_text() == "data\n"
    assert os.listdir(place) == ["8"]
    actions["remove_leftover"]()
    assert (place / "8" / "PG_15_1" / "file").exists()
    # killed before the data directory came into its place
    os.rename(target, snapshot.staging_directory(str(target)))
    again = snapshot.plan(snapshot.read_place(host, str(target), None, 8, desired), desired, None)
    assert [step.name for step in again] == ["remove_leftover", "copy", "swap_in"]
    actions["remove_leftover"]()
    assert os.listdir(place) == []


def test_how_far_a_copy_has_come_is_told_by_what_is_staged(tmp_path):
    """A tablespace comes first, the WAL last."""
    target, fast = tmp_path / "gpseg-1", tmp_path / "fast"
    desired = vary(DESIRED, bytes=100_000, tablespaces=(Placement("/there", str(fast), 50_000), Placement("/other", "/other")))
    assert base_backup.progress(str(target), desired) == Progress("copying", 0, 150_000)
    part, staging = Path(staging_place(str(fast), str(target))), Path(snapshot.staging_directory(str(target)))
    part.mkdir(parents=True)
    (part / "16385").write_bytes(bytes(4096))
    assert base_backup.progress(str(target), desired) == Progress("copying", 4096, 150_000)
    (staging / "pg_wal").mkdir(parents=True)
    (staging / "1259").write_bytes(bytes(8192))
    assert base_backup.progress(str(target), desired) == Progress("copying", 12288, 150_000)
    assert base_backup.progress(str(target), vary(desired, bytes=None)).total == 0
    (staging / "pg_wal" / "000000010000000000000001").write_bytes(bytes(4096))
    assert base_backup.progress(str(target), desired) == Progress("fetching WAL", 4096, 0)


def test_how_far_the_wal_of_a_copy_has_come_on_another_disk(tmp_path):
    target, wal = tmp_path / "gpseg-1", tmp_path / "wal"
    staging = Path(snapshot.staging_directory(str(target)))
    staging.mkdir()
    wal.mkdir()
    (staging / "pg_wal").symlink_to(wal)
    assert base_backup.progress(str(target), DESIRED) == Progress("copying", 0, 1 << 30)
    (wal / "000000010000000000000001").write_bytes(bytes(4096))
    assert base_backup.progress(str(target), DESIRED) == Progress("fetching WAL", 4096, 0)
