# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""The passfile of libpq."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
import stat
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host, read_text
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.password_stores.password_store import (
    PasswordStore,
    Peer,
    StoredPassword,
)

#: host, port, database, user, password; a backslash takes the meaning from a colon or another backslash
_ENTRY = re.compile(":".join([r"((?:\\.|[^\\:])*)"] * 5))


@dataclasses.dataclass(frozen=True)
class Passfile(PasswordStore):
    """A passfile."""

    kind = "passfile"
    argument: t.ClassVar[dict[str, t.Any]] = {"type": "path", "no_log": False}

    def parameters(self) -> dict[str, str]:
        """The path."""
        return {"passfile": self.path}

    def read(self, peer: Peer | None = None) -> StoredPassword:
        """Observe it.

        The check is the first 16 bits of a slow hash of users and passwords: enough to see that two hosts differ, too little to find the
        password. A file with entries for others than the role, too, is somebody's own, and right as it is.
        """
        if not os.path.exists(self.path):
            return StoredPassword(self.kind, self.path, False, None)
        found = entries(self.path)
        kept = "".join(f"{user}\n{password}\n" for *_server, user, password in found)
        digest = hashlib.pbkdf2_hmac("sha256", kept.encode("utf-8", "surrogateescape"), b"warehousepg.coordinator", 10000)
        own = len(found) == 1 and found[0][3] == self.user
        named = peer is None or not own or found[0][:2] == [peer[0], str(peer[1])]
        usable = not stat.S_IMODE(os.stat(self.path).st_mode) & 0o077
        return StoredPassword(self.kind, self.path, usable, digest[:2].hex(), named)

    def password(self) -> str | None:
        """The password of the first entry for the role."""
        return next((password for *_server, name, password in entries(self.path) if name == self.user), None)

    def write(self, host: Host, peer: Peer, password: str | None) -> None:
        """Write its one entry."""
        password = password or self.password() or ""
        os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
        host.write(self.path, entry(peer, self.user, password), 0o600)

    def lend(self, host: Host, directory: str, port: int) -> Passfile:
        """A passfile in that directory."""
        lent = Passfile(os.path.join(directory, "pass"), self.user)
        lent.write(host, (directory, port), self.password())
        return lent

    def own_files(self) -> list[str]:
        """The file, where its only line is for the role and all databases."""
        found = fields((read_text(self.path) or "").rstrip("\n"))
        return [self.path] if found is not None and found[2:4] == ["*", self.user] else []


def entry(peer: Peer, user: str, password: str) -> str:
    """The line of a passfile that holds for one server, so that the password is given to no other.

    :raises CoordinatorError: a passfile cannot hold one of these.
    """
    host, port = peer
    if re.search(r"[\r\n]", password):
        raise CoordinatorError("replication_password holds a line break, which a passfile cannot: choose one without")
    if re.search(r"[\r\n]", host + user) or host.startswith("#"):
        raise CoordinatorError(f"a passfile cannot hold the host {host!r} and the user {user!r}: correct them")
    return ":".join([_escaped(host), str(port), "*", _escaped(user), re.sub(r"([\\:])", r"\\\1", password)]) + "\n"


def _escaped(field: str) -> str:
    return re.sub(r"([\\:*])", r"\\\1", field)


def fields(line: str) -> list[str] | None:
    """Host, port, database, user and password of a line of a passfile; None where it is no entry."""
    match = _ENTRY.fullmatch(line)
    return [re.sub(r"\\(.)", r"\1", field) for field in match.groups()] if match else None


def entries(path: str) -> list[list[str]]:
    """The entries of a passfile, as of :func:`fields`."""
    return list(filter(None, map(fields, (read_text(path) or "").split("\n"))))
