# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.access import rules_of
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.tablespaces import Tablespace
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.needs import Looked
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.pair import assess
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby import stages
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.plan import make

from ..desired import desired, with_options
from ..observed import (
    COORDINATOR,
    FOLLOWING,
    GIB,
    INSTALLATION,
    MIRRORED,
    PASSFILE,
    PROGRAMS,
    ROWS,
    SDW1,
    SEGMENTS,
    UNMIRRORED,
    VARIABLES,
    changed,
    machine,
    planned,
    seen,
    shown,
    unlogged,
)
from ..situations import situation

CERTIFICATE = {"sslmode": "verify-full", "sslrootcert": "/ca.crt", "sslcert": "/s.crt", "sslkey": "/s.key"}


def demo(found, *changes, variables=None, **options):
    """The plan for a cluster, by what its hosts show and the options that differ from the role's own."""
    variables = variables or VARIABLES
    found = changed(found, *changes)
    return planned(make(with_options(assess("demo", variables, found), "standby", options), seen(found)))


def host_variables(host, **more):
    return {**VARIABLES, host: {**VARIABLES[host], **more}}


def test_a_pair_that_is_as_desired():
    plan = demo(MIRRORED)
    assert (plan.refusal, plan.to_change, plan.primary, plan.standby) == ("", [], "cdw", "scdw")
    assert (plan.copying, plan.look, plan.password_missing, plan.expected_dbid) == (False, {}, False, 8)
    assert (plan.registered, plan.lacking_rules) == (True, [])


def test_a_standby_that_is_to_be_made():
    plan = demo(UNMIRRORED)
    assert (plan.refusal, plan.primary, plan.standby, plan.copying, plan.look) == ("", "cdw", "scdw", True, {})
    assert (plan.password_missing, plan.expected_dbid, plan.registered) == (True, 4, False)
    assert plan.to_change == ["state", "row", "slot", "role", "passfile", "upstream", "slot_name", "access", "record"]
    assert plan.registration == {
        "standby_hostname": "scdw",
        "standby_address": "scdw",
        "standby_port": 5432,
        "standby_data_directory": "/s",
    }
    assert (plan.primary_host, plan.primary_port) == ("cdw", 5432)
    assert plan.snapshot == {
        "system_identifier": "1",
        "engine_version": "postgres 12",
        "expected_bytes": GIB,
        "checkpoint": "fast",
        "tablespaces": [],
        "required_files": [],
        "resume": False,
    }


