# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""How far an activation came."""

from __future__ import annotations

import functools

from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._activate_standby.plan import ActivationPlan
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._activate_standby.verdict import ActivationVerdict
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run import progress
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.results import part_of, told

ACTIVATION = "__activate_standby_activation"

#: words for how it ended
ACTIVATED = "activated"
NOT_ACTIVATED = "not_activated"
UNCONFIRMED = "unconfirmed"


class Progress(progress.Progress[ActivationPlan]):
    """What is asked of it, by what was seen."""

    @functools.cached_property
    def verdict(self) -> ActivationVerdict | None:
        """The last word before the promotion; None where it was not come to that."""
        return told(ActivationVerdict, self.on_standby("__activate_standby_verdict"))

    @property
    def allowed(self) -> bool:
        """Whether the standby may be promoted, by what was proved."""
        return bool(self.verdict and self.verdict.allowed)

    @property
    def packed_wal(self) -> bool:
        """Whether WAL that the standby lacks was packed on the former primary's host."""
        return bool(part_of(self.on_primary("__activate_standby_start_block"), "wal").get("archive"))

    @property
    def lacks_wal(self) -> bool:
        """Whether that is to be brought to the standby."""
        return bool(self.verdict and self.verdict.allowed and self.verdict.archive)

    @property
    def salvaged(self) -> bool:
        """Whether it was, as far as its host knows."""
        return self.lacks_wal and not self.on_standby("__activate_standby_unsalvaged")

    @property
    def brings(self) -> bool:
        """Whether settings and files are to be brought to it that WAL does not carry."""
        return bool(self.verdict and self.verdict.allowed and self.verdict.drift)

    @property
    def is_primary(self) -> bool:
        """Whether it was promoted, also where a later step of the same task failed."""
        return bool(self.on_standby(ACTIVATION).get("promoted"))

    @property
    def promoted(self) -> bool:
        """Whether it was, with all that belongs to it."""
        return self.is_primary and not self.on_standby(ACTIVATION).get("failed")

    @property
    def not_promoted(self) -> bool:
        """Whether it is certain that nothing was promoted."""
        result = self.on_standby(ACTIVATION)
        return not result or bool(result.get("skipped")) or not result.get("promoted", True)

    def ended(self) -> str:
        """Whether the standby is primary, as far as that is known."""
        return ACTIVATED if self.is_primary else NOT_ACTIVATED if self.not_promoted else UNCONFIRMED

    def serving(self) -> str | None:
        """Host that is primary now, or was last; None where that is not known."""
        return {ACTIVATED: self.plan.standby, NOT_ACTIVATED: self.plan.primary}.get(self.ended())

    def finished(self) -> list[str]:
        """What it noted, where all was done, or nothing promoted."""
        if not self.plan.acts:
            return []
        failed = any(self.on(host, "__activate_standby_failure") for host in self.hosts)
        return [self.plan.begins] if self.not_promoted or (self.promoted and not failed) else []
