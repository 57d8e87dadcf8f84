# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Repeat a playbook until it is stopped."""

from __future__ import annotations

DOCUMENTATION = r"""
name: watch
short_description: Repeat the playbook that shows the state, until it is stopped
version_added: 0.1.0
description:
  - Returns its terms, the hosts of a play, where O(warehousepg.coordinator.status#role:main:status_watch) is not given. Where it is, the
    command is run again and again, each time as a program of its own, and the play of this run itself is never come to.
  - Internal, for the playbook C(status).
options:
  _terms:
    description: The hosts.
    required: true
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

EXAMPLES = r"""
- name: Show the state, once or until it is stopped
  hosts: "{{ query('warehousepg.coordinator.watch', 'whpg_clusters') }}"
  gather_facts: false
"""

RETURN = r"""
_raw:
  description: The terms.
  type: list
  elements: str
"""

import os
import sys
import typing as t

from ansible import context
from ansible.plugins.lookup import LookupBase
from ansible.utils import color
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._desired.options import option
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run import watching
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.invocation import is_ours, refuse


class LookupModule(LookupBase):
    """See above."""

    def run(self, terms: list[str], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[str]:
        """The terms, or until it is stopped again and again what the command shows."""
        seconds = option("status_watch", variables or {}, self._templar.template)
        if seconds is None or os.environ.get(watching.MARK):
            return terms
        asked = context.CLIARGS
        if any(asked.get(name) for name in ("listhosts", "listtasks", "listtags", "syntax")):
            return terms
        if [is_ours(playbook, "status") for playbook in asked.get("args") or ()] != [True]:
            refuse(
                f"status_watch is {seconds:g}, and what would be repeated is not the playbook status alone: run that by itself, or leave "
                "status_watch out"
            )
        return watching.repeat(sys.orig_argv, seconds, sys.stdout, color.ANSIBLE_COLOR)
