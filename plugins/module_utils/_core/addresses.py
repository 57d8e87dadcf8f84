# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Numeric addresses of hosts."""

from __future__ import annotations

import ipaddress


def parse_address(text: str) -> str:
    """One address of a host, in the one way to write it.

    It is written anew from its bytes, so that nothing of the text survives: :mod:`ipaddress` takes any text behind a ``%`` for the scope
    of an IPv6 address, and keeps it. An IPv4 address in the form of IPv6 (``::ffff:192.0.2.1``) is that IPv4 address, as packets carry it.

    :raises ValueError: it is none, or means something on one host alone, by its scope.
    """
    if not isinstance(text, str):  # a number would be an address, too
        raise ValueError(f"{text!r} is no text")
    if "%" in text:
        raise ValueError(f"{text!r} has a scope")
    address = ipaddress.ip_address(text)
    plain = getattr(address, "ipv4_mapped", None) or address
    return str(ipaddress.ip_address(plain.packed))


def normal_address(address: str) -> str:
    """The one way to write an IPv4 or IPv6 address, to compare it; a name stays as it is."""
    try:
        return parse_address(address)
    except ValueError:
        return address


def is_local(address: str) -> bool:
    """Whether an address, a numeric one, is no other host's wherever it is used: loopback, or that for all of a host's own."""
    parsed = ipaddress.ip_address(address)
    return parsed.is_loopback or parsed.is_unspecified


def is_loopback(address: str) -> bool:
    """Whether an address means the very host that uses it."""
    try:
        return ipaddress.ip_address(parse_address(address)).is_loopback
    except ValueError:
        return False
