# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import json

import pytest
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.planned import StandbyPlan
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.progress import Progress as ProgressOfStandby
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._switchover.outcome import outcome
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._switchover.plan import SwitchoverPlan
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._switchover.progress import Progress
from hypothesis import given
from hypothesis import strategies as st

from ..observed import CDW, changed

AUDIT = {"who": "operator", "controller": "ctl", "run": "20261123T071500Z-1"}
PLAN = SwitchoverPlan(
    primary="cdw",
    standby="scdw",
    begin=True,
    state="mirrored",
    connection="host=scdw,cdw port=5432,5432 target_session_attrs=read-write",
    audit=AUDIT,
)


def steps(**seconds):
    return [{"name": name, "seconds": value} for name, value in seconds.items()]


#: of the role standby, which made the former primary the standby
FOLLOWS = StandbyPlan("", "scdw", "cdw", to_change=["state"])
PROBE = {"acknowledged": True, "replayed": True, "lsn": "0/400", "seconds": 0.1}
HANDOVER = {"lsn": "0/300", "gap_s": 0.41, "seconds": {"shutdown": 0.2, "promotion": 0.2, "first_write": 0.01}, "error": ""}
ACTIVATION = {
    "promoted": True,
    "failed": False,
    "timeline": 2,
    "lsn": "0/380",
    "switch_lsn": "0/300",
    "loss": {"known": "none"},
    "segments_answered": [0],
    "steps": steps(checkpoint=0.1, make_slot=0.1),
}
SWITCHED = {
    "cdw": {
        "__switchover_prepared": {"drained": False, "sessions_left": 1, "steps": steps(checkpoint=0.5)},
        "__switchover_stopped": {"wal": {"end": "0/300"}, "steps": steps(announce=0.01, stop=0.3)},
        "__standby_configuration": {"settings": {}, "steps": steps(start=0.2)},
    },
    "scdw": {
        "__switchover_armed": {"armed": True, "steps": steps(arm=0.02)},
        "__switchover_disarmed": {"disarmed": False, "promoted": True, "handover": HANDOVER},
        "__switchover_verdict": {"way": "forward", "reason": "scdw is primary"},
        "__switchover_activation": ACTIVATION,
        "__standby_verification": changed(CDW, ("primary probe", PROBE)),
    },
    "sdw1": {},
}
#: it could not be promoted, and the former primary serves
BACK = {
    **SWITCHED["scdw"],
    "__switchover_disarmed": {"disarmed": True, "promoted": False},
    "__switchover_verdict": {"way": "back", "reason": "scdw was not promoted: the standby is stopped"},
    "__switchover_activation": {"failed": False, "msg": "the standby is stopped", "promoted": False},
}


def with_(hosts, **changes):
    """With what other tasks left on some hosts."""
    return {host: {**known, **changes.get(host, {})} for host, known in hosts.items()}


def planned(**changes):
    """Hosts that nothing was done on yet, of a cluster with another plan."""
    return {host: {"plan": dataclasses.replace(PLAN, **changes)} for host in SWITCHED}


def ended(hosts, check_mode=False, lost=(), planned_to_follow=True):
    follows = ProgressOfStandby("demo", FOLLOWS, hosts, lost) if planned_to_follow else None
    return outcome(Progress("demo", hosts["cdw"].get("plan", PLAN), hosts, lost, check_mode), follows, "60")


def test_a_switchover_is_told_with_its_gap_and_the_seconds_of_its_phases():
    found = ended(SWITCHED)
    assert (found.outcome, found.failure) == ("switched", "")
    assert found.text == "switched: scdw is primary on timeline 2, since 0/300, and cdw its standby; no write could succeed for 0.41 s"
    expected = {
        "prepare": 0.5,
        "arm": 0.02,
        "stop": 0.31,
        "shutdown": 0.2,
        "promotion": 0.2,
        "first_write": 0.01,
        "settle": 0.2,
        "follow": 0.2,
    }
    assert found.document["seconds"] == expected
    assert list(found.document["seconds"]) == list(expected), "in their order"
    told = "\n".join(found.lines)
    assert "stop 0.31" in told and "first write 0.01" in told and PLAN.connection in told
    assert "mirrored: cdw streams in sync from scdw" in told
    assert found.document["shutdown_lsn"] == found.document["switch_lsn"] == "0/300"
    assert (found.document["gap_s"], found.document["mirrored"], found.document["run"]) == (0.41, True, AUDIT["run"])
    json.dumps(found.document)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"scdw": {"__switchover_activation": {**ACTIVATION, "msg": "a segment\nis silent"}}}, "a segment is silent"),
        ({"scdw": {"__switchover_disarmed": {"handover": {**HANDOVER, "error": "no write"}}}}, "of the armed process: no write"),
        ({"scdw": {"_common_analysis": {"failed": True, "msg": "exit code 1"}}}, "scdw: ANALYZE: exit code 1"),
        ({"scdw": {"__standby_verification": {}}}, "NOT mirrored"),
    ],
)
def test_what_fails_after_the_promotion_is_trouble_of_a_switchover_that_happened(changes, words):
    found = ended(with_(SWITCHED, **changes))
    assert (found.outcome, found.document["switched"]) == ("switched_with_trouble", True)
    assert found.text.startswith("SWITCHED WITH TROUBLE: scdw is primary")
    assert words in found.text and words in found.failure
    assert "run this again to finish" in found.text


