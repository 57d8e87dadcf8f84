# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""The states of many pairs as one table, for people; the worst first."""

from __future__ import annotations

import collections
import typing as t

from ansible import constants
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show import table
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.report import most_retained
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.screen import size

_HEAD = ("cluster", "state", "primary", "standby", "lag", "retained WAL", "since (UTC)", "warnings")

#: what is said where nothing was seen, or there is nothing
_NOTHING = "-"


def render(clusters: t.Mapping[str, t.Mapping[str, t.Any]]) -> list[str]:
    """The table's lines: a head, and one for each cluster.

    :param clusters: by name, in the order of the lines, what the document says of each.
    """
    return table.lines([_HEAD, *(_row(name, told) for name, told in clusters.items())])


def colors(clusters: t.Mapping[str, t.Mapping[str, t.Any]]) -> list[str | None]:
    """The colours of those lines."""
    return [None, *map(_color, clusters.values())]


def summary(clusters: t.Mapping[str, t.Mapping[str, t.Any]]) -> str:
    """How many clusters are in which state."""
    counts = collections.Counter(told["state"] for told in clusters.values())
    return f"{len(clusters)} cluster{'s' if len(clusters) != 1 else ''}: " + ", ".join(
        f"{count} {state}" for state, count in counts.items()
    )


def _row(name: str, told: t.Mapping[str, t.Any]) -> tuple[str, ...]:
    retained = most_retained(told)
    return (
        name or _NOTHING,
        told["state"],
        told["primary"] or _NOTHING,
        told["standby"] or _NOTHING,
        _lag(told["replication"]),
        size(retained) if retained is not None else _NOTHING,
        told["since"][:16].replace("T", " ") if told["since"] else _NOTHING,
        str(len(told["warnings"]) or _NOTHING),
    )


def _lag(replication: t.Mapping[str, t.Any]) -> str:
    if replication["lag_bytes"] is None:
        return _NOTHING
    seconds = replication["lag_seconds"]
    return size(replication["lag_bytes"]) + (f", {seconds:.1f} s" if seconds is not None else "")


def _color(told: t.Mapping[str, t.Any]) -> str:
    if not told["as_desired"]:
        return str(constants.COLOR_ERROR)
    return str(constants.COLOR_CHANGED if told["warnings"] else constants.COLOR_OK)
