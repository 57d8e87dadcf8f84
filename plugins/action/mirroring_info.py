# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Observe a host, note by the controller's clock when that was, and what the options of the roles ask for there."""

from __future__ import annotations

import time
import typing as t

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.password_stores.registry import STORES
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.inventory import is_single, known_of, members
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._desired import options, strangers
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._desired.option_checks import COORDINATOR_ROLES
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.invocation import out_of_step
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.limits import PATIENCE, answers_within

#: by option of the module, the option of the roles
_ARGUMENTS = {
    "data_directory": "discovery_data_directory",
    "greenplum_path": "discovery_greenplum_path",
    **{kind: f"discovery_{kind}" for kind in STORES},
    "replication_user": "discovery_replication_user",
    "sql_user": "discovery_sql_user",
    "probe_write": "discovery_probe_write",
    "probe_timeout": "discovery_probe_timeout",
    "port": "discovery_port",
    "size": "discovery_size",
    "files": "discovery_files",
    "lock_file": "discovery_lock_file",
    "record_file": "discovery_record_file",
    "audit_file": "discovery_audit_file",
}

#: what this returns by itself, or Ansible obeys: the module, which may be anybody's, has no say in it
_OWN = ("options", "wrong", "asked", "ansible_facts")

#: roles that want to know whether other hosts see the coordinators
_KNOCKING = ("activate_standby",)


class ActionModule(ActionBase):
    """The controller's part of M(warehousepg.coordinator.mirroring_info)."""

    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Run the module, and return with its result the times before and after it, and what the options ask for."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        arguments = dict(self._task.args)
        wrong: list[str] = []
        if boolean(arguments.pop("by_options", False)):
            desired = options.read(variables, self._templar.template, lambda: is_single(variables))
            result.update(options=desired.options, wrong=desired.wrong, strangers=strangers.warnings(variables))
            arguments = {**self._by_options(desired.options, variables), **arguments}
            unfit = out_of_step(self._task.get_play().strategy)
            wrong = [unfit] if unfit else [said for name, said in desired.wrong.items() if name.startswith("discovery_")]
        before, unreachable = time.time(), arguments.pop("unreachable", None)
        timeout = float(arguments.pop("timeout", PATIENCE))
        try:
            if unreachable:
                raise AnsibleConnectionFailure(unreachable)
            if wrong:
                found = {"failed": True, "msg": "; ".join(wrong)}
            else:
                with answers_within(timeout):
                    found = self._execute_module("warehousepg.coordinator.mirroring_info", arguments, task_vars=task_vars)
        except AnsibleConnectionFailure as error:  # what the options ask for is known all the same
            found = {"unreachable": True, "msg": str(error)}
        except AnsibleError as error:  # sudo refuses
            found = {"failed": True, "msg": str(error)}
        result.update({name: value for name, value in found.items() if name not in _OWN})
        result["asked"] = [before, time.time()]
        return result

    def _by_options(self, desired: options.Options, variables: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """The options of the module that follow from those of the roles."""
        found = {name: desired[other] for name, other in _ARGUMENTS.items() if desired[other] not in (None, "")}
        if desired["whpg_role"] not in COORDINATOR_ROLES:
            found.pop("data_directory", None)
        found["timeout"] = desired["discovery_timeout"]
        found["name"] = variables["inventory_hostname"]
        if desired["discovery_role"] in _KNOCKING:
            found["peers"] = _peers(variables)
        return found


def _peers(variables: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    """The coordinators' hosts of a host's cluster, and how their instances are reached."""
    found = []
    for host, known in members(variables):
        if known_of(known, "whpg_role") in COORDINATOR_ROLES:
            port = options.of_inventory(known).options["whpg_port"]
            address = known_of(known, "whpg_address") or known.get("ansible_host") or host
            found.append({"name": host, "address": str(address), "port": port})
    return found
