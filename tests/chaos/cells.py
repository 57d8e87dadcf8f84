# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The matrix: which fault comes at which step of which playbook.

Pure. Hosts have parts: the ``primary`` and the ``standby`` that the playbook begins with, and the ``spare`` that a standby is moved to.
"""

from __future__ import annotations

import itertools
import random
import typing as t

PRIMARY, STANDBY, SPARE = "primary", "standby", "spare"


class Step(t.NamedTuple):
    """A task at which a fault comes.

    :param task: its name.
    :param works: on which hosts of the pair it works.
    :param runs: on which of them an instance runs when it begins.
    """

    task: str
    works: tuple[str, ...]
    runs: tuple[str, ...]


class Intent(t.NamedTuple):
    """A playbook, and what it is run for.

    :param playbook: its name.
    :param hosts: by their parts.
    :param steps: its tasks that change something, in their order.
    :param variables: that it is given.
    :param silent: whether the primary's host does not answer when it is run, and until it has succeeded.
    """

    playbook: str
    hosts: dict[str, str]
    steps: tuple[Step, ...]
    variables: t.Mapping[str, t.Any] = {}
    silent: bool = False

    @property
    def mirrored(self) -> bool:
        """Whether there is a standby in the end."""
        return self.playbook != "disable_mirroring"

    @property
    def swaps(self) -> bool:
        """Whether clients go to another coordinator by it; after one that has succeeded enable_mirroring is run."""
        return self.playbook in ("activate_standby", "switchover")


BOTH = (PRIMARY, STANDBY)
LOCK, UNLOCK = "Lock the pair", "Unlock the pair"
REGISTER = "Register the standby, and allow it access everywhere"
COPY = "Copy the primary, unless there is a standby"
START = "Configure the standby, and start it"
VERIFY = "See the standby stream in sync, a write acknowledged and replayed"

INTENTS: dict[str, Intent] = {
    "enable": Intent(
        "enable_mirroring",
        {PRIMARY: "cdw", STANDBY: "scdw"},
        (
            Step(LOCK, BOTH, (PRIMARY,)),
            Step(REGISTER, (PRIMARY,), (PRIMARY,)),
            Step(COPY, (STANDBY,), (PRIMARY,)),
            Step(START, (STANDBY,), (PRIMARY,)),
            Step(VERIFY, (PRIMARY,), BOTH),
            Step(UNLOCK, BOTH, BOTH),
        ),
    ),
    "activate": Intent(
        "activate_standby",
        {PRIMARY: "cdw", STANDBY: "scdw"},
        (
            Step(LOCK, BOTH, (STANDBY,)),
            Step("Keep the former primary from starting", (PRIMARY,), (STANDBY,)),
            Step("Promote", (STANDBY,), (STANDBY,)),
            Step(UNLOCK, BOTH, (STANDBY,)),
        ),
    ),
    "activate, host silent": Intent(
        "activate_standby",
        {PRIMARY: "cdw", STANDBY: "scdw"},
        (
            Step("Fence the former primary where its writes would land", (), (STANDBY,)),
            Step("Promote", (STANDBY,), (STANDBY,)),
            Step(UNLOCK, (STANDBY,), (STANDBY,)),
        ),
        {"activate_standby_fence_segments": True, "activate_standby_accept_loss": True},
        silent=True,
    ),
    "rejoin": Intent(
        "rejoin",
        {PRIMARY: "scdw", STANDBY: "cdw"},
        (
            Step(LOCK, BOTH, (PRIMARY,)),
            Step(REGISTER, (PRIMARY,), (PRIMARY,)),
            Step(COPY, (STANDBY,), (PRIMARY,)),
            Step(START, (STANDBY,), (PRIMARY,)),
            Step(VERIFY, (PRIMARY,), BOTH),
            Step(UNLOCK, BOTH, BOTH),
        ),
    ),
    "switchover": Intent(
        "switchover",
        {PRIMARY: "cdw", STANDBY: "scdw"},
        (
            Step(LOCK, BOTH, BOTH),
            Step("Prepare the primary", (PRIMARY,), BOTH),
            Step("Arm the standby", (STANDBY,), BOTH),
            Step("Stop the primary", (PRIMARY,), BOTH),
            Step("Disarm the standby, or hear how its promotion ended", (STANDBY,), (STANDBY,)),
            Step("See to the new primary, and promote it if it is not yet", (STANDBY,), (STANDBY,)),
            Step(START, (PRIMARY,), (STANDBY,)),
            Step(UNLOCK, BOTH, BOTH),
        ),
    ),
    "move": Intent(
        "enable_mirroring",
        {PRIMARY: "cdw", STANDBY: "scdw", SPARE: "cdw2"},
        (
            Step("Prepare the primary for the new standby", (PRIMARY,), BOTH),
            Step(COPY, (SPARE,), BOTH),
            Step("Stop the present standby, and set it aside", (STANDBY,), BOTH),
            Step(REGISTER, (PRIMARY,), (PRIMARY,)),
            Step(START, (SPARE,), (PRIMARY,)),
            Step(VERIFY, (PRIMARY,), (PRIMARY, SPARE)),
            Step(UNLOCK, (PRIMARY, SPARE), (PRIMARY, SPARE)),
        ),
        {"standby_move_from": "scdw"},
    ),
    "disable": Intent(
        "disable_mirroring",
        {PRIMARY: "cdw", STANDBY: "scdw"},
        (
            Step(LOCK, BOTH, BOTH),
            Step("Stop the standby", (STANDBY,), BOTH),
            Step("Deregister the standby on the primary", (PRIMARY,), (PRIMARY,)),
            Step("Remove its files", (STANDBY,), (PRIMARY,)),
            Step(UNLOCK, BOTH, (PRIMARY,)),
        ),
    ),
}

ANYWHERE, WHERE_IT_WORKS, WHERE_ONE_RUNS, NOWHERE = range(4)
#: faults, and to which hosts each can come; nowhere where it is on none of them, or between both
FAULTS: dict[str, int] = {
    "controller killed": NOWHERE,
    "module killed": WHERE_IT_WORKS,
    "ssh cut": ANYWHERE,
    "postmaster killed": WHERE_ONE_RUNS,
    "host paused": ANYWHERE,
    "host restarted": ANYWHERE,
    "packets to it dropped": ANYWHERE,
    "packets from it dropped": ANYWHERE,
    "cut off": ANYWHERE,
    "link between both cut": NOWHERE,
    "slow and lossy": ANYWHERE,
    "disk full": ANYWHERE,
    "disk read-only": ANYWHERE,
    "wrong password": NOWHERE,
}


class Cell(t.NamedTuple):
    """What is tried.

    :param intent: what is run.
    :param step: the task at which the fault comes.
    :param fault: what fails.
    :param part: of which host; empty where it is on none of them.
    """

    intent: str
    step: str
    fault: str
    part: str = ""

    @property
    def host(self) -> str:
        """Where it fails."""
        return INTENTS[self.intent].hosts.get(self.part, "")

    def __str__(self) -> str:
        return f"{self.intent}, at {self.step!r}: {self.fault}{f' ({self.part})' if self.part else ''}"


def parts(intent: Intent, step: Step, fault: str) -> t.Iterable[str]:
    """To which hosts a fault can come at a step."""
    places = {ANYWHERE: tuple(intent.hosts), WHERE_IT_WORKS: step.works, WHERE_ONE_RUNS: step.runs, NOWHERE: ("",)}[FAULTS[fault]]
    if intent.silent:
        return () if fault == "link between both cut" else (part for part in places if part != PRIMARY)  # it is silent as it is
    if fault == "wrong password" and intent.playbook == "enable_mirroring" and step.runs == (PRIMARY,) and SPARE not in intent.hosts:
        return ("",) if step.task in (COPY, START) else ()  # there is none before
    return places


def all_cells() -> list[Cell]:
    """The whole matrix."""
    return [
        Cell(name, step.task, fault, part)
        for name, intent in INTENTS.items()
        for step in intent.steps
        for fault in FAULTS
        for part in parts(intent, step, fault)
    ]


def chosen(seed: int, number: int) -> list[Cell]:
    """Some of them, other ones with another seed: each fault with each playbook once before one of these pairs comes again."""
    cells = all_cells()
    random.Random(seed).shuffle(cells)
    pairs: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        pairs.setdefault((cell.intent, cell.fault), []).append(cell)
    rounds = itertools.zip_longest(*pairs.values())
    return [cell for one in rounds for cell in one if cell is not None][:number]
