# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._lift_fence.stages import make

from ..observed import MIRRORED
from ..situations import situation

FENCE = {"cluster": "demo", "addresses": ["10.0.0.13"], "ports": [6000], "tool": "nft", "since": 5.0}
FENCED = ("sdw1 fences", [FENCE])
OTHER = ("sdw1 fences", [{**FENCE, "cluster": "other"}])
LOST = ("scdw", {"unreachable": True})
SILENT = {"serves": False, "reasons": ("it does not answer",), "advice": "activate_standby"}


def planned(*changes, confirmed="", **of_pair):
    """The plan where a segment host has a fence, unless it is said what hosts show."""
    return make(situation(MIRRORED, FENCED, *changes, options={"lift_fence_confirm_down": confirmed}, **of_pair))


def test_only_fences_of_the_cluster_are_lifted():
    assert (planned().fenced, planned().acts, planned().blocks) == (["sdw1"], True, "")


@pytest.mark.parametrize("pair", [{"busy": "another run"}, {"maintenance": "in maintenance"}, SILENT])
def test_where_there_is_none_nothing_hinders(pair):
    made = planned(OTHER, **pair)
    assert (made.refusal, made.acts) == ("", False)
    assert planned(**pair).refusal and not planned(**pair).acts


def test_what_is_wrong_is_told_also_where_there_is_none():
    assert planned(OTHER, wrong=["x is 1: give 2"]).refusal == "x is 1: give 2"


@pytest.mark.parametrize(
    ("confirmed", "refusal"),
    [
        ("", "scdw was not observed, and could run a primary: make it reachable"),
        ("scdw", ""),
        ("cdw", "lift_fence_confirm_down is cdw, and the host in question is scdw: correct it"),
    ],
)
def test_a_host_that_could_run_a_primary_is_seen_or_confirmed_down(confirmed, refusal):
    made = planned(LOST, confirmed=confirmed)
    assert made.refusal.startswith(refusal) and made.acts is not bool(refusal)
    assert made.blocks == ""


def test_a_former_primary_is_kept_from_starting_first():
    assert planned(("scdw instance role", "primary"), ("scdw instance postmaster", None), ("scdw standby", None)).blocks == "scdw"


def test_segment_hosts_that_may_keep_a_fence_are_named():
    assert planned(("sdw1", {"unreachable": True})).unseen == ["sdw1"]
