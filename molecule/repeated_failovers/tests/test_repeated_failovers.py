# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pair lives through all that may happen to it, one thing after the other, while a client writes; nothing acknowledged is ever lost."""

from __future__ import annotations

import pytest
from activating import PARTS, Client, Operator
from conftest import NET, NOTHING, Coordinator, Host, enable, lock_elsewhere, playbook, status, traces, unreachable

PARENT = "/data/whpg/v7/standby"
SEGMENTS = Host("sdw1")


@pytest.fixture
def operator(tmp_path) -> Operator:
    return Operator(tmp_path)


# It writes all the time.
CLIENT = Client("failovers")


@pytest.fixture
def client(mirrored):
    yield CLIENT.start()
    CLIENT.stop()


def said(done) -> str:
    return " ".join(done.stdout.split())


def check(client: Client, primary: Coordinator) -> None:
    """The client is served by this primary, which has all that was ever acknowledged to it."""
    client.wait_for(primary.name)
    acknowledged = {commit.number for commit in client.commits()}
    query = f"SELECT number FROM written_by_{client.called} GROUP BY number HAVING count(*) = {PARTS}"
    missing = acknowledged - set(map(int, primary.sql(query, role="dispatch").split()))
    assert not missing, f"{len(missing)} of {len(acknowledged)} acknowledged commits are missing"


def check_mirrored(client: Client, serving: Coordinator, following: Coordinator, **inventory) -> None:
    check(client, serving)
    assert status(**inventory) == ("mirrored", 0)
    registered = serving.sql("SELECT hostname FROM gp_segment_configuration WHERE content = -1 ORDER BY role")
    assert registered.split() == [following.name, serving.name]
    assert serving.sql("SELECT slot_name FROM pg_replication_slots") == "standby_coordinator"


@pytest.mark.usefixtures("converged")
def test_failovers_switchovers_and_rejoins_one_after_the_other(primary, standby, inventory_of):
    client = CLIENT
    check_mirrored(client, standby, primary)

    # nobody works on a pair that somebody else works on
    lock_elsewhere(standby, "switchover")
    refused = playbook("warehousepg.coordinator.rejoin")
    assert refused.returncode == 2
    assert "nothing was changed: scdw: another run works on this pair: switchover by somebody on elsewhere" in said(refused)
    assert primary.run("ls ~/.whpg/demo.lock 2> /dev/null || true") == ""
    standby.run("rm ~/.whpg/demo.lock")
    for host in (primary, standby):
        assert host.run("ls ~/.whpg/demo.lock 2> /dev/null || true") == ""

    assert playbook("warehousepg.coordinator.switchover").returncode == 0
    check_mirrored(client, primary, standby)

    moved = Coordinator("cdw2", f"{PARENT}/gpseg-1")
    moved.run(f"mkdir -p {PARENT}")
    elsewhere = inventory_of({"scdw": {"name": "cdw2", "ansible_host": f"{NET}.13"}})
    assert enable(inventory=elsewhere, standby_move_from="scdw").returncode == 0
    check_mirrored(client, primary, moved, inventory=elsewhere)

    assert playbook("warehousepg.coordinator.disable_mirroring", inventory=elsewhere).returncode == 0
    check(client, primary)
    assert traces(primary, moved)[:4] == NOTHING[:4]
    assert status(inventory=elsewhere) == ("unmirrored", 2)

    assert enable().returncode == 0
    check_mirrored(client, primary, standby)
    client.stop()


@pytest.mark.drawn
def test_a_host_that_was_replaced_under_its_address_may_reach_the_segments_again(primary, standby, operator, client):
    with unreachable("cdw"):
        assert operator.activate(fence_segments=True, accept_loss=True).code == 0
        client.wait_for("scdw")
    assert f"{NET}.11" in SEGMENTS.run("sudo nft list ruleset")
    # another machine, with nothing of the former one
    primary.signal("KILL")
    primary.run(f"rm -rf {primary.directory} ~/.whpg /tmp/.s.PGSQL.5432*")
    assert enable().returncode == 0
    assert f"{NET}.11" not in SEGMENTS.run("sudo nft list ruleset")
    assert SEGMENTS.run("ls /etc/warehousepg-coordinator 2> /dev/null || true") == ""
    check_mirrored(client, standby, primary)
