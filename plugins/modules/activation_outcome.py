#!/usr/bin/python
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the action plugin of the same name, which does all of it on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: activation_outcome
short_description: Say how activations ended
version_added: 0.1.0
description:
  - Runs on the controller, on no host. It is the last task of the role P(warehousepg.coordinator.activate_standby#role), and reads what the
    tasks of that role registered.
  - Prints for each cluster of the play how it ended; its last line begins with V(activated), V(ACTIVATED WITH TROUBLE), V(NOT activated) or
    V(NOT KNOWN TO BE ACTIVATED). Writes the same for programs into a file, and adds a line to the audit trail. Fails on one host of each
    cluster that is not activated, or not without trouble.
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
      - Name of the variable with the result of M(warehousepg.coordinator.activation_plan).
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
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

EXAMPLES = r"""
- name: Summary
  warehousepg.coordinator.activation_outcome:
    verdict: verdict
    plans: plans
    result_file: ~/.whpg/demo.activation.json
    audit_file: ~/.whpg/demo.audit.jsonl
"""

RETURN = r"""
outcome:
  description:
    - V(activated); V(activated_with_trouble), promoted, but something after it failed; V(already_activated), nothing was left to be done;
      V(not_activated); V(unknown), the host was lost while it was promoted; in check mode V(possible) or V(not_activated).
  returned: on one host of each cluster
  type: str
  sample: activated
result_file:
  description: The file that tells more.
  returned: on one host of each cluster
  type: str
  sample: ~/.whpg/demo.activation.json
"""
