# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of how long clients waited for their commits: a panel for each of what was done, over time, on a logarithmic scale."""

from __future__ import annotations

import math
from typing import Any, Callable, Mapping

import figures

WIDTH, HEIGHT, LEFT, TOP, GAP = 760, 150, 70, 46, 44
#: seconds of which a line has one point
BIN_S = 0.25
#: seconds without a commit from which on a line is broken
LEAST_GAP_S = 2.0
#: milliseconds at the bottom and at the top
LOWEST, HIGHEST = 1.0, 60000.0
LINES = {"p50": ("#1b6ca8", 50), "p95": ("#e08a00", 95), "max": ("#c0392b", 100)}


def svg(found: Mapping[str, Any]) -> str:
    """The picture of what :class:`load.Load` has, by the name of what was done."""
    height = TOP + len(found) * (HEIGHT + GAP)
    panels = [_panel(name, load, TOP + number * (HEIGHT + GAP)) for number, (name, load) in enumerate(found.items())]
    keys = "".join(
        f'<rect x="{LEFT + 60 * number}" y="10" width="12" height="12" fill="{colour}"/>'
        f'<text x="{LEFT + 16 + 60 * number}" y="20">{name}</text>'
        for number, (name, (colour, _share)) in enumerate(LINES.items())
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 20} {height}" font-family="sans-serif" font-size="12">'
        '<rect width="100%" height="100%" fill="white"/>'
        f'{keys}<text x="{LEFT + 190}" y="20">what clients waited for a commit in {BIN_S:g} s, in ms; '
        "shaded: while it was done</text>"
        f"{''.join(panels)}</svg>\n"
    )


def _panel(name: str, load: Any, top: int) -> str:
    first = min(began for began, _took in load.waits)
    last = max(began + took for began, took in load.waits)

    def x(at: float) -> float:
        return LEFT + WIDTH * (at - first) / (last - first)

    def y(milliseconds: float) -> float:
        share = math.log(min(max(milliseconds, LOWEST), HIGHEST) / LOWEST) / math.log(HIGHEST / LOWEST)
        return top + HEIGHT * (1 - share)

    scale = "".join(
        f'<line x1="{LEFT}" x2="{LEFT + WIDTH}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="#ddd"/>'
        f'<text x="{LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value:g}</text>'
        for value in (1, 10, 100, 1000, 10000)
    )
    shade = f'<rect x="{x(load.began):.1f}" y="{top}" width="{x(load.ended) - x(load.began):.1f}" height="{HEIGHT}" fill="#eef3e6"/>'
    times = "".join(
        f'<text x="{x(at):.1f}" y="{top + HEIGHT + 14}" text-anchor="middle">{at - load.began:.1f} s</text>'
        for at in (load.began, load.ended)
    )
    title = f'<text x="{LEFT}" y="{top - 6}" font-weight="bold">{name.replace("_", " ")}</text>'
    return f"{title}{shade}{scale}{times}{_lines(load, x, y)}"


def _lines(load: Any, x: Callable[[float], float], y: Callable[[float], float]) -> str:
    """A line for each share, in pieces: where no commit began, nothing is drawn but how long that was."""
    bins: dict[int, list[float]] = {}
    for began, took in load.waits:
        bins.setdefault(int(began / BIN_S), []).append(1000 * took)
    pieces: list[list[int]] = []
    for number in sorted(bins):
        if not pieces or (number - pieces[-1][-1]) * BIN_S > LEAST_GAP_S:
            pieces.append([])
        pieces[-1].append(number)
    drawn = []
    for colour, share in reversed(LINES.values()):
        for piece in pieces:
            at = [(x((number + 0.5) * BIN_S), y(figures.percentile(bins[number], share))) for number in piece]
            points = " ".join(f"{across:.1f},{down:.1f}" for across, down in at)
            drawn.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.2"/>')
    for before, after in zip(pieces, pieces[1:]):
        first, last = (before[-1] + 1) * BIN_S, after[0] * BIN_S
        middle = (x(first) + x(last)) / 2
        drawn.append(f'<text x="{middle:.1f}" y="{y(100):.1f}" text-anchor="middle">no commit for {last - first:.1f} s</text>')
    return "".join(drawn)
