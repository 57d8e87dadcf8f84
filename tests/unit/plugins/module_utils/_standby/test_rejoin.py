# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import json
import os

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import Instance, read_instance
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.password_stores.passfile import Passfile
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.password_stores.password_store import StoredPassword
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.replication import Upstream
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.tablespaces import Placement, Spot
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.timeline import History, parting
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import rejoin, rejoining, rewind, snapshot
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.rejoin import Former, Source, choose, refusal
from hypothesis import given
from hypothesis import strategies as st

from ... import instances
from .._engine.test_timeline import histories

SEGMENT = 1 << 26
SWITCH = 5 * SEGMENT + 0x60
CONTROL = dataclasses.replace(instances.CONTROL, segment_bytes=SEGMENT)
INSTANCE = dataclasses.replace(
    instances.PRIMARY, data_directory="/c/gpseg-1", control=CONTROL, postmaster=None, start_block="FENCED_scdw_is_primary.conf"
)
SOURCE = Source(system_identifier="1", history=History(2, ((1, Lsn(SWITCH)),)), oldest=Lsn(2 * SEGMENT), tablespaces=())
FORMER = Former(INSTANCE, History(1), Lsn(SWITCH))
RUNNING = dataclasses.replace(instances.STREAMING, pid=7, received="0/1")
STANDBY = dataclasses.replace(INSTANCE, role="standby", start_block=None)


def vary(thing, **changes):
    return dataclasses.replace(thing, **changes)


def former(end=SWITCH, history=None, **changes):
    return vary(FORMER, end=Lsn(end), history=history or FORMER.history, **changes)


@pytest.mark.parametrize(
    ("found", "asked", "method", "said"),
    [
        (former(), "auto", "start", "nothing of its own"),
        (former(SWITCH - 8), "auto", "start", "nothing of its own"),
        (former(SWITCH + 8), "auto", "rewind", "goes on to"),
        (former(SWITCH), "rewind", "start", "nothing of its own"),
        (former(SWITCH), "basebackup", "basebackup", "is desired"),
        # promoted on its own meanwhile, even if it wrote nothing beyond
        (former(SWITCH - 8, History(2, ((1, Lsn(SWITCH - 16)),))), "auto", "rewind", "left timeline 1"),
        (former(9 * SEGMENT, History(2, ((1, Lsn(SWITCH)),))), "auto", "start", "nothing of its own"),
        (former(SWITCH + 8, tablespaces=(16385,)), "auto", "changed_blocks", "tablespaces"),
        (former(tablespaces=(16385,)), "auto", "start", "nothing of its own"),
        (former(SEGMENT), "auto", "changed_blocks", "no more WAL"),
        (former(2 * SEGMENT + 8), "auto", "start", ""),
        (former(history=History(7)), "auto", "changed_blocks", "no timeline in common"),
        (former(lacks=("pg_xact",)), "auto", "changed_blocks", "lacks pg_xact"),
        (former(instance=vary(INSTANCE, control=None)), "auto", "changed_blocks", "control file"),
        (former(instance=vary(INSTANCE, control=vary(CONTROL, system_identifier="2"))), "auto", "basebackup", "of the system 2"),
        (former(instance=vary(INSTANCE, directory_state="other")), "auto", "changed_blocks", "not whole"),
        (vary(FORMER, history=None, end=None), "auto", "changed_blocks", "no valid WAL"),
        # more may have been written than what is seen
        (former(doubts=("x has 5 bytes", "y")), "auto", "changed_blocks", "its WAL is not whole: x has 5 bytes"),
        (former(SWITCH + 8, doubts=("x has 5 bytes",)), "auto", "changed_blocks", "its WAL is not whole"),
        (former(SWITCH + 8, doubts=("x has 5 bytes",)), "rewind", "changed_blocks", "its WAL is not whole"),
        (former(lost_checkpoint="the latest checkpoint cannot be read"), "auto", "changed_blocks", "the latest checkpoint cannot be read"),
        # a standby gets again what it lacks
        (former(instance=STANDBY, doubts=("x has 5 bytes",)), "auto", "keep", ""),
        (former(instance=STANDBY, lost_checkpoint="the latest checkpoint cannot be read"), "auto", "changed_blocks", "checkpoint"),
        (Former(Instance("/c/gpseg-1", "absent")), "auto", "basebackup", "no data directory"),
        (Former(Instance("/c/gpseg-1", "absent"), rewinding=True), "auto", "changed_blocks", "cut off"),
        (former(instance=STANDBY), "auto", "keep", ""),
        (former(SWITCH + 8, instance=STANDBY), "auto", "rewind", "goes on to"),
        (former(SEGMENT, instance=STANDBY), "auto", "changed_blocks", "no more WAL"),
        (former(SEGMENT, instance=vary(STANDBY, postmaster=RUNNING)), "auto", "keep", ""),
        (former(SEGMENT, instance=vary(STANDBY, postmaster=vary(RUNNING, connected=False))), "auto", "changed_blocks", "no more WAL"),
    ],
)
def test_the_way(found, asked, method, said):
    choice = choose(found, SOURCE, asked)
    assert choice.method == method
    assert said in choice.reason


