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
from ansible.utils.display import Display
from ansible_collections.warehousepg.coordinator.plugins.module_utils.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils.retention import parse_size
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils import report
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils.drift import listed
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils.pair import assess, own_segments
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils.screen import quiet, render

#: variables of the inventory that are looked at
VARIABLES = (
    "cluster_name",
    "whpg_role",
    "whpg_port",
    "whpg_data_directory",
    "whpg_standby_data_directory",
    "discovery_data_directory",
    "whpg_seg_prefix",
    "whpg_hostname",
    "whpg_address",
    "whpg_addresses",
    "maintenance",
    "standby_accept_drift",
)


class ActionModule(ActionBase):
    """The controller's part of M(warehousepg.coordinator.mirroring_verdict): all of it."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Judge each cluster that takes part and, if asked, print its screen."""
        result = super().run(tmp, task_vars)
        _dummy, options = self.validate_argument_spec(
            {
                "observation": {"type": "str", "required": True},
                "display": {"type": "str", "choices": ["none", "quiet", "screen"], "default": "none"},
                "report_file": {"type": "path"},
                "retention_limit": {"type": "str"},
                "lock": {"type": "str"},
            }
        )
        variables = task_vars or {}
        in_play = variables["ansible_play_hosts_all"]
        inventory = variables["groups"].get("whpg_clusters") or variables["groups"]["all"]
        of_host = {host: variables["hostvars"][host] for host in dict.fromkeys([*in_play, *inventory])}  # each lookup makes them anew
        cluster_of = {host: str(known.get("cluster_name") or "") for host, known in of_host.items()}
        members: dict[str, list[str]] = {cluster_of[host]: [] for host in in_play}
        for host in inventory:
            members.get(cluster_of[host], []).append(host)
        try:
            limit = parse_size(options["retention_limit"]) if options["retention_limit"] else None
        except CoordinatorError as error:
            raise AnsibleActionFail(f"the limit of WAL held back: {error.message}") from error
        clusters, reports = {}, {}
        for cluster, hosts in members.items():
            known = {host: {name: of_host[host][name] for name in VARIABLES if name in of_host[host]} for host in hosts}
            results = {host: of_host[host].get(options["observation"]) for host in hosts}
            locks = {host: of_host[host].get(options["lock"]) for host in hosts} if options["lock"] else None
            accepted = {name for host in hosts for name in listed(known[host].get("standby_accept_drift"))}
            pair = assess(cluster, known, results, limit, locks, sorted(accepted))
            seen = {host: None if host in pair.unknown else results[host] for host in hosts}
            known_segments = pair.verdict.primary and (seen[pair.verdict.primary] or {}).get("primary")
            observations = {
                host: own_segments(found, pair.instances[host]["segments"]) if known_segments else found for host, found in seen.items()
            }
            screen = render(cluster, pair.verdict, observations, pair.unknown, pair.warnings)
            told = dataclasses.asdict(pair)
            clusters[cluster] = {
                **told.pop("verdict"),
                **told,
                "screen": screen,
                "reporter": next(host for host in in_play if host in hosts),
            }
            reports[cluster] = report.describe(pair.verdict, observations, pair.unknown, pair.warnings, pair.maintenance, told["drift"])
            line = quiet(cluster, pair.verdict, pair.warnings)
            if options["display"] == "screen":
                Display().display("\n" + "\n".join(screen) + "\n")
            elif options["display"] == "quiet" and line:
                Display().display(line)
        if options["report_file"]:
            try:
                report.write(options["report_file"], report.document(reports, datetime.datetime.now(datetime.timezone.utc)))
            except OSError as error:
                raise AnsibleActionFail(f"{options['report_file']} cannot be written on the controller: {error.strerror}") from error
        result.update(changed=False, clusters=clusters)
        return result