@pytest.mark.parametrize(
    ("way", "value", "name"),
    [
        ("cdw primary registrations 3 port", 6000, "row"),
        ("cdw primary registrations 3 datadir", "/elsewhere", "row"),
        ("cdw primary slots", [], "slot"),
        ("cdw primary slots 0 active", False, "slot"),
        ("cdw primary slots 0 name", "other", "slot"),
        ("cdw primary role", None, "role"),
        ("cdw primary role ready", False, "role"),
        ("cdw primary role verified", False, "role"),
        ("cdw passfile check", "0000", "passfile"),
        ("scdw passfile usable", False, "passfile"),
        ("scdw passfile named", False, "passfile"),
        ("scdw passfile kind", "none that there is", "upstream"),
        ("scdw passfile", None, "passfile"),
        ("scdw standby resolved", "10.0.0.99", "upstream"),
        ("scdw standby following", {**FOLLOWING, "port": "6000"}, "upstream"),
        ("scdw standby following", {**FOLLOWING, "sslmode": "disable"}, "upstream"),
        ("scdw standby following keepalives_idle", "60", "upstream"),
        ("scdw instance settings", {}, "slot_name"),
        ("scdw tablespaces", [shown(Tablespace(20, "/fast", 2))], "tablespaces"),
        ("scdw site leftover", True, "copy"),
        ("cdw access", {}, "access"),
        ("scdw access /s", None, "access"),
        ("sdw1 access /m0", SEGMENTS[:1], "access"),
        ("scdw record", None, "record"),
        ("scdw record system_identifier", "2", "record"),
        ("scdw record primary addresses", [], "record"),
        ("scdw record segments 1 port", 7001, "record"),
        ("scdw record in_sync", None, "record"),
        ("scdw standby walreceiver_started", 950.0, "record"),
        ("cdw primary commit_limits walsender", 60.0, "record"),
        ("cdw primary registrations 2 role", "p", "record"),
        ("sdw1 access /p0", COORDINATOR, "access"),
    ],
)
def test_what_differs_is_named(way, value, name):
    plan = demo(MIRRORED, (way, value))
    # a passfile that is none names none to follow by
    assert plan.to_change == (["passfile", "upstream"] if (way, value) == ("scdw passfile", None) else [name])
    assert plan.lacking_rules == ([way.split()[0]] if name == "access" else []), "only there anything is opened"


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"port": 6000}, ["row"]),
        ({"hostname": "other"}, ["row"]),
        ({"slot_name": "other"}, ["slot", "slot_name"]),
        ({"replication_user": "other"}, ["upstream", "access"]),
        ({"primary_host": "10.0.0.11"}, ["upstream"]),
        ({"replication_auth": "trust"}, ["upstream", "access"]),
        ({"connection": {}}, ["upstream"]),
        ({"commit_timeout": 10}, ["upstream", "record"]),
        ({"segment_access_method": "ident"}, ["access"]),
        ({"addresses": ["10.0.0.0/24"]}, ["access"]),
        ({"replication_password": "secret"}, ["password"]),
        ({"retention_limit": "20GB"}, ["retention"]),
        ({"accepted_differences": ["libc"]}, []),
        ({"max_rate": "100M"}, []),
        ({"max_latency": 20}, ["access"]),
    ],
)
def test_what_is_desired_otherwise_differs(options, names):
    assert demo(MIRRORED, **options).to_change == names


@pytest.mark.parametrize(("own", "settled"), [(20 * GIB, True), (None, True), (-1, False), (GIB, False)])
def test_a_limit_holds_where_the_engine_has_one(own, settled):
    to_change = demo(MIRRORED, ("cdw primary retention_limit", own), retention_limit="20GB").to_change
    assert to_change == ([] if settled else ["retention"])


def test_a_pair_that_does_not_stream_is_not_as_desired():
    assert demo(MIRRORED, ("cdw primary walsender", None)).to_change == ["state"]


def test_trusted_by_address_no_password_counts():
    lines = [line.replace("scram-sha-256", "trust") for line in COORDINATOR]
    plan = demo(
        MIRRORED,
        ("scdw standby following", {name: value for name, value in FOLLOWING.items() if name != "passfile"}),
        ("cdw primary role verified", False),
        ("cdw passfile", None),
        ("cdw access /c", lines),
        ("scdw access /s", lines),
        replication_auth="trust",
    )
    assert (plan.to_change, plan.password_missing) == ([], False)


def test_tablespaces_under_the_standby_s_number_are_as_desired():
    spaces = [shown(Tablespace(oid=20, location="/fast", dbid=1, bytes=GIB))]
    own = [shown(Tablespace(oid=20, location="/fast", dbid=8, bytes=GIB))]
    assert demo(MIRRORED, ("cdw tablespaces", spaces), ("scdw tablespaces", own)).to_change == []


@pytest.mark.parametrize(
    ("changes", "options", "missing"),
    [
        ([("cdw passfile check", "0000")], {}, True),
        ([("scdw passfile usable", False)], {}, True),
        ([("cdw passfile", None)], {}, True),
        ([("cdw passfile", None)], {"replication_password": "secret"}, False),
        ([("cdw passfile", None)], {"replication_auth": "trust"}, False),
        ([], {}, False),
    ],
)
def test_a_password_is_chosen_where_the_hosts_have_none_in_common(changes, options, missing):
    assert demo(MIRRORED, *changes, **options).password_missing is missing


