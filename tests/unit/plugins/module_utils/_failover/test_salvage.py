# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import io
import os
import pathlib
import stat
import tarfile

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.work import Cancelled, Progress
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import wal
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import salvage
from hypothesis import given
from hypothesis import strategies as st

from ..wal_writer import BLOCK, SEGMENT, SYSTEM, WalWriter, control_of, written

STATS = (
    "Transaction/COMMIT    3 (  1.0)\nTransaction/COMMIT_PREPARED    1 (1)\nTransaction/ABORT   7\nTransaction/DISTRIBUTED_COMMIT  2 (0)\n"
)


@pytest.fixture
def ran(program, tmp_path):
    """A pg_waldump that says something, and what it was asked."""

    def make(says=STATS, fails=""):
        (tmp_path / "says").write_text(says)
        program("pg_waldump", f'echo "$@" > {tmp_path}/asked; cat {tmp_path}/says' + (f'; echo "{fails}" >&2; exit 1' if fails else ""))
        return tmp_path / "asked"

    return make


def missing(host, directory, wal_from, tmp_path, timeline=1, writer=None, **more):
    control = control_of(writer or written([100] * 80))
    return salvage.missing(host, directory, control, timeline, wal_from and str(Lsn(wal_from)), str(tmp_path / "salvage"), **more)


