# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Work of a module that outlasts the connection that began it.

It is done by a process of its own, which is forked from the module: what the module was given stays in memory. Each execution of the
module waits for it for a while, and tells how far it has come. Where nobody asks for it any more, it gives itself up. The execution that
begins it waits, too, so that short work takes one execution, as it does without all this. Of works on the same thing there is one at a
time: the next run may come before one is given up whose run is gone, and ends it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import glob
import json
import os
import shutil
import signal
import tempfile
import threading
import time
import traceback
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.parameters import remove_values
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import detached, logout, work
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host, read_text

#: names, in the environment of a module, the work: an :class:`Asking`; without it, a module does its work itself
VARIABLE = "WHPG_OUTLASTING"

#: the key of a result that tells of work which goes on, or of which nothing is known
GOES_ON = "outlasting"

#: file in the directory of a work whose presence ends it
END = "end"

#: how the names of these directories begin, and the file in them that the process holds
_PREFIX, _ALIVE = "coordinator-work-", "alive"

#: file that tells what is worked on
_OF = "of"

#: seconds that a work has to end for the next one
_END = 60.0

#: seconds that the execution which begins the work waits for it, and those that follow it, once it does what takes long
_PATIENCE, _FURTHER = 2.0, 1.5

#: seconds that each waits at most
_MOST = 10.0

#: seconds after which the directory of a work whose process is gone is nobody's any more
_DEAD = 60.0

#: seconds between two looks of an execution, and of the process that does the work
_PAUSE, _WATCH = 0.01, 0.1


@dataclasses.dataclass(frozen=True)
class Asking:
    """What is asked of a work.

    :param begin: whether it is begun where it is not there.
    :param token: what it is known by.
    :param lease: seconds after which it gives itself up unless it is asked for again.
    """

    begin: bool
    token: str
    lease: float

    def __str__(self) -> str:
        return f"{'begin' if self.begin else 'follow'} {self.token} {self.lease:g}"

    @classmethod
    def parse(cls, text: str) -> Asking:
        """What :func:`str` made of it."""
        how, token, lease = text.split()
        return cls(how == "begin", token, float(lease))


@dataclasses.dataclass(eq=False)
class Ended(BaseException):
    """How a module ends; raised where it would.

    :param failed: by ``fail_json``, or else by ``exit_json``.
    :param result: what that is called with.
    """

    failed: bool
    result: dict[str, t.Any]


class State:
    """What a work and those who ask for it tell each other, by files in a directory that no other user can see into.

    :param directory: the directory.
    """

    def __init__(self, directory: str) -> None:
        self.directory = directory

    @classmethod
    def of(cls, token: str) -> State:
        """That of a work on this host."""
        return cls(os.path.join(tempfile.gettempdir(), f"{_PREFIX}{token}"))

    @property
    def exists(self) -> bool:
        """Whether it is there.

        :raises CoordinatorError: it is another user's.
        """
        if os.path.lexists(self.directory) and not self.is_own:
            raise CoordinatorError(f"{self.directory} belongs to another user: remove it, and run this again")
        return os.path.lexists(self.directory)

    @property
    def is_own(self) -> bool:
        """Whether it is there, and this user's."""
        try:
            return os.lstat(self.directory).st_uid == os.getuid()
        except FileNotFoundError:
            return False

    def path(self, name: str) -> str:
        """Path of a file."""
        return os.path.join(self.directory, name)

    def write(self, name: str, value: t.Any) -> None:
        """Write a file whole; after a power failure there is no work that it would tell of."""
        new = self.path(f"{name}.new")
        with open(new, "w", encoding="utf-8") as file:
            json.dump(value, file, default=list)
        os.replace(new, self.path(name))

    def read(self, name: str) -> t.Any:
        """The value of a file, None where there is none."""
        text = read_text(self.path(name))
        return None if text is None else json.loads(text)

    def grant(self, lease: float) -> None:
        """Let the work go on for so many seconds from now."""
        with contextlib.suppress(OSError):
            self.write("lease", lease)

    @property
    def takes_long(self) -> bool:
        """Whether the work has come to what takes long."""
        return os.path.exists(self.path("progress"))

    @property
    def lives(self) -> bool:
        """Whether the process that does the work is there."""
        return detached.is_held(self.path(_ALIVE))

    @property
    def ends(self) -> bool:
        """Whether the work is to end."""
        return os.path.exists(self.path(END)) or not os.path.isdir(self.directory)

    def end(self) -> None:
        """Let the work end; its process removes the directory."""
        with contextlib.suppress(OSError), open(self.path(END), "w", encoding="ascii"):
            pass