@pytest.mark.parametrize(
    ("found", "changes", "options", "said"),
    [
        (MIRRORED, [], {"slot_name": "S"}, "standby_slot_name is 'S': give up to 63"),
        (UNMIRRORED, [("scdw", None)], {}, "scdw is unknown, it took no part in this run"),
        (UNMIRRORED, [("sdw1", {"msg": "x"})], {}, "sdw1 is unknown, it answered, but could not be asked: x: mend that there"),
        (
            UNMIRRORED,
            [("cdw primary", None), ("cdw sql", {"answered": False, "refused": None, "error": "no"})],
            {},
            "the primary was not seen to serve, cdw: the instance runs but did not answer a query; look at cdw",
        ),
        (
            MIRRORED,
            [("cdw instance postmaster", None), ("cdw primary", None), ("cdw sql", None)],
            {},
            "the primary was not seen to serve, cdw: the instance is stopped; start the instance on cdw, or activate the standby on scdw",
        ),
        (
            UNMIRRORED,
            [("cdw instance control", None)],
            {},
            "cdw: its control file was not seen of the primary: look at it",
        ),
        (
            UNMIRRORED,
            [("cdw primary registrations", [shown(row) for row in ROWS[1:3]])],
            {},
            "cdw: its row in the catalog was not seen of the primary: look at it",
        ),
        (UNMIRRORED, [("cdw primary resolved", {}), ("sdw1 hostname", "x")], {}, "the catalog has segments on sdw1, which no host of the"),
        (UNMIRRORED, [("scdw site free", 0)], {}, "scdw: / has 0 MiB free"),
        (
            UNMIRRORED,
            [],
            {"tls": {"sslmode": "require"}},
            "standby_tls is given, and the primary has ssl=off: turn it on there, with a certificate, or leave standby_tls out",
        ),
        (
            UNMIRRORED,
            [
                (
                    "cdw tablespaces",
                    [
                        shown(Tablespace(oid=20, location="/fast", dbid=1, bytes=GIB)),
                        shown(Tablespace(oid=21, location="/slow", dbid=1, bytes=GIB)),
                    ],
                )
            ],
            {"tablespace_mapping": {"/fast": "/x", "/fsat": "/y"}},
            "standby_tablespace_mapping names /fsat; the primary has tablespaces in /fast, /slow: correct the mapping",
        ),
        (
            UNMIRRORED,
            [],
            {"tablespace_mapping": {"/fast": "/x"}},
            "standby_tablespace_mapping names /fast; the primary has tablespaces in nowhere: correct the mapping",
        ),
        (
            UNMIRRORED,
            [("scdw installation", {**shown(INSTALLATION), "libc": "glibc 2.28", "open_files": 1024})],
            {"accepted_differences": ["limits"]},
            "scdw: its C library is glibc 2.28, the primary's glibc 2.34: texts may sort otherwise there, and indexes be wrong; let both "
            "hosts have the same system; or accept it: standby_accepted_differences=['libc']",
        ),
    ],
)
def test_refuses_with_value_reason_and_remedy(found, changes, options, said):
    assert demo(found, *changes, **options).refusal.startswith(said)


def test_a_refusal_of_the_inventory_and_of_options_are_told_together():
    plan = demo(MIRRORED, variables=dict.fromkeys(VARIABLES, VARIABLES["cdw"]), slot_name="S")
    assert plan.refusal.startswith(
        "cdw, scdw, sdw1 have whpg_role coordinator or standby, where one or two carry the coordinator; standby_slot"
    )
    assert (plan.primary, plan.standby, plan.to_change) == (None, None, [])


def test_nothing_is_done_to_a_pair_in_maintenance():
    plan = demo(MIRRORED, ("cdw maintenance", {"since": None, "by": "", "reason": ""}), ("cdw primary slots", []))
    assert plan.refusal.startswith("in maintenance, marked on cdw: no playbook but status acts. When it is over, run the playbook")


