# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import retention
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.replication import Slot
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.retention import parse_size, warnings
from hypothesis import given
from hypothesis import strategies as st

GIB = 1 << 30
ACTIVE = Slot(name="s", active=True, restart_lsn="0/1", retained_bytes=GIB)
INACTIVE = dataclasses.replace(ACTIVE, active=False)
vary = dataclasses.replace


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("20GB", 20 << 30),
        ("512MB", 512 << 20),
        (" 1024 kB ", 1 << 20),
        ("2tb", 2 << 40),
        ("3Gb", 3 << 30),
        ("64", 64 << 20),
        (64, 64 << 20),
    ],
)
def test_reads_a_size_as_the_engine_does(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "GB", "0", "0GB", "-1", "-1GB", "1.5GB", "20 GiB", "20G", "20GB x", "1e3", "٣GB", None, True, [20]])
def test_what_is_no_size_is_refused_with_an_example(text):
    with pytest.raises(CoordinatorError, match="is no size of 1 MB or more: give a number with kB, MB, GB or TB, such as 20GB"):
        parse_size(text)


@given(st.integers(1, 1 << 30))
def test_a_number_alone_is_in_megabytes(number):
    assert parse_size(str(number)) == parse_size(f"{number}MB") == parse_size(f"{number * 1024}kB")


@pytest.mark.parametrize(
    ("rows", "limit"), [([], None), ([{"setting": "-1"}], -1), ([{"setting": "0"}], 0), ([{"setting": "20480"}], 20 << 30)]
)
def test_reads_the_engine_s_own_limit(recorder, rows, limit):
    connection = recorder(("pg_settings", rows))
    assert retention.read_limit(connection) == limit
    assert connection.asked[0][1] == ("max_slot_wal_keep_size",)


@pytest.mark.parametrize(("limit", "written"), [(20 << 30, "20480MB"), (1 << 20, "1MB")])
def test_sets_the_engine_s_own_limit(recorder, limit, written):
    connection = recorder()
    retention.write_limit(connection, limit)
    statements = [statement for statement, dummy in connection.asked]
    assert statements == [f"ALTER SYSTEM SET max_slot_wal_keep_size = '{written}'", "SELECT pg_reload_conf()"]


@pytest.mark.parametrize(
    ("slots", "limit", "free", "size"),
    [
        ([], None, 0, GIB),
        ([ACTIVE], None, 0, 100 * GIB),
        ([ACTIVE], GIB, 50 * GIB, 100 * GIB),
        ([INACTIVE], None, 50 * GIB, 100 * GIB),
        ([INACTIVE], None, 10 * GIB, 100 * GIB),
        ([vary(INACTIVE, retained_bytes=0)], None, 0, 100 * GIB),
        ([vary(ACTIVE, restart_lsn=None, retained_bytes=None)], GIB, 0, 100 * GIB),
    ],
)
def test_says_nothing_where_nothing_is_in_danger(slots, limit, free, size):
    assert warnings(slots, limit, free, size) == []


@pytest.mark.parametrize(
    ("slot", "limit", "free", "said"),
    [
        (ACTIVE, GIB - 1, 50 * GIB, "the slot s retains 1024 MiB of WAL, more than 1023 MiB: bring its standby back, or give it up"),
        (INACTIVE, 512 << 20, 50 * GIB, "the slot s, whose standby is disconnected, retains 1024 MiB of WAL, more than 512 MiB: bring its"),
        (
            INACTIVE,
            None,
            9 * GIB,
            "the disk of the WAL is in danger, 9216 MiB of 102400 MiB are free: the slot s, whose standby is disconnected,",
        ),
        (INACTIVE, 2 * GIB, 9 * GIB, "the disk of the WAL is in danger"),
        (vary(INACTIVE, retained_bytes=60 * GIB), None, 50 * GIB, "the disk of the WAL is in danger, 51200 MiB of 102400 MiB are free"),
        (vary(INACTIVE, restart_lsn=None, retained_bytes=None), None, 50 * GIB, "the slot s retains no WAL any more: what its standby"),
    ],
)
def test_warns_of_wal_that_is_held_back(slot, limit, free, said):
    (found,) = warnings([slot], limit, free, 100 * GIB)
    assert found.startswith(said)
    held = slot.retained_bytes
    assert held is None or (f"retains {held >> 20} MiB" in found and "playbook release with release_wal" in found)


def test_each_slot_has_its_warning():
    assert len(warnings([INACTIVE, ACTIVE, vary(INACTIVE, name="t")], None, 0, GIB)) == 2
