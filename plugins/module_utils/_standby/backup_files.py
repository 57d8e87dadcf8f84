# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Which of the primary's files a copy has: those that a base backup of the engine sends (basebackup.c), and no others."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import OWN
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.snapshot import EXCLUDED

#: directories, wherever they are, that come empty: the engine fills them when it starts, or they are an instance's own affair
EMPTY = frozenset(
    {"pg_stat_tmp", "pg_replslot", "pg_dynshmem", "pg_notify", "pg_serial", "pg_snapshots", "pg_anchor_snapshots", "pg_subtrans", "log"},
)  # fmt: skip

#: directories of which a copy is given what it needs in another way: its WAL, and the links of its tablespaces, which are followed
WAL, LINKS = "pg_wal", "pg_tblspc"

#: where pg_control is, which comes last
CONTROL = "global/pg_control"

#: files, wherever they are, that are of no use to another instance, or wrong; the last is written for each
_LEFT_OUT = frozenset(
    {"postgresql.auto.conf.tmp", "current_logfiles.tmp", "backup_label", "tablespace_map", "postmaster.pid", "postmaster.opts"}
    | {"backups", "internal.auto.conf"}
)  # fmt: skip
_LEFT_OUT_BEGIN = ("pgsql_tmp", "pg_internal.init", OWN)

#: directories of databases, whose files are relations
_DATABASE = re.compile(r"base/\d+|pg_tblspc/\d+/[^/]+/\d+", re.ASCII)

#: a relation's file: its number, which fork of it, which segment (parse_filename_for_nontemp_relation); that of a temporary one
_RELATION = re.compile(r"(\d+)(?:_(fsm|vm|init))?(?:\.\d+)?", re.ASCII)
_TEMPORARY = re.compile(r"t(?:\d+)?_\d+(?:_(?:fsm|vm|init))?(?:\.\d+)?", re.ASCII)


def below(directory: str, name: str) -> str:
    """The path of an entry below the data directory.

    :param directory: that it is in, relative to the data directory; empty for that itself.
    """
    return f"{directory}/{name}" if directory else name


def copied(directory: str, names: t.Collection[str]) -> list[str]:
    """Which entries of a directory a copy has.

    :param directory: relative to the primary's data directory; empty for that itself.
    :param names: all that are in it.
    :raises CoordinatorError: one is no name, but leads elsewhere.
    """
    there = frozenset(names)
    bad = [name for name in there if not name or "/" in name or "\0" in name or name in (".", "..")]
    if bad:
        raise CoordinatorError(f"the primary says that {directory or 'its data directory'} has {bad[0]!r}, which is no name of a file")
    relations = bool(_DATABASE.fullmatch(directory))
    return sorted(name for name in there if not _is_left_out(directory, name) and not (relations and _is_transient(name, there)))


def _is_left_out(directory: str, name: str) -> bool:
    if name in _LEFT_OUT or name.startswith(_LEFT_OUT_BEGIN):
        return True
    return (not directory and name in EXCLUDED) or below(directory, name) == CONTROL


def _is_transient(name: str, there: t.Container[str]) -> bool:
    """Whether a relation's file is one of a temporary relation, or of one that is not logged, of which a copy has the ``init`` fork."""
    found = _RELATION.fullmatch(name)
    if found is None:
        return _TEMPORARY.fullmatch(name) is not None
    return found.group(2) != "init" and f"{found.group(1)}_init" in there
