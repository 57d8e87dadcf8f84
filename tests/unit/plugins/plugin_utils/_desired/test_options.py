# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options are the same wherever they come from. Runs on every ansible-core that is supported, see .ci/cores.sh."""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
from pathlib import Path

import pytest
import yaml
from ansible.errors import AnsibleError
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.inventory import is_single, names_standby
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._desired import options
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._desired.options import (
    SPEC,
    SPECS,
    disagreement,
    of_pair,
    read,
    secret,
    typed,
)
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.preflight.checks import ACCEPTABLE
from hypothesis import example, given
from hypothesis import strategies as st

HOST = {"cluster_name": "demo", "whpg_role": "coordinator", "whpg_data_directory": "/data/whpg"}
CERTIFICATE = {"sslmode": "verify-full", "sslrootcert": "/ca.crt", "sslcert": "/s.crt", "sslkey": "/s.key"}

#: by option, a value that its type alone does not tell of
VALUES = {
    "activate_standby_floating_address": "10.0.0.100/24",
    "activate_standby_retention_limit": "20GB",
    "cluster_name": "alpha",
    "discovery_coordinator_directory": "/data/coordinator",
    "discovery_data_directory": "/data/gpseg-1",
    "discovery_greenplum_path": "/opt/whpg/greenplum_path.sh",
    "greenplum_path": "/opt/whpg/greenplum_path.sh",
    "discovery_retention_limit": "512MB",
    "discovery_standby_directory": "/data/standby",
    "standby_addresses": ["10.0.0.11", "fd00::/64"],
    "standby_connection": {"keepalives_idle": 5},
    "standby_max_rate": "100M",
    "standby_retention_limit": "1TB",
    "standby_tablespace_mapping": {"/fast": "/slow"},
    "standby_tls": CERTIFICATE,
    "whpg_addresses": ["10.0.0.11", "fd00::11"],
    "whpg_data_directory": "/data",
    "whpg_major_version": 7,
    "discovery_role": "standby",
    "status_metrics": "/tmp/whpg.prom",
}
#: by type, for all others
OF_TYPE = {"bool": True, "int": 5, "float": 1.5, "str": "name", "path": "/tmp/file.json", "list": ["one", "two"], "dict": {"/a": "/b"}}

SECRET = [name for name, spec in SPEC.items() if spec.get("no_log")]
PUBLIC = [name for name in SPEC if name not in SECRET]


def value_of(name):
    """A value of an option that is not its default."""
    spec = SPEC[name]
    if name in VALUES:
        return VALUES[name]
    if spec.get("choices"):
        return spec["choices"][:2] if spec["type"] == "list" else next(one for one in spec["choices"] if one != spec.get("default"))
    if spec["type"] == "bool":
        return not spec.get("default", False)
    return OF_TYPE[spec["type"]]


def texts_of(value):
    """The texts that the command line and surveys deliver for a value."""
    if isinstance(value, bool):
        return [str(value), str(value).lower(), "yes" if value else "no", "on" if value else "off", str(int(value))]
    if isinstance(value, list):
        return [",".join(value), ", ".join(value), json.dumps(value), f" {json.dumps(value)} "]
    if isinstance(value, dict):
        return [json.dumps(value), *([] if len(value) > 1 else [f"{name}={one}" for name, one in value.items()])]
    return [str(value)]


def desired(**variables):
    return read({**HOST, **variables}, lambda value: value)


def test_every_option_is_the_same_as_a_text():
    for name in PUBLIC:
        value = value_of(name)
        expected = desired(**{name: value})
        assert expected.wrong.keys() <= {"activate_standby_floating_interface", "standby_clientcert", "standby_replication_auth"}, name
        assert expected.options[name] == value, name
        for text in texts_of(value):
            found = desired(**{name: text})
            if isinstance(value, dict) and "=" in text:  # which has no types within
                found.options[name] = {key: type(value[key])(one) for key, one in found.options[name].items()}
            assert (found.options, found.wrong) == (expected.options, expected.wrong), f"{name}={text}"
            assert type(found.options[name]) is type(expected.options[name]), f"{name}={text}"


def test_both_truths_of_every_boolean_option_are_taken():
    for name in (name for name in PUBLIC if SPEC[name]["type"] == "bool"):
        for value in (True, False):
            for text in (value, *texts_of(value)):
                assert desired(**{name: text}).options[name] is value


