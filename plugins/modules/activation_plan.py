#!/usr/bin/python
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the action plugin of the same name, which does all of it on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: activation_plan
short_description: Plan what has to be done to activate a standby coordinator
version_added: 0.1.0
description:
  - Runs on the controller, on no host. Takes what all hosts of a cluster showed and what the operator gave, and says how the old primary
    has to be fenced before the standby may be promoted, what follows after it, or why nothing is begun. The role
    P(warehousepg.coordinator.activate_standby#role) does what it says.
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
extends_documentation_fragment:
  - warehousepg.coordinator.attributes
  - warehousepg.coordinator.plan
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

EXAMPLES = r"""
- name: Plan
  warehousepg.coordinator.activation_plan:
    clusters: "{{ verdict.clusters }}"
    observation: observation
  run_once: true
  register: plans
"""

RETURN = r"""
clusters:
  description: The plan for each cluster, by its name.
  returned: always
  type: dict
  contains:
    refusal:
      description: Why nothing is begun, and which variable would help; empty when it is begun.
      type: str
      sample: ""
    done:
      description: Host that is primary already, by an activation that is complete; empty without one.
      type: str
      sample: ""
    resume:
      description: Whether an activation that was cut off has to be finished.
      type: bool
      sample: false
    state:
      description: State that the pair is in.
      type: str
      sample: primary_unknown
    primary:
      description: Host of the old primary.
      type: str
      sample: cdw
    standby:
      description: Host whose instance is to be primary.
      type: str
      sample: scdw
    fence:
      description: By host, options of the module of its C(kind), C(coordinator_start_block) or C(coordinator_fence).
      type: dict
      sample:
        sdw1:
          kind: fence
          addresses: [10.0.0.11]
          ports: [6000, 7000]
          timeout: 10
    command:
      description: Whether the fencing command has to be run.
      type: bool
      sample: false
    proof:
      description: What will prove that the old primary can do no harm.
      type: str
      sample: "10.0.0.11 rejected on sdw1, ports 6000, 7000"
    access:
      description: By host, the C(data_directories) and C(rules) for M(warehousepg.coordinator.host_access), where rules are missing.
      type: dict
      sample: {}
    floating:
      description: By host, whether it is to have the floating address, V(present) or V(absent).
      type: dict
      sample: {scdw: present}
    connection:
      description: Parameters of libpq with which clients reach the primary, on whichever of the two hosts it is.
      type: str
      sample: host=scdw,cdw port=5432,5432 target_session_attrs=read-write
    salvage_directory:
      description: Where WAL of the old primary is put on the standby's host, if it lacks any; empty where none can be brought.
      type: str
      sample: /data/whpg/v7/standby/.gpseg-1.coordinator_salvage
    hook:
      description: Whether the hook command has to be run after the promotion.
      type: bool
      sample: false
    follows:
      description: Whether something has to be done after the promotion at all.
      type: bool
      sample: false
    warnings:
      description: What the operator should know beside that.
      type: list
      elements: str
      sample: []
    audit:
      description: Who runs this, on which controller, and a name for the run.
      type: dict
      sample:
        who: operator
        controller: control1
        run: 20261123T071500Z-4711
"""
