# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between the two and WAL does not carry: the status playbook tells it, enable_mirroring brings the standby in step."""

from __future__ import annotations

import pytest
from conftest import changes, enable, wait_in_sync
from document import look
from drift import KEY, SETTINGS, change, check_files


@pytest.mark.usefixtures("mirrored")
def test_drift_is_told_and_enable_mirroring_brings_the_standby_in_step(primary, standby, tmp_path):
    cluster, code = look(tmp_path)
    assert (cluster["drift"], code) == ([], 0)

    change(primary)
    standby.run(f"echo 'not of the primary' > {standby.directory}/only_here")
    cluster, code = look(tmp_path)
    assert (cluster["state"], code) == ("mirrored", 0)
    found = {one["name"]: one for one in cluster["drift"]}
    files = {"pg_hba.conf", "pg_ident.conf", "gpbackup_history.db", "gpssl/server.key", "only_here"}
    assert set(found) == files | set(SETTINGS)
    assert (found["work_mem"]["primary"], found["work_mem"]["standby"]) == ("7MB", None)
    assert [name for name, one in found.items() if not one["brought"]] == ["only_here"]
    assert KEY not in str(cluster)
    first, second = cluster["warnings"]
    assert "scdw differs from cdw in the settings" in first and "run enable_mirroring" in first
    assert "only scdw has only_here" in second
    accepted, _dummy = look(tmp_path, standby_accepted_drift=["*_*", "pg_*", "gp*"])
    assert accepted["drift"] == []

    begun = standby.run(f"head -n 3 {standby.directory}/postmaster.pid | tail -n 1")
    foretold = enable("--check")
    assert foretold.returncode == 0
    assert "brought from cdw, which scdw has otherwise: gpbackup_history.db" in foretold.stdout
    done = enable("-vvv")
    assert done.returncode == 0
    assert KEY not in done.stdout
    check_files(standby)
    assert standby.run(f"head -n 3 {standby.directory}/postmaster.pid | tail -n 1") != begun, "max_connections changes by a restart only"
    assert standby.run(f"postgres -D {standby.directory} -C max_connections") == "211"
    assert standby.run(f"cat {standby.directory}/only_here") == "not of the primary"
    wait_in_sync(primary)
    cluster, _dummy = look(tmp_path)
    assert [one["name"] for one in cluster["drift"]] == ["only_here"]
    assert changes(enable()) == 0


@pytest.mark.drawn
@pytest.mark.usefixtures("mirrored")
def test_what_the_standby_cannot_read_is_not_left_there(primary, standby):
    before = standby.run(f"cat {standby.directory}/postgresql.conf")
    primary.run("mkdir -p /tmp/elsewhere; echo 'work_mem = 9MB' > /tmp/elsewhere/more.conf")
    primary.run(f"echo \"include '/tmp/elsewhere/more.conf'\" >> {primary.directory}/postgresql.conf")
    done = enable()
    assert done.returncode != 0
    assert "demo is mirrored, but scdw still differs from cdw in postgresql.conf" in done.stdout
    assert "/tmp/elsewhere/more.conf" in done.stdout
    assert standby.run(f"cat {standby.directory}/postgresql.conf") == before
    wait_in_sync(primary)
