# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a module does in check mode and diff mode, and when it is run again."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes that every module states."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description:
      - Can run in C(check_mode) and tell what it would change, without changing anything.
  diff_mode:
    description:
      - Shows in diff mode what was observed before and after.
  idempotent:
    description:
      - Run again in the same circumstances, it changes nothing.
      - This presupposes that the system it was run on did not change meanwhile.
"""
