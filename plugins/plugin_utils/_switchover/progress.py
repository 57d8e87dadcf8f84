# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""How far a switchover came."""

from __future__ import annotations

import functools

from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run import progress
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.results import failed, told, was_tried
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.progress import Progress as ProgressOfStandby
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.stages import PLANS as PLANS_OF_STANDBY
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._switchover.plan import SwitchoverPlan
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._switchover.verdict import BACK, FORWARD, SwitchoverVerdict

ACTIVATION = "__switchover_activation"

#: words for how it ended
SWITCHED = "switched"
NOT_SWITCHED = "not_switched"
UNCONFIRMED = "unconfirmed"


class Progress(progress.Progress[SwitchoverPlan]):
    """What is asked of it, by what was seen."""

    @property
    def prepared(self) -> bool:
        """Whether the primary is."""
        return "drained" in self.on_primary("__switchover_prepared")

    @property
    def packed(self) -> bool:
        """Whether there is what the standby has otherwise, to be brought to it; in check mode nothing is packed."""
        return self.check_mode or "packed" in self.on_primary("__switchover_packed")

    @property
    def in_step(self) -> bool:
        """Whether the standby has what its primary has, as far as that was seen; in check mode nothing is brought."""
        return self.check_mode or not self.plan.drift or "brought" in self.on_standby("__switchover_brought")

    @property
    def armed(self) -> bool:
        """Whether the standby is."""
        return "armed" in self.on_standby("__switchover_armed")

    @property
    def stops(self) -> bool:
        """Whether the primary is to be stopped now: its standby is armed, or a run that was cut off is resumed before the promotion."""
        if self.plan.begin:
            return self.armed
        return bool(self.plan.resume) and not self.plan.promoted

    @functools.cached_property
    def verdict(self) -> SwitchoverVerdict:
        """What is right to do; no way at all where it was not come to that."""
        return told(SwitchoverVerdict, self.on_standby("__switchover_verdict")) or SwitchoverVerdict("", "")

    @property
    def forward(self) -> bool:
        """Whether it goes on."""
        return self.verdict.way == FORWARD

    @property
    def back(self) -> bool:
        """Whether it is rolled back."""
        return self.verdict.way == BACK

    @property
    def promoted(self) -> bool:
        """Whether the standby is primary."""
        return bool(self.on_standby(ACTIVATION).get("promoted"))

    @property
    def late(self) -> bool:
        """Whether the new primary lacks what the former one changed until it was stopped."""
        return self.promoted and bool(self.verdict.drift)

    @property
    def packed_late(self) -> bool:
        """Whether there is that, to be brought to it."""
        return self.late and "packed" in self.on_primary("__switchover_packed_late")

    def ended(self) -> str:
        """Who serves, as far as that is known: whatever follows it has no part in that."""
        if self.promoted or (self.forward and self.plan.promoted):
            return SWITCHED
        if self.back:
            return UNCONFIRMED if failed(self.on_primary("__switchover_return")) else NOT_SWITCHED
        return UNCONFIRMED if self.verdict.way or was_tried(self.on_primary("__switchover_stopped")) else NOT_SWITCHED

    def serving(self) -> str | None:
        """Host that is primary now, or was last; None where that is not known."""
        return {SWITCHED: self.plan.standby, NOT_SWITCHED: self.plan.primary}.get(self.ended())

    def finished(self) -> list[str]:
        """What it noted, unless an arming, a start block, or a promotion may be left."""
        if not self.plan.acts:
            return []
        served = self.on_primary("__switchover_return")
        serves = bool(served.get("running")) and served.get("start_block", "") is None
        complete = self.promoted and self._mirrored and "msg" not in self.on_standby(ACTIVATION)
        return [self.plan.begins] if (self.back and serves) or complete else []

    @property
    def _mirrored(self) -> bool:
        """Whether the former primary follows the new one, which it may have done before it was looked at."""
        plan = PLANS_OF_STANDBY.of(self.cluster, self.hosts.get(self.plan.standby or "") or {})
        settled = not (plan.to_change or plan.refusal or plan.left_alone)
        return ProgressOfStandby(self.cluster, plan, self.hosts).verified or settled
