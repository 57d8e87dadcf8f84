#!/usr/bin/python
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the action plugin of the same name, which does all of it on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: switchover_verdict
short_description: Judge whether a switchover goes on or is taken back
version_added: 0.1.0
description:
  - Runs on the controller, on no host, after the old primary was stopped, or was not, and the standby disarmed; and again after
    M(warehousepg.coordinator.coordinator_activation).
  - The old primary may serve again only where nothing can promote the standby any more. The standby may be promoted only where the old
    primary was seen shut down.
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
extends_documentation_fragment:
  - warehousepg.coordinator.attributes
options:
  plan:
    description:
      - What M(warehousepg.coordinator.switchover_plan) returned of the cluster.
    type: dict
    required: true
  stopped:
    description:
      - Name of the variable under which the result of stopping the old primary was registered.
    type: str
    required: true
  disarmed:
    description:
      - Name of the variable under which the result of disarming the standby was registered.
    type: str
    required: true
  activation:
    description:
      - Name of the variable under which the result of M(warehousepg.coordinator.coordinator_activation) was registered.
    type: str
    required: true
  brought:
    description:
      - Name of the variable under which the result of bringing the standby in step was registered.
    type: str
    required: true
  observation:
    description:
      - Name of the variable under which the result of M(warehousepg.coordinator.mirroring_info) was registered.
    type: str
    required: true
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

EXAMPLES = r"""
- name: Judge by what both hosts said
  warehousepg.coordinator.switchover_verdict:
    plan: "{{ plan }}"
    stopped: stopped
    disarmed: disarmed
    activation: activation
    brought: brought
    observation: observation
  register: verdict
"""

RETURN = r"""
way:
  description: V(forward), see to the new primary; V(back), let the old one serve again; V(unknown), neither is safe.
  returned: always
  type: str
  sample: forward
reason:
  description: Why.
  returned: always
  type: str
  sample: scdw is primary
exact_loss:
  description: Where the old primary's WAL ends on its disk; V(null) where that was not read.
  returned: always
  type: dict
  sample: {end: 0/C0001F0, timeline: 1, why: ""}
drift:
  description: Files that the old primary changed until it was stopped, and that the new one lacks so.
  returned: always
  type: list
  elements: str
  sample: []
"""
