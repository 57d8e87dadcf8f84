# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What the operator should know of a pair, which its state alone does not say, or says too quietly."""

from __future__ import annotations

import os
import re
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.addresses import normal_address
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import retention
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.catalog import Registration, segments_of
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.coordinator import Coordinator
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.inventory import Variables
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.observations import Observations, coordinator_of
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.sightings import addresses_of
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.locking import is_gone, this_run
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.move import MOVES, REJOINS
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.preflight.listening import unheard

#: what is told of notes that are not the name of one playbook
_NOTED = {
    MOVES: "a move of the standby, by enable_mirroring, was begun and is not finished: run it again",
    REJOINS: "a rejoin, by enable_mirroring or rejoin, was begun and is not finished: run it again",
}


def of_runs(coordinators: t.Sequence[str], observations: Observations) -> list[str]:
    """That a run is under way, or was cut off, by its locks and by the notes of what it began."""
    seen = [found for host in coordinators for found in [coordinator_of(observations[host])] if found]
    locks = sorted((found.locked for found in seen if found.locked), key=lambda lock: lock.quiet_s)
    here = this_run(os.getpid())
    lives = next((lock for lock in locks if lock.counts and not is_gone(lock.holder, here)), None)
    if lives:
        return [f"{lives}, is under way, alive {lives.quiet_s:.0f} s ago: wait for it before anything else is done to the pair"]
    left = {lock.holder: f"{lock}, was cut off: run it again" for lock in locks}
    noted = dict.fromkeys(found.unfinished for found in seen if found.unfinished)
    return [*left.values(), *(_NOTED.get(purpose, f"{purpose} was begun and is not finished: run it again") for purpose in noted)]


def of_commits(host: str | None, primary: Coordinator | None, standby: Coordinator | None) -> list[str]:
    """That everybody who writes is kept waiting."""
    known = primary.primary if primary else None
    if not known or known.probe.acknowledged is not False or not known.walsender:
        return []
    postmaster = standby.instance.postmaster if standby else None
    why = "which is suspended" if postmaster and postmaster.suspended else "which does not answer in time"
    return [
        f"COMMITS WAIT for the standby on {host}, {why}: resume it, or terminate its walsender by the playbook release with release_commits"
    ]


def of_fences(
    cluster: str, host: str | None, primary: Coordinator | None, variables: t.Mapping[str, Variables], observations: Observations
) -> list[str]:
    """That segments refuse the primary which serves, as one that was replaced."""
    if not host or not primary or not primary.primary:
        return []
    own = addresses_of(host, variables, observations, None)
    rejecting = [
        name
        for name, found in observations.items()
        if found and any(fence.cluster == cluster and own & set(map(normal_address, fence.addresses)) for fence in found.fences)
    ]
    if not rejecting:
        return []
    return [f"{host} is fenced, queries of tables fail there: {', '.join(rejecting)} reject it; run lift_fence if it is to serve"]


#: how a walreceiver says that it has no connection (libpqwalreceiver.c), in a log of lines or of values in quotes
_UNCONNECTED = re.compile(r"""(?P<quote>")?could not connect to the primary server: (?P<why>(?(quote)(?:""|[^"])*|.*?(?= \| |$)))""")


def of_connection(host: str | None, primary: Coordinator | None, standby: Coordinator | None) -> list[str]:
    """Why a standby does not connect to a primary that serves, as its log tells."""
    postmaster = standby.instance.postmaster if standby else None
    if not primary or not primary.primary or not standby or not standby.standby or not postmaster or postmaster.connected is not False:
        return []
    said = [found["why"].replace('""', '"').strip() for found in [*_UNCONNECTED.finditer(standby.standby.errors)][-1:]]
    return [f"{host} cannot connect to its primary, {why}: run enable_mirroring, which tells what helps" for why in said]


def of_segments(primary: Coordinator | None) -> list[str]:
    """What the catalog says of segments that do not run as they were made to."""
    if not primary or not primary.primary:
        return []
    seen = segments_of(primary.primary.registrations)
    found = []
    if seen.down:
        found.append(f"{len(seen.down)} of {seen.instances} segment instances are down, {_listed(seen.down)}: run gprecoverseg")
    if seen.not_in_sync:
        contents = ", ".join(map(str, seen.not_in_sync))
        found.append(f"the mirrors of content {contents} are not in sync with their primaries: see gpstate -e, and wait for them")
    if seen.swapped:
        first = "once all are up and in sync, " if seen.down or seen.not_in_sync else ""
        found.append(
            f"{len(seen.swapped)} of {seen.instances} segment instances are not in their preferred role, {_listed(seen.swapped)}: "
            f"{first}run gprecoverseg -r"
        )
    return found


def _listed(rows: t.Sequence[Registration]) -> str:
    """Some instances, the first ones by name."""
    named = [f"content {row.content} on {row.hostname}:{row.port}" for row in rows[:_NAMED]]
    return "; ".join(named) + (f" and {len(rows) - _NAMED} more" if len(rows) > _NAMED else "")


#: how many of many things are named
_NAMED = 4


def of_directories(variables: t.Mapping[str, Variables], observations: Observations) -> list[str]:
    """Where an inventory names a directory that EDB's playbooks do not heed, and the standby is elsewhere."""
    found = []
    for host, known in variables.items():
        named = known.get("whpg_standby_data_directory") if known.get("whpg_role") == "standby" else None
        seen = coordinator_of(observations[host])
        there = os.path.dirname(seen.instance.data_directory) if seen else ""
        if named and there and os.path.normpath(named) != there:
            found.append(
                f"{host}: whpg_standby_data_directory is {named}, which EDB's playbooks do not heed either: the standby's place is in "
                f"{there}. To have it elsewhere give discovery_standby_directory"
            )
    return found


def of_listening(coordinators: t.Sequence[str], observations: Observations) -> list[str]:
    """That no client could connect to a standby, where no primary tells whether any could; else the verdict says it."""
    seen = {host: coordinator_of(observations[host]) for host in coordinators}
    if any(found.primary for found in seen.values() if found):
        return []
    standbys = {host: found for host, found in seen.items() if found and found.standby}
    return [said for host, found in standbys.items() for said in [unheard(host, found)] if said]


def of_path(host: str | None, standby: Coordinator | None) -> list[str]:
    """The engine's utilities pass paths through a shell unquoted."""
    directory = standby.instance.data_directory if standby else ""
    if not any(letter.isspace() for letter in directory):
        return []
    return [f"{host}: gpstart and gpstop cannot deal with the blanks in {directory}, gpstart -a refuses to start the cluster"]


def of_wal(host: str | None, primary: Coordinator | None, limit: int | None) -> list[str]:
    """What the slots retain, and what room is left.

    :param limit: bytes of WAL that a slot may retain before it is warned of; None: the engine's own limit.
    """
    if not primary or not primary.primary or not primary.wal:
        return []
    known = primary.primary
    own = known.retention_limit if known.retention_limit and known.retention_limit > 0 else None
    found = retention.warnings(known.slots, limit or own, primary.wal.free, primary.wal.size)
    return [f"{host}: {warning}" for warning in found]
