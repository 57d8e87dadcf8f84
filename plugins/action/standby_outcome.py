# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Say, on the controller, how making standbys ended: a line for each cluster, and a failure for each that is not mirrored."""

from __future__ import annotations

import typing as t

from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.outcome_action import Hosts, Options, OutcomeAction
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.outcome import REGISTERED, Outcome, outcome


class ActionModule(OutcomeAction):
    """The controller's part of M(warehousepg.coordinator.standby_outcome): all of it."""

    OPTIONS: t.ClassVar[Options] = {"timeout": {"type": "float", "required": True}}
    REGISTERED = REGISTERED

    def ended(self, cluster: str, plan: Options, hosts: Hosts, lost: t.Sequence[str], options: Options) -> Outcome:
        """How it ended for a cluster."""
        return outcome(cluster, plan, hosts, lost, bool(self._task.check_mode), f"{options['timeout']:g}")

    def told(self, ended: Outcome, options: Options) -> tuple[dict[str, t.Any], str]:
        """What the task returns for the cluster, and what else failed."""
        return {"mirrored": ended.mirrored, "outcome": ended.text}, ""
