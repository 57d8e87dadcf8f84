# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What many clusters in one run cost the controller, in seconds of its processors, beside empty plays.

The empty plays have as many tasks on as many hosts: a ping where a task executed something on a host, nothing where it did not, or only on
the controller. That of hosts, which are containers, does not count; that of ssh does. All clusters are one pair under as many names, of
which nothing is changed: to the controller they are as many as they say.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import cluster
import figures
import yaml

CLUSTERS = [int(word) for word in os.environ.get("CLUSTERS", "1 2 4 8 16").split()]
COMMANDS = {
    "status": ["warehousepg.coordinator.status", "-e", "status_fail=false"],
    "enable_check": ["warehousepg.coordinator.enable_mirroring", "--check"],
}


def inventory(count: int) -> dict[str, Any]:
    """So many clusters like demo."""
    connection, demo = (yaml.safe_load((cluster.DEMO / f"{name}.yml").read_text()) for name in ("connection", "demo"))
    (pattern,) = demo["all"]["children"]["whpg_clusters"]["children"].values()
    named = {
        f"c{number}": {
            "vars": {**pattern["vars"], "cluster_name": f"c{number}"},
            "hosts": {f"c{number}-{host}": variables for host, variables in pattern["hosts"].items()},
        }
        for number in range(count)
    }
    return {"all": {"children": {"whpg_clusters": {"vars": connection["whpg_clusters"]["vars"], "children": named}}}}


def measure(runs: int) -> list[dict]:
    """A row for each command and number of clusters, of a pair that has no standby."""
    rows = []
    cluster.reset()
    for count in CLUSTERS:
        with tempfile.TemporaryDirectory(prefix="controller-") as directory:
            home = Path(directory)
            named = home / "inventory.json"
            named.write_text(json.dumps(inventory(count)))
            for name, arguments in COMMANDS.items():
                print(f"controller: {name} of {count}", flush=True)
                report, noted, _used = cluster.reported(*arguments, inventory=named)
                empty = home / f"{name}.json"
                empty.write_text(json.dumps(figures.empty_plays(report, noted)))
                pairs = [(_cpu(named, *arguments), _cpu(named, str(empty))) for _run in range(runs)]
                rows.append(_row(name, count, runs, *(median(column) for column in zip(*pairs))))
    return rows


def _cpu(inventory: Path, *arguments: str) -> float:
    return cluster.ansible(*arguments, inventory=inventory)[1].cpu_s


def _row(name: str, count: int, runs: int, ours: float, empty: float) -> dict:
    columns = {"cpu_s": ours, "cpu_of_one_s": ours / count, "empty_cpu_s": empty, "cpu_ratio": ours / empty}
    row = {"operation": f"controller_{name}_{count}", "size": "small", "engine": cluster.ENGINE, "runs": runs, "clusters": count}
    return {**row, **figures.rounded(columns)}
