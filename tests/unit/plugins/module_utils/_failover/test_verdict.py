# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.evidence import Proofs, Sighting, View
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.verdict import STATES, judge
from hypothesis import given, settings
from hypothesis import strategies as st

from ...views import PRIMARY, STANDBY

LOST = View("cdw", observed=False)
LOST_STANDBY = View("scdw", observed=False)
EMPTY = View("scdw", observed=True, directory_state="absent", running=False)


def vary(view, **changes):
    return dataclasses.replace(view, **changes)


STANDBY_DOWN = vary(STANDBY, running=False)
#: all its connections are in use: it was asked nothing
REFUSING = View(
    "cdw",
    observed=True,
    directory_state="instance",
    role="primary",
    running=True,
    suspended=False,
    refused="too_many_connections",
    said="sorry, too many clients already",
    system_identifier="1",
    timeline=1,
    place=(5432, "/c", 1),
)
DOWN = vary(PRIMARY, running=False, answered=None, registered=None, streaming=None, acknowledged=None, caught_up=None)

TABLE = [
    ("mirrored", [PRIMARY, STANDBY]),
    ("mirrored", [STANDBY, PRIMARY]),
    ("degraded", [vary(PRIMARY, streaming=False), vary(STANDBY, running=False)]),
    ("degraded", [vary(PRIMARY, streaming=False), STANDBY]),
    ("degraded", [vary(PRIMARY, acknowledged=False), vary(STANDBY, suspended=True)]),
    ("degraded", [vary(PRIMARY, acknowledged=False), STANDBY]),
    ("degraded", [vary(PRIMARY, caught_up=False), STANDBY]),
    ("mirrored", [vary(PRIMARY, acknowledged=None), STANDBY]),
    ("degraded", [vary(PRIMARY, acknowledged=None, caught_up=False), STANDBY]),
    ("degraded", [vary(PRIMARY, acknowledged=None, caught_up=None), STANDBY]),
    ("degraded", [vary(PRIMARY, acknowledged=None, streaming=False), STANDBY]),
    ("degraded", [vary(PRIMARY, acknowledged=None), vary(STANDBY, suspended=True)]),
    ("degraded", [PRIMARY, vary(STANDBY, place=(5432, "/s", 9))]),
    ("degraded", [PRIMARY, vary(STANDBY, system_identifier="2")]),
    ("degraded", [PRIMARY, LOST_STANDBY]),
    ("degraded", [vary(PRIMARY, streaming=False), EMPTY]),
    ("degraded", [PRIMARY]),
    ("unmirrored", [vary(PRIMARY, registered=(), streaming=False, caught_up=False), EMPTY]),
    ("unmirrored", [vary(PRIMARY, registered=(), streaming=False, caught_up=False), vary(STANDBY, running=False)]),
    ("unmirrored", [vary(PRIMARY, registered=(), streaming=False, caught_up=False), LOST_STANDBY]),
    ("primary_hung", [vary(PRIMARY, answered=False), STANDBY]),
    ("primary_hung", [vary(PRIMARY, streaming=False, acknowledged=False), STANDBY]),
    ("degraded", [vary(PRIMARY, streaming=False, acknowledged=False, others=("pg_receivewal",)), STANDBY]),
    ("degraded", [REFUSING, STANDBY]),
    ("degraded", [vary(REFUSING, refused="not_accepting_connections"), vary(STANDBY, connected=False)]),
    ("degraded", [REFUSING, STANDBY_DOWN]),
    ("degraded", [REFUSING, LOST_STANDBY]),
    ("degraded", [REFUSING]),
    ("split_brain", [REFUSING, vary(PRIMARY, host="scdw", timeline=2)]),
    ("primary_down", [DOWN, STANDBY]),
    ("primary_down", [DOWN, EMPTY]),
    ("both_down", [DOWN, vary(STANDBY, running=False)]),
    ("primary_unknown", [LOST, STANDBY]),
    ("primary_unknown", [LOST, vary(STANDBY, running=False)]),
    ("primary_unknown", [LOST, LOST_STANDBY]),
    ("primary_unknown", [DOWN, LOST_STANDBY]),
    ("primary_unknown", [vary(EMPTY, host="cdw"), EMPTY]),
    ("primary_unknown", [vary(EMPTY, host="cdw"), STANDBY]),
    ("primary_unknown", [vary(STANDBY, host="cdw", running=False), STANDBY]),
    ("primary_unknown", [PRIMARY, vary(PRIMARY, host="scdw", system_identifier="2")]),
    ("split_brain", [PRIMARY, vary(PRIMARY, host="scdw", timeline=2)]),
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


ALONE = vary(PRIMARY, registered=(), streaming=False, caught_up=False)


@pytest.mark.parametrize(
    ("views", "desired", "as_desired", "said"),
    [
        ([PRIMARY, STANDBY], True, True, "scdw streams in sync from cdw"),
        ([ALONE, EMPTY], True, False, "cdw serves; no standby is registered"),
        ([ALONE], True, False, "cdw serves; no standby is registered"),
        ([ALONE], False, True, "cdw serves; no standby is registered, and the inventory names no host for one"),
        (
            [vary(PRIMARY, registered_on="scdw")],
            False,
            False,
            "a standby is registered on scdw, and the inventory names no host for one; the primary sees it stream in sync",
        ),
        ([vary(DOWN, host="cdw")], False, False, "cdw: the instance is stopped"),
        ([LOST], False, False, "cdw: unknown, it was not observed"),
        ([REFUSING], False, False, f"cdw: the instance answers, but had no connection left for this look: {REFUSING.said}"),
    ],
)
def test_a_cluster_that_is_to_have_no_standby_is_as_desired_without(views, desired, as_desired, said):
    verdict = judge(views, desired=desired)
    assert (verdict.as_desired, verdict.reasons[0], verdict.activation) == (as_desired, said, False)
    assert (verdict.advice == "nothing") is as_desired


FENCED = Proofs(fenced=frozenset({"cdw"}))
STOPPED = Proofs(stopped=frozenset({"cdw"}))
CONFIRMED = Proofs(confirmed=frozenset({"cdw"}))
ALL = Proofs(FENCED.fenced, STOPPED.stopped, CONFIRMED.confirmed)
HUNG = vary(PRIMARY, answered=False)
GONE = vary(EMPTY, host="cdw")


@pytest.mark.parametrize(
    ("views", "proofs", "allowed"),
    [
        ([DOWN, STANDBY], Proofs(), True),
        ([DOWN, STANDBY_DOWN], Proofs(), False),
        ([DOWN, vary(STANDBY, suspended=True)], ALL, False),
        ([DOWN, vary(STANDBY, system_identifier="2")], ALL, False),
        ([DOWN, vary(STANDBY, system_identifier=None)], ALL, False),
        ([PRIMARY, STANDBY], ALL, False),
        ([PRIMARY, vary(PRIMARY, host="scdw", timeline=2)], ALL, False),
        ([LOST, STANDBY], Proofs(), False),
        ([LOST, STANDBY], STOPPED, False),
        ([LOST, STANDBY], FENCED, True),
        ([LOST, STANDBY], CONFIRMED, True),
        ([LOST, STANDBY], Proofs(confirmed=frozenset({"other"})), False),
        ([LOST, STANDBY_DOWN], FENCED, False),
        ([LOST, LOST_STANDBY], ALL, False),
        ([HUNG, STANDBY], Proofs(), False),
        ([HUNG, STANDBY], CONFIRMED, False),
        ([HUNG, STANDBY], STOPPED, False),
        ([HUNG, STANDBY], FENCED, False),
        ([HUNG, STANDBY], ALL, True),
        ([REFUSING, STANDBY], Proofs(), False),
        ([REFUSING, STANDBY], ALL, False),
        ([vary(REFUSING, refused="not_accepting_connections"), STANDBY], ALL, False),
        ([GONE, STANDBY], Proofs(), False),
        ([GONE, STANDBY], CONFIRMED, True),
        ([GONE, STANDBY], FENCED, True),
    ],
)
def test_activation(views, proofs, allowed):
    verdict = judge(views, proofs)
    assert verdict.activation is allowed
    assert verdict.activation_reason


def test_a_standby_that_is_down_too_is_activated_on_demand_only():
    assert judge([DOWN, STANDBY_DOWN], both_down=True).activation
    for views in ([PRIMARY, STANDBY_DOWN], [HUNG, STANDBY_DOWN], [DOWN, EMPTY], [DOWN, LOST_STANDBY]):
        assert not judge(views, CONFIRMED, both_down=True).activation


def test_a_standby_that_is_down_where_its_primary_is_lost_takes_both_words():
    """As after a loss of power, from which the primary's host does not come back."""
    verdict = judge([LOST, STANDBY_DOWN], CONFIRMED)
    assert (verdict.activation, verdict.activation_reason) == (False, "the standby on scdw is stopped")
    assert "scdw: the standby is stopped" in verdict.reasons and verdict.advice.endswith("; start the standby on scdw")
    assert not judge([LOST, STANDBY_DOWN], both_down=True).activation
    assert judge([LOST, STANDBY_DOWN], CONFIRMED, both_down=True).activation
    assert judge([LOST, STANDBY_DOWN], FENCED, both_down=True).activation


def test_of_two_primaries_the_former_one_is_named():
    advice = "stop all but one of cdw, scdw before anything else is written"
    assert judge([PRIMARY, vary(PRIMARY, host="scdw", timeline=2)]).advice == f"{advice}; after an activation, stop cdw, the former primary"
    assert judge([PRIMARY, vary(PRIMARY, host="scdw")]).advice == advice
    assert judge([vary(PRIMARY, timeline=None), vary(PRIMARY, host="scdw")]).advice == advice


SESSIONS = Sighting(by="sdw1", of="cdw", sessions=2, port="silent")
PORT = Sighting(by="sdw1", of="cdw", sessions=0, port="open")
NOTHING = Sighting(by="sdw1", of="cdw", sessions=0, port="silent")


@pytest.mark.parametrize(
    ("sighting", "lives"),
    [
        (SESSIONS, True),
        (PORT, True),
        (Sighting(by="sdw1", of="cdw", sessions=None, port="open"), True),
        (NOTHING, None),
        (Sighting(by="sdw1", of="cdw", sessions=0, port="refused"), None),
        (Sighting("sdw1", "cdw"), None),
    ],
)
def test_a_look_over_the_network_shows_life_and_never_death(sighting, lives):
    assert sighting.lives is lives
    assert ("live" in str(sighting)) == bool(lives)
    assert "cdw" in str(sighting) and str(sighting).startswith("sdw1 ")


@pytest.mark.parametrize(
    ("sightings", "proofs", "allowed"),
    [
        ([], CONFIRMED, True),
        ([NOTHING], CONFIRMED, True),
        ([NOTHING, SESSIONS], CONFIRMED, False),
        ([PORT], CONFIRMED, False),
        ([vary(PORT, of="scdw")], CONFIRMED, True),
        ([SESSIONS, PORT], FENCED, True),
        ([SESSIONS], ALL, True),
        ([NOTHING], Proofs(), False),
    ],
)
def test_the_word_does_not_do_against_what_is_seen(sightings, proofs, allowed):
    verdict = judge([LOST, STANDBY], proofs, sightings)
    assert (verdict.state, verdict.activation) == ("primary_unknown", allowed)
    for sighting in sightings:
        assert sighting.of != "cdw" or str(sighting) in verdict.reasons


def test_a_host_that_was_not_observed_may_be_a_second_primary():
    alone = vary(PRIMARY, host="scdw", registered=(), streaming=False)
    assert "cdw may be a second primary" in judge([LOST, alone], sightings=[SESSIONS]).reasons
    # any standby's port is open, too
    assert "cdw may be a second primary" not in judge([LOST, alone], sightings=[PORT]).reasons


def test_the_later_timeline_was_primary_when_both_are_stopped():
    verdict = judge([DOWN, vary(DOWN, host="scdw", timeline=2)])
    assert (verdict.state, verdict.primary) == ("primary_down", "scdw")


maybe = st.sampled_from([None, True, False])
view = st.builds(
    View,
    host=st.just("x"),
    observed=st.booleans(),
    directory_state=st.sampled_from([None, "absent", "empty", "instance", "other"]),
    role=st.sampled_from([None, "primary", "standby"]),
    running=maybe,
    suspended=maybe,
    connected=maybe,
    answered=maybe,
    refused=st.sampled_from([None, "too_many_connections", "not_accepting_connections", "other"]),
    others=st.sampled_from([(), ("pg_receivewal",)]),
    system_identifier=st.sampled_from([None, "1", "2"]),
    timeline=st.sampled_from([None, 1, 2]),
    place=st.sampled_from([None, (1,), (8,)]),
    registered=st.sampled_from([None, (), (8,)]),
    streaming=maybe,
    acknowledged=maybe,
    caught_up=maybe,
).map(lambda found: found if found.observed else View(found.host, observed=False))
hosts = st.frozensets(st.sampled_from(["cdw", "scdw", "other"]))
sighting = st.builds(
    Sighting,
    by=st.sampled_from(["sdw1", "sdw2"]),
    of=st.sampled_from(["cdw", "scdw", "other"]),
    sessions=st.sampled_from([None, 0, 3]),
    port=st.sampled_from([None, "open", "refused", "silent", "unknown"]),
)


@settings(max_examples=2000)
@given(view, view, st.builds(Proofs, hosts, hosts, hosts), st.lists(sighting, max_size=3), st.booleans())
def test_never_allowed_without_proof(one, two, proofs, sightings, both_down):
    views = [vary(one, host="cdw"), vary(two, host="scdw")]
    verdict = judge(views, proofs, sightings, both_down)
    assert verdict.state in STATES
    if not verdict.activation:
        return
    by_host = {found.host: found for found in views}
    primary, standby = by_host[verdict.primary], by_host[verdict.standby]
    assert standby.observed and standby.role == "standby" and not standby.suspended
    assert standby.running or both_down
    assert primary.host != standby.host
    if primary.is_primary:
        # it was seen to live: nothing but its end in this run, with the operator's confirmation, will do
        hangs = not primary.answered or (primary.acknowledged is False and not primary.streaming)
        assert primary.host in proofs.stopped & proofs.confirmed and hangs and not primary.refused
        return
    seen_stopped = primary.observed and primary.running is False and primary.directory_state == "instance" and primary.role == "primary"
    seen_alive = any(found.lives for found in sightings if found.of == primary.host)
    confirmed = primary.host in proofs.confirmed and not seen_alive
    assert seen_stopped or confirmed or primary.host in proofs.fenced


@settings(max_examples=500)
@given(view, view, st.lists(sighting, max_size=3), st.booleans())
def test_what_was_not_seen_is_no_proof(one, two, sightings, both_down):
    views = [View("cdw", observed=False), vary(two, host="scdw")]
    assert not judge(views, Proofs(), sightings, both_down).activation
    assert not judge([vary(one, host="cdw"), View("scdw", observed=False)], Proofs(), sightings, both_down).activation


@settings(max_examples=500)
@given(view, view)
def test_mirrored_is_said_only_of_what_was_seen(one, two):
    views = [vary(one, host="cdw"), vary(two, host="scdw")]
    verdict = judge(views)
    if verdict.state != "mirrored":
        return
    by_host = {found.host: found for found in views}
    primary, standby = by_host[verdict.primary], by_host[verdict.standby]
    assert primary.streaming and primary.acknowledged is not False and primary.caught_up and primary.answered
    assert ("no write was tried" in " ".join(verdict.reasons)) == (primary.acknowledged is None)
    assert standby.observed and standby.running and not standby.suspended and standby.place == primary.registered


@settings(max_examples=500)
@given(view, view)
def test_a_primary_that_refused_is_neither_hung_nor_serves_and_nothing_is_said_of_its_standby(one, two):
    verdict = judge([vary(one, host="cdw"), vary(two, host="scdw")])
    refusing = [view for view in (vary(one, host="cdw"), vary(two, host="scdw")) if view.is_primary and view.refused]
    if verdict.state != "degraded" or not refusing:
        assert verdict.serves == (
            verdict.state in ("mirrored", "degraded", "unmirrored") and "acknowledged; no" not in str(verdict.reasons)
        )
        return
    assert not verdict.serves and not verdict.activation
    assert "no standby streams" not in str(verdict.reasons)


def test_where_all_connections_are_in_use_the_standby_tells_what_it_sees():
    verdict = judge([REFUSING, vary(STANDBY, connected=True)])
    assert verdict.reasons == (
        "cdw: the instance answers, but had no connection left for this look: sorry, too many clients already",
        "scdw: its walreceiver is connected to a primary; whether it streams in sync was not seen",
    )
    assert verdict.advice.startswith("end sessions on cdw")
    assert verdict.activation_reason.startswith("the instance on cdw lives and answers")
    assert judge([REFUSING, vary(STANDBY, connected=False)]).reasons[1] == "scdw: its walreceiver is not connected"
    assert judge([REFUSING, LOST_STANDBY]).reasons[1] == "whether a standby streams was not seen"


@pytest.mark.parametrize(
    ("views", "advice"),
    [
        ([vary(PRIMARY, registered=()), vary(DOWN, host="scdw")], "run rejoin to make scdw, a former primary, its standby"),
        ([vary(PRIMARY, streaming=False), vary(DOWN, host="scdw")], "run rejoin to make scdw, a former primary, its standby"),
        (
            [vary(PRIMARY, streaming=False), vary(DOWN, host="scdw", timeline=2)],
            "see which of both is right: scdw went on to timeline 2, cdw is on 1. "
            "If it is scdw, stop the instance on cdw, and start that one",
        ),
        (
            [vary(PRIMARY, registered=()), vary(DOWN, host="scdw", system_identifier="2")],
            "run enable_mirroring to make a second host its standby",
        ),
        ([vary(PRIMARY, registered=()), vary(STANDBY, running=False)], "run enable_mirroring to make scdw its standby"),
        (
            [vary(PRIMARY, streaming=False), vary(STANDBY, removed_wal="000000010000000000000003")],
            "run enable_mirroring to make scdw anew; what is there now is kept",
        ),
    ],
)
def test_advice_to_have_two_again(views, advice):
    assert judge(views).advice == advice
