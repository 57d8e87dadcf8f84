# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lock a pair of coordinators for this run, also where a run of this controller that is gone left its lock behind."""

from __future__ import annotations

import getpass
import json
import os
import platform
import shlex
import subprocess
import time
import typing as t

from ansible.plugins.action import ActionBase


def started(pid: int) -> str | None:
    """When a process of this host started, as the host tells it; None when there is none."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
            return stat.read().rpartition(")")[2].split()[19]  # field 22: ticks since the host started
    except FileNotFoundError:
        if os.path.isdir("/proc/self"):
            return None
    shown = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return shown.stdout.strip() or None


def this_run() -> dict[str, t.Any]:
    """The run that this task belongs to: the playbook's process, whose child carries out the task."""
    pid = os.getppid()
    return {"user": getpass.getuser(), "controller": platform.node(), "pid": pid, "started": started(pid) or ""}


def is_gone(holder: t.Mapping[str, t.Any], controller: str) -> bool:
    """Whether the run that holds a lock is known to have ended: it was one of this controller's."""
    return holder["controller"] == controller and started(holder["pid"]) != holder["started"]


def shell_path(path: str) -> str:
    """A path as a shell reads it; C(~/) is the home directory."""
    return '"$HOME"/' + shlex.quote(path[2:]) if path.startswith("~/") else shlex.quote(path)


def taking(path: str, holder: t.Mapping[str, t.Any], purpose: str, seconds: float) -> str:
    """The shell command that takes a lock which nobody holds, and prints since when by the clock of the host; otherwise it fails.

    A link is made or it is not, so that of two runs one fails.

    :param path: the file.
    :param seconds: how long it counts.
    """
    text = json.dumps({"holder": holder, "since": "since", "expires": "expires", "purpose": purpose}).replace("%", "%%")
    text = shlex.quote(text.replace('"since": "since"', '"since": %s').replace('"expires": "expires"', '"expires": %s') + "\\n")
    return (
        f'umask 077; file={shell_path(path)}; mkdir -p "${{file%/*}}" && now=$(date +%s) && '
        f'printf {text} "$now" "$((now + {int(seconds)}))" > "$file.$$" && ln "$file.$$" "$file"; '
        'code=$?; rm -f "$file.$$"; echo "$now"; exit $code'
    )


def removal(path: str, holder: dict[str, t.Any]) -> str:
    """The shell command that releases a lock which this run holds; otherwise it fails.

    As the module does, it locks the directory, so that nobody changes the file meanwhile.
    """
    own = shlex.quote(json.dumps({"holder": holder})[1:-1])
    return f'file={shell_path(path)}; exec 9< "${{file%/*}}" && flock 9 && grep -qF {own} "$file" && rm "$file"'


class ActionModule(ActionBase):
    """The controller's part of M(warehousepg.coordinator.coordinator_lock)."""

    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Take the lock where nobody holds it, or release it where this run does, by a command that is quicker than the module.

        Otherwise run the module, once more when the lock that it was refused belongs to a run that is gone.
        """
        result = super().run(tmp, task_vars)
        holder = this_run()
        done = self._take(holder) or self._release(holder)
        if done:
            result.update(done)
            return result

        def attempt(**more: t.Any) -> dict[str, t.Any]:
            return t.cast(
                "dict[str, t.Any]",
                self._execute_module(
                    module_name="warehousepg.coordinator.coordinator_lock",
                    module_args={**self._task.args, "holder": holder, **more},
                    task_vars=task_vars,
                ),
            )

        found = attempt()
        held = found.get("lock") if found.get("failed") else None
        if held and is_gone(held["holder"], holder["controller"]):
            found = attempt(gone=held["holder"])
        result.update(found)
        return result

    def _take(self, holder: dict[str, t.Any]) -> dict[str, t.Any]:
        """The module's result where the lock could be taken; empty where the module has to see what is there."""
        options = self._task.args
        wanted = {"file", "purpose"} <= set(options) <= {"file", "purpose", "seconds", "state"}
        if not wanted or options.get("state", "present") != "present" or self._task.check_mode:
            return {}
        try:
            seconds = float(options.get("seconds", 900))
        except (TypeError, ValueError):
            return {}
        since, result = self._do("take", taking(str(options["file"]), holder, str(options["purpose"]), seconds))
        if not since.isdigit():
            return {}
        lock = {"holder": holder, "since": float(since), "expires": float(since) + int(seconds), "purpose": options["purpose"]}
        return {**result, "lock": lock}

    def _release(self, holder: dict[str, t.Any]) -> dict[str, t.Any]:
        """The module's result where the lock could be released; empty where the module has to see what is there."""
        options = self._task.args
        if set(options) != {"file", "state"} or options["state"] != "absent" or self._task.check_mode:
            return {}
        return self._do("release", removal(str(options["file"]), holder))[1]

    def _do(self, step: str, command: str) -> tuple[str, dict[str, t.Any]]:
        """What a command printed, and the module's result after it, without a lock; both empty where it failed."""
        began = time.monotonic()
        done = self._low_level_execute_command(command)
        if done["rc"] != 0:
            return "", {}
        steps = [{"name": step, "seconds": round(time.monotonic() - began, 3)}]
        return done["stdout"].strip(), {"changed": True, "steps": steps, "lock": None, "former": None}
