# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Which addresses have to be rejected on which ports of which hosts, so that a former primary can do nothing to its segments."""

from __future__ import annotations

import dataclasses
import ipaddress
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.addresses import normal_address, parse_address
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.catalog import Registration
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.observation import Observation
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.record import Record, RecordedSegment
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.observations import Observations


@dataclasses.dataclass(frozen=True)
class Neighbour:
    """Another cluster of the inventory.

    :param name: its name.
    :param addresses: all that its coordinators' hosts are known by.
    :param segments: what is known of its segment instances: rows of its catalog or of its record.
    """

    name: str
    addresses: frozenset[str]
    segments: tuple[RecordedSegment | Registration, ...]

    def owns(self, port: int, observation: Observation) -> bool:
        """Whether the instance on a port of a host is one of its segments."""
        return any(
            row.port == port and (row.hostname == observation.hostname or normal_address(row.address) in observation.addresses)
            for row in self.segments
        )


@dataclasses.dataclass(frozen=True)
class Situation:
    """What the fence is made from.

    :param primary: host of the former primary.
    :param standby: host of the new one.
    :param record: what was recorded of the cluster while the former primary served.
    :param hosts: by host of the cluster, what it showed; None where it was not observed.
    :param unknown: by host that was not observed, why.
    :param segment_hosts: hosts that the inventory gives segments.
    :param known: by host, all addresses that are known of it.
    :param floating: an address, with its mask, that is to move to the new primary; empty without one.
    :param neighbours: the other clusters.
    """

    primary: str
    standby: str
    record: Record
    hosts: Observations
    unknown: t.Mapping[str, str]
    segment_hosts: t.Sequence[str]
    known: t.Mapping[str, t.AbstractSet[str]]
    floating: str
    neighbours: t.Sequence[Neighbour]


def ports_by_host(situation: Situation) -> tuple[list[str], dict[str, list[int]]]:
    """The addresses that have to be rejected, and by host the ports.

    :raises CoordinatorError: this way proves nothing here; the message says why and what to do.
    """
    addresses = _addresses(situation)
    recorded = _recorded(situation)
    missing = [host for host in {*situation.segment_hosts, *recorded} if situation.hosts[host] is None]
    if missing:
        raise CoordinatorError(
            "every host with segments must refuse the former primary, or it is no proof: "
            + "; ".join(f"{host} is unknown, {situation.unknown[host]}" for host in sorted(missing))
        )
    _refuse_shared(situation, addresses, {*situation.segment_hosts, *recorded})
    found: dict[str, list[int]] = {}
    for host in [host for host in situation.hosts if host in recorded or host in situation.segment_hosts or host == situation.standby]:
        observation = t.cast(Observation, situation.hosts[host])
        own = recorded.get(host, set())
        stray = {segment.port for segment in observation.segments} - own - _of_others(situation, observation)
        _refuse_ambiguous(situation, host, stray, addresses)
        if own | stray:
            found[host] = sorted(own | stray)
    if not found:
        raise CoordinatorError("no host of the cluster carries a segment, by the record and by what runs there: correct the inventory")
    _refuse_strangers(situation, found)
    return addresses, found


def _addresses(situation: Situation) -> list[str]:
    """The former primary's addresses, without the one that is to be the new primary's.

    That one may be left out where the kernel takes another one for connections of its own: the first of the same network.
    """
    addresses = set()
    for address in situation.known[situation.primary]:
        try:
            addresses.add(parse_address(address))
        except ValueError as error:
            raise CoordinatorError(
                f"{address!r} is told of {situation.primary}, and is no address of one host, so that others may be missing: give its "
                "whpg_addresses"
            ) from error
    if situation.floating:
        interface = ipaddress.ip_interface(situation.floating)
        floating = str(interface.ip)
        others = [ipaddress.ip_address(address) for address in addresses - {floating}]
        alone = interface.network.num_addresses > 1 and not any(address in interface.network for address in others)
        if floating in addresses and alone:
            raise CoordinatorError(
                f"{floating} is the only address of {situation.primary} in {interface.network}, so it would have to be rejected, and as "
                "the floating address it is to be the new primary's"
            )
        addresses.discard(floating)
    if not addresses:
        raise CoordinatorError(f"no address of {situation.primary} is known: give its whpg_addresses")
    return sorted(addresses)


def _recorded(situation: Situation) -> dict[str, set[int]]:
    """By host, the ports of its segments by the record."""
    found: dict[str, set[int]] = {}
    for row in situation.record.segments:
        host = row.host
        if host is None or host not in situation.hosts:
            raise CoordinatorError(
                f"the segment of dbid {row.dbid} is on {row.hostname}, by the record of the cluster, which no host of the inventory "
                "is: add it with whpg_role=segment"
            )
        if host == situation.primary:
            raise CoordinatorError(f"{host} carries the segment of dbid {row.dbid} too, which cannot be kept from it")
        found.setdefault(host, set()).add(row.port)
    return found


def _refuse_shared(situation: Situation, addresses: t.Sequence[str], segment_hosts: t.AbstractSet[str]) -> None:
    for host in sorted({*segment_hosts, situation.standby} - {situation.primary}):
        shared = sorted(situation.known[host] & set(addresses))
        if shared:
            raise CoordinatorError(
                f"{', '.join(shared)} of {situation.primary} is also an address of {host}, so an address says too little"
            )


def _refuse_strangers(situation: Situation, ports: t.Mapping[str, t.Sequence[int]]) -> None:
    """Whose sessions segments have must be known: the former primary may come from an address that is none of its own.

    A translation of addresses, a temporary address of IPv6, or one that was added later hides it from the fence.
    """
    known = {normal_address(address) for of_host in situation.known.values() for address in of_host}
    known.update(address for other in situation.neighbours for address in other.addresses)
    for host, fenced in ports.items():
        sessions = [found for found in t.cast(Observation, situation.hosts[host]).sessions or () if found.port in fenced]
        strangers = sorted({found.address for found in sessions if normal_address(found.address) not in known})
        if strangers:
            raise CoordinatorError(
                f"segments on {host} have sessions from {', '.join(strangers)}, of no known host: that may be {situation.primary} under "
                "another address. Give all addresses of the cluster's hosts as their whpg_addresses, or end these sessions"
            )


def _of_others(situation: Situation, observation: Observation) -> set[int]:
    running = [segment.port for segment in observation.segments]
    return {port for port in running if any(other.owns(port, observation) for other in situation.neighbours)}


def _refuse_ambiguous(situation: Situation, host: str, ports: t.AbstractSet[int], addresses: t.Sequence[str]) -> None:
    """A segment that nobody knows is fenced too, unless that could hit another cluster."""
    near = [other.name for other in situation.neighbours if other.addresses & set(addresses)]
    if ports and near:
        raise CoordinatorError(
            f"{host}: whose segments listen on {', '.join(map(str, sorted(ports)))} is in no record, and {', '.join(near)} has a "
            f"coordinator on {situation.primary} too, which a fence could cut off"
        )
