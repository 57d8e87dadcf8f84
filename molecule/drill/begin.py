# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mirrored pair, of which no drill is known."""

from conftest import TOLD, mirror

mirror()
(TOLD / ".whpg/demo.audit.jsonl").unlink(missing_ok=True)
