# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan, on the controller, what has to be done so that a cluster's coordinator is mirrored as it is wanted."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils.standby_plan import make


class ActionModule(ActionBase):
    """The controller's part of M(warehousepg.coordinator.standby_plan): all of it."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Plan for the cluster of the present host."""
        result = super().run(tmp, task_vars)
        _dummy, options = self.validate_argument_spec(
            {
                "pair": {"type": "dict", "required": True},
                "observation": {"type": "str", "required": True},
                "wanted": {"type": "dict", "required": True},
                "former": {"type": "str"},
            }
        )
        hostvars = (task_vars or {})["hostvars"]
        pair, former = options["pair"], options["former"]
        known = {host: hostvars[host] for host in pair["coordinators"] + pair["segment_hosts"]}
        plan = make(
            pair,
            {host: variables.get(options["observation"]) for host, variables in known.items()},
            {host: {name: known[host].get(name) for name in _VARIABLES} for host in pair["coordinators"]},
            options["wanted"],
            hostvars,
            next((known[host].get(former) for host in pair["coordinators"] if host != pair["primary"]), None) if former else None,
        )
        result.update(changed=False, **dataclasses.asdict(plan))
        return result


_VARIABLES = ("whpg_hostname", "whpg_address", "whpg_addresses", "whpg_port")
