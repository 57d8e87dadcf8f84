# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What is sent to hosts for modules, made before the tasks that send it: most of the seconds of a task that does little."""

from __future__ import annotations

import contextlib
import os
import typing as t

from ansible import constants as C
from ansible.plugins.action import ActionBase


def make(action: ActionBase, modules: t.Iterable[str], variables: t.Mapping[str, t.Any]) -> None:
    """Make what is sent for modules, for any task of this run.

    :param action: the action of a task on a host like those that it will be sent to.
    :param modules: modules of this collection, by their names in it.
    :param variables: all variables of that host.
    """
    for module in modules:
        action._configure_module(module_name=f"warehousepg.coordinator.{module}", module_args={}, task_vars=variables)


def unmade(modules: t.Iterable[str]) -> t.Iterator[str]:
    """Those of the modules that nobody in this run of a playbook makes it for; whoever takes one has to.

    Hosts that take one after the other share the work.
    """
    return (module for module in modules if _is_first(os.path.join(C.DEFAULT_LOCAL_TMP, f"warehousepg-payload-{module}")))


def _is_first(mark: str) -> bool:
    try:
        os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


@contextlib.contextmanager
def made_meanwhile(action: ActionBase, modules: t.Sequence[str], variables: t.Mapping[str, t.Any]) -> t.Iterator[None]:
    """Make it in another process, while this one waits for a host."""
    child = os.fork() if modules else None
    if child == 0:
        # Whatever goes wrong goes wrong again in the task that needs it, and is told there.
        try:
            make(action, modules, variables)
        finally:
            os._exit(0)
    try:
        yield
    finally:
        if child is not None:
            os.waitpid(child, 0)


class ModuleAction(ActionBase):
    """The action of a module that needs nothing of the controller but this: what is made while the module runs."""

    _supports_check_mode = True

    #: the module's name in this collection
    MODULE: t.ClassVar[str]

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Run the module."""
        result = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        next_modules = arguments.pop("next_modules", None) or ()
        with made_meanwhile(self, list(unmade(next_modules)), task_vars or {}):
            result.update(
                self._execute_module(module_name=f"warehousepg.coordinator.{self.MODULE}", module_args=arguments, task_vars=task_vars)
            )
        return result
