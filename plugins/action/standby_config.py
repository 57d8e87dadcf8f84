# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Configure a standby, and have ready what the tasks after it need."""

from __future__ import annotations

import typing as t

from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.payloads import ModuleAction


class ActionModule(ModuleAction):
    """The controller's part of M(warehousepg.coordinator.standby_config)."""

    MODULE: t.ClassVar[str] = "standby_config"
