# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hold, on the controller, the files that one host gave and another one is to get; no result has them."""

from __future__ import annotations

import contextlib
import hashlib
import os
import typing as t

from ansible import constants as C
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase


def held(cluster: str) -> str:
    """Where what was packed of a cluster is held: in the private directory of this run, which goes when the run ends."""
    return os.path.join(C.DEFAULT_LOCAL_TMP, f"warehousepg-files-{hashlib.sha256(cluster.encode()).hexdigest()[:16]}")


class ActionModule(ActionBase):
    """The controller's part of M(warehousepg.coordinator.coordinator_files)."""

    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Run the module, and take from its result what is to be held, or give it that."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        path = held(str(arguments.get("cluster")))
        if self._task.check_mode:
            result.update(changed=arguments.get("state") == "brought")
            return result
        if arguments.get("state") == "brought":
            try:
                with open(path, encoding="ascii") as file:
                    arguments["archive"] = file.read()
            except FileNotFoundError as error:
                raise AnsibleActionFail("nothing was packed for this cluster in this run: pack it on the other host first") from error
        found = self._execute_module(module_name="warehousepg.coordinator.coordinator_files", module_args=arguments, task_vars=task_vars)
        archive = found.pop("archive", None)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        if archive is not None:
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
                file.write(archive)
        result.update(found)
        return result
