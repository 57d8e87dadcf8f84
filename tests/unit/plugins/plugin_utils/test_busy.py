# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every plan leaves a pair alone that another run works on."""

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._activate_standby import plan as activation_plan
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._disable_mirroring import plan as removal_plan
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby import plan as standby_plan
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._switchover import plan as switchover_plan

from . import losses

BUSY = "cdw: another run works on this pair: rejoin by ada on control1, process 47"


def busy(scene, **more):
    return dataclasses.replace(scene, pair=dataclasses.replace(scene.pair, busy=BUSY, **more))


def plan_of(role, found, **more):
    of_activation = busy(losses.scene(found), **more)
    if role == "activate_standby":
        return activation_plan.make(of_activation, [])
    if role == "switchover":
        return switchover_plan.make(of_activation)
    if role == "standby":
        return standby_plan.make(of_activation.pair, of_activation.observations)
    return removal_plan.make(of_activation)


@pytest.mark.parametrize("found", [losses.SERVING, losses.DOWN, losses.PROMOTED])
@pytest.mark.parametrize("role", ["activate_standby", "switchover", "standby", "disable_mirroring"])
def test_nothing_is_done_to_a_pair_that_another_run_works_on(role, found):
    made = plan_of(role, found)
    assert made.refusal.startswith(BUSY)
    work = {
        name: value for name, value in dataclasses.asdict(made).items() if name not in ("refusal", "primary", "standby", "state", "begins")
    }
    assert not any(work.values()), work


@pytest.mark.parametrize("role", ["activate_standby", "switchover", "standby", "disable_mirroring"])
def test_what_is_wrong_with_values_is_told_first_and_alone(role):
    assert plan_of(role, losses.SERVING, wrong=["standby_port is 0"]).refusal == "standby_port is 0"


def test_a_standby_whose_host_cannot_be_locked_is_not_activated():
    scene = losses.scene(losses.DOWN)
    for host, refused in (("scdw", True), ("cdw", False)):
        locked = dataclasses.replace(scene, pair=dataclasses.replace(scene.pair, unlocked={host: "No space left on device"}))
        said = activation_plan.make(locked, []).refusal
        assert said == ("scdw could not be locked against other runs: No space left on device" if refused else "")
