# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Settings and files of a coordinator that WAL does not carry: what they are, what of them belongs to a host, how both are put together.

A file of settings or of access rules is told by its meaning: what belongs to its host, the blocks of this collection, and comments do
not count. Any other file is told by its bytes. Checks are short: enough to see that two hosts differ, too little to find out what is in
a file, or what a secret is.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import glob
import os
import re
import stat
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import border, marked
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.border import Seconds
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import read_text
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.configuration import (
    change_settings,
    change_start_block,
    read_includes,
    read_settings,
    start_block_of,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import own_files
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.own_files import LOOKED, check_file, check_of
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.snapshot import EXCLUDED

#: files of settings, in the order in which they count
SETTINGS = ("postgresql.conf", "postgresql.auto.conf")

#: files of records, one a line
RECORDS = ("pg_hba.conf", "pg_ident.conf")

#: a directory of a data directory with more files than this is not looked at, nor is one that more than so many directories come before
MOST_FILES = 1000

#: bytes that are looked at of all files together
_LOOKED_IN_ALL = 64 << 20

#: a larger file is not brought from one host to the other
MOST_BYTES = 64 << 20

#: settings that belong to a host, whatever the other one has
_OWN = frozenset(
    {
        "archive_cleanup_command",
        "bonjour_name",
        "config_file",
        "data_directory",
        "external_pid_file",
        "gp_dbid",
        "hba_file",
        "ident_file",
        "listen_addresses",
        "port",
        "primary_conninfo",
        "primary_slot_name",
        "promote_trigger_file",
        "recovery_end_command",
        "recovery_min_apply_delay",
        "restore_command",
    }
)

#: and those of a recovery to a point in time
_OWN_NAMES = re.compile(r"recovery_target(?:_\w+)?")

#: settings that are paths: an absolute one belongs to the host, if the other has one, too
_PATH = re.compile(r".*(?:_file|keyfile|_directory|_directories|_dir|_path)")

#: settings whose values are not shown
_SECRET = re.compile(r".*(?:command|conninfo|passw|passphrase|secret|token|credential|salt|_key$|api_?key).*", re.IGNORECASE)
_SECRET_VALUE = re.compile(r"passw|passphrase|secret|token|://|key\s*=", re.IGNORECASE)

#: a longer value is not shown either
_LONGEST = 100


@dataclasses.dataclass(frozen=True)
class Value:
    """What a file has for a setting: its ``value`` as it may be told, None where it may not, and a ``check`` to compare it by."""

    value: str | None
    check: str


@dataclasses.dataclass(frozen=True)
class File:
    """A file: its ``size`` in bytes, when it ``changed``, in seconds since the epoch, and a ``check``, empty where that was not made."""

    size: int
    changed: Seconds
    check: str


@dataclasses.dataclass(frozen=True)
class Unlogged:
    """What a data directory holds that WAL does not carry.

    :param files: by path relative to the directory, or absolute of one elsewhere.
    :param settings: by file of settings, what it says, see :func:`read_meaning`.
    :param left_out: directories that hold too many files, and what this user may not read.
    """

    files: t.Mapping[str, File]
    settings: t.Mapping[str, t.Mapping[str, Value]]
    left_out: tuple[str, ...]


def belongs_to_host(name: str, value: str | None, other: str | None, accepted: t.Iterable[str] = ()) -> bool:
    """Whether a setting is a host's own, so that two hosts may have it differently.

    :param value: on one host, None where it is not set.
    :param other: on the other.
    :param accepted: names of settings that may differ all the same, as patterns.
    """
    if name in _OWN or _OWN_NAMES.fullmatch(name) or any(fnmatch.fnmatchcase(name, pattern) for pattern in accepted):
        return True
    return bool(_PATH.fullmatch(name)) and all(os.path.isabs(one or "") for one in (value, other))


def shown(name: str, value: str) -> str | None:
    """The value of a setting as it may be told; None where it may hold a secret, or is too long."""
    custom = "." in name  # nobody knows what it is
    secret = custom or _SECRET.fullmatch(name) or _SECRET_VALUE.search(value)
    return None if secret or len(value) > _LONGEST else value


def bare(text: str) -> str:
    """A text without the blocks of this collection."""
    return marked.without(text, marked.own(text))


def read_meaning(text: str) -> dict[str, Value]:
    """The settings of a file, and the files that it includes, each with its ``value`` as it may be told, and a ``check``."""
    text = bare(text)
    found = {
        name: Value(shown(name, value), check_of(name.encode(), b"=", value.encode("utf-8", "surrogateescape")))
        for name, value in read_settings(text).items()
    }
    included = {f"{directive} {path}": Value(path, check_of(path.encode())) for directive, path in read_includes(text)}
    return {**found, **included}


def records(text: str) -> list[str]:
    """The records of a file, without this collection's."""
    lines = (" ".join(line.split()) for line in marked.lines_of(bare(text)))
    return [line for line in lines if line and not line.startswith("#")]


def read(data_directory: str) -> Unlogged:
    """Observe what a data directory holds that WAL does not carry."""
    seen, left_out = own_files.entries(data_directory, MOST_FILES)
    left_out += [path for path, entry in seen.items() if entry.kind == own_files.CLOSED]
    names = [path for path, entry in seen.items() if entry.kind in (own_files.FILE, own_files.LINK)]
    names, left_out = ([path for path in paths if path.split("/")[0] not in EXCLUDED] for paths in (names, left_out))
    files: dict[str, File] = {}
    settings: dict[str, dict[str, Value]] = {}
    budget = _LOOKED_IN_ALL
    for name in [*SETTINGS, *RECORDS, *sorted({*names, *_included_elsewhere(data_directory)} - {*SETTINGS, *RECORDS})]:
        path = os.path.join(data_directory, name)
        try:
            status = os.stat(path)
            if not stat.S_ISREG(status.st_mode):
                continue
            if name in SETTINGS:
                settings[name], check = read_meaning(read_text(path) or ""), ""
            elif name in RECORDS:
                check = check_of("\n".join(records(read_text(path) or "")).encode("utf-8", "surrogateescape"))
            else:
                check = check_file(path) if budget > 0 else ""
                budget -= min(status.st_size, 2 * LOOKED)
        except FileNotFoundError:
            continue  # it is not there, or went just now
        except (OSError, CoordinatorError):
            left_out.append(name)  # this user may not read it
            continue
        files[name] = File(status.st_size, round(min(max(status.st_mtime, 0.0), border.LATEST), 3), check)
    return Unlogged(files, settings, tuple(left_out))


def _included_elsewhere(data_directory: str) -> list[str]:
    """Files outside of a data directory that its settings include."""
    try:
        includes = read_includes(bare(read_text(os.path.join(data_directory, SETTINGS[0])) or ""))
    except CoordinatorError:
        return []
    found = []
    for directive, path in includes:
        if os.path.isabs(path) and not os.path.normpath(path).startswith(os.path.normpath(data_directory) + os.sep):
            found += sorted(glob.glob(os.path.join(glob.escape(path), "*.conf"))) if directive == "include_dir" else [path]
    return found


def merge(name: str, source: str, target: str, accepted: t.Iterable[str] = ()) -> str:
    """The text that a file of settings or records is to have: the other host's, with what belongs to this one.

    :param name: of the file.
    :param source: its text on the other host.
    :param target: its text on this one; empty where it has none.
    :param accepted: names of settings that keep their values, as patterns.
    """
    if name in RECORDS:
        return marked.written(marked.own(target)) + bare(source)
    text = bare(source)
    theirs, ours = read_settings(text), read_settings(bare(target))
    own = {
        setting: ours.get(setting)
        for setting in sorted({*theirs, *ours})
        if theirs.get(setting) != ours.get(setting) and belongs_to_host(setting, theirs.get(setting), ours.get(setting), accepted)
    }
    return change_start_block(change_settings(text, own), start_block_of(target))


def changed_settings(before: str, after: str) -> set[str]:
    """Names of the settings that two texts of a file have differently."""
    old, new = read_settings(before), read_settings(after)
    return {name for name in {*old, *new} if old.get(name) != new.get(name)}


def loses(before: str, after: str) -> bool:
    """Whether a text has lines that mean something and that the one which replaces it lacks."""
    old, new = ({line.strip() for line in marked.lines_of(text)} for text in (before, after))
    return any(line and not line.startswith("#") for line in old - new)
