# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.access import (
    AccessRule,
    change_block,
    first_block,
    mask,
    plan,
    plan_removal,
    read_files,
    rules_of,
)
from hypothesis import given
from hypothesis import strategies as st

RULE = AccessRule(type="host", database="replication", user="standby_replicator", address="10.0.0.12/32", method="scram-sha-256")
OTHERS = "# others\nlocal  all gpadmin  ident\r\nhost all all 0.0.0.0/0 md5\n\n@include"

lines = st.text(st.characters(exclude_categories=["Cs"]), max_size=200).filter(
    lambda text: "# BEGIN b" not in text and "# END b" not in text
)


def test_the_block_comes_first_and_the_rest_stays():
    assert change_block(OTHERS, "b", [RULE]) == f"# BEGIN b\n{RULE}\n# END b\n{OTHERS}"


@given(lines)
def test_others_stay_byte_for_byte(text):
    with_block = change_block(text, "b", [RULE])
    assert with_block.endswith(text)
    assert change_block(with_block, "b", [RULE]) == with_block
    assert change_block(with_block, "b", []) == text


def test_a_block_elsewhere_is_moved_to_the_front():
    assert change_block("x\n# BEGIN b\nold\n# END b\ny\n", "b", [RULE]) == f"# BEGIN b\n{RULE}\n# END b\nx\ny\n"


def test_another_block_is_no_block_of_ours():
    text = "# BEGIN c\nx\n# END c\n"
    assert change_block(text, "b", []) == text


@pytest.mark.parametrize("text", ["# BEGIN b\n", "# END b\n", "# BEGIN b\n# BEGIN b\n# END b\n# END b\n", "# END b\n# BEGIN b\n"])
def test_refuses_broken_markers(text):
    with pytest.raises(CoordinatorError, match="marker line"):
        change_block(text, "b", [RULE])


def test_a_rule_is_one_line_of_fields():
    assert str(AccessRule(type="local", database="all", user="all", address=None, method="peer")) == 'local\tall\t"all"\tpeer'
    assert (
        str(AccessRule(type="hostssl", database='a "b', user="c,d", address="::1/128", method="cert", options=("map=x",)))
        == 'hostssl\t"a ""b"\t"c,d"\t::1/128\tcert\tmap=x'
    )
    assert str(
        AccessRule(type="host", database="replication", user="r", address="samehost", method="ldap", options=('ldapprefix=a "b',))
    ).endswith('\tldapprefix="a ""b"')


def test_a_rule_for_everybody_names_nobody():
    assert str(AccessRule(type="host", database="all", user=None, address="all", method="reject")) == "host\tall\tall\tall\treject"


@pytest.mark.parametrize("name", ["all", "+x", "@x", "sameuser", "replication"])
def test_a_name_means_nothing_but_itself(name):
    assert str(AccessRule(type="host", database="all", user=name, address="samehost", method="trust")).split("\t")[2] == f'"{name}"'


@pytest.mark.parametrize(
    ("given_address", "written"),
    [("10.0.0.1", "10.0.0.1/32"), ("10.0.0.0/8", "10.0.0.0/8"), ("fe80::1", "fe80::1/128"), ("samehost", "samehost"), ("scdw", "scdw")],
)
def test_writes_addresses_with_the_length_of_their_mask(given_address, written):
    assert mask("host", given_address) == written


HOSTILE = [
    *(
        "fe80::1%eth0",
        "fe80::1%$(id)",
        "fe80::1%\n0.0.0.0/0 trust",
        "::1/128 trust\nhost all all ::/0",
        "a b",
        "a\nb",
        "@x",
        "+x",
        "a,b",
        '"x"',
        "",
    ),
    *('"x"', "", "::ffff:10.0.0.1/128", "256.1.1.1", "1.2.3", "#x"),
]


@pytest.mark.parametrize(
    ("type", "address"),
    [("host", None), ("local", "10.0.0.1"), *(("host", address) for address in ["10.0.0.999", "10.0.0.1/64", *HOSTILE])],
)
def test_refuses_what_is_no_address_of_a_rule(type, address):
    with pytest.raises(CoordinatorError):
        mask(type, address)


def test_local_rules_have_none():
    assert mask("local", None) is None


def test_reads_the_block_that_a_file_begins_with():
    text = change_block(OTHERS, "b", [RULE])
    assert first_block(text, "b") == [str(RULE)]
    assert first_block("x\n" + text, "b") is None
    assert first_block(OTHERS, "b") is None
    assert first_block("# BEGIN b\nx\n", "b") is None


def test_options_mean_a_rule_for_each_address():
    options = [
        {"database": "all", "user": "gpadmin", "addresses": ["10.0.0.11", "10.0.0.12"], "method": "trust"},
        {"type": "local", "database": "all", "user": "all", "addresses": [], "method": "peer", "options": ["map=x"]},
    ]
    assert [str(rule) for rule in rules_of(options)] == [
        'host\tall\t"gpadmin"\t10.0.0.11/32\ttrust',
        'host\tall\t"gpadmin"\t10.0.0.12/32\ttrust',
        'local\tall\t"all"\tpeer\tmap=x',
    ]


