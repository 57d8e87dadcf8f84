# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Modules whose work outlasts the connection that began it: asked for until it has ended, and shown meanwhile to people at a terminal."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import json
import os
import secrets
import shlex
import signal
import time
import typing as t
from urllib.parse import quote

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import border
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.outlasting import END, GOES_ON, VARIABLE, Asking
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.work import Progress
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.inventory import name_of
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.limits import answers_within
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.progress_lines import DIRECTORY

#: seconds after which work gives itself up that nobody asks for: at first, and once it is known to go on
FIRST_LEASE, LEASE = 15.0, 60.0

#: seconds that a host has to answer once the work goes on
_ANSWER = 30.0

#: what is said of work that was followed
_LOST = f"what was begun there was lost: where nobody asks for it for {LEASE:g} s, it is given up and removed; run this again"

#: seconds between two attempts to reach a host
_PAUSE = 1.0

#: seconds of which the rate is worked out
_RECENT = 20.0


class Pace:
    """How fast work goes, by what was done of it in the last seconds."""

    def __init__(self) -> None:
        self._seen: collections.deque[tuple[float, int]] = collections.deque()

    def figures(self, done: int, total: int, now: float) -> dict[str, t.Any]:
        """The bytes per second, and the seconds that are left at this rate, each None where it is not known.

        :param done: bytes that are done.
        :param total: bytes in all; 0 where that is not known.
        :param now: seconds by a clock that only goes forward.
        """
        if self._seen and done < self._seen[-1][1]:
            self._seen.clear()  # it is something else now
        self._seen.append((now, done))
        while now - self._seen[0][0] > _RECENT and len(self._seen) > 2:
            self._seen.popleft()
        (since, before), seconds = self._seen[0], now - self._seen[0][0]
        rate = int((done - before) / seconds) if now > since else 0
        return {"rate": rate or None, "left": max(total - done, 0) // rate if rate and total else None}


class Shown:
    """The file by which people see how far the work on a host has come, if anybody looks.

    :param variables: all variables of the host.
    """

    def __init__(self, variables: t.Mapping[str, t.Any]) -> None:
        directory, host = os.environ.get(DIRECTORY), str(variables.get("inventory_hostname"))
        self._path = os.path.join(directory, f"{quote(host, safe='')[:200]}.json") if directory else None
        self._told = {"host": host, "cluster": name_of(variables)}
        self._pace = Pace()
        self._what = ""

    def write(self, progress: t.Any, now: float) -> None:
        """Tell how far it has come.

        :param progress: that of a :class:`work.Progress`, as its host tells it; of anything else nothing is to be seen.
        :param now: seconds by a clock that only goes forward.
        """
        if self._path is None:
            return
        try:
            found = border.parse(Progress, progress)
        except ValueError:
            self.remove()
            return
        if found.what != self._what:
            self._what, self._pace = found.what, Pace()
        figures = self._pace.figures(found.done, found.total, now)
        with contextlib.suppress(OSError):  # whoever looked is gone
            with open(f"{self._path}.new", "w", encoding="utf-8") as file:
                json.dump({**self._told, **dataclasses.asdict(found), **figures}, file)
            os.replace(f"{self._path}.new", self._path)

    def remove(self) -> None:
        """Nothing is to be seen any more."""
        if self._path is not None:
            with contextlib.suppress(OSError):
                os.unlink(self._path)


def follow(
    execute: t.Callable[[Asking], dict[str, t.Any]],
    goes_on: t.Callable[[t.Mapping[str, t.Any]], None],
    lost: t.Callable[[], None],
    clock: t.Callable[[], float] = time.monotonic,
) -> dict[str, t.Any]:
    """Let a module do its work, and return its result.

    :param execute: executes the module once.
    :param goes_on: is told what an execution said of work which goes on.
    :param lost: is called after a connection was lost, before the next attempt.
    :raises AnsibleConnectionFailure: the host was lost for longer than its work waits for somebody who asks, or does not know of it.
    """
    asking = Asking(True, secrets.token_hex(16), FIRST_LEASE)
    heard, failure, known = clock(), None, False
    while True:
        try:
            result = execute(asking)
        except AnsibleConnectionFailure as error:
            failure = failure or error
            # a host that was not heard at all is asked once more: it may have begun
            if clock() - heard < asking.lease if known else asking.begin:
                asking = Asking(False, asking.token, asking.lease)
                lost()
                continue
            result = {GOES_ON: {}}
        if GOES_ON not in result:
            return result
        if not result[GOES_ON]:
            if known or failure is None:
                raise AnsibleConnectionFailure(f"{_LOST}: {failure}" if failure else _LOST)
            raise failure
        heard, failure, known = clock(), None, True
        asking = Asking(False, asking.token, LEASE)
        goes_on(result[GOES_ON])


class Guard:
    """Ends work on a host once this process is through with it, whichever way it ends itself.

    That is done by a process beside it, which an interruption of the run does not reach.

    :param end: ends it; may be called in vain.
    """

    def __init__(self, end: t.Callable[[], None]) -> None:
        reader, self._writer = os.pipe()
        if os.fork():
            os.close(reader)
            return
        try:
            os.setsid()
            for number in (signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.close(self._writer)
            nowhere = os.open(os.devnull, os.O_RDWR)
            for standard in range(3):  # whoever reads what the run says must not wait for this process
                os.dup2(nowhere, standard)
            os.read(reader, 1)  # nothing comes but its end
            end()
        finally:
            os._exit(0)

    def release(self) -> None:
        """Let the work end."""
        os.close(self._writer)


class LongWork(ActionBase):
    """The controller's part of a module whose work takes long."""

    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Run the module; its result is as if it had done its work itself."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        if self._task.async_val or self._task.check_mode:
            wrap = bool(self._task.async_val) and not self._connection.has_native_async
            result.update(self._execute_module(task_vars=variables, wrap_async=wrap))
            return result
        shown = Shown(variables)
        guards: list[Guard] = []
        run = os.getppid()

        def goes_on(told: t.Mapping[str, t.Any]) -> None:
            if os.getppid() != run:
                raise AnsibleError("the run that began this is gone")
            if not guards:
                guards.append(Guard(lambda: self._end(str(told["directory"]))))
            shown.write(told["progress"], time.monotonic())

        try:
            result.update(follow(lambda asking: self._ask(asking, variables), goes_on, self._reconnect))
        finally:
            shown.remove()
            for guard in guards:
                guard.release()
        return result

    def _ask(self, asking: Asking, variables: dict[str, t.Any]) -> dict[str, t.Any]:
        """Execute the module once."""
        environment = self._task.environment or []
        self._task.environment = [*(environment if isinstance(environment, list) else [environment]), {VARIABLE: str(asking)}]
        try:
            # the first may do all of the work
            with contextlib.nullcontext() if asking.begin else answers_within(_ANSWER):
                return t.cast("dict[str, t.Any]", self._execute_module(task_vars=variables))
        finally:
            self._task.environment = environment

    def _reconnect(self) -> None:
        """Forget a connection that was lost: one that others share may be waited for in vain."""
        time.sleep(_PAUSE)
        with contextlib.suppress(AnsibleError, OSError), answers_within(_ANSWER):
            self._connection.reset()

    def _end(self, directory: str) -> None:
        for _attempt in range(5):
            with contextlib.suppress(AnsibleError, OSError), answers_within(_ANSWER):
                end = f"{directory}/{END}"
                self._low_level_execute_command(f"test ! -d {shlex.quote(directory)} || touch {shlex.quote(end)}")
                return
            self._reconnect()
