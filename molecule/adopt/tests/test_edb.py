# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Going together with EDB's playbooks: an inventory of the form of their example, clusters as they make them, and what they look at."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml
from conftest import HERE, Host, changes, enable, playbook, reset, statuses
from inventories import rendered

EDB = rendered(HERE / "adopt/edb", "edb")
#: by cluster without a standby, the host of its coordinator and its name in the inventory
ALONE = {"single": ("cdw2", "cdw2"), "two": ("sdw1", "sdw1-ic")}


@pytest.fixture(scope="module", autouse=True)
def clusters():
    """The clusters of the inventory: demo, made before, and those that no other inventory has."""
    reset()
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda cluster: Host(ALONE[cluster][0], cluster).run(f"/run/whpg/cluster create {cluster}"), ALONE))
    yield
    for cluster, (host, _name) in ALONE.items():
        Host(host, cluster).run(f"/run/whpg/state remove {cluster}")
    reset()


def lines(done) -> dict[str, str]:
    """By cluster, the last line on it."""
    return dict(re.findall(r"^(single|demo|two): (.*)$", done.stdout, re.MULTILINE))


def left_alone(cluster: str) -> str:
    return f"left alone: {ALONE[cluster][1]} serves; no standby is registered, and the inventory names no host for one"


def standby_of_their_playbook(primary) -> list[str]:
    """What it takes for the name of the standby's host, by the directory that it has for the coordinator."""
    shown = primary.run("export COORDINATOR_DATA_DIRECTORY=/data/whpg/v7/coordinator/gpseg-1; gpstate -f")
    return re.findall(r"Standby address\s*=\s*(\S+)", shown)


def test_one_run_mirrors_what_has_a_standby_and_leaves_the_rest_alone(primary):
    done = enable(inventory=EDB)
    assert done.returncode == 0
    said = lines(done)
    assert said["demo"].startswith("mirrored: scdw streams in sync from cdw")
    assert {cluster: said[cluster] for cluster in ALONE} == {cluster: left_alone(cluster) for cluster in ALONE}
    assert statuses(inventory=EDB) == ({"single": "unmirrored", "demo": "mirrored", "two": "unmirrored"}, 0)
    again = enable(inventory=EDB)
    assert (again.returncode, changes(again)) == (0, 0)
    assert standby_of_their_playbook(primary) == ["scdw"]


@pytest.mark.drawn
def test_what_needs_a_standby_is_refused_where_there_is_none_and_what_does_not_is_harmless():
    for name, said in {
        "activate_standby": "NOT activated: nothing was changed: there is no standby: the inventory has no second host",
        "switchover": "NOT switched: nothing was changed: there is no standby: the inventory has no second host",
        "rejoin": left_alone("single"),
        "disable_mirroring": "unmirrored: cdw2 serves without a standby; nothing was left to remove",
    }.items():
        done = playbook(f"warehousepg.coordinator.{name}", inventory=EDB, whpg_hosts="cluster_single")
        assert lines(done)["single"].startswith(said)
        assert (done.returncode, changes(done)) == (2 if "NOT" in said else 0, 0)


@pytest.mark.drawn
def test_a_standby_that_the_inventory_does_not_name_is_told(tmp_path):
    for file in EDB.iterdir():
        (tmp_path / file.name).write_text(file.read_text())
    content = yaml.safe_load((EDB / "clusters.yml").read_text())
    del content["whpg_clusters"]["children"]["cluster_demo"]["hosts"]["scdw"]
    (tmp_path / "clusters.yml").write_text(yaml.safe_dump(content))
    done = enable(inventory=tmp_path)
    assert (done.returncode, changes(done)) == (2, 0)
    assert lines(done)["demo"].startswith(
        "NOT mirrored: nothing was changed: a standby is registered on scdw, and the inventory names no host for one; the primary sees it "
        "stream in sync: give scdw whpg_role=standby"
    )
    assert lines(done)["single"] == left_alone("single")
    assert statuses(inventory=tmp_path) == ({"single": "unmirrored", "demo": "degraded", "two": "unmirrored"}, 2)


@pytest.mark.drawn
def test_their_playbook_finds_what_it_left_once_roles_are_swapped_back(primary):
    for host in ("scdw", "cdw"):
        done = playbook("warehousepg.coordinator.switchover", inventory=EDB, whpg_hosts="cluster_demo", switchover_to=host)
        assert done.returncode == 0
    assert standby_of_their_playbook(primary) == ["scdw"]
    assert statuses(inventory=EDB, whpg_hosts="cluster_demo") == ({"demo": "mirrored"}, 0)