def without_a_second_host(found, *changes, role="coordinator", segments=("sdw1",)):
    """The plan for a cluster of which only one host may carry the coordinator."""
    hosts = ["cdw", *segments]
    return demo(
        {host: found[host] for host in hosts},
        *changes,
        variables={**{host: VARIABLES[host] for host in hosts}, "cdw": {**VARIABLES["cdw"], "whpg_role": role}},
    )


@pytest.mark.parametrize(("changes", "segments"), [((), ()), ((), ("sdw1",)), ((("sdw1", None),), ("sdw1",))])
def test_a_cluster_that_names_no_host_for_a_standby_and_has_none_is_left_alone(changes, segments):
    plan = without_a_second_host(UNMIRRORED, *changes, segments=segments)
    assert plan.left_alone == "cdw serves; no standby is registered, and the inventory names no host for one"
    assert (plan.refusal, plan.primary, plan.standby, plan.to_change, plan.tasks, plan.look) == ("", "cdw", None, [], "", {})


@pytest.mark.parametrize(
    ("found", "changes", "role", "said"),
    [
        (UNMIRRORED, [], "standby", "no host for the standby: give a second host of the cluster whpg_role=coordinator or standby"),
        (
            MIRRORED,
            [],
            "coordinator",
            "a standby is registered on scdw, and the inventory names no host for one; the primary sees it stream in sync: give scdw "
            "whpg_role=standby in the inventory; run disable_mirroring then if the standby is to be given up",
        ),
        (
            MIRRORED,
            [("cdw primary walsender", None)],
            "coordinator",
            "a standby is registered on scdw, and the inventory names no host for one;",
        ),
        (UNMIRRORED, [("cdw primary", None), ("cdw instance postmaster", None)], "coordinator", "the primary was not seen to serve"),
        (UNMIRRORED, [("cdw", None)], "coordinator", "cdw is unknown"),
        (UNMIRRORED, [("cdw maintenance", {"since": None, "by": "", "reason": ""})], "coordinator", "in maintenance"),
    ],
)
def test_one_that_has_a_standby_or_was_not_seen_to_have_none_is_told(found, changes, role, said):
    plan = without_a_second_host(found, *changes, role=role)
    assert plan.refusal.startswith(said)
    assert plan.left_alone == ""


def test_a_difference_that_is_accepted_does_not_hinder():
    other = {**shown(INSTALLATION), "libc": "glibc 2.28"}
    assert demo(UNMIRRORED, ("scdw installation", other), accepted_differences=["libc"]).refusal == ""


def test_a_difference_does_not_hinder_where_there_is_a_standby_already():
    assert demo(MIRRORED, ("scdw installation", {**shown(INSTALLATION), "libc": "glibc 2.28"})).refusal == ""


#: the row as gpinitstandby wrote it
ADOPTED = (("cdw primary registrations 3 hostname", "scdw.example.org"), ("cdw primary registrations 3 address", "10.0.0.12"))


@pytest.mark.parametrize(
    ("variables", "options", "hostname", "address", "row_stays"),
    [
        ({}, {}, "scdw.example.org", "10.0.0.12", True),
        ({"whpg_hostname": "scdw.example.org"}, {}, "scdw.example.org", "10.0.0.12", True),
        ({"whpg_hostname": "scdw"}, {}, "scdw", "scdw", False),
        ({"whpg_address": "scdw-ic"}, {}, "scdw.example.org", "scdw-ic", False),
        ({"whpg_hostname": "scdw", "whpg_address": "scdw-ic"}, {}, "scdw", "scdw-ic", False),
        ({"whpg_hostname": "scdw"}, {"hostname": "standby"}, "standby", "standby", False),
        ({"whpg_address": "scdw-ic"}, {"address": "10.0.0.12"}, "scdw.example.org", "10.0.0.12", True),
    ],
)
def test_the_row_of_a_standby_stays_unless_the_operator_says_otherwise(variables, options, hostname, address, row_stays):
    plan = demo(MIRRORED, *ADOPTED, variables=host_variables("scdw", **variables), **options)
    assert (plan.registration["standby_hostname"], plan.registration["standby_address"]) == (hostname, address)
    assert plan.to_change == ([] if row_stays else ["row"])
    # the engine gives a new row the highest number plus one
    assert plan.expected_dbid == (8 if row_stays else 4)


