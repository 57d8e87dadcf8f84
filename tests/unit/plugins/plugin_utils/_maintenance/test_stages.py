# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._maintenance.stages import MaintenancePlan, make, outcome
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.progress import Progress

from ..observed import MIRRORED
from ..situations import situation

MARKED = {"__maintenance_mark": {"maintenance": {"since": 1.0}}}


def planned(*changes, desired=True, **of_pair):
    return make(situation(MIRRORED, *changes, options={"maintenance": desired}, **of_pair))


@pytest.mark.parametrize(
    ("pair", "refusal"),
    [({"problems": ["p"], "wrong": ["w"], "busy": "b"}, "p; w"), ({"busy": "b"}, "b"), ({"maintenance": "m", "serves": False}, "")],
)
def test_only_another_run_and_what_is_wrong_hinder(pair, refusal):
    assert planned(**pair).refusal == refusal


def test_hosts_are_marked_that_are_seen_and_can_be():
    assert planned().hosts == ["cdw", "scdw"]
    assert planned(("scdw site parent_owner", None)).hosts == ["cdw"]
    lost = planned(("scdw", {"unreachable": True}), ("sdw1", None))
    assert (lost.hosts, list(lost.unknown)) == (["cdw"], ["scdw"])


@pytest.mark.parametrize(
    ("desired", "hosts", "unknown", "marked", "text", "failed"),
    [
        (True, ["cdw", "scdw"], {}, ["cdw", "scdw"], "in maintenance: nothing but status acts on the pair, marked on cdw, scdw", False),
        (
            True,
            ["cdw"],
            {"scdw": "x"},
            ["cdw"],
            "in maintenance: nothing but status acts on the pair, marked on cdw; not marked on scdw",
            False,
        ),
        (True, [], {"scdw": "x"}, [], "no host of the coordinators could be marked: scdw, x", True),
        (False, ["cdw", "scdw"], {}, ["cdw", "scdw"], "not in maintenance", False),
        (
            False,
            ["cdw"],
            {"scdw": "x"},
            ["cdw"],
            "the mark may be left on scdw, which was not reached: run this again when it can be",
            True,
        ),
    ],
)
def test_how_it_is_now_is_told(desired, hosts, unknown, marked, text, failed):
    plan = MaintenancePlan(desired=desired, hosts=hosts, unknown=unknown)
    found = outcome(Progress("demo", plan, {host: MARKED if host in marked else {} for host in ("cdw", "scdw")}))
    assert (found.text, found.failure) == (text, f"demo: {text}" if failed else "")


def test_why_nothing_was_begun_is_told():
    assert outcome(Progress("demo", MaintenancePlan("another run"), {})).failure == "demo: another run"
