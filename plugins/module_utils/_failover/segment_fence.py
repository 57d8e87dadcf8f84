# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""The fence on a segment host that keeps the hosts of a former primary away from the segments.

It is put up in the host's packet filter by a script that is kept on the host and run again whenever the host starts. The script is the same
for all addresses: what it rejects is in files beside it, which the filter's own programs read. A description, readable by all, stands there
too.
"""

from __future__ import annotations

import contextlib
import dataclasses
import glob
import json
import os
import time
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import border
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.addresses import is_local, parse_address
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.border import Address, Name, Port, Seconds
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host, read_text, sync_directory
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Step
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.packet_filters.packet_filter import (
    PacketFilter,
    Rules,
    identifier,
    run,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.packet_filters.registry import FILTERS, working

DIRECTORY = "/etc/warehousepg-coordinator"
UNITS = "/etc/systemd/system"

#: is there while systemd runs (sd_booted(3))
SYSTEMD = "/run/systemd/system"

#: services that make the rules of a host anew
_FIREWALLS = " ".join([*(service for kind in FILTERS.values() for service in kind.services), "firewalld.service"])


@dataclasses.dataclass(frozen=True)
class Fence:
    """Whose packets are rejected on this host.

    :param cluster: the cluster whose former primary it is.
    :param addresses: its addresses.
    :param ports: the segments' ports on this host.
    :param tool: name of the packet filter.
    :param since: when it was complete, no session left, in seconds since the epoch; None while it is not.
    """

    cluster: Name
    addresses: tuple[Address, ...]
    ports: tuple[Port, ...]
    tool: str
    since: Seconds | None = None

    def __post_init__(self) -> None:
        """See that there is such a filter.

        :raises ValueError: there is none.
        """
        if self.tool not in FILTERS:
            raise ValueError(f"tool: {self.tool!r:.200} is none of {', '.join(FILTERS)}")

    @property
    def rules(self) -> Rules:
        """The pairs of an address and a port that it rejects."""
        return frozenset((address, port) for address in self.addresses for port in self.ports)

    @property
    def filter(self) -> PacketFilter:
        """What rejects them."""
        return FILTERS[self.tool](self.cluster)


def fence_of(cluster: str, addresses: t.Iterable[str], ports: t.Iterable[int], tool: str | None, own: t.Container[str]) -> Fence:
    """The fence that is desired.

    :param tool: what is to make it, None where the host has nothing.
    :param own: addresses of this host.
    :raises CoordinatorError: one of the addresses is none, there is nothing to reject, or nothing to do it with.
    """
    if tool is None:
        tools = " nor ".join(FILTERS)
        raise CoordinatorError(
            f"neither {tools} works on this host, so that nothing can be fenced here: install nftables, a build that knows JSON"
        )
    found = set()
    for address in addresses:
        try:
            found.add(parse_address(address))
        except ValueError as error:
            raise CoordinatorError(f"addresses has {address!r}, which is no address: give IPv4 or IPv6 addresses, no names") from error
    for port in ports:
        if not 0 < port < 65536:
            raise CoordinatorError(f"ports has {port}: give ports, 1 to 65535")
    here = [address for address in sorted(found) if is_local(address) or address in own]
    if here:
        raise CoordinatorError(f"addresses has {', '.join(here)}, this host's own: an address that segments have too cannot be fenced")
    fence = Fence(cluster, tuple(sorted(found)), tuple(sorted(set(ports))), tool)
    if not fence.rules:
        raise CoordinatorError("nothing is to be fenced: give at least one of addresses and one of ports")
    return fence


def rules_of(fence: Fence) -> dict[str, str]:
    """What the filter's programs read: by ending of the file, its content.

    :raises ValueError: the fence has an address that is none.
    """
    return fence.filter.files([(parse_address(address), int(port)) for address, port in sorted(fence.rules)])


_SCRIPT = """#!/bin/sh
# Written by the Ansible collection warehousepg.coordinator. Its playbook lift_fence removes it.
# Rejects the former primary of a WarehousePG cluster on the ports of the cluster's segments: what the files beside this one say.
set -eu
PATH=$PATH:/usr/sbin:/sbin:/usr/bin:/bin
"""


def script(fence: Fence) -> str:
    """The shell script that puts the fence up, whatever is there of it. It holds nothing of the fence itself."""
    return _SCRIPT + fence.filter.script


def unit(fence: Fence, path: str) -> str:
    """The unit that lets systemd run the script when the host starts, and after those that make its other rules.

    It comes before the network, so it has no default dependencies: where cloud-init is, the network comes before sysinit.target.
    """
    return f"""\
