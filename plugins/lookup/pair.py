# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verdict on the cluster of a host."""

from __future__ import annotations

DOCUMENTATION = r"""
name: pair
short_description: The verdict on the present host's cluster
version_added: 0.1.0
description:
  - What P(warehousepg.coordinator.discovery#role) found out of the cluster of the present host, out of its verdict on all clusters. A
    template that names that verdict would evaluate all of it on each host.
  - Internal, for the roles of this collection.
options:
  _terms:
    description: None.
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

EXAMPLES = r"""
discovery_pair: "{{ lookup('warehousepg.coordinator.pair') }}"
"""

RETURN = r"""
_raw:
  description: The verdict.
  type: list
  elements: dict
"""

import typing as t

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.stage import VERDICT, Task


class LookupModule(LookupBase):
    """See above."""

    def run(self, terms: t.Sequence[str], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[t.Any]:
        """The verdict."""
        known = variables or {}
        if VERDICT not in known:
            raise AnsibleError("the clusters were not judged yet: run the role discovery before")
        return [Task(known, self._templar.template).of_cluster(VERDICT)]
