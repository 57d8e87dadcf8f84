# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pairs in all the shapes that real clusters have: where the standby is, what things are called, what surrounds them."""

from __future__ import annotations

import os
import shlex
from contextlib import contextmanager

import pytest
from conftest import HERE, NET, Coordinator, Host, changes, enable, playbook, podman, status
from inventories import rendered

HOSTS = {name: Host(name) for name in ("cdw", "scdw", "sdw1")}
ROW = "SELECT hostname, address, port, datadir FROM gp_segment_configuration WHERE content = -1 AND role = 'm'"
SENDER = "SELECT state, sync_state, client_addr FROM pg_stat_replication"

IPV6 = f"fd00:{':'.join(NET.split('.')[1:])}::"
SHORT_WAITS = {"keepalives_idle": 7, "keepalives_interval": 2, "keepalives_count": 4, "tcp_user_timeout": 9000}

# Hundreds of rules, with everything that a file of rules may have in it, and no line end after the last.
RULES_OF_OTHERS = "".join(
    [
        "\n# rules of the security department, see http://wiki.example/pg_hba?id=17  \n",
        *(f"host\tall  user{number}\t172.{16 + number % 16}.{number % 256}.0/24   md5\n" for number in range(400)),
        "host @databases.txt,+group @users.txt 192.0.2.0/24 reject # from files\n",
        'host "data base" "Umläut" 192.0.2.0 255.255.255.0 ident map="their map, of names"\n',
        "   \t \n",
        "hostssl replication all .example.com reject\n",
        "#local all all reject",
    ]
)


@contextmanager
def misleading_environment():
    """A login of gpadmin is sent astray by its environment, and greeted."""
    misleading = """
        echo 'Welcome to {"this": "host"}. All activity is logged.'
        export PGHOST=192.0.2.1 PGHOSTADDR=192.0.2.1 PGPORT=1 PGUSER=nobody PGDATABASE=nowhere PGSERVICE=none PGOPTIONS='-c gp_role=none'
        export PGPASSFILE=/dev/null PGSSLMODE=verify-full PGAPPNAME=walreceiver PGCONNECT_TIMEOUT=1 LC_ALL=xx_XX LD_PRELOAD=
    """
    for host in HOSTS.values():
        host.run("cp -p ~/.bashrc ~/.bashrc.kept")
        host.write(".psqlrc", "\\echo Welcome\n\\set ON_ERROR_STOP off\n\\t off\n\\x on\n")
        host.run(f"(echo {shlex.quote(misleading)}; cat ~/.bashrc.kept) > ~/.bashrc")
    try:
        yield
    finally:
        for host in HOSTS.values():
            host.run("mv ~/.bashrc.kept ~/.bashrc; rm ~/.psqlrc")


def conninfo(parent: str) -> str:
    return HOSTS["scdw"].run(f"grep ^primary_conninfo '{parent}/gpseg-1/postgresql.auto.conf' | tail -n 1 | tr -d \\'")


def instances(host: Host) -> list[str]:
    """Data directories that gpinitsystem made for demo on a host."""
    return host.run("cd /data/pristine; ls -d /data/whpg/v7/{coordinator,primary,mirror}/gpseg* 2> /dev/null || true").split()


LINK = "/data/layouts/a link"
# The inventory that names it.
LAYOUT = rendered(HERE / "cluster_layouts/inventory", "layout")


def make_links() -> None:
    HOSTS["scdw"].run(f"mkdir -p '/data/layouts/the place'; ln -s '/data/layouts/the place' '{LINK}'")
    HOSTS["cdw"].run("mkdir -p /data/layouts; ln -s /data/whpg /data/layouts/cluster")


@pytest.mark.usefixtures("converged")
def test_standby_on_another_port_behind_a_link_with_spaces_in_its_path(primary):
    assert primary.sql(ROW) == f"scdw|scdw|5442|{LINK}/gpseg-1"
    assert HOSTS["scdw"].run("ls -A '/data/layouts/the place'") == "gpseg-1"
    assert "/gpseg-1 -p 5442 -c gp_role=dispatch" in HOSTS["scdw"].run("ps -o args= -u gpadmin").replace('"', "")
    assert all(f"{name}=" in conninfo(LINK) for name in SHORT_WAITS), "waits are short by default"
    assert enable(inventory=LAYOUT, standby_connection=SHORT_WAITS).returncode == 0
    assert all(f"{name}={value}" in conninfo(LINK) for name, value in SHORT_WAITS.items())
    again = enable(inventory=LAYOUT, standby_connection=SHORT_WAITS)
    assert (again.returncode, changes(again)) == (0, 0)
    assert status(inventory=LAYOUT) == ("mirrored", 0)


