# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""A standby becomes primary: what it needs for that, and in which order."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Step
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import instance, survey, wal
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import Instance
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.stream import Stream, read_stream, see_answer
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import loss, salvage
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import record

#: steps that look or wait
PASSIVE = ("wait_replayed", "wait_dispatch", "check_catalog", "check_segments")


@dataclasses.dataclass(frozen=True)
class Candidate:
    """The instance that is to become primary, as it was found.

    :param instance: the instance.
    :param end: where its WAL ends.
    :param stream: the stream of WAL that it has or had.
    :param record: what was kept when the pair was last seen mirrored.
    :param begun: the audit's last entry on an activation that was begun.
    :param activated: the audit's last entry on one that was finished.
    :param placing: whether putting salvaged WAL in its place was cut off.
    """

    instance: Instance
    end: wal.End | None
    stream: Stream
    record: record.Record | None = None
    begun: t.Mapping[str, t.Any] | None = None
    activated: t.Mapping[str, t.Any] | None = None
    placing: bool = False

    @property
    def timeline(self) -> int:
        """The timeline that its WAL is on; the control file follows with the next checkpoint only."""
        control = self.instance.control
        return max(self.end.timeline if self.end else 0, control.timeline if control else 0)


@dataclasses.dataclass(frozen=True)
class Desired:
    """What is desired.

    :param verdict: ``state``, ``allowed``, ``reason``, ``proof`` and ``quiet_s`` of the verdict on the pair.
    :param exact: what was read from the former primary's disk; None when it was not.
    :param salvage: ``archive`` and ``end`` of WAL to be replayed first; None for none.
    :param accept_loss: whether something may be lost.
    :param both_down: whether a standby that is stopped is started.
    :param slot_name: the slot that is made for the next standby.
    :param retention_limit: bytes of WAL that it may retain, None for what is set.
    """

    verdict: t.Mapping[str, t.Any]
    exact: t.Mapping[str, t.Any] | None
    salvage: t.Mapping[str, t.Any] | None
    accept_loss: bool
    both_down: bool
    slot_name: str
    retention_limit: int | None


def observe(
    host: Host, data_directory: str, record_file: str | None, audit_file: str | None, by_disk: bool = False, quiet_s: float | None = None
) -> Candidate:
    """Observe the instance that is to become primary, and what is kept about its pair.

    :param by_disk: whether the former primary's disk tells what is lost, so that it need not be seen whether its stream still lasts.
    :param quiet_s: seconds since a segment last had data from the former primary, None when that is not known.
    :raises CoordinatorError: the data directory cannot be read by this user.
    """
    found = instance.read_instance(host, data_directory)
    audit = record.entries(audit_file) if audit_file else []
    pid = found.postmaster.pid if found.postmaster and found.role == "standby" else None
    return Candidate(
        instance=found,
        end=_end(found) if found.directory_state == "instance" else None,
        stream=(
            read_stream(data_directory, pid, found.settings) if by_disk else see_answer(host, data_directory, pid, found.settings, quiet_s)
        ),
        record=record.read_record(record_file)[0] if record_file else None,
        begun=record.last(audit, record.BEGUN),
        activated=record.last(audit, record.ACTIVATED),
        placing=salvage.was_placing(data_directory),
    )


def _end(found: Instance) -> wal.End | None:
    """Where its WAL ends; of one that is stopped, as far as recovery will come."""
    return wal.end_of_wal(found.data_directory) if found.postmaster else survey.survey(found.data_directory, found.control).end


def expected_loss(found: Candidate, desired: Desired, now: float) -> loss.Loss:
    """What is lost if this instance becomes primary; of one that is, what was said when that was begun."""
    said = loss.parse((found.begun or {}).get("loss")) if found.instance.role == "primary" else None
    if said is not None:
        return said
    salvaged = Lsn.parse(desired.salvage["end"]) if desired.salvage else None
    control = found.instance.control
    system = control.system_identifier if control else None
    quiet = desired.verdict.get("quiet_s")
    heard = None if quiet is None else now - quiet
    return loss.judge(desired.exact, found.end.position if found.end else None, salvaged, found.record, system, found.stream, now, heard)


