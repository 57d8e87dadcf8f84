# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An option of a role that is secret."""

from __future__ import annotations

DOCUMENTATION = r"""
name: secret
short_description: An option of a role of this collection that is secret, as it is given
version_added: 0.1.0
description:
  - Secret options are in no result, so that tasks take them from the variables of the host. Facts are among these, and any host may tell
    any facts; an option that is one of them is refused.
  - Tasks that use this have C(no_log), where it would be shown.
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
- name: Post something
  ansible.builtin.uri:
    url: "{{ lookup('warehousepg.coordinator.secret', 'coordinator_notice_url') }}"
  no_log: true
"""

RETURN = r"""
_raw:
  description: The value of each option.
  type: list
  elements: raw
"""

import typing as t

from ansible.plugins.lookup import LookupBase
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._desired.options import secret


class LookupModule(LookupBase):
    """See above."""

    def run(self, terms: t.Sequence[str], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[t.Any]:
        """The value of each option."""
        return [secret(name, variables or {}, self._templar.template) for name in terms]
