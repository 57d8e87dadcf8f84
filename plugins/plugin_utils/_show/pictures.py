# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""A pair as a picture: its hosts, what is between them, its segments, each with words, a colour and a shape."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import verdict
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.screen import role_told, size

Document = t.Mapping[str, t.Any]

#: how many segment hosts of a cluster are shown, those first that something is the matter with
_SEGMENT_HOSTS = 16


@dataclasses.dataclass(frozen=True)
class Look:
    """How something is told: in words, by a colour, which its tone stands for, and by a shape, which says the same."""

    tone: str
    shape: str
    words: str


_LOOKS = {
    verdict.SPLIT_BRAIN: Look("bad", "split", "split brain"),
    verdict.BOTH_DOWN: Look("bad", "cross", "both down"),
    verdict.PRIMARY_DOWN: Look("bad", "cross", "primary down"),
    verdict.PRIMARY_UNKNOWN: Look("unknown", "question", "primary unknown"),
    verdict.PRIMARY_HUNG: Look("bad", "pause", "primary hung"),
    verdict.DEGRADED: Look("warn", "warning", "degraded"),
    verdict.UNMIRRORED: Look("warn", "ring", "unmirrored"),
    verdict.MIRRORED: Look("ok", "check", "mirrored"),
}


def look(state: str, as_desired: bool) -> Look:
    """How a state is told; one that is not known is unknown."""
    if state == verdict.UNMIRRORED and as_desired:
        return Look("ok", "ring", "unmirrored, as desired")
    return _LOOKS.get(state, Look("unknown", "question", state.replace("_", " ")))


@dataclasses.dataclass(frozen=True)
class Machine:
    """A host where the coordinator may live.

    :param role: of the instance there.
    :param look: of what it does.
    :param facts: what else is known, each with its name.
    """

    name: str
    role: str
    look: Look
    facts: list[tuple[str, str]]


@dataclasses.dataclass(frozen=True)
class Stream:
    """What is between the two coordinators.

    :param kind: ``sync``, ``behind``, ``broken`` or ``unseen``: how it is drawn.
    :param details: more about it.
    """

    kind: str
    words: str
    details: list[str]


@dataclasses.dataclass(frozen=True)
class SegmentHost:
    """A host with segments.

    :param words: what runs there.
    :param fences: what it rejects.
    """

    name: str
    look: Look
    fences: list[str]


@dataclasses.dataclass(frozen=True)
class Segments:
    """The segments of a cluster.

    :param words: all of them together.
    :param hosts: the first of them.
    :param more: how many there are beside these.
    """

    words: str
    tone: str
    hosts: list[SegmentHost]
    more: int


def coordinator(name: str, host: Document, cluster: Document) -> Machine:
    """A host where the coordinator may live."""
    primary = name == cluster["primary"]
    role = role_told(host["role"], name, cluster["primary"])
    return Machine(
        name, role or ("primary, last known" if primary else "no instance seen"), _doing(host, primary), _facts(host, primary, cluster)
    )


def _doing(host: Document, primary: bool) -> Look:
    """What the instance on a host does."""
    if not host["observed"]:
        return Look("unknown", "question", "unknown")
    if host["directory_state"] != "instance":
        return Look("none", "ring", f"no instance: the data directory is {host['directory_state'] or 'unknown'}")
    if not host["running"]:
        state = f", {host['control_state']}" if host["control_state"] else ""
        return Look("none" if host["start_block"] and not primary else "bad", "cross", f"stopped{state}")
    if host["suspended"]:
        return Look("bad", "pause", "suspended")
    if host["refused"]:
        return Look("warn", "warning", f"refuses: {host['refused'].replace('_', ' ')}")
    if host["answered"] is False:
        return Look("bad", "pause", "does not answer")
    return Look("ok", "check", "in recovery" if host["role"] == "standby" else "up")


