# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""WAL that a slot retains on the primary: how much it may be, and when its disk is in danger."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection import Connection
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.replication import Slot

#: the engine's own limit; it came with PostgreSQL 13, and an engine of WarehousePG 7 has it only where it was taken over
SETTING = "max_slot_wal_keep_size"

#: part of a file system that should be free
SPARE_PART = 0.1

_UNITS = {"": 20, "kb": 10, "mb": 20, "gb": 30, "tb": 40}


def parse_size(text: str) -> int:
    """Bytes of a size as the engine writes it: ``20GB``, ``512MB``; a number alone is in megabytes.

    :raises CoordinatorError: it is none.
    """
    match = re.fullmatch(r"\s*([0-9]+)\s*([kmgt]b)?\s*", str(text), re.IGNORECASE)
    # of a number with so many digits the rest does not matter
    size = int(match.group(1)[:20]) << _UNITS[(match.group(2) or "").lower()] if match else 0
    if size >= 1 << 63:
        raise CoordinatorError(f"{text!r:.200} is more than the engine can count: give a number with kB, MB, GB or TB, such as 20GB")
    if size < 1 << 20:
        raise CoordinatorError(f"{text!r:.200} is no size of 1 MB or more: give a number with kB, MB, GB or TB, such as 20GB")
    return size


def read_limit(connection: Connection) -> int | None:
    """How many bytes a slot may retain by the engine's own limit, -1 for no limit; None where the engine has no such setting."""
    rows = connection.query("SELECT setting FROM pg_settings WHERE name = %s", SETTING)
    if not rows:
        return None
    megabytes = int(rows[0]["setting"])
    return megabytes if megabytes < 0 else megabytes << 20


def write_limit(connection: Connection, limit: int) -> None:
    """Set the engine's own limit, in bytes, on this instance only: the connection is in utility mode."""
    connection.query(f"ALTER SYSTEM SET {SETTING} = '{limit >> 20}MB'")
    connection.query("SELECT pg_reload_conf()")


def warnings(slots: t.Iterable[Slot], limit: int | None, free: int, size: int) -> list[str]:
    """What to say of WAL that is retained.

    :param limit: bytes that a slot may retain; None for as much as the disk allows.
    :param free: bytes free on the file system of the WAL.
    :param size: bytes of that file system.
    """
    found = []
    for slot in slots:
        held = slot.retained_bytes
        use = "" if slot.active else ", whose standby is disconnected,"
        remedy = "bring its standby back, or give it up: playbook release with release_wal"
        if held is None:
            if slot.restart_lsn is None and not slot.active:
                found.append(f"the slot {slot.name} retains no WAL any more: what its standby needs may be removed")
        elif limit is not None and held > limit:
            found.append(f"the slot {slot.name}{use} retains {held >> 20} MiB of WAL, more than {limit >> 20} MiB: {remedy}")
        elif not slot.active and held > 0 and (free < size * SPARE_PART or free < held):
            found.append(
                f"the disk of the WAL is in danger, {free >> 20} MiB of {size >> 20} MiB are free: the slot {slot.name}{use} retains "
                f"{held >> 20} MiB: {remedy}"
            )
    return found