def test_a_standby_that_was_never_planned_is_trouble():
    found = ended(SWITCHED, planned_to_follow=False)
    assert found.outcome == "switched_with_trouble"
    assert "making the former primary its standby was not come to" in found.text


def test_a_host_that_dropped_out_is_trouble():
    assert "sdw1 dropped out of the run" in ended(SWITCHED, lost=["sdw1"]).text


def test_without_the_armed_process_the_gap_is_not_known():
    found = ended(with_(SWITCHED, scdw={"__switchover_disarmed": {"disarmed": True}}))
    assert found.outcome == "switched"
    assert found.text.endswith("the write gap was not measured")


def test_a_pair_that_was_switched_before_names_who_is_primary():
    found = ended(planned(done="cdw")).document
    assert (found["new_primary"], found["former_primary"], found["mirrored"]) == ("cdw", "scdw", True)


@pytest.mark.parametrize(
    ("hosts", "what", "words"),
    [
        (planned(refusal="the pair is degraded"), "not_switched", "NOT switched: nothing was changed: the pair is degraded"),
        (planned(done="cdw"), "already_switched", "switched: cdw is primary already, and mirrored"),
        (
            with_(SWITCHED, scdw=BACK, cdw={"__switchover_return": {"running": True, "steps": steps(start=0.2)}}),
            "not_switched",
            "NOT switched: scdw was not promoted: the standby is stopped; cdw serves, as before",
        ),
        (
            with_(SWITCHED, scdw=BACK, cdw={"__switchover_failure": "Stop the primary: no", "__switchover_return": {"steps": []}}),
            "not_switched",
            "NOT switched: cdw: Stop the primary: no; cdw serves, as before",
        ),
        (
            with_(SWITCHED, scdw=BACK, cdw={"__switchover_return": {"failed": False, "msg": "no space"}}),
            "unconfirmed",
            "cdw could not be brought back: no space",
        ),
        (
            with_(SWITCHED, scdw={**BACK, "__switchover_verdict": {"way": "unknown", "reason": "cdw was told to stop"}}),
            "unconfirmed",
            "SWITCHOVER UNCONFIRMED: cdw was told to stop; run this again",
        ),
        (
            with_(
                planned(begin=False, roll_back=True),
                cdw={"__switchover_return": {"steps": []}},
                scdw={"__switchover_verdict": {"way": "back", "reason": ""}},
            ),
            "already_switched",
            "cdw is primary; what a run that was cut off had begun was rolled back",
        ),
        (
            with_(
                planned(begin=False, roll_back=True, refusal="the pair is degraded"),
                scdw={"__switchover_verdict": {"way": "back", "reason": ""}},
            ),
            "not_switched",
            "NOT switched: nothing was changed: the pair is degraded",
        ),
    ],
)
def test_every_other_end_is_told_as_what_it_is(hosts, what, words):
    found = ended(hosts)
    assert found.outcome == what
    assert words in found.text
    assert bool(found.failure) == (what != "already_switched")
    assert found.document["switched"] == {"already_switched": True, "unconfirmed": None}.get(what, False)


def test_check_mode_says_what_would_be():
    assert ended(planned(), check_mode=True).text == "can be switched: scdw can be primary instead of cdw; nothing was changed"
    rolled_back = ended(planned(begin=False, roll_back=True), check_mode=True)
    assert rolled_back.text == "can be switched: cdw can serve again, instead of scdw; nothing was changed"
    finished = "can be switched: what was cut off can be finished: "
    resumed = ended(planned(begin=False, resume=True), check_mode=True)
    assert resumed.text == f"{finished}scdw can be primary instead of cdw; nothing was changed"
    promoted = ended(planned(begin=False, resume=True, promoted=True), check_mode=True)
    assert promoted.text == f"{finished}scdw is primary already, and cdw can be made its standby; nothing was changed"
    failed = with_(planned(), cdw={"__switchover_failure": "Prepare the primary: long transactions"})
    assert ended(failed, check_mode=True).text.startswith("NOT switched: nothing was changed: cdw: Prepare the primary: long transactions")


RESULTS = st.sampled_from([{}, {"failed": True, "msg": "m"}, {"unreachable": True, "msg": "m"}, {"skipped": True}])


@given(
    st.sampled_from([SWITCHED, with_(SWITCHED, scdw=BACK), planned(), planned(refusal="no"), planned(done="cdw")]),
    st.dictionaries(st.sampled_from(["__switchover_prepared", "__switchover_disarmed", "__switchover_return"]), RESULTS),
    st.booleans(),
)
def test_whatever_hosts_said_there_is_an_end_and_success_needs_a_promotion(hosts, results, check_mode):
    found = ended(with_(hosts, cdw=results, scdw=results), check_mode=check_mode)
    assert found.text
    json.dumps(found.document)
    if found.document["switched"]:
        assert found.outcome == "already_switched" or found.document["timeline"]
