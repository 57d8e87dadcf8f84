# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.coordinator import Coordinator
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.observations import read_as
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.pair import assess
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.plan import make
from hypothesis import given
from hypothesis import strategies as st

from ..desired import with_options
from ..observed import ABSENT, CDW, EMPTY, MIRRORED, SCDW, SDW1, STANDBY, VARIABLES, changed, coordinator, planned, seen, shown

#: the inventory names another host for the standby, and nothing is there
SPARE = {**EMPTY, "hostname": "cdw2", "addresses": ["10.0.0.13"]}
ELSEWHERE = {"cdw": CDW, "cdw2": SPARE, "sdw1": SDW1}
#: or another directory of the same host
BESIDE = changed(
    {**MIRRORED, "scdw": {**EMPTY, "instance": shown(dataclasses.replace(ABSENT, data_directory="/other"))}}, ("scdw port_taken", True)
)
#: the place that the standby is to leave
FORMER = changed(coordinator("scdw", "10.0.0.12", STANDBY), ("instance control state", "in archive recovery"))
HOSTS = ("cdw", "scdw", "cdw2", "sdw1")


def demo(found, *changes, former=None, hosts=HOSTS, **options):
    """The plan where the host of the catalog's standby may be left, unless it is told otherwise."""
    found = changed(found, *changes)
    variables = {host: VARIABLES.get(host, VARIABLES["scdw"]) for host in found}
    pair = with_options(assess("demo", variables, found), "standby", {"move_from": "scdw", **options})
    return planned(make(pair, seen(found), hosts, read_as(Coordinator, former) if former else None))


@pytest.mark.parametrize(
    ("found", "place"), [(ELSEWHERE, "cdw2, port 5432, in /s"), (BESIDE, "scdw, port 5432, in /other")], ids=["host", "directory"]
)
def test_none_is_moved_by_accident(found, place):
    plan = demo(found, move_from=None)
    assert plan.refusal == (
        f"the catalog has the standby on scdw, port 5432, in /s, and it is desired on {place}: "
        "to move it there set standby_move_from=scdw, otherwise correct the inventory"
    )
    assert (plan.to_change, plan.move) == ([], None)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("elsewhere", "standby_move_from is 'elsewhere', and the catalog has the standby on scdw, port 5432, in /s: set it to scdw"),
        ("sdw1", "standby_move_from is 'sdw1', which is not the host that the catalog has the standby on, scdw, port 5432, in /s"),
    ],
)
def test_the_host_that_is_left_is_named_rightly(asked, said):
    assert demo(ELSEWHERE, former=coordinator("sdw1", "10.0.0.21", ABSENT), move_from=asked).refusal.startswith(said)


def test_the_place_that_is_left_is_looked_at_first():
    plan = demo(ELSEWHERE)
    assert (plan.refusal, plan.move.look, plan.move.host, plan.move.dbid) == ("", True, "scdw", 8)
    assert plan.move.registration == {
        "standby_hostname": "scdw",
        "standby_address": "scdw",
        "standby_port": 5432,
        "standby_data_directory": "/s",
    }


def allowed(access, host):
    """The addresses that an instance of a host allows access."""
    return {address for rule in access[host]["rules"] for address in rule["addresses"]}


def test_to_another_host_by_a_copy():
    plan = demo(ELSEWHERE, former=FORMER)
    move = plan.move
    assert (plan.refusal, plan.copying, plan.expected_dbid, plan.registration["standby_hostname"]) == ("", True, 4, "cdw2")
    assert (move.kind, move.look, move.stops, move.renames, move.left) == ("host", False, True, False, "")
    assert {"row", "access"} <= {*plan.to_change}
    assert allowed(plan.access, "sdw1") == {"10.0.0.11", "10.0.0.13"}
    assert allowed(move.meanwhile, "sdw1") == {"10.0.0.11", "10.0.0.12", "10.0.0.13"}
    assert allowed(move.before, "sdw1") == {"10.0.0.11", "10.0.0.12"}
    # the copy comes with the rules of the time in which it was made
    assert (plan.access["cdw2"]["data_directories"], move.before["cdw2"]["data_directories"]) == (["/s"], [])