def test_defaults_are_right_and_of_their_types():
    found = desired()
    assert found.wrong == {}
    for name, spec in SPEC.items():
        if spec.get("default") is not None:
            assert typed(name, spec, found.options[name]) == found.options[name], name
            kind = {"bool": bool, "int": int, "float": float, "list": list, "dict": dict}.get(spec["type"], str)
            assert found.options[name].__class__ is kind, name


def test_one_option_has_one_spec():
    assert sum(map(len, SPECS.values())) == len(SPEC)


WRONG = [
    ("bool", "maybe", "give true or false"),
    ("bool", [], "give true or false"),
    ("int", "5 or so", "give a whole number"),
    ("int", 0.5, "give a whole number"),
    ("int", True, "give a whole number"),
    ("float", "soon", "give seconds above zero"),
    ("float", "-1", "give seconds"),
    ("float", "inf", "give seconds"),
    ("float", "nan", "give seconds"),
    ("float", True, "give seconds"),
    ("list", {"a": 1}, "give a list"),
    ("list", 5, "give a list"),
    ("dict", "neither", "give a dictionary"),
    ("dict", ["a"], "give a dictionary"),
    ("dict", "{broken", "give a dictionary"),
    ("str", ["a"], "give "),
    ("str", {"a": 1}, "give "),
]


@pytest.mark.parametrize(("kind", "value", "remedy"), WRONG)
def test_what_none_of_a_type_can_be_is_told_with_name_value_and_remedy(kind, value, remedy):
    for name in (name for name in PUBLIC if SPEC[name]["type"] == kind):
        said = desired(**{name: value}).wrong[name]
        if SPEC[name].get("choices") and kind == "list":
            remedy = "give a list"
        shown = f"{float(value):g}" if kind == "float" and value in ("-1", "inf", "nan") else repr(value)
        assert said.startswith(f"{name} is {shown}: "), said
        assert ("give one of" in said) if SPEC[name].get("choices") and kind == "str" else (remedy in said)
        without = {key: one for key, one in HOST.items() if key != name}
        assert desired(**{name: value}).options[name] == read(without, str).options[name], "it counts as not given"


def test_what_can_be_accepted_is_what_the_checks_have_in_their_words():
    spec = SPEC["standby_accepted_differences"]
    assert spec["choices"] == list(ACCEPTABLE)
    assert spec["description"][1:] == [f"V({name}), {about}." for name, about in ACCEPTABLE.items()]


def test_choices_are_told():
    assert desired(standby_replication_auth="md5").wrong == {
        "standby_replication_auth": "standby_replication_auth is 'md5': give one of scram, cert, trust"
    }
    assert desired(standby_accepted_differences="libc,luck").wrong == {
        "standby_accepted_differences": f"standby_accepted_differences has 'luck': there can be {', '.join(ACCEPTABLE)}"
    }


@pytest.mark.parametrize("left_out", [None, "omitted"])
def test_what_is_left_out_is_not_given(left_out):
    everything = desired(**{name: left_out for name in PUBLIC if name not in HOST}, omit="omitted")
    assert (everything.options, everything.wrong) == (desired().options, {})


def test_an_answer_that_was_left_empty_is_not_given_unless_it_is_a_text():
    empty = desired(**{name: "" for name in PUBLIC if SPEC[name]["type"] not in ("str", "path")})
    assert (empty.options, empty.wrong) == (desired().options, {})


def test_secrets_are_in_no_result():
    assert set(SECRET) == {
        "standby_replication_password",
        "activate_standby_fence_command",
        "coordinator_notice_url",
        "coordinator_notice_headers",
        "coordinator_notice_command",
    }
    found = desired(**dict.fromkeys(SECRET, "{{ hunter2 }}"))
    assert [found.options[name] for name in SECRET] == [True] * 5
    assert "hunter2" not in json.dumps(found.options)
    assert [desired(**dict.fromkeys(SECRET, "")).options[name] for name in SECRET] == [False] * 5


