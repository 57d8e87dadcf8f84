# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What writers saw of a drill: for how long nothing was acknowledged, and what of the acknowledged is missing.

Writes are told apart by their timelines, on which each promotion is a new one, and ordered by their positions in the WAL: no clock decides
what came before what. The clocks of both hosts are only needed for how long it took.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.probe_writer import Log, Write


@dataclasses.dataclass(frozen=True)
class Clocks:
    """How the clocks of two hosts differ.

    :param ahead_s: seconds that the clock of the one is ahead of the other's; None where that was not measured.
    :param uncertainty_s: seconds that this may be wrong by; likewise.
    """

    ahead_s: float | None = None
    uncertainty_s: float | None = None


@dataclasses.dataclass(frozen=True)
class OfCopy:
    """What a copy has of what was acknowledged before it took its last WAL.

    :param acknowledged: how many commits that are.
    :param lost: how many of them it may lack.
    :param behind_bytes: bytes of WAL up to the last of them that it lacks, at most.
    """

    acknowledged: int
    lost: int
    behind_bytes: int


@dataclasses.dataclass(frozen=True)
class Measured:
    """What was seen of a switchover.

    :param rto_s: seconds from the last acknowledged commit on the former primary to the first on the new one; None: not seen.
    :param acknowledged: how many commits the former primary acknowledged before.
    :param lost: how many of these are not in the new primary's WAL; None where it is not known where its timeline began.
    """

    rto_s: float | None
    acknowledged: int
    lost: int | None


def clocks(one: Log, other: Log) -> Clocks:
    """How the clock of the one differs from the other's.

    Each was told the other's time when that was the standby, by a message that was on its way meanwhile, so that the difference lies
    between what both saw at least.
    """
    if one.ahead is None or other.ahead is None:
        return Clocks()
    return Clocks(round((one.ahead - other.ahead) / 2, 6), round(abs(one.ahead + other.ahead) / 2, 6))


def _acknowledged(logs: t.Mapping[str, Log]) -> dict[int, list[tuple[str, Write]]]:
    """By timeline, the host and the write of all that was acknowledged, by their positions."""
    found: dict[int, list[tuple[str, Write]]] = {}
    for host, log in logs.items():
        for write in log.writes:
            if write.acknowledged is not None and write.timeline is not None and write.lsn is not None:
                found.setdefault(write.timeline, []).append((host, write))
    return {timeline: sorted(found[timeline], key=lambda of: _position(of[1])) for timeline in sorted(found)}


def _position(write: Write) -> Lsn:
    return Lsn.parse(t.cast(str, write.lsn))


def measure(logs: t.Mapping[str, Log], timeline: int | None, switch_lsn: str | None, ahead: t.Mapping[str, float]) -> Measured:
    """What was seen of the switchover by which a timeline began.

    :param logs: by host, what its writer logged.
    :param timeline: None where it is not known.
    :param switch_lsn: where it began; likewise.
    :param ahead: by host, seconds that its clock is ahead of a common one.
    """
    seen = _acknowledged(logs)
    before = max((known for known in seen if timeline is not None and known < timeline), default=None)
    if timeline is None or before is None:
        return Measured(None, 0, None)
    fork = Lsn.parse(switch_lsn) if switch_lsn else None
    lost = None if fork is None else sum(1 for _host, write in seen[before] if _position(write) > fork)
    if timeline not in seen:
        return Measured(None, len(seen[before]), lost)
    (_old, last), (_new, first) = (_at(seen[before][-1], ahead), _at(seen[timeline][0], ahead))
    return Measured(round(max(first - last, 0.0), 3), len(seen[before]), lost)


def of_copy(logs: t.Mapping[str, Log], timeline: int, end_lsn: str) -> OfCopy:
    """What a copy has of what was acknowledged.

    :param timeline: that its WAL ends on.
    :param end_lsn: where it ends.
    """
    found = [_position(write) for _host, write in _acknowledged(logs).get(timeline, [])]
    end = Lsn.parse(end_lsn)
    behind = [position - end for position in found if position > end]
    return OfCopy(len(found), len(behind), max(behind, default=0))


def _at(of: tuple[str, Write], ahead: t.Mapping[str, float]) -> tuple[str, float]:
    host, write = of
    return host, t.cast(float, write.acknowledged) - ahead.get(host, 0.0)


def longest_pause(logs: t.Mapping[str, Log], ahead: t.Mapping[str, float]) -> float | None:
    """Seconds between two acknowledged commits one after the other, at most; None where there were no two."""
    times = [_at(one, ahead)[1] for of_timeline in _acknowledged(logs).values() for one in of_timeline]
    return max((round(max(after - before, 0.0), 3) for before, after in zip(times, times[1:])), default=None)


def counted(logs: t.Mapping[str, Log]) -> tuple[int, int]:
    """How many writes were acknowledged, and of how many that was not heard of."""
    writes = [write for log in logs.values() for write in log.writes]
    acknowledged = sum(1 for write in writes if write.acknowledged is not None)
    return acknowledged, len(writes) - acknowledged
