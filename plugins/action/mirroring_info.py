# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Observe a host, and note by the controller's clock when that was."""

from __future__ import annotations

import time
import typing as t

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils import payloads
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils.inventory import COORDINATOR_ROLES
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils.wanted import wanted_of


class ActionModule(ActionBase):
    """The controller's part of M(warehousepg.coordinator.mirroring_info)."""

    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Run the module, and return with its result the times before and after it, and what is wanted on a coordinator's host."""
        result = super().run(tmp, task_vars)
        variables = task_vars or {}
        arguments = {**self._task.args, "peers": self._peers(variables.get("hostvars", {}))}
        wanted, given = arguments.pop("wanted", None), arguments.pop("given", None)
        next_modules = arguments.pop("next_modules", None) or ()
        # The first host makes that of this module, for which the others would only wait.
        if next_modules and variables["inventory_hostname"] != variables["ansible_play_hosts"][0]:
            payloads.make(self, payloads.unmade(next_modules), variables)
        if wanted and variables.get("whpg_role") in COORDINATOR_ROLES:
            result["wanted"] = {wanted: wanted_of(self._templar.template, variables, wanted, given)}
        before, unreachable = time.time(), arguments.pop("unreachable", None)
        try:
            if unreachable:
                raise AnsibleConnectionFailure(unreachable)
            found = self._execute_module(module_name="warehousepg.coordinator.mirroring_info", module_args=arguments, task_vars=task_vars)
        except AnsibleConnectionFailure as error:  # what is wanted on the host is known all the same
            found = {"unreachable": True, "msg": str(error)}
        result.update(found)
        result["asked"] = [before, time.time()]
        return result

    def _peers(self, hostvars: t.Mapping[str, t.Mapping[str, t.Any]]) -> list[t.Any]:
        """The option of this name; hosts that are given by their names are looked up in the inventory."""
        found = []
        for peer in self._task.args.get("peers") or []:
            known = hostvars[peer] if isinstance(peer, str) else {}
            if not isinstance(peer, str):
                found.append(peer)
            elif str(known.get("whpg_port", "")).isdecimal():
                address = known.get("whpg_address") or known.get("ansible_host") or peer
                found.append({"name": peer, "address": str(address), "port": int(known["whpg_port"])})
        return found
