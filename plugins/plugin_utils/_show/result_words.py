# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What the result of any task says, whatever its module returned."""

from __future__ import annotations

import typing as t

from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.people import harmless

Result = t.Mapping[str, t.Any]

#: keys of a result that failed; ansible-core 2.21 leaves only the last one in the results of a loop
_FAILED = ("failed", "unreachable", "exception")
#: characters of a command's output that are shown
_OUTPUT = 400


def cluster(result: Result) -> str:
    """The name of the host's cluster, of what was observed on a host; empty of any other result."""
    options = result.get("options")
    name = options.get("cluster_name") if isinstance(options, t.Mapping) else None
    return harmless(name) if isinstance(name, str) else ""


def message(result: Result) -> str:
    """What a failure says, on one line."""
    failed = [item for item in rounds(result) if any(item.get(mark) for mark in _FAILED)]
    said = list(dict.fromkeys(map(_said, failed or [result])))
    return "; ".join(said)


def _said(result: Result) -> str:
    parts = [_text(result.get("msg") or result.get("censored"))]
    if "rc" in result:
        parts.append(_text(result.get("stderr") or result.get("stdout"))[-_OUTPUT:])
    return ": ".join(filter(None, parts)) or "failed; -v shows its result"


def debugged(result: Result) -> list[str]:
    """What the module debug was asked to show."""
    lines: list[str] = []
    for item in rounds(result):
        shown = [item["msg"]] if "msg" in item else [f"{name}: {value}" for name, value in item.items() if _is_shown(name)]
        lines += [harmless(line) for one in shown for line in str(one).splitlines()]
    return lines


def _is_shown(name: t.Any) -> bool:
    return str(name) not in ("changed", "failed", "item", "skipped", "results") and not str(name).startswith(("_ansible", "ansible_"))


def steps(result: Result) -> str:
    """The steps that a module of this collection took, or would take."""
    found = result.get("steps")
    names = [step.get("name") for step in found if isinstance(step, t.Mapping)] if isinstance(found, (list, tuple)) else []
    return harmless(", ".join(dict.fromkeys(str(name).replace("_", " ") for name in names if name)))


def told(result: Result) -> list[list[str]]:
    """What a task told, block by block, see :func:`people.tell`."""
    blocks = [block for one in rounds(result) for block in _list(one.get("told"))]
    lines = [[harmless(str(line)) for line in _list(block)] for block in blocks]
    return [block for block in lines if block]


def rounds(result: Result) -> list[Result]:
    """The result of each round of a task's loop; the result itself where it has none."""
    return [item for item in _list(result.get("results")) if isinstance(item, t.Mapping)] or [result]


def _list(value: t.Any) -> list[t.Any]:
    return list(value) if isinstance(value, (list, tuple)) else []


def _text(value: t.Any) -> str:
    return harmless(str(value)) if value else ""
