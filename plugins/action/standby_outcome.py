# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Say, on the controller, how making standbys ended: a line for each cluster, and a failure for each that is not mirrored."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils.outcome import Outcome, outcome


class ActionModule(ActionBase):
    """The controller's part of M(warehousepg.coordinator.standby_outcome): all of it."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """On one host print how it ended for all clusters; on one host of each cluster that is not mirrored, fail."""
        result = super().run(tmp, task_vars)
        _dummy, options = self.validate_argument_spec(
            {"clusters": {"type": "dict", "required": True}, "timeout": {"type": "float", "required": True}}
        )
        variables = task_vars or {}
        hostvars, alive, host = variables["hostvars"], variables["ansible_play_hosts"], variables["inventory_hostname"]
        result.update(changed=False)
        for cluster, pair in options["clusters"].items():
            hosts = pair["coordinators"] + pair["segment_hosts"]
            reporter = next((name for name in hosts if name in alive), None)
            if host not in (alive[0], reporter):
                continue
            ended = self._outcome(cluster, hosts, hostvars, [name for name in hosts if name not in alive], options["timeout"])
            if host == alive[0]:
                Display().display(f"{cluster or 'no cluster'}: {ended.text}")
            if host == reporter:
                result.update(mirrored=ended.mirrored, outcome=ended.text)
                if not ended.mirrored:
                    result.update(failed=True, msg=ended.failure)
        return result

    def _outcome(
        self, cluster: str, hosts: t.Sequence[str], hostvars: t.Mapping[str, t.Any], lost: t.Collection[str], limit: float
    ) -> Outcome:
        names = (
            "discovery_observation",
            "__standby_plan",
            "__standby_look",
            "__standby_configuration",
            "__standby_rewind_closed",
            "__standby_verification",
            "__standby_record",
            "__standby_explanation",
            "__standby_failure",
            "__standby_taken_back",
            "__standby_left",
        )
        of_hosts = {host: hostvars[host] for host in hosts}
        known = {host: {name: found[name] for name in names if name in found} for host, found in of_hosts.items()}
        return outcome(cluster, known, lost, bool(self._task.check_mode), f"{limit:g}")
