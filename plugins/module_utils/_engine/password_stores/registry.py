# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""The stores of the replication password that there are."""

from __future__ import annotations

import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.password_stores.passfile import Passfile
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.password_stores.password_store import (
    PasswordStore,
    StoredPassword,
)

#: by their kinds
STORES: t.Mapping[str, type[PasswordStore]] = {
    Passfile.kind: Passfile,
}

#: options that tell where it is
ARGUMENTS: dict[str, t.Any] = {kind: store.argument for kind, store in STORES.items()}

#: what it is called to people, where it is not known which one is used
KINDS = " or ".join(STORES)

#: one is needed where the primary asks for a password
ONE_IF_SCRAM = ("replication_auth", "scram", tuple(STORES), True)


def store_at(stored: StoredPassword, user: str) -> PasswordStore:
    """The one that was seen."""
    return STORES[stored.kind](stored.path, user)


def store_of(parameters: t.Mapping[str, t.Any]) -> PasswordStore | None:
    """The store that options name, None where they name none."""
    found = (store(parameters[kind], parameters["replication_user"]) for kind, store in STORES.items() if parameters.get(kind))
    return next(found, None)
