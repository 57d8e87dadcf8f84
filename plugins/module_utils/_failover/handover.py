# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""A standby that is armed: a process beside it waits for the proof that its primary was shut down for it, and promotes it then.

The proof comes by the WAL: a text that was chosen for this arming, which the primary writes when it can no longer be started again,
and after it, as the last record of all, the checkpoint of a shutdown, both through one connection. Nothing can follow that one. A primary
that restarts itself after a crash writes such a checkpoint, too, when it has recovered (``CHECKPOINT_END_OF_RECOVERY`` in xlog.c); its
crash ended all connections before, for it waits until no walsender is left (``PM_WAIT_DEAD_END`` in postmaster.c). What comes while nobody
looks may have come by a connection that nobody saw: it proves nothing.

Each arming has a file of its own name, which is removed when it is taken back or another one comes in its place, and renamed by its
process before that promotes: one of them can do it, and no process can do so for the arming of another.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import glob
import json
import os
import secrets
import time
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import detached, logout
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host, read_text
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Step
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.processes import processes, read_process
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import instance, stream, wal
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import Instance, wait_until
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.postmaster import read_postmaster_file
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import gap, loss
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.activation import Activation, is_promoted
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import record

#: seconds between two looks at the WAL
_PAUSE = 0.01

#: seconds without a look at a walreceiver that lives in which another one may have come and gone: a crash, the recovery from it, a new
#: connection and the end of that take longer
_BLIND = 1.0

_BUSY = "the standby in {} is being promoted by an earlier run: wait for the end of that, and run this again"


@dataclasses.dataclass(frozen=True)
class Arming:
    """What an armed standby waits for.

    :param token: text that the primary writes into its WAL before it is stopped.
    :param timeline: the timeline that it follows.
    :param start: end of its WAL when it was armed.
    :param expires: when it waits no longer, in seconds since the epoch.
    :param proof_seconds: how long after the announcement the proof is waited for.
    """

    token: str
    timeline: int
    start: str
    expires: float
    proof_seconds: float = 60.0


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
        end=wal.end_of_wal(data_directory) if found.content == "instance" else None,
        armed=bool(files.waiting),
        promoting=os.path.exists(files.promoting),
        lives=_is_held(files.promoting),
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
    if standby.content != "instance" or standby.role != "standby":
        what = "holds no instance" if standby.content != "instance" else "holds a primary"
        raise CoordinatorError(f"{where} {what}, and cannot be armed: set data_directory to the standby's")
    if standby.fenced:
        raise CoordinatorError(f"the instance in {where} is fenced ({standby.fenced}): it must not be primary; run rejoin first")
    if running is None:
        raise CoordinatorError(f"the standby in {where} is stopped: start it")
    if running.frozen:
        raise CoordinatorError(f"the standby in {where} is frozen, one of its processes is stopped by a signal: let it go on")
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
        self._take_back()
        # what has its file no more cannot begin
        if _is_held(self._files.promoting):
            raise CoordinatorError(_BUSY.format(self._directory))
        self.forget()
        arming = Arming(secrets.token_hex(16), timeline, start, round(time.time() + seconds, 3), max_gap * gap.PROOF)

        def wait(ready: t.Callable[[], None]) -> None:
            self._host.write(self._files.of(arming), json.dumps(dataclasses.asdict(arming)) + "\n", 0o600)
            with _held(self._files.of(arming)):
                ready()
                self._wait(arming)

        detached.run(wait)
        return {"token": arming.token}

    def forget(self) -> None:
        """Remove what an earlier arming left."""
        self._take_back()
        for path in (self._files.promoting, self._files.result):
            _remove(path)

    def _take_back(self) -> None:
        """Take back all armings whose processes have not begun to promote."""
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
            return  # it was taken back, or another one came in its place
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
        doing = Activation(self._host, self._directory, self._port, self._timeout)
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
        self._take_back()
        if not os.path.exists(self._files.promoting):
            return {"disarmed": True}
        wait_until(lambda: os.path.exists(self._files.result) or not _is_held(self._files.promoting), 3 * self._timeout)
        told = json.loads(read_text(self._files.result) or "{}")
        lives, promoted = _is_held(self._files.promoting), is_promoted(self._directory)
        if not told and (lives or not promoted):
            raise CoordinatorError(
                f"the standby in {self._directory} was to be promoted by a process that {'still works' if lives else 'is gone'} and did "
                "not say how that ended: see its log, and run this again",
                disarmed=False,
                promoted=promoted,
            )
        self.forget()
        return {"disarmed": False, "handover": told} if told else {"disarmed": False}


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


