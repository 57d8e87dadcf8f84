# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils.verdict import STATES, Proofs, View, judge, view_of
from hypothesis import given, settings
from hypothesis import strategies as st

PRIMARY = View(
    "cdw",
    observed=True,
    content="instance",
    role="primary",
    running=True,
    frozen=False,
    answered=True,
    system_identifier="1",
    timeline=1,
    place=(5432, "/c", 1),
    registered=(5432, "/s", 8),
    streaming=True,
    acknowledged=True,
    caught_up=True,
)
STANDBY = View(
    "scdw",
    observed=True,
    content="instance",
    role="standby",
    running=True,
    frozen=False,
    system_identifier="1",
    timeline=1,
    place=(5432, "/s", 8),
)
LOST = View("cdw", observed=False)
LOST_STANDBY = View("scdw", observed=False)
EMPTY = View("scdw", observed=True, content="absent", running=False)


def but(view, **changes):
    return dataclasses.replace(view, **changes)


DOWN = but(PRIMARY, running=False, answered=None, registered=None, streaming=None, acknowledged=None, caught_up=None)

TABLE = [
    ("mirrored", [PRIMARY, STANDBY]),
    ("mirrored", [STANDBY, PRIMARY]),
    ("degraded", [but(PRIMARY, streaming=False), but(STANDBY, running=False)]),
    ("degraded", [but(PRIMARY, streaming=False), STANDBY]),
    ("degraded", [but(PRIMARY, acknowledged=False), but(STANDBY, frozen=True)]),
    ("degraded", [but(PRIMARY, acknowledged=False), STANDBY]),
    ("degraded", [but(PRIMARY, caught_up=False), STANDBY]),
    ("mirrored", [but(PRIMARY, acknowledged=None), STANDBY]),
    ("degraded", [but(PRIMARY, acknowledged=None, caught_up=False), STANDBY]),
    ("degraded", [but(PRIMARY, acknowledged=None, caught_up=None), STANDBY]),
    ("degraded", [but(PRIMARY, acknowledged=None, streaming=False), STANDBY]),
    ("degraded", [but(PRIMARY, acknowledged=None), but(STANDBY, frozen=True)]),
    ("degraded", [PRIMARY, but(STANDBY, place=(5432, "/s", 9))]),
    ("degraded", [PRIMARY, but(STANDBY, system_identifier="2")]),
    ("degraded", [PRIMARY, LOST_STANDBY]),
    ("degraded", [but(PRIMARY, streaming=False), EMPTY]),
    ("degraded", [PRIMARY]),
    ("unmirrored", [but(PRIMARY, registered=(), streaming=False, caught_up=False), EMPTY]),
    ("unmirrored", [but(PRIMARY, registered=(), streaming=False, caught_up=False), but(STANDBY, running=False)]),
    ("unmirrored", [but(PRIMARY, registered=(), streaming=False, caught_up=False), LOST_STANDBY]),
    ("primary_hung", [but(PRIMARY, answered=False), STANDBY]),
    ("primary_hung", [but(PRIMARY, streaming=False, acknowledged=False), STANDBY]),
    ("primary_down", [DOWN, STANDBY]),
    ("primary_down", [DOWN, EMPTY]),
    ("both_down", [DOWN, but(STANDBY, running=False)]),
    ("primary_unknown", [LOST, STANDBY]),
    ("primary_unknown", [LOST, but(STANDBY, running=False)]),
    ("primary_unknown", [LOST, LOST_STANDBY]),
    ("primary_unknown", [DOWN, LOST_STANDBY]),
    ("primary_unknown", [but(EMPTY, host="cdw"), EMPTY]),
    ("primary_unknown", [PRIMARY, but(PRIMARY, host="scdw", system_identifier="2")]),
    ("split_brain", [PRIMARY, but(PRIMARY, host="scdw", timeline=2)]),
]


@pytest.mark.parametrize(("state", "views"), TABLE)
def test_states(state, views):
    verdict = judge(views)
    assert verdict.state == state
    assert verdict.reasons
    assert verdict.advice
    for view in views:
        if not view.observed:
            assert any(view.host in reason and "unknown" in reason for reason in verdict.reasons)


