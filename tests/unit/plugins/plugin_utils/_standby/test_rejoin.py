# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.tablespaces import Tablespace
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.pair import assess
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.plan import make

from ... import instances
from ..desired import with_options
from ..observed import CONTROL, GIB, MIRRORED, PASSFILE, UNMIRRORED, VARIABLES, changed, coordinator, planned, seen, shown

FORMER = dataclasses.replace(
    instances.PRIMARY, data_directory="/s", control=CONTROL, postmaster=None, start_block="FENCED_cdw_is_primary.conf"
)

#: cdw was activated, scdw was the primary before and has nothing beyond
ACTIVATED = changed(
    {**UNMIRRORED, "scdw": coordinator("scdw", "10.0.0.12", FORMER)},
    ("cdw wal timeline", 2),
    ("cdw wal ancestors", [[1, "0/200"]]),
    ("cdw passfile", shown(PASSFILE)),
    ("cdw primary role", {"ready": True, "verified": True}),
)
DIVERGED = ("scdw wal reaches_lsn", "0/208")


def demo(found, *changes, **options):
    found = changed(found, *changes)
    return planned(make(with_options(assess("demo", VARIABLES, found), "standby", {"standby_rejoins": True, **options}), seen(found)))


def test_one_that_has_nothing_of_its_own():
    plan = demo(ACTIVATED)
    assert (plan.refusal, plan.primary, plan.standby, plan.copying, plan.look) == ("", "cdw", "scdw", False, {})
    assert plan.way["method"] == "start"
    assert (plan.rewind_rules, plan.fenced, plan.password_missing) == ([], [], False)
    assert plan.rejoin == {
        "method": "auto",
        "timeline": 2,
        "ancestors": [[1, "0/200"]],
        "oldest_lsn": "0/0",
        "tablespaces": [],
        "report_file": "~/.whpg/demo.discarded.jsonl",
    }
    assert plan.access["scdw"]["data_directories"] == ["/s"], "its rules are kept, and need the block"


def test_one_that_diverged():
    plan = demo(ACTIVATED, DIVERGED)
    assert (plan.way["method"], plan.copying) == ("rewind", False)
    assert plan.rewind_rules == [
        {
            "type": "host",
            "database": "postgres",
            "addresses": ["10.0.0.12"],
            "user": "standby_replicator",
            "method": "scram-sha-256",
            "options": [],
        }
    ]
    assert demo(ACTIVATED, DIVERGED, addresses=["10.9.0.0/24"]).rewind_rules[0]["addresses"] == ["10.9.0.0/24"]
    tls = {"sslmode": "require"}
    assert demo(ACTIVATED, DIVERGED, ("cdw primary needs ssl", True), tls=tls).rewind_rules[0]["type"] == "hostssl"


@pytest.mark.parametrize(
    "changes",
    [
        [("scdw instance control", None)],
        [("scdw instance control system_identifier", "2")],
        [("scdw instance directory_state", "other"), ("scdw instance names", ["base"])],
        [("scdw wal", None)],
        [DIVERGED, ("cdw tablespaces", [shown(Tablespace(oid=20, location="/fast", dbid=1, bytes=8))])],
        [("scdw instance directory_state", "absent"), ("scdw site rewinding", True)],
        [("cdw wal oldest_lsn", "0/8000000")],
        [("scdw wal doubts", ["0001 has 5 bytes instead of 64"])],
        [("scdw wal lost_checkpoint", "the latest checkpoint cannot be read")],
        [("scdw lacks", ["pg_xact"])],
    ],
    ids=[
        "no control file",
        "another system",
        "no instance",
        "no WAL",
        "a new tablespace",
        "cut off",
        "too old",
        "damaged WAL",
        "no checkpoint",
        "a missing file",
    ],
)
def test_one_that_has_to_be_copied(changes):
    plan = demo(ACTIVATED, *changes)
    foreign = ("scdw instance control system_identifier", "2") in changes
    assert (plan.refusal, plan.way["method"], plan.copying) == ("", "basebackup" if foreign else "changed_blocks", True)
    assert bool(plan.look) == any("tablespaces" in what for what, _value in changes)
    assert bool(plan.rewind_rules) is not foreign, "blocks are compared by functions"
    assert plan.access["scdw"]["data_directories"] == [], "what is set aside is not touched before"


