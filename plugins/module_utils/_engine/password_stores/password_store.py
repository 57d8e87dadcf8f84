# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Where a host keeps the password for its standby. A further store is a file beside this one, and its line in the registry."""

from __future__ import annotations

import abc
import dataclasses
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host

#: host and port of the server that a password is for
Peer = t.Tuple[str, int]


@dataclasses.dataclass(frozen=True)
class StoredPassword:
    """A password as it was found where it is kept.

    :param kind: the kind of store.
    :param path: where it is.
    :param usable: whether libpq would take it: it is there, and for its owner alone.
    :param check: four hexadecimal digits to compare the passwords of two hosts by; None where there is none.
    :param named: whether it is for the server that is followed from here; one for all gives it to an impostor.
    """

    kind: str
    path: str
    usable: bool
    check: str | None
    named: bool = True

    @property
    def title(self) -> str:
        """What it is called to people."""
        return f"the {self.kind} {self.path}"


@dataclasses.dataclass(frozen=True)
class PasswordStore(abc.ABC):
    """The place where a host keeps the password of one replication role.

    :cvar kind: its name, the option's that tells where it is, too.
    :cvar argument: how modules read that option.
    :param path: where it is.
    :param user: the replication role.
    """

    kind: t.ClassVar[str]
    argument: t.ClassVar[dict[str, t.Any]]

    path: str
    user: str

    @abc.abstractmethod
    def parameters(self) -> dict[str, str]:
        """What libpq is told of it."""

    @abc.abstractmethod
    def read(self, peer: Peer | None = None) -> StoredPassword:
        """Observe it without telling the password.

        :param peer: the server that is followed from here; None for none.
        """

    @abc.abstractmethod
    def password(self) -> str | None:
        """The password, None when there is none."""

    @abc.abstractmethod
    def write(self, host: Host, peer: Peer, password: str | None) -> None:
        """Keep a password, for this user alone.

        :param peer: the server that it is for.
        :param password: None to keep the one that is there, and mend the rest.
        :raises CoordinatorError: it cannot be kept there.
        """

    @abc.abstractmethod
    def lend(self, host: Host, directory: str, port: int) -> PasswordStore:
        """A store of the same password for a server that is reached through a socket in a private directory, which it goes with."""

    @abc.abstractmethod
    def own_files(self) -> list[str]:
        """Its files, where they hold nothing but what this collection writes."""