[Unit]
Description=Keeps a former primary away from the segments of a WarehousePG cluster ({identifier(fence.cluster)})
DefaultDependencies=no
After=local-fs.target {_FIREWALLS}
PartOf={_FIREWALLS}
ReloadPropagatedFrom={_FIREWALLS}
Before=network-pre.target shutdown.target
Wants=network-pre.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh {path}
ExecReload=/bin/sh {path}

[Install]
WantedBy=multi-user.target
"""


@dataclasses.dataclass(frozen=True)
class Paths:
    """The files of a cluster's fence.

    :param description: what it is, as JSON, readable by all.
    :param script: what puts it up; what it rejects is in files of that name, with an ending.
    :param unit: what runs the script when the host starts.
    :param link: what makes systemd look at the unit.
    """

    description: str
    script: str
    unit: str
    link: str

    @property
    def files(self) -> tuple[str, ...]:
        """All that may be kept beside the description."""
        return (self.unit, self.script, *(f"{self.script}.{ending}" for kind in FILTERS.values() for ending in kind.endings))


def paths_of(cluster: str, directory: str = DIRECTORY, units: str = UNITS) -> Paths:
    """Where the files of a cluster's fence are."""
    name = f"whpg-fence-{identifier(cluster)}.service"
    base = os.path.join(directory, f"fence-{identifier(cluster)}")
    return Paths(f"{base}.json", base, os.path.join(units, name), os.path.join(units, "multi-user.target.wants", name))


@dataclasses.dataclass(frozen=True)
class State:
    """What there is of a cluster's fence on this host.

    :param described: the fence by its description, None without one.
    :param tool: name of the packet filter that makes it, or could; None where the host has none.
    :param rules: the pairs of an address and a port that are rejected.
    :param leftover: whether rules are there at all.
    :param texts: by path, the content of the files that are there of :attr:`Paths.files`.
    :param enabled: whether the unit is enabled.
    :param starts: whether systemd says that it starts the unit with the host.
    :param sessions: how many sessions of the former primary are there.
    """

    described: Fence | None
    tool: str | None
    rules: Rules
    leftover: bool
    texts: t.Mapping[str, str]
    enabled: bool
    sessions: int = 0
    starts: bool = False


def texts_of(fence: Fence, paths: Paths) -> dict[str, str]:
    """By path, the content of the files that are to be there of :attr:`Paths.files`."""
    rules = {f"{paths.script}.{ending}": text for ending, text in rules_of(fence).items()}
    return {**rules, paths.script: script(fence), paths.unit: unit(fence, paths.script)}


def is_kept(state: State, fence: Fence, paths: Paths) -> bool:
    """Whether everything is there that puts the fence up again when a host with systemd starts."""
    return state.texts == texts_of(fence, paths) and state.enabled


def is_persistent(state: State, fence: Fence, paths: Paths) -> bool:
    """Whether the fence is put up again when the host starts."""
    return is_kept(state, fence, paths) and state.starts


def is_complete(state: State, fence: Fence) -> bool:
    """Whether nothing of the former primary comes through now, and nothing else is rejected."""
    return state.rules == fence.rules and state.sessions == 0


def plan(state: State, desired: Fence | None, paths: Paths) -> list[Step]:
    """The steps that put up a fence, or remove it.

    The description is written first, so that nothing is up that is not seen, and last: it tells since when the fence is complete.

    :param desired: None to remove it.
    """
    if desired is None:
        rules = [Step("remove_rules", {"tool": state.tool})] if state.leftover else []
        there = state.described or state.enabled or state.texts
        return rules + ([Step("remove_files"), Step("tell_systemd", {"there": False})] if there else [])
    complete = is_complete(state, desired)
    kept = is_kept(state, desired, paths)
    since = state.described.since if state.described else None
    confirmed = complete and since is not None and state.described == dataclasses.replace(desired, since=since)
    steps = [] if confirmed else [Step("describe", {"fence": desired})]
    steps += [] if kept else [Step("keep", {"fence": desired})]
    steps += [] if state.rules == desired.rules else [Step("reject")]
    steps += [] if complete else [Step("end_sessions", {"fence": desired})]
    steps += [] if confirmed else [Step("confirm", {"fence": desired})]
    return steps if kept else [*steps, Step("tell_systemd", {"there": True})]


