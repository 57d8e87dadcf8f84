# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""How a standby comes to another place than the catalog has it in, and what it would be reverted to."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.addresses import normal_address
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.catalog import Registration, StandbyAddress, placed
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.password_stores.registry import KINDS
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.replication import SILENT, WalSender
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import removal
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.coordinator import Coordinator
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.primary import Primary
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.unseen import Unseen

#: what of its place changes: how it is called or its port, its directory on the same host, its host, nothing any more
NAME, DIRECTORY, HOST, REST = "name", "directory", "host", "rest"

#: what runs note that they began, of a standby that comes to another place, or back
MOVES, REJOINS = PURPOSES = ("move the standby", "rejoin")


@dataclasses.dataclass(frozen=True)
class Move:
    """A standby that comes to another place.

    :param refusal: why that cannot be begun; empty when it can.
    :param kind: :data:`NAME`, :data:`DIRECTORY` or :data:`HOST`, :data:`REST` where a run was cut off at its end; empty where it stays
        where it is, or where it cannot go back.
    :param name: name of the host that it is on, as the catalog has it.
    :param host: name of that host in the inventory; empty where it is not reached.
    :param look: whether that host has to be looked at first.
    :param registration: options of its present registration.
    :param dbid: its number.
    :param stops: whether it is there, to be stopped.
    :param renames: whether its directory is renamed; otherwise a copy is made.
    :param addresses: of the host that it is on.
    :param left: what stays on a host that is not reached.
    """

    refusal: str = ""
    kind: str = ""
    name: str = ""
    host: str = ""
    look: bool = False
    registration: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    dbid: int | None = None
    stops: bool = False
    renames: bool = False
    addresses: list[str] = dataclasses.field(default_factory=list)
    left: str = ""

    @property
    def copies(self) -> bool:
        """Whether a copy is made, while the present one streams."""
        return self.kind in (DIRECTORY, HOST) and not self.renames

    @property
    def clears(self) -> bool:
        """Whether what the host that it leaves knows of the primary is removed there."""
        return self.kind in (HOST, REST) and bool(self.host)


@dataclasses.dataclass(frozen=True)
class Scene:
    """What is known of the present standby and of the desired place.

    :param host: host of the desired place.
    :param row: its row in the catalog.
    :param here: whether that is on this very host; None where its address is not known.
    :param primary: what the primary knows.
    :param observed: what that host shows there.
    """

    host: str
    row: Registration
    here: bool | None
    primary: Primary
    observed: Coordinator

    @property
    def is_it(self) -> bool:
        """Whether the standby in the desired place is the registered one, however that is called."""
        return self.observed.instance.dbid == self.row.dbid and self._is_its_directory and not self.is_elsewhere

    @property
    def is_elsewhere(self) -> bool:
        """Whether there is another standby, or a place for another, than the one in the desired place."""
        if self.here and self._is_its_directory:
            return False
        instance = self.observed.instance
        connected = bool(instance.postmaster and instance.postmaster.connected)
        streams = self.primary.walsender is not None
        return not connected and (streams or self.here is False or instance.directory_state != "instance")

    @property
    def _is_its_directory(self) -> bool:
        return os.path.normpath(self.row.datadir) == self.observed.instance.data_directory


def scene(host: str, row: Registration, primary: Primary, observed: Coordinator, addresses: t.Iterable[str]) -> Scene:
    """What is known of a standby.

    :param primary: what the primary knows.
    :param addresses: of the host of the desired place.
    """
    numeric = [normal_address(address) for address in addresses]
    here = placed([row], primary.resolved, {host: (observed.hostname, numeric)})[row.dbid] == host
    return Scene(host, row, here if here or primary.resolved.get(row.address) else None, primary, observed)


def lives(sender: WalSender | None) -> bool:
    """Whether a standby said something lately, by the walsender that serves it."""
    return sender is not None and (sender.reply_age_s is None or sender.reply_age_s < SILENT)


