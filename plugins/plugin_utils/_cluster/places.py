# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""On which hosts of the inventory the instances of a cluster are."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.addresses import normal_address
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.catalog import COORDINATOR, Registration, placed
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.coordinator import Coordinator
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.observation import Observation
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.primary import Primary
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.record import RecordedSegment
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.inventory import Variables
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.observations import Observations

#: by host, the data directories of ``coordinator`` and ``segments`` there
Instances = t.Dict[str, t.Dict[str, t.List[str]]]


def places(
    variables: t.Mapping[str, Variables], observations: Observations, primary: Primary | None
) -> tuple[Instances, list[RecordedSegment], list[str]]:
    """By host of the inventory the instances there, the segments with their host, and the hosts that it does not name."""
    instances: Instances = {host: {"coordinator": [], "segments": []} for host in variables}
    for host, found in observations.items():
        if isinstance(found, Coordinator) and found.instance.directory_state == "instance":
            instances[host]["coordinator"].append(found.instance.data_directory)
    if primary is None:
        return instances, [], []
    rows = [row for row in primary.registrations if row.content != COORDINATOR]
    # a host that carries both, under two names, is the segments' first
    seen = sorted(
        ((host, found) for host, found in observations.items() if found), key=lambda one: variables[one[0]].get("whpg_role") != "segment"
    )
    hosts = {
        host: (found.hostname, [normal_address(str(address)) for address in variables[host].get("whpg_addresses") or found.addresses])
        for host, found in seen
    }
    where = placed(rows, primary.resolved, hosts)
    for row in rows:
        place = where[row.dbid]
        if place is not None and (row.status == "u" or _runs(row, observations[place])):
            instances[place]["segments"].append(row.datadir)
    # a host that was not observed may be the one that is missing
    strays = {row.hostname for row in rows if where[row.dbid] is None and row.status == "u"} if all(observations.values()) else set()
    names = [field.name for field in dataclasses.fields(RecordedSegment) if field.name != "host"]
    segments = [RecordedSegment(**{name: getattr(row, name) for name in names}, host=where[row.dbid]) for row in rows]
    return instances, segments, sorted(strays)


def own_segments(found: Observation | None, directories: t.Collection[str]) -> Observation | None:
    """An observation without segment instances of other clusters on the same host.

    :param directories: the data directories of the cluster's segments there.
    """
    if not found:
        return found
    return dataclasses.replace(found, segments=tuple(one for one in found.segments if one.data_directory in directories))


def _runs(row: Registration, found: Observation | None) -> bool:
    return found is not None and any(segment.data_directory == row.datadir for segment in found.segments)
