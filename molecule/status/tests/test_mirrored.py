# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the status playbook says of a pair that is as it should be."""

from __future__ import annotations

from conftest import TOLD, Host
from document import read


def test_mirrored(primary, converged):
    cluster = read(TOLD / "status.json", converged, 0)
    assert cluster["state"] == "mirrored"
    assert (cluster["primary"], cluster["standby"]) == ("cdw", "scdw")
    assert (cluster["replication"]["state"], cluster["replication"]["sync_state"]) == ("streaming", "sync")
    assert (cluster["probe"]["acknowledged"], cluster["probe"]["replayed"]) == (True, True)
    assert cluster["registration"]["hostname"] == "scdw"
    assert [(slot["active"], slot["free_bytes"] > 0) for slot in cluster["slots"]] == [(True, True)]
    assert cluster["timeline"] == int(primary.sql("SELECT timeline_id FROM pg_control_checkpoint()"))
    hosts = cluster["hosts"]
    assert [(name, host["observed"], host["missing"]) for name, host in hosts.items()] == [
        ("cdw", True, None),
        ("scdw", True, None),
        ("sdw1", True, None),
    ]
    assert [(hosts[name]["role"], hosts[name]["running"], hosts[name]["suspended"]) for name in ("cdw", "scdw")] == [
        ("primary", True, False),
        ("standby", True, False),
    ]
    assert hosts["cdw"]["pid"] == int(primary.run(f"head -n 1 {primary.directory}/postmaster.pid"))
    assert hosts["scdw"]["connected"] is True
    assert hosts["sdw1"]["segments"] == int(Host("sdw1").run("ps -eo args | grep -c '/data/[w]hpg/.*gp_role=execute'"))
