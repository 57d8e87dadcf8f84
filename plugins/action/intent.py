# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Do, on the controller, a stage of what a role is for."""

from __future__ import annotations

import functools
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.hooks import problem
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.stage import Task
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.stages import STAGES
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.people import told


class ActionModule(ActionBase):
    """All of M(warehousepg.coordinator.intent)."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Do the stage."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        intent, name = (str(self._task.args.get(option)) for option in ("of", "stage"))
        stage = STAGES.get((intent, name))
        if stage is None:
            raise AnsibleActionFail(f"{intent} has no stage {name}: there are {', '.join(map(' '.join, STAGES))}")
        _dummy, options = self.validate_argument_spec({"of": {"type": "str"}, "stage": {"type": "str"}, **stage.options})
        task = Task(
            task_vars or {},
            self._templar.template,
            bool(self._task.check_mode),
            self._task.get_play().strategy,
            functools.partial(problem, loader=self._loader, variable_manager=self._task.get_variable_manager()),
        )
        result["changed"] = False
        try:
            result.update(stage.do(task, options))
        except AnsibleActionFail as error:
            lines = told()
            if not lines:
                raise
            result.update(lines, failed=True, msg=str(error))
        return {**result, **told()}
