# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tasks after this one run."""

from __future__ import annotations


class ModuleDocFragment:
    """The option of modules that know what comes after them."""

    DOCUMENTATION = r"""
options:
  next_modules:
    description:
      - Modules of this collection, by their names in it, that tasks after this one run. What is sent to hosts for them is made on the
        controller meanwhile.
    type: list
    elements: str
    default: []
"""
