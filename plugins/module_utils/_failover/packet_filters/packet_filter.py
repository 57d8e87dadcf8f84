# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What a packet filter does for a fence. A further one is a file beside this one, and its line in the registry."""

from __future__ import annotations

import abc
import hashlib
import re
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host

#: pairs of an address and a port
Rules = t.FrozenSet[t.Tuple[str, int]]


class PacketFilter(abc.ABC):
    """What a packet filter of a host has, or is to have, of the fence of one cluster: a table or chain of its own. Needs root.

    :cvar name: its name in options, results and descriptions.
    :cvar services: units of systemd that make the host's rules by it anew.
    :cvar endings: of the names of the files that its programs read, beside the script.
    """

    name: t.ClassVar[str]
    services: t.ClassVar[tuple[str, ...]]
    endings: t.ClassVar[tuple[str, ...]]

    def __init__(self, cluster: str) -> None:
        self._cluster = cluster

    @staticmethod
    @abc.abstractmethod
    def works(host: Host) -> bool:
        """Whether this host has it: its programs and what they need of the kernel."""

    @property
    @abc.abstractmethod
    def script(self) -> str:
        """The shell commands that put the fence up from the files beside the script, whatever is there of it. They hold no data."""

    @abc.abstractmethod
    def files(self, rules: t.Sequence[tuple[str, int]]) -> dict[str, str]:
        """What its programs read to reject these pairs: by ending of the file, its content. The kernel takes each as a whole."""

    @abc.abstractmethod
    def listed(self, host: Host) -> tuple[Rules, bool]:
        """The pairs that are rejected on this host, and whether there is anything of the fence at all."""

    @abc.abstractmethod
    def remove(self, host: Host) -> None:
        """Take the fence down.

        :raises CoordinatorError: one of its programs failed.
        """


def identifier(cluster: str, longest: int = 48) -> str:
    """A cluster's name as part of the name of a file, table or chain; another one for each cluster."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", cluster)
    if name == cluster and name.islower() and len(name) <= longest:
        return name
    return f"{name[: longest - 9].lower()}_{hashlib.sha256(cluster.encode()).hexdigest()[:8]}"


def run(host: Host, *command: str) -> None:
    """Run a program of the operating system.

    :raises CoordinatorError: it failed.
    """
    code, output = host.command(*command)
    if code != 0:
        raise CoordinatorError(f"{' '.join(command)} failed with exit code {code}: {output.strip()}")
