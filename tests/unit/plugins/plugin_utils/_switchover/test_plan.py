# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.observations import OBSERVATION
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.pair import assess
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.scenes import scene_of
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._switchover.plan import make
from hypothesis import given
from hypothesis import strategies as st

from ..desired import with_options
from ..losses import DOWN, PROMOTED, UNKNOWN
from ..observed import CONTROL, MIRRORED, SEGMENTS, VARIABLES, changed, planned, shown, unlogged

CONNECTION = "host=scdw,cdw port=5432,5432 target_session_attrs=read-write"
CUT_OFF = "switchover to scdw"


def plan(found, *changes, variables=None, **options):
    variables = variables or VARIABLES
    found = changed(found, *changes)
    pair = assess("demo", variables, found)
    hostvars = {host: {**known, OBSERVATION: found.get(host)} for host, known in variables.items()}
    return planned(make(scene_of("demo", with_options(pair, "switchover", options), hostvars)))


def cut_off(found, *hosts):
    return changed(found, *((f"{host} unfinished", CUT_OFF) for host in hosts))


#: the primary was shut down by a run that was cut off
STOPPED = changed(
    cut_off(DOWN, "cdw", "scdw"),
    ("cdw instance control", {**shown(CONTROL), "state": "shut down"}),
    ("cdw instance start_block", "FENCED_scdw_is_primary.conf"),
)
#: and the standby promoted
SWAPPED = {**cut_off(PROMOTED, "scdw"), "cdw": STOPPED["cdw"]}


@pytest.mark.parametrize("to", ["", "scdw"])
def test_a_mirrored_pair_swaps_roles(to):
    made = plan(MIRRORED, to=to)
    assert (made.refusal, made.begin, made.primary, made.standby) == ("", True, "cdw", "scdw")
    assert not (made.done or made.resume or made.roll_back or made.promoted)
    assert (made.access, made.floating, made.follows, made.connection) == ({}, {}, False, CONNECTION)


def test_where_the_wished_host_is_primary_nothing_is_done():
    made = plan(MIRRORED, to="cdw")
    assert (made.done, made.begin, made.resume, made.roll_back, made.refusal) == ("cdw", False, False, False, "")
    assert made.connection == "host=cdw,scdw port=5432,5432 target_session_attrs=read-write"


def test_clients_are_pointed_to_the_new_primary():
    made = plan(MIRRORED, floating_address="10.0.0.100/24")
    assert (made.floating, made.follows) == ({"scdw": "present", "cdw": "absent"}, True)
    assert plan(MIRRORED, post_tasks="/tasks.yml").follows and not plan(MIRRORED, post_tasks="/tasks.yml", to="cdw").follows


LACKS_STANDBY = [rule for rule in SEGMENTS if "10.0.0.12" not in rule]


@pytest.mark.parametrize(
    ("found", "options", "words"),
    [
        (DOWN, {}, "the pair is primary_down, not mirrored"),
        (UNKNOWN, {}, "cdw is unknown, unreachable: timed out: make it reachable"),
        (
            changed(MIRRORED, ("sdw1", None)),
            {},
            "sdw1 is unknown, it took no part in this run: run it for all hosts",
        ),
        (changed(MIRRORED, ("cdw primary walsender", None)), {}, "degraded, not mirrored"),
        (changed(MIRRORED, ("cdw primary probe replayed", False)), {}, "degraded, not mirrored"),
        (changed(MIRRORED, ("sdw1 access /m0", LACKS_STANDBY)), {}, "the segments on sdw1 do not allow scdw access: run enable_mirroring"),
        (changed(MIRRORED, ("sdw1 access /p0", None)), {}, "the segments on sdw1 do not allow scdw access: run enable_mirroring"),
        (changed(MIRRORED, ("scdw installation libraries", [])), {}, "scdw could not serve as the primary does"),
        (changed(MIRRORED, ("scdw maintenance", {"by": "u", "since": 1.0, "reason": "disks"})), {}, "maintenance"),
        (MIRRORED, {"to": "sdw1"}, "switchover_to is 'sdw1': name a coordinator host of the inventory, cdw, scdw"),
        (MIRRORED, {"drain_then": "kill"}, "switchover_drain_then is 'kill'"),
        (MIRRORED, {"drain_seconds": -1}, "switchover_drain_seconds is -1"),
        (MIRRORED, {"timeout": 0}, "switchover_timeout is 0"),
        (MIRRORED, {"transaction_seconds": "long"}, "switchover_transaction_seconds is 'long'"),
    ],
)
def test_what_hinders_is_said_before_anything_is_begun(found, options, words):
    made = plan(found, **options)
    assert words in made.refusal
    assert not (made.begin or made.resume or made.roll_back or made.done)


def test_differences_that_are_accepted_do_not_hinder():
    assert plan(changed(MIRRORED, ("scdw installation libraries", [])), accepted_differences=["preload", "libraries"]).begin


