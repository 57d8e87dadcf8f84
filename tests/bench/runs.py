# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run of each playbook that is timed on the pair: first what has to be there before it, which does not count."""

from __future__ import annotations

from typing import Callable

import cluster
from figures import Run

ENABLE = "warehousepg.coordinator.enable_mirroring"
ACTIVATE = "warehousepg.coordinator.activate_standby"
REJOIN = "warehousepg.coordinator.rejoin"


def enable() -> Run:
    cluster.reset()
    cluster.settle()
    return cluster.playbook(ENABLE)


def activate(pair: cluster.Kept, lose: Callable[[], None] = cluster.lose_primary, *arguments: str) -> Run:
    pair.restore()
    cluster.playbook(ENABLE)  # keeps what a fence on segment hosts needs; that nothing is lost no session of an idle cluster proves
    lose()
    return cluster.playbook(ACTIVATE, *arguments, module="coordinator_activation")


def rewind(pair: cluster.WithWal) -> Run:
    pair.diverge()
    cluster.settle()
    return cluster.playbook(REJOIN)
