# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import os
import stat
import struct
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import work
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import backup_session
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.backup_session import Backup, Listed, Range, Server
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import changed_blocks
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.changed_blocks import (
    Copying,
    Part,
    joined,
    parts_of,
    rate_of,
)
from hypothesis import given
from hypothesis import strategies as st

BLOCK = 512
SERVER = Server("1", BLOCK, 4, False, 0o700, 1 << 20)


class Primary:
    """Answers as a session does, of a directory of this host."""

    def __init__(self, directory: Path):
        self.directory = directory
        self.read_ranges: list[Range] = []
        self.asked: list[Range] = []
        #: called before each piece is read
        self.meanwhile = lambda: None

    def entries(self, directory):
        place = self.directory / directory
        if not place.is_dir():
            return None
        return [Listed(each.name, each.stat().st_size, each.is_dir()) for each in place.iterdir()]

    def _bytes(self, path, first, until):
        try:
            return (self.directory / path).read_bytes()[first:until]
        except FileNotFoundError:
            return None

    def digests(self, ranges, block, row):
        self.asked += ranges
        for number, each in enumerate(ranges):
            for at in range(each.first, each.until, block):
                found = self._bytes(each.path, at, min(at + block, each.until))
                row(number, at, None if found is None else hashlib.sha256(found).digest())

    def read(self, ranges, row):
        self.read_ranges += ranges
        for number, each in enumerate(ranges):
            for at in range(each.first, each.until, backup_session.PIECE):
                self.meanwhile()
                row(number, at, self._bytes(each.path, at, min(at + backup_session.PIECE, each.until)))


def fill(directory: Path, files):
    for path, content in files.items():
        place = directory / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)


def content(directory: Path):
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def bring(base: Path, primary, staged, seed=None, server=SERVER, before=1):
    """A copy of files, of what is staged and seeded; returns it, what it read and what it holds."""
    for name, files in (("primary", primary), ("copy", staged), ("seed", seed or {})):
        (base / name).mkdir()
        fill(base / name, files)
    source = Primary(base / "primary")
    copying = Copying(source, server, str(base / "copy"), str(base / "seed") if seed is not None else None)
    copying.run(Lsn(before))
    return copying, source


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
        patch.setattr(changed_blocks, "PIECE", 2 * BLOCK)
        patch.setattr(backup_session, "PIECE", 2 * BLOCK)
        patch.setattr(changed_blocks, "_BATCH", 8 * BLOCK)
        copying, _source = bring(Path(base), primary, staged, seed)
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
        assert copying.fetched == read
        assert copying.done == sum(map(len, primary.values()))


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


def test_what_is_no_file_of_the_primary_goes(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "precious").write_text("precious")
    (tmp_path / "copy" / "base").mkdir(parents=True)
    (tmp_path / "copy" / "base" / "5").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "copy" / "postgresql.conf").symlink_to(tmp_path / "elsewhere" / "precious")
    (tmp_path / "copy" / "global").write_text("no directory")
    (tmp_path / "copy" / "PG_VERSION").mkdir()
    (tmp_path / "linked").write_text("12")
    os.mkdir(tmp_path / "copy" / "own")
    os.link(tmp_path / "linked", tmp_path / "copy" / "own" / "file")
    (tmp_path / "primary").mkdir()
    files = {
        "base/5/17": b"x" * 700,
        "postgresql.conf": b"port=1",
        "global/1262": b"y" * BLOCK,
        "PG_VERSION": b"12",
        "own/file": b"13",
        "pg_replslot/one/state": b"s",
        "pg_anchor_snapshots/one": b"a",
    }
    fill(tmp_path / "primary", files)
    Copying(Primary(tmp_path / "primary"), SERVER, str(tmp_path / "copy"), None).run(Lsn(1))
    assert content(tmp_path / "copy") == {path: text for path, text in files.items() if not path.startswith(("pg_replslot", "pg_anchor"))}
    assert (tmp_path / "copy" / "pg_replslot").is_dir() and (tmp_path / "copy" / "pg_anchor_snapshots").is_dir()
    assert (tmp_path / "elsewhere" / "precious").read_text() == "precious" and (tmp_path / "linked").read_text() == "12"
    assert not (tmp_path / "copy" / "base" / "5").is_symlink()


