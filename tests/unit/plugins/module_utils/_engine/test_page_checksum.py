# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import struct
import zlib

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.page_checksum import (
    _BEGIN,
    block_of,
    checksums,
    damaged,
    has_pages,
)
from hypothesis import given
from hypothesis import strategies as st

MASK = 0xFFFFFFFF


def plainly(page: bytes, number: int) -> int:
    """As checksum_impl.h has it, one sum after the other."""
    words = struct.unpack(f"<{len(page) // 4}I", page[:8] + b"\0\0" + page[10:])
    sums = list(_BEGIN)
    for value in [*(words[at : at + 32] for at in range(0, len(words), 32)), (0,) * 32, (0,) * 32]:
        for lane, word in enumerate(value):
            mixed = sums[lane] ^ word
            sums[lane] = (mixed * 16777619 & MASK) ^ (mixed >> 17)
    folded = 0
    for each in sums:
        folded ^= each
    return (folded ^ number) % 65535 + 1


def page(seed: bytes, size: int = 1024, lsn: int = 5, upper: int = 100) -> bytes:
    """A page without its checksum."""
    body = (seed or b"x") * size
    return struct.pack("=IIHHHH", lsn >> 32, lsn & MASK, 0, 0, 24, upper) + body[: size - 16]


def with_checksum(content: bytes, number: int) -> bytes:
    return content[:8] + struct.pack("=H", plainly(content, number)) + content[10:]


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=5), st.integers(0, 1 << 32), st.sampled_from([512, 1024]))
def test_all_at_once_are_as_one_after_the_other(seeds, first, size):
    pages = [page(seed, size) for seed in seeds]
    assert checksums(b"".join(pages), first, size) == [plainly(each, first + number & MASK) for number, each in enumerate(pages)]


#: a page of the engine, the second one of its relation
OF_THE_ENGINE = b"c-rmAK?#6B07TIdJ&OSZw}U3NfLHSvK#X7n7q1rZ@E!~UKS|2DcFUfOxu$#SOHH}9_W%F@00000fS+hG<e0y`t$P5<hzEf"


def test_a_page_of_the_engine():
    content = zlib.decompress(base64.b85decode(OF_THE_ENGINE))
    assert checksums(content, 1, 8192) == [struct.unpack_from("=H", content, 8)[0]]
    assert (damaged(content, 1, 8192, 1 << 62), damaged(content, 2, 8192, 1 << 62)) == ([], [0])


@given(st.integers(0, 1023), st.integers(1, 255))
def test_a_changed_byte_is_found(at, change):
    whole = with_checksum(page(b"abc"), 7)
    changed = bytearray(whole)
    changed[at] ^= change
    after, lsn, upper = bytes(changed), struct.unpack_from("=II", changed), struct.unpack_from("=H", changed, 14)[0]
    assert damaged(whole, 7, 1024, 6) == []
    assert damaged(whole, 8, 1024, 6) == [0], "it is another page's"
    looked_at = upper and (lsn[0] << 32 | lsn[1]) < 6
    assert damaged(after, 7, 1024, 6) == ([0] if looked_at else [])


def test_what_a_base_backup_does_not_look_at():
    wrong = page(b"abc", lsn=9)
    assert damaged(wrong, 0, 1024, 9) == [], "it was changed since the backup began"
    assert damaged(wrong, 0, 1024, 10) == [0]
    assert damaged(page(b"abc", upper=0), 0, 1024, 10) == [], "it was never used"
    assert damaged(with_checksum(page(b"a"), 0) + wrong + wrong[:100], 0, 1024, 10) == [1]


@pytest.mark.parametrize(
    ("name", "at", "block"),
    [
        ("1259", 0, 0),
        ("1259", 16384, 2),
        ("1259.2", 8192, 2 * 131072 + 1),
        ("1259_fsm", 8192, 1),
        ("12.y", 0, 0),
        ("12.\N{SUPERSCRIPT TWO}", 0, 0),
        ("12.2.3", 0, 0),
    ],
)
def test_the_number_of_a_page(name, at, block):
    assert block_of(name, at, 8192, 131072) == block


@pytest.mark.parametrize(
    ("path", "paged"),
    [
        ("base/1/1259", True),
        ("base/1/1259_fsm.1", True),
        ("base/1/PG_VERSION", False),
        ("base/1/notes", False),
        ("base/1/\N{SUPERSCRIPT TWO}", False),
        ("global/1262", True),
        ("global/pg_control", False),
        ("global/pg_filenode.map", False),
        ("global/pg_internal.init", False),
        ("pg_tblspc/16385/GPDB_7_1/1/2", True),
        ("pg_xact/0000", False),
        ("postgresql.conf", False),
    ],
)
def test_files_that_consist_of_pages(path, paged):
    assert has_pages(path) is paged
