# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the hosts of a world show, by the dataclasses in which real ones show it."""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.processes import Process
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import Instance
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.stream import STANDBY as BY_STANDBY
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.stream import Disconnect, Stream
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.wal import End
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import record
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.coordinator import Standby
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.primary import SqlAnswer
from unit.plugins import instances
from unit.plugins.plugin_utils import observed

from .world import CRASHED, GONE, HALF, HOSTS, HUNG, ON, PRIMARY, UP, Node, World

ADDRESSES = ("10.0.0.11", "10.0.0.12")
DIRECTORIES = ("/c", "/s")
SILENT = {"unreachable": True, "msg": "timed out"}

#: positions: where WAL without any write ends, and how much one takes
_BEGIN, _STEP = 0x200, 0x10

#: seconds: when the record was written, when a stream broke, and when it is looked, soon after that or too late
_WRITTEN, _BROKE, _SOON, _LATE = 1000.0, 2000.0, 2010.0, 2400.0


def position(log: t.Sequence[int]) -> Lsn:
    """The end of the WAL with these writes in it."""
    return Lsn(_BEGIN + _STEP * len(log))


def ancestors_of(node: Node) -> list[list[t.Any]]:
    """The timelines before that of an instance, and where they were left."""
    return [[number, str(Lsn(_BEGIN + _STEP * writes))] for number, writes in enumerate(node.forks, 1)]


def instance_of(world: World, at: int) -> Instance:
    """The instance on a host."""
    node = world.nodes[at]
    serving = node.role == PRIMARY
    standing = instances.PRIMARY if serving else instances.STANDBY
    state = {
        CRASHED: "in production" if serving else "in archive recovery",
        "shut down": "shut down" if serving else "shut down in recovery",
    }
    state = state.get(node.state, "in production" if serving else "in archive recovery")
    postmaster = None
    if node.runs:
        connected = not serving and world.stream in (ON, HALF)
        postmaster = dataclasses.replace(t.cast(t.Any, standing.postmaster), suspended=node.state == HUNG, connected=connected)
    return dataclasses.replace(
        standing,
        data_directory=DIRECTORIES[at],
        dbid=(1, 8)[at],
        settings={} if serving else observed.STANDBY.settings,
        control=dataclasses.replace(instances.CONTROL, state=state, timeline=node.timeline),
        postmaster=postmaster,
        start_block=f"FENCED_{HOSTS[1 - at]}_is_primary.conf" if node.blocked else None,
    )


def processes_of(world: World, at: int) -> tuple[Process, ...]:
    """The processes of the instance on a host."""
    node = world.nodes[at]
    return (Process(7, 1, "T" if node.state == HUNG else "S", ("postgres", "-D", DIRECTORIES[at])),) if node.runs else ()


def end_of(world: World, at: int) -> End:
    """Where the WAL on a host ends."""
    node = world.nodes[at]
    return End(node.timeline, position(node.log), t.cast(t.Any, None), shutdown=node.tail)


def stream_of(world: World) -> Stream:
    """The stream that the standby has, or had."""
    known = Stream(started=None, ports=frozenset(), disconnect=None, silence_s=12.0, status_s=10.0, booted=1.0)
    started = 900.0 if world.recorded else 950.0
    if world.stream == ON:
        return dataclasses.replace(known, started=started, answered=True, silent_s=0.1)
    by = BY_STANDBY if world.stream in (HALF, GONE) else "primary"
    return dataclasses.replace(known, disconnect=Disconnect(_BROKE, by, "it broke", started))


def now_of(world: World) -> float:
    """The time of a look."""
    return _LATE if world.late else _SOON


def quiet_of(world: World) -> float:
    """For how long segments had no data from the primary by then."""
    if world.stream == ON:
        return 0.1
    return now_of(world) - (_BROKE + 5.0 if world.heard else _BROKE - 10.0)


def record_of(primary: str) -> dict[str, t.Any]:
    """What is recorded of a cluster whose primary is on a host."""
    at = HOSTS.index(primary)
    place = {"host": primary, "hostname": primary, "addresses": [ADDRESSES[at]]}
    return {**observed.RECORD, "primary": place, "time": _WRITTEN, "in_sync": {**observed.RECORD["in_sync"], "time": _WRITTEN}}