@pytest.mark.parametrize("asked", rejoin.METHODS)
def test_what_is_its_own_is_known_before_it_is_discarded(asked):
    assert choose(former(SWITCH + 8), SOURCE, asked).discards == Lsn(SWITCH)
    assert choose(former(SWITCH), SOURCE, asked).discards is None


@pytest.mark.parametrize(("system", "told"), [("1", Lsn(SWITCH)), ("2", None), (None, None)])
def test_what_is_unusable_tells_what_it_had_by_wal_of_this_system(system, told):
    found = former(SWITCH + 8, lacks=("pg_xact",), wal_system=system)
    assert choose(found, SOURCE, "auto") == rejoin.Choice("changed_blocks", "its data directory lacks pg_xact", told)


@given(histories(), histories(), st.integers(0, 100))
def test_nothing_of_its_own_is_ever_followed_up_or_silently_discarded(own, of_source, end):
    found = former(end, own)
    choice = choose(found, vary(SOURCE, history=of_source, oldest=None), "auto")
    parted = parting(own, of_source)
    same = parted is not None and own.timeline == parted.timeline and (parted.position is None or Lsn(end) <= parted.position)
    assert choice.method == ("start" if same else "rewind")
    assert choice.discards == (None if same or parted is None else parted.position)


@pytest.mark.parametrize(
    ("found", "asked", "said"),
    [
        (former(instance=vary(INSTANCE, postmaster=RUNNING)), "basebackup", "a primary runs"),
        (former(instance=vary(STANDBY, postmaster=RUNNING, control=vary(CONTROL, system_identifier="2"))), "auto", "of the system 2"),
        (former(busy=(17,)), "auto", "(17)"),
        (former(instance=vary(INSTANCE, owner="root")), "auto", "belongs to root"),
        (former(instance=vary(INSTANCE, directory_state="other", names=("photo",))), "auto", "no instance"),
        (former(history=History(3, ((1, Lsn(8)),))), "auto", "rejoin_method"),
    ],
)
def test_what_is_not_touched(found, asked, said):
    assert said in (refusal(found, SOURCE, asked, "gpadmin") or "")


@pytest.mark.parametrize(
    ("found", "asked"),
    [
        (FORMER, "auto"),
        (former(history=History(3, ((1, Lsn(8)),))), "rewind"),
        (former(history=History(3), instance=vary(INSTANCE, control=vary(CONTROL, system_identifier="2"))), "auto"),
        (former(instance=vary(STANDBY, postmaster=RUNNING)), "auto"),
        (Former(Instance("/c/gpseg-1", "absent")), "auto"),
    ],
)
def test_what_may_be(found, asked):
    assert refusal(found, SOURCE, asked, "gpadmin") is None


UPSTREAM = Upstream(host="10.0.0.12", port=5432, user="r", store=Passfile("/p", "r"))
COPY = snapshot.Desired("1", "postgres 12", 1 << 30)
SITE = snapshot.Site(
    parent="/c", parent_owner="gpadmin", writable=True, free=10 << 30, user="gpadmin", leftover=False, engine_version="postgres 12"
)