def run(module: AnsibleModule, work_on: t.Callable[[], None], of: str) -> None:
    """Do the work of a module, in a process that outlasts it if that is asked for, and end the module.

    :param work_on: the work; it ends the module by its ``exit_json`` or ``fail_json``.
    :param of: directory that is worked on.
    """

    def body() -> None:
        if not module.check_mode:
            _end_others(module, os.path.realpath(of))
        work_on()

    asked = os.environ.get(VARIABLE)
    if not asked or module.check_mode:
        body()
        return
    asking = Asking.parse(asked)
    state = State.of(asking.token)
    try:
        if not state.exists:
            if not asking.begin:
                module.exit_json(**{GOES_ON: {}})
            if not _begin(module, body, state, asking.lease, os.path.realpath(of)):
                body()
                return
        ended = _follow(state, asking)
    except CoordinatorError as error:
        module.fail_json(msg=error.message)
    (module.fail_json if ended.failed else module.exit_json)(**ended.result)


def _end_others(module: AnsibleModule, of: str) -> None:
    """End other works on a directory, and wait for that; end the module where one does not."""
    found = map(State, glob.glob(os.path.join(glob.escape(tempfile.gettempdir()), f"{_PREFIX}*")))
    others = [other for other in found if other.is_own and other.read(_OF) == of and other.read(_ALIVE) != os.getpid()]
    for other in others:
        other.end()
    deadline = time.monotonic() + _END
    while any(other.lives for other in others):
        work.check()
        if time.monotonic() > deadline:
            pids = ", ".join(str(other.read(_ALIVE)) for other in others if other.lives)
            module.fail_json(msg=f"an earlier run is still at work on {of} and does not end: end its process {pids}, and run this again")
        time.sleep(_WATCH)


def _begin(module: AnsibleModule, body: t.Callable[[], None], state: State, lease: float, of: str) -> bool:
    """Begin a work; False where there cannot be a process that outlasts this connection."""
    if logout.ending(Host(module)):
        return False
    try:
        detached.run(_Process(module, body, state, lease, of).do)
    except (CoordinatorError, OSError):  # no room for a file or a process
        return False
    return True


def _follow(state: State, asking: Asking) -> Ended:
    """The result of a work, or that it goes on.

    :raises CoordinatorError: its process is gone.
    """
    found = _wait(state, asking)
    if found is None:
        return Ended(False, {GOES_ON: {"directory": state.directory, "progress": state.read("progress")}})
    if asking.begin:  # one that follows may not be heard, and comes again
        state.end()
    return Ended(**found)


def _wait(state: State, asking: Asking) -> dict[str, t.Any] | None:
    """Wait for the result of a work; None where it goes on.

    :raises CoordinatorError: its process is gone.
    """
    began = now = time.monotonic()
    patience, granted = _PATIENCE if asking.begin else _FURTHER, 0.0
    while now < began + (patience if state.takes_long else _MOST):
        if now >= granted + 1:
            state.grant(asking.lease)
            granted = now
        lives = state.lives
        result: dict[str, t.Any] | None = state.read("result")
        if result is not None:
            return result
        if not lives:
            shutil.rmtree(state.directory, ignore_errors=True)
            raise CoordinatorError("the process that did the work was killed: what it left is removed by the next run; run this again")
        time.sleep(_PAUSE)
        now = time.monotonic()
    return None


def _remove_dead() -> None:
    """Remove what is left of works of this user whose processes were killed, and which nobody asked for since."""
    for path in glob.glob(os.path.join(glob.escape(tempfile.gettempdir()), f"{_PREFIX}*")):
        with contextlib.suppress(OSError):
            found = os.lstat(path)
            if found.st_uid == os.getuid() and time.time() - found.st_mtime > _DEAD and not State(path).lives:
                shutil.rmtree(path, ignore_errors=True)


