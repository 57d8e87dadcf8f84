# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An option of a role, where it is needed before all are read."""

from __future__ import annotations

DOCUMENTATION = r"""
name: option
short_description: An option of a role of this collection, typed and defaulted
version_added: 0.1.0
description:
  - What an option of a role is on the present host, as its argument spec types and defaults it, wherever the value comes from.
  - For the tasks that come before M(warehousepg.coordinator.mirroring_info) returns all of them, and for the keywords of that one.
options:
  _terms:
    description: Names of options.
    type: list
    elements: str
    required: true
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

EXAMPLES = r"""
- name: Become the user that runs the engine, unless that is who Ansible connects as
  ansible.builtin.command: id
  become: "{{ lookup('warehousepg.coordinator.option', 'discovery_become') }}"
  become_user: "{{ lookup('warehousepg.coordinator.option', 'discovery_user') }}"
"""

RETURN = r"""
_raw:
  description: The value of each option.
  type: list
  elements: raw
"""

import typing as t

from ansible.plugins.lookup import LookupBase
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._desired.options import option


class LookupModule(LookupBase):
    """See above."""

    def run(self, terms: t.Sequence[str], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[t.Any]:
        """The value of each option."""
        return [option(name, variables or {}, self._templar.template) for name in terms]