def steps_of(found, asked="auto", password=None, kept=True, copy=COPY, **place):
    passfile = StoredPassword(kind="passfile", path="/p", usable=kept, check="abcd")
    return rejoin.plan(vary(snapshot.Place(SITE, found.instance, passfile), **place), found, SOURCE, asked, password, copy)


def planned(found, *arguments, **named):
    return [step.name for step in steps_of(found, *arguments, **named)]


def test_steps():
    assert planned(FORMER) == ["tell", "mark_standby"]
    assert planned(former(SWITCH + 8)) == ["tell", "rewind"]
    copied = ["tell", "copy", "keep_files", "set_aside", "swap_in"]
    assert planned(FORMER, "basebackup") == copied
    assert planned(Former(Instance("/c/gpseg-1", "absent"))) == [step for step in copied if step not in ("keep_files", "set_aside")]
    assert planned(Former(Instance("/c/gpseg-1", "absent"), rewinding=True)) == copied
    assert planned(former(instance=STANDBY)) == []


@pytest.mark.parametrize(
    ("found", "asked", "way"),
    [
        (former(SEGMENT), "auto", {"seed": "/c/gpseg-1", "reason": None}),
        (FORMER, "changed_blocks", {"seed": "/c/gpseg-1", "reason": None}),
        (Former(Instance("/c/gpseg-1", "absent"), rewinding=True), "auto", {"seed": "/c/.gpseg-1.coordinator_rewind", "reason": None}),
        (former(SEGMENT), "basebackup", {}),
        (Former(Instance("/c/gpseg-1", "absent")), "auto", {}),
        (former(instance=vary(INSTANCE, control=vary(CONTROL, system_identifier="2"))), "changed_blocks", {}),
    ],
)
def test_a_copy_takes_blocks_from_what_is_there_unless_it_is_to_be_new(found, asked, way):
    (copy,) = (step for step in steps_of(found, asked) if step.name == "copy")
    assert copy.arguments == way


def test_a_copy_that_was_cut_off_is_gone_on_with_unless_it_is_to_be_new():
    cut_off = vary(SITE, leftover=True, staged=600 << 20)
    resuming = vary(COPY, resume=True)
    gone = Former(Instance("/c/gpseg-1", "absent"))
    (copy,) = (step for step in steps_of(gone, copy=resuming, site=cut_off) if step.name == "copy")
    assert copy.arguments == {"seed": None, "reason": "a copy that was cut off left 600 MiB of 1024 MiB"}
    assert planned(gone, copy=resuming, site=cut_off) == ["tell", "take_up", "copy", "swap_in"]
    assert planned(gone, "basebackup", copy=resuming, site=cut_off) == ["tell", "remove_leftover", "copy", "swap_in"]


@pytest.mark.parametrize(("history", "left_in"), [(History(1), "000000010000000000000005"), (History(2, ((1, Lsn(SWITCH - 16)),)), None)])
def test_the_wal_in_which_the_source_went_on_by_itself_is_not_copied_twice(history, left_in):
    steps = steps_of(former(SWITCH + 8, history))
    assert [step.arguments["left_in"] for step in steps if step.name == "rewind"] == [left_in]


def test_a_password_and_a_free_place_come_before_the_rewind():
    steps = planned(former(SWITCH + 8), password="pw", kept=False, site=vary(SITE, leftover=True))
    assert steps[:4] == ["tell", "remove_leftover", "write_password", "rewind"]
    assert len(steps) == len(set(steps))


@pytest.mark.parametrize("end", [SWITCH, SWITCH + 8])
def test_without_a_password_it_stays_what_it_is(end):
    with pytest.raises(CoordinatorError, match="give replication_password"):
        planned(former(end), kept=False)


def test_a_standby_that_cannot_catch_up_is_stopped_first():
    lost = former(SEGMENT, instance=vary(STANDBY, postmaster=vary(RUNNING, connected=False)))
    assert planned(lost)[:3] == ["tell", "stop", "copy"]


