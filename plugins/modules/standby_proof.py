#!/usr/bin/python
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the action plugin of the same name, which does all of it on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: standby_proof
short_description: Keep the proof that a pair is mirrored
version_added: 0.1.0
description:
  - Runs on all hosts of a cluster, at the end of what made its standby. Where the standby was not seen stream in sync and replay a write,
    or a host was lost on the way, it fails on all of them, so that all take back what they did. Where it was seen, what an activation needs
    to know when the primary cannot be asked is kept on the standby's host, by M(warehousepg.coordinator.standby_record).
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
      - Name of the variable with the result of M(warehousepg.coordinator.standby_plan).
    type: str
    required: true
  configuration:
    description:
      - Name of the variable with the result of M(warehousepg.coordinator.standby_config) on the standby's host. In check mode it is what
        proves that the pair can be mirrored.
    type: str
    required: true
  verification:
    description:
      - Name of the variable with the result of M(warehousepg.coordinator.mirroring_info) on the primary's host, with a write.
    type: str
    required: true
  record:
    description:
      - Name of the variable with the options of M(warehousepg.coordinator.standby_record) that the plan does not have, C(file),
        C(data_directory) and C(greenplum_path).
    type: str
    required: true
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

EXAMPLES = r"""
- name: Keep the proof
  warehousepg.coordinator.standby_proof:
    verdict: verdict
    plans: plans
    configuration: configuration
    verification: verification
    record: record_options
"""

RETURN = r"""
unkept:
  description: Why nothing could be kept on the standby's host, though the pair is mirrored; empty when it was.
  returned: on the standby's host
  type: str
  sample: ""
"""
