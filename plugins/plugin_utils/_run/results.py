# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What the registered results of tasks say."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import border
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.border import Name, Seconds
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.drift import Unlogged
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.people import harmless

Result = t.Mapping[str, t.Any]
T = t.TypeVar("T")


def failed(result: Result) -> bool:
    """Whether a task failed, also one whose failure is left to a verdict or a summary: a module says something only then."""
    return bool(result.get("failed") or result.get("unreachable") or result.get("msg"))


def worked(result: Result) -> bool:
    """Whether a task was run, and did not fail."""
    return was_tried(result) and not failed(result)


def was_tried(result: Result) -> bool:
    """Whether a task was run."""
    return bool(result) and not result.get("skipped")


def message(result: Result) -> str:
    """What a failure says, on one line."""
    return harmless(" ".join(str(result.get("msg") or result.get("stderr") or "").split()))


@dataclasses.dataclass(frozen=True)
class Step:
    """A step that a task carried out, or would carry out."""

    name: Name
    seconds: Seconds = 0.0


@dataclasses.dataclass(frozen=True)
class _Steps:
    steps: tuple[Step, ...] = ()


def steps_of(result: Result) -> tuple[Step, ...]:
    """The steps of a task; none where it does not tell them in their form."""
    found = told(_Steps, result)
    return found.steps if found else ()


def part_of(result: Result, name: str) -> Result:
    """A part of a result that has parts itself; empty where there is none."""
    found = result.get(name)
    return found if isinstance(found, dict) else {}


def taken(hosts: t.Mapping[str, Result], names: t.Iterable[str]) -> float | None:
    """Seconds that tasks took by their steps; None where they had none. Hosts do a task at once, the longest counts.

    :param names: under which the tasks register.
    """
    steps = [[steps_of(known.get(name) or {}) for known in hosts.values()] for name in names]
    if not any(map(any, steps)):
        return None
    return round(sum(max(sum(step.seconds for step in of_host) for of_host in of_task) for of_task in steps), 3)


def told(kind: type[T], result: t.Any) -> T | None:
    """What a task tells, as the dataclass that it was made from; None where it tells nothing, or what it says is not of its form."""
    try:
        return border.parse(kind, result)
    except ValueError:
        return None


def unlogged(result: Result) -> Unlogged | None:
    """What a task saw that WAL does not carry; None where it did not look."""
    return told(Unlogged, result.get("unlogged"))


def failures_of(hosts: t.Mapping[str, Result], tasks: t.Mapping[str, str], lost: t.Collection[str]) -> list[str]:
    """What went wrong in tasks that follow a promotion, host by host.

    :param hosts: by host, its variables: what its tasks registered.
    :param tasks: by the name that a task registers, what it is for.
    :param lost: hosts that were lost during the run.
    """
    found = [
        f"{host}: {what}: {message(known[name]) or 'failed'}"
        for host, known in hosts.items()
        for name, what in tasks.items()
        if failed(known.get(name) or {})
    ]
    return found + [f"{host} dropped out of the run" for host in lost]
