# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.password_stores.passfile import Passfile
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.replication import upstream_of
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.tablespaces import Placement
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.snapshot import Desired, copy_of

UPSTREAM = {
    "primary_host": "10.0.0.11",
    "primary_port": 5432,
    "replication_user": "r",
    "replication_auth": "scram",
    "passfile": "/p",
    "connection": {"keepalives_idle": 3, "sslmode": "require"},
}


@pytest.mark.parametrize(("method", "store"), [("scram", Passfile("/p", "r")), ("cert", None), ("trust", None)])
def test_an_upstream_by_options(method, store):
    upstream = upstream_of({**UPSTREAM, "replication_auth": method})
    assert (upstream.host, upstream.port, upstream.user, upstream.store) == ("10.0.0.11", 5432, "r", store)
    assert upstream.connection == {"keepalives_idle": "3", "sslmode": "require"}


def test_a_copy_by_options():
    options = {
        "system_identifier": "1",
        "engine_version": None,
        "expected_bytes": 5,
        "max_rate": "100M",
        "checkpoint": "spread",
        "tablespaces": [{"location": "/fast", "place": "/slow", "bytes": None}],
        "required_files": ["/ca.crt"],
        "max_latency": 20,
        "resume": True,
    }
    assert copy_of(options) == Desired("1", None, 5, "100M", "spread", (Placement("/fast", "/slow"),), ("/ca.crt",), 20, True)