@pytest.mark.parametrize("name", [*SECRET, "activate_standby_accept_loss", "status_file", "cluster_name"])
def test_what_a_host_tells_as_a_fact_is_no_option(name):
    facts = {"ansible_facts": {name: "touch /tmp/evaluated"}}
    found = read({**HOST, name: "touch /tmp/evaluated", **facts}, lambda value: value)
    assert found.wrong[name].startswith(f"{name} is told by the host itself, as a fact, which decides nothing: give it in the inventory")
    assert found.options[name] == read({other: value for other, value in HOST.items() if other != name}, lambda value: value).options[name]
    if name in SECRET:
        with pytest.raises(AnsibleError, match=f"{name} is told by the host itself"):
            secret(name, {name: "own", **facts}, lambda value: value)
        assert secret(name, {name: "own", "ansible_facts": {}}, lambda value: value) == "own"


@pytest.mark.parametrize(("value", "kind"), [(["hunter2"], "a list"), ({"hunter2": 1}, "a dictionary"), ([], "a list")])
def test_a_secret_that_is_no_text_is_refused_and_not_shown(value, kind):
    for name in SECRET:
        found, takes = desired(**{name: value}), SPEC[name]["type"]
        if takes == "dict" and kind == "a dictionary":
            assert (found.wrong, found.options[name]) == ({}, True)
            continue
        remedy = {"str": "a text", "dict": "a dictionary"}[takes]
        assert found.wrong == {name: f"{name}, which is secret, is {kind}: give {remedy}"}
        assert found.options[name] is None


def test_a_template_that_cannot_be_evaluated_is_told():
    def template(value):
        if value == "{{ nothing }}":
            raise AnsibleError("'nothing' is undefined")
        return value

    found = read({**HOST, "standby_timeout": "{{ nothing }}"}, template)
    assert found.wrong == {"standby_timeout": "standby_timeout cannot be evaluated: 'nothing' is undefined: correct the template"}


@pytest.mark.parametrize(
    ("changes", "role", "directory"),
    [
        ({}, "coordinator", "/data/whpg/v7/coordinator/gpseg-1"),
        ({}, "standby", "/data/whpg/v7/standby/gpseg-1"),
        ({"whpg_seg_prefix": "default"}, "standby", "/data/whpg/v7/standby/gpseg-1"),
        ({"whpg_seg_prefix": "edb"}, "coordinator", "/data/whpg/v7/coordinator/edb-1"),
        ({"whpg_use_versioned_directories": "false"}, "coordinator", "/data/whpg/coordinator/gpseg-1"),
        ({"whpg_use_versioned_directories": False}, "standby", "/data/whpg/standby/gpseg-1"),
        # which EDB's playbooks override
        ({"whpg_standby_data_directory": "/elsewhere"}, "standby", "/data/whpg/v7/standby/gpseg-1"),
        ({"discovery_standby_directory": "/elsewhere"}, "standby", "/elsewhere/gpseg-1"),
        ({"discovery_coordinator_directory": "/elsewhere"}, "coordinator", "/elsewhere/gpseg-1"),
        ({"discovery_data_directory": "/elsewhere/it"}, "coordinator", "/elsewhere/it"),
        ({}, "segment", None),
    ],
)
def test_directories_are_where_the_playbooks_of_the_product_make_them(changes, role, directory):
    found = desired(**changes, whpg_role=role)
    assert (found.options["discovery_data_directory"], found.wrong) == (directory, {})


@pytest.mark.parametrize("prefix", ["default", "gpseg", None])
def test_a_single_node_has_a_prefix_of_its_own(prefix):
    found = read({**HOST, "whpg_seg_prefix": prefix}, lambda value: value, lambda: True)
    assert found.options["discovery_data_directory"] == "/data/whpg/v7/coordinator/gpsne-1"


#: of the form of the example of the product
CLUSTERS = yaml.safe_load((Path(__file__).parents[5] / "molecule/adopt/edb/clusters.yml").read_text())["whpg_clusters"]["children"]
GROUPS = {"whpg_clusters": [host for found in CLUSTERS.values() for host in found["hosts"]]}
GROUPS.update({group: list(found["hosts"]) for group, found in CLUSTERS.items()})
KNOWN = {
    host: {**found["vars"], **own, "inventory_hostname": host, "group_names": ["whpg_clusters", group], "groups": GROUPS}
    for group, found in CLUSTERS.items()
    for host, own in found["hosts"].items()
}


