# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Drift: settings and files that differ between the two coordinators, and what is done about it."""

from __future__ import annotations

import dataclasses
import datetime
import fnmatch
import os
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.drift import (
    MOST_BYTES,
    MOST_FILES,
    RECORDS,
    SETTINGS,
    File,
    Unlogged,
    belongs_to_host,
)

#: kinds: a setting; a file; a file or directory of which it is not known whether it differs
SETTING, FILE, UNKNOWN = "setting", "file", "unknown"

PRIMARY, STANDBY = "primary", "standby"

#: how many names a sentence has
_MOST_NAMES = 8


@dataclasses.dataclass(frozen=True)
class Difference:
    """Something that the primary and its standby have differently, or may have.

    :param kind: :data:`SETTING`, :data:`FILE` or :data:`UNKNOWN`.
    :param name: name of the setting, or path of the file, relative to the data directory or, of one outside of it, absolute.
    :param file: path of the file that it is in.
    :param only_on: :data:`PRIMARY` or :data:`STANDBY` where the other has none; None where both have one.
    :param primary: value of a setting on the primary; None where it has none, and where it may hold a secret.
    :param standby: likewise, on the standby.
    :param changed: when the primary's file changed, or the standby's where that alone has one, in seconds since the epoch.
    :param brought: whether the standby can be brought in step by this collection.
    """

    kind: str
    name: str
    file: str
    only_on: str | None
    primary: str | None
    standby: str | None
    changed: float | None
    brought: bool


def differences(primary: Unlogged | None, standby: Unlogged | None, accepted: t.Sequence[str] = ()) -> list[Difference] | None:
    """What differs; None where one of both was not seen.

    :param primary: what the primary's host shows.
    :param standby: what the standby's does.
    :param accepted: names of settings and paths of files that may differ, as patterns.
    """
    if not primary or not standby:
        return None
    unread = {*primary.left_out, *standby.left_out}
    found: list[Difference] = []
    for name in sorted({*primary.files, *standby.files}):
        if not unread.isdisjoint(_leading_to(name)) or _matches(name, accepted):
            continue
        if name in SETTINGS:
            found += _settings(name, primary, standby, accepted)
        else:
            found += _file(name, primary.files.get(name), standby.files.get(name))
    found += [Difference(UNKNOWN, name, name, None, None, None, None, False) for name in sorted(unread) if not _matches(name, accepted)]
    return found


def _leading_to(name: str) -> list[str]:
    """A path and the directories that it leads through."""
    parts = name.split("/")
    return ["/".join(parts[: number + 1]) for number in range(len(parts))]


def _matches(name: str, patterns: t.Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _settings(file: str, primary: Unlogged, standby: Unlogged, accepted: t.Sequence[str]) -> t.Iterator[Difference]:
    ours, theirs = (shown.settings.get(file, {}) for shown in (primary, standby))
    times = [shown.files[file].changed for shown in (primary, standby) if file in shown.files]
    for name in sorted({*ours, *theirs}):
        one, other = ours.get(name), theirs.get(name)
        here, there = (setting.value if setting else None for setting in (one, other))
        if one and other and one.check == other.check:
            continue
        if belongs_to_host(name, here, there, accepted):
            continue
        only = None if one and other else PRIMARY if one else STANDBY
        yield Difference(SETTING, name, file, only, here, there, times[0], True)


def _file(name: str, primary: File | None, standby: File | None) -> t.Iterator[Difference]:
    there = primary or standby
    if there is None or (primary and standby and _alike(name, primary, standby)):
        return
    only = None if primary and standby else PRIMARY if primary else STANDBY
    brought = primary is not None and primary.size <= MOST_BYTES and not os.path.isabs(name)
    yield Difference(FILE, name, name, only, None, None, there.changed, brought)


def _alike(name: str, one: File, other: File) -> bool:
    # comments count for the size of records, not for their check
    return (one.check == other.check or not (one.check and other.check)) and (name in RECORDS or one.size == other.size)


def to_bring(found: t.Iterable[Difference] | None) -> list[str]:
    """Paths of the files that bring the standby in step."""
    return sorted({difference.file for difference in found or () if difference.brought})


def staying(found: t.Iterable[Difference] | None) -> list[Difference]:
    """What differs and is not brought."""
    return [one for one in found or () if not one.brought and one.kind != UNKNOWN]


def described(found: t.Collection[Difference]) -> str:
    """What differs, for people: settings and files by name, and since when."""
    settings = list(dict.fromkeys(one.name for one in found if one.kind == SETTING))
    files = [one.name for one in found if one.kind == FILE]
    parts = [f"the setting{'s' if len(settings) > 1 else ''} {_some(settings)}"] if settings else []
    parts += [_some(files)] if files else []
    times = [one.changed for one in found if one.changed is not None]
    return " and ".join(parts) + (f" (since {moment(min(times))})" if times else "")


def uncompared(found: t.Iterable[Difference] | None) -> str:
    """What could not be compared, for people; empty where all was."""
    names = [one.name for one in found or () if one.kind == UNKNOWN]
    return f"{_some(names)} (more than {MOST_FILES} files, or not readable by the engine's user)" if names else ""


def _some(names: t.Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more


def moment(seconds: float) -> str:
    """A time for people, in UTC."""
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def warnings(primary: str | None, standby: str | None, found: t.Collection[Difference] | None) -> list[str]:
    """What the operator should know of it, a sentence for each kind.

    :param primary: the primary's host.
    :param standby: the standby's.
    """
    said = []
    brought = [one for one in found or () if one.brought]
    stays = staying(found)
    if brought:
        said.append(
            f"{standby} differs from {primary} in {described(brought)}: run enable_mirroring, which brings it in step, or accept it by "
            "standby_accepted_drift"
        )
    only = [one for one in stays if one.only_on == STANDBY]
    if only:
        said.append(f"only {standby} has {described(only)}: copy it to {primary}, remove it, or accept it by standby_accepted_drift")
    other = [one for one in stays if one.only_on != STANDBY]
    if other:
        said.append(
            f"{standby} differs from {primary} in {described(other)}, outside of the data directory or too large to be brought: copy it, "
            "or accept it by standby_accepted_drift"
        )
    if uncompared(found):
        said.append(
            f"not compared between {primary} and {standby}: {uncompared(found)}: compare it, or accept it by standby_accepted_drift"
        )
    return said


def ages(shown: Unlogged | None) -> str:
    """Of when the configuration and the history of backups of a host are, for people; empty where that was not seen."""
    files = shown.files if shown else {}
    names = [*SETTINGS, *RECORDS, *(name for name in files if name not in (*SETTINGS, *RECORDS))]
    times = [f"{name} of {moment(files[name].changed)}" for name in names if name in files]
    return _some(times)