def test_what_a_standby_lacks(host, made_with_wal, ran, tmp_path):
    asked = ran()
    writer = written([100] * 80)
    start = writer.records[20][1]
    found = missing(host, made_with_wal("old", writer), start, tmp_path)
    first = writer.name(start // SEGMENT)
    assert found == {
        "end": str(Lsn(writer.end)),
        "timeline": 1,
        "proved": True,
        "reaches": str(Lsn(writer.end)),
        "missing_bytes": writer.end - start,
        "commits": 6,
        "first_segment": first,
        "archive": str(tmp_path / "salvage" / f"{first}.tar.gz"),
        "why": "",
    }
    assert stat.S_IMODE(os.stat(found["archive"]).st_mode) == 0o600
    assert f"--start {Lsn(start)} --end {Lsn(writer.end)} --stats=record {first} {writer.name(writer.end // SEGMENT)}" in asked.read_text()
    with tarfile.open(found["archive"]) as archive:
        names = archive.getnames()
        assert names == [writer.name(number) for number in range(start // SEGMENT, writer.end // SEGMENT + 1)]
        content = b"".join(archive.extractfile(name).read() for name in names)
    assert content.rstrip(b"\0") == b"".join(
        writer.content[number] for number in range(start // SEGMENT, writer.end // SEGMENT + 1)
    ).rstrip(b"\0")


def test_without_a_directory_nothing_is_packed(host, made_with_wal, ran):
    ran()
    writer = written([100] * 80)
    found = salvage.missing(host, made_with_wal("old", writer), control_of(writer), 1, str(Lsn(writer.records[20][1])), None)
    assert (found["commits"], found["archive"], found["why"]) == (6, None, "")


def test_nothing_is_missing(host, made_with_wal, tmp_path):
    writer = written([100] * 5)
    found = missing(host, made_with_wal("old", writer), writer.end, tmp_path)
    assert (found["missing_bytes"], found["commits"], found["archive"], found["why"]) == (0, 0, None, "")


def test_what_would_be_packed_is_told_of(host, made_with_wal, ran, tmp_path):
    ran()
    writer = written([100] * 80)
    old = made_with_wal("old", writer)
    foretold = missing(host, old, writer.records[20][1], tmp_path, pack=False)
    assert not (tmp_path / "salvage").exists()
    assert missing(host, old, writer.records[20][1], tmp_path) == foretold


def cut_at(directory, writer, position):
    """Cut the file that holds a position there."""
    path = pathlib.Path(directory, "pg_wal", writer.name(position // SEGMENT))
    path.write_bytes(path.read_bytes()[: position % SEGMENT])


@pytest.mark.parametrize("behind", [-3, 0, 8, 100])
def test_what_is_valid_of_a_file_that_was_cut_is_packed(host, made_with_wal, ran, tmp_path, behind):
    asked = ran()
    writer = written([100] * 80)
    start, last = writer.records[20][1], writer.records[60][1]
    old = made_with_wal("old", writer)
    cut_at(old, writer, last + behind)
    found = missing(host, old, start, tmp_path)
    assert (found["end"], found["proved"], found["missing_bytes"]) == (str(Lsn(last)), False, last - start)
    assert f"--end {Lsn(last + min(behind, 0))} " in asked.read_text(), "what a record is filled up with is not asked for"
    assert f"{writer.name(last // SEGMENT)} has {last % SEGMENT + behind} bytes instead of {SEGMENT}" in found["why"]
    assert found["reaches"] == str(Lsn(max(last, writer.end // BLOCK * BLOCK)))
    with tarfile.open(found["archive"]) as archive:
        contents = {name: archive.extractfile(name).read() for name in archive.getnames()}
    assert {len(content) for content in contents.values()} == {SEGMENT}
    cut = contents[writer.name(last // SEGMENT)]
    assert cut[: last % SEGMENT] == writer.content[last // SEGMENT][: last % SEGMENT] and not cut[last % SEGMENT :].strip(b"\0")
    standby = made_with_wal("standby", written([100] * 21))
    salvage.place(standby, found["archive"], wal.end_of_wal(standby))
    assert wal.end_of_wal(standby).position == Lsn(last)


def test_a_standby_that_has_more_shows_that_something_is_gone(host, made_with_wal, tmp_path):
    writer = written([100] * 40)
    found = missing(host, made_with_wal("old", writer), writer.end + 128, tmp_path)
    assert (found["end"], found["proved"], found["reaches"]) == (str(Lsn(writer.end)), False, str(Lsn(writer.end + 128)))
    assert (found["missing_bytes"], found["archive"]) == (0, None)
    assert f"the standby has it up to {Lsn(writer.end + 128)}" in found["why"]


def test_what_was_brought_is_rolled_back(carried):
    archive, standby, whole = carried
    before = wal.end_of_wal(standby)
    names = salvage.place(standby, archive, before)["salvaged"]
    assert wal.end_of_wal(standby).position == Lsn(whole.end)
    salvage.roll_back(standby, names, before)
    assert wal.end_of_wal(standby).position == before.position
    sizes = {path.stat().st_size for path in pathlib.Path(standby, "pg_wal").iterdir()}
    assert sizes == {SEGMENT} and not os.path.exists(os.path.join(standby, "pg_wal", names[-1]))


def test_behind_a_record_with_a_bad_checksum_nothing_counts(host, made_with_wal, ran, tmp_path):
    writer = written([100] * 80)
    start, last = writer.records[10][1], writer.records[30]
    ran(fails=f"pg_waldump: fatal: error in WAL record at {Lsn(last[0])}: incorrect resource manager data checksum")
    found = missing(host, made_with_wal("old", writer), start, tmp_path)
    assert (found["end"], found["missing_bytes"], found["proved"]) == (str(Lsn(last[1])), last[1] - start, False)
    assert found["why"] == f"the record behind {Lsn(last[1])} is damaged: incorrect resource manager data checksum"
    assert found["reaches"] == str(Lsn(writer.end))
    with tarfile.open(found["archive"]) as archive:
        content = b"".join(archive.extractfile(name).read() for name in archive.getnames())
    first = int(found["first_segment"][16:], 16) * SEGMENT
    assert not content[last[1] - first :].strip(b"\0")
    assert content[last[1] - first - 8]


def test_no_record_is_valid(host, made_with_wal, ran, tmp_path):
    writer = written([100] * 4)
    start = writer.records[1][1]
    ran(says="", fails=f"pg_waldump: fatal: could not find a valid record after {Lsn(start)}")
    found = missing(host, made_with_wal("old", writer), start, tmp_path, writer=writer)
    assert (found["end"], found["missing_bytes"], found["commits"], found["archive"]) == (str(Lsn(start)), 0, 0, None)
    assert not found["proved"] and found["reaches"] == str(Lsn(writer.end))


@pytest.mark.parametrize(
    ("wal_from", "timeline", "proved", "why"),
    [
        (None, 1, True, "the end of the standby's WAL is not known"),
        (
            SEGMENT + 512,
            2,
            False,
            "the former primary's valid WAL is on timeline 1, the standby's on 2: a part is gone, or they diverged",
        ),
        (SEGMENT + 512, 0, False, "the former primary's WAL went on to timeline 1, the standby's is on 0: they diverged"),
        (104, 1, False, "the WAL segment 000000010000000000000000 is missing, and WAL is needed from 0/68 on"),
    ],
)
def test_says_why_it_is_not_known(host, made_with_wal, ran, tmp_path, wal_from, timeline, proved, why):
    ran()
    writer = written([100] * 80)
    found = missing(host, made_with_wal("old", writer), wal_from, tmp_path, timeline)
    assert found["why"].endswith(why)
    assert (found["proved"], found["archive"], found["reaches"]) == (proved, None, str(Lsn(writer.end)))


def test_what_pg_waldump_cannot_read_is_not_brought(host, made_with_wal, ran, tmp_path):
    ran(says="", fails="something else")
    found = missing(host, made_with_wal("old", written([100] * 80)), SEGMENT + 512, tmp_path)
    assert found["why"] == "pg_waldump can read nothing behind 0/A00: pg_waldump failed with exit code 1: something else"
    assert (found["proved"], found["missing_bytes"], found["archive"]) == (False, 0, None)


def test_no_wal_at_all(host, tmp_path):
    (tmp_path / "pg_wal").mkdir()
    found = missing(host, str(tmp_path), 1, tmp_path)
    assert found["why"].startswith("there is no valid WAL in") and not found["proved"]


def test_a_place_that_cannot_be_written(host, made_with_wal, ran, tmp_path):
    ran()
    (tmp_path / "salvage").write_text("a file")
    found = missing(host, made_with_wal("old", written([100] * 80)), SEGMENT + 512, tmp_path)
    assert found["why"].startswith("the missing WAL could not be packed in")
    assert found["archive"] is None


@pytest.fixture
def carried(host, made_with_wal, ran, tmp_path):
    """A former primary's archive, and a standby that lacks it: its data directory, writer of the whole WAL, number of records it has."""
    ran()
    whole = written([100] * 80)
    archive = missing(host, made_with_wal("old", whole), whole.records[19][1], tmp_path)["archive"]
    return archive, made_with_wal("standby", written([100] * 20)), whole


def test_a_standby_gets_what_it_lacks(carried):
    archive, standby, whole = carried
    before = wal.end_of_wal(standby)
    (pathlib.Path(before.segment.path).parent / "salvage.before.20261123T080000Z.x").mkdir()  # of an older version
    found = salvage.place(standby, archive, before)
    assert wal.end_of_wal(standby).position == Lsn(whole.end)
    assert found["salvaged"] == [whole.name(number) for number in range(before.position.position // SEGMENT, whole.end // SEGMENT + 1)]
    name = os.path.basename(before.segment.path)
    assert stat.S_IMODE(os.stat(os.path.join(standby, "pg_wal", name)).st_mode) in (0o600, 0o640)
    assert not [name for name in os.listdir(os.path.join(standby, "pg_wal")) if name.startswith("salvage")]


def test_what_an_earlier_attempt_packed_goes(host, made_with_wal, ran, tmp_path):
    ran()
    whole, left = written([100] * 80), tmp_path / "salvage"
    left.mkdir()
    for name in (f"{whole.name(0)}.tar.gz", f"{whole.name(1)}.tar.gz.new", "precious"):
        (left / name).touch()
    archive = missing(host, made_with_wal("old", whole), whole.records[19][1], tmp_path)["archive"]
    assert set(os.listdir(left)) == {os.path.basename(archive), "precious"}


def test_placed_again_it_is_the_same(carried):
    archive, standby, whole = carried
    salvage.place(standby, archive, wal.end_of_wal(standby))
    salvage.place(standby, archive, wal.end_of_wal(standby))
    assert wal.end_of_wal(standby).position == Lsn(whole.end)


def packed(path, files):
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return str(path)


def segments(writer, first, last):
    return [(writer.name(number), bytes(writer.content[number])) for number in range(first, last + 1)]


def bad_archives():
    whole, other, diverged = written([100] * 80), WalWriter(SEGMENT, system=5), written([100] * 18 + [90] * 60)
    [other.record(100) for dummy in range(80)]
    here = whole.records[19][1] // SEGMENT
    yield "no WAL segment", [("../evil", b"x")], "holds '../evil', which is no WAL segment"
    yield "nothing", [], "does not hold WAL segments of timeline 1 that follow one another"
    yield "a gap inside", segments(whole, here, here) + segments(whole, here + 2, here + 2), "that follow one another"
    yield "a gap before", segments(whole, here + 1, here + 1), "there is a gap between them"
    yield "another system", segments(other, here, here), f"is not one of the system {SYSTEM}"
    yield "zeros", [(whole.name(here), bytes(SEGMENT))], f"is not one of the system {SYSTEM}"
    yield "a segment that is too long", [(whole.name(here), bytes(SEGMENT + 1))], f"with {SEGMENT + 1} bytes: the standby's WAL segments"
    yield "one twice", segments(whole, here, here) * 2, "that follow one another"
    yield "diverged", segments(diverged, here, here), "the former primary and the standby diverged"


@pytest.mark.parametrize(("files", "why"), [pytest.param(files, why, id=name) for name, files, why in bad_archives()])
def test_nothing_is_placed_that_does_not_continue_the_standby_s_wal(carried, tmp_path, files, why):
    standby = carried[1]
    before = {name: os.stat(os.path.join(standby, "pg_wal", name)).st_ino for name in os.listdir(os.path.join(standby, "pg_wal"))}
    with pytest.raises(CoordinatorError, match=why.replace("(", ".")):
        salvage.place(standby, packed(tmp_path / "bad.tar.gz", files), wal.end_of_wal(standby))
    assert {name: os.stat(os.path.join(standby, "pg_wal", name)).st_ino for name in os.listdir(os.path.join(standby, "pg_wal"))} == before


@pytest.mark.parametrize("content", [b"", b"no archive", None])
def test_what_is_no_archive_is_refused(carried, tmp_path, content):
    path = tmp_path / "bad.tar.gz"
    if content is None:
        path.write_bytes(pathlib.Path(carried[0]).read_bytes()[:200])
    else:
        path.write_bytes(content)
    with pytest.raises(CoordinatorError, match=r"the salvaged WAL in .* could not be put into"):
        salvage.place(carried[1], str(path), wal.end_of_wal(carried[1]))


def test_a_standby_without_wal_takes_none(carried, tmp_path):
    with pytest.raises(CoordinatorError, match="there is no valid WAL in"):
        salvage.place(str(tmp_path), carried[0], None)


def test_a_cut_off_run_is_seen(carried):
    os.mkdir(os.path.join(carried[1], "pg_wal", "salvage.new"))
    assert salvage.was_placing(carried[1])


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE, tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME]
)
def test_entries_of_another_kind_are_refused(carried, tmp_path, kind):
    with tarfile.open(tmp_path / "bad.tar.gz", "w:gz") as archive:
        entry = tarfile.TarInfo(os.path.basename(wal.end_of_wal(carried[1]).segment.path))
        entry.type, entry.linkname = kind, "/etc/passwd"
        archive.addfile(entry)
    with pytest.raises(CoordinatorError, match="which is no WAL segment"):
        salvage.place(carried[1], str(tmp_path / "bad.tar.gz"), wal.end_of_wal(carried[1]))


def test_nothing_is_written_for_what_is_refused_or_has_no_room(carried, tmp_path, monkeypatch):
    standby, own = carried[1], wal.end_of_wal(carried[1])
    monkeypatch.setattr(salvage, "free_bytes", lambda directory: SEGMENT - 1)
    with pytest.raises(CoordinatorError, match="there is no room in"):
        salvage.place(standby, carried[0], own)
    written_to = tmp_path / "stage"
    written_to.mkdir()
    bomb = packed(tmp_path / "bomb.tar.gz", [(os.path.basename(own.segment.path), bytes(40 * SEGMENT))])
    with pytest.raises(CoordinatorError, match="bytes: the standby's WAL segments have"):
        salvage._unpack(bomb, str(written_to), own, 0o600)
    assert os.listdir(written_to) == []


@given(st.integers(0, 20 * SEGMENT), st.integers(0, 20 * SEGMENT))
def test_how_far_unpacking_has_come_is_told_of_the_segments_that_are_missing(tmp_path_factory, mine, theirs):
    stage = tmp_path_factory.mktemp("stage")
    segment = wal.Segment(path="x", timeline=1, start=0, system_identifier=1, size=SEGMENT, block=8192, magic=1, length=SEGMENT)
    own = wal.End(1, Lsn(mine), segment)
    needed = {position // SEGMENT for position in range(mine // SEGMENT * SEGMENT, theirs, SEGMENT)}
    assert salvage.progress(str(stage), own, Lsn(theirs)) == Progress("unpacking salvaged WAL", 0, len(needed) * SEGMENT)
    (stage / "000000010000000000000001").write_bytes(bytes(4096))
    assert salvage.progress(str(stage), own, None) == Progress("unpacking salvaged WAL", 4096, 0)


def test_unpacking_that_is_given_up_changes_nothing(carried, monkeypatch):
    def give_up():
        raise Cancelled("interrupted")

    archive, standby, _whole = carried
    before = wal.end_of_wal(standby)
    monkeypatch.setattr(salvage.work, "check", give_up)
    with pytest.raises(Cancelled):
        salvage.place(standby, archive, before)
    assert wal.end_of_wal(standby) == before
    assert not [name for name in os.listdir(os.path.join(standby, "pg_wal")) if name.startswith("salvage")]
