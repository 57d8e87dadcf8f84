#!/usr/bin/python
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the action plugin of the same name, which does all of it on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: removal_outcome
short_description: Say how giving up standby coordinators ended
version_added: 0.1.0
description:
  - Runs on the controller, on no host. Prints what was done for each cluster and what stays, and fails on one host of each cluster where
    it is not done.
  - It is the end of the role P(warehousepg.coordinator.disable_mirroring#role), and reads what the role's tasks registered.
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
extends_documentation_fragment:
  - warehousepg.coordinator.attributes
  - warehousepg.coordinator.verdict
options:
  plans:
    description:
      - Name of the variable with the result of M(warehousepg.coordinator.removal_plan).
    type: str
    required: true
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

EXAMPLES = r"""
- name: Summary
  warehousepg.coordinator.removal_outcome:
    verdict: verdict
    plans: plans
"""

RETURN = r"""
removed:
  description: Whether nothing of the standby is left that this run could reach; in check mode, whether it can be done.
  returned: on one host of each cluster
  type: bool
  sample: true
outcome:
  description: How it ended.
  returned: on one host of each cluster
  type: str
  sample: "unmirrored: cdw serves without a standby; nothing was left to remove"
left:
  description: What stays, and what to do about it.
  returned: on one host of each cluster
  type: list
  elements: str
  sample: []
"""
