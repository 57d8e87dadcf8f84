# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Numeric addresses of hosts."""

from __future__ import annotations

import ipaddress


def normal_address(address: str) -> str:
    """The one way to write an IPv4 or IPv6 address; a name stays as it is."""
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return address


def is_loopback(address: str) -> bool:
    """Whether an address means the very host that uses it."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
