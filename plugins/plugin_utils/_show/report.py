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

from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.catalog import Registration, segments_of
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.verdict import MIRRORED, Verdict

Observation = t.Mapping[str, t.Any]

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


def describe(
    verdict: Verdict,
    observations: t.Mapping[str, Observation | None],
    missing: t.Mapping[str, str],
    warnings: t.Sequence[str] = (),
    maintenance: str = "",
    drift: t.Sequence[t.Mapping[str, t.Any]] | None = None,
) -> dict[str, t.Any]:
    """What the document says of one cluster.

    :param observations: by host, results of mirroring_info; None for a host that was not observed.
    :param missing: by host, why it was not observed.
    :param warnings: sentences on what is not broken yet.
    :param maintenance: that the pair is in maintenance; empty when it is not.
    :param drift: what differs between the two, as :class:`drift.Difference` tells it; None where that was not seen.
    """
    on_primary = observations.get(verdict.primary or "") or {}
    primary = on_primary.get("primary")
    return {
        "state": verdict.state,
        "mirrored": verdict.state == MIRRORED,
        "as_desired": verdict.as_desired,
        "reasons": list(verdict.reasons),
        "advice": verdict.advice,
        "warnings": list(warnings),
        "maintenance": maintenance or None,
        "drift": [_difference(found) for found in drift] if drift is not None else None,
        "primary": verdict.primary,
        "standby": verdict.standby,
        "activation": {"allowed": verdict.activation, "reason": verdict.activation_reason},
        "timeline": primary["timeline"] if primary else None,
        "lsn": primary["lsn"] if primary else None,
        "replication": _replication(primary),
        "registration": _registration(primary),
        "probe": _chosen((primary or {}).get("probe"), lsn="lsn", acknowledged="acknowledged", replayed="replayed", seconds="seconds"),
        "slots": _slots(primary, on_primary),
        "segments": _segments(primary),
        "hosts": {host: _host(observation, missing.get(host)) for host, observation in observations.items()},
    }


def _difference(found: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    changed = found["changed"]
    return {
        **_chosen(found, kind="kind", name="name", file="file", only_on="only_on", primary="primary", standby="standby", brought="brought"),
        "changed": _utc(datetime.datetime.fromtimestamp(changed, datetime.timezone.utc)) if changed is not None else None,
    }


def _chosen(values: t.Mapping[str, t.Any] | None, **names: str) -> dict[str, t.Any]:
    """Values under the names that the document has for them, None where they are not known.

    :param names: by name in the document, the name of the value.
    """
    return {name: (values or {}).get(source) for name, source in names.items()}


def _replication(primary: t.Mapping[str, t.Any] | None) -> dict[str, t.Any]:
    sender = primary["walsender"] if primary else None
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


def _registration(primary: t.Mapping[str, t.Any] | None) -> dict[str, t.Any]:
    row = primary["standby"] if primary else None
    return {
        "registered": row is not None if primary else None,
        **_chosen(row, dbid="dbid", hostname="hostname", address="address", port="port", data_directory="datadir"),
    }


def _slots(primary: t.Mapping[str, t.Any] | None, on_primary: Observation) -> list[dict[str, t.Any]] | None:
    if primary is None:
        return None
    free = (on_primary.get("wal") or on_primary["site"])["free"]
    return [
        {**_chosen(slot, name="name", active="active", restart_lsn="restart_lsn", retained_bytes="retained_bytes"), "free_bytes": free}
        for slot in primary["slots"]
    ]


def _segments(primary: t.Mapping[str, t.Any] | None) -> dict[str, t.Any]:
    seen = segments_of(Registration(**row) for row in primary["registrations"]) if primary else None
    return {
        "instances": seen.instances if seen else None,
        "down": len(seen.down) if seen else None,
        "not_in_preferred_role": len(seen.swapped) if seen else None,
        "not_in_sync": len(seen.not_in_sync) if seen else None,
    }


def _fence(fence: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    since = fence["since"]
    return {
        **_chosen(fence, cluster="cluster", addresses="addresses", ports="ports", tool="tool"),
        "since": _utc(datetime.datetime.fromtimestamp(since, datetime.timezone.utc)) if since else None,
    }


def _host(observation: Observation | None, missing: str | None) -> dict[str, t.Any]:
    """What is said of a host; all but the first two is None for one that was not observed."""
    seen = observation or {}
    instance = seen.get("instance")
    control, postmaster = ((instance or {}).get(name) for name in ("control", "postmaster"))
    return {
        "observed": observation is not None,
        "missing": missing,
        "segments": len(observation["segments"]) if observation is not None else None,
        "fences": [_fence(fence) for fence in observation["fences"]] if observation is not None else None,
        **_chosen(instance, content="content", role="role", data_directory="data_directory", port="port", dbid="dbid", fenced="fenced"),
        "running": postmaster is not None if instance else None,
        **_chosen(postmaster, pid="pid", frozen="frozen", connected="connected"),
        **_chosen(seen.get("sql"), answered="answered", refused="refused", error="error"),
        **_chosen(control, system_identifier="system_identifier", control_state="state", timeline="timeline"),
        **_chosen(seen.get("standby"), received_lsn="received_lsn", replayed_lsn="replayed_lsn"),
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
    """Write a document whole, readable by all: beside its place first, then into it by rename."""
    handle, temporary = tempfile.mkstemp(prefix=".", suffix=".json", dir=os.path.dirname(os.path.abspath(path)))
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(plain(content), file, indent=2, allow_nan=False)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