def needs_salvage(found: Candidate, desired: Desired) -> bool:
    """Whether WAL is brought that the instance does not have."""
    return desired.salvage is not None and (found.end is None or found.end.position < Lsn.parse(desired.salvage["end"]))


def refusal(found: Candidate, desired: Desired, expected: loss.Loss) -> str | None:
    """Why a standby cannot be activated; None when it can."""
    standby, verdict = found.instance, desired.verdict
    where = standby.data_directory
    if standby.directory_state != "instance":
        return f"{where} holds no instance ({standby.directory_state}): set data_directory to the standby's"
    if standby.role != "standby" or standby.control is None:
        return f"the instance in {where} is no standby whose control file can be read: correct data_directory"
    if not verdict.get("allowed"):
        return f"the pair is {verdict.get('state')}, and activation is not allowed: {verdict.get('reason') or 'no reason was given'}"
    if standby.start_block:
        return f"the instance in {where} is start-blocked ({standby.start_block}): it was the primary once, and must not become it again"
    running = standby.postmaster
    if running is not None and running.suspended:
        return f"the standby in {where} is suspended, one of its processes is stopped by a signal (postmaster {running.pid}): resume it"
    if running is not None and standby.control.state not in ("in archive recovery", "shut down in recovery"):
        return f"the standby in {where} is {standby.control.state}, not in recovery: see its log, {instance.recent_errors(where)}"
    if running is None and not (desired.both_down or found.placing or needs_salvage(found, desired)):
        return (
            f"the standby in {where} is stopped: start it, or give activate_standby_both_down=true if the primary is down too and shall "
            "not be started instead"
        )
    if expected.known != loss.NONE and not desired.accept_loss:
        accept = "Give activate_standby_accept_loss=true to accept it for this run"
        return f"{_words(expected)} would be lost: {expected.why}. {accept}; {loss.MEANING}"
    return None


def _words(expected: loss.Loss) -> str:
    if expected.known != loss.BYTES:
        return f"an unknown amount, at least {expected.at_least} bytes of WAL," if expected.at_least else "an unknown amount"
    commits = "an unknown number of" if expected.commits is None else f"at most {expected.commits}"
    return f"{expected.bytes} bytes of WAL with {commits} commits"


def plan(found: Candidate, desired: Desired, expected: loss.Loss) -> list[Step]:
    """The steps after which the instance is primary, and was seen to be.

    :raises CoordinatorError: it must not become primary; nothing was touched.
    """
    if found.instance.directory_state == "instance" and found.instance.role == "primary":
        return _finish(found)
    why = refusal(found, desired, expected)
    if why is not None:
        raise CoordinatorError(why, loss=dataclasses.asdict(expected))
    steps = [Step("note_begin")]
    running = found.instance.postmaster is not None
    if needs_salvage(found, desired) and desired.salvage is not None:
        end = str(desired.salvage["end"])
        stop = [Step("stop")] if running else []
        steps += [*stop, Step("place_wal", {"archive": desired.salvage["archive"]}), Step("start"), Step("wait_replayed", {"end": end})]
    elif not running:
        steps.append(Step("start"))
    return [*steps, Step("promote"), *_SETTLING]


#: what follows a promotion
_SETTLING = tuple(
    Step(name) for name in ("wait_dispatch", "checkpoint", "check_catalog", "check_segments", "make_slot", "clean_up", "note_end")
)


def _finish(found: Candidate) -> list[Step]:
    """The steps that an activation lacks which was cut off after the promotion.

    :raises CoordinatorError: the instance does not run.
    """
    done = found.activated is not None and found.activated.get("timeline") == found.timeline
    if found.timeline <= 1 or done:
        return []
    if found.instance.postmaster is None:
        raise CoordinatorError(f"the instance in {found.instance.data_directory} is primary already, and stopped: start it")
    control = found.instance.control
    written = control is not None and control.timeline >= found.timeline
    return [step for step in _SETTLING if not (written and step.name == "checkpoint")]
