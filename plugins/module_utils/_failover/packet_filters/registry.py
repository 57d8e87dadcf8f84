# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""The packet filters that there are, the first that a host has is used."""

from __future__ import annotations

import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.packet_filters.iptables import Iptables
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.packet_filters.nftables import Nftables
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.packet_filters.packet_filter import PacketFilter

#: by their names
FILTERS: t.Mapping[str, type[PacketFilter]] = {
    Nftables.name: Nftables,
    Iptables.name: Iptables,
}


def working(host: Host) -> str | None:
    """The name of the packet filter that this host has, None where it has none."""
    return next((name for name, kind in FILTERS.items() if kind.works(host)), None)
