# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the verdict on all clusters is."""

from __future__ import annotations


class ModuleDocFragment:
    """The option of every module that goes by what was registered."""

    DOCUMENTATION = r"""
options:
  verdict:
    description:
      - Name of the variable with the result of M(warehousepg.coordinator.mirroring_verdict).
    type: str
    required: true
"""
