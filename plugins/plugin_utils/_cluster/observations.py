# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What hosts show, as it comes from them: the result of a module becomes the dataclass that it was made from.

One host may be anybody's. What it tells is looked at here once, so that no code behind meets a position that cannot be read, which would
end the run for all clusters, or a name with a line break in it, which would be written into a file of another host.
"""

from __future__ import annotations

import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import border
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.coordinator import Coordinator
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.observation import Observation
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.unseen import Unseen, unseen

#: by host, what it showed; None where it was not observed
Observations = t.Mapping[str, t.Optional[Observation]]

Seen = t.TypeVar("Seen", bound=Observation)

#: where the role C(discovery) registers what a host showed
OBSERVATION = "discovery_observation"


def read(result: t.Any) -> Observation | Unseen:
    """What a host showed, or what kept it from being observed.

    :param result: of M(warehousepg.coordinator.mirroring_info) there; None: there is none.
    """
    return read_as(Coordinator if result and "instance" in result else Observation, result)


def read_as(kind: type[Seen], result: t.Any) -> Seen | Unseen:
    """The same of a host that has to show that."""
    missed = unseen(result)
    if missed:
        return missed
    try:
        return border.parse(kind, result)
    except ValueError as error:
        return Unseen(f"it answered, and what it told is not of its form: {error}", "see who answers there", True)


def observed(result: t.Any) -> Observation | None:
    """What a host showed; None where it was not observed."""
    found = read(result)
    return found if isinstance(found, Observation) else None


def coordinator_of(found: Observation | None) -> Coordinator | None:
    """What a host showed, where the coordinator may live; None elsewhere."""
    return found if isinstance(found, Coordinator) else None


def coordinator_on(host: str | None, observations: Observations) -> Coordinator:
    """What a host showed that a plan is made for: it was observed.

    :raises KeyError: it was not.
    """
    found = coordinator_of(observations[host or ""])
    if found is None:
        raise KeyError(host)
    return found
