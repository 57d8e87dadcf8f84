# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""WAL with any bytes in it: its end is told or not, without much being read, and never behind what was written."""

from __future__ import annotations

import dataclasses
import os
import shutil
import struct

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import WAL_FILE, Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import survey, timeline, wal
from hypothesis import example
from hypothesis import strategies as st
from unit.plugins.module_utils.wal_writer import BLOCK, MAGIC, SEGMENT, SYSTEM, control_of, written

from .fuzzing import fuzzed, hostile_texts, spoilt_bytes

#: three segments, with a record over the end of each page and of each segment
WRITER = written([16, 300, 8, 700, "switch", 3000, 90, 16])
FILES = {WRITER.name(number): bytes(content) for number, content in sorted(WRITER.content.items())}
LAST = max(FILES)
POSITIONS = st.one_of(
    st.integers(0, WRITER.end + SEGMENT),
    st.sampled_from([0, 1, (1 << 32) - 1, (1 << 64) - 1, *(edge for record in WRITER.records for edge in record)]),
)


def first_page(size=SEGMENT, block=BLOCK, address=SEGMENT):
    """The beginning of a segment that tells of these sizes."""
    return struct.pack("=HHIQI4xQII", MAGIC, 2, 1, address, 0, SYSTEM, size, block)


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    return tmp_path_factory.mktemp("wal")


@pytest.fixture(scope="module")
def read(request):
    """How much was read of files: times, and bytes."""
    counted = [0, 0]
    pread = os.pread

    def counting(handle, size, offset):
        counted[0] += 1
        counted[1] += size
        assert size <= 1 << 20, "more was read at once than a page can have"
        return pread(handle, size, offset)

    patch = pytest.MonkeyPatch()
    patch.setattr(os, "pread", counting)
    request.addfinalizer(patch.undo)
    return counted


def put(directory, files):
    shutil.rmtree(directory / "pg_wal", ignore_errors=True)
    (directory / "pg_wal").mkdir(parents=True)
    for name, data in files.items():
        (directory / "pg_wal" / name).write_bytes(data)


@st.composite
def spoilt_files(draw):
    """The files of WAL, some of them spoilt, gone, or under another name."""
    files = dict(FILES)
    for name in draw(st.lists(st.sampled_from(sorted(FILES)), min_size=1, max_size=2)):
        data = draw(spoilt_bytes(files.pop(name, b"")))
        fate = draw(st.sampled_from(["stays", "stays", "stays", "goes", "is renamed"]))
        if fate != "goes":
            files[name if fate == "stays" else draw(st.sampled_from([*FILES, "F" * 24, "0" * 24, "00000002" + LAST[8:]]))] = data
    return files


@fuzzed(spoilt_files())
@example({LAST: first_page(block=1 << 31, size=1 << 31).ljust(4096, b"\1")})
@example({LAST: first_page(block=8, size=8).ljust(4096, b"\0")})
@example({LAST: first_page(block=1, size=3).ljust(4096, b"\0")})
@example({"F" * 24: first_page(1 << 30, 1 << 16, Lsn.of_wal_file("F" * 24, 1 << 30).position & (1 << 64) - 1).ljust(1 << 17, b"\0")})
def test_the_end_is_told_or_not(directory, read, files):
    put(directory, files)
    read[:] = 0, 0
    found = wal.end_of_wal(str(directory))
    held = sum(map(len, files.values())) + SEGMENT
    assert read[0] <= held and read[1] <= 64 * held
    if found is not None:
        assert Lsn.parse(str(found.position)) == found.position
        assert WAL_FILE.fullmatch(found.name(found.position.position))
        assert found.segment.size <= 1 << 30 and 64 <= found.segment.block <= 1 << 16
        assert isinstance(wal.holds(found, Lsn(found.segment.start), b"token"), bool)


@fuzzed(spoilt_files(), st.one_of(st.none(), st.tuples(POSITIONS, POSITIONS, POSITIONS)), st.one_of(st.none(), POSITIONS))
@example(FILES, (2088, (1 << 32) - 1, 0), None)
def test_a_survey_ends_and_goes_not_behind_what_was_written(directory, read, files, control, start):
    put(directory, files)
    known = None
    if control is not None:
        checkpoint, redo, consistent = (str(Lsn(position)) for position in control)
        known = dataclasses.replace(control_of(WRITER), checkpoint=checkpoint, redo=redo, consistent=consistent)
    read[:] = 0, 0
    try:
        found = survey.survey(str(directory), known, Lsn(start) if start is not None else None)
    except CoordinatorError as error:
        assert str(directory) in error.message
        return
    held = sum(map(len, files.values())) + SEGMENT
    assert read[0] <= 16 * held and read[1] <= 256 * held
    assert found.doubts or found.end.position.position <= WRITER.end
    assert all(doubt.isprintable() for doubt in (*found.doubts, found.lost_checkpoint))
    assert found.reaches is None or Lsn.parse(str(found.reaches)) == found.reaches


@fuzzed(st.integers(0, len(FILES[LAST])))
def test_what_is_cut_off_is_missing_and_no_more(directory, length):
    put(directory, {**FILES, LAST: FILES[LAST][:length]})
    found = wal.end_of_wal(str(directory))
    ends = [WRITER.records[0][0], *(end for _begin, end in WRITER.records)]
    assert found is None or found.position.position in ends or found.position.position % BLOCK == 0
    assert found is None or found.position.position <= WRITER.end


# positions


@fuzzed(st.one_of(hostile_texts, st.from_regex(r"[0-9A-Fa-f]{1,9}/[0-9A-Fa-f]{1,9}", fullmatch=True)))
@example("٣/٣")
@example("0/1\n")
@example("9" * 5000)
def test_a_position_is_read_or_refused_by_its_text(text):
    try:
        found = Lsn.parse(text)
    except CoordinatorError as error:
        assert repr(text)[:40] in error.message and len(error.message) < 400
        return
    assert 0 <= found.position < 1 << 64
    assert Lsn.parse(str(found)) == found and text.isascii()


@fuzzed(st.integers(0, (1 << 64) - 1), st.integers(1, (1 << 32) - 1), st.sampled_from([1 << bits for bits in range(20, 31)]))
def test_a_position_is_in_the_file_of_its_name(position, number, size):
    name = Lsn(position).wal_file(number, size)
    assert WAL_FILE.fullmatch(name)
    assert Lsn.of_wal_file(name, size).position == position // size * size


@fuzzed(st.lists(st.one_of(hostile_texts, st.sampled_from([*FILES, "F" * 24, "00000001.history"]))), POSITIONS)
def test_names_in_the_directory_of_wal_are_sorted_out(names, position):
    history = timeline.History(2, ((1, Lsn(position)),))
    assert set(timeline.shared(names, SEGMENT, history, Lsn(position))) <= {name for name in names if WAL_FILE.fullmatch(name)}
    found = timeline.oldest(names, SEGMENT)
    assert (found is None) == (not any(map(WAL_FILE.fullmatch, names)))
