# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""The state of a pair on one screen, for people."""

from __future__ import annotations

import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.verdict import Verdict

Observation = t.Mapping[str, t.Any]


def size(count: int) -> str:
    """A number of bytes for people."""
    value = float(count)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if abs(value) < 1024:
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"


def _primary(observation: Observation) -> list[str]:
    instance, primary, sql = observation["instance"], observation["primary"], observation["sql"]
    postmaster = instance["postmaster"]
    if postmaster is None:
        return ["stopped", _control(instance)]
    if primary is None:
        heard = f"{'refuses' if sql['refused'] else 'does not answer'}: {sql['error']}" if sql else "not asked"
        return ["frozen" if postmaster["frozen"] else "up", heard]
    return ["up", f"timeline {primary['timeline']}", f"LSN {primary['lsn']}", f"pid {postmaster['pid']}"]


def _standby(observation: Observation, primary: t.Mapping[str, t.Any]) -> list[str]:
    instance, standby = observation["instance"], observation["standby"]
    postmaster = instance["postmaster"]
    if postmaster is None:
        return ["stopped", _control(instance)]
    words = ["frozen" if postmaster["frozen"] else "in recovery"]
    sender = primary.get("walsender")
    if standby["received_lsn"]:
        words.append(f"received {standby['received_lsn']}")
    if standby["replayed_lsn"]:
        words.append(f"replayed {standby['replayed_lsn']}")
    if sender:
        words.append(f"{sender['state']} {sender['sync_state']}")
        if sender["lag_bytes"] is not None:
            seconds = sender["replay_lag_s"]
            words.append(f"lag {size(sender['lag_bytes'])}" + (f", {seconds:.3f} s" if seconds is not None else ""))
    elif primary or postmaster["connected"] is False:
        words.append("not streaming")
    elif postmaster["connected"]:
        words.append("connected to a primary")
    return [*words, f"pid {postmaster['pid']}"]


def _control(instance: t.Mapping[str, t.Any]) -> str:
    control = instance["control"]
    if not control:
        return "pg_control cannot be read"
    return f"{control['state']}, timeline {control['timeline']}, checkpoint {control['checkpoint']}"


def _host(name: str, observation: Observation | None, missing: str, primary: t.Mapping[str, t.Any]) -> list[str]:
    """What is said of a host: a line, and below it where its instance is."""
    if observation is None:
        return [f"{name}  unknown: {missing}"]
    if "instance" not in observation:
        count = len(observation["segments"])
        return [f"{name}  segment host, {count} segment instance{'s' if count != 1 else ''} running"]
    instance = observation["instance"]
    if instance["content"] != "instance":
        return [f"{name}  no instance: {instance['data_directory']} is {instance['content']}"]
    words = _primary(observation) if instance["role"] == "primary" else _standby(observation, primary)
    place = f"dbid {instance['dbid']}, port {instance['port']}, {instance['data_directory']}"
    if instance["fenced"]:
        place += f", fenced by {instance['fenced']}"
    return [f"{name}  {instance['role']}  " + ", ".join(words), f"{' ' * len(name)}  {place}"]


def _fences(cluster: str, observations: t.Mapping[str, Observation | None]) -> list[str]:
    """What is said of the packet filters that keep a former primary of the cluster away from its segments."""
    return [
        f"{host} rejects {', '.join(fence['addresses'])} on {', '.join(str(port) for port in fence['ports'])}, by {fence['tool']}"
        + ("" if fence["since"] else ", not complete")
        for host, observation in observations.items()
        for fence in (observation or {}).get("fences", ())
        if fence["cluster"] == cluster
    ]


def quiet(cluster: str, verdict: Verdict, warnings: t.Sequence[str] = ()) -> str | None:
    """The one line on a cluster that somebody has to look at; None where all is well.

    :param warnings: what the operator should know beside the verdict.
    """
    troubles = [] if verdict.as_desired else list(verdict.reasons)
    said = "; ".join([*troubles, *(f"warning: {warning}" for warning in warnings)])
    return f"{cluster}: {verdict.state}: {said}" if said else None


def render(
    cluster: str,
    verdict: Verdict,
    observations: t.Mapping[str, Observation | None],
    missing: t.Mapping[str, str],
    warnings: t.Sequence[str] = (),
) -> list[str]:
    """The screen's lines.

    :param cluster: name of the cluster.
    :param observations: by host, results of mirroring_info; None for a host that was not observed.
    :param missing: by host, why it was not observed.
    :param warnings: what the operator should know beside the verdict.
    """
    primary = (observations.get(verdict.primary or "") or {}).get("primary") or {}
    lines = [f"Cluster {cluster}: {verdict.state}"]
    for name, observation in observations.items():
        lines += [f"  {line}" for line in _host(name, observation, missing.get(name, ""), primary)]
    if primary:
        standby = primary["standby"]
        lines.append(
            f"  registered  {standby['hostname']}:{standby['port']} as dbid {standby['dbid']}" if standby else "  registered  no standby"
        )
        for slot in primary["slots"]:
            use = "active" if slot["active"] else "not in use"
            free = size((observations[verdict.primary or ""] or {})["site"]["free"])
            lines.append(f"  slot        {slot['name']}, {use}, holds back {size(slot['retained_bytes'] or 0)} of WAL; {free} free")
        probe = primary["probe"]
        if probe:
            met = {True: "acknowledged", False: "not acknowledged", None: "not tried"}[probe["acknowledged"]]
            replayed = "replayed" if probe["replayed"] else "not replayed"
            lines.append(f"  write       {met}, {replayed}, {probe['seconds']:.3f} s")
    lines += [f"  fence       {fence}" for fence in _fences(cluster, observations)]
    lines += [f"  seen        {reason}" for reason in verdict.reasons]
    lines += [f"  WARNING     {warning}" for warning in warnings]
    allowed = "allowed" if verdict.activation else "refused"
    return [*lines, f"  activation  {allowed}: {verdict.activation_reason}", f"  next        {verdict.advice}"]
