# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Say, on the controller, how switchovers ended: on the screen, in a file for programs, and in the audit trail."""

from __future__ import annotations

import typing as t

from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._activate_standby.outcome import Outcome
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.outcome_action import FILES, Hosts, Options, OutcomeAction
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._switchover.outcome import REGISTERED, outcome


class ActionModule(OutcomeAction):
    """The controller's part of M(warehousepg.coordinator.switchover_outcome): all of it."""

    OPTIONS: t.ClassVar[Options] = {**FILES, "timeout": {"type": "float", "required": True}}
    RESULTS = ("verdict", "plans", "standby_plans")
    REGISTERED = REGISTERED

    def ended(self, cluster: str, plan: Options, hosts: Hosts, lost: t.Sequence[str], options: Options) -> Outcome:
        """How it ended for a cluster."""
        return outcome(
            cluster, plan, hosts, lost, bool(self._task.check_mode), f"{options['timeout']:g}", options["standby_plans"].get(cluster)
        )

    def told(self, ended: Outcome, options: Options) -> tuple[dict[str, t.Any], str]:
        """What the task returns for the cluster, and what else failed."""
        return {"outcome": ended.outcome, "result_file": options["result_file"]}, self.keep(ended, "switchover", options)
