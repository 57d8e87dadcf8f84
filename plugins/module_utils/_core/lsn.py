# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Positions in the write-ahead log."""

from __future__ import annotations

import dataclasses
import re

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError

_FORM = re.compile(r"([0-9A-Fa-f]{1,8})/([0-9A-Fa-f]{1,8})")

#: what the file of a WAL segment is called: timeline, and the segment's number in two parts
WAL_FILE = re.compile(r"[0-9A-F]{24}")


def is_segment_size(size: int) -> bool:
    """Whether WAL segments can have so many bytes: a power of two from 1 MB to 1 GB (IsValidWalSegSize of xlog_internal.h)."""
    return 1 << 20 <= size <= 1 << 30 and size & (size - 1) == 0


@dataclasses.dataclass(frozen=True, order=True)
class Lsn:
    """A log sequence number: a byte position in the write-ahead log (pg_lsn of the engine).

    :param position: bytes since the beginning of the log.
    """

    position: int

    @classmethod
    def parse(cls, text: str) -> Lsn:
        """Read the engine's form ``X/Y``, two hexadecimal numbers of 32 bits.

        :raises CoordinatorError: the text is not of that form.
        """
        match = _FORM.fullmatch(text)
        if match is None:
            raise CoordinatorError(f"{text!r:.200} is not an LSN: expected two hexadecimal numbers such as 16/B374D848")
        return cls((int(match.group(1), 16) << 32) | int(match.group(2), 16))

    @classmethod
    def of_wal_file(cls, name: str, segment_bytes: int) -> Lsn:
        """Where the WAL segment of this name begins.

        :param name: one that :data:`WAL_FILE` matches.
        :param segment_bytes: size of a WAL segment.
        """
        return cls((int(name[8:16], 16) << 32) + int(name[16:24], 16) * segment_bytes)

    def __str__(self) -> str:
        return f"{self.position >> 32:X}/{self.position & 0xFFFFFFFF:X}"

    def __sub__(self, other: Lsn) -> int:
        """Bytes from the other position to this one; negative when the other is ahead."""
        return self.position - other.position

    def wal_file(self, timeline: int, segment_bytes: int) -> str:
        """Name of the file in ``pg_wal`` that holds this position.

        :param timeline: timeline identifier.
        :param segment_bytes: size of a WAL segment, ``Bytes per WAL segment`` of pg_controldata.
        """
        number = self.position // segment_bytes
        per_log = 0x100000000 // segment_bytes
        return f"{timeline:08X}{number // per_log:08X}{number % per_log:08X}"
