# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What verdicts rest on: what was seen of a coordinator host, by itself and by others, and what is proved about it."""

from __future__ import annotations

import dataclasses
import typing as t

#: seconds: data that came from a host within them shows that the host lives
RECENT = 10.0


#: port, data directory, dbid
Place = t.Tuple[t.Any, ...]


@dataclasses.dataclass(frozen=True)
class View:
    """What was seen of one coordinator host. None: not seen.

    :param host: its name in the inventory.
    :param observed: whether it was seen at all.
    :param silence: why it was not, where it answered and could not be asked.
    :param remedy: what helps then.
    :param directory_state: of the data directory: ``absent``, ``empty``, ``instance``, ``other``.
    :param role: ``primary`` or ``standby``, as its files say.
    :param running: whether an instance runs on the data directory.
    :param suspended: whether a vital process of it is stopped by a signal.
    :param connected: whether a walreceiver of this standby holds a connection to a primary.
    :param answered: whether the instance, running as primary, answered a query; False when it kept silent. One that refused at once did
        neither, and shows nothing of its standby.
    :param refused: what kind of refusal that was, as of :class:`connection.Refused`; None without one.
    :param said: what it said then.
    :param system_identifier: of the data directory.
    :param timeline: of its latest checkpoint.
    :param place: port, data directory and ``gp_dbid`` of the instance.
    :param registered: port, data directory and dbid of the standby in the catalog, as this primary has it; empty when none is
        registered.
    :param registered_on: name of the host that the catalog has it on.
    :param streaming: whether this primary has a walsender for a standby that streams in sync.
    :param acknowledged: whether a probe write on this primary was acknowledged; None when none was tried.
    :param caught_up: whether the standby had replayed the primary's position within the probe's limit.
    :param others: what else this primary sends WAL to, in words.
    :param removed_wal: WAL segment that this standby needs and its primary has no more; None when it is not known to lack one.
    :param deaf: why clients could not connect to this standby; None when they could, or that is not known.
    """

    host: str
    observed: bool
    silence: str | None = None
    remedy: str | None = None
    directory_state: str | None = None
    role: str | None = None
    running: bool | None = None
    suspended: bool | None = None
    connected: bool | None = None
    answered: bool | None = None
    refused: str | None = None
    said: str | None = None
    system_identifier: str | None = None
    timeline: int | None = None
    place: Place | None = None
    registered: Place | None = None
    registered_on: str | None = None
    streaming: bool | None = None
    acknowledged: bool | None = None
    caught_up: bool | None = None
    others: tuple[str, ...] = ()
    removed_wal: str | None = None
    deaf: str | None = None

    @property
    def to_be_seen(self) -> str:
        """What has to be done so that the host is observed."""
        return self.remedy or f"make {self.host} reachable"

    @property
    def is_primary(self) -> bool:
        """Whether an instance was seen running there as primary."""
        return self.running is True and self.role == "primary"


@dataclasses.dataclass(frozen=True)
class Sighting:
    """What one host sees of a coordinator's host over the network. It can show that something lives there, never that nothing does.

    :param by: the host that looked.
    :param of: the host that was looked for.
    :param sessions: its sessions with segments of the cluster in which data came within :data:`RECENT`; None: not seen.
    :param port: what became of a connection to the coordinator's port: ``open``, ``refused``, ``silent``; None: not seen.
    """

    by: str
    of: str
    sessions: int | None = None
    port: str | None = None

    @property
    def lives(self) -> bool | None:
        """Whether it shows that a coordinator lives there; None when it does not tell."""
        return True if self.sessions or self.port == "open" else None

    def __str__(self) -> str:
        if self.sessions:
            return f"{self.by} sees {self.of} live: data came in {self.sessions} of its sessions within {RECENT:g} s"
        if self.lives:
            return f"{self.by} sees {self.of} live: the coordinator's port there is open"
        return f"{self.by} sees no sign of life of {self.of}"


@dataclasses.dataclass(frozen=True)
class Proofs:
    """What proves that a primary which was not seen stopped can do no harm. Each names the host it is about.

    :param fenced: hosts that every segment host refuses, or that a fencing command cut off.
    :param stopped: hosts whose instance was stopped for good in this run.
    :param confirmed: hosts that the operator confirmed to be down, for this run.
    """

    fenced: frozenset[str] = frozenset()
    stopped: frozenset[str] = frozenset()
    confirmed: frozenset[str] = frozenset()


#: nothing is proved
UNPROVED = Proofs()
