# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Giving up a standby on its host: its instance, and the files that this collection keeps for it."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import aside
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host, sync_directory
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Actions, Step
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import tablespaces, wal_link
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import Instance
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import start_block
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import base_backup, snapshot

#: what may become of the instance
KEPT, STOPPED, SET_ASIDE, DELETED = "kept", "stopped", "set_aside", "deleted"


@dataclasses.dataclass(frozen=True)
class Remains:
    """What is there of a standby on its host.

    :param instance: what is in its place; None where it was not looked.
    :param running: how many processes of the engine work there, also those whose postmaster is gone.
    :param parts: its parts of the user tablespaces.
    :param leftovers: what a run that was cut off left.
    :param files: files of this collection.
    :param left: files of this collection that stay, and what its links lead to as to parts that it is none of.
    """

    instance: Instance | None = None
    running: int = 0
    parts: tuple[str, ...] = ()
    leftovers: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


def observe(
    host: Host,
    data_directory: str,
    fate: str,
    primary_dbid: int | None,
    places: t.Iterable[str],
    files: t.Iterable[str],
    staying: t.Iterable[str] = (),
) -> Remains:
    """Observe what is there of a standby.

    :param data_directory: its data directory.
    :param fate: what is to become of the instance; one that is kept is not looked at.
    :param primary_dbid: number of the primary, whose parts of tablespaces are never the standby's.
    :param places: directories in which a copy's tablespaces may have been staged.
    :param files: files of this collection that may be there.
    :param staying: those that stay, if they are there.
    """
    files = list(files)
    written = [path for directory in {os.path.dirname(path) for path in files} for path in snapshot.being_written(directory)]
    found = tuple(path for path in [*files, *written] if os.path.lexists(path))
    left = tuple(path for path in staying if os.path.lexists(path))
    doomed = aside.doomed(data_directory)
    cut_off = snapshot.leftovers(data_directory) + tablespaces.leftovers(placements(places), data_directory)
    cut_off += [doomed] if os.path.lexists(doomed) else []
    if fate == KEPT:
        return Remains(leftovers=tuple(cut_off), files=found, left=left)
    target = start_block.observe(host, data_directory)
    dbid = target.instance.dbid if target.instance.dbid != primary_dbid else None
    parts = tuple(tablespaces.part_of(space) for space in aside.own_parts(data_directory, dbid))
    left += tuple(aside.foreign(data_directory, dbid))
    return Remains(target.instance, len(target.processes), parts, tuple(cut_off), found, left)


def placements(places: t.Iterable[str]) -> list[tablespaces.Placement]:
    """The places as a copy knows them."""
    return [tablespaces.Placement(place, place) for place in places]


def plan(remains: Remains, fate: str, system_identifier: str | None, user: str) -> list[Step]:
    """The steps after which the standby is given up.

    :param fate: what is to become of the instance.
    :param system_identifier: of the cluster; an instance of another one is not touched.
    :param user: who carries them out.
    :raises CoordinatorError: what is there is no standby of the cluster, or not this user's; nothing was touched.
    """
    steps = []
    instance = remains.instance
    if instance is not None and fate != KEPT:
        why = refusal(instance, system_identifier, user)
        if why:
            raise CoordinatorError(f"{why}: correct data_directory, or see what it is", data_directory=instance.data_directory)
        if remains.running:
            steps.append(Step("stop"))
    if remains.leftovers and fate != STOPPED:
        steps.append(Step("remove_leftovers"))
    if instance is not None and instance.directory_state == "instance" and fate in (SET_ASIDE, DELETED):
        steps.append(Step("set_aside" if fate == SET_ASIDE else "delete"))
    return steps + [Step("remove_file", {"path": path}) for path in remains.files]


def refusal(instance: Instance, system_identifier: str | None, user: str) -> str | None:
    """Why an instance is no standby of a cluster that can be given up; None when it is one, and when there is none."""
    where = instance.data_directory
    if instance.directory_state in ("absent", "empty"):
        return None
    if instance.directory_state != "instance":
        return f"{where} holds something that is not an instance"
    if instance.owner != user:
        return f"{where} belongs to {instance.owner}, not to {user}"
    if instance.role != "standby":
        return f"{where} holds a primary, which {'runs' if instance.postmaster else 'is stopped'}"
    if instance.control and instance.control.system_identifier != system_identifier:
        return f"{where} holds a standby of the system {instance.control.system_identifier}, the cluster is {system_identifier}"
    return None


def actions(host: Host, data_directory: str, primary_dbid: int | None, places: t.Sequence[str], stop_timeout: float, now: float) -> Actions:
    """The actions of :func:`plan`.

    :param stop_timeout: seconds that the instance has to stop by itself.
    :param now: seconds since the epoch.
    """

    def dbid() -> int | None:
        found = start_block.observe(host, data_directory).instance.dbid
        return found if found != primary_dbid else None

    def set_aside() -> dict[str, t.Any]:
        added = aside.suffix("set_aside", now)
        number = dbid()
        moved_parts = [tablespaces.part_of(space) + added for space in aside.own_parts(data_directory, number)]
        where = aside.move(data_directory, number, added)
        wal = wal_link.led_to(where)
        return {"set_aside_as": [where, *moved_parts, *([wal] if wal else [])]}

    def delete() -> dict[str, t.Any]:
        number = dbid()
        wal = wal_link.led_to(data_directory)
        gone = [
            os.path.realpath(data_directory),
            *map(tablespaces.part_of, aside.own_parts(data_directory, number)),
            *([wal] if wal else []),
        ]
        aside.delete(data_directory, number)
        return {"deleted": gone}

    def remove_leftovers() -> None:
        aside.remove_tree(aside.doomed(data_directory))
        base_backup.remove_leftover(data_directory, placements(places))

    return {
        "stop": lambda: start_block.stop(data_directory, stop_timeout),
        "set_aside": set_aside,
        "delete": delete,
        "remove_leftovers": remove_leftovers,
        "remove_file": remove_file,
    }


def remove_file(path: str) -> None:
    """Remove a file, if it is there, and its directory with the last one.

    :raises CoordinatorError: this user may not.
    """
    try:
        os.unlink(path)
        sync_directory(os.path.dirname(path))
        with contextlib.suppress(OSError):
            os.rmdir(os.path.dirname(path))
    except FileNotFoundError:
        return
    except OSError as error:
        raise CoordinatorError(f"{path} cannot be removed: {error.strerror}; remove it") from error
