# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""All stages of all intents: what M(warehousepg.coordinator.intent) does, and what their tasks ask of how far they came."""

from __future__ import annotations

import typing as t

from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._activate_standby import stages as activate_standby
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster import stages as discovery
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._disable_mirroring import stages as disable_mirroring
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._drill import stages as drill
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._history import stages as history
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._lift_fence import stages as lift_fence
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._maintenance import stages as maintenance
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._release import stages as release
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.progress import Plans, Progress
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.stage import Stage
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby import stages as standby
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._status import stages as status
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._switchover import stages as switchover

#: by intent and name
STAGES: dict[tuple[str, str], Stage] = {
    (intent.INTENT, name): stage
    for intent in (
        activate_standby,
        disable_mirroring,
        discovery,
        drill,
        history,
        lift_fence,
        maintenance,
        release,
        standby,
        status,
        switchover,
    )
    for name, stage in intent.STAGES.items()
}

#: by intent, what its progress is, and where its plans are registered
PROGRESS: dict[str, tuple[type[Progress[t.Any]], Plans[t.Any]]] = {
    intent.INTENT: intent.PROGRESS for intent in (activate_standby, disable_mirroring, drill, standby, switchover)
}
