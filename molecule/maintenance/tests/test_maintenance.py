# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""While a pair is in maintenance every playbook but status leaves it alone, whoever runs it."""

from __future__ import annotations

import json

import pytest
from conftest import HERE, changes, enable, playbook, status, traces, unreachable

#: every playbook that acts, those that are added later too
NAMES = sorted({path.stem for path in (HERE.parent / "playbooks").glob("*.yml")} - {"status", "history", "maintenance", "require_clusters"})
VARIABLES = {"release": {"release_wal": True}}


def mark(maintenance, *arguments, **variables):
    return playbook("warehousepg.coordinator.maintenance", *arguments, maintenance=maintenance, **variables)


def marks(*hosts) -> list[bool]:
    return [host.host.file(f"{host.directory.replace('gpseg-1', '.gpseg-1')}.coordinator_maintenance").exists for host in hosts]


def said(done) -> str:
    return " ".join(done.stdout.split())


@pytest.fixture(autouse=True)
def unmarked(primary, standby):
    yield
    for host in (primary, standby):
        host.run(f"rm -f {host.directory.replace('gpseg-1', '.gpseg-1')}.coordinator_maintenance")


@pytest.mark.usefixtures("converged")
def test_nothing_but_status_acts_until_it_is_over(primary, standby, tmp_path):
    assert marks(primary, standby) == [True, True]
    before = traces(primary, standby)
    for name in NAMES:
        done = playbook(f"warehousepg.coordinator.{name}", **VARIABLES.get(name, {}))
        if name != "lift_fence":  # there is nothing to lift
            assert done.returncode == 2, name
            assert "nothing was changed: in maintenance since" in said(done), name
            assert "(disks are replaced), marked on cdw, scdw" in said(done), name
            assert "run the playbook maintenance with maintenance=false" in said(done), name
        assert changes(done) == 0, name
    assert traces(primary, standby) == before

    report = tmp_path / "status.json"
    shown = playbook("warehousepg.coordinator.status", status_format="quiet", status_file=str(report))
    assert shown.returncode == 2
    assert "demo: degraded: " in shown.stdout and "in maintenance since" in shown.stdout and "(disks are replaced)" in shown.stdout
    assert json.loads(report.read_text())["clusters"]["demo"]["maintenance"].startswith("in maintenance since")

    over = mark(False)
    assert (over.returncode, marks(primary, standby)) == (0, [False, False])
    assert changes(mark(False)) == 0
    assert enable().returncode == 0
    assert status() == ("mirrored", 0)


@pytest.mark.drawn
@pytest.mark.usefixtures("mirrored")
def test_a_variable_of_the_inventory_does_it_for_those_who_use_it(primary, standby, inventory_of):
    done = enable(inventory=inventory_of(maintenance=True), standby_slot_name="another")
    assert done.returncode == 2
    assert "nothing was changed: in maintenance, by the variable maintenance" in said(done)
    assert marks(primary, standby) == [False, False]
    # what is mirrored is so in maintenance too
    shown = playbook("warehousepg.coordinator.status", inventory=inventory_of(maintenance=True))
    assert shown.returncode == 0
    assert "in maintenance, by the variable maintenance" in shown.stdout
    refused = enable(inventory=inventory_of(maintenance="maybe"))
    assert refused.returncode == 2
    assert "maintenance is 'maybe': give true or false" in said(refused)


@pytest.mark.drawn
@pytest.mark.usefixtures("mirrored")
def test_one_mark_is_enough_and_one_that_may_be_left_is_told(primary, standby):
    with unreachable("scdw"):
        begun = mark(True)
        assert begun.returncode == 0
        assert "not marked on scdw" in said(begun)
        over = mark(False)
        assert over.returncode == 2
        assert "the mark may be left on scdw, which was not reached: run this again" in said(over)
        assert mark(True).returncode == 0
    assert marks(primary, standby) == [True, False]
    done = playbook("warehousepg.coordinator.disable_mirroring")
    assert done.returncode == 2
    assert "marked on cdw: no playbook but status acts" in said(done)
    assert mark(False).returncode == 0


@pytest.mark.usefixtures("mirrored")
def test_whoever_is_asked_nothing_or_in_check_mode_does_nothing(primary, standby):
    done = playbook("warehousepg.coordinator.maintenance")
    assert done.returncode == 2
    assert "maintenance" in said(done)
    assert marks(primary, standby) == [False, False]
    foretold = mark(True, "--check")
    assert (foretold.returncode, marks(primary, standby)) == (0, [False, False])
