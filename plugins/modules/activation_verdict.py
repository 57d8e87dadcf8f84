#!/usr/bin/python
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the action plugin of the same name, which does all of it on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: activation_verdict
short_description: Judge whether a standby may be promoted
version_added: 0.1.0
description:
  - Runs on the controller, on no host, after the old primary was fenced. Judges the pair again with what the fences proved; a fence that
    failed, on whichever host, proves nothing.
  - In check mode, a fence that could be set counts as set.
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
  cluster:
    description:
      - Name of the cluster.
    type: str
    required: true
  pair:
    description:
      - What M(warehousepg.coordinator.mirroring_verdict) returned of it.
    type: dict
    required: true
  plan:
    description:
      - What M(warehousepg.coordinator.activation_plan) returned of it.
    type: dict
    required: true
  observation:
    description:
      - Name of the variable under which the results of M(warehousepg.coordinator.mirroring_info) were registered.
    type: str
    required: true
  fence:
    description:
      - Name of the variable under which the results of M(warehousepg.coordinator.coordinator_start_block) and
        M(warehousepg.coordinator.coordinator_fence) were registered.
    type: str
    required: true
  command:
    description:
      - Name of the variable under which the result of the fencing command was registered, on the old primary's host.
    type: str
    required: true
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

EXAMPLES = r"""
- name: Judge by what was proved
  warehousepg.coordinator.activation_verdict:
    cluster: "{{ cluster_name }}"
    pair: "{{ discovery_pair }}"
    plan: "{{ plan }}"
    observation: discovery_observation
    fence: fence
    command: command
  register: verdict
"""

RETURN = r"""
allowed:
  description: Whether the standby may be promoted.
  returned: always
  type: bool
  sample: true
state:
  description: State that the pair was in.
  returned: always
  type: str
  sample: primary_unknown
reason:
  description: Why, or what is missing.
  returned: always
  type: str
  sample: cdw is fenced
proof:
  description: What was seen of the fences, in sentences.
  returned: always
  type: str
  sample: "sdw1: packets of 10.0.0.11 on the ports 6000, 7000 are rejected, and no session is left"
exact_loss:
  description: What the old primary's disk has beyond the standby's; V(null) where that was not read.
  returned: always
  type: dict
  sample: null
drift:
  description: Files that the old primary has otherwise than the standby, and that are brought from it before the promotion.
  returned: always
  type: list
  elements: str
  sample: [pg_hba.conf]
accept_drift:
  description: Settings that keep their values meanwhile.
  returned: always
  type: list
  elements: str
  sample: []
old_files:
  description: What the standby may lack of the old primary's settings and files, a sentence; empty where it lacks none.
  returned: always
  type: str
  sample: ""
quiet_s:
  description:
    - Seconds since a segment host last had data from the old primary when it was fenced there; V(null) where no session told.
  returned: always
  type: float
  sample: 17.3
archive:
  description: On the old primary's host, the archive of WAL that the standby lacks; V(null) without one.
  returned: always
  type: str
  sample: null
"""
