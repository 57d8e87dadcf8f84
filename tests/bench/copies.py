# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways to copy the primary beside a bare pg_basebackup with verification, in turn: how long the copying takes, and what travels."""

from __future__ import annotations

import contextlib
import os
from statistics import median
from typing import Any

import cluster
import figures
import runs

#: Mbit/s of the link, where it is to be slow
LINK_MBIT = int(os.environ["LINK_MBIT"]) if os.environ.get("LINK_MBIT") else None

#: what a copy is made beside, as the collection asks for it
BARE = (
    ". /run/whpg/profile.sh; rm -rf /data/whpg/v7/bare; began=$(date +%s.%N); pg_basebackup -h cdw -p $PGPORT -U gpadmin "
    "-D /data/whpg/v7/bare -c fast -X fetch --target-gp-dbid 99 -E ./db_dumps -E ./promote -E ./db_analyze -E ./log || exit; "
    "ended=$(date +%s.%N); rm -rf /data/whpg/v7/bare; echo \"$began $ended\" | awk '{print $2 - $1}'"
)


def measure(size: str, runs_of_each: int) -> list[dict[str, Any]]:
    """The rows of one size: a new copy, and copies of the blocks that differ from a stopped standby's, of which none or a tenth do.

    The first run of each is not timed: it warms caches up, and its memory is watched.
    """
    data_mib = cluster.fill(size)
    found: dict[str, list[dict[str, float]]] = {"basebackup": [], "none_differs": [], "a_tenth_differs": []}
    bare: list[float] = []
    peaks: dict[str, float] = {}
    cluster.reset()
    cluster.ssh("cdw", f"echo 'host replication gpadmin samenet trust' >> {cluster.DATA}/pg_hba.conf")
    cluster.pg_ctl("cdw", "reload")
    cluster.playbook(runs.ENABLE)
    for number in range(runs_of_each + 1):
        for way, timed in found.items():
            print(f"copy, {size}, {way}: run {number} of {runs_of_each}", flush=True)
            if way == "a_tenth_differs":
                change_a_tenth(size)
            cluster.pg_ctl("scdw", "-m fast stop")
            cluster.settle()
            method = "basebackup" if way == "basebackup" else "changed_blocks"
            with cluster.link(LINK_MBIT), cluster.watch_memory() if number == 0 else contextlib.nullcontext({}) as seen:
                run = cluster.copy(runs.REJOIN, "-e", f"rejoin_method={method}")
            cluster.ssh("scdw", f"rm -rf {cluster.DIRECTORIES['scdw']}.*")
            if number:
                timed.append(run)
            else:
                peaks[way] = seen["scdw"]
        cluster.settle()
        with cluster.link(LINK_MBIT):
            bare.append(float(cluster.ssh("scdw", BARE)))
    cluster.reset()
    called = f"{size}, {LINK_MBIT} Mbit/s" if LINK_MBIT else size
    return [row(way, called, timed, bare[1:], data_mib, peaks[way]) for way, timed in found.items()]


def change_a_tenth(size: str) -> None:
    """Change a row in every tenth block of what fills the coordinator's directory."""
    if size.endswith("g"):
        cluster.sql("UPDATE bench_filler SET content = content || ' ' WHERE (ctid::text::point)[0]::int % 10 = 0")
        cluster.sql("CHECKPOINT")


def row(way: str, size: str, timed: list[dict[str, float]], bare: list[float], data_mib: int, peak: float) -> dict[str, Any]:
    seconds = [run["copy_s"] for run in timed]
    return {
        "operation": f"copy_{way}",
        "size": size,
        "engine": cluster.ENGINE,
        "runs": len(timed),
        **figures.rounded(
            {
                **figures.seconds("copying", seconds),
                **figures.seconds("bare", bare),
                "ratio": median(seconds) / median(bare),
                "mib_per_s": data_mib / median(seconds),
            }
        ),
        "data_mib": data_mib,
        "copied_mib": max(int(run["copied_mib"]) for run in timed),
        "module_rss_mib": peak,
    }
