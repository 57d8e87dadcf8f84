# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every refusal of enable_mirroring names the value, the reason and the remedy, and comes before anything is changed.

All refusals that a look suffices for are had in one run: an inventory with a cluster for each, all of which mean demo's hosts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import pytest
import yaml
from conftest import INVENTORY, NET, NOTHING, Coordinator, Host, changes, enable, module, reset, stopped, traces

BAD = "/data/bad"
PRIMARY = "/data/whpg/v7/coordinator/gpseg-1"


@dataclass
class Fault:
    """What is wrong with a cluster of the inventory.

    :param words: what the refusal says of it.
    :param hosts: by role, variables of the host; None takes one away. Roles without a host are left out.
    :param variables: variables of the cluster; None takes one away.
    """

    words: tuple[str, ...]
    hosts: dict[str, dict[str, Any]] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)


def fault(*words: str, standby=None, segment=None, **variables) -> Fault:
    """One that is seen before hosts matter: those that have nothing to do with it are left out."""
    hosts = {"coordinator": {}, "standby": standby, "segment": segment}
    return Fault(words, {role: given for role, given in hosts.items() if given is not None}, variables)


def obstacle(*words: str, standby=None, **variables) -> Fault:
    """One that is seen on the hosts."""
    return fault(*words, standby=standby or {}, segment={}, **variables)


FAULTS = {
    # the inventory
    "role_unknown": fault("whpg_role", "'master'", "give one of coordinator, standby, segment", segment={"whpg_role": "master"}),
    "role_missing": fault("whpg_role is missing", "give one of", segment={"whpg_role": None}),
    "version_wrong": fault("whpg_major_version is 6", "only clusters of WarehousePG 7", "leave this one out", whpg_major_version="6"),
    "port_wrong": fault("whpg_port is 70000", "1 to 65535", standby={"whpg_port": 70000}),
    "directory_missing": fault("whpg_data_directory is missing", "give the directory", whpg_data_directory=None),
    "standby_relative": fault("'standby'", "absolute path", standby={"discovery_standby_directory": "standby"}),
    "prefix_wrong": fault("whpg_seg_prefix is 'gp/seg'", "such as gpseg", whpg_seg_prefix="gp/seg"),
    "no_coordinator": Fault(("no host has whpg_role coordinator", "give it"), {"segment": {}}),
    "three_coordinators": fault("carry the coordinator", standby={}, segment={"whpg_role": "standby"}),
    "one_coordinator": Fault(
        ("no host for the standby", "give a second host"),
        {"coordinator": {"whpg_role": "standby", "discovery_standby_directory": "/data/whpg/v7/coordinator"}, "segment": {}},
    ),
    # the directories of a cluster without segment hosts have another prefix
    "segments_missing": Fault(
        ("sdw1", "no host of the inventory", "whpg_role=segment"),
        {"coordinator": {"discovery_data_directory": PRIMARY}, "standby": {"discovery_data_directory": "/data/whpg/v7/standby/gpseg-1"}},
    ),
    "one_place": obstacle(
        "one machine", PRIMARY, standby={"ansible_host": f"{NET}.11", "discovery_standby_directory": "/data/whpg/v7/coordinator"}
    ),
    "host_silent": fault("segment", "unreachable", standby={}, segment={"ansible_host": f"{NET}.99"}),
    # variables of the role, some of all those that unit tests of the options know
    "slot_wrong": fault("'Standby-1'", "lower-case letters", standby_slot_name="Standby-1"),
    "timeout_no_number": fault("standby_timeout is 'soon'", "seconds above zero", standby_timeout="soon"),
    "accept_unknown": fault("standby_accepted_differences has 'everything'", "gphome", standby_accepted_differences="libc,everything"),
    "truth_wrong": fault("rejoin_remove_set_aside is 'perhaps'", "true or false", rejoin_remove_set_aside="perhaps"),
    "hosts_differ": obstacle("standby_timeout is 60.0 and 30.0", "the same", standby={"standby_timeout": "30"}),
    "tls_unknown": fault("'sslpassword'", "there can be", standby_tls={"sslmode": "require", "sslpassword": "x"}),
    "primary_without_tls": obstacle("ssl=off", "turn it on", standby_tls={"sslmode": "require"}),
    "mapping_of_nothing": obstacle(
        "/data/nothing", "nowhere", "correct the mapping", standby_tablespace_mapping={"/data/nothing": "/data"}
    ),
    # what is on the standby's host
    "parent_missing": obstacle(f"{BAD}/nowhere", "does not exist", "create it", discovery_standby_directory=f"{BAD}/nowhere"),
    "parent_not_ours": obstacle(f"{BAD}/root", "belongs to root", "own it", discovery_standby_directory=f"{BAD}/root"),
    "something_there": obstacle(f"{BAD}/full/gpseg-1", "not an instance", "move it away", discovery_standby_directory=f"{BAD}/full"),
    "another_system": obstacle(
        *("is primary of the system", "correct the inventory"),
        standby={"ansible_host": f"{NET}.21"},
        discovery_standby_directory=f"{BAD}/segment",
    ),
    "another_primary": obstacle(
        *("a primary of the same system", f"{BAD}/copy/gpseg-1", "move this directory away"),
        standby={"ansible_host": f"{NET}.11", "whpg_port": 5442},
        discovery_standby_directory=f"{BAD}/copy",
    ),
    "port_taken": obstacle("listens", "whpg_port", standby={"whpg_port": 22}),
    "not_installed": obstacle("no installation", "greenplum_path", standby={"greenplum_path": f"{BAD}/nowhere/greenplum_path.sh"}),
    "another_version": obstacle(
        "'postgres (Another) 1.0'", "the same version", standby={"greenplum_path": f"{BAD}/another/greenplum_path.sh"}
    ),
    "another_place": obstacle(
        f"{BAD}/gphome",
        "/usr/local/greenplum-db",
        "the same place",
        "standby_accepted_differences",
        standby={"greenplum_path": f"{BAD}/gphome/greenplum_path.sh"},
    ),
    "library_missing": obstacle(
        "lacks", ".so", "same extensions", "libraries", standby={"greenplum_path": f"{BAD}/gphome/greenplum_path.sh"}
    ),
}
MACHINES = {"coordinator": f"{NET}.11", "standby": f"{NET}.12", "segment": f"{NET}.21"}


