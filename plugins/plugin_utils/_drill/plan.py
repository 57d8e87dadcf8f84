# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Whether anything can be rehearsed with a cluster, or why it is not begun."""

from __future__ import annotations

import dataclasses

from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.verdict import PRIMARY_UNKNOWN
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.scenes import Scene
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.progress import Plan
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._switchover import plan as of_switchover

#: what is rehearsed: a switchover there and back, or the activation of a copy of the standby
SWITCHOVER, COPY = "switchover", "copy"


@dataclasses.dataclass(frozen=True)
class DrillPlan(Plan):
    """What has to be done.

    :param kind: what is rehearsed.
    :param state: in which the pair is.
    :param interval: seconds from one probe write to the next.
    :param warnings: what the operator should know beside that.
    :param audit: who runs this.
    """

    kind: str = SWITCHOVER
    state: str = PRIMARY_UNKNOWN
    interval: float = 0.0
    warnings: list[str] = dataclasses.field(default_factory=list)
    audit: dict[str, str] = dataclasses.field(default_factory=dict)


def make(scene: Scene) -> DrillPlan:
    """What has to be done in a cluster: nothing where a switchover would not be begun."""
    switch, options = of_switchover.make(scene), scene.pair.options
    of_drill = {name: options[f"drill_{name}"] for name in ("kind", "interval")}
    known = DrillPlan(switch.refusal, switch.primary, switch.standby, state=scene.pair.state, **of_drill)
    target = options["switchover_to"]
    if target:
        why = f"switchover_to is {target!r}, and a drill swaps the coordinators and swaps them back: leave it out"
        return dataclasses.replace(known, refusal=why)
    if not (switch.refusal or switch.begin):
        why = f"a switchover to {switch.standby} was cut off: finish it by the playbook switchover, then rehearse"
        return dataclasses.replace(known, refusal=why)
    return dataclasses.replace(known, warnings=switch.warnings if known.kind == SWITCHOVER else [])
