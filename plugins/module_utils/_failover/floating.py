# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""An address that is on the host of the primary, wherever that is, and that clients use."""

from __future__ import annotations

import dataclasses
import ipaddress
import json
import socket
import struct
import time
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import border
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host, read_text
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Step

Interface = t.Union[ipaddress.IPv4Interface, ipaddress.IPv6Interface]

#: how often an address is announced, and the seconds between: an announcement can get lost
_ANNOUNCEMENTS, _PAUSE = 3, 0.1


@dataclasses.dataclass(frozen=True)
class Assigned:
    """An address that an interface has.

    :param interface: name of the interface.
    :param address: the address with the length of its mask.
    """

    interface: str
    address: str


def parse_address(text: str) -> Interface:
    """The floating address.

    :raises CoordinatorError: it is none, or has no mask.
    """
    try:
        address = ipaddress.ip_interface(text)
    except ValueError as error:
        raise CoordinatorError(f"address is {text!r}: {error}; give an address and the length of its mask") from error
    if "/" not in text:
        raise CoordinatorError(f"address is {text!r}: give the length of its mask too, such as {text}/24")
    if address.ip.is_loopback or address.ip.is_multicast or address.ip.is_unspecified:
        raise CoordinatorError(f"address is {text!r}, which no other host can reach: give an address of the clients' network")
    return address


def parse_assigned(text: str) -> list[Assigned]:
    """The addresses of this host, by ``ip -json address``; those that only the host itself can use are left out.

    :raises CoordinatorError: it told something else.
    """
    try:
        return [
            Assigned(border.name(link["ifname"]), str(ipaddress.ip_interface(f"{info['local']}/{info['prefixlen']}")))
            for link in json.loads(text)
            for info in link.get("addr_info", ())
            if info.get("scope") == "global"
        ]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise CoordinatorError(f"the output of ip -json address is not understood: {error!r:.200}") from error


def read_assigned(host: Host) -> list[Assigned]:
    """Observe the addresses of this host."""
    code, output = host.command("ip", "-json", "address")
    if code != 0:
        raise CoordinatorError(f"ip -json address failed with exit code {code}: {output or 'install iproute2'}")
    return parse_assigned(output)


def holders(assigned: t.Iterable[Assigned], address: Interface) -> list[Assigned]:
    """Where the address is, with whatever mask."""
    return [found for found in assigned if ipaddress.ip_interface(found.address).ip == address.ip]


def choose(assigned: t.Sequence[Assigned], address: Interface) -> str:
    """The interface that the address belongs to: the one with another address of its network.

    :raises CoordinatorError: there is not exactly one.
    """
    own = [(found.interface, ipaddress.ip_interface(found.address)) for found in assigned]
    fitting = sorted({interface for interface, other in own if other.version == address.version and address.ip in other.network})
    if len(fitting) != 1:
        what = f"the interfaces {', '.join(fitting)} have" if fitting else "no interface has"
        raise CoordinatorError(f"{what} an address in the network of {address.with_prefixlen}: name the interface")
    return fitting[0]


def plan(assigned: t.Sequence[Assigned], address: Interface, present: bool, interface: str | None) -> list[Step]:
    """The steps that add the address to this host, or remove it.

    :param interface: where it is to be; None: on the one that has its network.
    :raises CoordinatorError: it is on another interface, or there is none for it.
    """
    there = holders(assigned, address)
    if not present:
        return [Step("remove", {"assigned": found}) for found in there]
    elsewhere = [found.interface for found in there if interface not in (None, found.interface)]
    if elsewhere:
        raise CoordinatorError(f"{address.ip} is on the interface {elsewhere[0]} already: remove it there, or name that interface")
    if there:
        return [Step("announce", {"assigned": found}) for found in there]
    desired = Assigned(interface or choose(assigned, address), address.with_prefixlen)
    return [Step("add", {"assigned": desired}), Step("announce", {"assigned": desired})]


def change(host: Host, verb: str, assigned: Assigned) -> None:
    """Add an address to its interface, or remove it.

    :param verb: ``add`` or ``del``.
    """
    options = ["nodad"] if verb == "add" and ":" in assigned.address else []  # usable at once
    code, output = host.command("ip", "address", verb, assigned.address, "dev", assigned.interface, *options)
    if code != 0:
        raise CoordinatorError(f"ip address {verb} {assigned.address} dev {assigned.interface} failed with exit code {code}: {output}")


def arp_announcement(hardware: bytes, address: bytes) -> bytes:
    """A gratuitous ARP request, as a frame for all hosts of the network."""
    ethernet = b"\xff" * 6 + hardware + struct.pack("!H", 0x0806)
    return ethernet + struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + hardware + address + b"\0" * 6 + address


def neighbour_advertisement(hardware: bytes, address: bytes) -> bytes:
    """An unsolicited neighbour advertisement that overrides what others know; the kernel fills in its checksum."""
    return struct.pack("!BBHI", 136, 0, 0, 0x20000000) + address + struct.pack("!BB", 2, 1) + hardware


def announce(assigned: Assigned) -> None:
    """Tell the hosts of the network where the address is now, so that they forget where it was."""
    address = ipaddress.ip_interface(assigned.address).ip
    hardware = bytes.fromhex((read_text(f"/sys/class/net/{assigned.interface}/address") or "").strip().replace(":", ""))
    if len(hardware) != 6:
        return  # not a network on which hosts ask for each other
    try:
        for count in range(_ANNOUNCEMENTS):
            if count:
                time.sleep(_PAUSE)
            if address.version == 4:
                with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
                    sender.bind((assigned.interface, 0x0806))
                    sender.send(arp_announcement(hardware, address.packed))
            else:
                with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as sender:
                    sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
                    sender.bind((str(address), 0))
                    everyone = ("ff02::1", 0, 0, socket.if_nametoindex(assigned.interface))
                    sender.sendto(neighbour_advertisement(hardware, address.packed), everyone)
    except OSError as error:
        raise CoordinatorError(f"{address} is on {assigned.interface}, but could not be announced there: {error}") from error
