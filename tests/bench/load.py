# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long clients wait for their commits before, during and after what playbooks do, while they write as fast as they can.

What a client waits is the time from one acknowledged commit to the next: attempts that failed, and connecting again, are in it. A copy is
made without a limit, with standby_max_rate at half the rate that it had, and with standby_max_latency at CEILING times the 95th percentile
before it. LOAD_SIZE ("2g") is how much data the coordinator holds then.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Callable, Iterator

import cluster
import figures
import plot
import runs
import switchover

CLIENTS = 4
SIZE = os.environ.get("LOAD_SIZE", "2g")
#: seconds that clients write before, and after
AROUND_S = 10
CEILING = 1.5


@dataclass
class Load:
    """What clients waited around what was done, each as when it began and how long it took, in seconds since the epoch and seconds."""

    waits: list[tuple[float, float]] = field(default_factory=list)
    began: float = 0
    ended: float = 0

    def bounds(self, phase: str) -> tuple[float, float]:
        """When a phase began and ended."""
        first, last = self.waits[0][0], max(began + took for began, took in self.waits)
        return {"before": (first, self.began), "during": (self.began, self.ended), "after": (self.ended, last)}[phase]

    def of(self, phase: str) -> list[float]:
        """The waits that began in a phase."""
        first, last = self.bounds(phase)
        return [took for began, took in self.waits if first <= began < last]


@contextmanager
def writing(name: str) -> Iterator[Load]:
    """Clients write meanwhile; what they waited is there in the end."""
    load = Load()
    names = [f"{name}_{number}" for number in range(CLIENTS)]
    for each in names:
        cluster.ssh("sdw1", f"PAUSE_S=0 python3 /run/whpg/client.py start {each} '{switchover.CLIENT}'")
    time.sleep(AROUND_S)
    try:
        yield load
        time.sleep(AROUND_S)
    finally:
        for each in names:
            cluster.ssh("sdw1", f"python3 /run/whpg/client.py stop {each}")
    for each in names:
        lines = (line.split() for line in cluster.ssh("sdw1", f"cat /tmp/clients/{each}/acknowledged").splitlines())
        returned = [float(words[2]) for words in lines if len(words) == 4]
        load.waits += [(before, after - before) for before, after in zip(returned, returned[1:])]
    load.waits.sort()


def under_load(name: str, act: Callable[[], tuple[float, float]]) -> Load:
    """What clients waited around something, which tells when it began and ended."""
    with writing(f"{name}_{int(time.time())}") as load:
        load.began, load.ended = act()
    return load


def _lasting(act: Callable[[], object]) -> tuple[float, float]:
    began = time.time()
    act()
    return began, time.time()


def _copy(**options: object) -> tuple[float, float]:
    """Enable mirroring; when its copy began and ended."""
    variables = [part for name, value in options.items() for part in ("-e", f"{name}={value}")]
    report, _noted, _used = cluster.reported(runs.ENABLE, *variables)
    for task in (task for play in report["plays"] for task in play["tasks"]):
        if any(step["name"] == "copy" for result in task["hosts"].values() for step in result.get("steps", ())):
            at = task["task"]["duration"]
            return datetime.fromisoformat(at["start"]).timestamp(), datetime.fromisoformat(at["end"]).timestamp()
    raise RuntimeError("no copy was made")


def _copies() -> dict[str, Load]:
    mib = cluster.fill(SIZE)
    found: dict[str, Load] = {}

    def copied(name: str, **options: object) -> None:
        cluster.reset()
        cluster.ssh("cdw", f"echo '{switchover.RULE}' >> {cluster.DATA}/pg_hba.conf")
        cluster.pg_ctl("cdw", "reload")
        cluster.settle()
        print(f"load: {name} {options}", flush=True)
        found[name] = under_load(name, lambda: _copy(**options))

    copied("copy")
    free = found["copy"]
    rate = max(int(mib / (free.ended - free.began) / 2), 1)
    copied("copy_max_rate", standby_max_rate=f"{rate}M")
    ceiling = max(round(CEILING * 1000 * figures.percentile(free.of("before"), 95)), 1)
    copied("copy_max_latency", standby_max_latency=ceiling)
    cluster.reset()
    cluster.fill("small")
    return found


def _changes() -> dict[str, Load]:
    found: dict[str, Load] = {}
    with cluster.Kept(switchover.RULE) as pair:
        print("load: switchover", flush=True)
        found["switchover"] = under_load("switchover", lambda: _lasting(lambda: cluster.playbook(switchover.SWITCHOVER)))
        pair.restore()
        cluster.playbook(runs.ENABLE)

        def fail_over() -> None:
            cluster.lose_primary()
            cluster.playbook(runs.ACTIVATE)

        print("load: failover and rejoin", flush=True)
        found["failover"] = under_load("failover", lambda: _lasting(fail_over))
        found["rejoin"] = under_load("rejoin", lambda: _lasting(lambda: cluster.playbook(runs.REJOIN)))
    return found


def measure() -> list[dict]:
    """A row for each of what was done, and the picture."""
    found = {**_copies(), **_changes()}
    (cluster.HERE / "results/load.svg").write_text(plot.svg(found))
    return [_row(name, load) for name, load in found.items()]


def _row(name: str, load: Load) -> dict:
    columns: dict[str, float] = {"seconds": load.ended - load.began}
    for phase in ("before", "during", "after"):
        (first, last), waits = load.bounds(phase), load.of(phase)
        columns[f"{phase}_commits_per_s"] = len(waits) / (last - first)
        columns.update({f"{phase}_p{share}_ms": 1000 * figures.percentile(waits, share) for share in (50, 95, 99)})
        columns[f"{phase}_max_ms"] = 1000 * max(waits)
    columns["p95_ratio"] = columns["during_p95_ms"] / columns["before_p95_ms"]
    return {"operation": f"load_{name}", "size": SIZE if "copy" in name else "small", "engine": cluster.ENGINE, **figures.rounded(columns)}
