# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What is lost when a standby becomes primary: nothing, so many bytes of WAL, or not known.

Pure. Nothing lost is said only where it is proved: by the former primary's disk, or because its commits were still waiting for the
standby when it could no longer do harm. They wait no more once its walsender has ended, by a restart or a release for instance, or any
other walsender has; none of that is told to a standby that is cut off. So what tells that it was not so has to be seen elsewhere.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import border
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.border import Name, Path, Position, Seconds
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.stream import ANSWERS, STANDBY, Stream
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.record import InSync, Record

NONE, BYTES, NOT_KNOWN = "none", "bytes", "unknown"

#: seconds by which two looks at one event may differ
_TOLERANCE = 2.0

#: seconds for messages under way
_MARGIN = 2.0

#: what a loss means for the operator
MEANING = "catalog and segments may disagree about what was lost: run gpcheckcat before the cluster is used"


@dataclasses.dataclass(frozen=True)
class Window:
    """Within what time something may be lost, in seconds since the epoch by the standby's clock; each None when not known.

    :param in_sync: when the pair was last seen in sync.
    :param disconnected: when the standby lost its primary.
    :param fenced: when that could do nothing more.
    """

    in_sync: Seconds | None = None
    disconnected: Seconds | None = None
    fenced: Seconds | None = None


@dataclasses.dataclass(frozen=True)
class OnDisk:
    """What a former primary's disk has of WAL, as M(warehousepg.coordinator.coordinator_start_block) returns it; None: not known.

    :param end: where what is valid ends.
    :param timeline: on which it ends.
    :param reaches: up to where it went at least.
    :param missing_bytes: of it that the standby lacks.
    :param commits: in these.
    :param first_segment: name of the first segment of these.
    :param archive: path of what was packed of these.
    :param proved: whether it is proved that it ended there.
    :param why: why something is not known.
    """

    end: Position | None = None
    timeline: int | None = None
    reaches: Position | None = None
    missing_bytes: int | None = None
    commits: int | None = None
    first_segment: Name | None = None
    archive: Path | None = None
    proved: bool = False
    why: str = ""


@dataclasses.dataclass(frozen=True)
class Loss:
    """What is lost.

    :param known: ``none``, ``bytes`` or ``unknown``.
    :param bytes: bytes of WAL that are lost, None when not known.
    :param commits: transactions committed in them at most, None when not known.
    :param why: how that is known, or why it is not.
    :param window: within what time that may be.
    :param start: position from which on something is lost; None when that is not known, or nothing is.
    :param at_least: bytes of WAL from there on that are known to be lost; None when not known.
    """

    known: Name
    bytes: int | None
    commits: int | None
    why: str
    window: Window
    start: Position | None = None
    at_least: int | None = None


def parse(found: t.Any) -> Loss | None:
    """The loss that an audit tells of; None where it tells of none."""
    try:
        told = border.parse(Loss, found)
    except ValueError:
        return None
    return told if told.known in (NONE, BYTES, NOT_KNOWN) else None


def judge(
    exact: t.Mapping[str, t.Any] | None,
    own_end: Lsn | None,
    salvaged_end: Lsn | None,
    record: Record | None,
    system_identifier: str | None,
    stream: Stream,
    fenced: float,
    heard: float | None = None,
) -> Loss:
    """What is lost if this standby becomes primary.

    :param exact: what was read from the former primary's disk, as :func:`salvage.missing` returns it; None when it was not.
    :param own_end: end of the standby's WAL.
    :param salvaged_end: end of the WAL that is brought to it first.
    :param record: what was kept on the standby's host when the pair was last seen mirrored.
    :param system_identifier: of the standby.
    :param stream: the stream that it has or had.
    :param fenced: when the former primary could do nothing more, in seconds since the epoch; a later moment does as well.
    :param heard: when a segment last had data from it, by the same clock, at the latest; None when that is not known.
    """
    disconnected = None if stream.started is not None or stream.disconnect is None else stream.disconnect.time
    window = Window(record.in_sync.time if record and record.in_sync else None, disconnected, fenced)
    read = exact if exact and exact.get("end") and own_end is not None else None
    if read and own_end is not None and read.get("proved"):
        end = Lsn.parse(read["end"])
        if end == own_end:
            why = f"the former primary's WAL ends at {end} on its disk, the standby has it up to {own_end}"
            return Loss(NONE, 0, 0, why, window)
        if own_end < end and salvaged_end is not None and end <= salvaged_end:
            why = f"the former primary's WAL ends at {end} on its disk; {end - own_end} bytes that the standby lacks are brought to it"
            return Loss(NONE, 0, 0, why, window)
        if own_end < end:
            why = f"the former primary's WAL ends at {end} on its disk, the standby has it up to {own_end} only"
            why = f"{why}: {read['why']}" if read.get("why") else why
            return Loss(BYTES, end - own_end, read.get("commits"), why, window, str(own_end), end - own_end)
    doubt = _doubt(record, system_identifier, stream, fenced, heard)
    if doubt is None:
        how = (
            "it answered on the stream that was seen in sync when it was fenced already"
            if stream.lasts
            else "no segment had data from it after the standby had lost it"
        )
        return Loss(NONE, 0, 0, f"the former primary was fenced while its commits still waited for the standby: {how}", window)
    if read is None or own_end is None:
        unread = (exact or {}).get("why") or "the former primary's disk was not read"
        return Loss(NOT_KNOWN, None, None, f"{unread}, and {doubt}", window)
    return _at_least(read, own_end, salvaged_end, doubt, window)


