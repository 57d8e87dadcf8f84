#!/usr/bin/python
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the action plugin of the same name, which does all of it on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: standby_outcome
short_description: Say how making standbys ended
version_added: 0.1.0
description:
  - Runs on the controller, on no host. It is the last task of the role P(warehousepg.coordinator.standby#role), and reads what the tasks
    of that role registered.
  - Prints one line for each cluster of the play, and fails on one host of each cluster that is not mirrored.
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
  timeout:
    description:
      - Seconds that the standbys had.
    type: float
    required: true
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

EXAMPLES = r"""
- name: Summary
  warehousepg.coordinator.standby_outcome:
    verdict: verdict
    plans: plans
    timeout: 60
"""

RETURN = r"""
mirrored:
  description: Whether the cluster's pair was seen mirrored; in check mode, whether it can be.
  returned: on one host of each cluster
  type: bool
  sample: true
outcome:
  description: The same in words.
  returned: on one host of each cluster
  type: str
  sample: "mirrored: scdw streams in sync from cdw; a write was acknowledged and replayed, up to 0/48000118"
"""
