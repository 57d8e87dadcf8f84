# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import jsonschema
import pytest
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._drill.outcome import outcome
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._drill.plan import DrillPlan
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._drill.progress import Progress
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.progress import answers
from hypothesis import given
from hypothesis import strategies as st

SCHEMA = json.loads((Path(__file__).parents[5] / "roles/drill/files/drill.schema.json").read_text())
AUDIT = {"who": "operator", "controller": "ctl", "run": "20261123T071500Z-1"}
PLAN = DrillPlan(primary="cdw", standby="scdw", state="mirrored", interval=0.05, audit=AUDIT)
COPY = dataclasses.replace(PLAN, kind="copy")
LOSS = {"known": "none", "bytes": 0, "commits": 0, "why": "it was shut down", "window": {}}
THERE = {
    "former_primary": "cdw",
    "new_primary": "scdw",
    "outcome": "switched",
    "switched": True,
    "reason": "",
    "gap_s": 0.8,
    "seconds": {"stop": 0.3, "first_write": 0.1},
    "timeline": 2,
    "switch_lsn": "0/300",
    "loss": LOSS,
}
BACK = {**THERE, "former_primary": "scdw", "new_primary": "cdw", "timeline": 3, "switch_lsn": "0/600"}
REFUSED = {**BACK, "outcome": "not_switched", "switched": False, "reason": "a transaction runs", "gap_s": None, "seconds": {}}
REFUSED.update(timeline=None, switch_lsn=None, loss=None)
POSSIBLE = {**REFUSED, "outcome": "possible", "reason": ""}


def write(began, timeline=None, lsn=None):
    return {"began": began, "acknowledged": began + 0.01 if timeline else None, "timeline": timeline, "lsn": lsn}


WRITTEN = {
    "cdw": {"writes": [write(10.0, 1, "0/100"), write(10.1, 1, "0/200"), write(10.2), write(13.0, 3, "0/900")], "ahead": 0.001},
    "scdw": {"writes": [write(11.0, 2, "0/400"), write(11.1, 2, "0/500")], "ahead": 0.001},
}
STARTED = {"__drill_started": {"running": True, "left": True}}
DONE = {
    "cdw": {**STARTED, "__drill_written": WRITTEN["cdw"], "__drill_there": {"switch": THERE}, "__drill_back": {"switch": BACK}},
    "scdw": {**STARTED, "__drill_written": WRITTEN["scdw"]},
    "sdw1": {},
}
ACTIVATED = {
    "end_lsn": "0/280",
    "end_timeline": 1,
    "rto_s": 0.31,
    "timeline": 2,
    "closed": "only utility mode connections are allowed",
    "steps": [{"name": "take_wal", "seconds": 0.1}, {"name": "promote", "seconds": 0.2}, {"name": "see_closed", "seconds": 0.5}],
}
COPIED = {
    "cdw": {**STARTED, "__drill_written": {**WRITTEN["cdw"], "ahead": 0.001}},
    "scdw": {
        "__drill_copied": {"bytes": 3 << 20, "steps": [{"name": "copy_files", "seconds": 1.5}]},
        "__drill_activated": ACTIVATED,
        "__drill_removed": {"copy_state": "absent"},
    },
    "sdw1": {},
}


def with_(hosts, **changes):
    """With what other tasks left on some hosts; None: nothing."""
    found = {host: {**known, **changes.get(host, {})} for host, known in hosts.items()}
    return {host: {name: value for name, value in known.items() if value is not None} for host, known in found.items()}


def ended(hosts, plan=PLAN, check_mode=False, lost=()):
    progress = Progress("demo", plan, hosts, lost, check_mode)
    json.dumps(answers(progress))
    found = outcome(progress)
    if found.outcome != "possible":
        jsonschema.Draft202012Validator(SCHEMA).validate({"time": "2026-11-23T07:16:00Z", **found.document})
    return found


