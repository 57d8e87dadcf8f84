# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""A former primary becomes the standby of the present one: by which way, and what is discarded on it."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host, is_mount
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Step
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import survey, timeline, wal
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.installation import named
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import Instance, lacking
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.tablespaces import read_tablespaces
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import start_block
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import (
    snapshot,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.snapshot import BASEBACKUP, CHANGED_BLOCKS

#: ways: it is a standby already; started as one as it is; rewound; beside :data:`CHANGED_BLOCKS` and :data:`BASEBACKUP`
KEEP, START, REWIND = "keep", "start", "rewind"

#: ways by which the primary is copied
COPIES = (CHANGED_BLOCKS, BASEBACKUP)

#: methods that can be desired
METHODS = ("auto", REWIND, *COPIES)

#: options of the module C(coordinator_snapshot) on it
ARGUMENTS: dict[str, t.Any] = {
    "method": {"type": "str", "choices": list(METHODS), "default": "auto"},
    "timeline": {"type": "int", "required": True},
    "ancestors": {"type": "list", "elements": "list", "default": []},
    "oldest_lsn": {"type": "str"},
    "tablespaces": {"type": "list", "elements": "int", "default": []},
    "report_file": {"type": "path"},
}

#: a directory that holds any of these is what is left of an instance
_REMAINS = frozenset({"PG_VERSION", "base", "global", "pg_wal", "postgresql.conf"})


@dataclasses.dataclass(frozen=True)
class Former:
    """What is in the place of the standby that is to be.

    :param instance: the instance.
    :param history: the timelines of its WAL; None: it has no valid WAL.
    :param end: where its WAL ends; of one that was no standby where it went to at least, if the end is not proved.
    :param wal_system: system identifier of its WAL; None: it has no valid WAL, or that was not looked at.
    :param tablespaces: numbers of its user tablespaces.
    :param parts: directories of its parts in them.
    :param rewinding: whether a rewind of it was cut off.
    :param lacks: files and directories that an instance cannot be without, and that are missing.
    :param mount: whether the directory is a mount point, which cannot be renamed.
    :param busy: processes of the engine that work in it though it has no postmaster.
    :param wal_refusal: why the WAL of a copy cannot come to the disk where its own is; None where it can.
    :param doubts: why the end of its WAL is not proved, each a sentence.
    :param lost_checkpoint: why its recovery cannot begin; empty when it can.
    """

    instance: Instance
    history: timeline.History | None = None
    end: Lsn | None = None
    wal_system: str | None = None
    tablespaces: tuple[int, ...] = ()
    parts: tuple[str, ...] = ()
    rewinding: bool = False
    lacks: tuple[str, ...] = ()
    mount: bool = False
    busy: tuple[int, ...] = ()
    wal_refusal: str | None = None
    doubts: tuple[str, ...] = ()
    lost_checkpoint: str = ""


@dataclasses.dataclass(frozen=True)
class Source:
    """The present primary.

    :param system_identifier: of its system.
    :param history: the timelines of its WAL.
    :param oldest: where the WAL begins that it still has; None: unknown.
    :param tablespaces: numbers of its user tablespaces.
    """

    system_identifier: str
    history: timeline.History
    oldest: Lsn | None
    tablespaces: tuple[int, ...]


def source_of(options: t.Mapping[str, t.Any], system_identifier: str) -> Source:
    """The present primary that the options in :data:`ARGUMENTS` describe.

    :raises CoordinatorError: a position is none.
    """
    return Source(
        system_identifier=system_identifier,
        history=timeline.history_of(options["timeline"], options["ancestors"]),
        oldest=Lsn.parse(options["oldest_lsn"]) if options.get("oldest_lsn") else None,
        tablespaces=tuple(options["tablespaces"]),
    )


@dataclasses.dataclass(frozen=True)
class Choice:
    """A way, and why it.

    :param method: one of :data:`KEEP`, :data:`START`, :data:`REWIND`, :data:`COPIES`.
    :param reason: a sentence.
    :param discards: position from which on what it has is its own and will be discarded; None: it has nothing of its own, or that is
        not known.
    """

    method: str
    reason: str
    discards: Lsn | None = None


def read_former(host: Host, found: Instance) -> Former:
    """Observe what is in the place of the standby that is to be.

    :param found: the instance there.
    """
    where = found.data_directory
    rewinding, wal_refusal = os.path.lexists(snapshot.rewind_directory(where)), snapshot.wal_refusal(where)
    if found.directory_state in ("absent", "empty"):
        return Former(found, rewinding=rewinding, wal_refusal=wal_refusal)
    directory = wal.wal_directory(where)
    seen = survey.Survey(None)
    if os.path.isdir(directory):
        seen = survey.Survey(wal.end_of_wal(where)) if found.postmaster else survey.prove(host, where, found.control)
    end = seen.end
    spaces = read_tablespaces(where)
    return Former(
        instance=found,
        history=timeline.read_history(directory, end.timeline) if end else None,
        end=end_of(found, seen),
        wal_system=str(end.segment.system_identifier) if end else None,
        tablespaces=tuple(space.oid for space in spaces),
        parts=tuple(os.path.join(space.location, str(space.dbid)) for space in spaces),
        rewinding=rewinding,
        mount=is_mount(where),
        lacks=lacking(where),
        busy=() if found.postmaster else start_block.working(where),
        wal_refusal=wal_refusal,
        doubts=seen.doubts,
        lost_checkpoint=seen.lost_checkpoint,
    )


def end_of(found: Instance, seen: survey.Survey) -> Lsn | None:
    """Where the WAL of an instance ends for what it may have of its own, a standby's for what it still needs."""
    end = seen.end.position if seen.end else None
    return end if found.role == "standby" else seen.reaches or end


def refusal(former: Former, source: Source, asked: str, user: str) -> str | None:
    """Why nothing can be done with what is there; None when something can.

    :param asked: one of :data:`METHODS`.
    :param user: who does it.
    """
    found = former.instance
    where = found.data_directory
    if found.directory_state in ("absent", "empty"):
        return None
    if found.postmaster is not None and found.role == "primary":
        return f"a primary runs in {where}: stop it first, and see which of both coordinators is right"
    if found.postmaster is not None and found.control and found.control.system_identifier != source.system_identifier:
        return f"a standby of the system {found.control.system_identifier} runs in {where}, the primary is of {source.system_identifier}"
    if former.busy:
        pids = ", ".join(map(str, former.busy))
        return f"processes of an instance still work in {where} ({pids}), although it has no postmaster: end them"
    if found.owner != user:
        return f"{where} belongs to {found.owner}: let {user}, which runs the engine, own it"
    if found.directory_state == "other" and not _REMAINS & set(found.names):
        there = named(found.names)
        return f"{where} holds something that is no instance, nor the rest of one, {there}: move it away, or set another data directory"
    if asked == "auto" and _is_later(former, source):
        return (
            f"the instance in {where} went on to timeline {former.history.timeline if former.history else 0}, the primary is on "
            f"{source.history.timeline}: see which of both is right; to discard this one all the same, set rejoin_method"
        )
    return None


def _is_later(former: Former, source: Source) -> bool:
    control = former.instance.control
    same = control is not None and control.system_identifier == source.system_identifier
    return same and former.history is not None and former.history.timeline > source.history.timeline


def _own_from(former: Former, source: Source) -> tuple[timeline.Parting | None, Lsn | None]:
    """Where both parted, and from where on the former has what the source lacks; the latter None where there is no such thing."""
    if former.history is None or former.end is None:
        return None, None
    parted = timeline.parting(former.history, source.history)
    if parted is None or parted.position is None:
        return parted, None
    own = former.history.timeline != parted.timeline or former.end > parted.position
    return parted, parted.position if own else None


def choose(former: Former, source: Source, asked: str) -> Choice:
    """By which way it becomes a standby.

    :param asked: one of :data:`METHODS`.
    """
    found = former.instance
    if found.directory_state in ("absent", "empty"):
        if former.rewinding and asked != BASEBACKUP:
            return Choice(CHANGED_BLOCKS, "a rewind of it was cut off")
        return Choice(BASEBACKUP, "a new copy is desired" if former.rewinding else "there is no data directory")
    parted, own = _own_from(former, source)
    unusable = _unusable(former, source)
    foreign = found.control is not None and found.control.system_identifier != source.system_identifier
    copy = BASEBACKUP if foreign or asked == BASEBACKUP else CHANGED_BLOCKS
    if unusable:
        # what is not whole may still tell what it had, by WAL that is of this system
        return Choice(copy, unusable, own if former.wal_system == source.system_identifier else None)
    if parted is None:
        return Choice(copy, "it has no timeline in common with the primary")
    if asked == copy:
        return Choice(copy, "a new copy is desired" if copy == BASEBACKUP else "a copy of changed blocks is desired", own)
    if own is not None:
        what = f"its WAL goes on to {former.end}, the primary's left timeline {parted.timeline} at {own}"
        if set(former.tablespaces) != set(source.tablespaces):
            return Choice(copy, f"{what}, and it cannot be rewound: tablespaces were made or dropped since", own)
        if former.mount:
            return Choice(copy, f"{what}, and it cannot be rewound: its data directory is a mount point, which cannot be renamed", own)
        return Choice(REWIND, what, own)
    follows = found.postmaster is not None and bool(found.postmaster.connected)
    control = found.control
    if not follows and source.oldest and former.end and control:
        needed = former.end.position // control.segment_bytes * control.segment_bytes
        if needed < source.oldest.position:
            return Choice(copy, f"the primary has no more WAL before {source.oldest}, and it needs that from {former.end} on")
    left = f", and the primary left that timeline at {parted.position}" if parted.position else ""
    return Choice(KEEP if found.role == "standby" else START, f"it has nothing of its own: its WAL ends at {former.end}{left}")


def _left_in(former: Former, source: Source) -> str | None:
    """The WAL segment in which the source left the last timeline of both: it has what counts of it on its own timeline, too.

    None where it was the former primary that left.
    """
    parted, control = _own_from(former, source)[0], former.instance.control
    if parted is None or parted.position is None or control is None or (parted.timeline, parted.position) not in source.history.ancestors:
        return None
    return parted.position.wal_file(parted.timeline, control.segment_bytes)


def _unusable(former: Former, source: Source) -> str:
    """Why an instance cannot become a standby in any way but a copy; empty when it can."""
    found = former.instance
    if found.directory_state == "other":
        return "its data directory is not whole"
    if former.lacks:
        return f"its data directory lacks {', '.join(former.lacks)}"
    if found.control is None:
        return "its control file cannot be read"
    if found.control.system_identifier != source.system_identifier:
        return f"it is of the system {found.control.system_identifier}, the primary of {source.system_identifier}"
    if former.end is None:
        return "it has no valid WAL"
    if former.lost_checkpoint:
        return former.lost_checkpoint
    # what a standby lacks of its WAL it gets anew; pages of a primary may be later than what a rewind could read of it
    return "" if found.role == "standby" or not former.doubts else f"its WAL is not whole: {former.doubts[0]}"


def plan(
    place: snapshot.Place,
    former: Former,
    source: Source,
    asked: str,
    password: str | None,
    copy: snapshot.Desired,
) -> list[Step]:
    """The steps after which a former primary is a standby of the present one that is ready to be configured; none where it is already.

    :param place: where it is.
    :param asked: one of :data:`METHODS`.
    :param password: given by the caller, None to keep what is there.
    :param copy: the copy that is made where no other way is left.
    :raises CoordinatorError: it cannot be done; nothing was touched.
    """
    instance = former.instance
    why = refusal(former, source, asked, place.site.user)
    if why is not None:
        raise CoordinatorError(why, data_directory=instance.data_directory)
    choice = choose(former, source, asked)
    if choice.method == KEEP:
        return snapshot.plan(place, copy, password)
    own = str(choice.discards) if choice.discards else None
    tell = Step("tell", {"method": choice.method, "reason": choice.reason, "discards": own})
    first = [tell, *([Step("stop")] if instance.postmaster is not None else [])]
    if choice.method in (START, REWIND):
        marked = dataclasses.replace(instance, role="standby", postmaster=None, start_block=None)
        first += snapshot.plan(dataclasses.replace(place, instance=marked), copy, password)
        first += snapshot.plan_password(place.stored, password)
        way = Step("rewind", {"parted": own, "left_in": _left_in(former, source)}) if choice.method == REWIND else Step("mark_standby")
        return [*first, way]
    if former.wal_refusal:
        raise CoordinatorError(former.wal_refusal, data_directory=instance.data_directory)
    spots = tuple(dataclasses.replace(spot, taken=None if spot.taken in former.parts else spot.taken) for spot in place.spots)
    gone = instance.directory_state in ("absent", "empty")
    where = snapshot.rewind_directory(instance.data_directory) if gone else os.path.realpath(instance.data_directory)
    seed = where if choice.method == CHANGED_BLOCKS else None
    copy = dataclasses.replace(copy, resume=copy.resume and asked != BASEBACKUP)
    free = dataclasses.replace(place, instance=Instance(instance.data_directory, "absent"), spots=spots)
    rest = snapshot.plan(free, copy, password, seed)
    if gone and not former.rewinding:
        return [*first, *rest]
    # the old one stays in its place, stopped, until there is a whole copy
    at = [step.name for step in rest].index("copy") + 1
    return [*first, *rest[:at], Step("keep_files"), Step("set_aside"), *rest[at:]]
