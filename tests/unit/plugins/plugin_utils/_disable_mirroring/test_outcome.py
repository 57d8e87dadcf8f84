# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._disable_mirroring.outcome import outcome
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._disable_mirroring.plan import RemovalPlan
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._disable_mirroring.progress import Progress

PLAN = RemovalPlan("", "cdw", "scdw", found=["row", "slot"])
DEREGISTERED = {"standby": None, "slot": None, "role": False}


def steps(*names):
    return [{"name": name, "seconds": 0.1} for name in names]


def registration(*names, **known):
    return {"__disable_mirroring_registration": {**DEREGISTERED, "steps": steps(*names), **known}}


def demo(cdw=None, scdw=None, sdw1=None, lost=(), check_mode=False, **plan):
    """How it ended for a cluster by what was registered on its hosts."""
    hosts = {"cdw": cdw or {}, "scdw": scdw or {}, "sdw1": sdw1 or {}}
    return outcome(Progress("demo", dataclasses.replace(PLAN, **plan), hosts, lost, check_mode))


def test_it_was_refused():
    ended = demo(refusal="scdw is unknown: make it reachable")
    assert (ended.removed, ended.text) == (False, "NOT removed: nothing was changed: scdw is unknown: make it reachable")
    assert ended.failure == "demo: nothing was changed: scdw is unknown: make it reachable"


def test_everything_is_gone():
    ended = demo(
        registration("write_rules", "reload", "terminate_walsender", "drop_slot", "remove_row", "drop_role"),
        {
            "__disable_mirroring_stop": {"steps": steps("stop")},
            "__disable_mirroring_removal": {
                "steps": steps("set_aside", "remove_file", "remove_file"),
                "set_aside_as": ["/s.set_aside-1", "/f/8.r"],
            },
        },
        {"__disable_mirroring_access": {"steps": steps("write_rules", "write_rules", "reload", "reload")}},
    )
    assert (ended.removed, ended.failure) == (True, "")
    assert ended.text == (
        "unmirrored: cdw serves without a standby; removed: cdw: access rules, the walsender terminated, the slot, the catalog row, the "
        "replication role; scdw: the instance stopped, the data is now in /s.set_aside-1, /f/8.r, 2 files in ~/.whpg; sdw1: access rules"
    )


def test_what_was_deleted_is_named():
    ended = demo(registration(), {"__disable_mirroring_removal": {"steps": steps("delete"), "deleted": ["/s"]}})
    assert ended.text == "unmirrored: cdw serves without a standby; removed: scdw: deleted /s"


def test_nothing_was_left_to_do():
    ended = demo(registration(), left=["scdw was not reached"])
    assert (ended.removed, ended.lines) == (True, [])
    assert ended.text == "unmirrored: cdw serves without a standby; nothing was left to remove; left: scdw was not reached"


def test_what_stays_is_named():
    ended = demo(registration(), {"__disable_mirroring_removal": {"steps": [], "left": ["/h/demo.audit.jsonl"]}}, own=["gpmetrics/1"])
    assert ended.text.endswith("; only the standby had gpmetrics/1; left: scdw: /h/demo.audit.jsonl")
    ended = demo(check_mode=True, found=["instance"], own=["gpmetrics/1"], left=["scdw: /s.set_aside-1"])
    assert ended.text.endswith("to be removed: instance; only the standby has gpmetrics/1; left: scdw: /s.set_aside-1")


def test_the_environment_is_foretold():
    line = {"__disable_mirroring_environment": {"steps": [{"name": "write_environment", "seconds": 0.0}]}}
    assert "to be removed: row, slot, the environment of the engine's user" in demo(cdw=line, scdw=line, check_mode=True).text
    none = {"__disable_mirroring_environment": {"steps": []}}
    assert "environment" not in demo(cdw=none, check_mode=True).text


@pytest.mark.parametrize(("found", "said"), [(["row", "slot"], "row, slot"), ([], "nothing")])
def test_it_can_be_done(found, said):
    ended = demo(check_mode=True, found=found)
    assert (ended.removed, ended.text, ended.failure) == (True, f"can be unmirrored: cdw serves; to be removed: {said}", "")


@pytest.mark.parametrize(
    ("hosts", "lost", "said"),
    [
        (
            {"scdw": {"__disable_mirroring_failure": "Stop the standby: no"}},
            [],
            "scdw: Stop the standby: no. Nothing was removed. Run this again",
        ),
        (
            {"cdw": registration("drop_slot"), "sdw1": {"__disable_mirroring_failure": "Take: no\n such file"}},
            [],
            "sdw1: Take: no such file. Done so far: cdw: the slot. Run this again",
        ),
        ({"cdw": registration()}, ["scdw"], "scdw: lost during the run, see above. Nothing was removed."),
        ({}, [], "cdw: it was not seen that the primary has deregistered its standby"),
        ({"cdw": registration(role=True)}, [], "cdw: it was not seen that the primary has deregistered its standby"),
    ],
)
def test_it_is_not_done(hosts, lost, said):
    ended = demo(lost=lost, **hosts)
    assert not ended.removed
    assert ended.text.startswith(f"NOT removed: {said}")
    assert ended.failure.startswith(f"demo: the standby is not removed: {said}")