@pytest.mark.parametrize("change", [("scdw instance dbid", 9), ("cdw primary registrations 3 datadir", "/elsewhere")])
def test_the_row_of_another_standby_does_not_count(change):
    plan = demo(MIRRORED, *ADOPTED, change)
    assert (plan.registration["standby_hostname"], plan.registration["standby_address"]) == ("scdw", "scdw")
    assert "row" in plan.to_change


def test_a_new_standby_is_registered_as_its_host_names_itself():
    plan = demo(UNMIRRORED, variables=host_variables("scdw", whpg_address="scdw-ic", whpg_port=5433), port=None)
    assert plan.registration == {
        "standby_hostname": "scdw",
        "standby_address": "scdw-ic",
        "standby_port": 5433,
        "standby_data_directory": "/s",
    }
    assert demo(UNMIRRORED, port="6000").registration["standby_port"] == 6000


SPACES = (
    "cdw tablespaces",
    [shown(Tablespace(oid=21, location="/slow", dbid=1, bytes=2 * GIB)), shown(Tablespace(oid=20, location="/fast", dbid=1, bytes=GIB))],
)


def test_tablespaces_have_their_places():
    plan = demo(UNMIRRORED, SPACES, tablespace_mapping={"/fast/": "/x//y/"})
    assert plan.snapshot["tablespaces"] == [
        {"location": "/fast", "place": "/x/y", "bytes": GIB},
        {"location": "/slow", "place": "/slow", "bytes": 2 * GIB},
    ]
    assert plan.copying and plan.look["tablespaces"] == plan.snapshot["tablespaces"]
    assert demo(MIRRORED, SPACES).look == {}


def test_files_that_the_copy_needs_are_looked_for():
    preload = ("cdw primary needs preload", ["metrics", "/opt/audit.so"])
    plan = demo(UNMIRRORED, preload, ("cdw primary needs ssl", True), tls=CERTIFICATE)
    assert plan.snapshot["required_files"] == ["/opt/audit.so", "/ca.crt", "/s.crt", "/s.key"]
    assert plan.look


def test_trust_is_tried_before_a_connection_is_made():
    tls = {"tls": CERTIFICATE, "commit_timeout": 10}
    ssl = ("cdw primary needs ssl", True)
    assert "server" not in demo(UNMIRRORED).look
    for found in (UNMIRRORED, MIRRORED):
        tried = demo(found, ssl, **tls).look["server"]
        assert tried == {**demo(found, ssl, tls=CERTIFICATE).connection, "host": "cdw", "port": "5432", "user": "standby_replicator"}
    assert demo(MIRRORED).look == {}, "nothing is to be changed"


def test_the_copy_is_made_as_desired():
    plan = demo(UNMIRRORED, checkpoint="spread", max_rate="100M", max_latency=20)
    assert (plan.snapshot["checkpoint"], plan.snapshot["max_rate"], plan.snapshot["max_latency"]) == ("spread", "100M", 20)


