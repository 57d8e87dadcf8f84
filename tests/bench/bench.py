# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times our playbooks beside the bare commands, in turn, on the hosts that `make hosts` made.

ROWS ("pair activate rejoin copy switchover load controller") is what: one pair, made and run again, beside the bare commands; its standby
activated, when the primary is dead and when its host is silent, beside a bare promotion; a former primary that diverged, rewound, beside a
new copy; ways to copy the primary, beside a bare pg_basebackup; the write gap of a switchover, beside stop and promotion alone; how long
commits take meanwhile, while clients write as fast as they can, with a picture (load.py); the processor time of the controller for up to
16 clusters in one run, beside an empty play (controller.py).
RUNS (3) is how often, SIZES ("small 2g") how much data the coordinator of the pair holds, "files" in thousands of small files. LINK_MBIT
makes the link slow by which the row copy gets its data. Other rows stay in results/bench.json.
Seconds are medians.

Beside each run on the pair goes its floor, a play of as many pings on the same hosts as tasks of it executed something on a host
("executions", counted by callback/executions.py): "floor_s", and "floor_ratio", ours beside floor and bare commands together.

AGAINST=<path> compares instead, and keeps nothing: the runs of ROWS by this checkout (a) and by the one there (b) in turn, on the same
hosts with a small coordinator, for instance of `git worktree add /tmp/other <revision>`. Columns are medians and spread, and b_over_a.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from statistics import median

import against
import cluster
import controller
import copies
import figures
import load
import runs
import switchover
from cluster import ENGINE, HERE
from figures import Run

RESULTS = HERE / "results/bench.json"
RUNS = int(os.environ.get("RUNS", "3"))
ROWS = os.environ.get("ROWS", "pair activate rejoin copy switchover load controller").split()
SIZES = os.environ.get("SIZES", "small 2g").split()
AGAINST = os.environ.get("AGAINST")


def measure(size: str) -> list[dict]:
    """The rows of one size. The first run is not timed: it warms caches up, and its memory is watched."""
    data_mib = cluster.fill(size)
    cluster.reset()
    with cluster.watch_memory() as peaks:
        cluster.playbook(runs.ENABLE)
    enable, enable_floor, enable_bare, rerun, rerun_floor, start = [], [], [], [], [], []
    for number in range(RUNS):
        print(f"{size}: run {number + 1} of {RUNS}", flush=True)
        cluster.reset()
        cluster.settle()
        enable_bare.append(cluster.bare())
        enable.append(runs.enable())
        enable_floor.append(cluster.floor(enable[-1]))
        cluster.settle()
        start.append(cluster.playbook(str(HERE / "empty.yml")).wall_s)
        rerun.append(cluster.playbook(runs.ENABLE))
        rerun_floor.append(cluster.floor(rerun[-1]))
    cluster.reset()
    return [
        {
            **row("enable", size, enable, enable_bare),
            **figures.beside_floor(enable, enable_floor, median(enable_bare)),
            "data_mib": data_mib,
            "module_rss_mib": max(peaks.values()),
        },
        {**row("rerun", size, rerun, start), **figures.beside_floor(rerun, rerun_floor, 0)},  # a floor starts ansible-playbook too
    ]


def measure_activate() -> list[dict]:
    """The rows of an activation. The first run is not timed."""
    losses = {
        "activate": (cluster.lose_primary, []),
        "activate_host_silent": (
            cluster.silence_primary,
            ["-e", "activate_standby_fence_segments=true", "-e", "activate_standby_accept_loss=true"],
        ),
    }
    rows = []
    with cluster.Kept() as pair:
        for operation, (lose, arguments) in losses.items():
            ours, floors, bare = [], [], []
            for number in range(RUNS + 1):
                print(f"{operation}: run {number} of {RUNS}", flush=True)
                pair.restore()
                lose()
                bare.append(cluster.bare_promotion())
                ours.append(runs.activate(pair, lose, *arguments))
                floors.append(cluster.floor(ours[-1]))
            measured = row(operation, "small", ours[1:], bare[1:])
            measured.update(figures.beside_floor(ours[1:], floors[1:], median(bare[1:])))
            rows.append({**measured, "module_over_s": round(measured["module_s"] - measured["bare_s"], 2)})
    return rows


