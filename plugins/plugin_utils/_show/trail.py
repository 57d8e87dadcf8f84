# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""The audit trail that the controller keeps, read again: what :func:`audit.keep` wrote, run by run, and each change of state that was seen.

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
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.verdict import MIRRORED, UNMIRRORED
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._activate_standby import outcome as of_activation
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._activate_standby.progress import ACTIVATED
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._drill import outcome as of_drill
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show import audit
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._switchover import outcome as of_switchover
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._switchover.progress import SWITCHED

#: the action of a line on a state that was seen for the first time; its outcome is that state
SEEN = "status"

#: by action and outcome, the state of the pair that a run left
_LEFT = {
    ("activate_standby", ACTIVATED): UNMIRRORED,
    ("activate_standby", of_activation.WITH_TROUBLE): UNMIRRORED,
    ("drill", of_drill.REHEARSED): MIRRORED,
    ("drill", of_drill.WITH_TROUBLE): "",  # another one, which the next look tells
    ("drill", of_drill.HALF): "",
    ("switchover", SWITCHED): MIRRORED,
    ("switchover", of_switchover.WITH_TROUBLE): "",
}


@dataclasses.dataclass(frozen=True)
class Event:
    """How a run ended for a cluster, or a state that a look saw for the first time.

    :param time: when it ended, in UTC.
    :param cluster: name of the cluster.
    :param action: what was run, such as ``switchover``; :data:`SEEN` of a look.
    :param outcome: how it ended, a word of that action; of a look the state.
    :param who: user of the controller that ran it.
    :param seconds: how long it took, from the plan to its end; None when that is not known, and of a look.
    :param loss: what was lost; None where nothing was promoted.
    :param phases: by name, the seconds of each phase or step, in their order.
    :param gap: seconds in which no write could succeed; None where that was not measured.
    :param rto: of a drill, seconds without an acknowledged commit, at most; None where that was not measured.
    :param rpo: of a drill, how many acknowledged commits were lost; likewise.
    :param reason: why it ended so; empty when all went well.
    :param state: the state of the pair before.
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
    rto: float | None
    rpo: int | None
    reason: str
    state: str
    former_primary: str
    new_primary: str
    controller: str
    run: str

    @property
    def left(self) -> tuple[str, str] | None:
        """The state that it left, or saw, and the host that was primary then; None where it changed nothing."""
        state = self.outcome if self.action == SEEN else _LEFT.get((self.action, self.outcome))
        return None if state is None else (state, self.new_primary)

    @property
    def rehearsed(self) -> list[str]:
        """What a drill measured, in words."""
        return [
            *([f"RTO {self.rto:.2f} s"] if self.rto is not None else []),
            *([f"RPO {self.rpo} commits"] if self.rpo is not None else []),
        ]


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
    rto_s: Seconds | None = None
    rpo_commits: int | None = None
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
        seconds=None if told.action == SEEN else _since(told.run, time),
        phases=dict(told.seconds) or _sums(told.steps),
        gap=told.gap_s,
        rto=told.rto_s,
        rpo=told.rpo_commits,
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


@dataclasses.dataclass(frozen=True)
class Trails:
    """What several files tell.

    :param events: by cluster, what its files tell of it, by the time.
    :param damaged: by file, how many lines were left out.
    :param unread: by file that could not be read, why.
    """

    events: t.Mapping[str, t.Sequence[Event]]
    damaged: t.Mapping[str, int]
    unread: t.Mapping[str, str]


def gather(files: t.Mapping[str, t.Collection[str]]) -> Trails:
    """What the files of clusters tell of each. Those that several clusters share are read once.

    :param files: by cluster, paths.
    """
    found: dict[str, list[Event]] = {cluster: [] for cluster in files}
    damaged, unread = {}, {}
    for path in dict.fromkeys(path for paths in files.values() for path in paths):
        try:
            events, left_out = read_whole(path)
        except OSError as error:
            unread[path] = error.strerror or str(error)
            continue
        if left_out:
            damaged[path] = left_out
        for event in events:
            if path in files.get(event.cluster, ()):
                found[event.cluster].append(event)
    return Trails({cluster: sorted(events, key=lambda event: event.time) for cluster, events in found.items()}, damaged, unread)


def last(events: t.Sequence[Event]) -> tuple[tuple[str, str], datetime.datetime] | None:
    """The state, and the primary, that a trail ends with, and since when; None where it tells of none."""
    known, since = None, None
    for event in reversed(events):
        if event.left is None:
            continue
        if known not in (None, event.left):
            break
        known, since = event.left, event.time
    return (known, since) if known and since else None
