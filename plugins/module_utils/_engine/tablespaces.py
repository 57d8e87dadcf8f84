# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""User tablespaces: where their data lies, and how those of a copy come into place.

An instance keeps its part of a tablespace in ``<location>/<dbid>``, where its link in ``pg_tblspc`` points to (tablespace.c). A copy is
given a place for each location; pg_basebackup adds the new dbid by itself. Like the data directory, each part is staged beside its
place and renamed into it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import shutil
import stat
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.border import digits
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import free_bytes, used_bytes


@dataclasses.dataclass(frozen=True)
class Tablespace:
    """A tablespace of an instance.

    :param oid: its number in the catalog, and the name of its link.
    :param location: its location, as ``CREATE TABLESPACE`` named it.
    :param dbid: whose part the link points to.
    :param bytes: size of that part; None where it was not asked for.
    """

    oid: int
    location: str
    dbid: int
    bytes: int | None = None


def read_tablespaces(data_directory: str, size: bool = False) -> tuple[Tablespace, ...]:
    """The tablespaces of an instance, by their links.

    :param size: whether to add up what they hold.
    """
    links = os.path.join(data_directory, "pg_tblspc")
    found = []
    with contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError):
        for name in sorted(os.listdir(links)):
            oid, link = digits(name), os.path.join(links, name)
            target = os.readlink(link) if oid is not None and os.path.islink(link) else ""
            location, dbid = os.path.split(target)
            if oid is not None and digits(dbid) is not None:
                found.append(Tablespace(oid, location, int(dbid), used_bytes(target) if size else None))
    return tuple(found)


def link_targets(data_directory: str) -> list[str]:
    """Where the links of the tablespaces of an instance lead."""
    links = os.path.join(data_directory, "pg_tblspc")
    with contextlib.suppress(OSError):
        return [os.path.realpath(os.path.join(links, name)) for name in sorted(os.listdir(links))]
    return []


def part_of(tablespace: Tablespace) -> str:
    """The directory that the link of a tablespace leads to."""
    return os.path.join(tablespace.location, str(tablespace.dbid))


#: what the engine names the directory of its version in a part (TABLESPACE_VERSION_DIRECTORY of catalog.h), and PostgreSQL
_VERSION = re.compile(r"(?:GPDB|PG)_\d+(?:\.\d+)?_\d+")


def is_version(name: str) -> bool:
    """Whether a directory in a part is the one of a version of the engine."""
    return _VERSION.fullmatch(name) is not None


def is_part(path: str) -> bool:
    """Whether a directory is an instance's part of a tablespace: this user's, with nothing in it but what the engine makes there.

    Where the links of an instance lead is what its primary says, who may be an enemy; nothing else is moved or removed by them.
    """
    try:
        status = os.lstat(path)
        if os.path.normpath(path) != path or not os.path.isabs(path) or not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
            return False
        with os.scandir(path) as entries:
            return all(is_version(entry.name) and entry.is_dir(follow_symlinks=False) for entry in entries)
    except OSError:
        return False


def is_foreign(path: str) -> bool:
    """Whether something is there that is no instance's part of a tablespace."""
    return os.path.lexists(path) and not is_part(path)


@dataclasses.dataclass(frozen=True)
class Placement:
    """Where a copy's part of a tablespace is to be.

    :param location: location on the primary.
    :param place: location on this host, the same unless it is mapped.
    :param bytes: what it will hold; None: unknown.
    """

    location: str
    place: str
    bytes: int | None = None


@dataclasses.dataclass(frozen=True)
class Spot:
    """A place for a tablespace as it was observed.

    :param placement: what is to be there.
    :param exists: whether the place is a directory.
    :param writable: whether this user can write there.
    :param taken: the directory of the new dbid, where something is in it already.
    :param free: bytes free there.
    :param device: number of its file system.
    :param staged: bytes of a copy that was cut off.
    """

    placement: Placement
    exists: bool
    writable: bool
    taken: str | None
    free: int
    device: int
    staged: int = 0