def parse_description(text: str) -> Fence | None:
    """The fence that a description tells of; None when it tells of none."""
    try:
        return border.parse(Fence, json.loads(text))
    except (ValueError, RecursionError):
        return None


def described(directory: str = DIRECTORY) -> list[Fence]:
    """The fences of this host by their descriptions, for whoever asks."""
    found = []
    for path in sorted(glob.glob(os.path.join(glob.escape(directory), "fence-*.json"))):
        with contextlib.suppress(CoordinatorError):
            fence = parse_description(read_text(path) or "")
            found += [fence] if fence else []
    return found


class FenceOnHost:
    """A cluster's fence on this host; needs root.

    :param host: runs the programs.
    :param cluster: whose fence it is.
    :param paths: the files of the fence.
    """

    def __init__(self, host: Host, cluster: str, paths: Paths) -> None:
        self._host = host
        self._cluster = cluster
        self._paths = paths

    def _filter(self, tool: str) -> PacketFilter:
        return FILTERS[tool](self._cluster)

    def read(self, sessions: t.Callable[[], int] = lambda: 0) -> State:
        """Observe the fence.

        :param sessions: counts the former primary's sessions.
        """
        about = parse_description(read_text(self._paths.description) or "")
        tool = about.tool if about else working(self._host)
        rules, leftover = self._filter(tool).listed(self._host) if tool else (frozenset(), False)
        if about and not leftover and not FILTERS[about.tool].works(self._host):
            tool = working(self._host)  # the one that it was made by is gone
        seen = {path: read_text(path) for path in self._paths.files}
        texts = {path: text for path, text in seen.items() if text is not None}
        enabled = os.path.islink(self._paths.link) and os.path.realpath(self._paths.link) == os.path.realpath(self._paths.unit)
        return State(about, tool, rules, leftover, texts, enabled, sessions(), self._starts())

    def _starts(self) -> bool:
        """Whether systemd says that it starts the unit with the host; without a systemd nothing does."""
        unit = os.path.basename(self._paths.unit)
        return os.path.isdir(SYSTEMD) and self._host.command("systemctl", "is-enabled", unit) == (0, "enabled\n")

    def describe(self, fence: Fence) -> None:
        """Write the description."""
        os.makedirs(os.path.dirname(self._paths.description), mode=0o755, exist_ok=True)
        self._host.write(self._paths.description, json.dumps(dataclasses.asdict(fence)) + "\n", 0o644)

    def keep(self, fence: Fence) -> None:
        """Write what puts the fence up, and the unit that does so when the host starts."""
        os.makedirs(os.path.dirname(self._paths.link), mode=0o755, exist_ok=True)
        desired = texts_of(fence, self._paths)
        for path, text in desired.items():
            self._host.write(path, text, 0o755 if path == self._paths.script else 0o644)
        for path in set(self._paths.files) - set(desired):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._paths.link)
        os.symlink(self._paths.unit, self._paths.link)
        sync_directory(os.path.dirname(self._paths.link))

    def reject(self) -> None:
        """Put the fence up by its script."""
        run(self._host, "/bin/sh", self._paths.script)

    def remove_rules(self, tool: str) -> None:
        """Take the fence down."""
        self._filter(tool).remove(self._host)

    def remove_files(self) -> None:
        """Remove everything that would put the fence up again, its description last."""
        for path in (self._paths.link, *self._paths.files, self._paths.description):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
                sync_directory(os.path.dirname(path))
        with contextlib.suppress(OSError):  # other fences may be there, or none ever was
            os.rmdir(os.path.dirname(self._paths.description))

    def tell_systemd(self, there: bool) -> None:
        """Let a systemd that runs know the unit, or forget it."""
        if os.path.isdir(SYSTEMD):
            self._host.command("systemctl", "daemon-reload")
            self._host.command("systemctl", "--no-block", "start" if there else "stop", os.path.basename(self._paths.unit))

    def confirm(self, fence: Fence, sessions: t.Callable[[], int]) -> None:
        """See that the fence is complete, and write since when.

        :raises CoordinatorError: it is not.
        """
        state = self.read(sessions)
        if not is_complete(state, fence):
            wrong = ", ".join(f"{address} on port {port}" for address, port in sorted(fence.rules ^ state.rules)) or "none"
            raise CoordinatorError(
                f"the packet filter is not complete: rules missing or too many: {wrong}; sessions left: {state.sessions}. Run this again"
            )
        self.describe(dataclasses.replace(fence, since=round(time.time(), 3)))
