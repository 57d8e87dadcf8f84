# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the action plugin of the same name, which does all of it on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: intent
short_description: Judge, plan, decide or conclude on the controller what a role is for
version_added: 0.1.0
description:
  - Internal, for the roles of this collection. It may change at any time, its options and what it returns too.
  - Runs on the controller, on no host. A stage reads what the tasks of the role registered before, by the names that it knows of.
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
  of:
    description:
      - The role.
    type: str
    choices:
      [activate_standby, disable_mirroring, discovery, drill, history, lift_fence, maintenance, release, standby, status, switchover]
    required: true
  stage:
    description:
      - What is done of it.
      - V(judge) what all hosts of the clusters showed, for O(of=discovery) and O(of=status).
      - V(plan) what has to be done on which host, for all clusters at once.
      - V(hook) what the operator's tasks are told, for the one host of a cluster that runs them.
      - V(heed) the plans again, nothing being begun where the operator's tasks before it failed.
      - V(decide) whether the work on a cluster goes on, by what was done so far.
      - V(conclude) tell how it ended for each cluster, and fail where it did not end well.
      - V(tell) what a notice tells of a cluster, for O(of=discovery).
      - V(warn) of notices that were not taken, for O(of=discovery).
      - V(show) what the controller keeps, for O(of=history).
    type: str
    choices: [judge, plan, hook, heed, decide, conclude, tell, warn, show]
    required: true
  seen:
    description:
      - By what of the standby's host it is planned that was looked at since the clusters were judged, for O(of=standby).
    type: list
    elements: str
    choices: [former, looked]
    default: []
  phase:
    description:
      - Whether that is before anything is changed or when it is known how it ended, for O(stage=hook).
    type: str
    choices: [pre, post]
  after:
    description:
      - The role that has ended, for O(stage=tell).
    type: str
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

EXAMPLES = r"""
- name: Plan
  warehousepg.coordinator.intent:
    of: activate_standby
    stage: plan
  run_once: true
  register: __activate_standby_plans
"""

RETURN = r"""
clusters:
  description: By cluster, the verdict on it or the plan for it.
  returned: by O(stage=judge) and O(stage=plan)
  type: dict
  sample: {}
told:
  description:
    - Lines that the callback P(warehousepg.coordinator.pairs#callback) prints, block by block; a screen begins with an empty line.
  returned: when that is the callback that prints
  type: list
  elements: list
  sample: [["demo: not in maintenance"]]
"""
