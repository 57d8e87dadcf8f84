# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import json

import pytest
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._activate_standby.outcome import loss, outcome
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._activate_standby.progress import Progress

from ..losses import DOWN, PROMOTED, SERVING, UNKNOWN, plan

NO_LOSS = {"known": "none", "bytes": 0, "commits": 0, "why": "its disk says so", "window": {}}
AUDIT = {"who": "operator", "controller": "control1", "run": "1"}
ACTIVATION = {
    "changed": True,
    "promoted": True,
    "timeline": 2,
    "lsn": "0/300",
    "switch_lsn": "0/200",
    "loss": NO_LOSS,
    "segments_answered": [0],
    "steps": [{"name": "promote", "seconds": 0.1}],
}
ALLOWED = {"allowed": True, "state": "primary_unknown", "reason": "cdw is fenced", "proof": "sdw1 rejects it"}
REFUSED = {"allowed": False, "state": "primary_unknown", "reason": "cdw was not seen down", "proof": ""}
FENCED = {"fenced": True, "changed": True, "proof": "sdw1 rejects it", "persistent": True}
NEXT = "the cluster is unmirrored now: run rejoin for cdw, or enable_mirroring, to have a standby again"


def ended(planned, verdict=None, activation=None, lost=(), check_mode=False, cdw=None, scdw=None, sdw1=None):
    """How it ended for a cluster by what was registered on its hosts."""
    new = scdw or {}
    if verdict:
        new["__activate_standby_verdict"] = verdict
    if activation:
        new["__activate_standby_activation"] = activation
    plan = dataclasses.replace(planned, audit=AUDIT)
    found = outcome(Progress("demo", plan, {"cdw": cdw or {}, "scdw": new, "sdw1": sdw1 or {}}, lost, check_mode))
    assert json.loads(json.dumps(found.document)) == found.document
    assert "\n" not in found.text and found.document["who"] == "operator"
    assert bool(found.failure) == (found.outcome not in ("activated", "already_activated", "possible"))
    return found


BEGUN = plan(UNKNOWN, fence_segments=True)
ON_SDW1 = {"__activate_standby_fence": FENCED}


def test_it_is_activated():
    found = ended(BEGUN, ALLOWED, ACTIVATION, sdw1=ON_SDW1)
    assert found.text == f"activated: scdw is primary on timeline 2, since 0/200; no loss; {NEXT}"
    assert "clients: host=scdw,cdw port=5432,5432 target_session_attrs=read-write" in found.lines
    assert "no loss (its disk says so)" in found.lines
    expected = {
        "outcome": "activated",
        "activated": True,
        "former_primary": "cdw",
        "new_primary": "scdw",
        "state": "primary_unknown",
        "allowed": True,
        "verdict": "cdw is fenced",
        "proof": "sdw1 rejects it",
        "timeline": 2,
        "lsn": "0/300",
        "switch_lsn": "0/200",
        "loss": NO_LOSS,
        "segments_answered": [0],
        "troubles": [],
        "left": [],
    }
    assert expected.items() <= found.document.items()
    assert found.document["start_block"] is None
    assert found.document["fences"] == {
        "sdw1": {"fenced": True, "changed": True, "proof": "sdw1 rejects it", "persistent": True, "lifted": False}
    }


def test_seconds_of_what_hosts_do_at_once_are_those_of_the_slowest():
    def took(*seconds):
        return {"steps": [{"name": str(number), "seconds": one} for number, one in enumerate(seconds)]}

    found = ended(
        BEGUN,
        ALLOWED,
        ACTIVATION,
        cdw={"__activate_standby_fence": took(), "_common_access": took(0.2)},
        scdw={"__activate_standby_brought": {"skipped": True}, "_common_access": took(0.1), "_common_floating": took(0.5)},
        sdw1={"__activate_standby_fence": took(0.25, 0.5), "_common_access": took(0.1, 0.2)},
    )
    assert list(found.document["seconds"].items()) == [("fence", 0.75), ("promote", 0.1), ("clients", 0.8)]


@pytest.mark.parametrize(
    ("activation", "hosts", "lost", "trouble"),
    [
        ({**ACTIVATION, "failed": True, "msg": "segment 0\ndoes not answer"}, {}, [], "segment 0 does not answer"),
        (ACTIVATION, {"sdw1": {"_common_access": {"failed": True, "msg": "no"}}}, [], "sdw1: access rules: no"),
        (ACTIVATION, {"scdw": {"_common_floating": {"failed": True, "msg": "no"}}}, [], "scdw: the floating address: no"),
        (ACTIVATION, {"scdw": {"_common_analysis": {"failed": True, "msg": "no"}}}, [], "scdw: ANALYZE: no"),
        (ACTIVATION, {}, ["sdw1"], "sdw1 dropped out of the run"),
    ],
)
def test_it_is_activated_with_trouble(activation, hosts, lost, trouble):
    found = ended(BEGUN, ALLOWED, activation, lost, **hosts)
    assert found.outcome == "activated_with_trouble" and found.document["activated"] is True
    assert found.text.startswith("ACTIVATED WITH TROUBLE: scdw is primary on timeline 2")
    assert trouble in found.text and trouble in found.document["reason"]
    assert found.failure == f"demo is activated with trouble: {trouble}"


def test_it_was_activated_before():
    found = ended(plan(PROMOTED, ("scdw activation", {"timeline": 2})))
    assert found.text.startswith("activated: scdw is primary already") and "nothing was changed" in found.text
    assert (found.outcome, found.document["activated"]) == ("already_activated", True)


