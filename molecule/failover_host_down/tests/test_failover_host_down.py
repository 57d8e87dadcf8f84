# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The primary's host is silent: hung, or cut off from all others."""

from __future__ import annotations

import pytest
from activating import (
    CONTROLLER_ADDRESS,
    Client,
    Operator,
    check_primary,
    check_untouched,
    check_writes,
    cut_off,
    parted,
    refuses,
    see_in_sync,
)
from conftest import NET, SET, Host, playbook, podman, status, wait_until

SEGMENTS = Host("sdw1")
LIFT = "warehousepg.coordinator.lift_fence"
FENCE = "/etc/warehousepg-coordinator/fence-demo"


@pytest.fixture
def operator(tmp_path) -> Operator:
    return Operator(tmp_path)


# One that finds the primary, and one on its host that knows no other.
CLIENTS = [Client("anywhere"), Client("local", "cdw", "host=/tmp port=5432")]


def start_clients(primary) -> list[Client]:
    """The stream in sync is one that was seen."""
    see_in_sync(primary)
    for client in CLIENTS:
        client.start()
    for client in CLIENTS:
        client.wait_for("cdw")
    return CLIENTS


@pytest.fixture
def clients(mirrored, primary) -> list[Client]:
    return start_clients(primary)


def filtered() -> bool:
    """Whether the former primary's packets are rejected."""
    return f"{NET}.11" in SEGMENTS.run("sudo nft list ruleset")


def test_a_hung_host_is_fenced_on_the_segment_hosts(primary, standby, converged):
    assert "\ndemo: activated" in converged
    CLIENTS[0].wait_for("scdw")
    podman("unpause", "cdw")
    # The former primary comes back, knows of nothing, and its clients with it.
    assert primary.sql("SELECT pg_is_in_recovery()") == "f"
    refuses(primary, "SELECT count(*) FROM written_by_local")
    refuses(primary, "INSERT INTO written_by_local SELECT generate_series(1, 100), 0")
    refuses(primary, "CREATE TABLE of_two_primaries (n int)")
    check_writes(CLIENTS, primary, standby)
    check_primary(standby)
    assert status()[0] == "split_brain"

    # A restart of the host takes the rules away, and its boot brings them back.
    SEGMENTS.run("sudo nft flush ruleset")
    assert not filtered()
    SEGMENTS.run(f"sudo {FENCE}")
    assert filtered()
    shown = playbook("warehousepg.coordinator.status")
    assert f"{NET}.11" in shown.stdout and "fence" in shown.stdout.lower()
    assert playbook(LIFT).returncode == 2, "the former primary would write again"
    assert filtered()
    primary.stop()
    assert playbook(LIFT).returncode == 0
    assert not filtered()
    assert SEGMENTS.run("ls /etc/warehousepg-coordinator 2> /dev/null || true") == ""


@pytest.mark.drawn
def test_a_host_that_is_cut_off_is_fenced_by_a_command(primary, standby, operator, clients):
    with cut_off("cdw"):
        failing = operator.activate(fence_command="echo no such outlet >&2; exit 1")
        assert failing.code == 2
        assert "no such outlet" in failing.output and "NOT activated" in failing.line
        slow = operator.activate(fence_command="sleep 30", fence_command_timeout=1)
        assert slow.code == 2 and "NOT activated" in slow.line
        check_untouched(standby)

        done = operator.activate(fence_command=f"podman pause {SET}-{{{{ inventory_hostname }}}}", accept_loss=True)
        assert done.code == 0
        assert done.line.startswith("activated")
        # Before it lives again: nothing but the command keeps it from clients.
        clients[0].wait_for("scdw")
        podman("unpause", "cdw")
    check_primary(standby)


@pytest.mark.drawn
@pytest.mark.usefixtures("mirrored")
def test_the_word_of_the_operator_is_for_one_host(standby, operator):
    with cut_off("cdw"):
        wrong = operator.activate(confirm_down="sdw1", accept_loss=True)
        assert wrong.code == 2
        assert "sdw1" in wrong.line and "nothing was changed" in wrong.line
        check_untouched(standby)
        # as long as segments have heard of the former primary a moment ago the confirmation is not taken
        wait_until(lambda: operator.activate(confirm_down="cdw", accept_loss=True).code == 0, "the word is taken", 40)
        check_primary(standby)
        assert any("cdw" in str(entry.get("proof")) for entry in operator.audit())


def test_commits_that_were_let_go_on_unseen_are_not_called_safe(primary, standby, operator, clients):
    """The primary lives on with its segments, apart from its standby, which is told of no release there."""
    with parted("cdw", f"{NET}.12"):
        wait_until(lambda: not standby.run(f"ss -Htn state established dst {NET}.11:5432"), "the standby has lost the primary")
        assert primary.sql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_replication") == "1"
        clients[1].wait_for("cdw")
        with cut_off("cdw", f"ip saddr {CONTROLLER_ADDRESS}"):
            refused = operator.activate()
            assert refused.code == 2
            assert "nothing was changed" in refused.line and "primary_unknown" in refused.line
            assert "activate_standby_fence_segments" in refused.line, "it says what would help"
            check_untouched(standby)
            refused = operator.activate(fence_segments=True)
            assert refused.code == 2
            assert "an unknown amount would be lost" in refused.line and "activate_standby_accept_loss" in refused.line
            assert "a segment may have had data from the former primary" in refused.line
            assert refused.result["loss"]["known"] == "unknown"
            check_untouched(standby)
    for client in clients:
        client.stop()
