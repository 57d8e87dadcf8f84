# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""The past of a pair as it is shown: its states, lag and retained WAL over time, what was run, and how long each phase took."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._activate_standby.outcome import loss
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show import audit, chart, pictures
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.pictures import Look
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.samples import Sample
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.screen import size
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.trail import SEEN, Event

#: how many runs are told
_RUNS = 8

#: what a run is called, where its action is not a noun
_NAMES = {"activate_standby": "activation"}

#: by tone, how high a state is drawn: what is worse stands out, for those, too, who tell colours hardly apart
_HEIGHTS = {"ok": 6, "warn": 12}
_FULL = 18


@dataclasses.dataclass(frozen=True)
class History:
    """What the controller knows of a cluster's past.

    :param samples: looks, by their time.
    :param events: runs that changed it or were to, by their time.
    """

    samples: t.Sequence[Sample]
    events: t.Sequence[Event]


@dataclasses.dataclass(frozen=True)
class Moment:
    """A time for programs, and for people."""

    iso: str
    words: str


@dataclasses.dataclass(frozen=True)
class Stretch:
    """A stretch of time with one state, as it is drawn."""

    x: int
    width: int
    height: int
    tone: str


@dataclasses.dataclass(frozen=True)
class Curve:
    """A value over time.

    :param name: what it is.
    :param path: how it is drawn.
    :param words: the same in words.
    :param peak: the largest value.
    """

    name: str
    path: str
    words: str
    peak: str


@dataclasses.dataclass(frozen=True)
class Happening:
    """A run.

    :param words: what was run, and how it ended.
    :param facts: what became of it.
    """

    time: Moment
    look: Look
    words: str
    facts: list[str]
    reason: str


@dataclasses.dataclass(frozen=True)
class Phases:
    """Seconds of each phase of a run.

    :param name: of what was run.
    :param rows: by phase, its name, its seconds, and how long it is drawn, in percent of the longest.
    """

    name: str
    time: Moment
    words: str
    rows: list[tuple[str, str, int]]


@dataclasses.dataclass(frozen=True)
class Past:
    """The past of a pair.

    :param begin: when what is drawn begins; None where nothing is.
    :param states: over time.
    :param held: the same in words.
    :param marks: where in the drawing something was run.
    :param happenings: the latest first.
    :param more: how many there are beside these.
    """

    begin: Moment | None
    end: Moment | None
    states: list[Stretch]
    held: str
    marks: list[int]
    curves: list[Curve]
    happenings: list[Happening]
    more: int
    phases: list[Phases]


def moment(time: datetime.datetime) -> Moment:
    """A time in UTC."""
    return Moment(time.strftime(audit.TIME), time.strftime("%Y-%m-%d %H:%M"))


def _at(seconds: float) -> Moment:
    return moment(datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc))


def past(history: History) -> Past:
    """What is shown of a past."""
    looks, events = history.samples, history.events
    seen = chart.parts(looks)
    runs = [event for event in events if event.action != SEEN]
    places = [chart.place(event.time.timestamp(), looks) for event in runs] if seen else []
    return Past(
        begin=_at(looks[0].time) if seen else None,
        end=_at(looks[-1].time) if seen else None,
        states=[_stretch(run) for run in chart.runs(seen)],
        held=_held(looks),
        marks=sorted({place for place in places if place is not None}),
        curves=_curves(looks, seen) if seen else [],
        happenings=[_happening(event) for event in reversed(events[-_RUNS:])],
        more=len(events[:-_RUNS]),
        phases=_phases(events),
    )


def _stretch(run: chart.Run) -> Stretch:
    tone = pictures.look(run.state, run.as_desired).tone
    return Stretch(run.x, run.width, _HEIGHTS.get(tone, _FULL), tone)


def _held(looks: t.Sequence[Sample]) -> str:
    """Which states there were, in words."""
    if not looks:
        return ""
    states = [pictures.look(one.state, one.as_desired).words for one in looks]
    shares = {state: states.count(state) for state in dict.fromkeys(states)}
    if len(shares) == 1:
        return f"{states[0]} at each of {len(states)} looks" if len(states) > 1 else f"{states[0]} at the only look so far"
    said = [f"{state} at {count}" for state, count in sorted(shares.items(), key=lambda of: -of[1])]
    return f"{', '.join(said)} of {len(states)} looks"


def _curves(looks: t.Sequence[Sample], seen: t.Sequence[Sample | None]) -> list[Curve]:
    found = []
    for name, field in (("Lag", "lag_bytes"), ("Retained WAL", "retained_bytes")):
        known = [one for one in looks if getattr(one, field) is not None]
        if known:
            top = max(known, key=lambda one: getattr(one, field))
            peak, last = getattr(top, field), getattr(looks[-1], field)
            path = chart.area([getattr(one, field) if one else None for one in seen], peak)
            now = size(last) if last is not None else "not seen"
            found.append(Curve(name, path, f"now {now}, at most {size(peak)}, on {_at(top.time).words}", size(peak)))
    return found


def _happening(event: Event) -> Happening:
    swapped = _hosts(event) if event.former_primary and event.new_primary else ""
    facts = [
        swapped,
        *_figures(event),
        loss(dataclasses.asdict(event.loss), why=False) if event.loss else "",
        f"by {event.who} on {event.controller}" if event.who else "",
    ]
    if event.action == SEEN:
        look = pictures.look(event.outcome, False)
        first = f"primary {event.new_primary}" if event.new_primary else ""
        return Happening(moment(event.time), look, f"seen: {look.words}", [fact for fact in (first, facts[-1]) if fact], event.reason)
    words = f"{_action(event)}: {event.outcome.replace('_', ' ')}"
    return Happening(moment(event.time), _ended(event.outcome), words, [fact for fact in facts if fact], event.reason)


def _hosts(event: Event) -> str:
    """Who was primary, and who is then."""
    stays = event.former_primary == event.new_primary
    return f"{event.new_primary} is primary" if stays else f"{event.former_primary} → {event.new_primary}"


def _figures(event: Event) -> list[str]:
    """What it cost those who write, as far as it was measured."""
    return [*([f"no write for {event.gap:.2f} s"] if event.gap is not None else []), *event.rehearsed]


def _action(event: Event) -> str:
    return _NAMES.get(event.action, event.action.replace("_", " "))


def _ended(outcome: str) -> Look:
    """How an outcome looks."""
    if outcome.startswith("not_"):
        return Look("none", "ring", "not done")
    if outcome.endswith("_with_trouble") or outcome.startswith("half_"):
        return Look("warn", "warning", "with trouble")
    return Look("unknown", "question", "unconfirmed") if outcome == "unconfirmed" else Look("ok", "check", "done")


def _phases(events: t.Sequence[Event]) -> list[Phases]:
    """The seconds of the last run of each kind that swapped the roles, or rehearsed that, the latest first."""
    last = {event.action: event for event in events if event.phases and event.new_primary and not event.outcome.startswith("not_")}
    found = []
    for event in sorted(last.values(), key=lambda of: of.time, reverse=True):
        longest = max(event.phases.values()) or 1.0
        rows = [(name.replace("_", " "), f"{seconds:.2f}", round(seconds / longest * 100)) for name, seconds in event.phases.items()]
        found.append(Phases(_action(event), moment(event.time), "; ".join([_hosts(event), *_figures(event)]), rows))
    return found
