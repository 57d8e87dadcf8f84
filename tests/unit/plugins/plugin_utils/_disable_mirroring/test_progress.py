# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._disable_mirroring.plan import RemovalPlan
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._disable_mirroring.progress import Progress

PLAN = RemovalPlan("", "cdw", "scdw")


@pytest.mark.parametrize(
    ("standby", "result", "stopped"),
    [
        ("scdw", {"directory_state": "instance"}, True),
        ("scdw", {"directory_state": "instance", "failed": True}, False),
        ("scdw", None, False),
        (None, None, True),
    ],
)
def test_the_primary_deregisters_a_standby_that_is_stopped(standby, result, stopped):
    assert Progress("demo", RemovalPlan("", "cdw", standby), {"scdw": {"__disable_mirroring_stop": result}}).stopped is stopped


@pytest.mark.parametrize(("result", "gone"), [({"role": False}, True), ({"role": False, "failed": True}, False), (None, False)])
def test_files_go_when_the_primary_knows_of_no_standby(result, gone):
    assert Progress("demo", PLAN, {"cdw": {"__disable_mirroring_registration": result}}).deregistered is gone


def test_nothing_is_left_of_what_other_runs_began():
    assert Progress("demo", PLAN, {}).finished() == ["move the standby", "rejoin"]
    assert Progress("demo", RemovalPlan("scdw is unknown", "cdw"), {}).finished() == []