def read_spots(placements: t.Iterable[Placement], dbid: int | None, data_directory: str, staging: str) -> tuple[Spot, ...]:
    """Observe the places for tablespaces of a copy.

    :param dbid: number that the copy will have; None: not known yet.
    :param staging: where an earlier attempt at the copy may have been left.
    """
    own_parts = moved(data_directory, staging)
    return tuple(
        read_spot(placement, dbid, own_parts, used_bytes(staging_place(placement.place, data_directory))) for placement in placements
    )


def read_spot(placement: Placement, dbid: int | None, own_parts: t.Container[str] = (), staged: int = 0) -> Spot:
    """Observe a place for a tablespace.

    :param dbid: as of :func:`read_spots`.
    :param own_parts: parts that an earlier attempt at the copy left, see :func:`moved`.
    :param staged: bytes that it left there.
    """
    exists = os.path.isdir(placement.place)
    own = os.path.join(placement.place, str(dbid))
    return Spot(
        placement=placement,
        exists=exists,
        writable=exists and os.access(placement.place, os.R_OK | os.W_OK | os.X_OK),
        taken=own if dbid is not None and own not in own_parts and os.path.isdir(own) and os.listdir(own) else None,
        free=free_bytes(placement.place) if exists else 0,
        device=os.stat(placement.place).st_dev if exists else 0,
        staged=staged,
    )


def refusal(spots: t.Iterable[Spot], user: str, beside: t.Mapping[int, int], resumes: bool = False) -> str | None:
    """Why tablespaces cannot be put into these places; None when they can.

    :param beside: by number of a file system, bytes that the rest of the copy needs there.
    :param resumes: whether a copy that was cut off is gone on with: what is there of it needs no more room.
    """
    needed = dict(beside)
    seen: dict[str, str] = {}
    for spot in spots:
        place, whose = spot.placement.place, f"the tablespace in {spot.placement.location} on the primary"
        if not os.path.isabs(place):
            return f"{place!r}, the place for {whose}, is no absolute path: correct the mapping"
        other = seen.setdefault(os.path.realpath(place), spot.placement.location)
        if other != spot.placement.location:
            return (
                f"{place} is the place for the tablespaces in {other} and in {spot.placement.location}: map each to a directory of its own"
            )
        if not spot.exists:
            return f"the directory {place} for {whose} does not exist: create it, owned by {user}, or map the location to another one"
        if not spot.writable:
            return f"{user} cannot write to {place}, the directory for {whose}: let {user} own it, or map the location to another one"
        if spot.taken:
            return (
                f"{spot.taken}, the directory for {whose}, is not empty: see whether an earlier standby left it, and move it away, "
                "or map the location to another one"
            )
        more = max((spot.placement.bytes or 0) - (spot.staged if resumes else 0), 0)
        needed[spot.device] = needed.get(spot.device, 0) + more
        if needed[spot.device] > spot.free:
            return (
                f"{place} has {spot.free >> 20} MiB free, {whose} needs {needed[spot.device] >> 20} MiB there with the rest of the copy: "
                "free some space, or map the location to another one"
            )
    return None


def staging_place(place: str, data_directory: str) -> str:
    """Where a part is made: in its place, under a name that only this collection gives, for this data directory."""
    return os.path.join(place, "." + os.path.realpath(data_directory).strip("/").replace("/", "-") + ".coordinator_snapshot")


def are_staged(data_directory: str, staging: str) -> bool:
    """Whether no part of a staged copy was on its way into its place already.

    :param staging: its staged data directory.
    """
    locations = [space.location for space in read_tablespaces(staging)]
    return all(location == staging_place(os.path.dirname(location), data_directory) for location in locations)


