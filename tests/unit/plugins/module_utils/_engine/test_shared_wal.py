# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import shared_wal
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.timeline import History

from ..wal_writer import SEGMENT, WalWriter

HISTORY = History(1)


@pytest.fixture
def former(tmp_path):
    """A data directory with five segments, and one that waits to be used again."""
    writer = WalWriter(3 * SEGMENT)
    while writer.end < 8 * SEGMENT - 100:
        writer.record()
    directory = tmp_path / "gpseg-1"
    assert writer.write(directory / "pg_wal") == [writer.name(number) for number in range(3, 8)]
    (directory / "pg_wal" / writer.name(8)).write_bytes(writer.content[3])
    (directory / "pg_wal" / "00000001.history").touch()
    (directory / "pg_wal" / "archive_status").mkdir()
    return directory


def name(number):
    return Lsn(number * SEGMENT).wal_file(1, SEGMENT)


@pytest.mark.parametrize(
    ("parted", "last"), [(3 * SEGMENT + 8, 2), (6 * SEGMENT - 8, 4), (6 * SEGMENT, 5), (6 * SEGMENT + 8, 5), (40 * SEGMENT, 7)]
)
def test_what_both_have_ends_where_they_parted(former, parted, last):
    assert shared_wal.names(str(former), HISTORY, Lsn(parted)) == [name(number) for number in range(3, last + 1)]


def test_segments_of_two_sizes_are_not_understood(former):
    (former / "pg_wal" / name(3)).write_bytes((former / "pg_wal" / name(3)).read_bytes()[:32] + b"\0" * 8)
    assert name(3) not in shared_wal.names(str(former), HISTORY, Lsn(40 * SEGMENT))


@pytest.fixture(params=["directory", "link"])
def target(former, request):
    if request.param == "link":
        (former / "pg_wal").rename(former.parent / "wal")
        (former / "pg_wal").symlink_to(former.parent / "wal")
    return former


def test_what_is_removed_is_put_back(target):
    (target.parent / "gpseg-1_wal").mkdir()
    before = {path.name: path.read_bytes() for path in (target / "pg_wal").iterdir() if path.is_file()}
    shared_wal.keep(str(target), [name(3), name(4), name(5)])
    os.unlink(target / "pg_wal" / name(3))
    os.unlink(target / "pg_wal" / name(4))
    assert shared_wal.put_back(str(target)) == []
    assert {path.name: path.read_bytes() for path in (target / "pg_wal").iterdir() if path.is_file()} == before
    assert {path.name for path in target.parent.iterdir()} - {"wal"} == {"gpseg-1", "gpseg-1_wal"}
    assert shared_wal.put_back(str(target)) == []


def test_what_recovery_used_again_is_not_put_back(target):
    shared_wal.keep(str(target), [name(number) for number in range(3, 7)])
    directory = target / "pg_wal"
    os.rename(directory / name(3), directory / name(9))  # waits to be used again
    os.rename(directory / name(4), directory / name(10))
    with open(directory / name(10), "r+b") as written:  # was used again
        written.write(b"\xff" * 64)
    os.unlink(directory / name(10))
    os.rename(directory / name(5), directory / name(11))
    os.unlink(directory / name(11))
    assert shared_wal.put_back(str(target)) == [name(3), name(4)]
    assert (directory / name(5)).exists() and (directory / name(6)).exists() and not (directory / name(3)).exists()


def test_what_an_earlier_attempt_left_does_no_harm(target):
    shared_wal.keep(str(target), [name(3)])
    shared_wal.keep(str(target), [name(4)])
    os.unlink(target / "pg_wal" / name(3))
    os.unlink(target / "pg_wal" / name(4))
    shared_wal.put_back(str(target))
    assert not (target / "pg_wal" / name(3)).exists() and (target / "pg_wal" / name(4)).exists()