@pytest.mark.drawn
@pytest.mark.usefixtures("unmirrored")
def test_standby_in_a_mount_point(primary, mount, inventory_of):
    inventory = inventory_of({"scdw": {"discovery_data_directory": mount}})
    around = HOSTS["scdw"].run("ls -A /mnt/whpg")
    podman("exec", "scdw", "chown", "root:", mount)
    refused = enable("--check", inventory=inventory)
    assert refused.returncode == 2
    assert f"scdw: {mount} belongs to root and gpadmin cannot write there: let gpadmin own it" in refused.stdout
    podman("exec", "scdw", "chown", "gpadmin:", mount)
    assert "can be mirrored" in enable("--check", inventory=inventory).stdout
    assert HOSTS["scdw"].run(f"ls -A {mount}") == "lost+found"
    assert enable(inventory=inventory).returncode == 0
    assert primary.sql(ROW) == f"scdw|scdw|5432|{mount}"
    assert HOSTS["scdw"].run("ls -A /mnt/whpg") == around, "nothing is beside it"
    assert HOSTS["scdw"].run(f"find {mount} -maxdepth 1 -name '.coordinator_*'") == "", "nor left in it"
    again = enable(inventory=inventory)
    assert (again.returncode, changes(again)) == (0, 0)
    assert playbook("warehousepg.coordinator.disable_mirroring", inventory=inventory).returncode == 0
    assert primary.sql(ROW) == ""
    assert HOSTS["scdw"].run(f"ls -A {mount}").split() == [".coordinator_aside", "lost+found"]
    assert HOSTS["scdw"].run(f"ls {mount}/.coordinator_aside/gpseg-1.set_aside-*/PG_VERSION") != ""


@pytest.mark.usefixtures("unmirrored")
def test_standby_on_the_host_of_its_primary(primary, inventory_of):
    HOSTS["cdw"].run("mkdir -p /data/layouts/standby")
    second = {
        "name": "cdw-second",
        "ansible_host": f"{NET}.11",
        "whpg_port": 5442,
        "discovery_standby_directory": "/data/layouts/standby",
    }
    inventory = inventory_of({"scdw": second})
    assert enable(inventory=inventory).returncode == 0
    assert primary.sql(ROW) == "cdw|cdw|5442|/data/layouts/standby/gpseg-1"
    again = enable(inventory=inventory)
    assert (again.returncode, changes(again)) == (0, 0)
    assert status(inventory=inventory) == ("mirrored", 0)


@pytest.mark.drawn
@pytest.mark.usefixtures("unmirrored")
def test_names_and_addresses_that_are_all_different(primary, inventory_of):
    prefix = IPV6 if IPV6 in HOSTS["scdw"].run("hostname -I") else f"{NET}."  # where this machine's kernel has no IPv6
    inventory = inventory_of(
        {
            "cdw": {"name": "first", "whpg_hostname": "cdw-ic", "whpg_address": f"{prefix}11"},
            "scdw": {"name": "second", "whpg_hostname": "scdw-ic", "whpg_address": f"{prefix}12"},
            "sdw1": {"name": "third"},
        }
    )
    variables = {"inventory": inventory, "standby_primary_host": f"{prefix}11"}
    assert enable(**variables).returncode == 0
    assert primary.sql(ROW) == f"scdw-ic|{prefix}12|5432|/data/whpg/v7/standby/gpseg-1"
    assert primary.sql(SENDER) == f"streaming|sync|{prefix}12"
    again = enable(**variables)
    assert (again.returncode, changes(again)) == (0, 0)
    assert status(inventory=inventory) == ("mirrored", 0)


@pytest.mark.drawn
@pytest.mark.usefixtures("unmirrored")
def test_rules_of_others_and_a_misleading_environment(primary, standby):
    for host in HOSTS.values():
        for directory in instances(host):
            host.run(f"echo ours, theirs > {directory}/databases.txt; echo somebody > {directory}/users.txt")
            host.write("/tmp/rules", RULES_OF_OTHERS)
            host.run(f"cat /tmp/rules >> {directory}/pg_hba.conf; cp {directory}/pg_hba.conf {directory}/pg_hba.conf.before")
    with misleading_environment():
        assert enable().returncode == 0
        again = enable()
        assert (again.returncode, changes(again)) == (0, 0)
        assert status() == ("mirrored", 0)
    for host in HOSTS.values():
        for directory in instances(host):
            before = f"{directory}/pg_hba.conf.before"
            host.run(f'tail -c "$(stat -c %s {before})" {directory}/pg_hba.conf | cmp - {before}')
            ours = host.run(f'head -c "-$(stat -c %s {before})" {directory}/pg_hba.conf').splitlines()
            assert ours[0].startswith("# BEGIN ") and ours[-1].startswith("# END ")
            host.run(f"rm {directory}/{{databases.txt,users.txt,pg_hba.conf.before}}")
    assert standby.host.file(f"{standby.directory}/pg_hba.conf").content == primary.host.file(f"{primary.directory}/pg_hba.conf").content


@pytest.mark.drawn
@pytest.mark.skipif("WHPG_IMAGE" in os.environ, reason="a cluster with WarehousePG 6's names is made with the simulated engine only")
def test_a_cluster_with_the_names_of_six(inventory_of):
    six = {"cluster_name": "six", "whpg_data_directory": "/data/six/v6", "whpg_use_versioned_directories": False, "whpg_port": 5435}
    inventory = inventory_of(**six)
    assert playbook(str(HERE / "shared/clusters.yml"), inventory=inventory).returncode == 0
    primary = Coordinator("cdw", "/data/six/v6/coordinator/gpseg-1", "six")
    with pytest.raises(AssertionError, match="gp_role"):
        primary.run("PGOPTIONS='-c gp_role=utility' psql -X -h /tmp -c 'SELECT 1'")
    assert enable(inventory=inventory).returncode == 0
    assert primary.sql(ROW) == "scdw|scdw|5435|/data/six/v6/standby/gpseg-1"
    again = enable(inventory=inventory)
    assert (again.returncode, changes(again)) == (0, 0)
    assert status(inventory=inventory) == ("mirrored", 0)
