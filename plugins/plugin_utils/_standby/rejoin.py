# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""By which way a former primary will become the standby, as far as its host shows it."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import Instance
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.timeline import history_of
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.verdict import MIRRORED
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import own_files, rejoin
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.coordinator import Coordinator
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.snapshot import CHANGED_BLOCKS
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.observations import Observations, coordinator_on
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.pair import Pair
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.places import Instances


@dataclasses.dataclass(frozen=True)
class Rejoin:
    """What is foreseen.

    :param refusal: why nothing can be begun; empty when it can.
    :param options: for the module that does it; empty where nobody is to rejoin.
    :param way: ``method`` and ``reason``; empty where nothing has to be done for it.
    :param instances: by host, the data directories that are there and stay; None: as they are.
    :param by_then: what is in its place when it begins to be made a standby; None: what is there.
    :param fenced: hosts with a packet filter against it.
    :param files: of its files that the engine does not keep by itself, which are ``kept`` and ``set_aside``; ``wal_directory`` where its
        ``pg_wal`` leads.
    """

    refusal: str
    options: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    way: dict[str, str] = dataclasses.field(default_factory=dict)
    instances: Instances | None = None
    by_then: Instance | None = None
    fenced: list[str] = dataclasses.field(default_factory=list)
    files: dict[str, t.Any] = dataclasses.field(default_factory=dict)

    @property
    def copies(self) -> bool:
        """Whether the primary will be copied."""
        return self.way.get("method") in rejoin.COPIES

    @property
    def compares(self) -> bool:
        """Whether its blocks will be compared with the primary's, so that its host has to read files of that."""
        return self.way.get("method") in (rejoin.REWIND, CHANGED_BLOCKS)


def former_of(observed: Coordinator) -> rejoin.Former:
    """What is in the place of the standby that is to be; of its WAL what a module of its host sees alone is taken to be in order."""
    instance, wal = observed.instance, observed.wal
    former = rejoin.Former(
        instance=instance,
        tablespaces=tuple(space.oid for space in observed.tablespaces),
        rewinding=observed.site.rewinding,
        mount=observed.site.mount,
        lacks=observed.lacks,
        busy=observed.busy,
        wal_refusal=observed.wal_refusal,
    )
    if wal is None:
        return former
    end = wal.end_lsn if instance.role == "standby" else wal.reaches_lsn or wal.end_lsn
    return dataclasses.replace(
        former,
        history=history_of(wal.timeline, wal.ancestors) if wal.timeline else None,
        end=Lsn.parse(end) if end else None,
        doubts=wal.doubts,
        lost_checkpoint=wal.lost_checkpoint,
    )


def foresee(pair: Pair, observations: Observations, system_identifier: str, desired: t.Mapping[str, t.Any]) -> Rejoin:
    """By which way it will become the standby.

    :param system_identifier: of the cluster.
    :param desired: ``cluster``, ``method``, ``report_file``.
    """
    host = next(host for host in pair.coordinators if host != pair.primary)
    on_primary, observed = coordinator_on(pair.primary, observations), coordinator_on(host, observations)
    wal = on_primary.wal
    if not wal or not wal.timeline:
        return Rejoin(
            f"{pair.primary}: no valid WAL was seen of the primary, so that it cannot be told where the other one left it: look at it"
        )
    options = {
        "method": desired["method"],
        "timeline": wal.timeline,
        "ancestors": list(map(list, wal.ancestors)),
        "oldest_lsn": wal.oldest_lsn,
        "tablespaces": [space.oid for space in on_primary.tablespaces],
        "report_file": desired["report_file"],
    }
    former = former_of(observed)
    source = rejoin.source_of(options, system_identifier)
    asked = "auto" if pair.state == MIRRORED else desired["method"]  # then there is nothing to do
    why = rejoin.refusal(former, source, asked, observed.site.user)
    if why:
        return Rejoin(f"{host}: {why}")
    choice = rejoin.choose(former, source, asked)
    copies = choice.method in rejoin.COPIES
    if copies and former.wal_refusal:
        return Rejoin(f"{host}: {former.wal_refusal}")
    where = former.instance.data_directory
    by_then = Instance(where, "absent") if copies else dataclasses.replace(former.instance, role="standby", postmaster=None)
    # the copy brings the primary's rules
    instances = {**pair.instances, host: {**pair.instances[host], "coordinator": []}} if copies else pair.instances
    files: dict[str, t.Any] = {}
    if copies or choice.method == rejoin.REWIND:
        fate = own_files.foresee(observed.files or {}, on_primary.files or {}, choice.method == rejoin.REWIND)
        link = observed.wal.link if observed.wal and copies else None
        files = {"kept": fate.kept, "set_aside": fate.differing, "wal_directory": link}
    return Rejoin(
        refusal="",
        options=options,
        files=files,
        way={} if choice.method == rejoin.KEEP else {"method": choice.method, "reason": choice.reason},
        instances=instances,
        by_then=by_then,
        fenced=[
            name for name, found in observations.items() if found and any(fence.cluster == desired["cluster"] for fence in found.fences)
        ],
    )