@pytest.mark.parametrize(
    ("found", "to", "expected"),
    [
        (STOPPED, "", {"resume": True}),
        (STOPPED, "scdw", {"resume": True}),
        (STOPPED, "cdw", {"roll_back": True}),
        (SWAPPED, "", {"resume": True, "promoted": True}),
        (cut_off(MIRRORED, "scdw"), "", {"begin": True}),
        (cut_off(MIRRORED, "cdw", "scdw"), "cdw", {"roll_back": True}),
    ],
)
def test_what_was_cut_off_is_finished_or_rolled_back(found, to, expected):
    made = plan(found, to=to)
    assert (made.refusal, made.primary, made.standby) == ("", "cdw", "scdw")
    assert {name: True for name in ("begin", "resume", "roll_back", "promoted") if getattr(made, name)} == expected


def test_one_that_was_promoted_already_is_not_rolled_back():
    made = plan(SWAPPED, to="cdw")
    assert "finish it first" in made.refusal
    assert not (made.roll_back or made.resume)


def test_a_primary_that_crashed_meanwhile_is_not_for_a_switchover():
    made = plan(changed(STOPPED, ("cdw instance control state", "in production")))
    assert "primary_down, not mirrored" in made.refusal
    assert not (made.roll_back or made.resume)


@pytest.mark.parametrize(
    "changes",
    [
        [("cdw primary walsender", None)],
        [("scdw installation libraries", [])],
        [("sdw1 access /m0", LACKS_STANDBY)],
    ],
)
def test_what_was_cut_off_is_rolled_back_where_it_cannot_go_on(changes):
    """The primary may refuse sessions still."""
    made = plan(cut_off(MIRRORED, "cdw", "scdw"), *changes)
    assert made.refusal
    assert made.roll_back and not made.begin


@pytest.mark.parametrize(
    ("noted", "begun"),
    [
        ({}, False),
        ({"cdw": CUT_OFF}, True),
        ({"cdw": "switchover to cdw", "scdw": CUT_OFF}, True),
        ({"scdw": "switchover to gone"}, True),
        ({"scdw": "rejoin"}, False),
    ],
)
def test_what_an_earlier_run_may_have_armed_is_remembered(noted, begun):
    """Also where the notes contradict each other, and the pair is switched as if none were there."""
    made = plan(MIRRORED, *((f"{host} unfinished", note) for host, note in noted.items()))
    assert (made.begin, made.begun) == (True, begun)


CHANGES = st.lists(
    st.sampled_from(
        [
            ("cdw primary", None),
            ("scdw unfinished", CUT_OFF),
            ("cdw unfinished", CUT_OFF),
            ("cdw unfinished", "switchover to cdw"),
            ("scdw instance postmaster", None),
            ("scdw instance role", "primary"),
            ("cdw instance role", "standby"),
            ("cdw", {"unreachable": True, "msg": "gone"}),
            ("scdw", {"unreachable": True, "msg": "gone"}),
            ("sdw1", {"unreachable": True, "msg": "gone"}),
        ]
    ),
    max_size=4,
    unique_by=lambda change: change[0],
)


@given(st.sampled_from([MIRRORED, DOWN, STOPPED, SWAPPED, PROMOTED]), CHANGES, st.sampled_from(["", "cdw", "scdw"]))
def test_a_switchover_is_begun_on_a_mirrored_pair_alone_and_never_two_things_at_once(found, changes, to):
    changes = [change for change in changes if " " not in change[0] or "instance" in found[change[0].split()[0]]]
    changes.sort(key=lambda change: " " not in change[0])  # a host is lost with all that was seen of it
    made = plan(found, *changes, to=to)
    if made.begin:
        assert made.state == "mirrored" and made.standby != made.primary
    assert sum((made.begin, made.resume, made.roll_back, bool(made.done))) <= 1
    assert made.refusal or made.begin or made.resume or made.roll_back or made.done
    assert not (made.refusal and (made.begin or made.resume or made.done))
    if made.begin or made.resume or made.roll_back:
        assert {made.primary, made.standby} == {"cdw", "scdw"}
        assert not to or made.roll_back or made.standby == to


def test_what_is_wrong_with_options_is_told():
    said = plan(MIRRORED, timeout="soon", armed_seconds="inf", to="sdw1").refusal
    assert "switchover_timeout is 'soon': give seconds above zero; switchover_armed_seconds is inf: give seconds above zero" in said
    assert "switchover_to is 'sdw1': name a coordinator host of the inventory, cdw, scdw" in said


def test_what_the_standby_has_otherwise_is_brought_before():
    found = plan(MIRRORED, ("cdw unlogged", unlogged("8MB", key="a")), ("scdw unlogged", unlogged("4MB", own="b")))
    assert (found.begin, found.drift) == (True, ["key", "postgresql.conf"])
    first, second = found.warnings
    assert first.endswith("brought there before the switch")
    assert "work_mem and key" in first
    assert second.endswith("which is not brought there")
    assert "own" in second
    (said,) = plan(MIRRORED, ("cdw unlogged", {**unlogged("4MB"), "left_out": ["many"]}), ("scdw unlogged", unlogged("4MB"))).warnings
    assert said.startswith("not compared between cdw and scdw, nor brought there: many ")
