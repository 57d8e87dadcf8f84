# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""The packet filter nftables. It is told and tells everything in JSON (libnftables-json(5)); a build without does not count."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import border
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.packet_filters.packet_filter import (
    PacketFilter,
    Rules,
    identifier,
    run,
)

_FAMILY = "inet"
_CHAIN = "input"


class Nftables(PacketFilter):
    """A table of nftables for each cluster, of both versions of IP."""

    name = "nft"
    services = ("nftables.service",)
    endings = ("nft",)
    script = 'nft -j -f "$0.nft"\n'

    @property
    def _table(self) -> str:
        return f"whpg_fence_{identifier(self._cluster)}"

    @staticmethod
    def works(host: Host) -> bool:
        """Whether the kernel has it, and nft knows JSON: without, it fails, or says the same in text."""
        code, text = host.command("nft", "-j", "list", "tables")
        return code == 0 and _objects(text) is not None

    def files(self, rules: t.Sequence[tuple[str, int]]) -> dict[str, str]:
        """One transaction that makes the table anew."""
        table = {"table": {"family": _FAMILY, "name": self._table}}
        place = {"family": _FAMILY, "table": self._table}
        chain = {**place, "name": _CHAIN, "type": "filter", "hook": "input", "prio": -10, "policy": "accept"}
        commands: list[dict[str, t.Any]] = [{"add": table}, {"delete": table}, {"add": table}, {"add": {"chain": chain}}]
        for address, port in rules:
            rule = {**place, "chain": _CHAIN, "expr": _rejection(_protocol(address), address, port)}
            commands.append({"add": {"rule": rule}})
        lines = ",\n".join(json.dumps(command) for command in commands)
        return {"nft": f'{{"nftables": [\n{lines}\n]}}\n'}

    def listed(self, host: Host) -> tuple[Rules, bool]:
        """The pairs of the table, and whether it is there: that an nft without JSON tells, too."""
        code, text = host.command("nft", "-j", "-n", "list", "table", _FAMILY, self._table)
        if code == 0 and _objects(text) is not None:
            return rejected(text), True
        return frozenset(), host.command("nft", "list", "table", _FAMILY, self._table)[0] == 0

    def remove(self, host: Host) -> None:
        """Delete the table."""
        run(host, "nft", "delete", "table", _FAMILY, self._table)


def _protocol(address: str) -> str:
    return "ip6" if ":" in address else "ip"


def _rejection(protocol: str, address: t.Any, port: t.Any) -> list[dict[str, t.Any]]:
    """The statements of a rule, as nft reads and lists them."""

    def match(protocol: str, field: str, value: t.Any) -> dict[str, t.Any]:
        return {"match": {"op": "==", "left": {"payload": {"protocol": protocol, "field": field}}, "right": value}}

    return [match(protocol, "saddr", address), match("tcp", "dport", port), {"reject": {"type": "tcp reset"}}]


def _objects(text: str) -> list[t.Any] | None:
    """What nft lists, None where it is no JSON of nft."""
    try:
        found = json.loads(text)["nftables"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return found if isinstance(found, list) else None


def rejected(text: str) -> Rules:
    """The pairs of an address and a port that a table rejects, by ``nft -j list table``."""
    try:
        listed = _objects(text) or []
        chains = [found["chain"] for found in listed if "chain" in found]
        names = {chain["name"] for chain in chains if (chain.get("type"), chain.get("hook")) == ("filter", "input")}
        pairs = [_pair(found["rule"]["expr"]) for found in listed if "rule" in found and found["rule"]["chain"] in names]
    except (TypeError, KeyError, AttributeError):
        return frozenset()
    return frozenset(pair for pair in pairs if pair)


def _pair(statements: t.Any) -> tuple[str, int] | None:
    """The pair that a rule rejects; None where it has anything else in it, such as a limit: it may let packets through."""
    try:
        address, port = (statement["match"]["right"] for statement in statements[:2])
        pair = border.address(address), border.port(port)
    except (ValueError, TypeError, KeyError):
        return None
    # as it is listed: that form of an address may be another one than ours
    return pair if statements == _rejection(_protocol(pair[0]), address, port) else None
