# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Looks at a pair over time as shapes: pure geometry, in units of a drawing that is stretched to the room it has."""

from __future__ import annotations

import dataclasses
import statistics
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.samples import Sample, worst

#: into how many parts of the same length the time is divided
PARTS = 120
#: of a part
STEP = 5
WIDTH = PARTS * STEP
HEIGHT = 48

#: how many times longer than usual nothing may have been looked at, until it is not known what was between
_PATIENCE = 3


@dataclasses.dataclass(frozen=True)
class Run:
    """A stretch of time with one state.

    :param x: where it begins.
    :param width: how long it is.
    """

    x: int
    width: int
    state: str
    as_desired: bool


def parts(samples: t.Sequence[Sample]) -> list[Sample | None]:
    """For each part of the time from the first look to the last, the worst that was seen, or still held; None where that is not known.

    :param samples: by their time.
    """
    begin, end = (samples[0].time, samples[-1].time) if samples else (0.0, 0.0)
    length = (end - begin) / PARTS
    if not length:
        return []
    holds = _PATIENCE * statistics.median(later.time - one.time for one, later in zip(samples, samples[1:]))
    found: list[Sample | None] = [None] * PARTS
    for one in samples:
        at = min(int((one.time - begin) / length), PARTS - 1)
        before = found[at]
        found[at] = worst(before, one) if before else one
    last = samples[0]
    for at, seen in enumerate(found):
        if seen:
            last = seen
        elif begin + at * length <= last.time + max(holds, length):
            found[at] = last
    return found


def runs(seen: t.Sequence[Sample | None]) -> list[Run]:
    """The states over time."""
    found: list[Run] = []
    for at, one in enumerate(seen):
        if one is None:
            continue
        last = found[-1] if found else None
        if last and (last.state, last.as_desired, last.x + last.width) == (one.state, one.as_desired, at * STEP):
            found[-1] = dataclasses.replace(last, width=last.width + STEP)
        else:
            found.append(Run(at * STEP, STEP, one.state, one.as_desired))
    return found


def area(values: t.Sequence[float | None], peak: float) -> str:
    """Values over time as the path of a filled shape, in one piece for each stretch in which they are known.

    :param values: of each part, 0 to the peak.
    :param peak: what is drawn in full height.
    """
    pieces: list[str] = []
    at = 0
    while at < len(values):
        if values[at] is None:
            at += 1
            continue
        heights: list[int] = []
        while at + len(heights) < len(values):
            value = values[at + len(heights)]
            if value is None:
                break
            heights.append(round(value / peak * (HEIGHT - 2)) if peak else 0)
        pieces.append(_piece(at * STEP, heights))
        at += len(heights)
    return "".join(pieces)


def _piece(x: int, heights: t.Sequence[int]) -> str:
    """One stretch, as steps; what does not change takes no room."""
    drawn, height, ahead = [f"M{x} {HEIGHT}"], 0, 0
    for next_height in heights:
        if next_height != height:
            drawn += [f"h{ahead}"] if ahead else []
            drawn.append(f"v{height - next_height}")
            height, ahead = next_height, 0
        ahead += STEP
    return "".join([*drawn, f"h{ahead}", f"V{HEIGHT}z"])


def place(time: float, samples: t.Sequence[Sample]) -> int | None:
    """Where something that happened is in the drawing; None where it was before or after."""
    begin, end = samples[0].time, samples[-1].time
    return round((time - begin) / (end - begin) * WIDTH) if begin < end and begin <= time <= end else None