def test_a_switchover_there_and_back_is_told_with_what_it_costs():
    found = ended(DONE)
    assert (found.outcome, found.failure) == ("rehearsed", "")
    assert found.text == "rehearsed: cdw is primary again, and scdw its standby; RTO 1.90 s, RPO 0 commits"
    assert found.lines == [
        "there: scdw became primary; RTO 0.90 s, RPO 0 commits of 2 acknowledged; seconds: stop 0.30, first write 0.10",
        "back: cdw became primary; RTO 1.90 s, RPO 0 commits of 2 acknowledged; seconds: stop 0.30, first write 0.10",
        "written: a commit every 0.05 s, 5 acknowledged, 1 not; the longest pause was 1.90 s; the clock of cdw is 0.0000 s ahead of that "
        "of scdw, within 0.0010 s",
    ]
    told = found.document
    assert (told["kind"], told["rto_s"], told["rpo_commits"], told["loss"]["known"]) == ("switchover", 1.9, 0, "none")
    assert (told["former_primary"], told["new_primary"], told["run"]) == ("cdw", "cdw", AUDIT["run"])
    assert told["seconds"] == {"there_stop": 0.3, "there_first_write": 0.1, "back_stop": 0.3, "back_first_write": 0.1}
    assert (told["writes"]["acknowledged"], told["writes"]["unheard"], told["copy"]) == (5, 1, None)


def test_where_the_way_back_is_refused_it_says_who_is_primary_and_what_to_run():
    found = ended(with_(DONE, cdw={"__drill_back": {"switch": REFUSED}}))
    assert (found.outcome, found.document["new_primary"], found.document["rto_s"]) == ("half_rehearsed", "scdw", 0.9)
    assert found.failure == f"demo: {found.text}"
    assert "scdw is primary and stays so, for the way back failed: a transaction runs; RTO 0.90 s" in found.text
    assert "run the playbook switchover with switchover_to=cdw" in found.text
    assert [line.partition(":")[0] for line in found.lines] == ["there", "written"]


NOTHING = {"__drill_there": None, "__drill_back": None}
UNKNOWN = {**THERE, "outcome": "unconfirmed", "switched": None, "reason": "scdw was lost"}
FAILED = {"failed": False, "msg": "no room"}


@pytest.mark.parametrize(
    ("changes", "lost", "what", "words"),
    [
        ({"cdw": {"__drill_there": {"switch": REFUSED}, "__drill_back": None}}, (), "not_rehearsed", "a transaction runs; cdw serves"),
        ({"cdw": {**NOTHING, "__drill_started": FAILED}}, (), "not_rehearsed", "no writer was started: cdw: no room"),
        ({"cdw": NOTHING}, ["scdw"], "unconfirmed", "scdw dropped out of the run; run the playbook switchover"),
        ({"cdw": NOTHING}, (), "unconfirmed", "broken off"),
        ({"cdw": {"__drill_there": {"switch": UNKNOWN}, "__drill_back": None}}, (), "unconfirmed", "scdw was lost"),
        ({"cdw": {"__drill_back": {"switch": UNKNOWN}}}, (), "unconfirmed", "scdw was lost"),
        ({"cdw": {"__drill_back": None}}, ["cdw2"], "half_rehearsed", "not come to that"),
        (
            {"cdw": {"__drill_back": {"switch": {**BACK, "outcome": "switched_with_trouble", "reason": "the hook failed"}}}},
            (),
            "rehearsed_with_trouble",
            "RTO 1.90 s, RPO 0 commits; the hook failed",
        ),
        ({"scdw": {"__drill_written": FAILED}}, (), "rehearsed_with_trouble", "scdw: what was written there is not known: no room"),
        ({"scdw": {"__drill_written": {"writes": [], "ahead": None}}}, (), "rehearsed_with_trouble", "RTO not measured"),
        ({"cdw": {"__drill_there": {"switch": {**THERE, "switch_lsn": "0/180"}}}}, (), "rehearsed_with_trouble", "1 acknowledged commits"),
    ],
)
def test_what_did_not_go_well_is_told(changes, lost, what, words):
    found = ended(with_(DONE, **changes), lost=lost)
    assert found.outcome == what
    assert words in found.text
    assert found.failure == f"demo: {found.text}"
    assert (found.document["new_primary"] is None) is (what == "unconfirmed")


