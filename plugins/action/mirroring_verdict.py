# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Judge, on the controller, what all hosts of a cluster showed."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.warehousepg.coordinator.plugins.module_utils.instance import instance_of
from ansible_collections.warehousepg.coordinator.plugins.module_utils.snapshot import Site, Wanted, refusal
from ansible_collections.warehousepg.coordinator.plugins.module_utils.verdict import Verdict, judge, view_of
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils.screen import render


class ActionModule(ActionBase):
    """The controller's part of M(warehousepg.coordinator.mirroring_verdict): all of it."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Judge and, if asked, print."""
        result = super().run(tmp, task_vars)
        _dummy, options = self.validate_argument_spec(
            {
                "cluster": {"type": "str", "required": True},
                "hosts": {"type": "list", "elements": "str"},
                "observation": {"type": "str", "required": True},
                "display": {"type": "bool", "default": False},
            }
        )
        variables = task_vars or {}
        hostvars = variables["hostvars"]
        hosts = options["hosts"] or [
            name for name in variables["groups"]["whpg_clusters"] if hostvars[name].get("cluster_name") == options["cluster"]
        ]
        results = {name: hostvars[name].get(options["observation"]) for name in hosts}
        coordinators = [name for name in hosts if hostvars[name].get("whpg_role") in ("coordinator", "standby")]
        if not 1 <= len(coordinators) <= 2:
            raise AnsibleActionFail(
                f"cluster {options['cluster']} has {len(coordinators)} hosts whose whpg_role is coordinator or standby: "
                "one or two of them carry the coordinator; correct the inventory"
            )
        missing = {name: reason for name, reason in ((name, why_missing(results[name])) for name in results) if reason}
        observations = {name: None if name in missing else results[name] for name in results}
        verdict = judge([view_of(name, observations[name]) for name in coordinators])
        screen = render(options["cluster"], verdict, observations, missing)
        if options["display"]:
            Display().display("\n" + "\n".join(screen) + "\n")
        result.update(
            changed=False,
            **dataclasses.asdict(verdict),
            cluster=options["cluster"],
            coordinators=coordinators,
            segment_hosts=[name for name in hosts if name not in coordinators],
            reporter=next((name for name in hosts if name in variables["ansible_play_hosts_all"]), None),
            unknown=missing,
            obstacle=obstacle(verdict, coordinators, observations),
            screen=screen,
        )
        return result


def obstacle(verdict: Verdict, coordinators: t.Sequence[str], observations: t.Mapping[str, t.Mapping[str, t.Any] | None]) -> str | None:
    """Why the host that is not primary cannot take a copy of it, None when it can or when that was not seen."""
    primary = observations.get(verdict.primary or "")
    if not primary or not primary["instance"]["control"]:
        return None
    wanted = Wanted(primary["instance"]["control"]["system_identifier"], primary["site"]["engine_version"], primary["used_bytes"])
    for name in coordinators:
        other = observations[name]
        if name != verdict.primary and other:
            why = refusal(Site(**other["site"]), instance_of(other["instance"]), wanted)
            return f"{name}: {why}" if why else None
    return None


def why_missing(observed: t.Any) -> str:
    """Why there is no observation of a host, the empty string when there is one."""
    if observed is None:
        return "it took no part in this run"
    said = " ".join(str(observed.get("msg", "")).split())
    if observed.get("unreachable"):
        return f"unreachable: {said}"
    return f"not observed: {said}" if "segments" not in observed else ""