class _Process:
    """The process that does the work.

    :param module: the module, whose memory it has.
    :param body: its work.
    :param state: where it is told of.
    :param lease: seconds until it must be asked for again.
    :param of: directory that is worked on.
    """

    def __init__(self, module: AnsibleModule, body: t.Callable[[], None], state: State, lease: float, of: str) -> None:
        self._module = module
        self._body = body
        self._state = state
        self._lease = lease
        self._of = of
        self._asked_at: tuple[int, int] | None = None
        self._expires = time.monotonic() + lease

    def do(self, ready: t.Callable[[], None]) -> None:
        """Do it, tell the result, and stay until it was taken, or is not asked for any more."""
        with self._placed():
            ready()
            signal.signal(signal.SIGTERM, lambda _signal, _frame: work.cancel("it was given up: its process was ended by a signal"))
            over = threading.Event()
            watcher = threading.Thread(target=self._watch, args=(over,), daemon=True)
            watcher.start()
            try:
                ended = self._do()
            finally:
                over.set()
                watcher.join()
            told = dict(vars(ended))
            self._state.write("result", remove_values(told, self._module.no_log_values))
            while not self._state.ends and not self._expired():
                time.sleep(_WATCH)

    @contextlib.contextmanager
    def _placed(self) -> t.Iterator[None]:
        """While this lasts, the directory is there; nobody sees it before it tells that this process lives."""
        _remove_dead()
        made = State(tempfile.mkdtemp(prefix=_PREFIX))
        made.write(_ALIVE, os.getpid())
        made.write(_OF, self._of)
        with detached.held(made.path(_ALIVE)):
            os.rename(made.directory, self._state.directory)
            try:
                yield
            finally:
                shutil.rmtree(self._state.directory, ignore_errors=True)

    def _do(self) -> Ended:
        def ending(failed: bool) -> t.Callable[..., t.NoReturn]:
            def end(*message: str, **result: t.Any) -> t.NoReturn:
                raise Ended(failed, {**({"msg": message[0]} if message else {}), **result})

            return end

        # what the module would print is printed by an execution that somebody reads
        vars(self._module).update(exit_json=ending(False), fail_json=ending(True))
        try:
            self._body()
            return Ended(True, {"msg": "the work ended without a result"})
        except Ended as ended:
            return ended
        except work.Cancelled as cancelled:
            return Ended(True, {"msg": cancelled.message, **cancelled.data})
        except Exception as error:  # as Ansible shows what a module did not expect
            return Ended(True, {"msg": f"{type(error).__name__}: {error}", "exception": traceback.format_exc()})

    def _watch(self, over: threading.Event) -> None:
        """Tell how far the work has come, and see whether it is still asked for."""
        measured_at, pause = 0.0, 0.0
        while not over.wait(_WATCH):
            if self._state.ends:
                work.cancel("it was given up: the run that asked for it was interrupted")
            elif self._expired():
                within = f"within {self._lease:g} s"
                work.cancel(f"it was given up: nobody asked for it {within}; see that the host can be reached, and run this again")
            elif time.monotonic() - measured_at >= pause:
                begun = time.monotonic()
                self._tell()
                measured_at = time.monotonic()
                # what has many files takes a while to look at
                pause = max(_FURTHER / 2, 10 * (measured_at - begun))

    def _tell(self) -> None:
        if work.takes_long() or self._state.takes_long:
            found = work.progress()
            with contextlib.suppress(OSError):  # the next time
                self._state.write("progress", dataclasses.asdict(found) if found else None)

    def _expired(self) -> bool:
        """Whether nobody has asked for the work for the time that was granted."""
        try:
            status = os.stat(self._state.path("lease"))
            asked_at = (status.st_ino, status.st_mtime_ns)
            if asked_at != self._asked_at:
                self._asked_at, self._lease = asked_at, float(self._state.read("lease"))
                self._expires = time.monotonic() + self._lease
        except (OSError, ValueError, TypeError):
            pass  # it is written just now
        return time.monotonic() >= self._expires
