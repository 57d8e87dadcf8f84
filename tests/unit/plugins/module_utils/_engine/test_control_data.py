# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.control_data import parse_controldata

from ..conftest import CONTROLDATA


def test_reads_controldata():
    control = parse_controldata(CONTROLDATA)
    assert control.system_identifier == "7711121183714698180"
    assert control.state == "in archive recovery"
    assert (control.timeline, control.segment_bytes, control.checksums) == (1, 67108864, True)
    assert (control.checkpoint, control.redo, control.consistent) == ("0/30000060", "0/30000028", "0/34000160")


@pytest.mark.parametrize("text", ["", "nonsense", CONTROLDATA.replace("TimeLineID:       1", "TimeLineID: x", 1)])
def test_refuses_other_controldata(text):
    with pytest.raises(CoordinatorError, match="pg_controldata is not understood"):
        parse_controldata(text)
