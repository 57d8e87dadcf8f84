# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Which state of a pair is worse than another, and which cluster has to be looked at first."""

from __future__ import annotations

import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.verdict import STATES


def rank(state: str, as_desired: bool) -> tuple[bool, int]:
    """What states are sorted by, the worst first; one that is not known is the worst."""
    return as_desired, STATES.index(state) if state in STATES else -1


def worst_first(clusters: t.Mapping[str, t.Mapping[str, t.Any]]) -> dict[str, t.Mapping[str, t.Any]]:
    """Clusters in the order in which somebody has to look at them.

    :param clusters: by name, what the document says of each.
    """

    def order(name: str) -> tuple[t.Any, ...]:
        told = clusters[name]
        return *rank(told["state"], told["as_desired"]), -len(told["warnings"]), name

    return {name: clusters[name] for name in sorted(clusters, key=order)}
