# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._switchover.plan import SwitchoverPlan
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._switchover.progress import Progress

BEGINS = "switchover to scdw"
PLAN = SwitchoverPlan("", "cdw", "scdw", begin=True)
FORWARD = {"switchover_verdict": {"way": "forward", "reason": "", "drift": ["pg_hba.conf"]}}
BACK = {"switchover_verdict": {"way": "back", "reason": "", "drift": []}}
PROMOTED = {**FORWARD, "switchover_activation": {"promoted": True}}
MIRRORED = {**PROMOTED, "standby_verification": {"primary": {"probe": {"replayed": True}}}}
FOLLOWS = {"primary": "scdw", "standby": "cdw", "to_change": ["state"]}
SERVES = {"switchover_return": {"running": True, "start_block": None}}


def progress(cdw=None, scdw=None, check_mode=False, follows=None, **plan):
    """By what was registered on its hosts, names without their underscores."""
    plans = {"standby_plans": {"clusters": {"demo": follows}}} if follows else {}
    hosts = {"cdw": cdw or {}, "scdw": {**plans, **(scdw or {})}}
    registered = {host: {f"__{name}": result for name, result in known.items()} for host, known in hosts.items()}
    return Progress(cluster="demo", plan=dataclasses.replace(PLAN, **plan), hosts=registered, lost=(), check_mode=check_mode)


@pytest.mark.parametrize(
    ("drift", "brought", "in_step"),
    [([], None, True), (["x"], None, False), (["x"], {"failed": True, "msg": "no"}, False), (["x"], {"brought": ["x"]}, True)],
)
def test_a_standby_is_armed_when_it_has_what_its_primary_has(drift, brought, in_step):
    assert progress(scdw={"switchover_brought": brought}, drift=drift).in_step is in_step
    assert progress(scdw={"switchover_brought": brought}, drift=drift, check_mode=True).in_step


def test_in_check_mode_what_would_be_packed_counts_as_packed():
    assert progress(check_mode=True).packed and not progress().packed
    assert progress(cdw={"switchover_packed": {"packed": 3}}).packed


@pytest.mark.parametrize(
    ("plan", "armed", "stops"),
    [
        ({}, {"armed": True}, True),
        ({}, {"failed": True, "msg": "no"}, False),
        ({}, None, False),
        ({"begin": False, "resume": True}, None, True),
        ({"begin": False, "resume": True, "promoted": True}, None, False),
        ({"begin": False}, None, False),
    ],
)
def test_a_primary_is_stopped_when_its_standby_is_armed_or_a_run_is_resumed(plan, armed, stops):
    found = progress(scdw={"switchover_armed": armed}, **plan)
    assert (found.stops, found.armed) == (stops, armed == {"armed": True})


@pytest.mark.parametrize(
    ("cdw", "scdw", "late", "packed_late"),
    [
        ({}, FORWARD, False, False),
        ({}, PROMOTED, True, False),
        ({"switchover_packed_late": {"packed": 3}}, PROMOTED, True, True),
        ({}, {**PROMOTED, **BACK}, False, False),
    ],
)
def test_what_was_changed_late_is_brought_after_the_promotion(cdw, scdw, late, packed_late):
    found = progress(cdw, scdw)
    assert (found.late, found.packed_late) == (late, packed_late)


@pytest.mark.parametrize(
    ("cdw", "scdw", "follows", "finished"),
    [
        ({}, MIRRORED, FOLLOWS, True),
        ({}, PROMOTED, FOLLOWS, False),
        ({}, PROMOTED, {**FOLLOWS, "to_change": []}, True),
        ({}, PROMOTED, {**FOLLOWS, "to_change": [], "refusal": "scdw is unknown"}, False),
        ({}, PROMOTED, {**FOLLOWS, "to_change": [], "left_alone": "it names no host for one"}, False),
        ({}, PROMOTED, None, False),
        ({}, {**MIRRORED, "switchover_activation": {"promoted": True, "msg": "no slot"}}, FOLLOWS, False),
        (SERVES, BACK, None, True),
        ({"switchover_return": {"running": True, "start_block": "by hand"}}, BACK, None, False),
        ({"switchover_return": {"failed": True, "msg": "no"}}, BACK, None, False),
        ({}, {}, None, False),
    ],
)
def test_a_switchover_is_finished_when_the_one_serves_and_the_other_follows(cdw, scdw, follows, finished):
    found = progress(cdw, scdw, follows=follows)
    assert found.finished() == ([BEGINS] if finished else [])
    assert progress(cdw, scdw, follows=follows, begin=False).finished() == []


@pytest.mark.parametrize(
    ("cdw", "scdw", "plan", "ended", "serving"),
    [
        ({}, {}, {}, "not_switched", "cdw"),
        ({"switchover_stopped": {"unreachable": True}}, {}, {}, "unconfirmed", None),
        ({}, {"switchover_verdict": {"way": "unknown", "reason": "no word"}}, {}, "unconfirmed", None),
        ({}, FORWARD, {}, "unconfirmed", None),
        ({}, PROMOTED, {}, "switched", "scdw"),
        ({}, FORWARD, {"begin": False, "resume": True, "promoted": True}, "switched", "scdw"),
        (SERVES, BACK, {}, "not_switched", "cdw"),
        ({"switchover_return": {"failed": True, "msg": "no"}}, BACK, {}, "unconfirmed", None),
    ],
)
def test_who_serves_is_told_as_far_as_it_is_known(cdw, scdw, plan, ended, serving):
    found = progress(cdw=cdw, scdw=scdw, **plan)
    assert (found.ended(), found.serving()) == (ended, serving)
