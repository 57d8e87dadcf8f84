# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""A copy of the primary's data directory: what it needs, and how it comes into place whole or not at all."""

from __future__ import annotations

import dataclasses
import glob
import os
import re
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import aside
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import (
    ARRIVING,
    LOST_AND_FOUND,
    TEMPORARY,
    Host,
    free_bytes,
    is_mount,
    mounts_below,
    used_bytes,
    user_name,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Step
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import tablespaces, wal_link
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.installation import named
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import (
    Instance,
    read_instance,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.password_stores.password_store import StoredPassword

#: directories of the primary that are its own affair; the first three are those that gpinitstandby leaves out
EXCLUDED = ("db_dumps", "promote", "db_analyze", "log", "pg_log", aside.DIRECTORY, LOST_AND_FOUND)

#: ways to make a copy: by pg_basebackup, and by the blocks that differ from what is on this host
BASEBACKUP, CHANGED_BLOCKS = "basebackup", "changed_blocks"

#: the part of a copy, one of so many, from which on it is gone on with where it was cut off
WORTH = 10

#: bytes to leave free beside the copy: WAL that streams in while it is made
SPARE = 512 * 1024 * 1024


@dataclasses.dataclass(frozen=True)
class Desired:
    """The desired copy.

    :param system_identifier: of the primary.
    :param engine_version: what ``postgres --version`` prints on the primary's host; None: do not compare.
    :param bytes: size of the primary's data directory without what is excluded; None: unknown.
    :param max_rate: as ``pg_basebackup --max-rate`` takes it; None for no limit.
    :param checkpoint: ``fast`` or ``spread``, how the primary writes the checkpoint that the copy begins with.
    :param tablespaces: where the primary's user tablespaces are to be.
    :param files: files that must be there and readable: libraries, certificates, keys.
    :param max_latency: milliseconds that a small commit on the primary may take meanwhile, or the copy is slowed down; None for no limit.
    :param resume: whether what a copy that was cut off left is used, where that is worth it.
    """

    system_identifier: str
    engine_version: str | None
    bytes: int | None
    max_rate: str | None = None
    checkpoint: str = "fast"
    tablespaces: tuple[tablespaces.Placement, ...] = ()
    files: tuple[str, ...] = ()
    max_latency: int | None = None
    resume: bool = False

    @property
    def in_all(self) -> int:
        """Bytes that it will have, its tablespaces included; 0: unknown."""
        return 0 if self.bytes is None else self.bytes + sum(placement.bytes or 0 for placement in self.tablespaces)


#: what can be given as :attr:`Desired.max_rate`
RATES = "32k to 1024M, kilobytes or megabytes a second"


def rate_of(text: str) -> int | None:
    """Bytes a second that ``pg_basebackup --max-rate`` is to keep to; None where it would not take that."""
    found = re.fullmatch(r"([0-9]{1,18})([kM]?)", text)
    rate = int(found.group(1)) << (20 if found.group(2) == "M" else 10) if found else 0
    return rate if 32 << 10 <= rate <= 1 << 30 else None


def copy_of(parameters: t.Mapping[str, t.Any]) -> Desired:
    """The copy that the options, as of :data:`arguments.COPY`, ask for."""
    return Desired(
        system_identifier=parameters["system_identifier"],
        engine_version=parameters["engine_version"],
        bytes=parameters["expected_bytes"],
        max_rate=parameters["max_rate"],
        checkpoint=parameters["checkpoint"],
        tablespaces=tuple(tablespaces.Placement(**placement) for placement in parameters["tablespaces"]),
        files=tuple(parameters["required_files"]),
        max_latency=parameters["max_latency"],
        resume=parameters["resume"],
    )


@dataclasses.dataclass(frozen=True)
class Site:
    """Where a copy is to stand.

    :param parent: directory it is to stand in.
    :param parent_owner: user that owns it, None when it is missing.
    :param writable: whether this user can write in it.
    :param free: bytes free there.
    :param user: user that the module runs as.
    :param leftover: whether something of an earlier attempt is there.
    :param engine_version: what ``postgres --version`` prints here, None when the installation is not found.
    :param rewinding: whether a rewind of what was there was cut off.
    :param device: number of its file system.
    :param set_aside: what earlier runs set aside there, with its parts of tablespaces and its WAL.
    :param mount: whether the place itself is a mount point, which cannot be renamed: the copy is made in it then, and the parent is the
        place itself.
    :param mounts: mount points within it.
    :param staged: bytes of a copy that was cut off and that can be gone on with, without its tablespaces.
    """

    parent: str
    parent_owner: str | None
    writable: bool
    free: int
    user: str
    leftover: bool
    engine_version: str | None
    rewinding: bool = False
    device: int = 0
    set_aside: tuple[str, ...] = ()
    mount: bool = False
    mounts: tuple[str, ...] = ()
    staged: int = 0


@dataclasses.dataclass(frozen=True)
class Place:
    """A site, and what is in the copy's place there.

    :param site: where a copy is to stand.
    :param instance: what is in its place.
    :param stored: the password for the primary as it is kept, None when it asks for none.
    :param spots: the places for tablespaces.
    :param missing: files that must be readable and are not.
    """

    site: Site
    instance: Instance
    stored: StoredPassword | None
    spots: tuple[tablespaces.Spot, ...] = ()
    missing: tuple[str, ...] = ()


def staging_directory(data_directory: str) -> str:
    """Where a copy is made: on the file system of its place, under a name that only this collection gives."""
    return aside.hidden(data_directory, "snapshot")


def staged_bytes(data_directory: str) -> int:
    """Bytes of what a copy that was cut off left and that is of use, but for its tablespaces and its WAL.

    0 where it was on its way into its place already.
    """
    staging = staging_directory(data_directory)
    whole = os.path.isdir(staging) and not os.path.islink(staging) and not os.path.lexists(staging + ARRIVING)
    if not whole or not tablespaces.are_staged(data_directory, staging):
        return 0
    return used_bytes(staging, without=("pg_wal",))


def is_worth(staged: int, expected: int | None) -> bool:
    """Whether it is worth to go on with a copy that was cut off.

    :param staged: bytes of it that are there.
    :param expected: bytes that it is to have; None: unknown.
    """
    return staged > 0 and staged >= (expected or 0) // WORTH


def rewind_directory(data_directory: str) -> str:
    """Where a former primary is while it is rewound, so that nobody can start it meanwhile."""
    return aside.hidden(data_directory, "rewind")


def taken_out(data_directory: str) -> str:
    """Where what is not the engine's own is while it is rewound."""
    return f"{rewind_directory(data_directory)}.own"


def former_place(data_directory: str) -> str:
    """Where what is left of an instance is: in its place, or where it was rewound."""
    place, staging = os.path.realpath(data_directory), rewind_directory(data_directory)
    return staging if os.path.lexists(staging) and not (os.path.isdir(place) and os.listdir(place)) else place


def set_aside(data_directory: str) -> list[str]:
    """What earlier runs set aside from the place of an instance, each with its parts of tablespaces and its WAL on another disk."""
    parent, name = os.path.split(aside.beside(data_directory, ""))
    found = []
    for there in sorted(os.listdir(parent)) if os.path.isdir(parent) else []:
        added = there[len(name) :] if there.startswith(name) else ""
        if re.fullmatch(r"\.[a-z_]+-\d{8}T\d{6}Z", added):
            path = os.path.join(parent, there)
            linked = [*tablespaces.link_targets(path), wal_link.led_to(path)]
            found += [path, *(target for target in linked if target and target.endswith(added))]
    return found


def salvage_directory(data_directory: str) -> str:
    """Where WAL is on its way from a former primary to its standby, on either host; links are not followed, for others name it too."""
    parent, name = os.path.split(os.path.normpath(data_directory))
    return os.path.join(parent, f".{name}.coordinator_salvage")


def leftovers(data_directory: str) -> list[str]:
    """What a run that was cut off left beside a data directory, and that nobody needs any more."""
    old = filter(None, map(wal_link.led_to, (data_directory, rewind_directory(data_directory))))
    staging = staging_directory(data_directory)
    places = dict.fromkeys((staging, staging + ARRIVING, *map(wal_link.staged, old), salvage_directory(data_directory)))
    return [path for path in places if os.path.lexists(path)] + being_written(data_directory)


def being_written(directory: str) -> list[str]:
    """Files in a directory that were being written when a run was killed."""
    return sorted(glob.glob(os.path.join(glob.escape(directory), f"{TEMPORARY}*")))


def read_site(host: Host, data_directory: str) -> Site:
    """Observe where a copy is to stand."""
    staging = staging_directory(data_directory)
    parent = os.path.dirname(staging)
    exists = os.path.isdir(parent)
    mount = is_mount(data_directory)
    try:
        engine_version: str | None = host.run("postgres", "--version").strip()
    except CoordinatorError:
        engine_version = None
    return Site(
        parent=parent,
        parent_owner=user_name(os.stat(parent).st_uid) if exists else None,
        writable=exists and os.access(parent, os.W_OK | os.X_OK),
        free=free_bytes(parent) if exists else 0,
        user=user_name(os.getuid()),
        leftover=bool(leftovers(data_directory)),
        engine_version=engine_version,
        rewinding=os.path.lexists(rewind_directory(data_directory)),
        device=os.stat(parent).st_dev if exists else 0,
        set_aside=tuple(set_aside(data_directory)),
        mount=mount,
        mounts=tuple(mounts_below(data_directory)) if mount else (),
        staged=staged_bytes(data_directory),
    )


def read_place(host: Host, data_directory: str, stored: StoredPassword | None, dbid: int | None, desired: Desired | None) -> Place:
    """Observe a site and what is in the copy's place there.

    :param dbid: number that the copy will have; None: not known yet.
    :param desired: the copy that may be made; None: none will.
    """
    site = read_site(host, data_directory)
    if desired is None:
        return Place(site, read_instance(host, data_directory), stored)
    if tablespaces.leftovers(desired.tablespaces, data_directory):
        site = dataclasses.replace(site, leftover=True)
    return Place(
        site,
        read_instance(host, data_directory),
        stored,
        tablespaces.read_spots(desired.tablespaces, dbid, data_directory, staging_directory(data_directory)),
        tuple(path for path in desired.files if not os.access(path, os.R_OK)),
    )


def refusal(site: Site, instance: Instance, desired: Desired) -> str | None:
    """Why a copy cannot be made there; None when it can, or when a standby of that primary is there already.

    :param instance: what is in its place.
    """
    where = instance.data_directory
    if desired.max_rate and rate_of(desired.max_rate) is None:
        return f"max_rate is {desired.max_rate!r}: give {RATES}"
    if site.parent_owner is None:
        return f"the parent directory {site.parent} does not exist: create it, owned by {site.user}"
    if not site.writable:
        return f"{site.parent} belongs to {site.parent_owner} and {site.user} cannot write there: let {site.user} own it"
    if instance.directory_state == "other":
        return f"{where} holds something that is not an instance, {named(instance.names)}: move it away, or set another data directory"
    if site.mounts:
        return (
            f"{where} is a mount point, and so is {named(site.mounts)} in it: an instance cannot be put in place there as a whole; set a "
            "directory within it as the data directory"
        )
    if instance.directory_state != "absent" and instance.owner != site.user:
        return f"{where} belongs to {instance.owner}: let {site.user}, which runs the engine, own it"
    if site.engine_version is None:
        return "this host has no installation of the engine where greenplum_path says: install it, or correct greenplum_path"
    if desired.engine_version not in (None, site.engine_version):
        return (
            f"this host has {site.engine_version!r}, the primary {desired.engine_version!r}: "
            "install the same version on both, or correct greenplum_path"
        )
    if instance.directory_state == "instance":
        return _refusal_of_instance(instance, desired)
    if desired.bytes is not None and site.free < _needed(site, desired):
        return (
            f"{site.parent} has {site.free >> 20} MiB free, the copy needs {_needed(site, desired) >> 20} MiB: "
            "free some space, or set another data directory"
        )
    return None


def _needed(site: Site, desired: Desired) -> int:
    """Bytes that have to be free for a copy: what is there of one that is gone on with needs no more room."""
    return (desired.bytes or 0) + SPARE - (site.staged if resumes(site, desired) else 0)


def resumes(site: Site, desired: Desired) -> bool:
    """Whether a copy that was cut off is gone on with."""
    return desired.resume and is_worth(site.staged, desired.bytes)


def _refusal_of_instance(instance: Instance, desired: Desired) -> str | None:
    where = instance.data_directory
    if instance.control is None:
        return f"{where} holds an instance that pg_controldata cannot read: move it away"
    if instance.control.system_identifier != desired.system_identifier:
        return (
            f"{where} holds an instance of the system {instance.control.system_identifier}, "
            f"the primary is of {desired.system_identifier}: move it away, or set another data directory"
        )
    if instance.role != "standby":
        doing = "runs there" if instance.postmaster else "is there"
        return (
            f"a primary of the same system {doing}, in {where}; it may hold what the present primary lacks: "
            "see which of both is right, then run rejoin, or move this directory away"
        )
    return None


def _refusal_of_requirements(place: Place, desired: Desired) -> str | None:
    if place.missing:
        return f"{place.missing[0]} is missing on this host, or {place.site.user} cannot read it: put it there, or correct what names it"
    beside = {place.site.device: _needed(place.site, desired)}
    return tablespaces.refusal(place.spots, place.site.user, beside, resumes(place.site, desired))


def plan(place: Place, desired: Desired, password: str | None, seed: str | None = None) -> list[Step]:
    """The steps that make the copy; none where a standby of that primary is there already.

    :param password: to be kept, None to leave what is kept as it is.
    :param seed: directory of an instance, stopped by then, of which the blocks are taken that the primary has alike; None for none.
    :raises CoordinatorError: it cannot be made there; nothing was touched.
    """
    instance = place.instance
    why = refusal(place.site, instance, desired)
    if why is not None:
        raise CoordinatorError(why, data_directory=instance.data_directory)
    steps = [Step("remove_leftover")] if place.site.leftover else []
    if instance.directory_state == "instance":
        return steps
    going_on = resumes(place.site, desired)
    if going_on:
        steps = [Step("take_up")]
    why = _refusal_of_requirements(place, desired)
    if why is not None:
        raise CoordinatorError(why, data_directory=instance.data_directory)
    copy = Step("copy", way(place.site, desired, seed)) if going_on or seed else Step("copy")
    return [*steps, *plan_password(place.stored, password), copy, Step("swap_in")]


def way(site: Site, desired: Desired, seed: str | None) -> dict[str, t.Any]:
    """How a copy is made of which something is there already: of what, and why, where nobody has said why before."""
    if seed or not resumes(site, desired):
        return {"seed": seed, "reason": None}
    of = f" of {desired.bytes >> 20} MiB" if desired.bytes else ""
    return {"seed": seed, "reason": f"a copy that was cut off left {site.staged >> 20} MiB{of}"}


def plan_password(stored: StoredPassword | None, password: str | None) -> list[Step]:
    """The steps after which the password for the primary is there.

    :raises CoordinatorError: none is known.
    """
    if stored is not None and (password is not None or (stored.usable and not stored.named)):
        return [Step("write_password")]
    if stored is not None and not stored.usable:
        raise CoordinatorError(f"{stored.title} is missing or others can read it: give replication_password to write it")
    return []


def wal_for_copy(data_directory: str) -> str | None:
    """Where the WAL of a copy is staged; None where it is in the copy: the instance whose place it takes has it so."""
    for directory in (data_directory, rewind_directory(data_directory)):
        place = wal_link.place_for_copy(directory, os.path.basename(os.path.realpath(data_directory)))
        if place is not None:
            return wal_link.staged(place)
    return None


def wal_refusal(data_directory: str) -> str | None:
    """Why the WAL of a copy could not come to where that of the instance is whose place it takes; None where it could."""
    try:
        wal_for_copy(data_directory)
    except CoordinatorError as error:
        return error.message
    return None
