# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""The document on the state of the pairs as metrics, for Prometheus.

What was not seen has no value, for whoever reads it would take another one for the state of now.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import importlib.util
import operator
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.verdict import STATES
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show import report
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.people import harmless

#: what the document says of a cluster
Cluster = t.Mapping[str, t.Any]

#: values of labels beside C(cluster), and a value; None: there is none
Samples = t.Iterable[t.Tuple[t.Tuple[t.Optional[str], ...], t.Any]]

#: how all names begin
PREFIX = "whpg_coordinator_"


@dataclasses.dataclass(frozen=True)
class Metric:
    """A metric.

    :param name: its name without :data:`PREFIX`, with its unit at the end.
    :param about: what it tells, a sentence.
    :param samples: its values, of the cluster of a name.
    :param labels: beside C(cluster).
    """

    name: str
    about: str
    samples: t.Callable[[str, Cluster], Samples]
    labels: tuple[str, ...] = ()


def _one(*way: str) -> t.Callable[[str, Cluster], Samples]:
    """The one value at a place in the document."""
    return lambda _name, cluster: [((), functools.reduce(operator.getitem, way, cluster))]


def _count(key: str) -> t.Callable[[str, Cluster], Samples]:
    """How many entries a list in the document has."""
    return lambda _name, cluster: [((), None if cluster[key] is None else len(cluster[key]))]


def _host(key: str) -> t.Callable[[str, Cluster], Samples]:
    """A value of each host."""
    return lambda _name, cluster: [((host,), told[key]) for host, told in cluster["hosts"].items()]


def _slot(key: str) -> t.Callable[[str, Cluster], Samples]:
    """A value of each slot of the primary."""
    return lambda _name, cluster: [((cluster["primary"], slot["name"]), slot[key]) for slot in cluster["slots"] or ()]


def _who(_name: str, cluster: Cluster) -> Samples:
    yield (cluster["primary"], cluster["standby"]), True


def _states(_name: str, cluster: Cluster) -> Samples:
    yield from (((state,), state == cluster["state"]) for state in STATES)


def _maintenance(_name: str, cluster: Cluster) -> Samples:
    yield (), cluster["maintenance"] is not None


def _in_sync(_name: str, cluster: Cluster) -> Samples:
    seen = cluster["replication"]
    yield (), seen["connected"] and (seen["state"], seen["sync_state"]) == ("streaming", "sync")


def _free(_name: str, cluster: Cluster) -> Samples:
    yield from (((cluster["primary"],), slot["free_bytes"]) for slot in cluster["slots"] or ())


def _start_blocked(_name: str, cluster: Cluster) -> Samples:
    for host, told in cluster["hosts"].items():
        yield (host,), None if told["directory_state"] is None else told["start_block"] is not None


def _fences(name: str, cluster: Cluster) -> Samples:
    for host, told in cluster["hosts"].items():
        yield (host,), None if told["fences"] is None else sum(fence["cluster"] == name for fence in told["fences"])


METRICS = (
    Metric("info", "Which host is primary, or was last, and which is standby, or could be.", _who, ("primary", "standby")),
    Metric("state", "Whether the pair is in this state.", _states, ("state",)),
    Metric("as_desired", "Whether the pair is as the inventory asks for.", _one("as_desired")),
    Metric("primary_serves", "Whether the primary was asked and answered.", _one("serves")),
    Metric("activation_allowed", "Whether the standby may be activated.", _one("activation", "allowed")),
    Metric("maintenance", "Whether the pair is in maintenance, so that nothing acts on it.", _maintenance),
    Metric("warnings", "Warnings beside the state.", _count("warnings")),
    Metric("drift_differences", "Settings and files that differ between the two coordinators.", _count("drift")),
    Metric("timeline", "Timeline of the primary, which each promotion changes.", _one("timeline")),
    Metric("standby_registered", "Whether the catalog has a standby.", _one("registration", "registered")),
    Metric("standby_connected", "Whether the standby is connected to the primary.", _one("replication", "connected")),
    Metric("standby_in_sync", "Whether the standby streams and commits wait for it.", _in_sync),
    Metric("standby_reply_age_seconds", "Time since the latest message of the standby.", _one("replication", "reply_age_seconds")),
    Metric("replay_lag_bytes", "WAL that the standby has still to replay.", _one("replication", "lag_bytes")),
    Metric("replay_lag_seconds", "Time that the latest commits took to be replayed.", _one("replication", "lag_seconds")),
    Metric("probe_acknowledged", "Whether a write to the primary was acknowledged.", _one("probe", "acknowledged")),
    Metric("probe_replayed", "Whether the standby, in sync, replayed the position of the primary.", _one("probe", "replayed")),
    Metric("probe_duration_seconds", "Time that the probe took.", _one("probe", "seconds")),
    Metric("slot_active", "Whether a walsender uses the replication slot.", _slot("active"), ("host", "slot")),
    Metric("slot_retained_bytes", "WAL that the replication slot retains.", _slot("retained_bytes"), ("host", "slot")),
    Metric("wal_free_bytes", "Space left on the file system of the WAL that slots retain.", _free, ("host",)),
    Metric("segment_instances", "Segment instances in the catalog.", _one("segments", "instances")),
    Metric("segment_instances_down", "Segment instances that are down.", _one("segments", "down")),
    Metric("segment_instances_swapped", "Segment instances not in their preferred role.", _one("segments", "not_in_preferred_role")),
    Metric("segment_mirrors_not_in_sync", "Mirrors that are up and lack something of their primaries.", _one("segments", "not_in_sync")),
    Metric("host_observed", "Whether the host was observed.", _host("observed"), ("host",)),
    Metric("instance_running", "Whether the instance of the coordinator runs on the host.", _host("running"), ("host",)),
    Metric("instance_suspended", "Whether that instance is suspended.", _host("suspended"), ("host",)),
    Metric("instance_start_blocked", "Whether that instance is kept from being started.", _start_blocked, ("host",)),
    Metric("fences", "Fences on the host against a former primary of the cluster.", _fences, ("host",)),
)

#: when the rest was true; without it a file that nobody writes any more would look like a cluster that is well
LAST_RUN = "last_run_timestamp_seconds"


def missing() -> str:
    """What the controller lacks to make metrics, and what to do; empty where it lacks nothing."""
    if importlib.util.find_spec("prometheus_client"):
        return ""
    return "the Python of Ansible on the controller has no prometheus_client: install it there, by pip or as a package of the system"


def write(path: str, document: t.Mapping[str, t.Any]) -> None:
    """Write the metrics whole, readable by all."""
    report.write_text(path, text(document))


def text(document: t.Mapping[str, t.Any]) -> str:
    """The metrics in Prometheus' textfile format.

    :param document: of :func:`report.document`.
    """
    # optional: only who asks for metrics has it
    from prometheus_client import CollectorRegistry, Gauge, generate_latest

    told = report.plain(document)
    time = datetime.datetime.strptime(told["time"], "%Y-%m-%dT%H:%M:%S%z").timestamp()
    last_run = Metric(LAST_RUN, "When the cluster was judged, by the controller's clock.", lambda _name, _cluster: [((), time)])
    registry = CollectorRegistry()
    for metric in (*METRICS, last_run):
        gauge = Gauge(PREFIX + metric.name, metric.about, ("cluster", *metric.labels), registry=registry)
        for name, cluster in told["clusters"].items():
            for labels, value in metric.samples(name, cluster):
                if value is not None:
                    gauge.labels(*(harmless(label or "") for label in (name, *labels))).set(value)
    return generate_latest(registry).decode()
