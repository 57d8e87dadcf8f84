# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import shutil

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import wal
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.survey import survey
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ..wal_writer import BLOCK, SEGMENT, append, control_of, written

SIZES = st.one_of(st.integers(0, 3 * BLOCK), st.just("switch"), st.integers(0, 3 * SEGMENT))


def quietly(examples):
    """So many examples, whatever the machine does beside."""
    return settings(max_examples=examples)


RECORDS = st.lists(SIZES, min_size=1, max_size=30)


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    return tmp_path_factory.mktemp("survey")


def laid_out(directory, *writers, waiting=()):
    """WAL on disk, of one timeline after another; and segments that wait behind it, empty or of an earlier place."""
    shutil.rmtree(directory / "pg_wal", ignore_errors=True)
    for number, writer in enumerate(writers):
        writer.write(directory / "pg_wal")
        if number:
            began = [f"{before.timeline}\t{Lsn(before.end)}\tit was promoted\n" for before in writers[:number]]
            (directory / "pg_wal" / f"{writer.timeline:08X}.history").write_text("".join(began))
    last = writers[-1]
    for number, content in enumerate(waiting, max(last.content, default=last.end // SEGMENT) + 1):
        (directory / "pg_wal" / last.name(number)).write_bytes(content)


def seen(directory, control, start=None):
    return survey(str(directory), control, None if start is None else Lsn(start))


OLD = bytes(written([20] * 200).content[2])
WAITING = st.lists(st.sampled_from([OLD, bytes(SEGMENT), OLD[: SEGMENT // 2].ljust(SEGMENT, b"\0")]), max_size=4)


@quietly(100)
@given(RECORDS, WAITING, st.data())
def test_nothing_speaks_against_the_end_of_what_was_written(directory, records, waiting, data):
    writer = written(records, 7 * SEGMENT)
    laid_out(directory, writer, waiting=waiting)
    redo = data.draw(st.integers(0, len(records) - 1))
    found = seen(directory, control_of(writer, redo, data.draw(st.integers(redo, len(records) - 1))))
    assert (found.end.position, found.doubts, found.reaches, found.lost_checkpoint) == (Lsn(writer.end), (), Lsn(writer.end), "")


@quietly(100)
@given(RECORDS, RECORDS, WAITING, st.booleans(), st.data())
def test_nor_against_that_on_a_later_timeline(directory, records, later, waiting, twice, data):
    writers = [written(records, 7 * SEGMENT)]
    for _dummy in range(1 + twice):
        writers.append(writers[-1].promoted())
        append(writers[-1], later)
    laid_out(directory, *writers, waiting=waiting)
    last = writers[-1]
    redo = data.draw(st.integers(0, len(last.records) - 1))
    found = seen(directory, control_of(last, redo, data.draw(st.integers(redo, len(last.records) - 1))))
    assert (found.end.position, found.end.timeline, found.doubts) == (Lsn(last.end), last.timeline, ())


@quietly(100)
@given(RECORDS, st.integers(0, 3 * SEGMENT), st.data())
def test_nor_against_one_behind_which_a_record_was_half_written(directory, records, size, data):
    writer = written(records, 7 * SEGMENT)
    end = writer.end
    writer.record(size + 2 * BLOCK)
    lost = data.draw(st.integers(end // BLOCK + 1, (writer.end - 1) // BLOCK))
    for page in range(lost, (writer.end - 1) // BLOCK + 1):
        writer.content[page * BLOCK // SEGMENT][page * BLOCK % SEGMENT : page * BLOCK % SEGMENT + BLOCK] = bytes(BLOCK)
    laid_out(directory, writer)
    found = seen(directory, control_of(writer))
    assert (found.end.position, found.doubts) == (Lsn(end), ())
    # recovery goes on behind it, on the page where its rest is missing
    writer.end, writer.last, writer.records = lost * BLOCK, writer.records[-2][0], writer.records[:-1]
    writer.record()
    writer.content[lost * BLOCK // SEGMENT][lost * BLOCK % SEGMENT + 2] |= 8
    writer.record()
    laid_out(directory, writer)
    found = seen(directory, control_of(writer))
    assert (found.end.position, found.doubts) == (Lsn(writer.end), ())


class Damage:
    """What was written, damaged."""

    def __init__(self, writer, data):
        self.files = {writer.name(number): bytes(content) for number, content in writer.content.items()}
        self.writer = writer
        self.data = data

    def _name(self, names):
        return self.data.draw(st.sampled_from(sorted(names)))

    def cut(self):
        name = self._name(self.files)
        self.files[name] = self.files[name][: self.data.draw(st.integers(0, SEGMENT - 1))]

    def extend(self):
        name = self._name(self.files)
        self.files[name] += self.data.draw(st.binary(min_size=1, max_size=2 * SEGMENT))

    def zero(self):
        """A page, not the last, which could as well not have been written."""
        last = self.writer.records[-1][0] // BLOCK
        first = min(self.writer.content) * SEGMENT // BLOCK
        assume(first < last)
        page = self.data.draw(st.integers(first, last - 1)) * BLOCK
        name = self.writer.name(page // SEGMENT)
        held = bytearray(self.files[name])
        assume(held[page % SEGMENT : page % SEGMENT + BLOCK].strip(b"\0"))  # not what a switch left empty
        held[page % SEGMENT : page % SEGMENT + BLOCK] = bytes(BLOCK)
        self.files[name] = bytes(held)

    def remove(self):
        """A segment, not the last."""
        names = sorted(self.files)[:-1]
        assume(names)
        del self.files[self._name(names)]

    def swap(self):
        assume(len(self.files) > 1)
        one, other = self._name(self.files), self._name(self.files)
        assume(one != other)
        self.files[one], self.files[other] = self.files[other], self.files[one]

    def write(self, directory):
        shutil.rmtree(directory / "pg_wal", ignore_errors=True)
        (directory / "pg_wal").mkdir()
        for name, content in self.files.items():
            (directory / "pg_wal" / name).write_bytes(content)


@quietly(300)
@given(st.lists(SIZES, min_size=3, max_size=40), st.sampled_from(["cut", "extend", "zero", "remove", "swap"]), st.data())
def test_damage_before_the_end_is_never_taken_for_the_end(directory, records, kind, data):
    writer = written([*records, 16], 7 * SEGMENT)
    damage = Damage(writer, data)
    getattr(damage, kind)()
    damage.write(directory)
    found = seen(directory, control_of(writer))
    assert found.doubts
    assert found.end is None or found.end.position <= Lsn(writer.end)
    assert found.end is None or found.end.position <= found.reaches <= Lsn(writer.end)


@quietly(200)
@given(st.lists(st.integers(0, 2 * BLOCK), min_size=3, max_size=30), st.data())
def test_a_damaged_record_is_not_valid(directory, records, data):
    writer = written(records, 7 * SEGMENT)
    number = data.draw(st.integers(0, len(records) - 1))
    start = writer.records[number][0]
    position = start + data.draw(st.integers(0, min(23, BLOCK - start % BLOCK - 1)))
    writer.content[position // SEGMENT][position % SEGMENT] ^= 1 << data.draw(st.integers(0, 7))
    laid_out(directory, writer)
    with wal.Reader(wal.read_head(str(directory / "pg_wal" / writer.name(7)), writer.name(7))) as reader:
        walk = reader.walk(7 * SEGMENT, summed=True)
    assert walk.end <= start


def test_the_checksum_is_the_engine_s():
    assert wal.checksum(b"123456789") == 0xE3069283
    assert wal.checksum(b"6789", wal.checksum(b"12345")) == 0xE3069283


WRITER = written([100] * 80, 7 * SEGMENT)
END = str(Lsn(WRITER.end))


@pytest.mark.parametrize(
    ("control", "start", "doubt"),
    [
        (None, None, "the control file, which has the latest checkpoint, cannot be read"),
        (control_of(WRITER, timeline=2), None, "is on timeline 2, but"),
        (control_of(WRITER, consistent=str(Lsn(WRITER.end + 8))), None, "what is on disk of the data needs it up to"),
        (dataclasses.replace(control_of(WRITER), checkpoint="0/F000028"), None, "the latest checkpoint, at 0/F000028 in"),
        (control_of(WRITER, segment_bytes=SEGMENT * 2), None, f"WAL segments of {SEGMENT * 2} bytes"),
        (control_of(WRITER), WRITER.end + 8, f"the valid WAL ends at {END}, the standby has it up to {Lsn(WRITER.end + 8)}"),
        (control_of(WRITER), 3 * SEGMENT, "is missing, and WAL is needed from"),
    ],
)
def test_what_speaks_against_the_end(directory, control, start, doubt):
    laid_out(directory, WRITER)
    assert any(doubt in said for said in seen(directory, control, start).doubts)


def test_another_system_s_wal_is_none(directory):
    laid_out(directory, WRITER)
    assert seen(directory, control_of(WRITER, system_identifier="1")).end is None


def test_a_later_timeline_of_which_nothing_is_left(directory):
    laid_out(directory, WRITER)
    (directory / "pg_wal" / "00000002.history").write_text(f"1\t{END}\tit was promoted\n")
    assert any("a history of timeline 2" in doubt for doubt in seen(directory, control_of(WRITER)).doubts)
    later = WRITER.promoted()
    later.record()
    laid_out(directory, WRITER, later)
    name = later.name(later.end // SEGMENT)
    assert seen(directory, control_of(later)).doubts == ()
    (directory / "pg_wal" / "00000002.history").unlink()
    assert any("00000002.history, is missing" in doubt for doubt in seen(directory, control_of(later)).doubts)
    for content, doubt in ((b"", f"{name} has 0 bytes"), (b"\0" * BLOCK + bytes(later.content[max(later.content)])[BLOCK:], "timeline 2")):
        (directory / "pg_wal" / name).write_bytes(content)
        assert any(doubt in said for said in seen(directory, control_of(WRITER)).doubts), doubt


def test_a_hole_on_the_last_page(directory):
    writer = written([100] * 20, 7 * SEGMENT)
    while writer.end % BLOCK > 100:
        writer.record()
    before = writer.end
    for _dummy in range(3):
        writer.record(8)
    laid_out(directory, writer)
    assert seen(directory, control_of(writer)).doubts == ()
    offset = before % SEGMENT
    for damage in (bytes(32), bytes(writer.content[before // SEGMENT][offset : offset + 24]) + b"\xbb" * 8):
        content = bytearray(writer.content[before // SEGMENT])
        content[offset : offset + 32] = damage
        (directory / "pg_wal" / writer.name(before // SEGMENT)).write_bytes(content)
        found = seen(directory, control_of(writer))
        assert found.end.position == Lsn(before)
        assert len(found.doubts) == 1 and f"record at {Lsn(before)}" in found.doubts[0]


def test_a_standby_s_wal_is_read_from_where_it_is_desired(directory):
    laid_out(directory, WRITER)
    (directory / "pg_wal" / WRITER.name(8)).unlink()
    found = seen(directory, control_of(WRITER), WRITER.records[70][1])
    assert found.end.position == Lsn(WRITER.end)
    assert any("is missing, though WAL goes on" in doubt for doubt in found.doubts)