def test_a_seed_is_only_read(tmp_path):
    seed = {"base/5/17": b"s" * 4 * BLOCK, "server.key": b"key", "only/here": b"x"}
    (tmp_path / "seed").mkdir()
    fill(tmp_path / "seed", seed)
    os.chmod(tmp_path / "seed" / "server.key", 0o600)
    (tmp_path / "primary").mkdir()
    fill(tmp_path / "primary", {"base/5/17": b"s" * 3 * BLOCK + b"t" * BLOCK, "server.key": b"key"})
    (tmp_path / "copy").mkdir()
    source = Primary(tmp_path / "primary")
    copying = Copying(source, Server("1", BLOCK, 4, False, 0o750, 1 << 20), str(tmp_path / "copy"), str(tmp_path / "seed"))
    copying.run(Lsn(1))
    assert content(tmp_path / "seed") == seed
    assert content(tmp_path / "copy") == content(tmp_path / "primary")
    assert copying.fetched == BLOCK and source.read_ranges == [Range("base/5/17", 3 * BLOCK, 4 * BLOCK)]
    modes = {name: stat.S_IMODE((tmp_path / "copy" / name).stat().st_mode) for name in ("base", "base/5/17", "server.key")}
    assert modes == {"base": 0o750, "base/5/17": 0o640, "server.key": 0o600}


def test_tablespaces_come_along(tmp_path):
    part = "GPDB_7_302307241"
    for name, letter in (("primary", b"p"), ("copy", b"c"), ("seed", b"p")):
        (tmp_path / name / "pg_tblspc").mkdir(parents=True)
        (tmp_path / name / "pg_tblspc" / "16385").symlink_to(tmp_path / f"{name}_part")
        fill(tmp_path / f"{name}_part", {f"{part}/5/17": b"s" * BLOCK + letter * BLOCK, f"{part}/5/18": letter * 3})
    fill(tmp_path / "primary_part", {"other/own": b"o", f"{part}/5/19": b"n" * BLOCK})
    fill(tmp_path / "seed_part", {f"{part}/5/19": b"n" * BLOCK})
    fill(tmp_path / "copy_part", {f"{part}/5/20": b"old"})
    (tmp_path / "primary" / "pg_tblspc" / "16386").symlink_to(tmp_path / "primary_part")  # made since the copy was begun
    copying = Copying(Primary(tmp_path / "primary"), SERVER, str(tmp_path / "copy"), str(tmp_path / "seed"))
    copying.run(Lsn(1))
    there = content(tmp_path / "primary_part")
    del there["other/own"]
    assert content(tmp_path / "copy_part") == there
    assert os.listdir(tmp_path / "copy" / "pg_tblspc") == ["16385"] and (tmp_path / "copy" / "pg_tblspc" / "16385").is_symlink()
    assert copying.fetched == BLOCK + 3, "what the seed has of it is taken from there"


@pytest.fixture
def place():
    """A directory of somebody who is not root, who may do whatever files allow."""
    with TemporaryDirectory() as base:
        if os.geteuid() == 0:
            os.chown(base, 65534, 65534)
            os.seteuid(65534)
        try:
            yield Path(base)
        finally:
            os.seteuid(os.getuid())


def test_files_that_cannot_be_written_or_read_are_copied_anew(place):
    """Keys are often for their owner to read alone, and pg_basebackup leaves them so."""
    key = {"server.key": b"new key", "base/5/17": b"x" * BLOCK}
    for name, files in (("primary", key), ("copy", {"server.key": b"old key"}), ("seed", {"base/5/17": b"x" * BLOCK})):
        (place / name).mkdir()
        fill(place / name, files)
    (place / "copy" / "server.key").chmod(0o400)
    (place / "seed" / "base/5/17").chmod(0)
    Copying(Primary(place / "primary"), SERVER, str(place / "copy"), str(place / "seed")).run(Lsn(1))
    assert content(place / "copy") == key


def test_a_file_that_goes_meanwhile_is_none(tmp_path):
    files = {"base/5/17": b"x" * BLOCK, "base/5/18": b"y" * BLOCK}
    (tmp_path / "primary").mkdir()
    fill(tmp_path / "primary", files)
    (tmp_path / "copy").mkdir()
    source = Primary(tmp_path / "primary")

    def drop():
        (tmp_path / "primary" / "base" / "5" / "18").unlink(missing_ok=True)

    source.meanwhile = drop
    Copying(source, SERVER, str(tmp_path / "copy"), None).run(Lsn(1))
    assert content(tmp_path / "copy") == {"base/5/17": b"x" * BLOCK}


