# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What is kept on the standby's host for the day on which the primary cannot be asked, and what was done there."""

from __future__ import annotations

import dataclasses
import json
import os
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import border
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.border import Address, Name, Path, Port, Seconds
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host, read_text, sync_directory
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Step

#: seconds by which two looks at the beginning of one walreceiver may differ
_TOLERANCE = 2.0

#: what an audit says of one event
Entry = t.Dict[str, t.Any]

#: events of an audit
BEGUN, ACTIVATED, FAILED = "begun", "activated", "failed"


@dataclasses.dataclass(frozen=True)
class RecordedPrimary:
    """Where the primary serves.

    :param host: its host, as the inventory names it.
    :param hostname: as that names itself.
    :param addresses: numeric addresses of that host.
    """

    host: Name
    hostname: Name
    addresses: tuple[Address, ...]


@dataclasses.dataclass(frozen=True)
class RecordedSegment:
    """A row of the catalog on a segment instance, and the ``host`` of the inventory that it is on, None where that is not known."""

    dbid: int
    content: int
    role: Name
    hostname: Name
    address: Name
    port: Port
    datadir: Path
    host: Name | None


@dataclasses.dataclass(frozen=True)
class InSync:
    """A stream that the primary saw in sync, in seconds since the epoch.

    :param time: when.
    :param walreceiver_started: when the standby's walreceiver began.
    :param booted: when the standby's host was started, by the same clock; None of a record that does not tell.
    """

    time: Seconds
    walreceiver_started: Seconds
    booted: Seconds | None = None


@dataclasses.dataclass(frozen=True)
class Record:
    """What is known of a cluster, as long as its primary can be asked.

    :param system_identifier: of the cluster.
    :param primary: where it serves.
    :param segments: the segment instances.
    :param commit_limit_s: seconds after which the primary can give up a silent standby; None for no limit.
    :param other_walsenders: whether it sends WAL to others too; None where that is not known.
    :param time: when the record was written, in seconds since the epoch.
    :param in_sync: the stream that was last seen in sync; None without one.
    """

    system_identifier: Name
    primary: RecordedPrimary
    segments: tuple[RecordedSegment, ...]
    commit_limit_s: Seconds | None
    other_walsenders: bool | None = None
    time: Seconds | None = None
    in_sync: InSync | None = None


def read_record(path: str) -> tuple[Record | None, str | None]:
    """The record in a file, None without one; and what is wrong with one that cannot be used."""
    text = read_text(path)
    if text is None:
        return None, None
    try:
        return border.parse(Record, json.loads(text)), None
    except (ValueError, RecursionError) as error:
        return None, str(error)


def is_stale(record: Record | None, given: Record, walreceiver_started: float | None) -> bool:
    """Whether a record no longer tells what is so.

    :param given: what is known now.
    :param walreceiver_started: when the walreceiver that streams in sync began, in seconds since the epoch; None when that is not known.
    """
    if record is None or record != dataclasses.replace(given, time=record.time, in_sync=record.in_sync):
        return True
    if walreceiver_started is None:
        return False
    kept = record.in_sync
    return kept is None or kept.booted is None or abs(kept.walreceiver_started - walreceiver_started) > _TOLERANCE


def in_sync(
    walreceiver_started: float | None, ports: t.Container[int], client_port: int | None, now: float, booted: float | None
) -> InSync | None:
    """What a record says of the stream that the primary saw in sync; None when the standby's present stream is another.

    :param walreceiver_started: when the standby's walreceiver began.
    :param ports: ports of this host that its connection uses.
    :param client_port: the port that the primary sees the stream come from.
    :param now: seconds since the epoch.
    :param booted: when this host was started, by the same clock.
    """
    if walreceiver_started is None or booted is None or client_port not in ports:
        return None
    return InSync(round(now, 3), walreceiver_started, booted)


def plan(record: Record | None, given: Record, stream: InSync | None) -> list[Step]:
    """The steps after which the record tells what is so.

    :param stream: the stream that was seen in sync, as :func:`in_sync` has it.
    """
    stale = is_stale(record, given, stream.walreceiver_started if stream else None)
    return [Step("write_record", {"told": dataclasses.replace(given, in_sync=stream)})] if stale else []


def write_record(host: Host, path: str, record: Record, now: float) -> None:
    """Write a record that its owner alone can read.

    :param now: seconds since the epoch.
    """
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    host.write(
        path, json.dumps(dataclasses.asdict(dataclasses.replace(record, time=round(now, 3))), indent=1, sort_keys=True) + "\n", 0o600
    )


def append(path: str, entry: Entry) -> None:
    """Add an entry to an audit, a file of one JSON document in each line that its owner alone can read."""
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    is_new = not os.path.exists(path)
    with open(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "a", encoding="utf-8") as file:
        file.write(json.dumps(entry, sort_keys=True) + "\n")
        file.flush()
        os.fsync(file.fileno())
    if is_new:
        sync_directory(os.path.dirname(path))


def entries(path: str) -> list[Entry]:
    """The entries of an audit, oldest first; a line that was cut off is left out."""
    found = []
    for line in (read_text(path) or "").splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            found.append(entry)
    return found


def last(found: t.Sequence[Entry], *events: str) -> Entry | None:
    """The last entry on one of some events, None without any."""
    return next((entry for entry in reversed(found) if entry.get("event") in events), None)