@functools.lru_cache(maxsize=None)
def parsed_record(primary: str) -> record.Record | None:
    """The same as a module reads it."""
    return t.cast(t.Optional[record.Record], observed.border.parse(record.Record, record_of(primary))) if primary else None


def _rows(at: int, registered: bool) -> list[dict[str, t.Any]]:
    """The catalog of a primary on a host."""
    own, other = observed.ROWS[(0, 3)[at]], observed.ROWS[(3, 0)[at]]
    rows = [dataclasses.replace(own, role="p"), *observed.ROWS[1:3]]
    return [*rows, dataclasses.replace(other, role="m")] if registered else rows


def coordinator(world: World, at: int) -> dict[str, t.Any]:
    """What the host of a coordinator shows."""
    node = world.nodes[at]
    if not node.answers:
        return SILENT
    base = observed.CDW if node.role == PRIMARY else observed.SCDW
    found = instance_of(world, at)
    end, other = position(node.log), HOSTS[1 - at]
    more: dict[str, t.Any] = {
        "hostname": HOSTS[at],
        "addresses": [ADDRESSES[at]],
        "instance": observed.shown(found),
        "access": {DIRECTORIES[at]: observed.COORDINATOR},
        "passfile": observed.shown(observed.PASSFILE),
        "peers": {other: "open" if world.linked and world.nodes[1 - at].works else "silent"},
        "unfinished": node.note or None,
        "record": record_of(node.record) if node.record else None,
        "activation": {"event": "activated", "timeline": node.activated} if node.activated else None,
        "wal": {
            **base["wal"],
            "end_lsn": str(end),
            "reaches_lsn": str(end),
            "timeline": node.timeline,
            "ancestors": ancestors_of(node),
        },
        "primary": None,
        "standby": None,
        "sql": None,
    }
    if node.runs and node.role == PRIMARY:
        more.update(_asked(world, at, node))
    elif node.runs:
        following = {**observed.FOLLOWING, "host": other, "hostaddr": ADDRESSES[1 - at]}
        lsn = str(end)
        seen = stream_of(world)
        more["standby"] = observed.shown(Standby(following, ADDRESSES[1 - at], lsn, lsn, lsn, seen.started, seen.disconnect, "", None))
    return {**base, **more}


def _asked(world: World, at: int, node: Node) -> dict[str, t.Any]:
    """What a primary that runs says."""
    if node.state == HUNG:
        return {"sql": observed.shown(SqlAnswer(False, None, "no answer within 3 s"))}
    rows = _rows(at, node.registered)
    streams = world.stream in (ON, HALF) and world.source == at
    known = {
        **observed.CDW["primary"],
        "registrations": [observed.shown(row) for row in rows],
        "standby": observed.shown(rows[-1]) if node.registered else None,
        "walsender": {**observed.shown(instances.SENDER), "client_addr": ADDRESSES[1 - at]} if streams else None,
        "slots": observed.CDW["primary"]["slots"] if streams else [],
        "probe": {
            "lsn": str(position(node.log)),
            "acknowledged": not streams or world.stream == ON,
            "replayed": streams and world.stream == ON,
            "seconds": 0.1,
        },
        "lsn": str(position(node.log)),
        "timeline": node.timeline,
    }
    return {"sql": observed.shown(SqlAnswer(True, None, None)), "primary": known}


def segment_host(world: World) -> dict[str, t.Any]:
    """What the host of the segments shows."""
    if not world.segments:
        return SILENT
    fences = [{**FENCE, "addresses": [ADDRESSES[world.fence]]}] if world.fence is not None else []
    peers = {
        host: "open" if node.works else "refused" if node.host == UP and not node.runs else "silent"
        for host, node in zip(HOSTS, world.nodes)
    }
    return {**observed.SDW1, "fences": fences, "peers": peers}


FENCE = {"cluster": "demo", "addresses": [], "ports": [6000, 7000], "tool": "nft", "since": 1000.5}


def all_of(world: World) -> dict[str, dict[str, t.Any]]:
    """What all hosts show, by their names."""
    return {HOSTS[0]: coordinator(world, 0), HOSTS[1]: coordinator(world, 1), "sdw1": segment_host(world)}