def test_a_file_that_is_made_shorter_meanwhile_ends_in_zeros(tmp_path):
    (tmp_path / "primary").mkdir()
    fill(tmp_path / "primary", {"base/5/17": b"x" * 3 * BLOCK})
    (tmp_path / "copy").mkdir()
    fill(tmp_path / "copy", {"base/5/17": b"o" * 3 * BLOCK})
    source = Primary(tmp_path / "primary")
    source.meanwhile = lambda: os.truncate(tmp_path / "primary" / "base" / "5" / "17", BLOCK)
    Copying(source, SERVER, str(tmp_path / "copy"), None).run(Lsn(1))
    assert content(tmp_path / "copy") == {"base/5/17": b"x" * BLOCK + bytes(2 * BLOCK)}


def page(lsn: int, checksum: int = 1) -> bytes:
    return struct.pack("=IIHHHH", 0, lsn, checksum, 0, 24, 100) + b"p" * (BLOCK - 16)


@pytest.mark.parametrize("staged", [False, True])
def test_damaged_pages_of_the_primary_are_no_copy(tmp_path, staged):
    wrong = {"base/5/17": page(5) * 7, "postgresql.conf": b"x"}
    with pytest.raises(
        CoordinatorError, match=r"wrong checksums: base/5/17, block 0, .*block 4, and 2 more; nothing is made of such a copy"
    ):
        bring(tmp_path, wrong, wrong if staged else {}, server=Server("1", BLOCK, 99, True, 0o700, 1 << 20), before=9)


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
    Copying(source, Server("1", BLOCK, 99, True, 0o700, 1 << 20), str(tmp_path / "copy"), None).run(Lsn(9))
    assert content(tmp_path / "copy") == {"base/5/17": page(10)}


def test_links_that_lead_back_end(tmp_path):
    (tmp_path / "primary").mkdir()
    (tmp_path / "primary" / "round").symlink_to(tmp_path / "primary")
    (tmp_path / "copy").mkdir()
    with pytest.raises(CoordinatorError, match="leads through more than 32 directories"):
        Copying(Primary(tmp_path / "primary"), SERVER, str(tmp_path / "copy"), None).run(Lsn(1))


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
        Copying(Primary(tmp_path / "primary"), SERVER, str(tmp_path / "copy"), None, pause=pause).run(Lsn(1))


@pytest.mark.parametrize(("text", "rate"), [(None, None), ("100M", 100 << 20), ("64k", 64 << 10), ("64", 64 << 10)])
def test_rates(text, rate):
    assert rate_of(text) == rate


def test_the_wal_of_a_backup_is_there_as_a_whole(tmp_path, monkeypatch):
    size = 1 << 20
    (tmp_path / "primary" / "pg_wal").mkdir(parents=True)
    names = ["000000010000000000000002", "000000010000000000000003", "00000001.history", "000000010000000000000009"]
    for name in names:
        (tmp_path / "primary" / "pg_wal" / name).write_bytes(name.encode())
    (tmp_path / "copy" / "archive_status").mkdir(parents=True)
    backup = Backup("label", 1, Lsn(2 * size + 40), Lsn(4 * size))
    monkeypatch.setattr(changed_blocks.wal, "read_segment", lambda path, name: object())
    read = []
    came = changed_blocks._fetch_wal(
        Primary(tmp_path / "primary"), str(tmp_path / "copy"), backup, size, lambda fetched, _began: read.append(fetched)
    )
    assert came == sum(map(len, names[:3])) and read == list(map(len, names[:3]))
    assert sorted(os.listdir(tmp_path / "copy")) == sorted([*names[:3], "archive_status"])
    assert sorted(os.listdir(tmp_path / "copy" / "archive_status")) == sorted(f"{name}.done" for name in names[:3])
    monkeypatch.undo()
    for name in names[:3]:
        (tmp_path / "copy" / name).unlink()
    with pytest.raises(CoordinatorError, match="has no more of its WAL 000000010000000000000002, which the copy needs"):
        changed_blocks._fetch_wal(Primary(tmp_path / "primary"), str(tmp_path / "copy"), backup, size, lambda *_: None)


def test_time_without_reads_gives_no_right_to_read_faster(tmp_path, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(changed_blocks.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(changed_blocks.time, "sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds))
    copying = Copying(Primary(tmp_path), SERVER, str(tmp_path), None, rate=100, pause=lambda: None)
    waited = []
    for idle, fetched in ((0, 100), (50, 100), (0, 0), (0, 200), (0, 100)):
        clock[0] += idle
        began = clock[0]
        copying.keep_to_rate(fetched, began)
        waited.append(clock[0] - began)
    assert waited == pytest.approx([1, 1, 0, 2, 1], abs=0.2)


def test_a_part_is_a_key():
    """Parts are what differences are gathered by."""
    assert len({Part("a", 0, 1, 0), Part("a", 0, 1, 0), Part("a", 0, 2, 0)}) == 2
