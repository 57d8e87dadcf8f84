# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the status playbook says of a coordinator without a standby."""

from __future__ import annotations

import pytest
from document import look


@pytest.mark.usefixtures("unmirrored")
def test_unmirrored(tmp_path):
    cluster, code = look(tmp_path)
    assert (cluster["state"], code) == ("unmirrored", 2)
    assert (cluster["registration"]["registered"], cluster["replication"]["connected"], cluster["slots"]) == (False, False, [])
    assert cluster["hosts"]["scdw"]["directory_state"] == "absent"
