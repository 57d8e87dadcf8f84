# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""The state of all pairs as the one line of a plugin of Nagios, from which C(extensions/monitoring/check_whpg) takes its exit status."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.pair import Pair
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.report import most_retained
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.screen import quiet

Cluster = t.Mapping[str, t.Any]

OK, WARNING, UNKNOWN, CRITICAL = "OK", "WARNING", "UNKNOWN", "CRITICAL"

#: the worst one last
STATUSES = (OK, WARNING, UNKNOWN, CRITICAL)


def status(pair: Pair, told: Cluster) -> str:
    """How urgent the state of a pair is.

    :param told: what the document says of it.
    """
    if pair.problems:  # nothing was judged
        return UNKNOWN
    if not pair.serves or told["probe"]["acknowledged"] is False:
        return CRITICAL
    return OK if pair.as_desired and not pair.warnings else WARNING


def line(pairs: t.Mapping[str, Pair], reports: t.Mapping[str, Cluster]) -> str:
    """The line on all clusters, the worst first.

    :param pairs: by cluster, its pair.
    :param reports: by cluster, what the document says of it.
    """
    found = {cluster: status(pair, reports[cluster]) for cluster, pair in pairs.items()}
    worst_first = sorted(found, key=lambda cluster: STATUSES.index(found[cluster]), reverse=True)
    well = [cluster for cluster in worst_first if found[cluster] == OK]
    said = [quiet(cluster, pairs[cluster]) or f"{cluster}: {pairs[cluster].state}" for cluster in worst_first if found[cluster] != OK]
    if well:
        said.append(f"{well[0]}: {pairs[well[0]].state}" if len(well) == 1 else f"{len(well)} clusters as desired")
    data = [part for cluster in worst_first for part in _data(cluster, reports[cluster])]
    return f"WHPG {found[worst_first[0]]} - {'; '.join(said).replace('|', '/')} | {' '.join(data)}"


def _data(cluster: str, told: Cluster) -> list[str]:
    """Performance data on a cluster; U is what was not seen."""
    values = {
        "replay_lag": (told["replication"]["lag_bytes"], "B"),
        "retained_wal": (most_retained(told), "B"),
        "segments_down": (told["segments"]["down"], ""),
        "warnings": (len(told["warnings"]), ""),
    }
    name = re.sub(r"['=|]", "_", cluster)
    return [f"'{name} {label}'={'U' if value is None else f'{value}{unit};;;0'}" for label, (value, unit) in values.items()]
