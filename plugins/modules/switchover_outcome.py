#!/usr/bin/python
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the action plugin of the same name, which does all of it on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: switchover_outcome
short_description: Say how switchovers ended
version_added: 0.1.0
description:
  - Runs on the controller, on no host. It is the last task of the role P(warehousepg.coordinator.switchover#role), and reads what
    the tasks of that role registered.
  - Prints for each cluster of the play how it ended, with the write gap and the seconds of each phase; its last line begins with
    V(switched), V(SWITCHED WITH TROUBLE), V(NOT switched) or V(NOT KNOWN TO BE SWITCHED). Writes the same for programs into a file, and
    adds a line to the audit trail. Fails on one host of each cluster that is not switched, or not without trouble.
  - In check mode nothing is written.
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
      - Name of the variable with the result of M(warehousepg.coordinator.switchover_plan).
    type: str
    required: true
  standby_plans:
    description:
      - Name of the variable with the result of M(warehousepg.coordinator.standby_plan), where it was come to that.
    type: str
    required: true
  result_file:
    description:
      - File on the controller for the result of the host's cluster, one JSON document, replaced whole.
    type: path
    required: true
  audit_file:
    description:
      - File on the controller that gets a line of JSON, the same document.
    type: path
    required: true
  timeout:
    description:
      - Seconds that the new standby had to stream, be in sync and catch up.
    type: float
    required: true
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

EXAMPLES = r"""
- name: Summary
  warehousepg.coordinator.switchover_outcome:
    verdict: verdict
    plans: plans
    standby_plans: standby_plans
    result_file: ~/.whpg/demo.switchover.json
    audit_file: ~/.whpg/demo.audit.jsonl
    timeout: 60
"""

RETURN = r"""
outcome:
  description:
    - V(switched); V(switched_with_trouble), promoted, but something after it failed; V(already_switched), nothing was left to be done;
      V(not_switched); V(unknown), a host was lost on the way; in check mode V(possible) or V(not_switched).
  returned: on one host of each cluster
  type: str
  sample: switched
result_file:
  description: The file that tells more.
  returned: on one host of each cluster
  type: str
  sample: ~/.whpg/demo.switchover.json
"""
