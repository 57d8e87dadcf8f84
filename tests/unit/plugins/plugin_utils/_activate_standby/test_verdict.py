# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import SegmentProcess
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._activate_standby.plan import make
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._activate_standby.verdict import decide
from hypothesis import given, settings
from hypothesis import strategies as st

from ..losses import BOTH_DOWN, DOWN, HUNG, PROMOTED, UNKNOWN, scene
from ..observed import VARIABLES, machine, shown, unlogged

FENCE = {"fence_segments": True}
CONFIRMED = {"confirm_down": "cdw"}
COMMAND = {"fence_command": True}

WAL = {
    "end": "0/300",
    "timeline": 1,
    "missing_bytes": 256,
    "commits": 2,
    "archive": "/salvage-demo/demo.tar.gz",
    "first_segment": "1",
    "why": "",
}
FENCED = {"fenced": True, "proof": "it is fenced", "changed": True}
STOPPED = {
    "start_blocked": True,
    "proof": "it is stopped",
    "changed": True,
    "stopped": True,
    "wal": {**WAL, "missing_bytes": 0, "archive": None},
}
NOT_FENCED = {"fenced": False, "proof": "", "changed": True}
NOT_STOPPED = {"start_blocked": False, "proof": "", "changed": True}
FAILED = {"failed": True, "msg": "neither nft\nnor iptables"}
LOST = {"unreachable": True, "msg": "timed out"}

TWO = {**VARIABLES, "sdw2": {"whpg_role": "segment"}}
UNKNOWN_OF_TWO = {**UNKNOWN, "sdw2": shown(machine("sdw2", "10.0.0.22", segments=(SegmentProcess("/p1", 6001),)))}


def demo(found, results, *changes, command=None, check_mode=False, variables=None, **options):
    """The verdict after the plan for a cluster was carried out with these results."""
    known = scene(found, *changes, variables=variables, **options)
    planned = make(known, [])
    assert planned.refusal == ""
    return decide(known, planned, results, command or {}, check_mode)


@pytest.mark.parametrize(
    ("found", "options", "results", "allowed", "words"),
    [
        (DOWN, {}, {"cdw": STOPPED}, True, "the instance on cdw was seen stopped"),
        (DOWN, {}, {"cdw": NOT_STOPPED}, False, "or confirm that it is down; cdw: it is not start-blocked"),
        (DOWN, {}, {"cdw": FAILED}, False, "cdw: neither nft nor iptables"),
        (DOWN, {}, {"cdw": LOST}, False, "cdw: unreachable: timed out"),
        (DOWN, {}, {}, False, "cdw: nothing was done there"),
        (DOWN, CONFIRMED, {"cdw": FAILED}, True, "the operator confirms that cdw is down"),
        (HUNG, CONFIRMED, {"cdw": STOPPED}, True, "cdw was stopped for good, with the operator's confirmation"),
        (BOTH_DOWN, {"both_down": True}, {"cdw": STOPPED}, True, "the instance on cdw was seen stopped"),
        (BOTH_DOWN, {"both_down": True}, {"cdw": FAILED}, False, "cdw: neither nft nor iptables"),
        (UNKNOWN, FENCE, {"sdw1": FENCED}, True, "cdw is fenced"),
        (UNKNOWN, FENCE, {"sdw1": NOT_FENCED}, False, "sdw1: it is not fenced"),
        (UNKNOWN, FENCE, {"sdw1": LOST}, False, "sdw1: unreachable: timed out"),
        (UNKNOWN, FENCE, {}, False, "sdw1: nothing was done there"),
        (UNKNOWN, {**FENCE, **CONFIRMED}, {"sdw1": FAILED}, True, "the operator confirms that cdw is down"),
        (UNKNOWN, CONFIRMED, {}, True, "the operator confirms that cdw is down"),
    ],
)
def test_what_was_proved_decides(found, options, results, allowed, words):
    verdict = demo(found, results, **options)
    assert verdict.allowed is allowed
    assert words in verdict.reason
    assert not allowed or verdict.proof


@pytest.mark.parametrize(
    ("first", "second", "quiet"),
    [
        ({"quiet_s": 20.5}, {"quiet_s": 17}, 17.0),
        ({"quiet_s": 20.5}, {"quiet_s": None}, 20.5),
        ({"quiet_s": None}, {"quiet_s": None}, None),
        # its sessions were ended by an earlier run
        ({"quiet_s": 20.5}, {}, None),
        *(({"quiet_s": 20.5}, {"quiet_s": hostile}, None) for hostile in (float("nan"), float("inf"), -1, "1", "x\n", [], True)),
    ],
)
def test_since_when_no_segment_heard_of_the_former_primary(first, second, quiet):
    fences = {"sdw1": {**FENCED, **first}, "sdw2": {**FENCED, **second}}
    verdict = demo(UNKNOWN_OF_TWO, fences, variables=TWO, **FENCE)
    assert (verdict.allowed, verdict.quiet_s) == (True, quiet)
    assert demo(DOWN, {"cdw": STOPPED}).quiet_s is None


def test_a_hung_primary_that_was_not_stopped_stays_where_it_is():
    for result in (NOT_STOPPED, FAILED, LOST, {}):
        assert not demo(HUNG, {"cdw": result}, **CONFIRMED).allowed


@pytest.mark.parametrize(
    ("results", "allowed"),
    [
        ({"sdw1": FENCED, "sdw2": FENCED}, True),
        ({"sdw1": FENCED, "sdw2": NOT_FENCED}, False),
        ({"sdw1": FENCED, "sdw2": LOST}, False),
        ({"sdw1": FENCED}, False),
    ],
)
def test_one_host_that_does_not_refuse_the_former_primary_is_enough(results, allowed):
    assert demo(UNKNOWN_OF_TWO, results, variables=TWO, **FENCE).allowed is allowed


