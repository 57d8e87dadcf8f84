# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the action plugin of this name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mirroring_verdict
short_description: Judge what state a pair of coordinators is in
version_added: 0.1.0
description:
  - Runs on the controller alone, once for all hosts of the play. Takes what M(warehousepg.coordinator.mirroring_info) returned on
    the hosts of each cluster that takes part, and decides who is primary, in what state the pair is, and whether the standby may be
    activated.
  - The hosts of a cluster are those of the group C(whpg_clusters) with the same variable C(cluster_name). Those whose variable
    C(whpg_role) is V(coordinator) or V(standby) may carry the coordinator.
  - A host that was not reached, or took no part in the run, is unknown. It is never taken for down.
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
  observation:
    description:
      - Name of the variable in which the result of M(warehousepg.coordinator.mirroring_info) was registered on each host.
    type: str
    required: true
  lock:
    description:
      - Name of the variable in which the result of M(warehousepg.coordinator.coordinator_lock) was registered on the hosts of coordinators,
        of a run that wants to act on the pairs.
    type: str
  role:
    description:
      - The role that acts, whose options count.
    type: str
    default: discovery
  display:
    description:
      - What to print.
      - V(screen) one screen for people for each cluster.
      - V(quiet) one line for each cluster that is not as the inventory asks for, or that there is a warning about, the cluster's name
        first.
      - V(none) nothing.
    type: str
    choices: [none, quiet, screen]
    default: none
  report_file:
    description:
      - File on the controller to write the state of all clusters to, as one JSON document. It is the output of a look at the clusters, so
        it is written in check mode too, and is no change.
      - The schema is in the role P(warehousepg.coordinator.status#role), in C(files/status.schema.json).
      - It comes into its place whole, with mode C(0644). Its directory must be there.
    type: path
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

EXAMPLES = r"""
- name: Judge what was seen
  warehousepg.coordinator.mirroring_verdict:
    observation: observation
  run_once: true
  register: verdict

- name: Show a state
  ansible.builtin.debug:
    msg: "{{ verdict.clusters[cluster_name].state }}"
"""

RETURN = r"""
clusters:
  description: The verdict on each cluster, by its name.
  returned: always
  type: dict
  contains:
    state:
      description:
        - V(mirrored), V(degraded), V(primary_hung), V(primary_down), V(both_down), V(primary_unknown), V(split_brain) or V(unmirrored).
      type: str
      sample: mirrored
    reasons:
      description: What was seen, in sentences.
      type: list
      elements: str
      sample: [scdw streams in sync from cdw]
    advice:
      description: What to do next.
      type: str
      sample: nothing
    primary:
      description: Host that is primary, or was last, V(null) when that was not seen.
      type: str
      sample: cdw
    standby:
      description: Host that is standby, V(null) when there is none.
      type: str
      sample: scdw
    activation:
      description: Whether the standby may be activated.
      type: bool
      sample: false
    activation_reason:
      description: Why, or what is missing.
      type: str
      sample: "the primary serves: use a switchover"
    serves:
      description: Whether the primary was asked and answered, so that something can be done with it.
      type: bool
      sample: true
    as_desired:
      description:
        - Whether it is what the inventory asks for, RV(clusters.state=mirrored), or RV(clusters.state=unmirrored) where it names no host
          for a standby.
      type: bool
      sample: true
    coordinators:
      description: Hosts that may carry the coordinator.
      type: list
      elements: str
      sample: [cdw, scdw]
    segment_hosts:
      description: The other hosts of the cluster.
      type: list
      elements: str
      sample: [sdw1]
    role:
      description: The role for which the cluster was looked at.
      type: str
      sample: standby
    options:
      description: What the options of all roles are for the pair, as M(warehousepg.coordinator.mirroring_info) returned them.
      type: dict
      sample:
        standby_port: 5433
    wrong:
      description: What is wrong with the options that count for the role, and what both hosts ask for differently, in sentences.
      type: list
      elements: str
      sample: []
    variables:
      description: By host, what the inventory tells of it, typed and defaulted.
      type: dict
      sample:
        cdw:
          whpg_port: 5432
    reporter:
      description: The first host of the cluster that takes part in the run, to speak for the cluster once.
      type: str
      sample: cdw
    unknown:
      description: Hosts that were not observed, and why.
      type: dict
      sample: {}
    obstacle:
      description: Why the host that is not primary cannot take a copy of the primary, V(null) when it can.
      type: str
      sample: null
    busy:
      description:
        - That another run works on the pair, or that neither host could be locked, and what to do; empty when this run may act, and without
          O(lock).
      type: str
      sample: ""
    unlocked:
      description: By host that was reached and could not be locked, why; the lock on the other host counts for both.
      type: dict
      sample: {}
    maintenance:
      description: That the pair is in maintenance and how that ends; empty when it is not.
      type: str
      sample: ""
    screen:
      description: The lines of the screen for people.
      type: list
      elements: str
      sample: ["Cluster demo: mirrored"]
"""
