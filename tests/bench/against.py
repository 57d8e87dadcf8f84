# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same runs by two checkouts in turn: A is this one, B another one."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import cluster
import figures
import runs
import switchover
from figures import Run


def compare(rows: list[str], number: int, other: Path) -> list[dict]:
    """A row for each operation. The first pair of its runs is not timed."""
    collections = {"A": cluster.REPO, "B": other}

    def turns(operation: str, run: Callable[[], Run]) -> dict:
        wall: dict[str, list[float]] = {"A": [], "B": []}
        executions: dict[str, int] = {}
        for count, which in enumerate(figures.turns(number + 1)):
            print(f"{operation}: pair {count // 2} of {number}, {which}", flush=True)
            with cluster.collection_of(collections[which]):
                done = run()
            wall[which].append(done.wall_s)
            executions[which] = done.executions
        columns = figures.compared(wall["A"][1:], wall["B"][1:])
        return {
            "operation": operation,
            "engine": cluster.ENGINE,
            "runs": number,
            **columns,
            "a_executions": executions["A"],
            "b_executions": executions["B"],
        }

    found = []
    if "pair" in rows:
        found.append(turns("enable", runs.enable))
    if {"activate", "switchover"} & {*rows}:
        with cluster.Kept(switchover.RULE) as pair:
            if "activate" in rows:
                found.append(turns("activate", lambda: runs.activate(pair)))
            if "switchover" in rows:
                found.append(turns("switchover", lambda: switchover.swap(pair)[0]))
    if "rejoin" in rows:
        with cluster.WithWal(gib=1) as diverging:
            found.append(turns("rejoin", lambda: runs.rewind(diverging)))
    return found
