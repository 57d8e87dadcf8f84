# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""The checksum of a page, as ``checksum_impl.h`` defines it: 32 sums side by side, by an FNV-1a hash each.

All sums of many pages are computed at once, in two long integers: a sum takes the lower half of 64 bits, so that nothing that is
multiplied reaches the next one. That makes it a matter of milliseconds for a megabyte.
"""

from __future__ import annotations

import re
import struct

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.border import digits

#: sums of a page, bytes of one, and what each begins with
_SUMS, _WORD = 32, 4
_BEGIN = (
    0x5B1F36E9, 0xB8525960, 0x02AB50AA, 0x1DE66D2A, 0x79FF467A, 0x9BB9F8A3, 0x217E7CD2, 0x83E13D2C,
    0xF8D4474F, 0xE39EB970, 0x42C6AE16, 0x993216FA, 0x7B093B5D, 0x98DAFF3C, 0xF718902A, 0x0B1C9CDB,
    0xE58F764B, 0x187636BC, 0x5D7B3BB1, 0xE73DE7DE, 0x92BEC979, 0xCCA6C0B2, 0x304A0979, 0x85AA43D4,
    0x783125BB, 0x6CA8EAA2, 0xE407EAC6, 0x4B5CFC3E, 0x9FBF8C76, 0x15CA20BE, 0xF2CA9FD3, 0x959BD756,
)  # fmt: skip
_PRIME = 16777619

#: of a page's header: LSN in two halves, checksum, flags, beginning and end of its free space
_HEADER = struct.Struct("=IIHHHH")
_CHECKSUM = 8


def checksums(pages: bytes, first: int, size: int) -> list[int]:
    """The checksums of pages that follow each other, as they should be.

    :param pages: whole pages.
    :param first: number of the first one in its relation.
    :param size: bytes of a page.
    """
    number = len(pages) // size
    if not number:
        return []
    zeroed = bytearray(pages)
    for byte in (_CHECKSUM, _CHECKSUM + 1):  # the checksum itself does not count
        zeroed[byte::size] = bytes(number)
    row = _SUMS * _WORD
    lower = int.from_bytes(b"\xff\xff\xff\xff\0\0\0\0" * (_SUMS // 2 * number), "little")
    begin = int.from_bytes(struct.pack(f"<{_SUMS}I", *_BEGIN) * number, "little")
    even, odd = begin & lower, begin >> 32 & lower
    for start in range(0, size, row):
        words = int.from_bytes(b"".join([zeroed[at : at + row] for at in range(start, len(zeroed), size)]), "little")
        even ^= words & lower
        odd ^= words >> 32 & lower
        even = (even * _PRIME ^ even >> 17) & lower
        odd = (odd * _PRIME ^ odd >> 17) & lower
    for _round in range(2):
        even = (even * _PRIME ^ even >> 17) & lower
        odd = (odd * _PRIME ^ odd >> 17) & lower
    both = even ^ odd
    for distance in (512, 256, 128, 64):  # the first word of each page takes in the others
        both ^= both >> distance
    found = both.to_bytes(row * number, "little")
    return [(struct.unpack_from("<I", found, row * page)[0] ^ ((first + page) & 0xFFFFFFFF)) % 65535 + 1 for page in range(number)]


def damaged(pages: bytes, first: int, size: int, before: int) -> list[int]:
    """Which of pages that follow each other, counted from 0, have a wrong checksum.

    A page that was never used has none. One that was changed since a backup began may have been read while it was written, and comes
    whole from WAL: a base backup does not look at it, either.

    :param pages: whole pages; what follows them is not looked at.
    :param first: number of the first one in its relation.
    :param size: bytes of a page.
    :param before: position in WAL where the backup began.
    """
    whole = pages[: len(pages) // size * size]
    wrong = []
    for page, desired in enumerate(checksums(whole, first, size)):
        high, low, found, _flags, _lower, upper = _HEADER.unpack_from(whole, page * size)
        if upper and (high << 32 | low) < before and found != desired:
            wrong.append(page)
    return wrong


def block_of(name: str, at: int, size: int, blocks: int) -> int:
    """Number of the page at a position of a file in its relation.

    :param name: of the file; behind the first dot there is the number of the segment.
    :param size: bytes of a page.
    :param blocks: pages of a segment.
    """
    _relation, _dot, segment = name.partition(".")
    return (digits(segment) or 0) * blocks + at // size


#: files of relations: all others in their directories have names that begin otherwise
_RELATION = re.compile(r"(?:base|global|pg_tblspc)/(?:.+/)?[0-9][^/]*", re.DOTALL)


def has_pages(path: str) -> bool:
    """Whether a file is one of a relation, which consists of pages, each written on its own.

    :param path: relative to the data directory.
    """
    return _RELATION.fullmatch(path) is not None