def test_where_the_wal_of_a_copy_could_go_does_not_matter_without_one():
    assert demo(ACTIVATED, ("scdw wal_refusal", "pg_wal leads to /wal")).refusal == ""


def test_a_copy_needs_what_a_copy_needs():
    assert "MiB free" in demo(ACTIVATED, ("scdw site free", GIB), method="basebackup").refusal
    assert demo(ACTIVATED, ("scdw site free", GIB)).refusal == ""


@pytest.mark.parametrize(
    ("changes", "options", "said"),
    [
        ([], {"method": "best"}, "rejoin_method is 'best': give one of auto, rewind, changed_blocks, basebackup"),
        ([("cdw wal", None)], {}, "no valid WAL was seen"),
        ([("cdw wal timeline", None)], {}, "no valid WAL was seen"),
        ([("scdw wal timeline", 3), ("scdw wal ancestors", [[1, "0/100"]])], {}, "scdw: the instance in /s went on to timeline 3"),
        ([("scdw instance owner", "root")], {}, "belongs to root"),
        ([("scdw site writable", False)], {}, "cannot write there"),
        ([("scdw site engine_version", "postgres 11")], {}, "install the same version"),
        ([("scdw port_taken", True)], {}, "something else listens"),
        (
            [("scdw instance directory_state", "other"), ("scdw instance names", ["photo"])],
            {},
            "scdw: /s holds something that is no instance",
        ),
        ([("scdw busy", [7, 9])], {}, "scdw: processes of an instance still work in /s (7, 9), although it has no postmaster"),
        ([("scdw wal_refusal", "pg_wal leads to /wal")], {"method": "basebackup"}, "scdw: pg_wal leads to /wal"),
        (
            [("scdw site mount", True), ("scdw site mounts", ["/s/base"]), DIVERGED],
            {},
            "scdw: /s is a mount point, and so is /s/base in it",
        ),
        ([("scdw instance postmaster", MIRRORED["cdw"]["instance"]["postmaster"])], {}, "the primary was not seen to serve"),
    ],
)
def test_refusals(changes, options, said):
    plan = demo(ACTIVATED, *changes, **options)
    assert said in plan.refusal
    assert not plan.to_change


def test_a_pair_that_is_mirrored_stays_as_it_is():
    for method in ("auto", "rewind", "changed_blocks", "basebackup"):
        plan = demo(MIRRORED, method=method)
        assert (plan.refusal, plan.to_change, plan.way, plan.copying) == ("", [], {}, False)


def test_a_fence_that_is_left_is_lifted():
    fence = {"cluster": "demo", "addresses": ["10.0.0.12"], "ports": [6000], "tool": "nft"}
    plan = demo(MIRRORED, ("sdw1 fences", [fence, {**fence, "cluster": "beta"}]))
    assert (plan.to_change, plan.fenced) == (["fences"], ["sdw1"])
    assert demo(MIRRORED, ("sdw1 fences", [{**fence, "cluster": "beta"}])).to_change == []


def test_without_the_wish_a_former_primary_is_refused():
    plan = demo(ACTIVATED, standby_rejoins=False)
    assert "a primary of the same system is there" in plan.refusal


FILE = {"kind": "file", "size": 1, "check": "abcdef"}
OTHER = {**FILE, "check": "123456"}
FILES = (
    ("scdw files", {"gpbackup_history.db": FILE, "both": FILE, "pg_hba.conf": FILE}),
    ("cdw files", {"both": OTHER, "pg_hba.conf": OTHER}),
    ("scdw wal link", "/disk/wal"),
)


@pytest.mark.parametrize(
    ("changes", "options", "files"),
    [
        ([], {}, {}),
        ([DIVERGED], {}, {"kept": ["gpbackup_history.db"], "set_aside": ["both"], "wal_directory": None}),
        (
            [],
            {"rejoin_method": "basebackup"},
            {"kept": ["gpbackup_history.db"], "set_aside": ["both", "pg_hba.conf"], "wal_directory": "/disk/wal"},
        ),
    ],
)
def test_what_becomes_of_its_files_is_foreseen(changes, options, files):
    assert demo(ACTIVATED, *FILES, *changes, **options).files == files
