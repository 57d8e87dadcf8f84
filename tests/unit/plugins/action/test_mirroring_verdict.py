# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.warehousepg.coordinator.plugins.action.mirroring_verdict import why_missing


@pytest.mark.parametrize(
    ("observed", "why"),
    [
        (None, "it took no part in this run"),
        ({"unreachable": True, "msg": "No route\n to host "}, "unreachable: No route to host"),
        ({"msg": "python is missing"}, "not observed: python is missing"),
        ({"segments": []}, ""),
    ],
)
def test_a_host_without_an_observation_is_told_with_its_reason(observed, why):
    assert why_missing(observed) == why
