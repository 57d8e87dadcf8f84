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
from ansible_collections.warehousepg.coordinator.plugins.module_utils import salvage, wal
from ansible_collections.warehousepg.coordinator.plugins.module_utils.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils.lsn import Lsn

from .wal_writer import SEGMENT, SYSTEM, WalWriter, written

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


def missing(host, directory, wal_from, tmp_path, timeline=1):
    return salvage.missing(host, directory, timeline, wal_from and str(Lsn(wal_from)), str(tmp_path / "salvage"))


def test_what_a_standby_lacks(host, made_with_wal, ran, tmp_path):
    asked = ran()
    writer = written([100] * 80)
    start = writer.records[20][1]
    found = missing(host, made_with_wal("old", writer), start, tmp_path)
    first = writer.name(start // SEGMENT)
    assert found == {
        "end": str(Lsn(writer.end)),
        "timeline": 1,
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
    found = salvage.missing(host, made_with_wal("old", writer), 1, str(Lsn(writer.records[20][1])), None)
    assert (found["commits"], found["archive"], found["why"]) == (6, None, "")


def test_nothing_is_missing(host, made_with_wal, tmp_path):
    writer = written([100] * 5)
    found = missing(host, made_with_wal("old", writer), writer.end, tmp_path)
    assert (found["missing_bytes"], found["commits"], found["archive"], found["why"]) == (0, 0, None, "")


def test_behind_a_record_with_a_bad_checksum_nothing_counts(host, made_with_wal, ran, tmp_path):
    writer = written([100] * 80)
    start, last = writer.records[10][1], writer.records[30]
    ran(fails=f"pg_waldump: fatal: error in WAL record at {Lsn(last[0])}: incorrect resource manager data checksum")
    found = missing(host, made_with_wal("old", writer), start, tmp_path)
    assert (found["end"], found["missing_bytes"], found["why"]) == (str(Lsn(last[1])), last[1] - start, "")
    with tarfile.open(found["archive"]) as archive:
        content = b"".join(archive.extractfile(name).read() for name in archive.getnames())
    first = int(found["first_segment"][16:], 16) * SEGMENT
    assert not content[last[1] - first :].strip(b"\0")
    assert content[last[1] - first - 8]


def test_no_record_is_valid(host, made_with_wal, ran, tmp_path):
    writer = written([100] * 4)
    start = writer.records[1][1]
    ran(says="", fails=f"pg_waldump: fatal: could not find a valid record after {Lsn(start)}")
    found = missing(host, made_with_wal("old", writer), start, tmp_path)
    assert (found["end"], found["missing_bytes"], found["commits"], found["archive"]) == (str(Lsn(start)), 0, 0, None)


@pytest.mark.parametrize(
    ("wal_from", "timeline", "why"),
    [
        (None, 1, "the end of the standby's WAL is not known"),
        (SEGMENT + 400, 2, "the old primary's WAL is on timeline 1, the standby's on 2: they diverged"),
        (100, 1, "the old primary no longer has the WAL segment 000000010000000000000000"),
        (SEGMENT + 400, 1, "pg_waldump failed with exit code 1: something else"),
    ],
)
def test_says_why_it_is_not_known(host, made_with_wal, ran, tmp_path, wal_from, timeline, why):
    ran(says="", fails="something else")
    writer = written([100] * 80)
    found = missing(host, made_with_wal("old", writer), wal_from, tmp_path, timeline)
    assert found["why"].startswith(why)
    assert (found["end"], found["missing_bytes"], found["archive"]) == (str(Lsn(writer.end)), None, None)


def test_no_wal_at_all(host, tmp_path):
    assert missing(host, str(tmp_path), 1, tmp_path)["why"].startswith("there is no valid WAL in")


def test_a_place_that_cannot_be_written(host, made_with_wal, ran, tmp_path):
    ran()
    (tmp_path / "salvage").write_text("a file")
    found = missing(host, made_with_wal("old", written([100] * 80)), SEGMENT + 400, tmp_path)
    assert found["why"].startswith("the missing WAL could not be packed in")
    assert found["archive"] is None


@pytest.fixture
def carried(host, made_with_wal, ran, tmp_path):
    """An old primary's archive, and a standby that lacks it: its data directory, writer of the whole WAL, number of records it has."""
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
    yield "diverged", segments(diverged, here, here), "the old primary and the standby diverged"


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
