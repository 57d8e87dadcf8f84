# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Say, on the controller, how giving up standbys ended: for each cluster what was done, what stays, and a failure where it is not done."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils.removal_outcome import REGISTERED, outcome


class ActionModule(ActionBase):
    """The controller's part of M(warehousepg.coordinator.removal_outcome): all of it."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """On one host print how it ended for all clusters; on one host of each cluster where it is not done, fail."""
        result = super().run(tmp, task_vars)
        _dummy, options = self.validate_argument_spec({"clusters": {"type": "dict", "required": True}})
        variables = task_vars or {}
        hostvars, alive, host = variables["hostvars"], variables["ansible_play_hosts"], variables["inventory_hostname"]
        result.update(changed=False)
        for cluster, pair in options["clusters"].items():
            hosts = pair["coordinators"] + pair["segment_hosts"]
            reporter = next((name for name in hosts if name in alive), None)
            if host not in (alive[0], reporter):
                continue
            known = {name: {key: hostvars[name][key] for key in REGISTERED if key in hostvars[name]} for name in hosts}
            lost = [name for name in hosts if name in variables["ansible_play_hosts_all"] and name not in alive]
            ended = outcome(cluster, known, lost, bool(self._task.check_mode))
            if host == alive[0]:
                for line in [*ended.lines, ended.text]:
                    Display().display(f"{cluster or 'no cluster'}: {line}")
            if host == reporter:
                result.update(removed=ended.removed, outcome=ended.text, left=ended.lines)
                if ended.failure:
                    result.update(failed=True, msg=ended.failure)
        return result