@pytest.mark.parametrize(
    ("host", "directory"),
    [
        ("cdw2", "/data/single/v7/coordinator/gpsne-1"),
        ("cdw", "/data/whpg/v7/coordinator/gpseg-1"),
        ("scdw", "/data/whpg/v7/standby/gpseg-1"),
        ("sdw1", None),
        ("sdw1-ic", "/data/two/v7/coordinator/gpseg-1"),
        ("cdw-ic", None),
    ],
)
def test_an_inventory_of_the_form_of_the_product_leads_to_what_its_playbooks_make(host, directory):
    variables = {**KNOWN[host], "hostvars": KNOWN}
    found = read(variables, lambda value: value, lambda: is_single(variables))
    assert found.wrong == {}
    assert (found.options["discovery_data_directory"], found.options["whpg_port"], found.options["discovery_port"]) == (
        directory,
        5432,
        5432,
    )
    assert found.options["discovery_passfile"] == f"~/.whpg/{KNOWN[host]['cluster_name']}.pgpass"


def test_that_inventory_has_the_variables_of_the_example_and_none_more():
    for group, found in CLUSTERS.items():
        assert set(found) == {"vars", "hosts"} and group == f"cluster_{found['vars']['cluster_name']}"
        assert set(found["vars"]) == {"cluster_name", "whpg_cluster_name", "whpg_data_directory"}
        assert all(set(own) == {"whpg_role"} for own in found["hosts"].values())
    assert {group: names_standby(found["hosts"]) for group, found in CLUSTERS.items()} == {
        "cluster_single": False,
        "cluster_demo": True,
        "cluster_two": False,
    }


def test_the_inventory_needs_no_more_than_the_example_of_the_product():
    found = desired(whpg_cluster_name="demo").options
    assert {
        name: found[name] for name in ("whpg_port", "discovery_port", "discovery_user", "discovery_greenplum_path", "discovery_become")
    } == {
        "whpg_port": 5432,
        "discovery_port": 5432,
        "discovery_user": "gpadmin",
        "discovery_greenplum_path": "/usr/local/greenplum-db/greenplum_path.sh",
        "discovery_become": True,
    }


@pytest.mark.parametrize(
    ("given", "name", "value"),
    [
        ({"ansible_user": "gpadmin"}, "discovery_become", False),
        ({"ansible_user": "admin", "discovery_user": "admin"}, "discovery_become", False),
        ({"WHPG_UNIX_USER": "whpg"}, "discovery_user", "whpg"),
        ({"cluster_name": 7}, "discovery_passfile", "~/.whpg/7.pgpass"),
        ({}, "discovery_lock_file", "~/.whpg/demo.lock"),
        ({}, "rejoin_report_file", "~/.whpg/demo.discarded.jsonl"),
        ({"standby_slot_name": "mine"}, "disable_mirroring_slot_name", "mine"),
        ({"standby_slot_name": "mine"}, "activate_standby_slot_name", "mine"),
        ({"standby_slot_name": "mine", "release_slot_name": "other"}, "release_slot_name", "other"),
        ({"standby_retention_limit": "20GB"}, "discovery_retention_limit", "20GB"),
        ({"standby_port": "6432"}, "discovery_port", 6432),
        ({"whpg_port": "5433"}, "discovery_port", 5433),
        ({"standby_replication_user": "r"}, "discovery_replication_user", "r"),
        (
            {"disable_mirroring_replication_user": "r", "discovery_role": "disable_mirroring"},
            "discovery_replication_user",
            "r",
        ),
        ({"status_format": "quiet", "discovery_role": "status"}, "discovery_display", "quiet"),
        ({"status_format": "quiet", "discovery_role": "standby"}, "discovery_display", None),
    ],
)
def test_what_follows_from_other_options(given, name, value):
    assert desired(**given).options[name] == value


def test_files_on_the_controller_are_in_the_home_directory_there(monkeypatch):
    monkeypatch.setenv("HOME", "/home/operator")
    assert desired().options["activate_standby_result_file"] == "/home/operator/.whpg/demo.activation.json"
    assert desired().options["status_samples_file"] == "/home/operator/.whpg/demo.samples.jsonl"
    assert desired(switchover_audit_file="~/audit").options["switchover_audit_file"] == "/home/operator/audit"


