# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What judging and showing many clusters takes on the controller. Needs no hosts: what they show was recorded.

Each of CLUSTERS ("100 200 400 1000") is a run of ansible-playbook that has these observations as variables of its inventory, and only
judges and shows; beside it goes a run on the same inventory that does nothing, whose time is that of Ansible's start, and of reading it.
Tells of each the seconds, those of a processor in brackets, which count on a machine that has others to serve, and the peak memory of its
largest process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

import usage
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._desired import options
from unit.plugins.plugin_utils.observed import MIRRORED, UNMIRRORED, VARIABLES

CLUSTERS = [int(word) for word in os.environ.get("CLUSTERS", "100 200 400 1000").split()]
PLAY: dict[str, Any] = {"hosts": "whpg_clusters", "gather_facts": False}
JUDGE = {
    "name": "Judge what was seen",
    "warehousepg.coordinator.intent": {"of": "status", "stage": "judge"},
    "run_once": True,
    "register": "discovery_verdict",
}
NOTHING = {"name": "Do nothing", "ansible.builtin.meta": "noop"}


def inventory(count: int, home: Path) -> dict[str, Any]:
    """An inventory of so many clusters; each tenth one has no standby."""
    children = {}
    for number in range(count):
        cluster, hosts = f"c{number}", {}
        for host, seen in (UNMIRRORED if number % 10 == 0 else MIRRORED).items():
            known = {"cluster_name": cluster, "status_audit_file": str(home / f"{cluster}.audit.jsonl"), **VARIABLES[host]}
            desired = options.read({**known, "discovery_role": "status"}, lambda value: value).options
            hosts[f"{host}-{cluster}"] = {**known, "discovery_observation": {**seen, "options": desired, "wrong": {}}}
        children[cluster] = {"hosts": hosts}
    return {"all": {"children": {"whpg_clusters": {"children": children}}}}


def run(home: Path, task: dict[str, Any]) -> tuple[str, float, str]:
    """How long a run took, the peak memory of its largest process in MiB, and what it printed."""
    (home / "play.json").write_text(json.dumps([{**PLAY, "tasks": [task]}]))
    command = ["ansible-playbook", "-i", str(home / "inventory.json"), str(home / "play.json")]
    with (home / "printed").open("w") as printed:
        code = subprocess.run(usage.command(home / "usage", *command), stdout=printed, stderr=subprocess.STDOUT, check=False).returncode
    said = (home / "printed").read_text()
    assert code == 0, said
    used = usage.read(home / "usage")
    return f"{used.wall_s:.2f} s ({used.cpu_s:.2f} s)", used.peak_mib, said


def main() -> None:
    print("clusters   judged and shown  start and inventory alone   peak")
    for count in CLUSTERS:
        with tempfile.TemporaryDirectory() as directory:
            home = Path(directory)
            (home / "inventory.json").write_text(json.dumps(inventory(count, home)))
            start, _mib, _printed = run(home, NOTHING)
            run(home, JUDGE)  # which notes the states that are seen for the first time
            taken, mib, printed = run(home, JUDGE)
            assert f"{count} clusters: " in printed, printed
            print(f"{count:8}  {taken:>17}  {start:>25}  {mib:3.0f} MiB", flush=True)


if __name__ == "__main__":
    main()