@pytest.mark.parametrize(
    ("command", "allowed", "words"),
    [
        ({"rc": 0, "stdout": "off"}, True, "cdw is fenced"),
        (
            {"rc": 1, "msg": "non-zero return code", "stderr": "no such\noutlet"},
            False,
            "the fencing command: non-zero return code no such outlet",
        ),
        ({"rc": 124, "msg": "non-zero return code"}, False, "the fencing command: non-zero return code"),
        ({}, False, "the fencing command: nothing was done there"),
        (LOST, False, "the fencing command: unreachable: timed out"),
    ],
)
def test_a_command_proves_by_its_exit_code(command, allowed, words):
    verdict = demo(UNKNOWN, {}, command=command, **COMMAND)
    assert (verdict.allowed, words in verdict.reason) == (allowed, True)
    # one proof is enough
    assert demo(UNKNOWN, {"sdw1": FENCED}, command=command, **COMMAND, **FENCE).allowed


def test_what_can_be_fenced_counts_in_check_mode():
    assert demo(UNKNOWN, {"sdw1": NOT_FENCED}, check_mode=True, **FENCE).allowed
    assert demo(DOWN, {"cdw": NOT_STOPPED}, check_mode=True).allowed
    assert demo(UNKNOWN, {}, check_mode=True, **COMMAND).allowed
    assert not demo(UNKNOWN, {"sdw1": FAILED}, check_mode=True, **FENCE).allowed


def test_what_the_former_primary_s_disk_has_is_handed_on():
    verdict = demo(DOWN, {"cdw": {**STOPPED, "wal": WAL}})
    assert (verdict.exact_loss, verdict.archive) == (WAL, "/salvage-demo/demo.tar.gz")
    verdict = demo(DOWN, {"cdw": STOPPED})
    assert (verdict.exact_loss["missing_bytes"], verdict.archive) == (0, None)
    unknown = {**dict.fromkeys(WAL), "why": "there is no valid WAL"}
    verdict = demo(DOWN, {"cdw": {**STOPPED, "wal": unknown}})
    assert (verdict.exact_loss, verdict.archive) == (unknown, None)
    assert demo(DOWN, {"cdw": {**STOPPED, "wal": None}}).exact_loss is None
    assert demo(UNKNOWN, {"sdw1": FENCED}, **FENCE).exact_loss is None


def test_an_activation_that_was_cut_off_is_finished():
    verdict = demo(PROMOTED, {}, ("scdw unfinished", "activate_standby"))
    assert (verdict.allowed, verdict.reason) == (True, "scdw was promoted already")


of_coordinator = st.sampled_from([STOPPED, NOT_STOPPED, FAILED, LOST, None])
of_segments = st.sampled_from([FENCED, NOT_FENCED, FAILED, LOST, None])


@settings(max_examples=300)
@given(
    st.sampled_from([DOWN, HUNG, UNKNOWN_OF_TWO]),
    st.fixed_dictionaries({"cdw": of_coordinator, "sdw1": of_segments, "sdw2": of_segments}),
    st.sampled_from([{}, {"rc": 0}, {"rc": 1}, LOST]),
    st.sampled_from(["", "cdw"]),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["open", "silent"]),
)
def test_never_allowed_without_proof(found, by_host, command, confirmed, fence, commanded, port):
    variables = TWO if "sdw2" in found else VARIABLES
    options = {"confirm_down": confirmed, "fence_segments": fence, "fence_command": commanded}
    known = scene(found, ("sdw1 peers cdw", port), variables=variables, **options)
    planned = make(known, [])
    if planned.refusal:
        return
    if not decide(known, planned, by_host, command, False).allowed:
        return
    stopped = bool(planned.start_block) and by_host["cdw"] == STOPPED
    all_fenced = bool(planned.fences) and all(by_host[host] == FENCED for host in planned.fences)
    cut_off = planned.command and command.get("rc") == 0
    believed = confirmed == "cdw" and port == "silent"
    if found is HUNG:
        assert stopped and confirmed == "cdw"
    else:
        assert stopped or all_fenced or cut_off or believed


HERE = ("scdw unlogged", unlogged("4MB", own="b"))


def test_files_of_the_former_primary_are_brought():
    verdict = demo(DOWN, {"cdw": {**STOPPED, "unlogged": unlogged("8MB", key="a")}}, HERE)
    assert (verdict.drift, "not brought from cdw: own" in verdict.not_brought) == (["key", "postgresql.conf"], True)


def test_what_was_not_compared_is_said():
    there = {**unlogged("8MB"), "left_out": ["many"]}
    verdict = demo(DOWN, {"cdw": {**STOPPED, "unlogged": there}}, HERE)
    assert verdict.not_brought.startswith("not brought from cdw: own ")
    assert verdict.not_brought.endswith("; many (more than 1000 files, or not readable by the engine's user), not compared")


def test_where_the_former_primary_was_not_read_it_is_said_of_when_the_files_are():
    verdict = demo(UNKNOWN, {}, HERE, **CONFIRMED)
    assert verdict.drift == []
    assert "scdw has postgresql.conf of 1970-01-01T00:16:40Z, own of 1970-01-01T00:16:40Z" in verdict.not_brought


def test_in_check_mode_what_was_seen_before_tells_what_would_be_brought():
    verdict = demo(DOWN, {"cdw": NOT_STOPPED}, HERE, ("cdw unlogged", unlogged("8MB")), check_mode=True)
    assert verdict.drift == ["postgresql.conf"]
