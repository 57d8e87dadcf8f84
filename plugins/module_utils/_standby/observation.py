# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What a host shows of coordinator mirroring: the result of M(warehousepg.coordinator.mirroring_info)."""

from __future__ import annotations

import dataclasses
import socket
import time
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.border import Address, Name, Path, Seconds
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host, read_text
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.processes import processes
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import sessions
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.access import BLOCK, first_block
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import SegmentProcess, running_segments
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import segment_fence
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import needs

Parameters = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Observation:
    """What every host shows. Of a host where the coordinator may live, it is a :class:`coordinator.Coordinator`.

    :param asked: the controller's time when the host was asked and when it had answered, in seconds since the epoch; None on the host.
    :param hostname: as the host names itself.
    :param addresses: its numeric addresses.
    :param clock: its time, in seconds since the epoch.
    :param segments: segment instances that run there.
    :param fences: packet filters there against former primaries.
    :param peers: by name, how others that were tried answered.
    :param sessions: sessions of other hosts with those segments; None where they could not be seen.
    :param access: by data directory, the rules of this collection's block in its access file; None without it.
    :param looked: what was seen of the needs of an instance of another host; None where nobody asked.
    """

    asked: tuple[Seconds, Seconds] | None
    hostname: Name
    addresses: tuple[Address, ...]
    clock: Seconds
    segments: tuple[SegmentProcess, ...]
    fences: tuple[segment_fence.Fence, ...]
    peers: t.Mapping[str, Name]
    sessions: tuple[sessions.Session, ...] | None
    access: t.Mapping[Path, tuple[str, ...] | None]
    looked: needs.Looked | None


def read_access(data_directory: str) -> tuple[str, ...] | None:
    """The rules of this collection's block in an access file that begins with it, None without it."""
    try:
        found = first_block(read_text(f"{data_directory}/pg_hba.conf") or "", BLOCK)
    except CoordinatorError:
        return None
    return None if found is None else tuple(found)


def _look(host: Host, options: Parameters) -> needs.Looked:
    # these take long to load
    from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.snapshot import staging_directory
    from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.trust import distrust

    found = needs.look(options, staging_directory(options["data_directory"]))
    tried = options["server"] and not found.lacks  # without its files there is no connection
    return dataclasses.replace(found, distrust=distrust(host, options["server"]) or None) if tried else found


def observe(host: Host, parameters: Parameters) -> Observation:
    """What this host shows.

    :param parameters: options of the module.
    :raises CoordinatorError: the data directory cannot be read by this user.
    """
    own = host.addresses()
    segments = tuple(running_segments(processes()))
    found = Observation(
        asked=None,
        hostname=socket.gethostname(),
        addresses=tuple(own),
        clock=time.time(),
        segments=segments,
        fences=tuple(segment_fence.described()),
        peers=sessions.try_peers(parameters["peers"]),
        sessions=tuple(sessions.read_sessions(host, [segment.port for segment in segments], own)),
        access={segment.data_directory: read_access(segment.data_directory) for segment in segments},
        looked=_look(host, parameters["look"]) if parameters["look"] else None,
    )
    if not parameters["data_directory"]:
        return found
    # Only here: to load this takes a host longer than to show all the rest.
    from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.coordinator import read_coordinator

    return read_coordinator(host, parameters, found)
