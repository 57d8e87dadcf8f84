# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""A former primary becomes the standby of the present one: by which way, and what is discarded on it."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import time
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import aside
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host, is_mount
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Actions, Step, run
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import access, shared_wal, survey, timeline, wal, wal_link
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.installation import named
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import Instance, lacking
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.replication import Upstream
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.tablespaces import Placement, read_tablespaces
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import salvage, start_block
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import (
    own_files,
    record,
    rewind,
    rewind_access,
    snapshot,
)

#: ways: it is a standby already; started as one as it is; rewound; copied anew
KEEP, START, REWIND, BASEBACKUP = "keep", "start", "rewind", "basebackup"

#: what can be asked for
METHODS = ("auto", REWIND, BASEBACKUP)

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

_COMMITTED = re.compile(r"\b(?:COMMIT|COMMIT_PREPARED|DISTRIBUTED_COMMIT)\b[^\n]*?(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\S*(?: [A-Z]\w*)?)")


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

    :param method: one of :data:`KEEP`, :data:`START`, :data:`REWIND`, :data:`BASEBACKUP`.
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
    if found.content in ("absent", "empty"):
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
    if found.content in ("absent", "empty"):
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
    if found.content == "other" and not _REMAINS & set(found.names):
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
    if found.content in ("absent", "empty"):
        return Choice(BASEBACKUP, "a rewind of it was cut off" if former.rewinding else "there is no data directory")
    parted, own = _own_from(former, source)
    unusable = _unusable(former, source)
    if unusable:
        # what is not whole may still tell what it had, by WAL that is of this system
        return Choice(BASEBACKUP, unusable, own if former.wal_system == source.system_identifier else None)
    if parted is None:
        return Choice(BASEBACKUP, "it has no timeline in common with the primary")
    if asked == BASEBACKUP:
        return Choice(BASEBACKUP, "a new copy was asked for", own)
    if own is not None:
        what = f"its WAL goes on to {former.end}, the primary's left timeline {parted.timeline} at {own}"
        if set(former.tablespaces) != set(source.tablespaces):
            return Choice(BASEBACKUP, f"{what}, and it cannot be rewound: tablespaces were made or dropped since", own)
        if former.mount:
            return Choice(
                BASEBACKUP, f"{what}, and it cannot be rewound: its data directory is a mount point, which cannot be renamed", own
            )
        return Choice(REWIND, what, own)
    follows = found.postmaster is not None and bool(found.postmaster.connected)
    control = found.control
    if not follows and source.oldest and former.end and control:
        needed = former.end.position // control.segment_bytes * control.segment_bytes
        if needed < source.oldest.position:
            return Choice(BASEBACKUP, f"the primary has no more WAL before {source.oldest}, and it needs that from {former.end} on")
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
    if found.content == "other":
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
        marked = dataclasses.replace(instance, role="standby", postmaster=None, fenced=None)
        first += snapshot.plan(dataclasses.replace(place, instance=marked), copy, password)
        first += snapshot.plan_password(place.stored, password)
        way = Step("rewind", {"parted": own, "left_in": _left_in(former, source)}) if choice.method == REWIND else Step("mark_standby")
        return [*first, way]
    if former.wal_refusal:
        raise CoordinatorError(former.wal_refusal, data_directory=instance.data_directory)
    spots = tuple(dataclasses.replace(spot, taken=None if spot.taken in former.parts else spot.taken) for spot in place.spots)
    rest = snapshot.plan(dataclasses.replace(place, instance=Instance(instance.data_directory, "absent"), spots=spots), copy, password)
    if instance.content in ("absent", "empty") and not former.rewinding:
        return [*first, *rest]
    # the old one stays in its place, stopped, until there is a whole copy
    at = rest.index(Step("copy")) + 1
    return [*first, *rest[:at], Step("keep_files"), Step("set_aside"), *rest[at:]]


def discarded(host: Host, former: Former, start: str) -> dict[str, t.Any]:
    """What only the former primary has, as far as its WAL shows it.

    :param start: where that begins.
    :returns: ``from``, ``to``, ``timeline``, ``bytes``, ``commits``, ``last_commit`` as the engine prints it, each None where it is not
        known, and then ``why`` says the reason.
    """
    where = former.instance.data_directory
    number = former.history.timeline if former.history else 0
    found = salvage.missing(host, where, former.instance.control, number, start, None)
    told = {
        "from": start,
        "to": found["reaches"],
        "timeline": found["timeline"],
        "bytes": found["missing_bytes"],
        "commits": found["commits"],
        "last_commit": None,
        "why": found["why"],
    }
    if found["commits"]:
        told["last_commit"] = _last_commit(host, where, number, Lsn.parse(start), Lsn.parse(found["end"]), former)
    return told


