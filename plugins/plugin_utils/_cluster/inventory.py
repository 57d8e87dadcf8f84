# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What is wrong with an inventory, said before anything is begun."""

from __future__ import annotations

import typing as t

from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._desired.option_checks import COORDINATOR_ROLES, fits_file_names
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._desired.options import is_fact

Variables = t.Mapping[str, t.Any]


def problems(cluster: str, hosts: t.Mapping[str, Variables], wrong: t.Mapping[str, t.Mapping[str, str]]) -> list[str]:
    """What is wrong with the variables of a cluster's hosts.

    :param cluster: value of C(cluster_name).
    :param hosts: by host, its variables of the inventory, typed.
    :param wrong: by host, what is wrong with them by themselves, by their names.
    """
    if not cluster:
        told = {host: (wrong.get(host) or {}).get("cluster_name") for host in hosts}
        return [f"{host}: {why}" for host, why in told.items() if why] or [
            f"{', '.join(hosts)}: cluster_name is missing: give every host the name of its cluster"
        ]
    found = []
    if not fits_file_names(cluster):
        found.append(
            f"cluster_name {cluster!r:.300} is part of file names: give letters, digits, dots, dashes and underscores only, up to 200 bytes"
        )
    coordinators = [host for host, variables in hosts.items() if variables.get("whpg_role") in COORDINATOR_ROLES]
    for host in hosts:
        said = wrong.get(host) or {}
        # the rest matters where the coordinator may live
        found += [f"{host}: {said[name]}" for name in said if host in coordinators or name in ("whpg_role", "maintenance")]
    if not coordinators:
        found.append("no host has whpg_role coordinator or standby: give it to the hosts that may carry the coordinator")
    elif len(coordinators) > 2:
        found.append(f"{', '.join(coordinators)} have whpg_role coordinator or standby, where one or two carry the coordinator")
    return found


def names_standby(hosts: t.Mapping[str, Variables]) -> bool:
    """Whether a cluster has a host for a standby. For EDB's playbooks one without is as good, a single node for instance.

    :param hosts: by host, its variables of the inventory, typed.
    """
    roles = [variables.get("whpg_role") for variables in hosts.values()]
    return "standby" in roles or roles.count("coordinator") > 1


def members(variables: Variables) -> t.Iterator[tuple[str, Variables]]:
    """The hosts of a host's cluster, with their variables; those that share a group with it come first, for each takes a while.

    :param variables: all variables of the host.
    """
    hostvars, groups = variables["hostvars"], variables["groups"]
    cluster = name_of(hostvars[variables["inventory_hostname"]])
    own = [group for group in variables["group_names"] if group != "whpg_clusters"]
    for host in dict.fromkeys(host for group in (*own, "whpg_clusters") for host in groups.get(group) or ()):
        known = hostvars[host]
        if name_of(known) == cluster:
            yield host, known


def known_of(variables: Variables, name: str) -> t.Any:
    """A variable of a host, as the inventory or a task of the run has it; None where there is none, or a fact, which any host may tell."""
    return None if is_fact(name, variables) else variables.get(name)


def is_single(variables: Variables) -> bool:
    """Whether a host's cluster has no segment hosts.

    :param variables: all variables of the host.
    """
    return not any(known_of(known, "whpg_role") == "segment" for _dummy, known in members(variables))


def name_of(variables: Variables) -> str:
    """The name of a host's cluster, empty where it has none, or what is none, for which the option does not take it either."""
    name = known_of(variables, "cluster_name")
    return "" if name is None or isinstance(name, (list, dict)) or "\0" in str(name) else str(name)


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