@pytest.mark.parametrize(
    ("options", "begin", "end"),
    [
        ({}, "host", "scram-sha-256"),
        ({"replication_auth": "trust"}, "host", "trust"),
        ({"tls": CERTIFICATE}, "hostssl", "scram-sha-256"),
        ({"tls": CERTIFICATE, "clientcert": "verify-full"}, "hostssl", "scram-sha-256\tclientcert=verify-full"),
        ({"tls": CERTIFICATE, "replication_auth": "cert"}, "hostssl", "cert"),
    ],
)
def test_both_coordinators_let_each_other_in(options, begin, end):
    plan = demo(UNMIRRORED, ("cdw primary needs ssl", True), **options)
    assert plan.refusal == ""
    assert [str(rule) for rule in rules_of(plan.access["cdw"]["rules"], "/c")] == [
        *(f'{begin}\treplication\t"standby_replicator"\t10.0.0.{number}/32\t{end}' for number in (11, 12)),
        PROGRAMS,
    ]
    assert [str(rule) for rule in rules_of(plan.access["sdw1"]["rules"], "/m0")] == SEGMENTS
    assert plan.access["scdw"] == {"data_directories": [], "rules": []}


def test_commits_are_measured_by_the_replication_role_on_coordinators_alone():
    plan = demo(UNMIRRORED, max_latency=20)
    assert [str(rule) for rule in rules_of(plan.access["cdw"]["rules"], "/c")] == [
        *(
            f'host\t{database}\t"standby_replicator"\t10.0.0.{number}/32\tscram-sha-256'
            for database in ("replication", '"postgres"')
            for number in (11, 12)
        ),
        PROGRAMS,
    ]
    assert [str(rule) for rule in rules_of(plan.access["sdw1"]["rules"], "/m0")] == SEGMENTS


def test_coordinator_and_segments_of_one_host_have_each_their_rules():
    sdw1 = {**shown(machine("cdw", "10.0.0.11")), "segments": SDW1["segments"]}
    apart = demo({**MIRRORED, "sdw1": sdw1}, ("cdw primary resolved sdw1-ic", ["10.0.0.11"]), ("sdw1 access", SDW1["access"]))
    assert apart.to_change == []
    assert {host: access["data_directories"] for host, access in apart.access.items()} == {
        "cdw": ["/c"],
        "scdw": ["/s"],
        "sdw1": ["/p0", "/m0"],
    }
    variables = {host: VARIABLES[host] for host in ("cdw", "scdw")}
    together = demo(
        {host: MIRRORED[host] for host in variables},
        ("cdw primary resolved sdw1-ic", ["10.0.0.11"]),
        ("cdw access", {"/c": COORDINATOR, **SDW1["access"]}),
        variables=variables,
    )
    assert together.to_change == ["record"]
    assert together.access["cdw"]["data_directories"] == ["/c", "/p0", "/m0"]
    lines = {where: [str(rule) for rule in rules_of(together.access["cdw"]["rules"], where)] for where in ("/c", "/p0", "/m0")}
    assert lines == {"/c": COORDINATOR, "/p0": SEGMENTS, "/m0": SEGMENTS}


@pytest.mark.parametrize(
    ("variables", "options", "addresses"),
    [
        ({}, {}, ["10.0.0.11", "10.0.0.12"]),
        ({"whpg_addresses": ["10.1.0.12", "fd00::12"]}, {}, ["10.0.0.11", "10.1.0.12", "fd00::12"]),
        ({"whpg_addresses": ["10.0.0.11"]}, {}, ["10.0.0.11"]),
        ({"whpg_addresses": ["10.1.0.12"]}, {"addresses": ["10.0.0.0/24"]}, ["10.0.0.0/24"]),
    ],
)
def test_allows_access_to_the_addresses_of_both(variables, options, addresses):
    plan = demo(UNMIRRORED, variables=host_variables("scdw", **variables), **options)
    found = {tuple(rule["addresses"]) for access in plan.access.values() for rule in access["rules"]}
    assert found == {tuple(addresses), ("samehost",)}


def test_commits_wait_no_longer_than_desired():
    plan = demo(UNMIRRORED, ("cdw primary needs ssl", True), commit_timeout="10", tls={"sslmode": "require"}, connection={"keepalives": 1})
    assert plan.connection == {"keepalives": "1", "sslmode": "require", "options": "-c wal_sender_timeout=10s"}


