# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What ties a primary to a standby that hinders it, and how it is released."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Step
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection import Connection
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.replication import Slot, WalSender, slots, walsender


@dataclasses.dataclass(frozen=True)
class Tie:
    """What ties a primary to its standby.

    :param walsender: the walsender that commits wait for, None when there is none.
    :param slot: the slot that retains WAL, None when there is none.
    """

    walsender: WalSender | None
    slot: Slot | None


def read_tie(connection: Connection, slot_name: str) -> Tie:
    """Observe what ties the primary to its standby."""
    return Tie(walsender(connection), next((slot for slot in slots(connection) if slot.name == slot_name), None))


def plan(tie: Tie, commits: bool, wal: bool) -> list[Step]:
    """The steps that release the primary.

    :param commits: whether waiting commits are to go on.
    :param wal: whether WAL that is retained may go.
    :raises CoordinatorError: the slot is in use; nothing was touched.
    """
    if wal and not commits and tie.slot is not None and tie.slot.active:
        raise CoordinatorError(
            f"the slot {tie.slot.name} is in use: its standby is connected and needs the WAL. Stop it first, if it is to be given up"
        )
    steps = [Step("terminate_walsender", {"pid": tie.walsender.pid})] if commits and tie.walsender is not None else []
    return steps + ([Step("drop_slot")] if wal and tie.slot is not None else [])


def warnings(steps: t.Iterable[Step], tie: Tie) -> list[str]:
    """What is given up by the steps."""
    given_up = {
        "terminate_walsender": (
            "THE COPY IS GIVEN UP FOR NOW: commits go on without the standby, and are on the primary alone until it streams in sync again"
        ),
        "drop_slot": (
            f"THE STANDBY MAY BE LOST: {((tie.slot.retained_bytes if tie.slot else 0) or 0) >> 20} MiB of WAL that it needs are no longer "
            "retained for it; when they are removed it cannot catch up and must be made anew"
        ),
    }
    return [given_up[step.name] for step in steps]


def terminate_walsender(connection: Connection, pid: int) -> None:
    """Terminate a walsender. Commits that wait for its standby go on at once (walsender.c)."""
    connection.query("SELECT pg_terminate_backend(%s)", pid)
