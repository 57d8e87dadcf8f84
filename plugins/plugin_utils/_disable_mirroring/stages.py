# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What giving up a standby has done on the controller."""

from __future__ import annotations

import typing as t

from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._disable_mirroring.outcome import outcome
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._disable_mirroring.plan import RemovalPlan, make
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._disable_mirroring.progress import Progress
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run import stage
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.progress import Plans
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.stage import Situation

INTENT = "disable_mirroring"

#: where its tasks register
PLANS = Plans(RemovalPlan, "__disable_mirroring_plans")

#: how far it came, and where its plans are registered
PROGRESS = (Progress, PLANS)


def _plans(situations: t.Sequence[Situation]) -> t.Iterator[RemovalPlan]:
    return map(make, situations)


STAGES = {
    "plan": stage.plan(INTENT, _plans),
    "heed": stage.heed(PLANS),
    "hook": stage.hook(INTENT, *PROGRESS),
    "conclude": stage.conclude(INTENT, *PROGRESS, lambda progress, _task: outcome(progress)),
}
