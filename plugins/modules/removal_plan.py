#!/usr/bin/python
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the action plugin of the same name, which does all of it on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: removal_plan
short_description: Plan what has to be done to give up a standby coordinator
version_added: 0.1.0
description:
  - Runs on the controller, on no host. Says what of a cluster's standby is to be removed on which host, what stays, or why nothing is
    begun. The role P(warehousepg.coordinator.disable_mirroring#role) does what it says.
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
  warehousepg.coordinator.removal_plan:
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
      description: Why nothing can be begun; empty when it can.
      type: str
      sample: ""
    primary:
      description: Host that is primary, V(null) when that was not seen.
      type: str
      sample: cdw
    standby:
      description: Host whose instance is given up, V(null) where there is none or where its host is not reached.
      type: str
      sample: scdw
    directories:
      description: Data directories of the primary whose C(pg_hba.conf) loses the rules of this collection.
      type: list
      elements: str
      sample: [/data/whpg/v7/coordinator/gpseg-1]
    access:
      description:
        - By host, the C(data_directories) of segments there and the C(rules) of this collection that they keep. There are none, unless the
          primary may have been a standby once, which is let in by no other rules.
      type: dict
      sample:
        sdw1: {data_directories: [/data/whpg/v7/primary/gpseg0], rules: []}
    hosts:
      description: Hosts of coordinators on which files of this collection are removed.
      type: list
      elements: str
      sample: [cdw, scdw]
    system_identifier:
      description: System identifier of the cluster, V(null) with a refusal.
      type: str
      sample: "7711121183714698180"
    primary_dbid:
      description: Number of the primary, V(null) with a refusal.
      type: int
      sample: 1
    places:
      description: Directories in which a copy's tablespaces may have been staged on the standby's host.
      type: list
      elements: str
      sample: []
    found:
      description: What there is to be removed.
      type: list
      elements: str
      sample: [row, slot, role, access rules, instance, passfile, record]
    left:
      description: What stays, and what to do about it.
      type: list
      elements: str
      sample: []
    own:
      description: Files that only the standby has, or has otherwise, and that WAL does not carry, its configuration apart.
      type: list
      elements: str
      sample: [gpbackup_history.db]
"""
