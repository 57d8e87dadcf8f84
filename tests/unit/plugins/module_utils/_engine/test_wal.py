# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import pathlib
import shutil

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import wal
from hypothesis import given
from hypothesis import strategies as st

from ..wal_writer import BLOCK, SEGMENT, SYSTEM, WalWriter, append, written

#: sizes of records, a switch of the segment
RECORDS = st.lists(st.one_of(st.integers(0, 3 * BLOCK), st.just("switch"), st.integers(0, 3 * SEGMENT)), min_size=1, max_size=30)


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    return tmp_path_factory.mktemp("wal")


def end_of(directory, writer):
    shutil.rmtree(directory / "pg_wal", ignore_errors=True)
    writer.write(directory / "pg_wal")
    found = wal.end_of_wal(str(directory))
    return None if found is None else found.position.position


@given(RECORDS, st.integers(1, 5))
def test_finds_the_end_of_what_was_written(directory, records, segment):
    writer = written(records, segment * SEGMENT)
    assert end_of(directory, writer) == writer.end


@given(RECORDS, st.booleans())
def test_knows_whether_the_last_record_is_the_checkpoint_of_a_shutdown(directory, records, shutdown):
    writer = written(records)
    writer.record(88, shutdown=True)
    if not shutdown:
        writer.record()
    assert end_of(directory, writer) == writer.end
    assert wal.end_of_wal(str(directory)).shutdown == shutdown


@given(RECORDS, RECORDS, st.integers(1, 2 * SEGMENT), RECORDS)
def test_finds_a_text_wherever_pages_cut_it(directory, earlier, before, size, after):
    text = b"token" * size
    writer = written(earlier)
    start = Lsn(writer.end)
    append(writer, before)
    writer.record(text=text[:size])
    written_there = Lsn(writer.end)
    append(writer, after)
    end_of(directory, writer)
    end = wal.end_of_wal(str(directory))
    assert wal.holds(end, start, text[:size])
    assert not wal.holds(end, written_there, b"token") and not wal.holds(end, start, text[:size] + b"\xfe" * 4)


@given(RECORDS)
def test_what_waits_to_be_used_again_is_not_valid(directory, records):
    """Behind the end there is what the file held before, when it was a segment of an earlier place."""
    old, new = written([20] * 200), written(records, 40 * SEGMENT)
    filler = bytes(old.content[2])
    for number, content in new.content.items():
        behind = max(0, min(SEGMENT, new.end - number * SEGMENT))
        content[behind:] = filler[behind:]
    new.content[max(new.content) + 1] = bytearray(filler)
    new.content[max(new.content) + 1] = bytearray(SEGMENT)
    assert end_of(directory, new) == new.end


@given(RECORDS, st.data())
def test_a_record_whose_rest_is_missing_is_not_valid(directory, records, data):
    writer = written([*records, 16])
    cut = data.draw(st.integers(SEGMENT // BLOCK + 1, writer.end // BLOCK + 1)) * BLOCK  # WAL is received by whole pages
    for number, content in writer.content.items():
        behind = max(0, min(SEGMENT, cut - number * SEGMENT))
        content[behind:] = bytes(SEGMENT - behind)
    sizes = [*records, 16]
    complete = [end for (start, end), size in zip(writer.records, sizes) if end <= cut or (size == "switch" and start + 24 <= cut)]
    found = end_of(directory, writer)
    assert found in (complete[-1], None) if complete else found in (SEGMENT, None)


def test_names_a_timeline_and_a_segment(made_with_wal):
    writer = WalWriter(3 * SEGMENT, timeline=2)
    writer.record()
    older = WalWriter(3 * SEGMENT, timeline=1)
    [older.record() for dummy in range(200)]
    directory = made_with_wal("d", older)
    writer.write(pathlib.Path(directory, "pg_wal"))
    found = wal.end_of_wal(directory)
    assert (found.timeline, found.segment.start, found.segment.system_identifier) == (2, 3 * SEGMENT, SYSTEM)
    assert found.name(3 * SEGMENT) == os.path.basename(found.segment.path)


@pytest.mark.parametrize("content", [b"", b"\0" * SEGMENT, b"x" * SEGMENT, b"\0" * 7])
def test_no_valid_wal(tmp_path, content):
    (tmp_path / "pg_wal" / "archive_status").mkdir(parents=True)
    assert wal.end_of_wal(str(tmp_path)) is None
    (tmp_path / "pg_wal" / "000000010000000000000001").write_bytes(content)
    (tmp_path / "pg_wal" / "00000002.history").write_bytes(b"1\t0/1\tx\n")
    assert wal.end_of_wal(str(tmp_path)) is None
    assert wal.end_of_wal(str(tmp_path / "missing")) is None
