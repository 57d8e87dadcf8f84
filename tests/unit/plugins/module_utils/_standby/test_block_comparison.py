# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import os
import struct
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import work
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import backup_session
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.backup_session import Server
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.page_checksum import checksums
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import block_comparison, copied_tree
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.block_comparison import (
    Comparison,
    Part,
    joined,
    parts_of,
)
from hypothesis import given
from hypothesis import strategies as st

from .primary_files import BLOCK, SERVER, Primary, bring, bring_in_step, content, fill

contents = st.lists(st.sampled_from([b"a", b"b", b"c"]), max_size=12).map(
    lambda letters: b"".join(letter * (BLOCK // 2) for letter in letters)
)
paths = st.sampled_from(
    ["base/5/17", "base/5/17.1", "base/5/2619_fsm", "global/1262", "pg_xact/0000", "postgresql.conf", "own/a/b", "own/c"]
)
trees = st.dictionaries(paths, contents, max_size=6)


@given(trees, trees, st.none() | trees)
def test_whatever_is_there_becomes_what_the_primary_has(primary, staged, seed):
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as base:
        # small files have several pieces and batches
        patch.setattr(copied_tree, "PIECE", 2 * BLOCK)
        patch.setattr(block_comparison, "PIECE", 2 * BLOCK)
        patch.setattr(backup_session, "PIECE", 2 * BLOCK)
        patch.setattr(block_comparison, "_BATCH", 8 * BLOCK)
        comparison = bring(Path(base), primary, staged, seed)
        assert content(Path(base) / "copy") == primary
        # what is read is nothing that was there
        there = {path: staged.get(path, b"")[: len(whole)] for path, whole in primary.items()}
        for path, whole in primary.items():
            there[path] += (seed or {}).get(path, b"")[len(there[path]) : len(whole)]
        read = 0
        for path, whole in primary.items():
            relation = path.startswith(("base", "global"))
            known = len(whole) if len(there[path]) >= len(whole) else len(there[path]) // BLOCK * BLOCK
            differs = [at for at in range(0, len(whole), BLOCK) if at >= known or there[path][at : at + BLOCK] != whole[at : at + BLOCK]]
            if not relation and len(whole) <= 2 * BLOCK:
                read += len(whole) if differs else 0
            else:
                read += sum(len(whole[at : at + BLOCK]) for at in differs)
        assert comparison.fetched == read
        assert comparison.done == sum(map(len, primary.values()))


@given(st.integers(0, 100_000), st.integers(0, 120_000), st.booleans())
def test_parts_cover_a_file_once(size, there, relation):
    parts = parts_of("base/1/2", size, there, BLOCK, relation)
    assert sum(part.until - part.first for part in parts) == size
    assert all(part.first <= part.there <= part.until for part in parts)
    compared = sum(part.there - part.first for part in parts)
    assert compared == (size if there >= size else there // BLOCK * BLOCK)
    assert all(part.whole != relation for part in parts)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 9)).map(lambda pair: (pair[0], pair[0] + pair[1]))))
def test_ranges_that_meet_are_one(ranges):
    found = joined(ranges)
    assert {at for first, until in found for at in range(first, until)} == {at for first, until in ranges for at in range(first, until)}
    assert all(one[1] < other[0] for one, other in zip(found, found[1:]))


def test_a_file_that_goes_meanwhile_is_none(tmp_path):
    files = {"base/5/17": b"x" * BLOCK, "base/5/18": b"y" * BLOCK}
    (tmp_path / "primary").mkdir()
    fill(tmp_path / "primary", files)
    (tmp_path / "copy").mkdir()
    source = Primary(tmp_path / "primary")

    def drop():
        (tmp_path / "primary" / "base" / "5" / "18").unlink(missing_ok=True)

    source.meanwhile = drop
    bring_in_step(source, tmp_path / "copy")
    assert content(tmp_path / "copy") == {"base/5/17": b"x" * BLOCK}


def test_a_file_that_is_made_shorter_meanwhile_ends_in_zeros(tmp_path):
    (tmp_path / "primary").mkdir()
    fill(tmp_path / "primary", {"base/5/17": b"x" * 3 * BLOCK})
    (tmp_path / "copy").mkdir()
    fill(tmp_path / "copy", {"base/5/17": b"o" * 3 * BLOCK})
    source = Primary(tmp_path / "primary")
    source.meanwhile = lambda: os.truncate(tmp_path / "primary" / "base" / "5" / "17", BLOCK)
    bring_in_step(source, tmp_path / "copy")
    assert content(tmp_path / "copy") == {"base/5/17": b"x" * BLOCK + bytes(2 * BLOCK)}