@contextlib.contextmanager
def _held(path: str) -> t.Iterator[None]:
    """While this lasts, and this process lives, others see the file held, whatever its name is by then."""
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _is_held(path: str) -> bool:
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    finally:
        os.close(handle)


@dataclasses.dataclass(frozen=True)
class Proof:
    """That the primary was shut down, and that everything it wrote is here.

    :param position: the end of its WAL.
    :param announced: when its announcement was not here yet for the last time, by the monotonic clock.
    """

    position: Lsn
    announced: float


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


class Watch:
    """What was seen of the WAL so far.

    :param arming: what is waited for.
    :param now: seconds of the monotonic clock.
    :param receiver: the walreceiver that the WAL comes by.
    """

    def __init__(self, arming: Arming, now: float, receiver: int | None) -> None:
        self._token = arming.token.encode()
        self._timeline = arming.timeline
        self._position = Lsn.parse(arming.start)
        self._proof_seconds = arming.proof_seconds
        self._looked = self._alive = now
        self._receivers = set() if receiver is None else {receiver}
        self._announced: float | None = None
        #: whether what may come now is not the shutdown that was announced, or comes too late
        self.over = receiver is None

    def look(
        self,
        end: wal.End | None,
        now: float,
        receiver: int | None,
        then: float,
        holds: t.Callable[[wal.End, Lsn, bytes], bool] = wal.holds,
    ) -> Proof | None:
        """Look again; the proof, once it is there.

        :param end: where the WAL ends.
        :param now: seconds of the monotonic clock, before that was read.
        :param receiver: the walreceiver, after that was read; None without one.
        :param then: seconds of the monotonic clock, after that was seen.
        :param holds: as :func:`wal.holds`.
        """
        before, self._looked = self._looked, now
        arrives = self._announced is None and self._arrives(end, holds)
        if self._announced is None and not arrives and receiver is not None:
            self._receivers = {receiver}
        elif receiver is not None:
            self._receivers.add(receiver)  # it, or the one of the last look, brought the announcement
        if arrives:
            self._announced = before
        if receiver is not None:
            self._alive = now
        if self._announced is not None:
            unseen = receiver is None and then - self._alive > _BLIND
            self.over = self.over or unseen or len(self._receivers) != 1 or now - self._announced > self._proof_seconds
        if end is None or end.timeline != self._timeline or end.position < self._position:
            return None
        self._position = end.position
        return Proof(end.position, self._announced) if self._announced is not None and end.shutdown and not self.over else None

    def _arrives(self, end: wal.End | None, holds: t.Callable[[wal.End, Lsn, bytes], bool]) -> bool:
        """Whether the announcement is in what came since the last look."""
        if end is None or end.timeline != self._timeline or end.position <= self._position:
            return False
        return holds(end, self._position, self._token)


def wait_for_proof(data_directory: str, arming: Arming, armed: t.Callable[[], bool]) -> Proof | None:
    """The proof, as soon as it is there; None when the standby is not armed any more, or it took too long."""
    receiver = Receiver(data_directory)
    watch = Watch(arming, time.monotonic(), receiver.pid())
    while time.time() < arming.expires and not watch.over and armed():
        now = time.monotonic()
        end = wal.end_of_wal(data_directory)
        found = watch.look(end, now, receiver.pid(), time.monotonic())
        if found is not None:
            return found
        time.sleep(_PAUSE)
    return None


class Receiver:
    """The walreceiver of a standby; a new connection is a new process."""

    def __init__(self, data_directory: str) -> None:
        file = read_postmaster_file(data_directory)
        self._postmaster = file.pid if file else 0
        self._pid: int | None = None

    def pid(self) -> int | None:
        """Its process identifier now, None without one; all processes are looked through only where it is another one."""
        process = read_process(self._pid) if self._pid else None
        found = stream.walreceiver(self._postmaster, [process] if process else [])
        found = found or stream.walreceiver(self._postmaster, processes())
        self._pid = found.pid if found else None
        return self._pid