@pytest.mark.parametrize("found", [SERVING, UNKNOWN])
def test_it_was_refused_before_anything_was_changed(found):
    planned = plan(found)
    refused = ended(planned)
    assert refused.text == f"NOT activated: nothing was changed: {planned.refusal}"
    assert (refused.outcome, refused.document["activated"]) == ("not_activated", False)


@pytest.mark.parametrize(("lifted", "left"), [({"changed": True}, False), ({"changed": False}, True), (None, True)])
def test_fences_that_stay_after_a_refusal_are_told(lifted, left):
    sdw1 = {**ON_SDW1, "__activate_standby_lift": lifted} if lifted else ON_SDW1
    found = ended(BEGUN, REFUSED, sdw1=sdw1)
    stays = "sdw1: it goes on rejecting the former primary; playbook lift_fence lifts that"
    assert found.text.endswith(stays) is left
    assert ("nothing was changed" in found.text) is not left
    assert found.document["left"] == ([stays] if left else [])


def test_a_data_directory_stays_start_blocked():
    blocked = {"start_blocked": True, "changed": True}
    found = ended(plan(DOWN), {**REFUSED, "reason": "no"}, cdw={"__activate_standby_start_block": blocked})
    assert (found.document["start_block"], found.document["fences"]) == (blocked, {})
    assert found.text.startswith("NOT activated: no; cdw: its data directory stays start-blocked; to start that instance")


def test_a_standby_that_is_stopped_now_is_told():
    activation = {"failed": True, "promoted": False, "stopped": True, "msg": "it did not start: No space left on device"}
    found = ended(BEGUN, ALLOWED, activation)
    assert found.text.startswith(
        "NOT activated: scdw: it did not start: No space left on device; scdw: the standby is stopped now: see its log"
    )
    assert "activate_standby_both_down=true" in found.text


def test_the_module_refused():
    activation = {"failed": True, "promoted": False, "msg": "a loss is possible", "loss": {"known": "unknown", "why": "x"}}
    found = ended(BEGUN, ALLOWED, activation)
    assert found.text == "NOT activated: nothing was changed: scdw: a loss is possible"
    assert found.document["loss"]["known"] == "unknown"


@pytest.mark.parametrize("activation", [{"unreachable": True, "msg": "lost"}, {"failed": True, "msg": "killed"}])
def test_it_is_not_known_how_it_ended(activation):
    found = ended(BEGUN, ALLOWED, activation, ["scdw"], sdw1=ON_SDW1)
    assert (found.outcome, found.document["activated"]) == ("unconfirmed", None)
    assert found.text.startswith("ACTIVATION UNCONFIRMED: scdw: no word of how its promotion ended: ")


@pytest.mark.parametrize("activation", [None, {"skipped": True, "changed": False}])
def test_the_promotion_was_not_begun(activation):
    found = ended(BEGUN, ALLOWED, activation, cdw={"__activate_standby_failure": "Fetch WAL: disk is full"})
    assert found.text == "NOT activated: nothing was changed: cdw: Fetch WAL: disk is full"
    assert ended(BEGUN, ALLOWED, activation).text == "NOT activated: nothing was changed: the promotion was not begun, see above"


def test_a_fence_that_a_restart_lifts_is_told():
    fleeting = {"__activate_standby_fence": {**FENCED, "persistent": False}}
    said = "warning: sdw1: a restart lifts the fence, for no systemd puts it up again: keep cdw off until it is rejoined"
    assert said in ended(BEGUN, ALLOWED, ACTIVATION, sdw1=fleeting).lines
    assert said not in ended(BEGUN, ALLOWED, ACTIVATION, sdw1=ON_SDW1).lines


def test_in_check_mode_it_is_told_what_would_be():
    found = ended(BEGUN, ALLOWED, {**ACTIVATION, "promoted": False}, check_mode=True, sdw1=ON_SDW1)
    assert (found.outcome, found.document["activated"]) == ("possible", False)
    assert found.text == "can be activated: scdw instead of cdw; nothing was changed"
    lossy = {**ACTIVATION, "promoted": False, "loss": {**NO_LOSS, "known": "unknown", "bytes": None, "commits": None}}
    assert ended(BEGUN, ALLOWED, lossy, check_mode=True, sdw1=ON_SDW1).text == (
        "can be activated: scdw instead of cdw; nothing was changed; it will be refused without activate_standby_accept_loss=true, "
        "unless stopping or fencing the former primary proves no loss"
    )
    assert any("10.0.0.11, fd00::11 rejected on sdw1, ports 6000, 7000" in line for line in found.lines)
    refused = ended(BEGUN, ALLOWED, {"failed": True, "promoted": False, "msg": "no"}, check_mode=True, sdw1=ON_SDW1)
    assert refused.text == "NOT activated: nothing was changed: scdw: no"


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (None, "loss not known"),
        ({**NO_LOSS, "bytes": "many"}, "loss not known"),
        (NO_LOSS, "no loss (its disk says so)"),
        (
            {**NO_LOSS, "known": "bytes", "bytes": 256, "commits": 2, "why": "x"},
            "loss 256 bytes of WAL, 2 transactions (x): catalog and segments",
        ),
        (
            {**NO_LOSS, "known": "unknown", "bytes": None, "commits": None, "why": "x"},
            "loss unknown (x): catalog and segments may disagree, gpcheckcat",
        ),
    ],
)
def test_a_loss_is_told_with_what_it_means(found, text):
    assert loss(found).startswith(text)
