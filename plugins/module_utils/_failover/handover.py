# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""A standby that is armed: a process beside it waits for the proof that its primary was shut down for it, and promotes it then.

Each arming has a file of its own name, which is removed when it is rolled back or another one comes in its place, and renamed by its
process before that promotes: one of them can do it, and no process can do so for the arming of another.
"""

from __future__ import annotations

import contextlib
import dataclasses
import glob
import json
import os
import secrets
import time
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import detached, logout
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host, read_text
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Step
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import instance, wal
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import Instance, wait_until
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import gap, loss
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.promotion import Promotion, is_promoted
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.shutdown_proof import Arming, Proof, wait_for_proof
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import record

_BUSY = "the standby in {} is being promoted by an earlier run: wait for the end of that, and run this again"


@dataclasses.dataclass(frozen=True)
class Files:
    """The files of armings.

    :param armed: how their names begin.
    """

    armed: str

    def of(self, arming: Arming) -> str:
        """What tells of an arming while it waits."""
        return f"{self.armed}.by-{arming.token}"

    @property
    def waiting(self) -> list[str]:
        """Those of all armings that wait."""
        return glob.glob(f"{glob.escape(self.armed)}.by-*")

    @property
    def promoting(self) -> str:
        """What the file is renamed to by the process when it promotes."""
        return self.armed + ".promoting"

    @property
    def result(self) -> str:
        """What became of the promotion."""
        return self.armed + ".result"


@dataclasses.dataclass(frozen=True)
class Readiness:
    """A standby that is to be armed, or was.

    :param instance: the instance.
    :param end: where its WAL ends.
    :param armed: whether it is armed.
    :param promoting: whether an armed process has begun to promote it.
    :param lives: whether that process lives.
    :param logout: why that process would be ended with the session that starts it; empty where it would not.
    """

    instance: Instance
    end: wal.End | None
    armed: bool = False
    promoting: bool = False
    lives: bool = False
    logout: str = ""


def observe(host: Host, data_directory: str, files: Files) -> Readiness:
    """Observe the standby, and whether it is armed.

    :raises CoordinatorError: the data directory cannot be read by this user.
    """
    found = instance.read_instance(host, data_directory)
    return Readiness(
        instance=found,
        end=wal.end_of_wal(data_directory) if found.directory_state == "instance" else None,
        armed=bool(files.waiting),
        promoting=os.path.exists(files.promoting),
        lives=detached.is_held(files.promoting),
        logout=logout.ending(host),
    )


def plan_arming(found: Readiness) -> list[Step]:
    """The steps after which a standby is armed.

    :raises CoordinatorError: it could not become primary; nothing was touched.
    """
    standby = found.instance
    where, running, control = standby.data_directory, standby.postmaster, standby.control
    if found.promoting and found.lives:
        raise CoordinatorError(_BUSY.format(where))
    if standby.directory_state != "instance" or standby.role != "standby":
        what = "holds no instance" if standby.directory_state != "instance" else "holds a primary"
        raise CoordinatorError(f"{where} {what}, and cannot be armed: set data_directory to the standby's")
    if standby.start_block:
        raise CoordinatorError(f"the instance in {where} is start-blocked ({standby.start_block}): it must not be primary; run rejoin")
    if running is None:
        raise CoordinatorError(f"the standby in {where} is stopped: start it")
    if running.suspended:
        raise CoordinatorError(f"the standby in {where} is suspended, one of its processes is stopped by a signal: resume it")
    if control is None or control.state != "in archive recovery":
        raise CoordinatorError(f"the standby in {where} is {control.state if control else 'without a control file'}, not in recovery")
    if not running.connected or found.end is None:
        raise CoordinatorError(f"the standby in {where} has no connection to its primary: run status, and see its log")
    if found.logout:
        raise CoordinatorError(f"the standby in {where} cannot be armed: {found.logout}")
    return [Step("arm", {"timeline": found.end.timeline, "start": str(found.end.position)})]


def plan_disarming(found: Readiness) -> list[Step]:
    """The steps after which a standby is not armed any more, and what its process did is known."""
    return [Step("disarm")] if found.armed or found.promoting else []


class Handover:
    """The steps, carried out.

    :param host: this host.
    :param data_directory: of the standby.
    :param port: of the standby.
    :param files: of the arming.
    :param cluster: its name, for the audit.
    :param audit_file: file that the beginning of a promotion is written to; None for none.
    :param audit: what that entry is to tell beside.
    :param timeout: seconds for each thing that is waited for.
    """

    def __init__(
        self,
        host: Host,
        data_directory: str,
        port: int,
        files: Files,
        cluster: str,
        audit_file: str | None,
        audit: t.Mapping[str, t.Any],
        timeout: float,
    ) -> None:
        self._host = host
        self._directory = data_directory
        self._port = port
        self._files = files
        self._audit_file = audit_file
        self._audit = {**audit, "cluster": cluster}
        self._timeout = timeout

    def arm(self, timeline: int, start: str, seconds: float, max_gap: float) -> dict[str, t.Any]:
        """Start the process that waits.

        :param seconds: how long it waits.
        :param max_gap: how long, after the announcement, there may be no primary.
        :raises CoordinatorError: it ended at once.
        """
        os.makedirs(os.path.dirname(self._files.armed), mode=0o700, exist_ok=True)
        self._roll_back()
        # what has its file no more cannot begin
        if detached.is_held(self._files.promoting):
            raise CoordinatorError(_BUSY.format(self._directory))
        self.clear()
        arming = Arming(secrets.token_hex(16), timeline, start, round(time.time() + seconds, 3), max_gap * gap.PROOF)

        def wait(ready: t.Callable[[], None]) -> None:
            self._host.write(self._files.of(arming), json.dumps(dataclasses.asdict(arming)) + "\n", 0o600)
            with detached.held(self._files.of(arming)):
                ready()
                self._wait(arming)

        detached.run(wait)
        return {"token": arming.token}

    def clear(self) -> None:
        """Remove what an earlier arming left."""
        self._roll_back()
        for path in (self._files.promoting, self._files.result):
            _remove(path)

    def _roll_back(self) -> None:
        """Roll back all armings whose processes have not begun to promote."""
        for path in self._files.waiting:
            _remove(path)

    def _wait(self, arming: Arming) -> None:
        own = self._files.of(arming)
        found = wait_for_proof(self._directory, arming, lambda: os.path.exists(own))
        if found is None:
            _remove(own)
            return
        try:
            os.rename(own, self._files.promoting)
        except FileNotFoundError:
            return  # it was rolled back, or another one came in its place
        told: dict[str, t.Any] = {"lsn": str(found.position), "gap_s": None, "seconds": {}, "error": ""}
        try:
            told.update(self._promote(arming, found))
        except Exception as error:  # whatever it is, the run that collects must hear of it
            told["error"] = getattr(error, "message", None) or f"{type(error).__name__}: {error}"
        self._host.write(self._files.result, json.dumps(told) + "\n", 0o600)

    def _promote(self, arming: Arming, found: Proof) -> dict[str, t.Any]:
        """Promote the standby, and write through it; how long that took."""
        proven = time.monotonic()
        if self._audit_file:
            record.append(self._audit_file, {**self._audit, **begun(arming, found), "time": round(time.time(), 3)})
        doing = Promotion(self._host, self._directory, self._port, self._timeout)
        restarted = doing.promote()
        promoted = time.monotonic()
        doing.wait_dispatch("SELECT pg_logical_emit_message(true, 'warehousepg.coordinator', 'switchover')")
        written = time.monotonic()
        seconds = {"shutdown": proven - found.announced, "promotion": promoted - proven, "first_write": written - promoted}
        return {
            **restarted,
            "gap_s": round(written - found.announced, 3),
            "seconds": {name: round(value, 3) for name, value in seconds.items()},
        }

    def disarm(self) -> dict[str, t.Any]:
        """Take the arming back, or, where the process was quicker, wait until it has promoted. One that was lost later tells nothing.

        :raises CoordinatorError: it began to promote and did not say how that ended.
        """
        self._roll_back()
        if not os.path.exists(self._files.promoting):
            return {"disarmed": True}
        wait_until(lambda: os.path.exists(self._files.result) or not detached.is_held(self._files.promoting), 3 * self._timeout)
        told = json.loads(read_text(self._files.result) or "{}")
        lives, promoted = detached.is_held(self._files.promoting), is_promoted(self._directory)
        if not told and (lives or not promoted):
            raise CoordinatorError(
                f"the standby in {self._directory} was to be promoted by a process that {'still works' if lives else 'is gone'} and did "
                "not say how that ended: see its log, and run this again",
                disarmed=False,
                promoted=promoted,
            )
        self.clear()
        return {"disarmed": False, "handover": told} if told else {"disarmed": False}


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def begun(arming: Arming, found: Proof) -> dict[str, t.Any]:
    """The entry of the audit that an activation finds when it finishes the promotion."""
    why = f"the primary was shut down: its last record, the checkpoint of that, ends at {found.position}, and the standby has it"
    verdict = {"state": "mirrored", "allowed": True, "reason": "planned switchover", "proof": why}
    return {
        "event": record.BEGUN,
        "verdict": verdict,
        "loss": dataclasses.asdict(loss.Loss(loss.NONE, 0, 0, why, loss.Window())),
        "timeline": arming.timeline,
    }
