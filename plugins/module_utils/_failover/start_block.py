# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Keeping a former primary down: its data directory is blocked for a start, and nothing of the instance is left running."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import stat
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host, read_text
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Step
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.processes import Process, processes
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.configuration import change_start_block
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import Instance, read_instance, wait_until

#: seconds that an instance has to stop at once, and that the kernel has to end killed processes
_IMMEDIATE_LIMIT, _KILL_LIMIT = 5, 10


@dataclasses.dataclass(frozen=True)
class Target:
    """A former primary that is to be kept down.

    :param instance: the instance.
    :param processes: the engine's processes that work in its data directory, also those whose postmaster is gone.
    """

    instance: Instance
    processes: tuple[Process, ...] = ()


def observe(host: Host, data_directory: str) -> Target:
    """Observe the instance and its processes."""
    return Target(read_instance(host, data_directory), tuple(family(data_directory, processes())))


def family(data_directory: str, running: t.Iterable[Process]) -> list[Process]:
    """The processes of the engine that work in a data directory, the postmaster first."""

    def belongs(process: Process) -> bool:
        program = os.path.basename(process.command[0].partition(":")[0])
        if program not in ("postgres", "postmaster") or process.state == "Z":
            return False
        with contextlib.suppress(OSError):
            return os.path.samefile(f"/proc/{process.pid}/cwd", data_directory)
        return False

    found = [process for process in running if belongs(process)]
    return sorted(found, key=lambda process: "-D" not in process.command)  # the others carry titles


def working(data_directory: str) -> tuple[int, ...]:
    """The numbers of these processes."""
    return tuple(process.pid for process in family(data_directory, processes()))


def plan(target: Target, include: str | None, user: str) -> list[Step]:
    """The steps that start-block an instance, or lift its start block.

    The start block comes first: an instance that was only stopped could be started again meanwhile.

    :param include: None to lift it.
    :param user: who carries them out.
    :raises CoordinatorError: there is nothing that could be start-blocked, or not by this user.
    """
    instance = target.instance
    if include is None:
        return [Step("lift_start_block")] if instance.start_block else []
    where = instance.data_directory
    if instance.directory_state != "instance":
        raise CoordinatorError(f"{where} holds no instance ({instance.directory_state}): correct data_directory")
    if instance.owner != user:
        raise CoordinatorError(f"the instance in {where} belongs to {instance.owner}: become {instance.owner} to start-block it")
    if instance.role == "standby" and (target.processes or not instance.start_block):
        raise CoordinatorError(f"the instance in {where} is a standby, accepts no writes and is not start-blocked: correct data_directory")
    block = [Step("block_start", {"include": include})] if instance.start_block != include else []
    return block + ([Step("stop")] if target.processes else [])


def write(host: Host, data_directory: str, include: str | None) -> None:
    """Start-block the data directory, or lift its start block."""
    path = os.path.join(data_directory, "postgresql.conf")
    text = read_text(path)
    if text is None:
        raise CoordinatorError(f"{path} does not exist, so that the instance cannot be start-blocked: give another proof that it is down")
    changed = change_start_block(text, include)
    if changed != text:
        host.write(path, changed, stat.S_IMODE(os.stat(path).st_mode))


def stop(data_directory: str, timeout: float) -> None:
    """Stop a start-blocked instance: fast, else at once, else by killing its processes; ends when none of them is left.

    :param timeout: seconds that it has to stop fast.
    :raises CoordinatorError: there are processes that the kernel does not end.
    """
    if not _ordered(data_directory, signal.SIGINT, timeout):
        end(data_directory, min(timeout, _IMMEDIATE_LIMIT))


def end(data_directory: str, timeout: float) -> None:
    """End a start-blocked instance at once, else by killing its processes; ends when none of them is left.

    :param timeout: seconds that it has to end by itself.
    :raises CoordinatorError: there are processes that the kernel does not end.
    """

    def killed() -> bool:
        found = left(data_directory)
        _signal(found, signal.SIGKILL)
        return not found

    if not _ordered(data_directory, signal.SIGQUIT, timeout) and not wait_until(killed, _KILL_LIMIT):
        pids = ", ".join(str(process.pid) for process in left(data_directory))
        raise CoordinatorError(
            f"the instance in {data_directory} is start-blocked, but its processes {pids} do not end, not even killed: power its host off"
        )


def left(data_directory: str) -> list[Process]:
    """The processes of the engine that work in a data directory now."""
    return family(data_directory, processes())


def _ordered(data_directory: str, order: signal.Signals, timeout: float) -> bool:
    """Whether an instance is gone, after an order to its postmaster where it can follow one."""
    found = left(data_directory)
    if not obeys(found):
        return not found
    _signal(found[:1], order)
    return wait_until(lambda: not left(data_directory), timeout)


def obeys(found: t.Sequence[Process]) -> bool:
    """Whether the processes of an instance can follow an order to stop: the postmaster leads them, and none is suspended."""
    return any("-D" in process.command for process in found[:1]) and not any(process.state in "Tt" for process in found)


def _signal(found: t.Iterable[Process], number: signal.Signals) -> None:
    for process in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, number)