def _last_commit(host: Host, data_directory: str, number: int, start: Lsn, end: Lsn, former: Former) -> str | None:
    """When the last transaction was committed, looked for from the end backwards, a segment at a time."""
    size = former.instance.control.segment_bytes if former.instance.control else 1 << 26
    upper = end.position
    while upper > start.position:
        lower = max(start.position, (upper - 1) // size * size)
        options = ("--path", wal.wal_directory(data_directory), "--timeline", str(number), "--rmgr", "Transaction")
        try:
            told = host.run("pg_waldump", *options, "--start", str(Lsn(lower)), "--end", str(Lsn(upper)))
        except CoordinatorError as error:
            told = error.message
        found = _COMMITTED.findall(told)
        if found:
            return str(found[-1])
        upper = lower
    return None


class Rejoining:
    """The steps, carried out.

    :param host: this host.
    :param data_directory: of the former primary.
    :param upstream: the connection to the present one.
    :param copying: actions of the copy.
    :param placements: where its tablespaces are to be.
    :param report_file: file that what is discarded is written to, a line of JSON for each time; None for none.
    """

    def __init__(
        self,
        host: Host,
        data_directory: str,
        upstream: Upstream,
        copying: Actions,
        placements: t.Sequence[Placement],
        report_file: str | None,
    ) -> None:
        self._host = host
        self._directory = data_directory
        self._upstream = upstream
        self._copying = copying
        self._placements = placements
        self._report_file = report_file
        self._aside: list[str] = []
        self._differing: list[str] = []
        self.former: Former | None = None

    def tell(self, method: str, reason: str, discards: str | None) -> dict[str, t.Any]:
        """Report what is discarded, before it is."""
        found: dict[str, t.Any] = {"method": method, "reason": reason, "bytes_copied": 0, "discarded": None}
        if discards is not None and self.former is not None:
            found["discarded"] = discarded(self._host, self.former, discards)
            if self._report_file:
                entry = {"time": round(time.time(), 3), "data_directory": self._directory, "method": method, "reason": reason}
                record.append(self._report_file, {**entry, **found["discarded"]})
        return found

    def mark_standby(self) -> None:
        """Make the stopped primary a standby, and lift its fence."""
        rewind.mark_standby(self._host, self._directory)

    def rewind(self, parted: str, left_in: str | None) -> dict[str, t.Any]:
        """Rewind it; where that fails, copy the primary instead.

        :param parted: where both parted.
        :param left_in: the primary's WAL segment that is of no use.
        """
        history = self.former.history if self.former is not None else None
        shared = shared_wal.names(self._directory, history, Lsn.parse(parted)) if history is not None else []
        try:
            return rewind.rewind(self._host, self._directory, self._upstream, shared, [left_in] if left_in else [])
        except rewind.Failed as failed:
            instead = {"reason": f"it could not be rewound: {failed.message}"}
        _done, copied = run([Step(name) for name in ("copy", "keep_files", "set_aside", "swap_in")], {**self._copying, **actions(self)})
        rules = access.plan(access.read_files([self._directory]), {rewind_access.BLOCK: ()})  # opened on the primary, and copied with it
        run([step for step in rules if step.name == "write_rules"], access.actions(self._host))
        return {**copied, **instead}

    def keep_files(self) -> dict[str, t.Any]:
        """Let the copy have what only the former one has, and its links."""
        rewind.whole_again(self._directory)
        old, new = snapshot.former_place(self._directory), snapshot.staging_directory(self._directory)
        for name in rewind.LOGS:
            if os.path.islink(os.path.join(old, name)):
                shutil.rmtree(os.path.join(new, name), ignore_errors=True)  # the copy has none of the primary's logs in it
                os.symlink(os.readlink(os.path.join(old, name)), os.path.join(new, name))
        found = own_files.carry(old, new)
        self._differing = found["differing"]
        return {"kept": found["kept"], "wal_directory": wal_link.place_of(new)}

    def set_aside(self) -> dict[str, t.Any]:
        """Move what is there aside."""
        self._aside = rewind.set_aside(self._directory)
        where = self._aside[0]
        return {
            "aside": self._aside,
            "set_aside": self._differing,
            "set_aside_in": where if self._differing else None,
            "old_wal": wal_link.led_to(where),
        }

    def swap_in(self) -> None:
        """Put the copy into its place; where that fails, what was there comes back."""
        try:
            self._copying["swap_in"]()
        except CoordinatorError:
            former = [path for path in self._aside if ".former-" in path[len(os.path.realpath(self._directory)) :]]
            for path in former:
                aside.bring(path, self._directory)
            raise

    def cleaning(self, action: t.Callable[[], dict[str, t.Any]]) -> t.Callable[..., t.Mapping[str, t.Any] | None]:
        """A step that leaves nothing of the copy where it fails."""
        return snapshot.cleaning(action, self._directory, self._placements)


def actions(rejoining: Rejoining) -> Actions:
    """The actions of :func:`plan` beside those of a copy."""
    return {
        "tell": rejoining.tell,
        "mark_standby": rejoining.mark_standby,
        "rewind": rejoining.rewind,
        "keep_files": rejoining.cleaning(rejoining.keep_files),
        "set_aside": rejoining.cleaning(rejoining.set_aside),
        "swap_in": rejoining.swap_in,
    }
