# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What the hosts of a cluster see of those where its coordinator may live, by the addresses that are known of them."""

from __future__ import annotations

import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.addresses import normal_address
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.evidence import RECENT, Sighting
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.record import Record
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.inventory import Variables
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.observations import Observations, coordinator_of


def kept_record(coordinators: t.Iterable[str], observations: Observations, primary: str | None) -> tuple[Record | None, str]:
    """What was recorded of the cluster on its standby's host while a primary served; None, and why, where there is none of use.

    :param primary: host that it must tell of as the primary.
    """
    why = "no host keeps a record of the cluster"
    for host in coordinators:
        found = coordinator_of(observations.get(host))
        control = found.instance.control if found else None
        if host == primary or not found or not control:
            continue
        record = found.record
        if record is None:
            why = f"the record on {host} cannot be used, correct it there ({found.record_wrong})" if found.record_wrong else why
        elif record.system_identifier != control.system_identifier:
            why = f"the record on {host} is of the system {record.system_identifier}, its data directory {control.system_identifier}"
        elif record.primary.host != primary:
            why = f"the record on {host} tells of {record.primary.host} as the primary, not of {primary or 'an unknown host'}"
        else:
            return record, ""
    return None, why


def addresses_of(host: str, variables: t.Mapping[str, Variables], observations: Observations, record: Record | None) -> set[str]:
    """All addresses that are known of a host: by the inventory, by itself, by the record of it as the primary."""
    kept = record.primary.addresses if record and record.primary.host == host else ()
    seen = observations.get(host)
    found = [*(variables[host].get("whpg_addresses") or []), *(seen.addresses if seen else ()), *kept]
    return {normal_address(str(address)) for address in found}


def sightings(coordinators: t.Sequence[str], variables: t.Mapping[str, Variables], observations: Observations) -> list[Sighting]:
    """What the hosts of a cluster see of the hosts where its coordinator may live."""
    found = []
    for of in coordinators:
        record, _dummy = kept_record(coordinators, observations, of)
        addresses = addresses_of(of, variables, observations, record)
        for by, seen in observations.items():
            if by == of or not seen:
                continue
            ports = [row.port for row in record.segments if row.host == by] if record else None
            recent = [
                session.count
                for session in seen.sessions or ()
                if normal_address(session.address) in addresses
                and (ports is None or session.port in ports)
                and session.quiet_s is not None
                and session.quiet_s <= RECENT
            ]
            found.append(Sighting(by, of, sum(recent) if seen.sessions is not None else None, seen.peers.get(of)))
    return found
