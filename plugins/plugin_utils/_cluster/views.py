# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What the verdict asks of each host where the coordinator may live."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.addresses import normal_address
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.catalog import Registration
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.evidence import Place, View
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.coordinator import Coordinator
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.observations import Observations, coordinator_of
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.unseen import Unseen
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.preflight.case import Case
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.preflight.listening import deaf


def view_of(host: str, found: Coordinator | None) -> View:
    """The view of a host.

    :param found: what it showed; None when it was not observed.
    """
    if found is None:
        return View(host, observed=False)
    instance, sql, primary = found.instance, found.sql, found.primary
    postmaster, control = instance.postmaster, instance.control
    view = View(
        host=host,
        observed=True,
        directory_state=instance.directory_state,
        role=instance.role,
        running=postmaster is not None,
        suspended=bool(postmaster and postmaster.suspended),
        connected=postmaster.connected if postmaster and instance.role == "standby" else None,
        answered=sql.answered if sql else None,
        refused=sql.refused if sql else None,
        said=sql.error if sql and sql.refused else None,
        system_identifier=control.system_identifier if control else None,
        timeline=control.timeline if control else None,
        place=(instance.port, instance.data_directory, instance.dbid),
        removed_wal=found.standby.removed_wal if found.standby else None,
    )
    if primary is None:
        return view
    row, sender = primary.standby, primary.walsender
    return dataclasses.replace(
        view,
        registered=_registered(row) if row else (),
        registered_on=row.hostname if row else None,
        streaming=bool(sender and sender.in_sync),
        acknowledged=primary.probe.acknowledged,
        caught_up=primary.probe.replayed,
        others=tuple(map(str, primary.other_walsenders)),
    )


def _registered(row: Registration) -> Place:
    return row.port, os.path.normpath(row.datadir), row.dbid


def views_of(coordinators: t.Sequence[str], observations: Observations, missed: t.Mapping[str, Unseen]) -> list[View]:
    """The views of the hosts where the coordinator may live; what a standby lacks, and whether it is reached, is seen on both.

    :param missed: by host that was not observed, why.
    """
    seen = {host: coordinator_of(observations[host]) for host in coordinators}
    views = [
        dataclasses.replace(view_of(host, seen[host]), silence=missed[host].why, remedy=f"{host}: {missed[host].remedy}")
        if host in missed and missed[host].answered
        else view_of(host, seen[host])
        for host in coordinators
    ]
    primary = next((view.host for view in views if view.is_primary), None)
    on_primary = seen[primary] if primary else None

    def unreachable(host: str) -> str | None:
        found = seen[host]
        if host == primary or not found or found.instance.role != "standby":
            return None
        return deaf(Case(primary, on_primary, host, found, addresses=registered_addresses(on_primary)))

    return [dataclasses.replace(view, removed_wal=removed_wal(on_primary, seen[view.host]), deaf=unreachable(view.host)) for view in views]


def registered_addresses(primary: Coordinator | None, address: str | None = None) -> tuple[str, ...]:
    """The numeric addresses that the primary's host knows for the registered standby.

    :param address: its name or address; None: that of its row in the catalog.
    """
    known = primary.primary if primary else None
    if known is None:
        return ()
    name = address or (known.standby.address if known.standby else "")
    return tuple(normal_address(found) for found in known.resolved.get(name, ()))


def removed_wal(primary: Coordinator | None, standby: Coordinator | None) -> str | None:
    """The WAL segment that a standby needs and its primary has no more, by its log or by where the WAL of both ends and begins.

    None where it does not lack one, and where that was not seen.
    """
    if not primary or not standby or standby.instance.role != "standby":
        return None
    if standby.standby and standby.standby.removed_wal:
        return standby.standby.removed_wal
    instance, own, there = standby.instance, standby.wal, primary.wal
    connected = instance.postmaster.connected if instance.postmaster else False
    if connected is not False or not instance.control or not own or not own.end_lsn or not there or not there.oldest_lsn:
        return None
    end, size = Lsn.parse(own.end_lsn), instance.control.segment_bytes
    if end.position // size * size >= Lsn.parse(there.oldest_lsn).position:
        return None
    return end.wal_file(own.timeline or 0, size)
