# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the status playbook says of a pair, to people and to programs, and its exit code, for each way a pair can be broken."""

from __future__ import annotations

import threading

import pytest
from conftest import INVENTORY, Host, ansible, frozen, playbook, podman, stopped, unreachable, wait_in_sync
from document import STATUS, look

pytestmark = pytest.mark.usefixtures("pair")

LEFT_OUT = ("--limit", "scdw,sdw1")


@pytest.fixture(autouse=True)
def mirrored_again(primary):
    yield
    wait_in_sync(primary)


def test_mirrored(primary, tmp_path):
    cluster, code = look(tmp_path, "--check")
    assert (cluster["state"], code) == ("mirrored", 0)
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
    assert [(hosts[name]["role"], hosts[name]["running"], hosts[name]["frozen"]) for name in ("cdw", "scdw")] == [
        ("primary", True, False),
        ("standby", True, False),
    ]
    assert hosts["cdw"]["pid"] == int(primary.run(f"head -n 1 {primary.directory}/postmaster.pid"))
    assert hosts["scdw"]["connected"] is True
    assert hosts["sdw1"]["segments"] == int(Host("sdw1").run("ps -eo args | grep -c '/data/[w]hpg/.*gp_role=execute'"))


def test_standby_stopped(standby, tmp_path):
    with stopped(standby):
        cluster, code = look(tmp_path)
    assert (cluster["state"], code) == ("degraded", 2)
    assert (cluster["replication"]["connected"], cluster["hosts"]["scdw"]["running"]) == (False, False)
    assert cluster["slots"][0]["active"] is False


def test_standby_frozen(standby, tmp_path):
    with frozen(standby):
        cluster, code = look(tmp_path)
    assert (cluster["state"], code) == ("degraded", 2)
    assert (cluster["probe"]["acknowledged"], cluster["hosts"]["scdw"]["frozen"]) == (False, True)


def test_primary_stopped(primary, tmp_path):
    with stopped(primary):
        cluster, code = look(tmp_path)
    assert (cluster["state"], code) == ("primary_down", 2)
    assert cluster["activation"]["allowed"] is True


def test_primary_frozen(primary, tmp_path):
    with frozen(primary):
        cluster, code = look(tmp_path)
    assert (cluster["state"], code) == ("primary_hung", 2)
    assert cluster["hosts"]["cdw"]["answered"] is False


def test_host_of_the_primary_unreachable(primary, tmp_path):
    with unreachable(primary.name):
        cluster, code = look(tmp_path)
    assert (cluster["state"], code) == ("primary_unknown", 2)
    assert cluster["hosts"]["cdw"]["missing"].startswith("unreachable")
    assert (cluster["replication"]["connected"], cluster["registration"]["registered"], cluster["slots"]) == (None, None, None)


def test_host_of_the_standby_unreachable(standby, tmp_path):
    with unreachable(standby.name):
        cluster, code = look(tmp_path)
    assert (cluster["state"], code) == ("degraded", 2)
    assert cluster["hosts"]["scdw"]["running"] is None


def test_host_of_the_segments_unreachable(tmp_path):
    with unreachable("sdw1"):
        cluster, code = look(tmp_path)
    assert (cluster["state"], code) == ("mirrored", 0)
    assert (cluster["hosts"]["sdw1"]["observed"], cluster["hosts"]["sdw1"]["segments"]) == (False, None)


def test_host_of_the_primary_dies_while_it_is_asked(primary, standby, tmp_path):
    """The probe waits for the frozen standby when the host goes."""
    death = threading.Timer(4, podman, ("pause", primary.name))
    with frozen(standby):
        death.start()
        try:
            cluster, code = look(tmp_path, discovery_probe_timeout=14)
        finally:
            death.join()
            podman("unpause", primary.name)
    assert (cluster["state"], code) == ("primary_unknown", 2)
    assert cluster["hosts"]["cdw"]["missing"].startswith("unreachable")


def test_host_of_the_primary_left_out(tmp_path):
    cluster, code = look(tmp_path, *LEFT_OUT)
    assert (cluster["state"], code) == ("primary_unknown", 2)
    assert cluster["hosts"]["cdw"]["missing"] == "it took no part in this run"


def test_only_its_own_lines_are_printed():
    def printed(status_format, *arguments):
        command = ("ansible-playbook", STATUS, "-i", str(INVENTORY), "-e", f"status_format={status_format}", *arguments)
        done = ansible(*command, ANSIBLE_STDOUT_CALLBACK="community.general.null")
        return done.stdout.splitlines(), done.returncode

    unknown = "demo: primary_unknown: scdw: no primary runs there; cdw: unknown, it was not observed"
    assert printed("quiet") == ([], 0)
    assert printed("quiet", *LEFT_OUT) == ([unknown], 2)
    assert printed("none", *LEFT_OUT) == ([], 2)


def test_a_file_without_a_directory_is_refused_before_anything_runs(tmp_path):
    done = playbook(STATUS, status_file=str(tmp_path / "none/status.json"))
    assert done.returncode == 2
    assert f"{tmp_path}/none is no directory on the controller: make it, or name another file" in " ".join(done.stdout.split())
    assert "Observe every host" not in done.stdout