def foresee(
    found: Scene,
    desired: StandbyAddress,
    asked: str | None,
    system_identifier: str,
    inventory: t.Container[str],
    seen: Coordinator | Unseen | None,
) -> Move:
    """How the standby comes to its place.

    :param asked: the host that it may leave, as the operator names it; None: none.
    :param system_identifier: of the cluster.
    :param inventory: hosts that can be reached.
    :param seen: what the present place shows; None: it was not looked yet.
    """
    row = found.row
    if desired.matches(row):
        return Move()
    registration = registration_of(row)
    if found.is_it:
        return Move(kind=NAME, name=row.hostname, host=found.host, registration=registration, dbid=row.dbid, stops=True)
    if not found.is_elsewhere:
        return Move()
    there = f"{row.hostname}, port {row.port}, in {row.datadir}"
    if not asked:
        return Move(
            f"the catalog has the standby on {there}, and it is desired on {desired.hostname}, port {desired.port}, in {desired.datadir}: "
            f"to move it there set standby_move_from={row.hostname}, otherwise correct the inventory"
        )
    named = asked in (row.hostname, row.address)
    if not named and (asked not in inventory or (found.here and asked != found.host)):
        return Move(f"standby_move_from is {asked!r}, and the catalog has the standby on {there}: set it to {row.hostname}")
    move = Move(
        kind=DIRECTORY if found.here else HOST,
        name=row.hostname,
        host=found.host if found.here else asked if asked in inventory else "",
        registration=registration,
        dbid=row.dbid,
        addresses=list(found.primary.resolved.get(row.address, ())),
    )
    if not move.host:
        return _without_stopping(move, found, f"the inventory has no host {asked}")
    if seen is None:
        return dataclasses.replace(move, look=True)
    if isinstance(seen, Unseen):
        return _without_stopping(move, found, f"{asked} is {seen}")
    if placed([row], found.primary.resolved, {asked: (seen.hostname, seen.addresses)})[row.dbid] != asked:
        return Move(f"standby_move_from is {asked!r}, which is not the host that the catalog has the standby on, {there}: correct it")
    instance = seen.instance
    why = removal.refusal(instance, system_identifier, seen.site.user)
    if why and instance.role == "primary" and instance.postmaster is not None:
        return Move(f"{asked}: {why}: see which of the primaries is right")
    if why:
        return _without_stopping(move, found, f"{asked}: {why}")
    empty = found.observed.instance.directory_state in ("absent", "empty")
    stops = instance.directory_state == "instance"
    if not stops and lives(found.primary.walsender):
        return _without_stopping(move, found, f"{asked}: nothing is in {instance.data_directory}")
    sites = (seen.site, found.observed.site)
    same = sites[0].device == sites[1].device and not any(site.mount for site in sites)  # a mount point cannot be renamed
    renames = move.kind == DIRECTORY and stops and empty and same
    return dataclasses.replace(move, stops=stops, renames=renames, addresses=sorted({*move.addresses, *seen.addresses}))


def rest(row: Registration, asked: str | None, inventory: t.Container[str], coordinators: t.Container[str]) -> Move:
    """What is left to be done after a run that was cut off when the standby had come to its place: its note and its files.

    :param asked: the host that it may have left.
    :param coordinators: hosts of the pair as it is now.
    """
    host = asked if asked and asked in inventory and asked not in coordinators else ""
    return Move(kind=REST, name=asked or row.hostname, host=host, registration=registration_of(row), dbid=row.dbid)


def registration_of(row: Registration) -> dict[str, t.Any]:
    """Options of a registration."""
    return {
        "standby_hostname": row.hostname,
        "standby_address": row.address,
        "standby_port": row.port,
        "standby_data_directory": os.path.normpath(row.datadir),
    }


def _without_stopping(move: Move, found: Scene, why: str) -> Move:
    """The move where the present standby cannot be stopped, which it must be where it lives."""
    if lives(found.primary.walsender):
        return Move(
            f"a standby streams and lives that cannot be stopped, {why}: name its host in standby_move_from, with a host of the inventory "
            f"that can be reached, or stop it. One that was lost just now has to be silent for {SILENT:g} s"
        )
    where = move.registration["standby_data_directory"]
    return dataclasses.replace(
        move,
        host="",
        left=f"{why}: a standby in {where}, port {move.registration['standby_port']}, its {KINDS} and its record may be left there",
    )
