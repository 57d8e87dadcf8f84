# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The matrix: which fault comes at which step of which playbook."""

from __future__ import annotations

import random
import typing as t

PREFIX = "warehousepg.coordinator."

#: by playbook, the tasks that change something, in their order
STEPS: dict[str, tuple[str, ...]] = {
    "enable_mirroring": (
        "Lock the pair",
        "Register the standby, and allow it access everywhere",
        "Copy the primary, unless there is a standby",
        "Configure the standby, and start it",
        "See the standby stream in sync, a write acknowledged and replayed",
    ),
    "switchover": (
        "Lock the pair",
        "Prepare the primary",
        "Arm the standby",
        "Stop the primary",
        "Disarm the standby, or hear how its promotion ended",
        "See to the new primary, and promote it if it is not yet",
        "Configure the standby, and start it",
        "Unlock the pair",
    ),
    "activate_standby": ("Lock the pair", "Keep the former primary from starting", "Promote", "Unlock the pair"),
    "rejoin": (
        "Lock the pair",
        "Register the standby, and allow it access everywhere",
        "Configure the standby, and start it",
        "See the standby stream in sync, a write acknowledged and replayed",
    ),
    "disable_mirroring": ("Lock the pair", "Stop the standby", "Deregister the standby on the primary", "Remove its files"),
}

#: faults, each with the hosts that it can come to; empty where it comes to none
FAULTS: dict[str, tuple[str, ...]] = {
    "controller killed": ("",),
    "module killed": ("cdw", "scdw"),
    "ssh cut": ("cdw", "scdw"),
    "postmaster killed": ("cdw", "scdw"),
    "host paused": ("cdw", "scdw"),
    "packets to it dropped": ("cdw", "scdw"),
    "link cut": ("cdw",),
}


class Cell(t.NamedTuple):
    """What is tried.

    :param playbook: that is run.
    :param step: the task at which the fault comes.
    :param fault: what fails.
    :param host: where; empty where it is on none of them.
    """

    playbook: str
    step: str
    fault: str
    host: str

    def __str__(self) -> str:
        return f"{self.playbook}, at {self.step!r}: {self.fault}{f' on {self.host}' if self.host else ''}"


def all_cells() -> list[Cell]:
    """The whole matrix."""
    return [
        Cell(playbook, step, fault, host)
        for playbook, steps in STEPS.items()
        for step in steps
        for fault, hosts in FAULTS.items()
        for host in hosts
    ]


def chosen(seed: int, number: int) -> list[Cell]:
    """Some of them, other ones with another seed."""
    cells = all_cells()
    return random.Random(seed).sample(cells, min(number, len(cells)))
