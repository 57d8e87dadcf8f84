# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: whole_run
author:
  - The warehousepg.coordinator authors (@warehousepg)
version_added: 0.1.0
short_description: Hosts of a play, unless the run would do less than it was asked for
description:
  - Returns its terms, the hosts of a play. It says why and ends the run where the command line names a playbook of this collection together
    with options that would leave out tasks of it, such as C(--tags), C(--skip-tags), or C(--start-at-task), or with a variable that looks
    like an option of this collection and is none, so that such a run does not end as if all were well.
  - Internal, for the playbooks of this collection. As the hosts of a play it is evaluated whatever tasks are left out.
options:
  _terms:
    description: The hosts.
    required: true
"""

EXAMPLES = r"""
- name: Refuse to do less than what was asked for
  hosts: "{{ query('warehousepg.coordinator.whole_run', 'localhost') }}"
  gather_facts: false
"""

RETURN = r"""
_raw:
  description: The terms.
  type: list
  elements: str
"""

import typing as t

from ansible import context
from ansible.plugins.loader import lookup_loader
from ansible.plugins.lookup import LookupBase
from ansible.utils.vars import load_extra_vars
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._desired import strangers
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.invocation import is_ours, left_out, refuse


class LookupModule(LookupBase):
    """See the documentation of the plugin."""

    def run(self, terms: list[str], variables: t.Any = None, **kwargs: t.Any) -> list[str]:
        """Return the terms, or end the run."""
        # Here, in the process of the run: else each task loads them on each host in a process of its own, which takes as long as they do.
        for name in ("option", "pair", "progress", "unconfigured"):
            lookup_loader.get(f"warehousepg.coordinator.{name}")
        asked = context.CLIARGS
        playbooks = asked.get("args") or ()
        why = left_out(playbooks, is_ours, asked.get("tags") or (), asked.get("skip_tags") or (), asked.get("start_at_task"))
        why = why or strangers.refusal(load_extra_vars(self._loader), all(map(is_ours, playbooks)))
        if why:
            refuse(why)
        return terms