def test_a_refusal_says_that_nothing_was_changed():
    for plan in (PLAN, COPY):
        found = ended({}, dataclasses.replace(plan, refusal="the pair is degraded"))
        assert (found.outcome, found.text) == ("not_rehearsed", "NOT rehearsed: nothing was changed: the pair is degraded")
        assert found.document["rto_s"] is found.document["rpo_commits"] is None


def test_in_check_mode_it_says_what_could_be():
    hosts = {"cdw": {"__drill_there": {"switch": POSSIBLE}}, "scdw": {}}
    assert ended(hosts, check_mode=True).text.startswith("can be rehearsed: scdw can be primary instead of cdw, and cdw again; nothing")
    foreseen = {"cdw": {}, "scdw": {"__drill_copied": {"copy_state": "absent"}}}
    assert ended(foreseen, COPY, check_mode=True).text.startswith("can be rehearsed: the standby on scdw can be copied")
    assert "no room" in ended({"cdw": {}, "scdw": {"__drill_copied": FAILED}}, COPY, check_mode=True).failure


def test_the_activation_of_a_copy_is_told_with_what_it_costs():
    found = ended(COPIED, COPY)
    assert (found.outcome, found.failure) == ("rehearsed", "")
    assert found.text == (
        "rehearsed: a copy of the standby on scdw was activated and removed; cdw is primary, and scdw its standby, as before; RTO 0.31 s, "
        "RPO 0 commits"
    )
    assert found.lines[0] == (
        "copy: 3 MiB; it had all WAL up to 0/280, 0 commits of 2 acknowledged missing; no session of it could dispatch, as it says: "
        "only utility mode connections are allowed; seconds: copy files 1.50, take wal 0.10, promote 0.20"
    )
    assert "clock" not in found.lines[1]
    assert found.document["copy"]["removed"] is True
    assert found.document["seconds"] == {"copy_files": 1.5, "take_wal": 0.1, "promote": 0.2}


@pytest.mark.parametrize(
    ("changes", "lost", "what", "words"),
    [
        ({"scdw": {"__drill_copied": FAILED, "__drill_activated": None}}, (), "not_rehearsed", "was not activated: no room"),
        ({"scdw": {"__drill_activated": FAILED}}, (), "not_rehearsed", "was not activated: no room; cdw is primary"),
        ({"scdw": {"__drill_activated": FAILED, "__drill_removed": FAILED}}, (), "not_rehearsed", "the next drill removes it"),
        ({"scdw": {"__drill_activated": None}}, ["scdw"], "unconfirmed", "scdw dropped out of the run; cdw is primary"),
        ({"scdw": {"__drill_removed": FAILED}}, (), "rehearsed_with_trouble", "could not be removed: no room"),
        ({"scdw": {"__drill_activated": {**ACTIVATED, "end_lsn": "0/180"}}}, (), "rehearsed_with_trouble", "lacks 1 acknowledged commits"),
        ({"cdw": {"__drill_written": FAILED}}, (), "rehearsed_with_trouble", "RPO not known; cdw: what was written there is not known"),
        ({"cdw": {"__drill_written": {"writes": [], "ahead": None}}}, (), "rehearsed_with_trouble", "saw no acknowledged commit"),
    ],
)
def test_what_did_not_go_well_with_a_copy_is_told(changes, lost, what, words):
    found = ended(with_(COPIED, **changes), COPY, lost=lost)
    assert found.outcome == what
    assert words in found.text
    assert (found.failure, found.document["new_primary"]) == (f"demo: {found.text}", "cdw")


_RESULTS = st.sampled_from([None, {}, FAILED, {"skipped": True}, {"unreachable": True, "msg": "no route"}, {"writes": 1}, {"switch": 1}])


@given(
    st.sampled_from([PLAN, COPY]),
    st.sampled_from([DONE, COPIED]),
    st.dictionaries(st.sampled_from([name for hosts in (DONE, COPIED) for known in hosts.values() for name in known]), _RESULTS),
    st.booleans(),
)
def test_whatever_tasks_left_is_told_by_a_document_of_its_schema(plan, hosts, results, check_mode):
    found = ended(with_(hosts, cdw=results, scdw=results), plan, check_mode)
    assert bool(found.failure) is (found.outcome not in ("rehearsed", "possible"))