def mapping_arguments(placements: t.Iterable[Placement], data_directory: str) -> list[str]:
    """Arguments of ``pg_basebackup`` that send each tablespace to its staging place."""
    arguments = []
    for placement in placements:
        old, new = (path.replace("=", "\\=") for path in (placement.location, staging_place(placement.place, data_directory)))
        arguments += ["--tablespace-mapping", f"{old}={new}"]
    return arguments


def leftovers(placements: t.Iterable[Placement], data_directory: str) -> list[str]:
    """What an earlier attempt left in the places."""
    staged = (staging_place(placement.place, data_directory) for placement in placements)
    return [path for path in staged if os.path.lexists(path)]


def moved(data_directory: str, staging: str) -> list[str]:
    """The parts that an earlier attempt had renamed into their places already.

    :param staging: its staged data directory: what its links point to is its own, for it never was in use, unless the part itself
        is staged still.
    """
    parts = ((space.location, str(space.dbid)) for space in read_tablespaces(staging))
    return [
        os.path.join(location, dbid)
        for location, dbid in parts
        if not os.path.lexists(os.path.join(staging_place(location, data_directory), dbid))
    ]


def remove_leftovers(placements: t.Iterable[Placement], data_directory: str, staging: str) -> None:
    """Remove what an earlier attempt left in the places, those parts included that it had renamed into them already.

    :param staging: its staged data directory.
    """
    for path in [*filter(is_part, moved(data_directory, staging)), *leftovers(placements, data_directory)]:
        shutil.rmtree(path, ignore_errors=True)


def swap_in(placements: t.Iterable[Placement], data_directory: str, staging: str) -> None:
    """Put the staged parts into their places: first the links of the staged data directory, so that a part in its place is
    always known to be this copy's.

    :param staging: the staged data directory.
    :raises CoordinatorError: something is in the place of one already.
    """
    places = {staging_place(placement.place, data_directory): placement.place for placement in placements}
    for tablespace in read_tablespaces(staging):
        if tablespace.location in places:
            place = places[tablespace.location]
            target = os.path.join(place, str(tablespace.dbid))
            relink(staging, tablespace.oid, target)
            try:
                _move(part_of(tablespace), target)
            except CoordinatorError:
                relink(staging, tablespace.oid, part_of(tablespace))
                raise
            os.rmdir(tablespace.location)


def change_dbid(data_directory: str, dbid: int) -> None:
    """Give the parts of a stopped instance another dbid.

    :raises CoordinatorError: something is in the place of one already, or a link leads to what is no part; nothing is renamed then.
    """
    found = []
    for tablespace in read_tablespaces(data_directory):
        if tablespace.dbid != dbid:
            old, new = (os.path.join(tablespace.location, str(number)) for number in (tablespace.dbid, dbid))
            moved_before = os.path.lexists(new) and not os.path.lexists(old)  # by an attempt that was cut off
            part = new if moved_before else old
            if is_foreign(part):
                raise CoordinatorError(
                    f"the link of the tablespace {tablespace.oid} in {data_directory} leads to {part!r}, which holds more than an instance "
                    "makes there, or is not this user's: it is not renamed; see what is there, and move it away or correct the link"
                )
            found.append((tablespace.oid, None if moved_before else old, new))
    for oid, old_part, new in found:
        if old_part is not None:
            _move(old_part, new)
        relink(data_directory, oid, new)


def _move(old: str, new: str) -> None:
    try:
        os.rename(old, new)  # over an empty directory, too
    except OSError as error:
        raise CoordinatorError(f"{old} cannot be renamed to {new}: {error.strerror}; see what is there, and move it away") from error


def relink(data_directory: str, oid: int, target: str) -> None:
    """Let the link of a tablespace lead elsewhere."""
    link = os.path.join(data_directory, "pg_tblspc", str(oid))
    with contextlib.suppress(FileNotFoundError):
        os.unlink(link + ".new")
    os.symlink(target, link + ".new")
    os.replace(link + ".new", link)