def measure_rejoin(size: str) -> dict:
    """The row of a former primary that diverged, which is rewound, beside a copy in its place, with 1 GiB of WAL on the source.

    The roles change hands with each rewind, and a copy comes without old WAL: so it is all rewinds, then all copies. The first run of
    each is not timed. The ratio is that of the times until it streams.
    """
    data_mib = cluster.fill(size)
    rewound, floors, copied = [], [], []
    with cluster.WithWal(gib=1) as pair:
        for number in range(RUNS + 1):
            print(f"rejoin, {size}: rewind {number} of {RUNS}", flush=True)
            rewound.append(runs.rewind(pair))
            floors.append(cluster.floor(rewound[-1]))
        for number in range(RUNS + 1):
            print(f"rejoin, {size}: copy {number} of {RUNS}", flush=True)
            pair.stop_standby()
            cluster.settle()
            copied.append(cluster.playbook(runs.REJOIN, "-e", "rejoin_method=basebackup"))
            pair.remove_aside()
    measured = row("rejoin", size, rewound[1:], [run.wall_s for run in copied[1:]], "copy")
    ratios = {"wall_ratio": measured["ratio"]}
    for what in ("streaming_s", "module_s"):
        ours, theirs = (median(getattr(run, what) for run in timed) for timed in (rewound[1:], copied[1:]))
        ratios.update({what: ours, f"copy_{what}": theirs, f"{what[:-2]}_ratio": ours / theirs})
    ratios["ratio"] = ratios.pop("streaming_ratio")
    return {
        **measured,
        **figures.rounded(ratios),
        **figures.beside_floor(rewound[1:], floors[1:], 0),
        "data_mib": data_mib,
        "copied_mib": max(run.copied_mib for run in rewound[1:]),
        "copy_mib": max(run.copied_mib for run in copied[1:]),
    }


def row(operation: str, size: str, ours: list[Run], reference: list[float], name: str = "bare") -> dict:
    """A row; ``name`` is that of what ours is compared with."""
    wall = [run.wall_s for run in ours]
    seconds = {
        **figures.seconds("wall", wall),
        "module_s": median(run.module_s for run in ours),
        **figures.seconds(name, reference),
        "overhead_s": median(wall) - median(reference),
        "ratio": median(wall) / median(reference),
    }
    return {"operation": operation, "size": size, "engine": ENGINE, "runs": len(ours), **figures.rounded(seconds)}


def write(rows: list[dict]) -> None:
    def key(row: dict) -> tuple:
        return row["engine"], row["size"], row["operation"]

    kept = json.loads(RESULTS.read_text())["rows"] if RESULTS.exists() else []
    new = {key(row) for row in rows}
    merged = sorted([row for row in kept if key(row) not in new] + rows, key=key)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"rows": merged}, indent=2) + "\n")


def show(rows: list[dict]) -> None:
    columns = ["operation", "size", "engine", "wall_s", "wall_min_s", "wall_max_s", "module_s"]
    columns += ["gap_s", "gap_min_s", "gap_max_s", "gap_over_s", "bare_s", "bare_min_s", "bare_max_s"]
    columns += ["copy_s", "copy_min_s", "copy_max_s", "copy_module_s", "streaming_s", "copy_streaming_s"]
    columns += ["overhead_s", "ratio", "wall_ratio", "module_ratio", "module_over_s"]
    columns += ["executions", "floor_s", "floor_min_s", "floor_max_s", "floor_ratio"]
    columns += [f"{phase}_{name}_ms" for phase in ("before", "during", "after") for name in ("p50", "p95", "p99", "max")] + ["p95_ratio"]
    columns += ["clusters", "cpu_s", "cpu_of_one_s", "empty_cpu_s", "cpu_ratio"]
    columns += ["copying_s", "copying_min_s", "copying_max_s", "mib_per_s"]
    columns += ["data_mib", "copied_mib", "copy_mib", "module_rss_mib"]
    show_columns(rows, columns)


def show_columns(rows: list[dict], columns: list[str]) -> None:
    table = [columns] + [[str(row.get(column, "")) for column in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(*table)]
    for line in table:
        print("  ".join(cell.rjust(width) for cell, width in zip(line, widths)))


def main() -> None:
    cluster.repair()
    if AGAINST:
        cluster.fill("small")
        compared = against.compare(ROWS, RUNS, Path(AGAINST).resolve())
        show_columns(compared, [*dict.fromkeys(column for row in compared for column in row)])
    else:
        measure_rows()


def measure_rows() -> None:
    rows = []
    if "pair" in ROWS:
        for size in SIZES:
            rows += measure(size)
            write(rows)
        cluster.fill("small")
    if "activate" in ROWS:
        rows += measure_activate()
        write(rows)
    if "rejoin" in ROWS:
        for size in SIZES:
            rows.append(measure_rejoin(size))
            write(rows)
        cluster.fill("small")
    if "copy" in ROWS:
        for size in SIZES:
            rows += copies.measure(size, RUNS)
            write(rows)
        cluster.fill("small")
    if "switchover" in ROWS:
        rows.append(switchover.measure(RUNS))
        write(rows)
    if "load" in ROWS:
        rows += load.measure()
        write(rows)
    if "controller" in ROWS:
        rows += controller.measure(RUNS)
        write(rows)
    show(rows)


if __name__ == "__main__":
    main()