def page(lsn: int, checksum: int = 1) -> bytes:
    return struct.pack("=IIHHHH", 0, lsn, checksum, 0, 24, 100) + b"p" * (BLOCK - 16)


def whole_pages(first: int, count: int) -> list[bytes]:
    """Pages with right checksums."""
    return [page(5, checksum) for checksum in checksums(page(5) * count, first, BLOCK)]


@given(st.integers(1, 40), st.sets(st.integers(0, 39)), st.none() | st.integers(0, 39))
def test_each_page_is_looked_at_by_its_number_in_its_relation(count, differing, damaged):
    pages = {"base/5/17": whole_pages(0, count), "base/5/17.1": whole_pages(99, count)}
    wrong = damaged in range(count) and pages["base/5/17.1"][damaged] != page(5)
    if wrong:
        pages["base/5/17.1"][damaged] = page(5)
    files = {path: b"".join(each) for path, each in pages.items()}
    staged = {path: b"".join(b"o" * BLOCK if at in differing else one for at, one in enumerate(each)) for path, each in pages.items()}
    said = pytest.raises(CoordinatorError, match=f"wrong checksums: base/5/17.1, block {damaged};") if wrong else contextlib.nullcontext()
    with said, TemporaryDirectory() as base:
        bring(Path(base), files, staged, server=Server("1", BLOCK, 99, True, 0o700, 1 << 20), before=9)


@pytest.mark.parametrize("staged", [False, True])
def test_damaged_pages_of_the_primary_are_no_copy(tmp_path, staged):
    wrong = {"base/5/17": page(5) * 7, "postgresql.conf": b"x"}
    with pytest.raises(
        CoordinatorError, match=r"wrong checksums: base/5/17, block 0, .*block 4, and 2 more; nothing is made of such a copy"
    ):
        bring(tmp_path, wrong, wrong if staged else {}, server=Server("1", BLOCK, 99, True, 0o700, 1 << 20), before=9)


@pytest.mark.parametrize("staged", [False, True])
def test_a_file_that_is_no_relation_has_no_pages(tmp_path, staged):
    files = {"base/5/own": page(5) * 3}
    bring(tmp_path, files, files if staged else {}, server=Server("1", BLOCK, 99, True, 0o700, 1 << 20), before=9)
    assert content(tmp_path / "copy") == files


def test_a_page_that_was_torn_is_read_again(tmp_path):
    (tmp_path / "primary").mkdir()
    fill(tmp_path / "primary", {"base/5/17": page(5)})
    (tmp_path / "copy").mkdir()
    source = Primary(tmp_path / "primary")
    reads = []

    def write():
        reads.append(1)
        if len(reads) == 2:  # it is whole by now, and later than the backup
            (tmp_path / "primary" / "base" / "5" / "17").write_bytes(page(10))

    source.meanwhile = write
    bring_in_step(source, tmp_path / "copy", server=Server("1", BLOCK, 99, True, 0o700, 1 << 20), before=9)
    assert content(tmp_path / "copy") == {"base/5/17": page(10)}


def test_between_any_two_reads_it_can_wait_and_be_given_up(tmp_path):
    calls = []

    def pause():
        calls.append(1)
        if len(calls) == 2:
            raise work.Cancelled("it was given up")

    (tmp_path / "primary").mkdir()
    fill(tmp_path / "primary", {"base/5/17": b"x" * BLOCK})
    (tmp_path / "copy").mkdir()
    fill(tmp_path / "copy", {"base/5/17": b"o" * BLOCK})
    with pytest.raises(work.Cancelled):
        bring_in_step(Primary(tmp_path / "primary"), tmp_path / "copy", pause=pause)


def test_a_part_is_a_key():
    """Parts are what differences are gathered by."""
    assert len({Part("a", 0, 1, 0), Part("a", 0, 1, 0), Part("a", 0, 2, 0)}) == 2


def test_time_without_reads_gives_no_right_to_read_faster(tmp_path, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(block_comparison.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(block_comparison.time, "sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds))
    comparison = Comparison(Primary(tmp_path), SERVER, Lsn(1), str(tmp_path), rate=100, pause=lambda: None)
    waited = []
    for idle, fetched in ((0, 100), (50, 100), (0, 0), (0, 200), (0, 100)):
        clock[0] += idle
        began = clock[0]
        comparison.keep_to_rate(fetched, began)
        waited.append(clock[0] - began)
    assert waited == pytest.approx([1, 1, 0, 2, 1], abs=0.2)
