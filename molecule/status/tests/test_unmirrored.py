# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the status playbook says of a coordinator without a standby."""

from __future__ import annotations

from conftest import HERE, playbook, status


def test_unmirrored():
    assert playbook(str(HERE / "shared/reset.yml")).returncode == 0
    assert status() == ("unmirrored", 2)
