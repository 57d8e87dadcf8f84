# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with an inventory, said before anything is begun."""

from __future__ import annotations

import ipaddress
import re
import typing as t

from ansible.module_utils.parsing.convert_bool import boolean

COORDINATOR_ROLES = ("coordinator", "standby")
ROLES = (*COORDINATOR_ROLES, "segment")

Variables = t.Mapping[str, t.Any]


def problems(cluster: str, hosts: t.Mapping[str, Variables]) -> list[str]:
    """What is wrong with the variables of a cluster's hosts.

    :param cluster: value of C(cluster_name).
    :param hosts: by host, its variables.
    """
    if not cluster:
        return [f"{', '.join(hosts)}: cluster_name is missing: give every host the name of its cluster"]
    found = []
    if not re.fullmatch(r"[\w.-]+", str(cluster)):
        found.append(f"cluster_name {cluster!r} is part of file names: give letters, digits, dots, dashes and underscores only")
    for host, variables in hosts.items():
        found += [f"{host}: {problem}" for problem in _problems_of_host(variables)]
    coordinators = [host for host, variables in hosts.items() if variables.get("whpg_role") in COORDINATOR_ROLES]
    if not coordinators:
        found.append("no host has whpg_role coordinator or standby: give it to the hosts that may carry the coordinator")
    elif len(coordinators) > 2:
        found.append(f"{', '.join(coordinators)} have whpg_role coordinator or standby, where one or two carry the coordinator")
    return found


def truth(value: t.Any) -> bool | None:
    """What a value of the inventory or of the command line means as an answer to yes or no; None for neither."""
    try:
        return bool(boolean(value))
    except TypeError:
        return None


def _problems_of_host(variables: Variables) -> t.Iterator[str]:
    role = variables.get("whpg_role")
    if truth(variables.get("maintenance", False)) is None:
        yield f"maintenance is {variables['maintenance']!r}: give true or false"
    if role not in ROLES:
        yield f"whpg_role is {'missing' if role is None else repr(role)}: give one of {', '.join(ROLES)}"
    if role not in COORDINATOR_ROLES:
        return
    port = str(variables.get("whpg_port", ""))
    if not (port.isdecimal() and 0 < int(port) < 65536):
        yield f"whpg_port is {repr(variables['whpg_port']) if port else 'missing'}: give the coordinator's port, 1 to 65535"
    needed = "discovery_data_directory" not in variables
    for name in ("whpg_data_directory", "whpg_standby_data_directory", "discovery_data_directory"):
        directory = variables.get(name)
        if directory is None:
            if needed and name == "whpg_data_directory":
                yield "whpg_data_directory is missing: give the directory above the instances' data directories"
        elif not str(directory).startswith("/"):
            yield f"{name} is {directory!r}: give an absolute path"
    prefix = variables.get("whpg_seg_prefix")
    if prefix is not None and (not str(prefix) or "/" in str(prefix)):
        yield f"whpg_seg_prefix is {prefix!r}: give the prefix of the instances' directories, such as gpseg"
    addresses = variables.get("whpg_addresses")
    if addresses is not None:
        yield from _problems_of_addresses(addresses)


def _problems_of_addresses(addresses: t.Any) -> t.Iterator[str]:
    if not isinstance(addresses, (list, tuple)):
        yield f"whpg_addresses is {addresses!r}: give a list of addresses"
        return
    for address in addresses:
        try:
            ipaddress.ip_address(str(address))
        except ValueError:
            yield f"{address!r} in whpg_addresses is no address: give IPv4 or IPv6 addresses"


def shared_places(places: t.Mapping[str, tuple[str, t.Any]]) -> list[str]:
    """Hosts of an inventory that mean the same data directory on the same machine.

    :param places: by host of the inventory, what tells its machine, and the data directory there.
    """
    seen: dict[tuple[str, t.Any], str] = {}
    found = []
    for host, place in places.items():
        other = seen.setdefault(place, host)
        if other != host:
            found.append(f"{other} and {host} are one machine, and both name the data directory {place[0]}: give each instance its own")
    return found
