# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status playbook as a check of a monitoring user, who has no sudo and only reads."""

from __future__ import annotations

import pytest
from conftest import Host, stopped, suspended, wait_in_sync
from document import look

pytestmark = pytest.mark.usefixtures("pair")

AS_MONITOR = {"ansible_user": "monitor", "discovery_become": False, "discovery_probe_write": False}


@pytest.fixture(scope="module")
def hosts(pair):
    """The hosts, each with a user monitor in the engine's group."""
    found = [Host(name) for name in ("cdw", "scdw", "sdw1")]
    for host in found:
        host.run(
            "sudo useradd --create-home --password '*' --groups \"$(id -gn)\" monitor; "
            "sudo install -d -o monitor -m 700 ~monitor/.ssh; "
            "sudo install -o monitor -m 600 ~/.ssh/authorized_keys ~monitor/.ssh/"
        )
    yield found
    for host in found:
        host.run("sudo userdel --force --remove monitor 2> /dev/null")


@pytest.fixture(scope="module")
def group_access(pair, primary, standby):
    """The data directories as initdb makes them with --allow-group-access."""
    for coordinator in (primary, standby):
        coordinator.run(f"chmod -R g+rX {coordinator.directory}")
    yield
    for coordinator in (primary, standby):
        coordinator.run(f"chmod -R g-rwx {coordinator.directory}")


@pytest.fixture(scope="module")
def role(pair, primary):
    """A role of the same name, with access over the socket; what it is granted comes later."""
    primary.sql("CREATE ROLE monitor LOGIN", role="dispatch")
    primary.run(
        f"cp -p {primary.directory}/pg_hba.conf /tmp/pg_hba.conf; echo 'local postgres monitor peer' >> {primary.directory}/pg_hba.conf"
    )
    primary.run(f"pg_ctl -D {primary.directory} reload")
    yield
    primary.run(f"mv /tmp/pg_hba.conf {primary.directory}/pg_hba.conf; pg_ctl -D {primary.directory} reload")
    primary.sql("DROP ROLE monitor", role="dispatch")


@pytest.fixture(scope="module")
def monitor(hosts, group_access, role, primary, standby):
    primary.sql("GRANT pg_monitor TO monitor", role="dispatch")
    yield
    wait_in_sync(primary)


def files_of_monitor(host: Host) -> str:
    return host.run("sudo find / -xdev -user monitor -printf '%p %s %T@\\n' 2> /dev/null | sort")


@pytest.mark.usefixtures("hosts")
def test_a_data_directory_that_is_closed_is_unknown(tmp_path):
    cluster, code = look(tmp_path, **AS_MONITOR)
    assert (cluster["state"], code) == ("primary_unknown", 2)
    assert "cannot be read: Permission denied" in cluster["hosts"]["cdw"]["missing"]


@pytest.mark.drawn
@pytest.mark.usefixtures("hosts", "group_access", "role")
def test_a_role_that_may_not_look_takes_nothing_for_absent(tmp_path):
    cluster, code = look(tmp_path, **AS_MONITOR)
    assert (cluster["state"], code) == ("primary_unknown", 2)
    assert "GRANT pg_monitor" in cluster["hosts"]["cdw"]["missing"]


@pytest.mark.drawn
@pytest.mark.usefixtures("monitor")
def test_a_role_without_access_takes_nothing_for_hung(tmp_path):
    cluster, code = look(tmp_path, **AS_MONITOR, discovery_sql_user="nobody")
    assert (cluster["state"], code) == ("primary_unknown", 2)
    assert "nobody" in cluster["hosts"]["cdw"]["missing"]


@pytest.mark.usefixtures("monitor")
def test_mirrored_without_sudo_and_without_writing(hosts, primary, tmp_path):
    files = [files_of_monitor(host) for host in hosts]
    began = primary.sql("SELECT pg_current_wal_lsn()")
    cluster, code = look(tmp_path, **AS_MONITOR)
    assert (cluster["state"], code) == ("mirrored", 0)
    assert "no write was tried" in cluster["reasons"][0]
    assert (cluster["probe"]["acknowledged"], cluster["probe"]["replayed"]) == (None, True)
    assert [files_of_monitor(host) for host in hosts] == files
    ended = primary.sql("SELECT pg_current_wal_lsn()")
    if began != ended:
        written = primary.run(f"pg_waldump -p {primary.directory}/pg_wal -s {began} -e {ended}")
        assert "warehousepg.coordinator" not in written and "LogicalMessage" not in written


@pytest.mark.drawn
@pytest.mark.usefixtures("monitor")
def test_degraded_without_sudo(standby, tmp_path):
    with stopped(standby):
        cluster, code = look(tmp_path, **AS_MONITOR)
    assert (cluster["state"], code, cluster["hosts"]["scdw"]["running"]) == ("degraded", 2, False)


@pytest.mark.drawn
@pytest.mark.usefixtures("monitor")
def test_suspended_without_sudo(standby, tmp_path):
    with suspended(standby):
        cluster, code = look(tmp_path, **AS_MONITOR)
    assert (cluster["state"], code, cluster["hosts"]["scdw"]["suspended"]) == ("degraded", 2, True)