def test_a_rule_is_for_the_instances_that_it_names():
    options = [
        {"database": "replication", "user": "r", "addresses": ["::1"], "method": "cert", "data_directories": ["/c"]},
        {"database": "all", "user": "gpadmin", "addresses": ["::1"], "method": "trust", "data_directories": ["/p0", "/p1"]},
        {"database": "all", "user": "all", "addresses": ["::1"], "method": "md5"},
    ]
    users = {where: [rule.user for rule in rules_of(options, where)] for where in ("/c", "/p1", "/other")}
    assert users == {"/c": ["r", "all"], "/p1": ["gpadmin", "all"], "/other": ["all"]}


def test_a_rule_that_asks_for_a_certificate():
    options = [
        {
            "type": "hostssl",
            "database": "replication",
            "user": "r",
            "addresses": ["10.0.0.12"],
            "method": "scram-sha-256",
            "options": ["clientcert=verify-full"],
        }
    ]
    assert [str(rule) for rule in rules_of(options)] == ['hostssl\treplication\t"r"\t10.0.0.12/32\tscram-sha-256\tclientcert=verify-full']


@pytest.mark.parametrize("rule", [{"addresses": []}, {"addresses": ["10.0.0.300"]}, {"type": "local", "addresses": ["10.0.0.1"]}])
def test_options_that_can_be_no_rule_are_refused(rule):
    with pytest.raises(CoordinatorError):
        rules_of([{"database": "all", "user": "all", "method": "trust", **rule}])


RULES = [{"database": "all", "user": "r", "addresses": ["::1"], "method": "trust", "data_directories": ["/c"]}]
NAME = "warehousepg.coordinator"
BLOCK = '# BEGIN warehousepg.coordinator\nhost\tall\t"r"\t::1/128\ttrust\n# END warehousepg.coordinator\n'


@pytest.mark.parametrize(
    ("text", "rules", "written"),
    [
        (OTHERS, RULES, BLOCK + OTHERS),
        (BLOCK + OTHERS, [], OTHERS),
        (BLOCK.replace("trust", "md5") + OTHERS, RULES, BLOCK + OTHERS),
        (BLOCK + OTHERS, RULES, None),
        (OTHERS, [], None),
    ],
)
def test_files_are_written_and_read_again_where_they_differ(text, rules, written):
    steps = [(step.name, dict(step.arguments)) for step in plan({"/c": text, "/other": OTHERS}, {NAME: rules})]
    assert steps == (
        [("write_rules", {"data_directory": "/c", "text": written}), ("reload", {"data_directory": "/c"})] if written is not None else []
    )


def test_blocks_that_change_together_are_written_once():
    (written, reloaded) = plan({"/c": OTHERS}, {NAME: RULES, f"{NAME} rewind": RULES})
    assert written.arguments["text"] == BLOCK.replace(NAME, f"{NAME} rewind") + BLOCK + OTHERS
    assert (written.name, reloaded.name) == ("write_rules", "reload")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (OTHERS, None),
        (BLOCK + OTHERS, OTHERS),
        (BLOCK.replace("coordinator", "coordinator rewind") + BLOCK + OTHERS, OTHERS),
        (OTHERS + "\n" + BLOCK, OTHERS + "\n"),
        # somebody else's
        (BLOCK.replace("coordinator", "coordinators"), None),
        (BLOCK.replace("warehousepg", "others"), None),
    ],
)
def test_all_blocks_of_ours_are_removed(text, written):
    steps = [(step.name, dict(step.arguments)) for step in plan_removal({"/c": text})]
    assert steps == (
        [("write_rules", {"data_directory": "/c", "text": written}), ("reload", {"data_directory": "/c"})] if written is not None else []
    )


def test_a_block_that_is_not_whole_is_not_removed():
    with pytest.raises(CoordinatorError, match="are not one pair"):
        plan_removal({"/c": BLOCK.partition("# END")[0]})


def test_an_access_file_that_is_missing_is_refused(tmp_path):
    (tmp_path / "pg_hba.conf").write_text(OTHERS, newline="")
    assert read_files([str(tmp_path)]) == {str(tmp_path): OTHERS}
    with pytest.raises(CoordinatorError, match="does not exist"):
        read_files([str(tmp_path), str(tmp_path / "nowhere")])


TEXTS = st.text() | st.sampled_from(HOSTILE)
PARTS = st.tuples(st.sampled_from(["host", "hostssl"]) | TEXTS, TEXTS, TEXTS, TEXTS, st.sampled_from(["trust", "cert"]) | TEXTS)


@given(PARTS, st.lists(TEXTS, max_size=2))
def test_whatever_the_parts_of_a_rule_are_it_is_one_line_that_means_them_or_it_is_refused(parts, options):
    try:
        rule = AccessRule(*parts, tuple(options))
    except CoordinatorError:
        return
    line = str(rule)
    assert len(line.splitlines()) == 1
    fields = line.split("\t")
    assert len(fields) == 5 + len(options)
    assert fields[2] == '"' + rule.user.replace('"', '""') + '"'
    assert re.fullmatch(r"[A-Za-z0-9_.:/-]+", fields[3])
