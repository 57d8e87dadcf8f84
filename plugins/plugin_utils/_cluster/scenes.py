# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What is known of a cluster when its standby is to be activated, by the variables of its hosts."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.catalog import Registration
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.evidence import Proofs, Sighting, View
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.verdict import Verdict, judge
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.coordinator import Coordinator
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.record import Record, RecordedSegment
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._activate_standby.segment_fence import Neighbour
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.inventory import known_of
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.observations import (
    OBSERVATION,
    Observations,
    coordinator_of,
    observed,
)
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.pair import Pair
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.sightings import addresses_of, sightings
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.views import view_of

Variables = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Scene:
    """What is known of a cluster.

    :param cluster: its name.
    :param pair: the verdict on it.
    :param observations: by host, what it showed.
    :param absent: hosts that took no part in the run.
    """

    cluster: str
    pair: Pair
    observations: Observations
    absent: t.Sequence[str]

    def coordinator(self, host: str | None) -> Coordinator | None:
        """What a host showed where the coordinator may live; None where it was not observed."""
        return coordinator_of(self.observations.get(host or ""))

    def place(self, host: str) -> tuple[str, int]:
        """Name or address that clients reach a host by where the coordinator may live, and the port of its instance."""
        variables, found = self.pair.variables[host], self.coordinator(host)
        name = variables.get("whpg_address") or variables.get("whpg_hostname") or (found.hostname if found else host)
        return str(name), int((found.instance.port if found else None) or variables["whpg_port"])

    @property
    def views(self) -> list[View]:
        """The views of the hosts where the coordinator may live."""
        return [view_of(host, self.coordinator(host)) for host in self.pair.coordinators]

    @property
    def sightings(self) -> list[Sighting]:
        """What all hosts see of those."""
        return sightings(self.pair.coordinators, self.pair.variables, self.observations)

    def judged(self, proofs: Proofs, views: t.Sequence[View] | None = None) -> Verdict:
        """The verdict with these proofs."""
        return judge(views or self.views, proofs, self.sightings, self.pair.options["activate_standby_both_down"])


def scene_of(cluster: str, pair: Pair, hostvars: t.Mapping[str, Variables]) -> Scene:
    """What is known of a cluster.

    :param hostvars: by host, all its variables.
    """
    results = {host: known_of(hostvars[host], OBSERVATION) for host in pair.hosts}
    return Scene(
        cluster=cluster,
        pair=pair,
        observations={host: None if host in pair.unknown else observed(result) for host, result in results.items()},
        absent=[host for host, result in results.items() if result is None],
    )


def neighbour_of(scene: Scene) -> Neighbour:
    """What matters of a cluster to another one."""
    seen = [found for found in map(scene.coordinator, scene.pair.coordinators) if found]
    records: list[Record] = [found.record for found in seen if found.record]
    addresses = {
        address
        for host in scene.pair.coordinators
        for record in [*records, None]
        for address in addresses_of(host, scene.pair.variables, scene.observations, record)
    }
    rows: list[RecordedSegment | Registration] = [row for record in records for row in record.segments]
    rows += [row for found in seen if found.primary for row in found.primary.registrations if row.content >= 0]
    return Neighbour(scene.cluster, frozenset(addresses), tuple(rows))
