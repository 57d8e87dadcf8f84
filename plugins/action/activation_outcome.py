# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Say, on the controller, how activations ended: on the screen, in a file for programs, and in the audit trail."""

from __future__ import annotations

import datetime
import os
import typing as t

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils import audit
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils.activation_outcome import REGISTERED, Outcome, outcome
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils.scenes import hosts_of


class ActionModule(ActionBase):
    """The controller's part of M(warehousepg.coordinator.activation_outcome): all of it."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """On one host print how it ended for all clusters; on one host of each cluster write it down, and fail unless it is activated."""
        result = super().run(tmp, task_vars)
        _dummy, options = self.validate_argument_spec(
            {
                "clusters": {"type": "dict", "required": True},
                "result_file": {"type": "path", "required": True},
                "audit_file": {"type": "path", "required": True},
            }
        )
        variables = task_vars or {}
        hostvars, alive, host = variables["hostvars"], variables["ansible_play_hosts"], variables["inventory_hostname"]
        result.update(changed=False)
        for cluster, pair in options["clusters"].items():
            hosts = hosts_of(pair)
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
                trouble = "" if self._task.check_mode else self._keep(ended, options)
                result.update(outcome=ended.outcome, result_file=options["result_file"])
                if ended.failure or trouble:
                    result.update(failed=True, msg="; ".join(part for part in (ended.failure, trouble) if part))
        return result

    @staticmethod
    def _keep(ended: Outcome, options: t.Mapping[str, t.Any]) -> str:
        """Write down how it ended; returns why it could not be."""
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        document = {"time": now, **ended.document}
        try:
            audit.write_result(os.path.expanduser(options["result_file"]), document)
            audit.append(os.path.expanduser(options["audit_file"]), {**document, "action": "activate_standby"})
        except OSError as error:
            return f"the result cannot be written on the controller: {error}"
        return ""
