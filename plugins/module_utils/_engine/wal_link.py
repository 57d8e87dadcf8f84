# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""WAL on a disk of its own: ``pg_wal`` is a link, and stays one.

Where the instance is set aside, what the link leads to is renamed with it, and the WAL of the copy that takes its place comes there. A
mount point cannot be renamed: then the old WAL stays, and that of the copy comes into a directory in it.
"""

from __future__ import annotations

import contextlib
import os
import re

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import rename
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.wal import wal_directory

#: ends of the name under which the WAL of a copy is staged, beside its place
_STAGED = ".coordinator_snapshot"

#: what the engine has in a directory of WAL
_WAL = re.compile(r"[0-9A-F]{8}(?:[0-9A-F]{16}.*|\.history)|archive_status|RECOVERYXLOG|RECOVERYHISTORY|xlogtemp\..*|salvage\..*")


def led_to(data_directory: str) -> str | None:
    """Where the ``pg_wal`` of an instance leads; None where it is no link."""
    link = wal_directory(data_directory)
    return os.path.realpath(link) if os.path.islink(link) else None


def _relink(data_directory: str, place: str) -> None:
    link = wal_directory(data_directory)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(link + ".new")
    os.symlink(place, link + ".new")
    os.replace(link + ".new", link)


def _is_writable(directory: str) -> bool:
    return os.path.isdir(directory) and os.access(directory, os.W_OK | os.X_OK)


def can_be_renamed(place: str) -> bool:
    """Whether a directory is no mount point and this user may rename it."""
    return os.path.isdir(place) and not os.path.ismount(place) and _is_writable(os.path.dirname(place))


def place_for_copy(data_directory: str, name: str) -> str | None:
    """Where the WAL of a copy belongs that takes the place of an instance; None where it belongs into its data directory.

    :param data_directory: of that instance.
    :param name: of the copy.
    :raises CoordinatorError: it is on a disk of its own, and nothing can be written there.
    """
    old = led_to(data_directory)
    if old is None:
        return None
    if can_be_renamed(old) or (not os.path.lexists(old) and _is_writable(os.path.dirname(old))):
        return old
    inside = os.path.join(old, f"{name}.pg_wal")
    if _is_writable(old) and not os.path.lexists(inside):
        return inside
    raise CoordinatorError(
        f"{wal_directory(data_directory)} leads to {old}, where this user can neither rename that directory nor make another one: let it, "
        "or let pg_wal lead to a directory in which it can"
    )


def staged(place: str) -> str:
    """Where the WAL of a copy is staged."""
    return os.path.join(os.path.dirname(place), f".{os.path.basename(place)}{_STAGED}")


def _unstaged(path: str) -> str:
    """The place of WAL that is staged, or that is there already."""
    directory, name = os.path.split(path)
    return os.path.join(directory, name[1 : -len(_STAGED)]) if name.startswith(".") and name.endswith(_STAGED) else path


def of_copy(staging: str) -> str | None:
    """The directory with the WAL of a staged copy, wherever it is by now; None where it is in the copy."""
    link = wal_directory(staging)
    if not os.path.islink(link):
        return None
    place = _unstaged(os.readlink(link))
    return next((path for path in (staged(place), place) if os.path.isdir(path)), None)


def place_of(staging: str) -> str | None:
    """Where the WAL of a staged copy will be; None where it is in the copy."""
    link = wal_directory(staging)
    return _unstaged(os.readlink(link)) if os.path.islink(link) else None


def swap_in(staging: str) -> None:
    """Put the WAL of a staged copy into its place; the link first, so that what is there is always known to be this copy's.

    :raises CoordinatorError: something is there.
    """
    link = wal_directory(staging)
    if os.path.islink(link):
        now = os.readlink(link)
        place = _unstaged(now)
        if os.path.lexists(place):
            raise CoordinatorError(f"{place}, where the WAL of the copy belongs, is there already: see what it is, and move it away")
        _relink(staging, place)
        try:
            rename(staged(place), place)
        except CoordinatorError:
            _relink(staging, now)
            raise


def move(data_directory: str, added: str) -> str | None:
    """Move the WAL of an instance that is set aside, where it is on a disk of its own; returns where it is now.

    :param added: to the name of its directory.
    """
    place = led_to(data_directory)
    if place is None or (os.path.lexists(place) and not can_be_renamed(place)):
        return place
    if not os.path.lexists(place):  # it must never lead to WAL of another instance that comes there
        _relink(data_directory, place + added)
        return None
    rename(place, place + added)
    _relink(data_directory, place + added)
    return place + added


def bring(data_directory: str, added: str) -> None:
    """Bring the WAL of an instance back that :func:`move` moved."""
    place = led_to(data_directory)
    if place is not None and added and place.endswith(added):
        if os.path.isdir(place) or not os.path.isdir(place[: -len(added)]):  # else an attempt that was cut off brought it
            rename(place, place[: -len(added)])
        _relink(data_directory, place[: -len(added)])


def contents(place: str) -> list[str]:
    """The paths to be removed of WAL whose instance is removed: its directory, or what is WAL in a mount point.

    So it is, too, in a directory with something else: the link to it may have come from another host.
    """
    names = sorted(os.listdir(place)) if os.path.isdir(place) else []
    own = [name for name in names if _WAL.fullmatch(name)]
    return [place] if own == names and can_be_renamed(place) else [os.path.join(place, name) for name in own]
