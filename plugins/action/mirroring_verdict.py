# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Judge, on the controller, what all hosts of the clusters showed."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.warehousepg.coordinator.plugins.module_utils.instance import instance_of
from ansible_collections.warehousepg.coordinator.plugins.module_utils.snapshot import Site, Wanted, refusal
from ansible_collections.warehousepg.coordinator.plugins.module_utils.verdict import PRIMARY_UNKNOWN, Verdict, judge, view_of
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils.screen import render

Observation = t.Mapping[str, t.Any]


class ActionModule(ActionBase):
    """The controller's part of M(warehousepg.coordinator.mirroring_verdict): all of it."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Judge each cluster that takes part and, if asked, print its screen."""
        result = super().run(tmp, task_vars)
        _dummy, options = self.validate_argument_spec(
            {"observation": {"type": "str", "required": True}, "display": {"type": "bool", "default": False}}
        )
        variables = task_vars or {}
        hostvars = variables["hostvars"]
        in_play = variables["ansible_play_hosts_all"]
        members: dict[str, list[str]] = {hostvars[host]["cluster_name"]: [] for host in in_play}
        for host in variables["groups"]["whpg_clusters"]:
            members.get(hostvars[host].get("cluster_name"), []).append(host)
        clusters = {}
        for cluster, hosts in members.items():
            results = {host: hostvars[host].get(options["observation"]) for host in hosts}
            roles = {host: hostvars[host].get("whpg_role") for host in hosts}
            clusters[cluster] = judged(cluster, roles, results)
            clusters[cluster]["reporter"] = next(host for host in in_play if host in hosts)
            if options["display"]:
                Display().display("\n" + "\n".join(clusters[cluster]["screen"]) + "\n")
        result.update(changed=False, clusters=clusters)
        return result


def judged(cluster: str, roles: t.Mapping[str, str], results: t.Mapping[str, Observation | None]) -> dict[str, t.Any]:
    """What is returned of a cluster.

    :param roles: C(whpg_role) of each host.
    :param results: what was registered on each host.
    """
    coordinators = [host for host, role in roles.items() if role in ("coordinator", "standby")]
    missing = {host: why for host, why in ((host, why_missing(results[host])) for host in roles) if why}
    observations = {host: None if host in missing else results[host] for host in roles}
    if 1 <= len(coordinators) <= 2:
        verdict = judge([view_of(host, observations[host]) for host in coordinators])
    else:
        reason = f"{len(coordinators)} hosts have whpg_role coordinator or standby, where one or two carry the coordinator"
        verdict = Verdict(PRIMARY_UNKNOWN, (reason,), "correct the inventory", None, None, False, reason)
    return {
        **dataclasses.asdict(verdict),
        "coordinators": coordinators,
        "segment_hosts": [host for host in roles if host not in coordinators],
        "unknown": missing,
        "obstacle": obstacle(verdict, coordinators, observations),
        "screen": render(cluster, verdict, observations, missing),
    }


def obstacle(verdict: Verdict, coordinators: t.Sequence[str], observations: t.Mapping[str, Observation | None]) -> str | None:
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
