# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far the work on a cluster came."""

from __future__ import annotations

DOCUMENTATION = r"""
name: progress
short_description: How far the work on the present host's cluster came
version_added: 0.1.0
description:
  - Answers to what the tasks of a role ask of what was done before them in the cluster of the present host, by what was registered on its
    hosts. They are properties of the C(Progress) of the role's intent, in C(plugins/plugin_utils/_<intent>/progress.py).
  - It is worked out anew whenever it is asked for.
  - Internal, for the roles of this collection.
options:
  _terms:
    description: The intent.
    type: list
    elements: str
    required: true
  finished:
    description:
      - Return, instead of answers, what runs note that they began and of which nothing is left, for
        M(warehousepg.coordinator.coordinator_lock).
    type: bool
    default: false
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

EXAMPLES = r"""
- name: Say that it is done
  ansible.builtin.debug:
    msg: the standby was seen to stream
  when: lookup('warehousepg.coordinator.progress', 'standby').verified
"""

RETURN = r"""
_raw:
  description: By name, each answer; with nothing done where nothing was planned.
  type: list
  elements: raw
"""

import typing as t

from ansible.plugins.lookup import LookupBase
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.progress import answers
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.stage import Task
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.stages import PROGRESS


class LookupModule(LookupBase):
    """See above."""

    def run(self, terms: t.Sequence[str], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[t.Any]:
        """The answers of each intent."""
        self.set_options(var_options=variables, direct=kwargs)
        known = variables or {}
        task = Task(known, self._templar.template, bool(known.get("ansible_check_mode")))
        found = [task.progress(*PROGRESS[intent]) for intent in terms]
        return [of.finished() if self.get_option("finished") else answers(of) for of in found]