def test_what_a_role_cannot_do_without():
    assert desired(discovery_role="maintenance").wrong == {"maintenance": "maintenance is missing: give true or false"}
    assert "maintenance" in of_pair("maintenance") and "maintenance" not in of_pair("standby")


def test_an_option_is_read_before_the_others():
    variables = {**HOST, "discovery_become": "false", "discovery_user": "{{ user }}", "standby_rejoins": "yes"}

    def look(name):
        return options.option(name, variables, lambda value: "whpg" if value == "{{ user }}" else value)

    assert (look("discovery_become"), look("discovery_user"), look("standby_rejoins")) == (False, "whpg", True)
    assert (look("discovery_lock_file"), look("whpg_role")) == ("~/.whpg/demo.lock", "coordinator")


def told(**changes):
    return {"cdw": desired(), "scdw": desired(**changes)}


def unlike(role, **changes):
    return disagreement(role, {host: found.options for host, found in told(**changes).items()})


def test_hosts_of_a_pair_agree_on_what_concerns_it():
    assert unlike("standby", standby_port="5432") == [
        "cdw and scdw have different variables for this role, standby_port is None and 5432: "
        "give both the same, among the variables of their group"
    ]
    assert unlike("standby", standby_timeout="60.0", whpg_role="standby", whpg_port=5433, discovery_probe_timeout=1) == []
    assert unlike("standby", switchover_timeout=7) == [] != unlike("switchover", switchover_timeout=7)
    assert len(unlike("status", discovery_user="whpg")) == 1


RIGHT = [
    {"standby_slot_name": "a" * 63},
    {"standby_replication_user": "ü" * 31},
    {"standby_timeout": "0.5"},
    {"standby_commit_timeout": "10"},
    {"standby_commit_timeout": 1.0},
    {"standby_port": "5433"},
    {"standby_port": 1, "standby_replication_user": "r"},
    {"standby_port": 65535},
    {"standby_retention_limit": "20GB"},
    {"standby_max_latency": 1},
    {"standby_max_latency": "60000"},
    {"standby_max_rate": "32"},
    {"standby_max_rate": 32},
    {"standby_max_rate": "32k"},
    {"standby_max_rate": "1024M"},
    {"standby_addresses": ["10.0.0.12", "10.0.0.0/24", "fd00::/64"]},
    {"standby_hostname": "scdw-1.example.org", "standby_address": "fd00::12", "standby_primary_host": "cdw_ic"},
    {"standby_hostname": "scdw.", "standby_address": "fe80::12%eth0", "standby_primary_host": "10.0.0.11", "whpg_hostname": "7cdw"},
    {"WHPG_UNIX_USER": "EXAMPLE\\gp.admin", "discovery_user": "gp-admin@example.org"},
    {"whpg_seg_prefix": "g.p-seg_1", "discovery_standby_directory": "/data/second place"},
    {"standby_connection": {"connect_timeout": 5}},
    {"standby_tls": {"sslmode": "require"}},
    {"standby_tls": CERTIFICATE, "standby_clientcert": "verify-full"},
    {"standby_tls": CERTIFICATE, "standby_replication_auth": "cert"},
    {"standby_accepted_differences": SPEC["standby_accepted_differences"]["choices"]},
    {"standby_tablespace_mapping": {"/fast": "/slow"}},
    {"switchover_drain_seconds": 0},
    {"activate_standby_floating_address": "10.0.0.100/24", "activate_standby_floating_interface": "eth0"},
    {"status_file": "/tmp/status.json", "status_html": "/tmp/status.html", "status_metrics": "/tmp/whpg.prom"},
]


