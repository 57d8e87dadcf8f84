# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Taking a stopped instance out of its place: set aside, with its part of each user tablespace and WAL on another disk, or deleted.

Both can be cut off at any moment and begun again: the parts come first, for they are found by the data directory.
"""

from __future__ import annotations

import datetime
import os
import re
import shutil

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.border import digits
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import ARRIVING, OWN, is_mount, rename
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import wal_link
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.tablespaces import (
    Tablespace,
    is_foreign,
    is_part,
    part_of,
    read_tablespaces,
    relink,
)

#: directory of a data directory that is a mount point, for what cannot be beside it
DIRECTORY = f"{OWN}aside"


def hidden(data_directory: str, purpose: str) -> str:
    """A place for work on a data directory, that nobody takes for one: beside it, or within it where it is a mount point.

    :param purpose: a word for it, such as ``snapshot``.
    """
    place = os.path.realpath(data_directory)
    if is_mount(place):
        return os.path.join(place, OWN + purpose)
    return os.path.join(os.path.dirname(place), f".{os.path.basename(place)}{OWN}{purpose}")


def gather(data_directory: str, work: str) -> None:
    """Bring what was on its way from a hidden place into a mount point back to that place."""
    place = os.path.realpath(data_directory)
    if os.path.lexists(work + ARRIVING):
        if not os.path.lexists(os.path.join(place, "PG_VERSION")):
            rename(place, work + ARRIVING)
        rename(work + ARRIVING, work)


def beside(data_directory: str, added: str) -> str:
    """Where something is that is set aside: beside a data directory, or within it where it is a mount point.

    :param added: to its name, as of :func:`suffix`.
    """
    place = os.path.realpath(data_directory)
    if is_mount(place):
        return os.path.join(place, DIRECTORY, os.path.basename(place) + added)
    return place + added


def suffix(why: str, now: float) -> str:
    """What is added to the name of a directory that is set aside.

    :param why: a word for it, such as ``set_aside``.
    :param now: seconds since the epoch.
    """
    return f".{why}-{datetime.datetime.fromtimestamp(now, datetime.timezone.utc).strftime('%Y%m%dT%H%M%SZ')}"


def added_to(path: str) -> str:
    """What :func:`suffix` added to the name of a directory that was set aside; empty where it was not."""
    found = re.search(r"\.[a-z_]+-[0-9TZ]+$", path)
    return found.group() if found else ""


def own_parts(data_directory: str, dbid: int | None) -> list[Tablespace]:
    """The user tablespaces of which an instance has a part on this host.

    :param dbid: of the instance; what its links lead to under another number is another instance's, and not among them.
    """
    return [space for space in read_tablespaces(data_directory) if space.dbid == dbid and is_part(part_of(space))]


def foreign(data_directory: str, dbid: int | None) -> list[str]:
    """What the links of an instance lead to as if it were its part of a tablespace, and is none: it is left as it is."""
    linked = (part_of(space) for space in read_tablespaces(data_directory) if space.dbid == dbid)
    return [path for path in linked if is_foreign(path)]


def move(data_directory: str, dbid: int | None, added: str) -> str:
    """Set a stopped instance aside, beside its place; what was moved is whole, its links lead to the moved parts and WAL.

    :param dbid: of the instance.
    :param added: to the names of its directory and of its parts.
    :returns: where it is now.
    :raises CoordinatorError: something is there already, or the place cannot be written to.
    """
    for tablespace in own_parts(data_directory, dbid):
        part = part_of(tablespace)
        rename(part, part + added)
        relink(data_directory, tablespace.oid, part + added)
    wal_link.move(data_directory, added)
    target = beside(data_directory, added)
    rename(os.path.realpath(data_directory), target)
    return target


def bring(where: str, place: str) -> None:
    """Bring a stopped instance into a place on the same file system: its own again that :func:`move` took it from, or another one.

    Its parts of the user tablespaces are brought back where they were moved with it; otherwise they stay where they are, as does what a
    link leads to and is none.

    :param where: its data directory now.
    :param place: its data directory then.
    :raises CoordinatorError: something is there already, or the place cannot be written to.
    """
    where, place = os.path.realpath(where), os.path.realpath(place)
    added = added_to(where)
    added = added if where == beside(place, added) else ""
    links = os.path.join(where, "pg_tblspc")
    for name in sorted(os.listdir(links)) if added and os.path.isdir(links) else ():
        link = os.path.join(links, name)
        target = os.readlink(link) if digits(name) is not None and os.path.islink(link) else ""
        if target.endswith(added):
            part = target[: -len(added)]
            brought = os.path.lexists(part) and not os.path.lexists(target)  # by an attempt that was cut off
            if is_foreign(part if brought else target):
                continue
            if not brought:
                rename(target, part)
            relink(where, int(name), part)
    wal_link.bring(where, added)
    rename(where, place)


def doomed(data_directory: str) -> str:
    """What a data directory is called while it is deleted, so that one that is half gone is never taken for an instance."""
    return hidden(data_directory, "removal")


def delete(data_directory: str, dbid: int | None) -> None:
    """Delete a stopped instance and its parts of the user tablespaces.

    :param dbid: of the instance.
    :raises CoordinatorError: this user may not.
    """
    for tablespace in own_parts(data_directory, dbid):
        remove_tree(part_of(tablespace))
    remove_tree(doomed(data_directory))
    remove_wal(data_directory)
    rename(os.path.realpath(data_directory), doomed(data_directory))
    remove_tree(doomed(data_directory))


def remove_wal(data_directory: str) -> str | None:
    """Remove the WAL of a stopped instance where it is on a disk of its own; returns where that was.

    :raises CoordinatorError: this user may not.
    """
    place = wal_link.led_to(data_directory)
    for path in wal_link.contents(place) if place is not None else ():
        remove_tree(path)
    return place


def remove_tree(path: str) -> None:
    """Remove a file, or a directory with what is in it, if it is there.

    :raises CoordinatorError: this user may not.
    """
    try:
        if os.path.islink(path) or os.path.isfile(path):
            os.unlink(path)
        else:
            shutil.rmtree(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise CoordinatorError(f"{path} cannot be removed: {error.strerror}; see what is there, and run this again") from error
