# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What has to be done for a cluster's standby, as data."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.record import Record
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.progress import Plan
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.move import Move


@dataclasses.dataclass(frozen=True)
class Moving(Move):
    """How a standby comes to another place.

    :param tells: whether the present one is told a password that is chosen or given.
    :param meanwhile: by host, the rules that allow both standbys access.
    :param before: by host, those that allow it to the present one alone.
    :param own: files that only the present one has, or has otherwise than the primary, where a copy takes its place.
    """

    tells: bool = False
    meanwhile: dict[str, dict[str, t.Any]] = dataclasses.field(default_factory=dict)
    before: dict[str, dict[str, t.Any]] = dataclasses.field(default_factory=dict)
    own: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class StandbyPlan(Plan):
    """What has to be done.

    :param left_alone: why nothing is to be done, and the cluster has no standby; empty where it is to have one.
    :param to_change: what is not as desired; with nothing in it no module would change anything.
    :param tasks: name of the role's tasks that do what has to be done; empty where nothing has.
    :param copying: whether a copy has to be made.
    :param look: options of a further look at the standby's host, for what it needs there beside its data directory; empty where none is
        needed.
    :param password_missing: whether a password has to be chosen.
    :param registration: options of the standby's registration.
    :param registered: whether the catalog has a standby already, whatever it says of it.
    :param access: by host, the data directories and rules of its instances.
    :param lacking_rules: hosts where an instance lacks its rules.
    :param primary_host: name or address that the standby reaches the primary by.
    :param primary_port: port of the primary.
    :param connection: further parameters of libpq.
    :param snapshot: options of the copy.
    :param listen_addresses: value of that setting on the standby; None: it stays as it is.
    :param expected_dbid: number under which the standby is registered, or will be.
    :param record: what is to be kept on the standby's host for the day on which the primary cannot be asked.
    :param rejoin: options for a former primary that is to become the standby; empty where none is.
    :param way: how it will, ``method`` and ``reason``; empty where none is.
    :param rewind_rules: rules that allow it access while its blocks are compared with the primary's; empty where they will not be.
    :param fenced: hosts with a packet filter against it.
    :param drift: files that have to be brought from the primary, for the standby has them otherwise.
    :param accepted_drift: settings that keep their values meanwhile, by name or pattern.
    :param move: how it comes to another place than the catalog has it in; None where it stays, or could not go back.
    :param former_directory: where its directory is renamed from; empty where it is not.
    :param begins: what is noted as begun until it has ended; empty where a run that is cut off leaves nothing to be finished.
    :param remove_set_aside: whether what a copy takes the place of is removed at the end.
    :param files: what will become of its files, see :class:`rejoin.Rejoin`.
    """

    left_alone: str = ""
    to_change: list[str] = dataclasses.field(default_factory=list)
    tasks: str = ""
    copying: bool = False
    look: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    password_missing: bool = False
    registration: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    registered: bool = False
    access: dict[str, dict[str, t.Any]] = dataclasses.field(default_factory=dict)
    lacking_rules: list[str] = dataclasses.field(default_factory=list)
    primary_host: str | None = None
    primary_port: int | None = None
    connection: dict[str, str] = dataclasses.field(default_factory=dict)
    snapshot: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    listen_addresses: str | None = None
    expected_dbid: int | None = None
    record: Record | None = None
    rejoin: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    way: dict[str, str] = dataclasses.field(default_factory=dict)
    rewind_rules: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)
    fenced: list[str] = dataclasses.field(default_factory=list)
    drift: list[str] = dataclasses.field(default_factory=list)
    accepted_drift: list[str] = dataclasses.field(default_factory=list)
    move: Moving | None = None
    former_directory: str = ""
    begins: str = ""
    remove_set_aside: bool = False
    files: dict[str, t.Any] = dataclasses.field(default_factory=dict)

    @property
    def acts(self) -> bool:
        """Whether something is to be done."""
        return self.tasks != ""