@pytest.mark.parametrize("changes", RIGHT)
def test_takes_what_is_right(changes):
    assert desired(**changes).wrong == {}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"standby_slot_name": "Standby"}, "slot_name is 'Standby': give up to 63 lower-case letters, digits and underscores"),
        ({"standby_slot_name": ""}, "slot_name is '': give up to 63"),
        ({"standby_slot_name": "a" * 64}, f"slot_name is '{'a' * 64}': give up to 63"),
        (
            {"standby_slot_name": "internal_wal_replication_slot"},
            "slot_name is 'internal_wal_replication_slot', a slot that the engine drops",
        ),
        (
            {"standby_replication_user": "pg_standby"},
            "replication_user is 'pg_standby': give the name of a role, up to 63 bytes, that does not",
        ),
        ({"standby_replication_user": ""}, "replication_user is '': give the name of a role"),
        ({"standby_replication_user": "ü" * 32}, f"replication_user is '{'ü' * 32}': give the name of a role"),
        ({"standby_replication_user": "a\nb"}, "replication_user is 'a\\nb': give the name of a role"),
        ({"standby_timeout": 0}, "timeout is 0: give seconds above zero"),
        ({"standby_commit_timeout": 0}, "commit_timeout is 0: give whole seconds, 1 or more"),
        ({"standby_commit_timeout": "10s"}, "commit_timeout is '10s': give a whole number"),
        ({"standby_port": 0}, "port is 0: give a port, 1 to 65535"),
        ({"standby_port": 65536}, "port is 65536: give a port, 1 to 65535"),
        (
            {"standby_retention_limit": "20 GiB"},
            "retention_limit: '20 GiB' is no size of 1 MB or more: give a number with kB, MB, GB or TB",
        ),
        ({"standby_retention_limit": 0}, "retention_limit: '0' is no size"),
        ({"standby_max_latency": 0}, "max_latency is 0: give whole milliseconds, 1 to 60000"),
        ({"standby_max_latency": 60001}, "max_latency is 60001: give whole milliseconds"),
        ({"standby_max_latency": "20 ms"}, "max_latency is '20 ms': give a whole number"),
        ({"standby_max_rate": "31k"}, "max_rate is '31k': give 32k to 1024M, kilobytes or megabytes a second"),
        ({"standby_max_rate": "1025M"}, "max_rate is '1025M': give 32k to 1024M"),
        ({"standby_max_rate": "9" * 5000}, f"max_rate is '{'9' * 5000}': give 32k to 1024M, kilobytes or megabytes a second"),
        ({"standby_max_rate": "1G"}, "max_rate is '1G': give 32k to 1024M"),
        ({"standby_max_rate": ""}, "max_rate is '': give 32k to 1024M"),
        (
            {"standby_addresses": ["scdw"]},
            "addresses has 'scdw', which is no address: give IPv4 or IPv6 addresses, with or without the length",
        ),
        ({"standby_addresses": ["10.0.0.1/33"]}, "addresses has '10.0.0.1/33', which is no address"),
        ({"standby_hostname": "s cdw"}, "hostname is 's cdw': give the name or address of a host"),
        ({"standby_address": ""}, "address is '': give the name or address of a host"),
        ({"standby_primary_host": "cdw;"}, "primary_host is 'cdw;': give the name or address of a host"),
        ({"standby_connection": {"host": "cdw"}}, "connection has 'host': there can be connect_timeout, gssencmode, keepalives,"),
        ({"standby_connection": {"sslmode": "require"}}, "connection has 'sslmode': give it in standby_tls"),
        ({"standby_connection": {"keepalives": "often"}}, "connection has keepalives 'often': give a whole number"),
        (
            {"standby_connection": {"keepalives": "\N{ARABIC-INDIC DIGIT ONE}"}},
            "connection has keepalives '\N{ARABIC-INDIC DIGIT ONE}': give",
        ),
        ({"standby_tls": {**CERTIFICATE, "keepalives": 1}}, "tls has 'keepalives': there can be sslcert,"),
        ({"standby_tls": {"sslmode": "prefer"}}, "tls has sslmode 'prefer': give one of require, verify-ca, verify-full"),
        ({"standby_tls": {"sslrootcert": "/ca.crt"}}, "tls has sslmode None: give one of require, verify-ca, verify-full"),
        (
            {"standby_tls": {"sslmode": "verify-ca"}},
            "tls has sslmode 'verify-ca' without sslrootcert: give the certificate of the authority",
        ),
        ({"standby_clientcert": "verify-ca"}, "clientcert is 'verify-ca', and standby_tls has no sslcert and sslkey: give the files"),
        ({"standby_replication_auth": "cert"}, "replication_auth is 'cert', and standby_tls has no sslcert and sslkey: give the files"),
        (
            {"standby_tls": {**CERTIFICATE, "sslkey": "~/s.key"}},
            "tls has sslkey '~/s.key': give an absolute path, the engine knows no home",
        ),
        ({"standby_tablespace_mapping": {"fast": "/slow"}}, "tablespace_mapping has 'fast': give absolute paths"),
        ({"standby_tablespace_mapping": {"/fast": "slow"}}, "tablespace_mapping has 'slow': give absolute paths"),
    ],
)
def test_each_mistake_is_told_with_value_and_remedy(changes, said):
    (found,) = desired(**changes).wrong.values()
    assert found.startswith(f"standby_{said}")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"whpg_port": 70000}, "whpg_port is 70000: give a port, 1 to 65535"),
        ({"whpg_data_directory": "data"}, "whpg_data_directory is 'data': give an absolute path"),
        ({"discovery_standby_directory": "standby"}, "discovery_standby_directory is 'standby': give an absolute path"),
        ({"whpg_seg_prefix": "gp/seg"}, "whpg_seg_prefix is 'gp/seg': give the prefix of the instances' directories, such as gpseg"),
        ({"whpg_seg_prefix": "gp seg"}, "whpg_seg_prefix is 'gp seg': give the prefix of the instances' directories, such as gpseg"),
        ({"whpg_data_directory": "/"}, "whpg_data_directory is '/', the root of the file system: give a directory below it"),
        ({"discovery_data_directory": "/data/.."}, "discovery_data_directory is '/data/..', the root of the file system"),
        ({"greenplum_path": "greenplum_path.sh"}, "greenplum_path is 'greenplum_path.sh': give an absolute path"),
        ({"discovery_greenplum_path": "~/greenplum_path.sh"}, "discovery_greenplum_path is '~/greenplum_path.sh': give an absolute path"),
        ({"WHPG_UNIX_USER": "the user"}, "WHPG_UNIX_USER is 'the user': give the name of a user on the hosts"),
        ({"discovery_user": "-u"}, "discovery_user is '-u': give the name of a user"),
        ({"standby_address": "scdw:5432"}, "standby_address is 'scdw:5432': give the name or address of a host, without a port"),
        ({"standby_address": "10.0.0.256"}, "standby_address is '10.0.0.256': give the name or address of a host"),
        ({"standby_primary_host": "-cdw"}, "standby_primary_host is '-cdw': give the name or address of a host"),
        ({"whpg_hostname": "cdw..org"}, "whpg_hostname is 'cdw..org': give the name or address of a host"),
        ({"whpg_address": f"{'a' * 63}." * 4}, "whpg_address is 'aaa"),
        ({"status_html": "/"}, "status_html is '/', a directory on the controller: name a file"),
        ({"drill_result_file": "/tmp"}, "drill_result_file is '/tmp', a directory on the controller: name a file"),
        ({"switchover_result_file": "/tmp"}, "switchover_result_file is '/tmp', a directory on the controller: name a file"),
        ({"whpg_addresses": ["scdw"]}, "whpg_addresses has 'scdw', which is no address: give IPv4 or IPv6 addresses"),
        ({"whpg_addresses": ["fe80::1%eth0"]}, "whpg_addresses has 'fe80::1%eth0', which is no address"),
        ({"activate_standby_slot_name": "Slot"}, "activate_standby_slot_name is 'Slot': give up to 63"),
        ({"activate_standby_floating_address": "10.0.0.100"}, "activate_standby_floating_address: "),
        ({"activate_standby_floating_interface": "eth0"}, "activate_standby_floating_interface is 'eth0' without"),
        ({"switchover_drain_seconds": -1}, "switchover_drain_seconds is -1: give seconds, 0 or more"),
        (
            {"status_file": "/nowhere/status.json"},
            "status_file is /nowhere/status.json, and /nowhere is no directory on the controller: make it",
        ),
        ({"status_metrics": "/nowhere/whpg.prom"}, "status_metrics is /nowhere/whpg.prom, and /nowhere is no directory on the controller"),
        ({"status_metrics": "/tmp/whpg.txt"}, "status_metrics is /tmp/whpg.txt: give a name that ends with .prom, node_exporter reads no"),
        (
            {"standby_replication_user": "gpadmin", "disable_mirroring_replication_user": "r"},
            "standby_replication_user is 'gpadmin', the engine's",
        ),
        ({"disable_mirroring_replication_user": "gpadmin"}, "disable_mirroring_replication_user is 'gpadmin', the engine's own superuser"),
    ],
)
def test_mistakes_in_the_options_of_other_roles(changes, said):
    (found,) = desired(**changes).wrong.values()
    assert found.startswith(said)