def test_a_connection_that_is_as_desired_is_settled():
    following = {**FOLLOWING, "options": "-c wal_sender_timeout=10s"}
    ways = ("scdw standby following", following), ("scdw record commit_limit_s", 10.0)
    assert demo(MIRRORED, *ways, commit_timeout=10).to_change == []


def test_the_standby_reaches_the_primary_as_it_is_registered():
    rows = ("cdw primary registrations 0 address", "cdw-ic")
    assert demo(UNMIRRORED, rows).primary_host == "cdw-ic"
    assert demo(UNMIRRORED, rows, primary_host="10.0.0.11").primary_host == "10.0.0.11"


def test_by_its_address_no_other_address_is_kept():
    following = {**{name: value for name, value in FOLLOWING.items() if name != "hostaddr"}, "host": "10.0.0.11"}
    assert demo(MIRRORED, ("scdw standby following", following), primary_host="10.0.0.11").to_change == []


def test_the_roles_of_the_inventory_do_not_decide_who_is_primary():
    variables = {
        **VARIABLES,
        "cdw": {**VARIABLES["cdw"], "whpg_role": "standby"},
        "scdw": {**VARIABLES["scdw"], "whpg_role": "coordinator"},
    }
    plan = demo(MIRRORED, variables=variables)
    assert (plan.primary, plan.standby, plan.to_change) == ("cdw", "scdw", [])


def test_a_plan_tells_no_secret():
    plan = demo(UNMIRRORED, replication_password="geheim")
    assert "geheim" not in repr(dataclasses.asdict(plan))
    assert PASSFILE.path not in repr(plan.connection)


DRIFT = (("cdw unlogged", unlogged("8MB", key="a")), ("scdw unlogged", unlogged("4MB", own="b")))


def test_a_mirrored_pair_with_drift_is_not_left_alone():
    plan = demo(MIRRORED, *DRIFT)
    assert (plan.to_change, plan.tasks, plan.drift) == (["drift"], "make", ["key", "postgresql.conf"])
    pair = assess("demo", VARIABLES, changed(MIRRORED, *DRIFT))
    assert [(one.name, one.only_on) for one in pair.drift] == [("key", "primary"), ("own", "standby"), ("work_mem", None)]
    assert [warning.split(":")[0] for warning in pair.warnings] == [
        "scdw differs from cdw in the setting work_mem and key (since 1970-01-01T00",
        "only scdw has own (since 1970-01-01T00",
    ]


def test_a_file_that_only_the_standby_has_is_no_reason_to_do_something():
    plan = demo(MIRRORED, ("cdw unlogged", unlogged("4MB")), ("scdw unlogged", unlogged("4MB", own="b")))
    assert (plan.to_change, plan.drift) == ([], [])


def test_nothing_is_brought_to_a_copy_that_will_be_made():
    assert demo(UNMIRRORED, DRIFT[0]).drift == []


def test_what_is_of_another_system_is_not_compared():
    other = ("scdw instance control system_identifier", "2")
    assert assess("demo", VARIABLES, changed(MIRRORED, *DRIFT, other)).drift is None


def test_a_further_look_at_a_host_needs_no_instance():
    result = {**shown(machine("scdw", "10.0.0.12")), "looked": shown(Looked(lacks=(), names={}, tablespaces=()))}
    of = situation(UNMIRRORED, options=desired("standby").options)
    (plan,) = stages._plans([dataclasses.replace(of, variables={"scdw": {"__standby_look": result}}, options={"seen": ["looked"]})])
    assert (plan.refusal, plan.copying, plan.look) == ("", True, {})
    (plan,) = stages._plans(
        [dataclasses.replace(of, variables={"scdw": {"__standby_look": {"unreachable": True}}}, options={"seen": ["looked"]})]
    )
    assert plan.refusal.startswith("scdw: unreachable")