def _at_least(exact: t.Mapping[str, t.Any], own_end: Lsn, salvaged_end: Lsn | None, doubt: str, window: Window) -> Loss:
    """What is lost where the former primary's disk was read, and the end of its WAL is not proved."""
    end = Lsn.parse(exact["end"])
    if end < own_end and not exact.get("why"):
        seen = f"the former primary's valid WAL ends at {end} on its disk, the standby has it up to {own_end}"
    else:
        seen = f"where the former primary's WAL ended is not proved: {exact.get('why')}"
    start = max(own_end, salvaged_end or own_end)
    reaches = max(start, end, Lsn.parse(exact["reaches"]) if exact.get("reaches") else end)
    known = f"what came from {start} on is lost, at least up to {reaches}" if reaches > start else f"what came from {start} on is lost"
    brought = f"the valid WAL up to {salvaged_end} is brought to the standby, " if salvaged_end and salvaged_end > own_end else ""
    return Loss(NOT_KNOWN, None, None, f"{seen}; {brought}{known}; and {doubt}", window, str(start), reaches - start)


def _same_clock(in_sync: InSync, stream: Stream) -> bool:
    """Whether the clock of the standby's host went on as it does by itself since the stream was seen in sync."""
    kept = in_sync.booted
    return kept is not None and stream.booted is not None and abs(kept - stream.booted) <= _TOLERANCE


def _doubt(
    record: Record | None,
    system_identifier: str | None,
    stream: Stream,
    fenced: float,
    heard: float | None,
) -> str | None:
    """Why it is not proved that commits still waited for the standby when the former primary was fenced; None when it is.

    They do as long as the stream lasts in which the standby was once seen in sync, and after its end in silence until the primary
    gives it up, which is some time after the last word that it had from the standby; the limit of that may have been changed since it
    was recorded. What was acknowledged to a client without the standby meanwhile, a segment has heard of.
    """
    if not record or not record.in_sync or not record.commit_limit_s:
        return "no record tells of the pair in sync"
    if record.system_identifier != system_identifier:
        return f"the record is of the system {record.system_identifier}"
    seen = record.in_sync.walreceiver_started
    if stream.started is not None:
        if abs(stream.started - seen) > _TOLERANCE:
            return "its present stream is not the one that was seen in sync"
        if not stream.lasts and stream.silent_s is None:
            return "it was not seen whether the former primary still answered on its stream when it was fenced"
        lost = fenced - (stream.silent_s or 0.0) + ANSWERS
        last_word = fenced - stream.silence_s
    elif stream.disconnect is None:
        return "it is not known how its stream ended"
    elif stream.disconnect.started is None or abs(stream.disconnect.started - seen) > _TOLERANCE:
        return "the stream that ended last is not known to be the one that was seen in sync"
    elif stream.disconnect.by != STANDBY:
        return f"the primary may have known that its stream ended ({stream.disconnect.error})"
    elif not _same_clock(record.in_sync, stream) or not stream.disconnect.started <= stream.disconnect.time <= fenced:
        return "the clock of the standby's host was set, or that host restarted, since its stream was seen in sync"
    else:
        lost = stream.disconnect.time
        last_word = stream.disconnect.time - stream.silence_s
    if stream.lasts:
        if record.other_walsenders is not False:
            return "the former primary may have sent WAL to others too, and the end of any walsender lets commits go on"
    elif heard is None:
        return "it is not known since when no segment had data from the former primary"
    elif heard > lost:
        after = f"a segment may have had data from the former primary {heard - lost:.0f} s after the standby had lost it"
        return f"{after}: its restart, a release or the end of another walsender may have let commits go on"
    given_up = last_word - stream.status_s + record.commit_limit_s - _MARGIN
    if fenced >= given_up:
        return f"the primary may have given the standby up {fenced - given_up:.0f} s before it was fenced"
    return None
