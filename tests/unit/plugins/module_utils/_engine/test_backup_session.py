# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import struct

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.backup_session import (
    _LABEL,
    BackupSession,
    Unavailable,
    _Rows,
)
from hypothesis import given
from hypothesis import strategies as st


def encode(rows, extension=b""):
    """As the engine sends a COPY in binary form."""
    sent = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, len(extension)) + extension
    for row in rows:
        sent += struct.pack("!h", len(row))
        for field in row:
            sent += struct.pack("!i", -1) if field is None else struct.pack("!i", len(field)) + field
    return sent + struct.pack("!h", -1)


@given(st.lists(st.lists(st.none() | st.binary(max_size=20), max_size=4), max_size=6), st.integers(1, 60), st.binary(max_size=5))
def test_rows_are_the_same_however_they_come(rows, step, extension):
    sent = encode(rows, extension)
    found = []
    taker = _Rows(found.append)
    for at in range(0, len(sent), step):
        taker.write(sent[at : at + step])
    assert found == rows


def test_what_is_no_copy_is_refused():
    with pytest.raises(CoordinatorError, match="no COPY in binary form"):
        _Rows(print).write(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def test_a_backup_label():
    label = (
        "START WAL LOCATION: 0/8000060 (file 000000010000000000000002)\nCHECKPOINT LOCATION: 0/8000098\nBACKUP METHOD: streamed\n"
        "BACKUP FROM: master\nSTART TIME: 2026-11-30 03:53:55 UTC\nLABEL: x\nSTART TIMELINE: 12\n"
    )
    assert _LABEL.search(label).groups() == ("0/8000060", "12")
    assert _LABEL.search(label.replace("START TIMELINE", "TIMELINE")) is None
    assert _LABEL.search(label.replace("12", "9" * 5000)) is None


def test_a_name_that_cannot_be_read_is_told():
    class Cursor(contextlib.nullcontext):
        def execute(self, *_statement):
            pass

        def __iter__(self):
            return iter(b"r\xe9seau.conf".decode())

    class Raw:
        def cursor(self):
            return Cursor(Cursor())

    with pytest.raises(Unavailable, match=r"listing own found b'r.xe9seau.conf', which is no name in UTF-8"):
        BackupSession(Raw(), "cdw")._query("SELECT", doing="listing own")
