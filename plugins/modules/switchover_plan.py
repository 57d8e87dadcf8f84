#!/usr/bin/python
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the action plugin of the same name, which does all of it on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: switchover_plan
short_description: Plan a switchover
version_added: 0.1.0
description:
  - Runs on the controller, on no host. Says whether the coordinators of a cluster can swap roles, whether a run that was cut off has to be
    finished or taken back, or why nothing is begun. The role P(warehousepg.coordinator.switchover#role) does what it says.
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
  warehousepg.coordinator.switchover_plan:
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
      description: Why nothing is begun; empty when it is.
      type: str
      sample: ""
    done:
      description: Host that is primary already, as wished; empty without one.
      type: str
      sample: ""
    begin:
      description: Whether the primary serves, and the switchover is begun.
      type: bool
      sample: true
    resume:
      description: Whether one that was cut off has to be finished.
      type: bool
      sample: false
    undo:
      description: Whether one that was cut off has to be taken back.
      type: bool
      sample: false
    begun:
      description: Whether a run that was cut off may have armed the standby.
      type: bool
      sample: false
    promoted:
      description: Whether the standby was primary already when it was looked.
      type: bool
      sample: false
    state:
      description: State of the pair.
      type: str
      sample: mirrored
    primary:
      description: Host that is, or was, primary.
      type: str
      sample: cdw
    standby:
      description: Host that is to be.
      type: str
      sample: scdw
    access:
      description: By host, the data directories and rules that have to be written.
      type: dict
      sample: {}
    floating:
      description: By host, whether it is to have the floating address.
      type: dict
      sample: {scdw: present, cdw: absent}
    drift:
      description: Files that are brought to the standby before its primary is stopped.
      type: list
      elements: str
      sample: []
    accept_drift:
      description: Settings and files that may differ.
      type: list
      elements: str
      sample: []
    connection:
      description: Parameters of libpq with which clients reach the primary, wherever it is.
      type: str
      sample: host=scdw,cdw port=5432,5432 target_session_attrs=read-write
    hook:
      description: Whether the hook command is to be run.
      type: bool
      sample: false
    follows:
      description: Whether something is to be done for clients after the promotion.
      type: bool
      sample: false
    warnings:
      description: What the operator should know beside that.
      type: list
      elements: str
      sample: []
    audit:
      description: Who runs this, C(who), on which C(controller), and a name for the C(run).
      type: dict
      sample: {who: operator, controller: control1, run: 20261123T071500Z-4711}
"""
