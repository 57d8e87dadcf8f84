# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._switchover.plan import SwitchoverPlan
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._switchover.verdict import BACK, FORWARD, UNKNOWN, decide, drift
from hypothesis import given
from hypothesis import strategies as st

from ..observed import MIRRORED, changed, seen, unlogged

PLAN = SwitchoverPlan("", "cdw", "scdw")
CUT_OFF = dataclasses.replace(PLAN, begun=True)
RESUMED = dataclasses.replace(PLAN, promoted=True)
WAL = {"end": "0/300", "timeline": 1, "why": ""}

NOTHING = {}
SKIPPED = {"skipped": True}
FAILED = {"failed": True, "msg": "it does not stop"}
HUNG = {"failed": True, "serves": True, "msg": "the shutdown hung"}
LOST = {"unreachable": True, "msg": "timed out"}

STOPPED = {"wal": WAL, "running": False}
STILL_UP = {"wal": None, "running": True}

DISARMED = {"disarmed": True, "promoted": False}
PROMOTED = {"disarmed": False, "promoted": True, "handover": {"error": ""}}
STUCK = {"disarmed": False, "promoted": False, "handover": {"error": "it does not leave recovery"}}
# the failure of these is left to the verdict
SILENT = {"failed": False, "disarmed": False, "promoted": False, "msg": "it did not say how that ended"}

REFUSED = {"failed": False, "promoted": False, "msg": "the standby is stopped"}
HALF = {"failed": False, "promoted": False, "failed_step": "promote", "msg": "it may still do so"}
KILLED = {"failed": False, "rc": 137, "module_stdout": "", "msg": "MODULE FAILURE"}
ACTIVE = {"promoted": True}
TROUBLED = {"failed": False, "promoted": True, "failed_step": "check_segments", "msg": "one does not answer"}


@pytest.mark.parametrize(
    ("plan", "stopped", "disarmed", "activation", "way", "words"),
    [
        (PLAN, STOPPED, PROMOTED, NOTHING, FORWARD, "scdw is primary"),
        (PLAN, LOST, PROMOTED, NOTHING, FORWARD, "scdw is primary"),
        (RESUMED, SKIPPED, LOST, NOTHING, FORWARD, "scdw is primary"),
        (PLAN, STOPPED, DISARMED, NOTHING, FORWARD, "cdw was seen shut down, its WAL ends at 0/300"),
        (PLAN, STOPPED, STUCK, NOTHING, FORWARD, "cdw was seen shut down"),
        (PLAN, SKIPPED, DISARMED, NOTHING, BACK, "nothing will promote it"),
        (PLAN, NOTHING, LOST, NOTHING, BACK, "nothing will promote it"),
        (PLAN, NOTHING, STUCK, NOTHING, UNKNOWN, "by the run that was cut off"),
        (PLAN, SKIPPED, SILENT, NOTHING, UNKNOWN, "did not say"),
        (PLAN, HUNG, LOST, NOTHING, BACK, "cdw serves again"),
        (PLAN, HUNG, DISARMED, NOTHING, BACK, "cdw serves again"),
        (PLAN, {**HUNG, "serves": False}, LOST, NOTHING, UNKNOWN, "timed out"),
        (PLAN, HUNG, STUCK, NOTHING, UNKNOWN, "not known what became"),
        (CUT_OFF, SKIPPED, LOST, NOTHING, UNKNOWN, "by the run that was cut off"),
        (CUT_OFF, NOTHING, SILENT, NOTHING, UNKNOWN, "did not say"),
        (CUT_OFF, SKIPPED, DISARMED, NOTHING, BACK, "nothing will promote it"),
        (PLAN, FAILED, DISARMED, NOTHING, BACK, "nothing will promote it"),
        (PLAN, LOST, DISARMED, NOTHING, BACK, "nothing will promote it"),
        (PLAN, STILL_UP, DISARMED, NOTHING, BACK, "nothing will promote it"),
        (PLAN, STOPPED, LOST, NOTHING, UNKNOWN, "of scdw timed out"),
        (PLAN, STOPPED, SILENT, NOTHING, UNKNOWN, "did not say"),
        (PLAN, FAILED, STUCK, NOTHING, UNKNOWN, "not known what became"),
        (PLAN, STOPPED, DISARMED, ACTIVE, FORWARD, "scdw is primary"),
        (PLAN, STOPPED, PROMOTED, TROUBLED, FORWARD, "scdw is primary"),
        (PLAN, STOPPED, DISARMED, REFUSED, BACK, "the standby is stopped"),
        (PLAN, STOPPED, STUCK, REFUSED, UNKNOWN, "may still be promoted: the standby is stopped"),
        (PLAN, STOPPED, PROMOTED, REFUSED, UNKNOWN, "the standby is stopped"),
        (RESUMED, SKIPPED, DISARMED, REFUSED, UNKNOWN, "the standby is stopped"),
        (PLAN, STOPPED, DISARMED, HALF, UNKNOWN, "may still be promoted"),
        (PLAN, STOPPED, DISARMED, LOST, UNKNOWN, "may still be promoted: timed out"),
        (PLAN, STOPPED, DISARMED, KILLED, UNKNOWN, "may still be promoted: MODULE FAILURE"),
    ],
)
def test_the_way_is_by_what_is_certain(plan, stopped, disarmed, activation, way, words):
    verdict = decide(plan, stopped, disarmed, activation)
    assert verdict.way == way
    assert words in verdict.reason


