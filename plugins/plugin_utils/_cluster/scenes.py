# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What is known of a cluster when its standby is to be activated, by the variables of its hosts."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.verdict import (
    Proofs,
    Sighting,
    Verdict,
    View,
    judge,
    view_of,
)
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._activate_standby.segment_fence import Neighbour
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.pair import addresses_of, record_of, sightings

Observation = t.Mapping[str, t.Any]
Variables = t.Mapping[str, t.Any]
Pair = t.Mapping[str, t.Any]
Options = t.Mapping[str, t.Any]

#: where the role C(discovery) registers what a host showed
OBSERVATION = "discovery_observation"


@dataclasses.dataclass(frozen=True)
class Scene:
    """What is known of a cluster.

    :param cluster: its name.
    :param pair: the verdict on it.
    :param observations: by host, what M(warehousepg.coordinator.mirroring_info) returned there; None where it was not observed.
    :param absent: hosts that took no part in the run.
    :param variables: by host, its variables of the inventory, typed.
    :param options: what the options of the roles ask for, by their names; None: there is none.
    """

    cluster: str
    pair: Pair
    observations: t.Mapping[str, Observation | None]
    absent: t.Sequence[str]
    variables: t.Mapping[str, Variables]
    options: Options

    @property
    def views(self) -> list[View]:
        """The views of the hosts where the coordinator may live."""
        return [view_of(host, self.observations[host]) for host in self.pair["coordinators"]]

    @property
    def sightings(self) -> list[Sighting]:
        """What all hosts see of those."""
        return sightings(self.pair["coordinators"], self.variables, self.observations)

    def judged(self, proofs: Proofs, views: t.Sequence[View] | None = None) -> Verdict:
        """The verdict with these proofs."""
        return judge(views or self.views, proofs, self.sightings, self.options["activate_standby_both_down"])


def hosts_of(pair: Pair) -> list[str]:
    """All hosts of a cluster."""
    return [*pair["coordinators"], *pair["segment_hosts"]]


def scene_of(cluster: str, pair: Pair, hostvars: t.Mapping[str, Variables]) -> Scene:
    """What is known of a cluster.

    :param hostvars: by host, all its variables.
    """
    known = {host: hostvars[host] for host in hosts_of(pair)}  # each lookup makes them anew
    return Scene(
        cluster=cluster,
        pair=pair,
        observations={host: None if host in pair["unknown"] else of_host.get(OBSERVATION) for host, of_host in known.items()},
        absent=[host for host, of_host in known.items() if of_host.get(OBSERVATION) is None],
        variables=pair["variables"],
        options=pair["options"],
    )


def neighbour_of(scene: Scene) -> Neighbour:
    """What matters of a cluster to another one."""
    seen = [scene.observations[host] for host in scene.pair["coordinators"]]
    records = [record for record, _dummy in (record_of(found or {}) for found in seen) if record]
    addresses = {
        address
        for host in scene.pair["coordinators"]
        for record in [*records, None]
        for address in addresses_of(host, scene.variables, scene.observations, record)
    }
    rows = [row for record in records for row in record["segments"]]
    rows += [row for found in seen if found and found["primary"] for row in found["primary"]["registrations"] if row["content"] >= 0]
    return Neighbour(scene.cluster, frozenset(addresses), tuple(rows))
