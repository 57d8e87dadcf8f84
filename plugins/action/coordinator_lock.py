# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lock a pair of coordinators for this run, and renew the lock while the run lives."""

from __future__ import annotations

import dataclasses
import os
import time
import typing as t

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lock import LIFETIME, Holder
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run import locking
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.limits import PATIENCE, answers_within
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.people import harmless, tell, told

#: seconds that it may take to renew a lock
_RENEWAL_TIMEOUT = 30.0


def not_released(host: str, why: str, finished: t.Sequence[str]) -> str:
    """What is said where a lock stays.

    :param finished: what this run may have noted there, and finished.
    """
    noted = "; what this run finished may be noted there as unfinished: run this again" if finished else ""
    return f"warning: the lock on {host} was not released, and counts for {LIFETIME:.0f} s more: {why}{noted}"


class ActionModule(ActionBase):
    """The controller's part of M(warehousepg.coordinator.coordinator_lock): all of it but the commands that it sends."""

    _supports_check_mode = True
    _timeout = PATIENCE

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Take or release the lock."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _dummy, options = self.validate_argument_spec(
            {
                "file": {"type": "str", "required": True},
                "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
                "purpose": {"type": "str"},
                "wait": {"type": "float", "default": 0},
                "finished": {"type": "list", "elements": "str", "default": []},
                "cluster": {"type": "str"},
                "timeout": {"type": "float", "default": PATIENCE},
            },
            required_if=[("state", "present", ("purpose",))],
        )
        self._timeout = options["timeout"]
        own = locking.this_run(os.getppid())  # the process of the playbook, whose child carries out the task
        try:
            if options["state"] == "present":
                result.update(self._take(options, own))
            elif not self._task.check_mode:
                result.update(self._release(options, own))
        except CoordinatorError as error:
            result.update(failed=True, msg=error.message)
        if result.get("failed"):
            result["msg"] = harmless(result["msg"])  # it may have been read from the host
        if result.get("failed") and options["state"] == "absent":
            where = str((task_vars or {}).get("inventory_hostname"))
            stays = not_released(where, result["msg"], options["finished"])
            tell(f"{options['cluster']}: {stays}" if options["cluster"] else stays)
        result["changed"] = False  # none is left behind
        return {**result, **told()}

    def _take(self, options: t.Mapping[str, t.Any], own: Holder) -> dict[str, t.Any]:
        check = bool(self._task.check_mode)
        taking = locking.taking(
            options["file"], own, options["purpose"], lambda holder: locking.is_gone(holder, own), options["wait"], check
        )
        taken = self._converse(taking)
        lock = taken.seen.lock
        result: dict[str, t.Any] = {
            "file": taken.seen.file,
            "lock": dataclasses.asdict(lock) if lock else None,
            "former": dataclasses.asdict(taken.former) if taken.former else None,
        }
        if taken.refusal:
            return {**result, "failed": True, "msg": taken.refusal}
        if not check:
            result["held"] = {"file": taken.seen.file, "holder": dataclasses.asdict(own)}
        if taken.seen.changed:
            self._keep(taken.seen.file, own)
        return result

    def _converse(self, taking: locking.Taking) -> locking.Taken:
        """Do what is asked of the host until it is known how it ended."""
        ask = next(taking)
        while True:
            try:
                if ask is None:
                    time.sleep(locking.PAUSE)
                    ask = taking.send(None)
                else:
                    ask = taking.send(self._ask(ask))
            except StopIteration as end:
                return t.cast(locking.Taken, end.value)

    def _release(self, options: t.Mapping[str, t.Any], own: Holder) -> dict[str, t.Any]:
        try:
            seen = self._ask(locking.Ask(locking.RELEASE, options["file"], own, finished=tuple(options["finished"])))
        except AnsibleConnectionFailure as error:
            return {"failed": True, "msg": str(error)}
        if seen.changed:
            return {"lock": None}
        holder = f"{seen.lock.purpose} by {seen.lock.holder} holds it" if seen.lock else "it is gone"
        return {"failed": True, "msg": f"this run did not hold it any more: {holder}"}

    def _ask(self, ask: locking.Ask) -> locking.Seen:
        """What was seen after something was asked of the host.

        :raises CoordinatorError: it could not be done.
        """
        with answers_within(self._timeout):
            done = self._low_level_execute_command(ask.command)
        if done["rc"] != 0:
            raise CoordinatorError(f"the lock cannot be written: {(done['stderr'] or done['stdout']).strip()}")
        return locking.parse_seen(done["stdout"])

    def _keep(self, file: str, own: Holder) -> None:
        """Renew the lock as long as this run lives and holds it, by a process that ends with it.

        It is a process beside those of tasks, for one of them, a copy for instance, may last for hours. Should it fail, the run notices
        before its next change whether another one has taken the lock.
        """
        if os.fork():
            return
        try:
            nowhere = os.open(os.devnull, os.O_RDWR)
            for standard in range(3):  # whoever reads what the run says must not wait for this process
                os.dup2(nowhere, standard)
            self._timeout = _RENEWAL_TIMEOUT
            while self._lives(own):
                try:
                    if not self._ask(locking.Ask(locking.RENEW, file, own)).changed:
                        break
                except (AnsibleError, CoordinatorError, OSError):
                    pass  # the next time may go better
        finally:
            os._exit(0)

    @staticmethod
    def _lives(own: Holder) -> bool:
        """Whether the run lives when its lock is to be renewed."""
        for _second in range(int(locking.RENEWAL)):
            time.sleep(1)
            if locking.started(own.pid) != own.started:
                return False
        return True
