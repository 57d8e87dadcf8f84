# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is made of the runs: what their reports tell, the figures of a row, the order of two that are compared. Needs no hosts."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from statistics import median
from typing import Any, Iterator, Sequence


@dataclass
class Run:
    """One run of a playbook: its wall time, the time in steps of modules (hosts of one task work at the same time).

    ``executions`` is how many tasks executed something on a host, one after the other, ``hosts`` where they did, ``streaming_s`` when a
    standby that it made was seen to stream, ``copied_mib`` what was copied for that.
    """

    wall_s: float
    module_s: float
    executions: int
    hosts: tuple[str, ...]
    streaming_s: float = 0
    copied_mib: int = 0


Results = dict[str, dict[str, Any]]


def tasks(report: dict[str, Any]) -> dict[str, Results]:
    """The results by task and host. In the report of a play whose strategy has a full name, a task is there once for each of its hosts."""
    found: dict[str, Results] = defaultdict(dict)
    for play in report["plays"]:
        for task in play["tasks"]:
            found[task["task"]["id"]].update(task["hosts"])
    return found


def module_seconds(results: Results, module: str) -> float:
    """The seconds of a task in steps of modules; of those of one module, if one is named."""
    counted = [result for result in results.values() if str(result.get("action")).endswith(module)]
    return max((sum(step["seconds"] for step in result.get("steps", ())) for result in counted), default=0)


def executed(report: dict[str, Any], noted: str) -> tuple[int, tuple[str, ...]]:
    """How many tasks executed something on a host, one after the other, and the hosts on which they did.

    A host that was once out of reach is not among them.

    :param noted: what the callback noted, the task of each command that was sent to a host.
    """
    by_task = tasks(report)
    ran = set(noted.split())
    hosts, lost = set(), set()
    for task, results in by_task.items():
        lost |= {host for host, result in results.items() if result.get("unreachable")}
        if task in ran:
            hosts |= {host for host, result in results.items() if not result.get("skipped")}
    return len(ran), tuple(sorted(hosts - lost))


def empty_plays(report: dict[str, Any], noted: str) -> list[dict[str, Any]]:
    """Plays of as many tasks on as many hosts as a report has: a ping where one executed something on a host, nothing elsewhere.

    :param noted: as of :func:`executed`.
    """
    ran = set(noted.split())
    plays = []
    for play in report["plays"]:
        by_task = {task: results for task, results in tasks({"plays": [play]}).items() if results}
        hosts = sorted({host for results in by_task.values() for host in results})
        made = []
        for task, results in by_task.items():
            acting = [host for host, result in results.items() if not result.get("skipped")]
            what = {"ansible.builtin.ping": {}} if task in ran and acting else {"ansible.builtin.debug": {"msg": "nothing"}}
            once = (
                {"run_once": True}
                if len(results) == 1 < len(hosts)
                else {"when": "inventory_hostname in acting", "vars": {"acting": acting}}
            )
            made.append({"name": "Do as much", **what, **once})
        plays += [{"name": "As much as a run", "hosts": hosts, "gather_facts": False, "tasks": made}] if made else []
    return plays


def seconds(name: str, measured: Sequence[float]) -> dict[str, float]:
    """Median and spread, as columns."""
    return {f"{name}_s": median(measured), f"{name}_min_s": min(measured), f"{name}_max_s": max(measured)}


def percentile(measured: Sequence[float], share: float) -> float:
    """The least of what was measured that so many per cent of it do not exceed."""
    ordered = sorted(measured)
    return ordered[max(math.ceil(len(ordered) * share / 100) - 1, 0)]


def rounded(figures: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 2) for name, value in figures.items()}


def beside_floor(ours: Sequence[Run], floors: Sequence[float], bare: float) -> dict[str, float]:
    """The columns of the floor; ``floor_ratio`` is the time of ours beside that of the floor and the bare commands."""
    ratio = median(run.wall_s for run in ours) / (median(floors) + bare)
    return {"executions": max(run.executions for run in ours), **rounded({**seconds("floor", floors), "floor_ratio": ratio})}


def turns(runs: int) -> Iterator[str]:
    """Which of A and B comes next, in so many pairs: A B B A A B…

    Who begins changes: so neither always follows the other, or always has the same of two hosts that change places with each run.
    """
    for number in range(runs):
        yield from "AB" if number % 2 == 0 else "BA"


def compared(a: Sequence[float], b: Sequence[float]) -> dict[str, float]:
    """The columns of a comparison."""
    return rounded({**seconds("a", a), **seconds("b", b), "b_over_a": median(b) / median(a)})
