# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Whom the instances of a cluster allow access, by rules of this collection in their access files."""

from __future__ import annotations

import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.access import rules_of
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection import DATABASE
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.observations import Observations
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.pair import Pair
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.places import Instances
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._desired.option_checks import Options

#: by host, the ``data_directories`` of its instances and their ``rules``
Access = t.Dict[str, t.Dict[str, t.Any]]

_METHODS = {"scram": "scram-sha-256", "cert": "cert", "trust": "trust"}


def addresses_of(host: str, pair: Pair, observations: Observations) -> list[str]:
    """The addresses of a host by the inventory, or else as it shows them."""
    found = observations[host]
    return [str(address) for address in pair.variables[host].get("whpg_addresses") or (found.addresses if found else ())]


def of_pair(pair: Pair, observations: Observations, options: Options, more: t.Iterable[str] = ()) -> Access:
    """By host, the instances there and their rules.

    :param more: addresses that are allowed access beside those of the coordinators.
    """
    own = [address for host in pair.coordinators for address in addresses_of(host, pair, observations)]
    return access(pair.instances, [*own, *more], options)


def access(instances: Instances, addresses: t.Iterable[str], options: Options) -> Access:
    """By host, the instances there and their rules; either coordinator may be primary later, so both are allowed access on both.

    The engine's programs, gpcheckcat for one, come to a coordinator by its host's own address. gpinitsystem allows the addresses of the
    host that it ran on, and the standby's file is a copy of that.

    :param instances: by host, the data directories of its ``coordinator`` and of its ``segments``.
    :param addresses: all addresses of the coordinators' hosts; an option overrides them.
    """
    addresses = list(dict.fromkeys(options["standby_addresses"] or addresses))
    coordinator = [_rule("replication", addresses, options)]
    if options["standby_max_latency"] is not None:
        coordinator.append(_rule(DATABASE, addresses, options))  # who copies commits there, to see how long that takes
    segment = {
        "database": "all",
        "addresses": addresses,
        "user": options["discovery_user"],
        "method": options["standby_segment_access_method"],
    }
    programs = {**segment, "addresses": ["samehost"]}
    return {
        host: {
            "data_directories": there["coordinator"] + there["segments"],
            "rules": [
                {**rule, "data_directories": there[kind]}
                for kind, rule in (*(("coordinator", rule) for rule in coordinator), ("coordinator", programs), ("segments", segment))
                if there[kind]
            ],
        }
        for host, there in instances.items()
    }


def lacking(allowed: Access, observations: Observations) -> list[str]:
    """Hosts where an access file has not the rules that it is to have."""

    def lacks(host: str, where: str) -> bool:
        found = observations[host]
        return found is None or found.access.get(where) != tuple(map(str, rules_of(allowed[host]["rules"], where)))

    return [host for host, desired in allowed.items() if any(lacks(host, where) for where in desired["data_directories"])]


def _rule(database: str, addresses: t.Sequence[str], options: Options) -> dict[str, t.Any]:
    """The rule that allows the replication role access to a coordinator."""
    return {
        "type": "hostssl" if options["standby_tls"] else "host",
        "database": database,
        "addresses": list(addresses),
        "user": options["standby_replication_user"],
        "method": _METHODS[options["standby_replication_auth"]],
        "options": [f"clientcert={options['standby_clientcert']}"] if options["standby_clientcert"] else [],
    }


def rewind_rule(addresses: t.Sequence[str], options: Options) -> dict[str, t.Any]:
    """The rule that allows a former primary access while it is rewound.

    :param addresses: of its host; an option overrides them.
    """
    return _rule(DATABASE, options["standby_addresses"] or addresses, options)
