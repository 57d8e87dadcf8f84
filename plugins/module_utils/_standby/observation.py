# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Everything that a host shows of coordinator mirroring: the result of M(warehousepg.coordinator.mirroring_info)."""

from __future__ import annotations

import dataclasses
import socket
import time
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import (
    Host,
    processes,
    read_text,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import sessions
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.access import BLOCK, first_block
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import (
    running_segments,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import segment_fence

Parameters = t.Mapping[str, t.Any]


def read_access(data_directory: str) -> list[str] | None:
    """The rules of this collection's block in an access file that begins with it, None without it."""
    try:
        return first_block(read_text(f"{data_directory}/pg_hba.conf") or "", BLOCK)
    except CoordinatorError:
        return None


def observe(host: Host, parameters: Parameters) -> dict[str, t.Any]:
    """What this host shows.

    :param parameters: options of the module.
    :raises CoordinatorError: the data directory cannot be read by this user.
    """
    own = host.addresses()
    found: dict[str, t.Any] = {
        "hostname": socket.gethostname(),
        "addresses": own,
        "clock": time.time(),
        "segments": [dataclasses.asdict(segment) for segment in running_segments(processes())],
        "fences": [dataclasses.asdict(fence) for fence in segment_fence.described()],
        "peers": sessions.try_peers(parameters["peers"]),
    }
    ports = [segment["port"] for segment in found["segments"]]
    found["sessions"] = [dataclasses.asdict(session) for session in sessions.read_sessions(host, ports, own)]
    directories = [segment["data_directory"] for segment in found["segments"]]
    if parameters["data_directory"]:
        # Only here: to load this takes a host longer than to show all the rest.
        from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.coordinator import read_coordinator

        found.update(read_coordinator(host, parameters, own))
        if found["instance"]["content"] == "instance":
            directories.append(found["instance"]["data_directory"])
    if parameters["look"]:
        from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import preflight, snapshot

        found["looked"] = preflight.look(parameters["look"], snapshot.staging_directory(parameters["look"]["data_directory"]))
    found["access"] = {directory: read_access(directory) for directory in directories}
    return found
