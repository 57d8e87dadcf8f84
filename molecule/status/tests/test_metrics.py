# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What monitoring systems read of a run of the status playbook: Prometheus a file, Nagios a line and an exit status."""

from __future__ import annotations

import subprocess
import time

import pytest
from conftest import HERE, INVENTORY, playbook, stopped, wait_in_sync
from document import STATUS
from prometheus_client.parser import text_string_to_metric_families

pytestmark = pytest.mark.usefixtures("pair")


def test_prometheus_reads_a_mirrored_pair(primary, tmp_path):
    path = tmp_path / "whpg.prom"
    began = time.time()
    assert playbook(STATUS, "--check", status_metrics=str(path)).returncode == 0
    families = text_string_to_metric_families(path.read_text())
    found = {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}
    state = {name[2]: value for name, value in found.items() if name[0] == "whpg_coordinator_state"}
    assert (state.pop("mirrored"), {*state.values()}) == (1, {0})
    assert found["whpg_coordinator_info", "demo", "cdw", "scdw"] == 1
    assert found["whpg_coordinator_timeline", "demo"] == int(primary.sql("SELECT timeline_id FROM pg_control_checkpoint()"))
    assert found["whpg_coordinator_standby_in_sync", "demo"] == found["whpg_coordinator_probe_acknowledged", "demo"] == 1
    slots = {name: value for name, value in found.items() if name[0] == "whpg_coordinator_slot_active"}
    assert slots == {("whpg_coordinator_slot_active", "demo", "cdw", primary.sql("SELECT slot_name FROM pg_replication_slots")): 1}
    assert began - 1 <= found["whpg_coordinator_last_run_timestamp_seconds", "demo"] <= time.time()
    assert path.stat().st_mode & 0o777 == 0o644
    assert [entry.name for entry in tmp_path.iterdir()] == ["whpg.prom"]


def check():
    """What Nagios is told."""
    program = HERE.parent / "extensions/monitoring/check_whpg"
    done = subprocess.run([program, "-i", INVENTORY], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    (line,) = done.stdout.splitlines()
    return line, done.returncode


def test_nagios_reads_a_pair(primary, standby):
    line, code = check()
    assert (line.partition(" | ")[0], code) == ("WHPG OK - demo: mirrored", 0)
    with stopped(standby):
        line, code = check()
    assert code == 1 and line.startswith("WHPG WARNING - demo: degraded: scdw: the standby is stopped")
    wait_in_sync(primary)