def test_its_own_part_of_a_tablespace_is_not_in_the_way_of_the_copy():
    spot = Spot(placement=Placement("/fast", "/fast"), exists=True, writable=True, taken="/fast/9", free=10 << 30, device=1)
    with pytest.raises(CoordinatorError, match="not empty"):
        planned(FORMER, "basebackup", spots=(spot,))
    assert "copy" in planned(vary(FORMER, parts=("/fast/9",)), "basebackup", spots=(spot,))


def test_nothing_is_planned_against_a_refusal():
    with pytest.raises(CoordinatorError, match="a primary runs"):
        planned(former(instance=vary(INSTANCE, postmaster=RUNNING)), "basebackup")
    with pytest.raises(CoordinatorError, match="MiB free"):
        planned(FORMER, "basebackup", site=vary(SITE, free=0))


def test_what_is_there_is_observed(host, data_directory):
    found = rejoin.read_former(host, read_instance(host, str(data_directory)))
    lacks = {"base", "global/pg_control", "pg_multixact", "pg_tblspc", "pg_wal", "pg_xact", "pg_hba.conf", "pg_replslot"}
    assert lacks < set(found.lacks) and "base/1" not in found.lacks
    assert (found.end, found.history, found.busy, found.wal_refusal, found.rewinding) == (None, None, (), None, False)
    (data_directory.parent / ".gpseg-1.coordinator_rewind").mkdir()
    (data_directory / "PG_VERSION").unlink()
    remains = rejoin.read_former(host, read_instance(host, str(data_directory)))
    assert (remains.instance.directory_state, remains.rewinding) == ("other", True)
    assert rejoin.refusal(remains, SOURCE, "auto", remains.instance.owner) is None, "it is the rest of one"
    photos = data_directory.parent / "photos"
    photos.mkdir()
    (photos / "1.jpg").touch()
    strange = rejoin.read_former(host, read_instance(host, str(photos)))
    assert "no instance, nor the rest of one, 1.jpg" in rejoin.refusal(strange, SOURCE, "auto", strange.instance.owner)


def waldump(program):
    program(
        "pg_waldump",
        """case "$*" in
*--stats*) printf 'Transaction/COMMIT  2 ( 1.0) 200\n' ;;
*"--end 0/18000000"*) echo 'rmgr: Transaction desc: COMMIT 2026-11-23 08:00:00.123456 UTC; inval msgs' ;;
*) echo 'rmgr: Transaction desc: ABORT 2026-11-23 09:00:00.123456 UTC' ;;
esac""",
    )


def test_the_last_commit_is_looked_for_from_the_end(host, program, monkeypatch):
    waldump(program)
    monkeypatch.setattr(rejoining.salvage, "missing", lambda *_arguments: {**TOLD, "commits": 2})
    found = rejoining.discarded(host, former(6 * SEGMENT + 80), "0/14000060")
    assert found == {
        "from": "0/14000060",
        "to": "0/18000050",
        "timeline": 1,
        "bytes": 67108848,
        "commits": 2,
        "last_commit": "2026-11-23 08:00:00.123456 UTC",
        "why": "",
    }


TOLD = {"end": "0/18000050", "reaches": "0/18000050", "timeline": 1, "missing_bytes": 67108848, "commits": None, "why": ""}


def test_what_is_discarded_is_reported_before(host, tmp_path, monkeypatch):
    monkeypatch.setattr(rejoining.salvage, "missing", lambda *_arguments: {**TOLD, "why": "it is gone"})
    report = tmp_path / "files" / "discarded.jsonl"
    way = rejoining.Rejoining(host, "/c/gpseg-1", UPSTREAM, {}, (), str(report))
    way.former = former(SWITCH + 8)
    told = way.tell("rewind", "because", "0/14000060")
    assert (told["method"], told["reason"], told["discarded"]["why"]) == ("rewind", "because", "it is gone")
    (line,) = map(json.loads, report.read_text().splitlines())
    assert (line["from"], line["to"], line["commits"], line["reason"]) == ("0/14000060", "0/18000050", None, "because")
    assert way.tell("start", "because", None)["discarded"] is None
    assert len(report.read_text().splitlines()) == 1