def inventory_of_faults() -> dict[str, Any]:
    demo = yaml.safe_load((INVENTORY / "demo.yml").read_text())["all"]["children"]["whpg_clusters"]["children"]["demo"]["vars"]

    def without_none(variables):
        return {name: value for name, value in variables.items() if value is not None}

    return {
        name: {
            "vars": without_none({**demo, "cluster_name": name, **wrong.variables}),
            "hosts": {
                f"{name}-{role}": without_none({"ansible_host": MACHINES[role], "whpg_role": role, **variables})
                for role, variables in wrong.hosts.items()
            },
        }
        for name, wrong in FAULTS.items()
    }


@pytest.fixture(scope="module")
def summary(primary, standby, tmp_path_factory):
    """By cluster, what the one run says of it."""
    reset()
    gphome = "/usr/local/greenplum-db"
    standby.run(
        f"mkdir -p {BAD}/{{full/gpseg-1,another/bin}}; touch {BAD}/full/gpseg-1/precious; sudo mkdir {BAD}/root;"
        # an installation elsewhere that lacks a library, and one of another version
        f"cp -as {gphome} {BAD}/gphome; rm $(find {BAD}/gphome/lib -name '*.so' | sort | tail -n 1);"
        f"printf '#!/bin/sh\\necho postgres \"(Another)\" 1.0\\n' > {BAD}/another/bin/postgres; chmod +x {BAD}/another/bin/postgres;"
        f"touch {BAD}/another/greenplum_path.sh"
    )
    Host("sdw1").run(f"mkdir -p {BAD}/segment; ln -s /data/whpg/v7/primary/gpseg0 {BAD}/segment/gpseg-1")
    primary.run(f"mkdir -p {BAD}/copy; cp -r {PRIMARY} {BAD}/copy; rm {BAD}/copy/gpseg-1/postmaster.pid; chmod 700 {BAD}/copy/gpseg-1")
    directory = tmp_path_factory.mktemp("inventory")
    (directory / "connection.yml").symlink_to(INVENTORY / "connection.yml")
    (directory / "faults.yml").write_text(yaml.safe_dump({"whpg_clusters": {"children": inventory_of_faults()}}))
    done = enable("--forks", "20", inventory=directory)
    assert done.returncode == 2
    assert changes(done) == 0
    assert traces(primary, standby) == NOTHING
    return dict(re.findall(r"^(\w+): (.*)$", done.stdout, re.MULTILINE))


