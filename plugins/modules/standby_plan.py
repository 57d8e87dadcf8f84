#!/usr/bin/python
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the action plugin of the same name, which does all of it on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: standby_plan
short_description: Plan what has to be done to mirror a coordinator
version_added: 0.1.0
description:
  - Runs on the controller, on no host. Compares what all hosts of a cluster showed with what is wanted, and says what has to be done
    where, or why nothing can be begun. The role P(warehousepg.coordinator.standby#role) does what it says.
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
options:
  former:
    description:
      - Name of the variable under which, on the host of the standby that is to be, the result of M(warehousepg.coordinator.mirroring_info)
        was registered of the place that the standby is to leave. Without it RV(clusters.move) tells where to look.
    type: str
  looked:
    description:
      - Name of the variable under which, on that host, the result of M(warehousepg.coordinator.mirroring_info) was registered of the look
        that RV(clusters.look) asks for.
    type: str
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

EXAMPLES = r"""
- name: Plan
  warehousepg.coordinator.standby_plan:
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
    left_alone:
      description: Why nothing is to be done, and the cluster has no standby; empty where it is to have one.
      type: str
      sample: ""
    unsettled:
      description: What is not as it is wanted; where it is empty, nothing has to be done.
      type: list
      elements: str
      sample: [state, row, slot, record]
    tasks:
      description: Name of the role's tasks that do what has to be done; empty where nothing has.
      type: str
      sample: make
    primary:
      description: Host that is primary.
      type: str
      sample: cdw
    standby:
      description: Host that is, or is to be, the standby.
      type: str
      sample: scdw
    copying:
      description: Whether a copy has to be made.
      type: bool
      sample: true
    look:
      description:
        - The option C(look) of M(warehousepg.coordinator.mirroring_info) for a further look at the standby's host, at what it needs there
          beside its data directory; empty where none is needed.
      type: dict
      sample: {}
    password_missing:
      description: Whether a password has to be chosen.
      type: bool
      sample: true
    registration:
      description: Options for M(warehousepg.coordinator.standby_registration).
      type: dict
      sample:
        standby_hostname: scdw
        standby_address: scdw
        standby_port: 5432
        standby_data_directory: /data/whpg/v7/standby/gpseg-1
    registered:
      description: Whether the catalog has a standby already, whatever it says of it.
      type: bool
      sample: false
    access:
      description: By host, the C(data_directories) and C(rules) for M(warehousepg.coordinator.host_access).
      type: dict
      sample: {}
    closed:
      description: Hosts where an instance lacks its rules.
      type: list
      elements: str
      sample: [cdw, scdw, sdw1]
    primary_host:
      description: Name or address that the standby reaches the primary by.
      type: str
      sample: cdw
    primary_port:
      description: Port of the primary.
      type: int
      sample: 5432
    connection:
      description: Further parameters of libpq.
      type: dict
      sample: {}
    snapshot:
      description: Options of the copy, for M(warehousepg.coordinator.standby_config).
      type: dict
      sample: {}
    listen_addresses:
      description: Value of that setting on the standby, V(null) where it stays as it is.
      type: str
      sample: null
    expected_dbid:
      description: Number under which the standby is registered, or will be.
      type: int
      sample: 8
    record:
      description: Options for M(warehousepg.coordinator.standby_record).
      type: dict
      sample: {}
    rejoin:
      description: Options for a former primary that is to become the standby, for M(warehousepg.coordinator.standby_config).
      type: dict
      sample: {}
    way:
      description: By which C(method) it will become the standby, and for which C(reason); empty where nothing has to be done for that.
      type: dict
      sample: {}
    files:
      description:
        - What a rewind or a copy will do with its files that the engine does not keep by itself, those that only it has, C(kept), and those
          that the primary has otherwise, C(set_aside), and where a C(pg_wal) that is a link leads, C(wal_directory); empty where neither is
          made.
      type: dict
      sample: {kept: [gpbackup_history.db], set_aside: [], wal_directory: null}
    rewind_rules:
      description: Rules that let it in while it is rewound, for M(warehousepg.coordinator.standby_registration).
      type: list
      elements: dict
      sample: []
    fenced:
      description: Hosts with a packet filter against it.
      type: list
      elements: str
      sample: []
    move:
      description:
        - How the standby comes to another place than the catalog has it in; empty where it stays, or where there is none that it could go
          back to. C(kind) is V(name), V(directory) or V(host), C(host) where it is and C(look) whether that has to be looked at first,
          C(registration) and C(dbid) what it has now, C(stops) whether it is there, C(renames) whether its directory is renamed instead
          of a copy made, C(left) what stays on a host that is not reached, C(own) files that only the one has whose place a copy takes.
          C(meanwhile) and C(before) are as RV(clusters.access), with both standbys let in, and with the former one alone.
      type: dict
      sample: {}
"""