def test_addresses_that_the_operator_gives_are_kept_beside_the_former_ones():
    plan = demo(ELSEWHERE, former=FORMER, addresses=["10.9.0.0/24"])
    assert allowed(plan.access, "sdw1") == allowed(plan.move.before, "sdw1") == {"10.9.0.0/24"}
    assert allowed(plan.move.meanwhile, "sdw1") == {"10.9.0.0/24", "10.0.0.12"}


@pytest.mark.parametrize(("device", "renames"), [(0, True), (7, False)])
def test_on_its_own_host_by_another_name_where_that_can_be(device, renames):
    former = changed(FORMER, ("site device", device))
    plan = demo(BESIDE, former=former)
    assert (plan.refusal, plan.move.kind, plan.move.renames, plan.copying) == ("", "directory", renames, not renames)
    assert plan.registration["standby_data_directory"] == "/other"


def test_a_rename_needs_no_room():
    assert demo(BESIDE, ("scdw site free", 0), former=FORMER).refusal == ""
    other = changed(FORMER, ("site device", 7))
    assert "has 0 MiB free" in demo(BESIDE, ("scdw site free", 0), former=other).refusal


@pytest.mark.parametrize(
    ("former", "hosts", "why"),
    [
        ({"unreachable": True, "msg": "no route"}, HOSTS, "scdw is unreachable: no route"),
        (None, ("cdw", "cdw2", "sdw1"), "the inventory has no host scdw"),
        (changed(FORMER, ("instance control system_identifier", "2")), HOSTS, "scdw: /s holds a standby of the system 2"),
        (changed(FORMER, ("instance role", "primary"), ("instance postmaster", None)), HOSTS, "scdw: /s holds a primary, which is stopped"),
    ],
    ids=["unreachable", "unknown", "another system", "a former primary"],
)
def test_what_cannot_be_stopped_is_left_if_it_says_nothing_any_more(former, hosts, why):
    refused = demo(ELSEWHERE, former=former, hosts=hosts).refusal
    assert refused.startswith(f"a standby streams and lives that cannot be stopped, {why}")
    for change in (("cdw primary walsender reply_age_s", 20.0), ("cdw primary walsender", None)):
        plan = demo(ELSEWHERE, change, former=former, hosts=hosts)
        assert (plan.refusal, plan.move.host, plan.move.stops) == ("", "", False)
        assert plan.move.left.startswith(why) and "in /s, port 5432" in plan.move.left


def test_a_second_primary_there_is_refused():
    assert "see which of the primaries is right" in demo(ELSEWHERE, former=changed(FORMER, ("instance role", "primary"))).refusal


def test_one_that_was_stopped_and_set_aside_already_is_not_missed():
    gone = coordinator("scdw", "10.0.0.12", ABSENT)
    plan = demo({**ELSEWHERE, "cdw2": {**SCDW, "hostname": "cdw2", "addresses": ["10.0.0.13"]}}, *STOPPED, former=gone)
    assert (plan.refusal, plan.move.kind, plan.move.stops, plan.copying) == ("", "host", False, False)
    assert plan.registration["standby_hostname"] == "cdw2"


STOPPED = ("cdw2 instance postmaster", None), ("cdw2 standby", None), ("cdw primary walsender", None)


def test_a_copy_under_the_same_number_is_not_taken_for_the_standby_that_streams():
    copied = {**ELSEWHERE, "cdw2": {**SCDW, "hostname": "cdw2", "addresses": ["10.0.0.13"]}}
    plan = demo(copied, *STOPPED[:2], move_from=None)
    assert "to move it there set standby_move_from=scdw" in plan.refusal


