# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""The state of the pairs as one document, for programs: C(roles/status/files/status.schema.json) describes it.

Each key is always there. What was not seen is None.
"""

from __future__ import annotations

import datetime
import json
import math
import os
import tempfile
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.catalog import segments_of
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.segment_fence import Fence
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.verdict import MIRRORED
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.coordinator import Coordinator
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.observation import Observation
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.primary import Primary
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.observations import Observations, coordinator_of
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.pair import Pair
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.drift import Difference

#: grows when a key changes its meaning or goes; a new key alone does not change it
SCHEMA_VERSION = 1


def document(clusters: t.Mapping[str, t.Mapping[str, t.Any]], time: datetime.datetime) -> dict[str, t.Any]:
    """The document on all clusters of a run.

    :param clusters: by name, what :func:`describe` says of each.
    :param time: when they were judged.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "time": _utc(time),
        "mirrored": all(cluster["mirrored"] for cluster in clusters.values()),
        "as_desired": all(cluster["as_desired"] for cluster in clusters.values()),
        "clusters": dict(clusters),
    }


def _utc(time: datetime.datetime) -> str:
    return time.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def describe(pair: Pair, observations: Observations, since: datetime.datetime | None = None) -> dict[str, t.Any]:
    """What the document says of one cluster.

    :param since: when its state was first seen; None where that is not known.
    """
    on_primary = coordinator_of(observations.get(pair.primary or ""))
    primary = on_primary.primary if on_primary else None
    return {
        **_chosen(pair, state="state", as_desired="as_desired", serves="serves", advice="advice", primary="primary", standby="standby"),
        "since": _utc(since) if since else None,
        "mirrored": pair.state == MIRRORED,
        "reasons": list(pair.reasons),
        "warnings": list(pair.warnings),
        "maintenance": pair.maintenance or None,
        "drift": [_difference(found) for found in pair.drift] if pair.drift is not None else None,
        "activation": {"allowed": pair.activation, "reason": pair.activation_reason},
        **_chosen(primary, timeline="timeline", lsn="lsn"),
        "replication": _replication(primary),
        "registration": _registration(primary),
        "probe": _chosen(primary and primary.probe, lsn="lsn", acknowledged="acknowledged", replayed="replayed", seconds="seconds"),
        "slots": _slots(on_primary, primary) if on_primary and primary else None,
        "segments": _segments(primary),
        "coordinators": list(pair.coordinators),
        "hosts": {host: _host(found, pair.unknown.get(host)) for host, found in observations.items()},
    }


def _difference(found: Difference) -> dict[str, t.Any]:
    return {
        **_chosen(found, kind="kind", name="name", file="file", only_on="only_on", primary="primary", standby="standby", brought="brought"),
        "changed": _moment(found.changed),
    }


def _moment(seconds: float | None) -> str | None:
    return _utc(datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)) if seconds is not None else None


def _chosen(of: object, **names: str) -> dict[str, t.Any]:
    """Values of an object under the names that the document has for them, None where there is no such object.

    :param names: by name in the document, the name of the value.
    """
    return {name: getattr(of, source) if of else None for name, source in names.items()}


def _replication(primary: Primary | None) -> dict[str, t.Any]:
    sender = primary.walsender if primary else None
    return {
        "connected": sender is not None if primary else None,
        **_chosen(
            sender,
            state="state",
            sync_state="sync_state",
            standby_address="client_addr",
            sent_lsn="sent_lsn",
            flush_lsn="flush_lsn",
            replay_lsn="replay_lsn",
            lag_bytes="lag_bytes",
            lag_seconds="replay_lag_s",
            reply_age_seconds="reply_age_s",
        ),
    }


def _registration(primary: Primary | None) -> dict[str, t.Any]:
    row = primary.standby if primary else None
    return {
        "registered": row is not None if primary else None,
        **_chosen(row, dbid="dbid", hostname="hostname", address="address", port="port", data_directory="datadir"),
    }


def _slots(on_primary: Coordinator, primary: Primary) -> list[dict[str, t.Any]]:
    free = (on_primary.wal or on_primary.site).free
    return [
        {**_chosen(slot, name="name", active="active", restart_lsn="restart_lsn", retained_bytes="retained_bytes"), "free_bytes": free}
        for slot in primary.slots
    ]


def most_retained(cluster: t.Mapping[str, t.Any]) -> int | None:
    """Bytes of WAL that the slot retains which retains most; None where none was seen.

    :param cluster: what the document says of it.
    """
    return max((slot["retained_bytes"] for slot in cluster["slots"] or () if slot["retained_bytes"] is not None), default=None)


def _segments(primary: Primary | None) -> dict[str, t.Any]:
    seen = segments_of(primary.registrations) if primary else None
    return {
        "instances": seen.instances if seen else None,
        "down": len(seen.down) if seen else None,
        "not_in_preferred_role": len(seen.swapped) if seen else None,
        "not_in_sync": len(seen.not_in_sync) if seen else None,
    }


def _fence(fence: Fence) -> dict[str, t.Any]:
    return {
        **_chosen(fence, cluster="cluster", tool="tool"),
        "addresses": list(fence.addresses),
        "ports": list(fence.ports),
        "since": _moment(fence.since),
    }


def _host(found: Observation | None, missing: str | None) -> dict[str, t.Any]:
    """What is said of a host; all but the first two is None for one that was not observed."""
    seen = coordinator_of(found)
    instance = seen.instance if seen else None
    control, postmaster = (instance.control, instance.postmaster) if instance else (None, None)
    return {
        "observed": found is not None,
        "missing": missing,
        "segments": len(found.segments) if found else None,
        "fences": [_fence(fence) for fence in found.fences] if found else None,
        **_chosen(
            instance,
            directory_state="directory_state",
            role="role",
            data_directory="data_directory",
            port="port",
            dbid="dbid",
            start_block="start_block",
        ),
        "running": postmaster is not None if instance else None,
        **_chosen(postmaster, pid="pid", suspended="suspended", connected="connected"),
        **_chosen(seen and seen.sql, answered="answered", refused="refused", error="error"),
        **_chosen(control, system_identifier="system_identifier", control_state="state", timeline="timeline"),
        **_chosen(seen and seen.standby, received_lsn="received_lsn", replayed_lsn="replayed_lsn"),
    }


def plain(value: t.Any) -> t.Any:
    """A value of a document as any program reads it from JSON, which has no number that is none or endless, and no half of a character.

    Part of it may be what some host said. A character that is none, as of a name that is not UTF-8, becomes its escape.
    """
    if isinstance(value, dict):
        return {plain(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.encode("utf-8", "backslashreplace").decode("utf-8") if isinstance(value, str) else value


def write(path: str, content: t.Mapping[str, t.Any]) -> None:
    """Write a document whole, readable by all."""
    write_text(path, json.dumps(plain(content), indent=2, allow_nan=False) + "\n")


def write_text(path: str, text: str, mode: int = 0o644) -> None:
    """Write a file whole: beside its place first, then into it by rename."""
    handle, temporary = tempfile.mkstemp(prefix=".", dir=os.path.dirname(os.path.abspath(path)))
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), mode)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
