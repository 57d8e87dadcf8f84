# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""The audit trail that the controller keeps, read again: what :func:`audit.keep` wrote, run by run.

A file that is written for years has lines that were cut off, or written by an earlier release, or by hand. Those that are not of the form
are left out, and counted.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import border
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.border import Name, Seconds
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.loss import Loss
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show import audit


@dataclasses.dataclass(frozen=True)
class Event:
    """How a run ended for a cluster.

    :param time: when it ended, in UTC.
    :param cluster: name of the cluster.
    :param action: what was run, such as ``switchover``.
    :param outcome: how it ended, a word of that action.
    :param who: user of the controller that ran it.
    :param seconds: how long it took, from the plan to its end; None when that is not known.
    :param loss: what was lost; None where nothing was promoted.
    :param phases: by name, the seconds of each phase or step, in their order.
    :param gap: seconds in which no write could succeed; None where that was not measured.
    :param reason: why it ended so; empty when all went well.
    :param state: the state of the pair when it was planned.
    :param former_primary: host that was primary before.
    :param new_primary: host that is primary then, or should be.
    :param controller: name of the host that it was run on.
    :param run: name of the run.
    """

    time: datetime.datetime
    cluster: str
    action: str
    outcome: str
    who: str
    seconds: float | None
    loss: Loss | None
    phases: t.Mapping[str, float]
    gap: float | None
    reason: str
    state: str
    former_primary: str
    new_primary: str
    controller: str
    run: str


@dataclasses.dataclass(frozen=True)
class _Step:
    name: Name
    seconds: Seconds


@dataclasses.dataclass(frozen=True)
class _Line:
    """What is taken from a line."""

    time: Name
    action: Name
    outcome: Name
    cluster: str
    who: str = ""
    controller: str = ""
    run: str = ""
    reason: str | None = None
    state: str | None = None
    former_primary: str | None = None
    new_primary: str | None = None
    loss: Loss | None = None
    gap_s: Seconds | None = None
    seconds: t.Mapping[str, Seconds] = dataclasses.field(default_factory=dict)
    steps: tuple[_Step, ...] = ()


def read(path: str) -> list[Event]:
    """The runs that a file tells of, in its order, which is that of their ends; none where there is no file.

    :raises OSError: it cannot be read.
    """
    return read_whole(path)[0]


def read_whole(path: str) -> tuple[list[Event], int]:
    """The same, and how many lines were left out.

    :raises OSError: it cannot be read.
    """
    try:
        with open(path, "rb") as file:
            found = [_event(line) for line in file if line.strip()]
    except FileNotFoundError:
        return [], 0
    events = [event for event in found if event]
    return events, len(found) - len(events)


def _event(line: bytes) -> Event | None:
    """What a line tells of; None where it is not of the form."""
    try:
        told = border.parse(_Line, json.loads(line))
        time = _moment(told.time, audit.TIME)
    except (ValueError, RecursionError):
        return None
    return Event(
        time=time,
        seconds=_since(told.run, time),
        phases=dict(told.seconds) or _sums(told.steps),
        gap=told.gap_s,
        reason=told.reason or "",
        state=told.state or "",
        former_primary=told.former_primary or "",
        new_primary=told.new_primary or "",
        **{name: getattr(told, name) for name in ("cluster", "action", "outcome", "who", "loss", "controller", "run")},
    )


def _moment(text: str, form: str) -> datetime.datetime:
    return datetime.datetime.strptime(text, form).replace(tzinfo=datetime.timezone.utc)


def _since(run: str, time: datetime.datetime) -> float | None:
    """Seconds since a run began, which its name tells."""
    try:
        seconds = (time - _moment(run.partition("-")[0], audit.BEGAN)).total_seconds()
    except ValueError:
        return None
    return seconds if seconds >= 0 else None


def _sums(steps: t.Iterable[_Step]) -> dict[str, float]:
    found: dict[str, float] = {}
    for step in steps:
        found[step.name] = found.get(step.name, 0.0) + step.seconds
    return found