def test_all_mistakes_are_told_at_once():
    found = desired(standby_slot_name="", standby_port=0, standby_tls={"sslmode": "verify-ca", "sslcert": "s.crt"}).wrong
    assert set(found) == {"standby_slot_name", "standby_port", "standby_tls"} and found["standby_tls"].count("; ") == 1


#: texts that look like a value of some type, and that a function which reads values may stumble over
HARD = [
    "1e999999999",
    "9" * 5000,
    "-0",
    "1e308",
    "NaN",
    "0x10",
    "٣",
    "²",
    "\0",
    "/a\0b",
    "~\0",
    "~nobody-of-this-name/file",
    "${HOME}/file",
    "\udcff",
    "/\udcff",
    "a\nb",
    "[" * 5000,
    '{"a":' * 5000,
    "[1, [2]]",
    "[null]",
    "[",
    "{",
    "{}",
    "[]",
    "{1: 2, 'a': 3}",
    "{None: None}",
    '{"a": "\\u0000"}',
    '["\\u0000"]',
    '{"sslmode": ["require"], "sslcert": 7}',
    '{"keepalives": {"a": 1}}',
    "a=b, c",
    "=",
    ",",
    "{{ braces }}",
    "10.0.0.1/99999999999999999999",
    "9" * 5000 + "GB",
    "9" * 5000 + "M",
    "fe80::1%eth0",
]
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda one: st.lists(one) | st.dictionaries(st.text(), one)
)
TEXT = st.one_of(
    st.text(st.characters(codec=None)),
    st.sampled_from(HARD),
    VALUE.map(json.dumps),
    st.builds("{}{}".format, st.sampled_from(["/", "~", "10.0.0.1", "1", "-1.", "a=", "[", "{"]), st.text()),
)
CLASSES = {"bool": bool, "int": int, "float": float, "list": list, "dict": dict}


