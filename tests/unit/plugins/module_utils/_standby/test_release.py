# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Step
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.replication import Slot
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import release
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.release import Tie

from ... import instances

SENDER = dataclasses.replace(instances.SENDER, pid=7)
SLOT = Slot(name="standby_coordinator", active=True, restart_lsn="0/1", retained_bytes=5 << 20)
INACTIVE = dataclasses.replace(SLOT, active=False)


@pytest.mark.parametrize(
    ("tie", "commits", "wal", "steps"),
    [
        (Tie(SENDER, SLOT), True, False, ["terminate_walsender"]),
        (Tie(None, INACTIVE), False, True, ["drop_slot"]),
        (Tie(SENDER, SLOT), True, True, ["terminate_walsender", "drop_slot"]),
        (Tie(None, INACTIVE), True, False, []),
        (Tie(None, None), True, True, []),
        (Tie(SENDER, None), False, True, []),
    ],
)
def test_lets_go_of_what_ties_the_primary(tie, commits, wal, steps):
    assert [step.name for step in release.plan(tie, commits, wal)] == steps


def test_a_slot_in_use_is_kept():
    with pytest.raises(CoordinatorError, match="the slot standby_coordinator is in use: its standby is connected and needs the WAL"):
        release.plan(Tie(SENDER, SLOT), commits=False, wal=True)


def test_says_what_is_given_up():
    tie = Tie(SENDER, SLOT)
    copy, standby = release.warnings(release.plan(tie, True, True), tie)
    assert copy.startswith("THE COPY IS GIVEN UP FOR NOW")
    assert standby.startswith("THE STANDBY MAY BE LOST: 5 MiB of WAL")
    assert release.warnings([], tie) == []


def test_a_slot_that_keeps_nothing_gives_nothing_up():
    tie = Tie(None, dataclasses.replace(INACTIVE, retained_bytes=None))
    assert ": 0 MiB of WAL" in release.warnings([Step("drop_slot")], tie)[0]


def test_reads_what_ties_the_primary(recorder):
    others = {"name": "other", "active": True, "restart_lsn": None, "retained_bytes": None}
    connection = recorder(("FROM pg_stat_replication", [SENDER.__dict__]), ("pg_replication_slots", [others, SLOT.__dict__]))
    assert release.read_tie(connection, "standby_coordinator") == Tie(SENDER, SLOT)
    assert release.read_tie(recorder(), "standby_coordinator") == Tie(None, None)


def test_ends_that_very_walsender(recorder):
    connection = recorder()
    release.terminate_walsender(connection, SENDER.pid)
    assert connection.asked == [("SELECT pg_terminate_backend(%s)", (7,))]