def _facts(host: Document, primary: bool, cluster: Document) -> list[tuple[str, str]]:
    probe = cluster["probe"]
    found = {
        "why": host["missing"],
        "said": host["error"],
        "write": _probed(probe) if primary and probe["seconds"] is not None else None,
        "LSN": cluster["lsn"] if primary else None,
        "received": host["received_lsn"],
        "replayed": host["replayed_lsn"],
        "timeline": host["timeline"],
        "port": host["port"],
        "directory": host["data_directory"],
        "segments": host["segments"] or None,
        "start-blocked": f"by {host['start_block']}" if host["start_block"] else None,
    }
    known = [(name, str(value)) for name, value in found.items() if value is not None]
    return known + [("fence", _fence(fence)) for fence in host["fences"] or ()]


def _probed(probe: Document) -> str:
    met = {True: "acknowledged", False: "not acknowledged", None: "not tried"}[probe["acknowledged"]]
    return f"{met}, {'replayed' if probe['replayed'] else 'not replayed'}, {probe['seconds']:.3f} s"


def stream(cluster: Document, order: t.Sequence[str]) -> Stream:
    """What is between the two coordinators.

    :param order: their hosts, the primary first.
    """
    sent, other = cluster["replication"], cluster["hosts"][order[1]]
    if cluster["state"] == verdict.SPLIT_BRAIN:
        return Stream("broken", "both accept writes", [])
    if sent["connected"] is None:
        seen = {True: "connected, as the standby's host sees it", False: "not connected, as the standby's host sees it"}
        return Stream("broken" if other["connected"] is False else "unseen", seen.get(other["connected"], "not seen"), [])
    if not sent["connected"]:
        registered = cluster["registration"]["registered"]
        return Stream("broken", "no stream", [] if registered else ["no standby is registered"])
    lag = [f"lag {size(sent['lag_bytes'])}"] if sent["lag_bytes"] is not None else []
    lag += [f"{sent['lag_seconds']:.3f} s to replay"] if sent["lag_seconds"] is not None else []
    if (sent["state"], sent["sync_state"]) == ("streaming", "sync"):
        return Stream("sync", "streams in sync", lag)
    return Stream("behind", f"{sent['state']}, {sent['sync_state']}", lag)


def segments(name: str, cluster: Document) -> Segments:
    """The segments of a cluster.

    :param name: of the cluster.
    """
    hosts = [_segment_host(name, host, seen) for host, seen in cluster["hosts"].items() if host not in cluster["coordinators"]]
    hosts.sort(key=lambda host: (host.look.tone == "ok", host.name))
    counted = cluster["segments"]
    if counted["instances"] is None:
        words, tone = "segment instances not seen", "unknown"
    else:
        troubles = {
            "down": counted["down"],
            "not in their preferred role": counted["not_in_preferred_role"],
            "not in sync": counted["not_in_sync"],
        }
        said = [f"{count} {what}" for what, count in troubles.items() if count]
        words = f"{counted['instances']} segment instances, {', '.join(said) or 'all up'}"
        tone = "warn" if said else "ok"
    return Segments(words, tone, hosts[:_SEGMENT_HOSTS], len(hosts[_SEGMENT_HOSTS:]))


def _segment_host(cluster: str, name: str, host: Document) -> SegmentHost:
    fences = [f"{_fence(fence)}{'' if fence['cluster'] == cluster else ', for ' + fence['cluster']}" for fence in host["fences"] or ()]
    count = host["segments"]
    if not host["observed"]:
        return SegmentHost(name, Look("unknown", "question", f"unknown: {host['missing']}"), fences)
    words = f"{count} instance{'s' if count != 1 else ''}"
    return SegmentHost(name, Look("fenced", "barrier", words) if fences else Look("ok", "dot", words), fences)


def _fence(fence: Document) -> str:
    ports = fence["ports"]
    some = ", ".join(map(str, ports)) if len(ports) <= 4 else f"{len(ports)} ports from {min(ports)} to {max(ports)}"
    since = f"since {fence['since'].replace('T', ' ').replace('Z', ' UTC')}" if fence["since"] else "not complete"
    return f"rejects {', '.join(fence['addresses'])} on {some}, by {fence['tool']}, {since}"
