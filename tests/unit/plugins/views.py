# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is seen of the two hosts of a mirrored pair."""

from __future__ import annotations

from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.evidence import View

PRIMARY = View(
    "cdw",
    observed=True,
    directory_state="instance",
    role="primary",
    running=True,
    suspended=False,
    answered=True,
    system_identifier="1",
    timeline=1,
    place=(5432, "/c", 1),
    registered=(5432, "/s", 8),
    streaming=True,
    acknowledged=True,
    caught_up=True,
)
STANDBY = View(
    "scdw",
    observed=True,
    directory_state="instance",
    role="standby",
    running=True,
    suspended=False,
    system_identifier="1",
    timeline=1,
    place=(5432, "/s", 8),
)
