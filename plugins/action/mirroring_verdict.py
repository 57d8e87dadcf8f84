# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Judge, on the controller, what all hosts of the clusters showed."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.retention import parse_size
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.inventory import COORDINATOR_ROLES, name_of
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.pair import assess, own_segments
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._desired import options
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.invocation import clusters_of_batch, out_of_step
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show import report
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.people import tell
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.screen import quiet, render

Variables = t.Mapping[str, t.Any]


class ActionModule(ActionBase):
    """The controller's part of M(warehousepg.coordinator.mirroring_verdict): all of it."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Judge each cluster that takes part and, if asked, print its screen."""
        result = super().run(tmp, task_vars)
        _dummy, arguments = self.validate_argument_spec(
            {
                "observation": {"type": "str", "required": True},
                "display": {"type": "str", "choices": ["none", "quiet", "screen"], "default": "none"},
                "report_file": {"type": "path"},
                "role": {"type": "str", "default": options.DISCOVERY},
                "lock": {"type": "str"},
            }
        )
        variables = task_vars or {}
        unfit = out_of_step(self._task.get_play().strategy)
        if unfit:
            raise AnsibleActionFail(unfit)
        in_play, batch = variables["ansible_play_hosts_all"], variables["ansible_play_batch"]
        inventory = variables["groups"].get("whpg_clusters") or variables["groups"]["all"]
        of_host = {host: variables["hostvars"][host] for host in dict.fromkeys([*in_play, *inventory])}  # each lookup makes them anew
        cluster_of = {host: name_of(known) for host, known in of_host.items()}
        here, split = clusters_of_batch(cluster_of, in_play, variables["ansible_play_hosts"], batch)
        if split:
            raise AnsibleActionFail("; ".join(_refusal_of_batches(cluster, hosts) for cluster, hosts in split.items()))
        if arguments["report_file"] and set(batch) != set(variables["ansible_play_hosts"]):
            raise AnsibleActionFail(
                f"{arguments['report_file']} is one document on all clusters, which a play with serial does not see at once: "
                "leave serial out"
            )
        members: dict[str, list[str]] = {cluster: [] for cluster in here}
        for host in inventory:
            members.get(cluster_of[host], []).append(host)
        own = options.read(variables, self._templar.template).wrong if arguments["role"] == "status" else {}
        if set(own) & set(options.names("status")):
            raise AnsibleActionFail("; ".join(own[name] for name in options.names("status") if name in own))
        clusters, reports = {}, {}
        for cluster, hosts in members.items():
            results = {host: of_host[host].get(arguments["observation"]) for host in hosts}
            told = {host: _desired(of_host[host], results[host]) for host in hosts}
            known = {host: {name: desired.options[name] for name in options.INVENTORY} for host, desired in told.items()}
            locks = {host: of_host[host].get(arguments["lock"]) for host in hosts} if arguments["lock"] else None
            coordinators = [host for host in hosts if known[host]["whpg_role"] in COORDINATOR_ROLES]
            asked = self._asked(arguments["role"], {host: results[host] or {} for host in coordinators}, variables)
            limit = asked["options"]["discovery_retention_limit"]
            pair = assess(
                cluster,
                known,
                results,
                parse_size(limit) if limit else None,
                locks,
                {host: desired.of_inventory for host, desired in told.items()},
                asked["options"]["standby_accept_drift"],
            )
            pair = dataclasses.replace(pair, warnings=[*asked["wrong"], *pair.warnings])
            seen = {host: None if host in pair.unknown else results[host] for host in hosts}
            known_segments = pair.verdict.primary and (seen[pair.verdict.primary] or {}).get("primary")
            observations = {
                host: own_segments(found, pair.instances[host]["segments"]) if known_segments else found for host, found in seen.items()
            }
            screen = render(cluster, pair.verdict, observations, pair.unknown, pair.warnings)
            shown = dataclasses.asdict(pair)
            drift = shown["drift"]
            clusters[cluster] = {
                **shown.pop("verdict"),
                **shown,
                **asked,
                "screen": screen,
                "reporter": next(host for host in [*batch, *in_play] if host in hosts),
            }
            reports[cluster] = report.describe(pair.verdict, observations, pair.unknown, pair.warnings, pair.maintenance, drift)
            line = quiet(cluster, pair.verdict, pair.warnings)
            if arguments["display"] == "screen":
                tell("", *screen, "")
            elif arguments["display"] == "quiet" and line:
                tell(line)
        if arguments["report_file"]:
            try:
                report.write(arguments["report_file"], report.document(reports, datetime.datetime.now(datetime.timezone.utc)))
            except OSError as error:
                raise AnsibleActionFail(f"{arguments['report_file']} cannot be written on the controller: {error.strerror}") from error
        result.update(changed=False, clusters=clusters)
        return result

    def _asked(self, role: str, seen: t.Mapping[str, Variables], variables: Variables) -> dict[str, t.Any]:
        """What the options ask for of a pair: of which role that acts, their values, and what is wrong with them.

        :param role: that acts now.
        :param seen: by host of a coordinator, its observation.
        """
        told = {host: found for host, found in seen.items() if "options" in found}
        # a host that was lost on the way shows what was asked for by a role before
        told = {host: found for host, found in told.items() if found["options"]["discovery_role"] == role} or told
        if not told:  # neither host was looked at
            desired = options.read({**variables, "discovery_role": role}, self._templar.template)
            told = {"": dataclasses.asdict(desired)}
        first = next(iter(told.values()))["options"]
        role = first["discovery_role"]
        counting = options.of_pair(role)
        wrong = dict.fromkeys(found["wrong"][name] for found in told.values() for name in counting if name in found["wrong"])
        unlike = options.disagreement(role, {host: found["options"] for host, found in told.items()})
        return {"role": role, "options": first, "wrong": [*wrong, *unlike]}


def _desired(variables: Variables, observation: Variables | None) -> options.Desired:
    """What the inventory tells of a host, by its observation where it was looked at."""
    found = observation or {}
    return options.Desired(found["options"], found["wrong"]) if "options" in found else options.of_inventory(variables)


def _refusal_of_batches(cluster: str, elsewhere: t.Sequence[str]) -> str:
    return (
        f"{cluster or 'a cluster without a name'}: {', '.join(elsewhere)} is in another batch of the play, so that not all of the cluster "
        "was seen: leave serial out, all clusters are worked on at once, or let each batch have whole clusters"
    )
