# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An activation that would harm is refused, and leaves everything as it was."""

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
    refuses,
    see_in_sync,
)
from conftest import Host, left_of_runs, lock_elsewhere, reset, status, unreachable, wait_in_sync


@pytest.fixture
def operator(tmp_path) -> Operator:
    return Operator(tmp_path)


def refused(outcome, *words: str) -> None:
    assert outcome.code == 2
    assert outcome.line.startswith("NOT activated: nothing was changed")
    for word in words:
        assert word in outcome.line
    assert (outcome.result["outcome"], outcome.result["activated"]) == ("not_activated", False)


@pytest.mark.usefixtures("mirrored")
def test_while_the_primary_lives(primary, standby, operator):
    refused(operator.activate(), "mirrored", "switchover")
    refused(operator.activate(fence_segments=True, confirm_down="cdw", fence_command="true", accept_loss=True, both_down=True), "mirrored")
    refused(operator.activate("--limit", "scdw,sdw1"), "cdw", "unknown")
    refused(operator.activate(both_down="nonsense"), "activate_standby_both_down is 'nonsense'", "give true or false")
    check_untouched(standby)
    assert primary.sql("SELECT 1", role="dispatch") == "1"
    standby.stop()
    refused(operator.activate(), "degraded")
    standby.start()
    wait_in_sync(primary)
    assert status() == ("mirrored", 0)


@pytest.mark.drawn
@pytest.mark.usefixtures("mirrored")
def test_while_somebody_else_has_the_lock(primary, standby, operator):
    primary.signal("KILL")
    operator.activate("--check")
    lock_elsewhere(standby, "activate_standby")
    foreseen = operator.activate("--check")
    assert foreseen.code == 2 and "somebody on elsewhere" in foreseen.line
    outcome = operator.activate()
    assert outcome.code == 2
    assert "NOT activated" in outcome.line
    assert "elsewhere" in outcome.output and "somebody" in outcome.output
    assert standby.host.file(f"{standby.directory}/standby.signal").exists
    assert left_of_runs(primary) == "", "what it took it gave back"
    standby.run("touch -d '6 minutes ago' ~/.whpg/demo.lock")  # its controller does not live
    assert operator.activate().code == 0
    assert left_of_runs(primary, standby) == ""


@pytest.mark.usefixtures("mirrored")
def test_while_both_are_down_and_the_word_is_no(primary, standby, operator):
    standby.stop()
    primary.signal("KILL")
    # as the command line and surveys deliver it
    refused(operator.activate(both_down="false"), "both_down", "Start the primary", "activate_standby_both_down=true")
    check_untouched(standby)


def test_while_the_primary_hangs_without_the_word_of_the_operator(mirrored, primary, standby, operator):
    clients = [Client("anywhere").start()]
    clients[0].wait_for("cdw")
    primary.signal("STOP")
    refused(operator.activate(), "primary_hung", "activate_standby_confirm_down")
    check_untouched(standby)
    done = operator.activate(confirm_down="cdw")
    assert done.code == 0
    assert done.line.startswith("activated")
    assert primary.run(f"pg_ctl -D {primary.quoted} status || true").startswith("pg_ctl: no server running"), "it was stopped for good"
    clients[0].wait_for("scdw")
    check_writes(clients, primary, standby)
    check_primary(standby)


# To the record of the primary, an address with a scope that a shell would carry out.
HOSTILE = """python3 -c '
import json, os
path = os.path.expanduser("~/.whpg/demo.record.json")
record = json.load(open(path))
record["primary"]["addresses"].append("fe80::1%$(touch /tmp/owned)")
json.dump(record, open(path, "w"))
'"""


@pytest.mark.usefixtures("mirrored")
def test_while_the_record_tells_of_an_address_that_is_none(standby, operator):
    standby.run(HOSTILE)
    with cut_off("cdw", f"ip saddr {CONTROLLER_ADDRESS}"):
        said = ("cdw cannot be fenced on the segment hosts", "the record on scdw cannot be used, correct it there", "touch /tmp/owned")
        refused(operator.activate(fence_segments=True), *said)
    assert not any(host.host.file("/tmp/owned").exists for host in (standby, Host("sdw1")))
    check_untouched(standby)


@pytest.mark.drawn
def test_while_a_primary_lives_that_only_the_controller_cannot_reach(mirrored, primary, standby, operator):
    see_in_sync(primary)
    clients = [Client("anywhere").start(), Client("local", "cdw", "host=/tmp port=5432").start()]
    for client in clients:
        client.wait_for("cdw")
    with cut_off("cdw", f"ip saddr {CONTROLLER_ADDRESS}"):
        refused(operator.activate(), "primary_unknown", "activate_standby_fence_segments")
        refused(operator.activate(confirm_down="cdw"), "cdw")
        # as the command line and surveys deliver it
        refused(operator.activate(fence_segments="false"), "primary_unknown", "activate_standby_fence_segments=true")
        with unreachable("sdw1"):
            refused(operator.activate(fence_segments=True), "sdw1")
        check_untouched(standby)
        clients[0].wait_for("cdw")
        done = operator.activate(fence_segments=True)
        assert done.code == 0
        assert done.line.startswith("activated")
    refuses(primary, "SELECT count(*) FROM written_by_local")
    refuses(primary, "INSERT INTO written_by_local SELECT generate_series(1, 100), 0")
    # Clients that know both hosts still take the former primary for one, as long as it allows them access.
    clients.append(Client("afterwards", where="host=scdw port=5432").start())
    check_writes(clients, primary, standby)
    check_primary(standby)

    verdict, code = status()
    assert (verdict, code) == ("split_brain", 2)
    refused(operator.activate(), "split_brain")
    reset()  # brings back what it cannot take apart
    assert status() == ("unmirrored", 2)