@pytest.mark.parametrize(
    ("views", "proofs", "allowed"),
    [
        ([DOWN, STANDBY], Proofs(), True),
        ([DOWN, but(STANDBY, running=False)], Proofs(), False),
        ([PRIMARY, STANDBY], Proofs(frozenset({"cdw"}), frozenset({"cdw"}), frozenset({"cdw"})), False),
        ([LOST, STANDBY], Proofs(), False),
        ([LOST, STANDBY], Proofs(fenced=frozenset({"cdw"})), True),
        ([LOST, STANDBY], Proofs(word=frozenset({"cdw"})), True),
        ([LOST, STANDBY], Proofs(word=frozenset({"other"})), False),
        ([LOST, but(STANDBY, running=False)], Proofs(fenced=frozenset({"cdw"})), False),
        ([but(PRIMARY, answered=False), STANDBY], Proofs(word=frozenset({"cdw"})), False),
        ([but(PRIMARY, answered=False), STANDBY], Proofs(stopped=frozenset({"cdw"}), word=frozenset({"cdw"})), True),
    ],
)
def test_activation(views, proofs, allowed):
    verdict = judge(views, proofs)
    assert verdict.activation is allowed
    assert verdict.activation_reason


def test_the_later_timeline_was_primary_when_both_are_stopped():
    verdict = judge([DOWN, but(DOWN, host="scdw", timeline=2)])
    assert (verdict.state, verdict.primary) == ("primary_down", "scdw")


maybe = st.sampled_from([None, True, False])
view = st.builds(
    View,
    host=st.just("x"),
    observed=st.booleans(),
    content=st.sampled_from([None, "absent", "empty", "instance", "other"]),
    role=st.sampled_from([None, "primary", "standby"]),
    running=maybe,
    frozen=maybe,
    answered=maybe,
    system_identifier=st.sampled_from([None, "1", "2"]),
    timeline=st.sampled_from([None, 1, 2]),
    place=st.sampled_from([None, (1,), (8,)]),
    registered=st.sampled_from([None, (), (8,)]),
    streaming=maybe,
    acknowledged=maybe,
    caught_up=maybe,
).map(lambda found: found if found.observed else View(found.host, observed=False))
hosts = st.frozensets(st.sampled_from(["cdw", "scdw", "other"]))


@settings(max_examples=500)
@given(view, view, st.builds(Proofs, hosts, hosts, hosts))
def test_never_allowed_without_proof(one, two, proofs):
    views = [but(one, host="cdw"), but(two, host="scdw")]
    verdict = judge(views, proofs)
    assert verdict.state in STATES
    if not verdict.activation:
        return
    by_host = {found.host: found for found in views}
    primary, standby = by_host[verdict.primary], by_host[verdict.standby]
    assert standby.observed and standby.running and standby.role == "standby"
    assert primary.host != standby.host
    seen_stopped = primary.observed and not primary.running and primary.content == "instance"
    proved = primary.host in proofs.fenced | proofs.word
    stopped_now = primary.host in proofs.stopped & proofs.word
    assert seen_stopped or (proved and not primary.is_primary) or stopped_now


@settings(max_examples=500)
@given(view, view)
def test_mirrored_is_said_only_of_what_was_seen(one, two):
    views = [but(one, host="cdw"), but(two, host="scdw")]
    verdict = judge(views)
    if verdict.state != "mirrored":
        return
    by_host = {found.host: found for found in views}
    primary, standby = by_host[verdict.primary], by_host[verdict.standby]
    assert primary.streaming and primary.acknowledged is not False and primary.caught_up and primary.answered
    assert ("no write was tried" in " ".join(verdict.reasons)) == (primary.acknowledged is None)
    assert standby.observed and standby.running and not standby.frozen and standby.place == primary.registered


def test_a_view_of_nothing_is_unknown():
    assert view_of("cdw", None) == view_of("cdw", {}) == LOST


def result(role, **changes):
    instance = {
        "content": "instance",
        "role": role,
        "dbid": 8,
        "port": 5432,
        "data_directory": "/s",
        "control": {"system_identifier": "1", "timeline": 1},
        "postmaster": {"frozen": False},
    }
    return {"instance": instance, "sql": None, "primary": None, **changes}


def test_views_of_results():
    primary = {
        "standby": {"dbid": 8, "port": 5432, "datadir": "/s"},
        "walsender": {"state": "streaming", "sync_state": "sync"},
        "probe": {"acknowledged": True, "replayed": True},
    }
    seen = view_of("cdw", result("primary", primary=primary, sql={"answered": True}))
    assert seen == but(PRIMARY, place=(5432, "/s", 8))
    assert view_of("scdw", result("standby")) == STANDBY
    assert judge([seen, view_of("scdw", result("standby"))]).state == "mirrored"
    silent = view_of("cdw", result("primary", sql={"answered": False}))
    assert (silent.answered, silent.registered, silent.acknowledged) == (False, None, None)
    alone = view_of("cdw", result("primary", primary={"standby": None, "walsender": None, "probe": None}, sql={"answered": True}))
    assert (alone.registered, alone.streaming, alone.acknowledged, alone.caught_up) == ((), False, None, None)
