# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""A host that is to have the standby, and its primary: what checks look at."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import Instance
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.coordinator import Coordinator
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.needs import Looked

#: ways in which a host comes to have the standby; the empty one: it is there
COPY, MOVE, REWIND, START, STAYS = "copy", "move", "rewind", "start", ""


@dataclasses.dataclass(frozen=True)
class Case:
    """A host that is to have the standby, and its primary.

    :param primary_host: host of the primary.
    :param primary: what it shows; None: it was not observed.
    :param host: host of the standby that is to be.
    :param standby: what it shows; None: it was not observed.
    :param way: how it comes to have it.
    :param instance: what will be in its place by then; None: what is there now.
    :param addresses: numeric addresses that the primary's host knows for the standby.
    :param options: options of the roles, by their names.
    :param snapshot: options of the copy.
    :param unknown_locations: what a mapping of tablespaces names that is no location of one.
    :param succession: whether the present standby goes on streaming while a copy is made.
    :param looked: what a further look at the standby's host showed; None: there was none yet.
    """

    primary_host: str | None
    primary: Coordinator | None
    host: str | None
    standby: Coordinator | None
    way: str = STAYS
    instance: Instance | None = None
    addresses: tuple[str, ...] = ()
    options: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    snapshot: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    unknown_locations: tuple[str, ...] = ()
    succession: bool = False
    looked: Looked | None = None

    @property
    def comes(self) -> bool:
        """Whether something is done for which the host would have to be fit."""
        return self.way != STAYS

    @property
    def source(self) -> tuple[str | None, Coordinator | None]:
        """The host whose configuration the standby will have, and what it shows."""
        return (self.primary_host, self.primary) if self.way == COPY else (self.host, self.standby)


def directory_of(found: Coordinator) -> str:
    """The data directory of a host."""
    return os.path.normpath(found.instance.data_directory)


def is_within(path: str, found: Coordinator) -> bool:
    """Whether a path is in the data directory of a host."""
    return path.startswith(directory_of(found) + "/")
