# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""The state of a pair on one screen, for people."""

from __future__ import annotations

import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import Instance
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.coordinator import Coordinator
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.primary import Primary
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.observations import Observations, coordinator_of
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.pair import Pair

#: how many hosts of segments are named
_NAMED = 4


def size(count: int) -> str:
    """A number of bytes for people."""
    value = float(count)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if abs(value) < 1024:
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"


def _primary(found: Coordinator) -> list[str]:
    postmaster, primary, sql = found.instance.postmaster, found.primary, found.sql
    if postmaster is None:
        return ["stopped", _control(found.instance)]
    if primary is None:
        heard = f"{'refuses' if sql.refused else 'does not answer'}: {sql.error}" if sql else "not asked"
        return ["suspended" if postmaster.suspended else "up", heard]
    return ["up", f"timeline {primary.timeline}", f"LSN {primary.lsn}", f"pid {postmaster.pid}"]


def _standby(found: Coordinator, primary: Primary | None) -> list[str]:
    postmaster, standby = found.instance.postmaster, found.standby
    if postmaster is None or standby is None:
        return ["stopped", _control(found.instance)]
    words = ["suspended" if postmaster.suspended else "in recovery"]
    sender = primary.walsender if primary else None
    if standby.received_lsn:
        words.append(f"received {standby.received_lsn}")
    if standby.replayed_lsn:
        words.append(f"replayed {standby.replayed_lsn}")
    if sender:
        words.append(f"{sender.state} {sender.sync_state}")
        if sender.lag_bytes is not None:
            seconds = f", {sender.replay_lag_s:.3f} s" if sender.replay_lag_s is not None else ""
            words.append(f"lag {size(sender.lag_bytes)}{seconds}")
    elif primary or postmaster.connected is False:
        words.append("not streaming")
    elif postmaster.connected:
        words.append("connected to a primary")
    return [*words, f"pid {postmaster.pid}"]


def _control(instance: Instance) -> str:
    control = instance.control
    if not control:
        return "pg_control cannot be read"
    return f"{control.state}, timeline {control.timeline}, checkpoint {control.checkpoint}"


def role_told(role: str | None, host: str, primary: str | None) -> str:
    """What the instance on a host is called.

    :param role: that it has on disk.
    :param primary: host that is primary, or was last; None where that is not known.
    """
    return "former primary" if role == "primary" and primary not in (None, host) else role or ""


def _host(name: str, found: Coordinator | None, pair: Pair, primary: Primary | None) -> list[str]:
    """What is said of a host: a line, and below it where its instance is."""
    if found is None:
        return [f"{name}  unknown: {pair.unknown.get(name, '')}"]
    instance = found.instance
    if instance.directory_state != "instance":
        return [f"{name}  no instance: {instance.data_directory} is {instance.directory_state}"]
    words = _primary(found) if instance.role == "primary" else _standby(found, primary)
    place = f"dbid {instance.dbid}, port {instance.port}, {instance.data_directory}"
    if instance.start_block:
        place += f", start-blocked by {instance.start_block}"
    return [f"{name}  {role_told(instance.role, name, pair.primary)}  " + ", ".join(words), f"{' ' * len(name)}  {place}"]


def _segment_hosts(names: t.Sequence[str], count: int) -> str:
    """What is said of hosts of segments on which as many run."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    hosts, each = ("hosts", " on each") if len(names) > 1 else ("host", "")
    return f"{', '.join(names[:_NAMED])}{more}  segment {hosts}, {count} segment instance{'s' if count != 1 else ''} running{each}"


def _fences(cluster: str, observations: Observations) -> list[str]:
    """What is said of the packet filters that keep a former primary of the cluster away from its segments."""
    return [
        f"{host} rejects {', '.join(fence.addresses)} on {', '.join(map(str, fence.ports))}, by {fence.tool}"
        + ("" if fence.since else ", not complete")
        for host, found in observations.items()
        if found
        for fence in found.fences
        if fence.cluster == cluster
    ]


def _of_primary(found: Coordinator, primary: Primary) -> list[str]:
    """What the primary says of its standby, its slots and the probe."""
    row, probe = primary.standby, primary.probe
    lines = [f"  registered  {row.hostname}:{row.port} as dbid {row.dbid}" if row else "  registered  no standby"]
    for slot in primary.slots:
        use = "active" if slot.active else "not in use"
        retained, free = size(slot.retained_bytes or 0), size(found.site.free)
        lines.append(f"  slot        {slot.name}, {use}, retains {retained} of WAL; {free} free")
    met = {True: "acknowledged", False: "not acknowledged", None: "not tried"}[probe.acknowledged]
    replayed = "replayed" if probe.replayed else "not replayed"
    return [*lines, f"  write       {met}, {replayed}, {probe.seconds:.3f} s"]


def quiet(cluster: str, pair: Pair) -> str | None:
    """The one line on a cluster that somebody has to look at; None where all is well."""
    troubles = [] if pair.as_desired else list(pair.reasons)
    said = "; ".join([*troubles, *(f"warning: {warning}" for warning in pair.warnings)])
    return f"{cluster}: {pair.state}: {said}" if said else None


def render(cluster: str, pair: Pair, observations: Observations) -> list[str]:
    """The screen's lines.

    :param cluster: name of the cluster.
    """
    on_primary = coordinator_of(observations.get(pair.primary or ""))
    primary = on_primary.primary if on_primary else None
    lines = [f"Cluster {cluster}: {pair.state}"]
    of_segments: dict[int, list[str]] = {}
    for name, found in observations.items():
        if found is None or isinstance(found, Coordinator):
            lines += [f"  {line}" for line in _host(name, found, pair, primary)]
        else:
            of_segments.setdefault(len(found.segments), []).append(name)
    lines += [f"  {_segment_hosts(names, count)}" for count, names in of_segments.items()]
    lines += _of_primary(on_primary, primary) if on_primary and primary else []
    lines += [f"  fence       {fence}" for fence in _fences(cluster, observations)]
    lines += [f"  seen        {reason}" for reason in pair.reasons]
    lines += [f"  WARNING     {warning}" for warning in pair.warnings]
    allowed = "allowed" if pair.activation else "refused"
    lines.append(f"  activation  {allowed}: {pair.activation_reason}")
    return lines if pair.advice == "nothing" else [*lines, f"  next        {pair.advice}"]
