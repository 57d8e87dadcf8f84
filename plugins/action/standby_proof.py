# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keep the proof that a pair is mirrored, or fail on all hosts of a cluster that is not."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.scenes import hosts_of


class ActionModule(ActionBase):
    """The controller's part of M(warehousepg.coordinator.standby_proof): all of it."""

    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Fail without a proof; with one, on the standby's host, keep it."""
        result = super().run(tmp, task_vars)
        _dummy, options = self.validate_argument_spec(
            {
                "verdict": {"type": "str", "required": True},
                "plans": {"type": "str", "required": True},
                "configuration": {"type": "str", "required": True},
                "verification": {"type": "str", "required": True},
                "record": {"type": "str", "required": True},
            }
        )
        variables = task_vars or {}
        cluster = str(self._templar.template(variables.get("cluster_name")) or "")
        pair, plan = (variables[options[name]]["clusters"][cluster] for name in ("verdict", "plans"))
        lost = [host for host in hosts_of(pair) if host not in variables["ansible_play_hosts"]]
        verification = (variables["hostvars"][plan["primary"]].get(options["verification"]) or {}).get("primary") or {}
        verified = bool((verification.get("probe") or {}).get("replayed"))
        if self._task.check_mode:
            verified = "settings" in (variables["hostvars"][plan["standby"]].get(options["configuration"]) or {})
        result.update(changed=False)
        if lost or not verified:
            why = f"{', '.join(lost)} dropped out of the run" if lost else "the standby was not seen stream in sync and replay a write"
            result.update(failed=True, msg=why)
        elif variables["inventory_hostname"] == plan["standby"]:
            record = {
                **plan["record"],
                **self._templar.template(variables[options["record"]]),
                "client_port": (verification.get("walsender") or {}).get("client_port"),
            }
            kept = self._execute_module(module_name="warehousepg.coordinator.standby_record", module_args=record, task_vars=task_vars)
            result.update(changed=bool(kept.get("changed")), unkept=str(kept.get("msg", "")) if kept.get("failed") else "")
        return result