@pytest.fixture
def half_rewound(data_directory):
    """A former primary whose rewind failed, with files of its own, and the disk of its WAL."""
    disk = data_directory.parent.parent / "wal"
    (disk / "gpseg-1").mkdir(parents=True)
    (disk / "gpseg-1" / "000000010000000000000001").touch()
    (data_directory / "pg_wal").symlink_to(disk / "gpseg-1")
    (data_directory / "gpbackup_history.db").write_text("own")
    (data_directory / "both").write_text("own")
    (data_directory / "log").symlink_to(disk)
    os.rename(data_directory, rewind.rewind_directory(str(data_directory)))
    return data_directory


def copying(data_directory):
    """A copy of the primary."""
    staging = snapshot.staging_directory(str(data_directory))
    disk = data_directory.parent.parent / "wal"

    def copy(seed, reason):
        assert (seed, reason) == (rewind.rewind_directory(str(data_directory)), None)
        os.mkdir(staging)
        for name, text in (("pg_hba.conf", "local all all peer\n"), ("both", "of the primary")):
            with open(os.path.join(staging, name), "w", encoding="utf-8") as file:
                file.write(text)
        os.mkdir(disk / ".gpseg-1.coordinator_snapshot")
        os.mkdir(os.path.join(staging, "log"))  # with nothing in it
        os.symlink(disk / ".gpseg-1.coordinator_snapshot", os.path.join(staging, "pg_wal"))
        return {"method": "basebackup", "bytes_copied": 5}

    def swap_in():
        snapshot.wal_link.swap_in(staging)
        os.rename(staging, data_directory)

    return {"copy": copy, "swap_in": swap_in}


def test_a_copy_takes_the_place_of_what_cannot_be_rewound(host, half_rewound, monkeypatch):
    def fails(*_arguments):
        raise rewind.Failed("no page checksums")

    monkeypatch.setattr(rewind, "rewind", fails)
    way = rejoining.Rejoining(host, str(half_rewound), UPSTREAM, copying(half_rewound), (), None)
    found = way.rewind("0/14000060", None)
    (aside,) = found["set_aside_as"]
    disk = str(half_rewound.parent.parent / "wal")
    assert os.path.basename(aside).startswith("gpseg-1.half_rewound-")
    assert found == {
        "method": "basebackup",
        "bytes_copied": 5,
        "reason": "it could not be rewound: no page checksums",
        "set_aside_as": [aside],
        "kept": ["gpbackup_history.db", "postgresql.auto.conf", "postgresql.conf"],
        "set_aside": ["both"],
        "set_aside_in": aside,
        "wal_directory": f"{disk}/gpseg-1",
        "former_wal": disk + "/gpseg-1" + aside[len(str(half_rewound)) :],
    }
    assert (half_rewound / "gpbackup_history.db").read_text() == "own"
    assert (half_rewound / "both").read_text() == "of the primary"
    assert os.path.realpath(half_rewound / "pg_wal") == f"{disk}/gpseg-1" and os.listdir(half_rewound / "pg_wal") == []
    assert os.listdir(found["former_wal"]) == ["000000010000000000000001"]
    assert os.readlink(half_rewound / "log") == disk
    assert rewind.remove(aside) == found["former_wal"]
    assert sorted(os.listdir(disk)) == ["gpseg-1"] and os.listdir(half_rewound.parent) == ["gpseg-1"]


def test_where_the_copy_cannot_come_into_place_what_was_there_comes_back(host, data_directory):
    def fails():
        raise CoordinatorError("it is a mount point")

    (data_directory / "own").touch()
    os.mkdir(snapshot.staging_directory(str(data_directory)))
    way = rejoining.Rejoining(host, str(data_directory), UPSTREAM, {"swap_in": fails}, (), None)
    way.keep_files()
    way.set_aside()
    assert not data_directory.exists()
    with pytest.raises(CoordinatorError, match="mount point"):
        way.swap_in()
    assert (data_directory / "own").exists()
