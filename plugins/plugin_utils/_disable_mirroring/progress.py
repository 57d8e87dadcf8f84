# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""How far giving up a standby came."""

from __future__ import annotations

from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._disable_mirroring.plan import RemovalPlan
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run import progress
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.move import PURPOSES


class Progress(progress.Progress[RemovalPlan]):
    """What is asked of it, by what was seen."""

    @property
    def stopped(self) -> bool:
        """Whether the standby is, if there is one."""
        result = self.on_standby("__disable_mirroring_stop")
        return not self.plan.standby or ("directory_state" in result and not result.get("failed"))

    @property
    def deregistered(self) -> bool:
        """Whether the primary knows of no standby any more."""
        result = self.on_primary("__disable_mirroring_registration")
        return "role" in result and not result.get("failed")

    def ended(self) -> str:
        """Whether nothing of the standby is left, as far as its hosts could be reached."""
        failed = self.lost or any(self.on(host, "__disable_mirroring_failure") for host in self.hosts)
        return "unmirrored" if self.deregistered and not failed else "not_unmirrored"

    def finished(self) -> list[str]:
        """What other runs may have noted that they began: nothing is left of that."""
        return list(PURPOSES) if self.plan.acts else []