def forms(text):
    """What a message may show of a text: as it is, or what it says as JSON, or a part of that."""
    yield text.strip()
    yield from (part.strip() for part in [*text.split(","), *re.split("[,=]", text)])
    with contextlib.suppress(ValueError):
        yield int(text)
    waiting = []
    with contextlib.suppress(ValueError, RecursionError):
        waiting.append(json.loads(text))
    while waiting:
        value = waiting.pop()
        yield value
        yield str(value)  # as an element of a list of texts
        waiting += [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []


def check_taken_or_refused(name, text):
    found = desired(**{name: text})
    json.dumps([found.options, found.wrong]).encode()
    assert all(isinstance(said, str) and said.startswith(about) for about, said in found.wrong.items())
    if name in SECRET:
        assert found.options[name] is bool(text)
    elif name in found.wrong:
        said = found.wrong[name]
        shown = {repr(text), text, *(repr(form) for form in forms(text))}
        if SPEC[name]["type"] == "int":  # 7. is one
            shown |= {str(int(form)) for form in map(as_float, forms(text)) if form is not None and form.is_integer()}
        if SPEC[name]["type"] == "path" and "\0" not in text:
            shown.add(os.path.expanduser(os.path.expandvars(text)))
        if SPEC[name]["type"] == "float":
            shown |= {f"{form:g}" for form in map(as_float, forms(text)) if form is not None}
        assert any(one[:150] in said for one in shown if one), said  # of a long one, the beginning
    else:
        value = found.options[name]
        assert value is None or isinstance(value, CLASSES.get(SPEC[name]["type"], str))
        assert not isinstance(value, float) or math.isfinite(value)
        if SPEC[name].get("choices"):
            assert value is None or set(value if isinstance(value, list) else [value]) <= {*SPEC[name]["choices"]}


def as_float(value):
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


@pytest.mark.parametrize("text", HARD)
def test_every_option_takes_or_refuses_a_text_that_is_hard_to_read(text):
    for name in SPEC:
        check_taken_or_refused(name, text)


@given(st.sampled_from(sorted(SPEC)), TEXT)
@example("standby_port", "1e999999999")
def test_every_option_takes_any_text_or_refuses_it_by_name_and_value(name, text):
    check_taken_or_refused(name, text)
