# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two playbooks that may change a pair are started at once, or a little apart: one at a time works, and nothing is half made.

There are 36 pairs of playbooks, and each takes three runs: WHPG_PAIRS of them are drawn, others each time, by a seed that is printed
(WHPG_SEED). All of them: WHPG_PAIRS=36 make scenario S=fleet.
"""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pytest
from conftest import FLEET, SEED, Coordinator, inherited, left_of_runs, reset, statuses
from conftest import enable as enable_some
from test_fleet import ALL_MIRRORED, PRIMARIES, STANDBYS

PAIRS = int(os.environ.get("WHPG_PAIRS", "2"))
#: by playbook, what it is run with so that it has something to do on a pair that is mirrored, or whose primary was killed
PLAYBOOKS = {
    "activate_standby": ["activate_standby_accept_loss=true"],
    "disable_mirroring": [],
    "enable_mirroring": [],
    "lift_fence": [],
    "maintenance": ["maintenance=true"],
    "rejoin": [],
    "release": ["release_commits=true"],
    "switchover": [],
}
BUSY = "another run works on this pair: "


class Ended(NamedTuple):
    playbook: str
    code: int
    output: str

    @property
    def holder(self) -> str:
        """What keeps it away, empty where nothing does."""
        return self.output.partition(BUSY)[2].split(" ")[0]


def run(playbook: str, cluster: str, *variables: str, later: float = 0.0) -> Ended:
    time.sleep(later)
    given = [argument for variable in (f"whpg_hosts={cluster}", *variables) for argument in ("-e", variable)]
    done = subprocess.run(
        ["ansible-playbook", f"warehousepg.coordinator.{playbook}", "-i", str(FLEET), *given],
        cwd="/",
        env=inherited(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    return Ended(playbook, done.returncode, " ".join(done.stdout.split()))


def serves(coordinator: Coordinator) -> bool:
    return coordinator.run("psql -X -At -h /tmp -c 'SELECT 1' 2> /dev/null || true") == "1"


def check_at_once(cluster: str, pair: tuple[str, str], apart: float) -> str:
    """Start the two, and see what became of it; what is wrong, empty where nothing is."""
    here, there = PRIMARIES[cluster], STANDBYS[cluster]
    primary, standby = (here, there) if serves(here) else (there, here)
    if "activate_standby" in pair:
        primary.signal("KILL")
    elif "enable_mirroring" in pair or "rejoin" in pair:
        standby.signal("KILL")
    with ThreadPoolExecutor() as pool:
        runs = [pool.submit(run, name, cluster, *PLAYBOOKS[name], later=number * apart) for number, name in enumerate(pair)]
        ended = [running.result() for running in runs]
    wrong = []
    kept_away = [one for one in ended if one.holder]
    if len(kept_away) > 1:
        wrong.append("both were kept away")
    for one in kept_away:
        (other,) = (two for two in ended if two is not one)
        if one.code != 2 or one.holder != other.playbook:
            wrong.append(f"{one.playbook} ended with {one.code}, and says that {one.holder} holds the lock")
    wrong += [f"{one.playbook}: a warning of its lock" for one in ended if "warning: the lock" in one.output]
    left = left_of_runs(primary, standby)
    if left:
        wrong.append(f"left: {left}")
    wrong += heal(cluster, ended)
    told = "\n".join(f"{one.playbook}: {one.code}: {one.output[-1500:]}" for one in ended)
    return f"{cluster}: {' and '.join(pair)}, {apart:.1f} s apart: {'; '.join(wrong)}\n{told}" if wrong else ""


def heal(cluster: str, ended: list[Ended]) -> list[str]:
    """Whatever the two left, running playbooks again makes it a mirrored pair; what is wrong."""
    if any(one.playbook == "maintenance" for one in ended):
        run("maintenance", cluster, "maintenance=false")
    coordinators = (PRIMARIES[cluster], STANDBYS[cluster])
    if not any(map(serves, coordinators)):
        # its activation was kept away
        former = [one for one in coordinators if one.run(f"ls {one.directory}/standby.signal 2> /dev/null || true") == ""]
        former[0].start()
    again = run("rejoin", cluster)
    if again.code:
        again = run("enable_mirroring", cluster)
    return [f"it does not come together again: {again.output[-1500:]}"] if again.code else []


@pytest.fixture
def mirrored():
    reset()
    assert enable_some(inventory=FLEET).returncode == 0
    yield
    reset()


@pytest.mark.usefixtures("mirrored")
def test_every_two_that_begin_at_once_work_one_after_the_other():
    print(f"WHPG_SEED={SEED} WHPG_PAIRS={PAIRS}")
    chance = random.Random(SEED)
    pairs = list(itertools.combinations_with_replacement(PLAYBOOKS, 2))
    chance.shuffle(pairs)
    cases = [(tuple(chance.sample(pair, 2)), chance.choice([0.0, 0.0, 0.5, 1.0, 2.0])) for pair in pairs[:PAIRS]]
    clusters = list(PRIMARIES)

    def work(number: int) -> list[str]:
        return [check_at_once(clusters[number], *case) for case in cases[number :: len(clusters)]]

    with ThreadPoolExecutor() as pool:
        wrong = [said for found in pool.map(work, range(len(clusters))) for said in found if said]
    assert not wrong, "\n".join(wrong)
    assert statuses(inventory=FLEET) == (ALL_MIRRORED, 0)
