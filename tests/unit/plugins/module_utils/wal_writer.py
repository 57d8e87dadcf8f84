# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes WAL as the engine lays it out, with small pages and segments."""

from __future__ import annotations

import dataclasses
import struct

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.control_data import ControlData
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.wal import checksum

BLOCK, SEGMENT = 256, 2048
MAGIC, SYSTEM = 0xD101, 7711121183714698180


class WalWriter:
    """WAL from the beginning of a segment on.

    :param start: where it begins.
    :param system: system identifier.
    """

    def __init__(self, start=SEGMENT, timeline=1, system=SYSTEM):
        self.timeline = timeline
        self.system = system
        self.content = {}
        self.end = start
        self.last = 0
        #: where each record begins, behind a page's header, and where it ends
        self.records = []

    def _put(self, position, data):
        number, offset = divmod(position, SEGMENT)
        self.content.setdefault(number, bytearray(SEGMENT))[offset : offset + len(data)] = data

    def _page(self, position, continued):
        """Write the header of the page that begins here; where its content begins."""
        first = position % SEGMENT == 0
        info = (1 if continued else 0) | (2 if first else 0)
        header = struct.pack("=HHIQI4x", MAGIC, info, self.timeline, position, continued)
        header += struct.pack("=QII", self.system, SEGMENT, BLOCK) if first else b""
        self._put(position, header)
        return position + len(header)

    def record(self, payload=16, switch=False, shutdown=False, text=b""):
        """Append a record; None is written of what comes after it."""
        position = self.end if self.end % BLOCK else self._page(self.end, 0)
        start = position
        manager, info = (0, 0x40) if switch else (0, 0) if shutdown else (1, 0)
        total = 24 + (0 if switch else len(text) or payload)
        head = struct.pack("=IIQBB2x", total, 1, self.last, info, manager)
        rest = (text or b"\xaa" * (total - 24))[: total - 24]
        data = head + struct.pack("=I", checksum(head, checksum(rest))) + rest
        while data:
            room = BLOCK - position % BLOCK
            self._put(position, data[:room])
            position += min(room, len(data))
            data = data[room:]
            if data:
                position = self._page(position, len(data))
        self.end = position + -position % (SEGMENT if switch else 8)
        self.last = start
        self.records.append((start, self.end))

    def name(self, number):
        """Name of the file of a segment."""
        return Lsn(number * SEGMENT).wal_file(self.timeline, SEGMENT)

    def write(self, directory):
        """Write the files; their names."""
        directory.mkdir(parents=True, exist_ok=True)
        for number, content in self.content.items():
            (directory / self.name(number)).write_bytes(content)
        return [self.name(number) for number in sorted(self.content)]

    def promoted(self):
        """WAL of the next timeline, which begins where this one ends."""
        found = WalWriter(self.end, self.timeline + 1, self.system)
        number, offset = divmod(self.end, SEGMENT)
        if offset:
            found.content[number] = bytearray(self.content[number][:offset].ljust(SEGMENT, b"\0"))
        found.last, found.records = self.last, list(self.records)
        return found


def control_of(writer, redo=0, checkpoint=0, **changes):
    """What the control file tells where recovery begins at a record, by another that is the latest checkpoint."""
    begins = [str(Lsn(writer.records[number][0])) for number in (checkpoint, redo)]
    known = ControlData(str(writer.system), "in production", writer.timeline, *begins, "0/0", SEGMENT, True)
    return dataclasses.replace(known, **changes)


def append(writer, records):
    for size in records:
        writer.record(switch=True) if size == "switch" else writer.record(size)


def written(records, start=SEGMENT):
    writer = WalWriter(start)
    append(writer, records)
    return writer
