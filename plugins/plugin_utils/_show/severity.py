# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Which state of a pair is worse than another."""

from __future__ import annotations

import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import verdict

#: states, the worst first
WORST_FIRST = (
    verdict.SPLIT_BRAIN,
    verdict.BOTH_DOWN,
    verdict.PRIMARY_DOWN,
    verdict.PRIMARY_UNKNOWN,
    verdict.PRIMARY_HUNG,
    verdict.DEGRADED,
    verdict.UNMIRRORED,
    verdict.MIRRORED,
)


def rank(state: str, as_desired: bool, warnings: t.Sequence[str] = ()) -> tuple[bool, int, bool]:
    """What clusters are sorted by, the worst first."""
    return as_desired, WORST_FIRST.index(state) if state in WORST_FIRST else -1, not warnings
