# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What is kept on the standby's host for the day on which the primary cannot be asked, and what was done there."""

from __future__ import annotations

import json
import os
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import border
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host, read_text, sync_directory
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Step

Record = t.Mapping[str, t.Any]

#: seconds by which two looks at the beginning of one walreceiver may differ
_TOLERANCE = 2.0

#: what of a record is given, the rest being seen on the standby's host
GIVEN = ("system_identifier", "primary", "segments", "commit_limit_s", "other_walsenders")

#: events of an audit
BEGUN, ACTIVATED, FAILED = "begun", "activated", "failed"


_IN_SYNC: dict[str, border.Form] = {"time": border.seconds, "walreceiver_started": border.seconds}
_PRIMARY: dict[str, border.Form] = {"host": border.name, "hostname": border.name, "addresses": border.many(border.address)}
_SEGMENT: dict[str, border.Form] = {
    **dict.fromkeys(("dbid", "content"), border.number),
    **dict.fromkeys(("role", "hostname", "address"), border.name),
    "port": border.port,
    "datadir": border.path,
    "host": border.optional(border.name),
}
_FORMS: dict[str, border.Form] = {
    "system_identifier": border.name,
    "primary": lambda value: border.fields(value, _PRIMARY),
    "segments": border.many(lambda value: border.fields(value, _SEGMENT)),
    "commit_limit_s": border.optional(border.seconds),
}
_FURTHER: dict[str, border.Form] = {
    "time": border.seconds,
    "in_sync": border.optional(lambda value: border.fields(value, _IN_SYNC, {"booted": border.seconds})),
    "other_walsenders": border.optional(border.flag),
}


def parse(found: t.Any) -> dict[str, t.Any]:
    """The record that a document holds, every value of its form.

    :raises ValueError: it holds none, for what is wrong with it.
    """
    return border.fields(found, _FORMS, _FURTHER)


def read_record(path: str) -> tuple[dict[str, t.Any] | None, str | None]:
    """The record in a file, None without one; and what is wrong with one that cannot be used."""
    text = read_text(path)
    if text is None:
        return None, None
    try:
        return parse(json.loads(text)), None
    except (ValueError, RecursionError) as error:
        return None, str(error)


def is_stale(record: Record | None, given: Record, walreceiver_started: float | None) -> bool:
    """Whether a record no longer tells what is so.

    :param given: what is known of :data:`GIVEN` now.
    :param walreceiver_started: when the walreceiver that streams in sync began, in seconds since the epoch; None when that is not known.
    """
    if record is None or any(record.get(name) != given[name] for name in GIVEN):
        return True
    kept = record.get("in_sync") or {}
    if walreceiver_started is None:
        return False
    return not {"walreceiver_started", "booted"} <= set(kept) or abs(float(kept["walreceiver_started"]) - walreceiver_started) > _TOLERANCE


def in_sync(
    walreceiver_started: float | None, ports: t.Container[int], client_port: int | None, now: float, booted: float | None
) -> dict[str, float] | None:
    """What a record says of the stream that the primary saw in sync; None when the standby's present stream is another.

    :param walreceiver_started: when the standby's walreceiver began.
    :param ports: ports of this host that its connection uses.
    :param client_port: the port that the primary sees the stream come from.
    :param now: seconds since the epoch.
    :param booted: when this host was started, by the same clock.
    """
    if walreceiver_started is None or booted is None or client_port not in ports:
        return None
    return {"time": round(now, 3), "walreceiver_started": walreceiver_started, "booted": booted}


def plan(record: Record | None, given: Record, stream: t.Mapping[str, float] | None) -> list[Step]:
    """The steps after which the record tells what is so.

    :param stream: the stream that was seen in sync, as :func:`in_sync` has it.
    """
    stale = is_stale(record, given, stream["walreceiver_started"] if stream else None)
    return [Step("write_record", {"told": {**given, "in_sync": stream}})] if stale else []


def write_record(host: Host, path: str, record: Record, now: float) -> None:
    """Write a record that its owner alone can read.

    :param now: seconds since the epoch.
    """
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    host.write(path, json.dumps({**record, "time": round(now, 3)}, indent=1, sort_keys=True) + "\n", 0o600)


def append(path: str, entry: Record) -> None:
    """Add an entry to an audit, a file of one JSON document in each line that its owner alone can read."""
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    is_new = not os.path.exists(path)
    with open(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "a", encoding="utf-8") as file:
        file.write(json.dumps(entry, sort_keys=True) + "\n")
        file.flush()
        os.fsync(file.fileno())
    if is_new:
        sync_directory(os.path.dirname(path))


def entries(path: str) -> list[dict[str, t.Any]]:
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


def last(found: t.Sequence[Record], *events: str) -> Record | None:
    """The last entry on one of some events, None without any."""
    return next((entry for entry in reversed(found) if entry.get("event") in events), None)
