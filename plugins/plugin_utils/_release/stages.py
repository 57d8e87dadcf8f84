# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What releasing a primary has done on the controller."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run import stage
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.progress import Plan
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.stage import Situation

INTENT = "release"

_NOTHING_ASKED = (
    "say what is to be released, release_commits=true (commits that wait for the standby go on) or release_wal=true (WAL retained for a "
    "standby that is disconnected may go)"
)


@dataclasses.dataclass(frozen=True)
class ReleasePlan(Plan):
    """What has to be done."""


def make(of: Situation) -> ReleasePlan:
    """What has to be done in a cluster: it is not guessed, and not done beside another run, in maintenance, or where no primary serves."""
    pair, asked = of.pair, of.pair.options
    refusal = "; ".join(pair.wrong)
    if not (refusal or asked["release_commits"] or asked["release_wal"]):
        refusal = _NOTHING_ASKED
    return ReleasePlan(refusal or of.hindrance, pair.primary)


def _plans(situations: t.Sequence[Situation]) -> t.Iterator[ReleasePlan]:
    return map(make, situations)


STAGES = {"plan": stage.plan(INTENT, _plans)}
