# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan, on the controller, what has to be done so that nothing of a cluster's standby is left."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils.removal_plan import make


class ActionModule(ActionBase):
    """The controller's part of M(warehousepg.coordinator.removal_plan): all of it."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Plan for the cluster of the present host."""
        result = super().run(tmp, task_vars)
        _dummy, options = self.validate_argument_spec(
            {
                "cluster": {"type": "str", "required": True},
                "pair": {"type": "dict", "required": True},
                "observation": {"type": "str", "required": True},
                "wanted": {"type": "dict", "required": True},
            }
        )
        hostvars = (task_vars or {})["hostvars"]
        pair = options["pair"]
        hosts = pair["coordinators"] + pair["segment_hosts"]
        plan = make(
            options["cluster"],
            pair,
            {host: None if host in pair["unknown"] else hostvars[host].get(options["observation"]) for host in hosts},
            {host: {"whpg_addresses": hostvars[host].get("whpg_addresses")} for host in hosts},
            options["wanted"],
        )
        result.update(changed=False, **dataclasses.asdict(plan))
        return result