STOPS = st.sampled_from([NOTHING, SKIPPED, FAILED, HUNG, LOST, STOPPED, STILL_UP])
DISARMS = st.sampled_from([NOTHING, FAILED, LOST, DISARMED, PROMOTED, STUCK, SILENT])
ACTIVATIONS = st.sampled_from([NOTHING, SKIPPED, REFUSED, HALF, ACTIVE, TROUBLED, LOST])


@given(st.sampled_from([PLAN, CUT_OFF, RESUMED]), STOPS, DISARMS)
def test_never_back_where_the_standby_may_become_primary_nor_forward_where_the_primary_may_serve(plan, stopped, disarmed):
    verdict = decide(plan, stopped, disarmed, NOTHING)
    tried = stopped not in (NOTHING, SKIPPED)
    if verdict.way == BACK:
        no_proof = stopped == HUNG or not (tried or plan.begun)
        assert disarmed == DISARMED or (no_proof and disarmed not in (STUCK, SILENT))
        assert not plan.promoted and not disarmed.get("promoted")
    if verdict.way == FORWARD and not plan.promoted and not disarmed.get("promoted"):
        assert stopped == STOPPED and disarmed in (DISARMED, STUCK)


@given(st.sampled_from([PLAN, CUT_OFF, RESUMED]), STOPS, DISARMS, ACTIVATIONS)
def test_a_promotion_that_was_begun_is_never_rolled_back(plan, stopped, disarmed, activation):
    verdict = decide(plan, stopped, disarmed, activation)
    if activation.get("promoted"):
        assert verdict.way == FORWARD
    if activation.get("failed_step") or activation.get("unreachable"):
        assert verdict.way != BACK
    if disarmed in (PROMOTED, STUCK, SILENT) or plan.promoted:
        assert verdict.way != BACK, "a promotion was asked for"


def test_what_the_former_primary_changed_until_it_was_stopped():
    plan = dataclasses.replace(PLAN, accepted_drift=["accepted"])
    before, after = unlogged("4MB"), unlogged("8MB", key="a", accepted="a")
    stopped = {"unlogged": after}
    hosts = seen(changed(MIRRORED, ("scdw unlogged", before), ("cdw unlogged", after), ("cdw instance postmaster", None)))
    new, old = hosts["scdw"], hosts["cdw"]
    assert drift(plan, stopped, {}, new, None) == ["key", "postgresql.conf"]
    assert drift(plan, stopped, stopped, new, None) == [], "it was brought before"
    assert drift(plan, {}, {}, new, None) == [], "it was not stopped by this run"
    assert drift(plan, {}, {}, new, old) == [], "it may serve again"
    assert drift(plan, {"unlogged": {**after, "left_out": [7]}}, {}, new, None) == [], "who knows what told that"


#: the former primary is as it was when it was stopped
LEFT = ("cdw instance postmaster", None)


@pytest.mark.parametrize(
    ("change", "promotion", "late"),
    [
        (LEFT, 2000.0, ["key", "postgresql.conf"]),
        (LEFT, 1000.0, ["key", "postgresql.conf"]),
        (LEFT, 999.0, ["key"]),  # it was changed there since
        (LEFT, None, ["key"]),
        (("cdw instance", {**MIRRORED["scdw"]["instance"], "postmaster": None}), 2000.0, []),
        (("cdw instance role", "primary"), 2000.0, []),
        (("cdw", None), 2000.0, []),
    ],
)
def test_a_run_that_finds_the_new_primary_promoted_compares_the_former_one_too(change, promotion, late):
    new = (("scdw unlogged", unlogged("4MB")), ("scdw promotion", promotion))
    hosts = seen(changed(MIRRORED, ("cdw unlogged", unlogged("8MB", key="a")), *new, change))
    assert drift(RESUMED, {}, {}, hosts["scdw"], hosts["cdw"]) == late
