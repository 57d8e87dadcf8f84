# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two instances of a mirrored pair, and how one streams to the other; tests replace in them what matters to them."""

from __future__ import annotations

from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.control_data import ControlData
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import Instance
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.postmaster import Postmaster
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.replication import WalSender

CONTROL = ControlData(
    system_identifier="1",
    state="in production",
    timeline=1,
    checkpoint="0/1",
    redo="0/1",
    consistent="0/0",
    segment_bytes=1 << 26,
    checksums=True,
)
#: the process of the primary
SERVING = Postmaster(pid=7, port=5432, socket_directory="/tmp", status="dtmready", suspended=False, connected=False, received=None)
#: the standby's
STREAMING = Postmaster(pid=9, port=5432, socket_directory="/tmp", status="standby", suspended=False, connected=True, received="0/200")
PRIMARY = Instance(
    data_directory="/c",
    directory_state="instance",
    owner="gpadmin",
    role="primary",
    major="12",
    dbid=1,
    port=5432,
    settings={},
    control=CONTROL,
    postmaster=SERVING,
)
STANDBY = Instance(
    data_directory="/s",
    directory_state="instance",
    owner="gpadmin",
    role="standby",
    major="12",
    dbid=8,
    port=5432,
    settings={},
    control=CONTROL,
    postmaster=STREAMING,
)
#: the primary's walsender for the standby
SENDER = WalSender(
    pid=8,
    client_addr="10.0.0.12",
    state="streaming",
    sync_state="sync",
    sent_lsn="0/200",
    flush_lsn="0/200",
    replay_lsn="0/200",
    lag_bytes=0,
    replay_lag_s=None,
    reply_age_s=1.5,
)