@pytest.mark.parametrize("name", FAULTS)
def test_refused(summary, name):
    assert summary[name].startswith("NOT mirrored: nothing was changed: ")
    for word in FAULTS[name].words:
        assert word in summary[name]


@pytest.fixture
def nothing_begun(primary, standby):
    assert traces(primary, standby) == NOTHING
    yield
    assert traces(primary, standby) == NOTHING
    assert standby.run("ls -A ~/.whpg 2> /dev/null || true") == ""


@pytest.mark.usefixtures("summary", "nothing_begun")
class TestRefusedByOneRun:
    """What needs the primary in another state, or is no matter of one cluster."""

    def test_primary_that_is_down(self, primary):
        with stopped(primary):
            done = enable()
        assert done.returncode == 2
        assert "demo: NOT mirrored: nothing was changed: the primary was not seen to serve" in done.stdout

    def test_hosts_that_there_are_not(self):
        done = enable(whpg_hosts="nobody")
        assert "nobody" in done.stdout + done.stderr

    def test_markers_that_are_no_pair(self, primary):
        primary.run(f"sed -i '1i # BEGIN warehousepg.coordinator' {primary.directory}/pg_hba.conf")
        try:
            done = enable()
        finally:
            primary.run(f"sed -i 1d {primary.directory}/pg_hba.conf")
        assert done.returncode == 2
        assert "# BEGIN warehousepg.coordinator" in done.stdout
        assert "are not one pair" in done.stdout and "leave one of each" in done.stdout

    def test_password_with_a_line_break(self):
        done = enable(standby_replication_password="one\ntwo")
        assert done.returncode == 2
        assert "replication_password holds a line break" in done.stdout and "choose one without" in done.stdout

    def test_primary_by_a_name_that_is_not_known(self):
        done = enable(standby_primary_host="nowhere.invalid")
        assert done.returncode == 2
        assert "'nowhere.invalid' is not known" in done.stdout and "/etc/hosts" in done.stdout


NOT_THERE = Coordinator("scdw", f"{BAD}/nothing")
OF_DEMO = Coordinator("cdw", PRIMARY)
UPSTREAM = {"primary_host": "cdw", "primary_port": 5432, "passfile": f"{BAD}/passfile", "dbid": 7}
REFUSED_BY_MODULES = {
    "no_rules_there": (
        OF_DEMO,
        "host_access",
        {"data_directory": None, "data_directories": [BAD], "rules": []},
        ("does not exist", "name data directories"),
    ),
    "local_with_address": (
        OF_DEMO,
        "host_access",
        {
            "data_directory": None,
            "data_directories": [PRIMARY],
            "rules": [{"type": "local", "addresses": ["::1"], "user": "x", "database": "all", "method": "trust"}],
        },
        ("has no address", "correct the rule"),
    ),
    "no_address": (
        OF_DEMO,
        "host_access",
        {
            "data_directory": None,
            "data_directories": [PRIMARY],
            "rules": [{"addresses": ["10.1.2"], "user": "x", "database": "all", "method": "trust"}],
        },
        ("'10.1.2' is no address",),
    ),
    "nothing_to_start": (
        NOT_THERE,
        "coordinator_instance",
        {"state": "started"},
        (f"{BAD}/nothing", "no instance", "correct data_directory"),
    ),
    "nothing_to_register_with": (
        NOT_THERE,
        "standby_registration",
        {"standby_hostname": "scdw", "standby_data_directory": "/data/x", "replication_auth": "trust"},
        (f"{BAD}/nothing", "no instance", "the primary's"),
    ),
    "no_password": (
        OF_DEMO,
        "standby_registration",
        {"standby_hostname": "scdw", "standby_data_directory": "/data/x", "passfile": f"{BAD}/passfile"},
        ("no password", "give replication_password"),
    ),
    "no_passfile": (
        Coordinator("scdw", f"{BAD}/gpseg-1"),
        "coordinator_snapshot",
        {**UPSTREAM, "system_identifier": "1"},
        (f"{BAD}/passfile is missing", "give replication_password"),
    ),
    "nothing_to_release": (NOT_THERE, "standby_release", {"commits": True}, (f"{BAD}/nothing", "no instance")),
}


@pytest.mark.usefixtures("summary", "nothing_begun")
@pytest.mark.parametrize("name", REFUSED_BY_MODULES)
def test_refused_by_a_module(name):
    host, called, options, words = REFUSED_BY_MODULES[name]
    result = module(host, called, **options)
    assert result["failed"]
    for word in words:
        assert word in result["msg"]