@pytest.mark.parametrize(
    ("options", "registered"),
    [({"port": 6000}, ("scdw", "scdw", 6000)), ({"address": "scdw-ic"}, ("scdw", "scdw-ic", 5432)), ({"hostname": "s"}, ("s", "s", 5432))],
)
def test_another_port_or_name_of_the_same_standby_needs_no_word(options, registered):
    plan = demo(MIRRORED, move_from=None, **options)
    assert (plan.refusal, plan.copying, plan.move.kind, plan.move.look) == ("", False, "name", False)
    assert tuple(plan.registration[f"standby_{name}"] for name in ("hostname", "address", "port")) == registered
    assert plan.move.registration["standby_port"] == 5432


def test_a_row_that_names_no_place_at_all_is_corrected_without_a_way_back():
    rows = [*CDW["primary"]["registrations"][:-1], {**CDW["primary"]["registrations"][-1], "dbid": 9, "hostname": "x", "address": "x"}]
    plan = demo(MIRRORED, ("cdw primary registrations", rows), move_from=None)
    assert (plan.refusal, plan.move, plan.to_change) == ("", None, ["row"])


def test_rejoin_takes_nobody_s_place():
    refused = demo(ELSEWHERE, former=FORMER, standby_rejoins=True).refusal
    assert refused.startswith("the catalog has a standby on scdw already: first make it the desired one")


def test_a_slot_that_a_move_left_is_unsettled():
    slots = [*CDW["primary"]["slots"], {**CDW["primary"]["slots"][0], "name": "standby_coordinator_next", "active": False}]
    assert demo(MIRRORED, ("cdw primary slots", slots)).to_change == ["succession"]


@pytest.mark.parametrize(("asked", "host"), [(None, ""), ("cdw2", "cdw2"), ("elsewhere", ""), ("scdw", ""), ("cdw", "")])
def test_a_run_that_was_cut_off_at_its_end_is_finished(asked, host):
    for purpose in ("move the standby", "rejoin"):
        plan = demo(MIRRORED, ("scdw unfinished", purpose), move_from=asked)
        assert (plan.refusal, plan.to_change, plan.copying) == ("", ["unfinished"], False)
        assert (plan.move.kind, plan.move.host) == ("rest", host)
    assert demo(MIRRORED, ("scdw unfinished", "activate_standby")).to_change == []


FENCE = {"cluster": "demo", "addresses": ["10.0.0.12"], "ports": [6000], "tool": "nft", "since": 1.0}


@pytest.mark.parametrize(
    ("fence", "lifted"),
    [
        (FENCE, ["sdw1"]),
        ({**FENCE, "cluster": "other"}, []),
        ({**FENCE, "addresses": ["10.0.0.12", "10.0.0.99"]}, []),
        ({**FENCE, "addresses": ["10.0.0.11"]}, []),
    ],
    ids=["its own", "of another cluster", "of somebody else too", "of the primary"],
)
def test_a_fence_against_the_address_of_the_standby_s_host_is_lifted(fence, lifted):
    plan = demo(MIRRORED, ("sdw1 fences", [fence]))
    assert (plan.fenced, plan.to_change) == (lifted, ["fences"] if lifted else [])


@given(
    st.sampled_from(["host", "directory"]),
    st.booleans(),
    st.one_of(st.none(), st.floats(0, 100)),
    st.sampled_from([None, "scdw", "cdw2", "nowhere"]),
    st.sampled_from([None, "instance", "absent", "unreachable"]),
)
def test_a_standby_that_lives_is_never_left_to_itself(kind, streams, age, asked, seen):
    """Whatever is asked for and seen: what goes on streaming is stopped, or nothing is begun."""
    former = {
        None: None,
        "instance": FORMER,
        "absent": coordinator("scdw", "10.0.0.12", ABSENT),
        "unreachable": {"unreachable": True, "msg": ""},
    }[seen]
    sender = {**CDW["primary"]["walsender"], "reply_age_s": age} if streams else None
    plan = demo(ELSEWHERE if kind == "host" else BESIDE, ("cdw primary walsender", sender), former=former, move_from=asked)
    lives = streams and (age is None or age < 15)
    if not plan.refusal:
        assert asked in ("scdw", "cdw2")
        assert plan.move.look or plan.move.stops or not lives
