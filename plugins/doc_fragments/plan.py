# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a plan for all clusters is made of."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of every module that plans."""

    DOCUMENTATION = r"""
options:
  clusters:
    description:
      - What M(warehousepg.coordinator.mirroring_verdict) returned of all clusters.
    type: dict
    required: true
  observation:
    description:
      - Name of the variable under which the results of M(warehousepg.coordinator.mirroring_info) were registered.
    type: str
    required: true
"""
