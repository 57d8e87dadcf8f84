# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The write gap that a client with a multi-host connection string sees, of a switchover and of the bare commands."""

from __future__ import annotations

import time
from statistics import median

import cluster
import figures
from cluster import HERE
from figures import Run

SWITCHOVER = "warehousepg.coordinator.switchover"
RULE = "host all gpadmin samenet trust"
CLIENT = "host=cdw,scdw port=5432,5432 dbname=postgres user=gpadmin target_session_attrs=read-write"


class Client:
    """Commits all the time from the segment host, whose part in the cluster stays as it is."""

    def __enter__(self) -> Client:
        cluster.ssh("sdw1", f"python3 /run/whpg/client.py start bench '{CLIENT}'")
        time.sleep(1)
        return self

    def __exit__(self, *_: object) -> None:
        cluster.ssh("sdw1", "python3 /run/whpg/client.py stop bench")

    def _commits(self) -> list[tuple[float, str]]:
        """When each commit returned, and the host that answered."""
        lines = cluster.ssh("sdw1", "cat /tmp/clients/bench/acknowledged").splitlines()
        whole = [line.split() for line in lines if len(line.split()) == 4]
        return [(float(returned), host) for _number, _begun, returned, host in whole]

    def gap(self) -> float:
        """Seconds from the last commit that the former primary acknowledged to the first one of the new."""
        for _dummy in range(300):
            commits = self._commits()
            of_new = [returned for returned, host in commits if host == "scdw"]
            if of_new:
                return min(of_new) - max(returned for returned, host in commits if host == "cdw")
            time.sleep(0.1)
        raise RuntimeError("the client was not served by the new primary within 30 s")


def swap(pair: cluster.Kept) -> tuple[Run, float]:
    """A switchover, and its gap."""
    pair.restore()
    with Client() as client:
        return cluster.playbook(SWITCHOVER), client.gap()


def measure(runs: int) -> dict:
    """The row. The first run is not timed."""
    ours, floors, bare, gaps = [], [], [], []
    with cluster.Kept(RULE) as pair:
        for number in range(runs + 1):
            print(f"switchover: run {number} of {runs}", flush=True)
            pair.restore()
            with Client() as client:
                cluster.ssh("cdw", "bash -s", (HERE / "switch.sh").read_text())
                bare.append(client.gap())
            run, gap = swap(pair)
            ours.append(run)
            gaps.append(gap)
            floors.append(cluster.floor(run))
    ours, floors, bare, gaps = ours[1:], floors[1:], bare[1:], gaps[1:]
    seconds = {
        **figures.seconds("wall", [run.wall_s for run in ours]),
        **figures.seconds("gap", gaps),
        **figures.seconds("bare", bare),
        "gap_over_s": median(gaps) - median(bare),
    }
    row = {"operation": "switchover", "size": "small", "engine": cluster.ENGINE, "runs": len(ours), **figures.rounded(seconds)}
    return {**row, **figures.beside_floor(ours, floors, median(bare))}
