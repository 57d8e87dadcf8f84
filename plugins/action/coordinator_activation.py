# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Activate a standby, and show meanwhile how far the replay of WAL has come."""

from __future__ import annotations

from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.long_work import LongWork


class ActionModule(LongWork):
    """The controller's part of M(warehousepg.coordinator.coordinator_activation)."""
