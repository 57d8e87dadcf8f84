# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._release.stages import make

from ..observed import MIRRORED
from ..situations import situation

SILENT = {"serves": False, "reasons": ("it does not answer",), "advice": "activate_standby"}


@pytest.mark.parametrize(
    ("pair", "commits", "wal", "refusal"),
    [
        ({}, True, False, ""),
        ({}, False, True, ""),
        ({}, False, False, "say what is to be released"),
        ({"wrong": ["a", "b"], "busy": "another run"}, True, False, "a; b"),
        ({"busy": "another run", "maintenance": "in maintenance"}, True, False, "another run"),
        ({**SILENT, "maintenance": "in maintenance"}, True, False, "in maintenance"),
        (SILENT, True, False, "it does not answer; activate_standby"),
    ],
)
def test_a_primary_that_serves_may_go_on_when_it_is_said_how(pair, commits, wal, refusal):
    plan = make(situation(MIRRORED, options={"release_commits": commits, "release_wal": wal}, **pair))
    assert plan.refusal.startswith(refusal)
    assert (plan.acts, plan.primary) == (not refusal, "cdw")
