# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""The packet filter iptables, with a program for each version of IP. It may be in use by others: each call waits for them."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.addresses import normal_address
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.border import port_in
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.packet_filters.packet_filter import (
    PacketFilter,
    Rules,
    identifier,
    run,
)

IPTABLES, IP6TABLES = _PROGRAMS = ("iptables", "ip6tables")

#: seconds are given to whoever changes rules meanwhile
_WAIT = ("-w", "10")

_SCRIPT = """\
for program in iptables ip6tables; do
  if [ -f "$0.$program" ]; then
    # the jump comes first again, whatever was put before it
    jump=$($program -w 10 -S INPUT | sed -n '/-j CHAIN$/s/^-A/-D/p')
    printf '%s\\n' "$(cat "$0.$program")" "$jump" '-I INPUT 1 -j CHAIN' COMMIT | $program-restore --wait=10 --noflush
  else
    $program -w 10 -F CHAIN 2> /dev/null || true
  fi
done
"""


class Iptables(PacketFilter):
    """A chain of iptables for each cluster, and of ip6tables, to which packets come first."""

    name = IPTABLES
    services = ("iptables.service", "ip6tables.service")
    endings = _PROGRAMS

    @property
    def chain(self) -> str:
        """Its name."""
        return f"WHPG_FENCE_{identifier(self._cluster, 17).upper()}"  # iptables takes 28 letters

    @property
    def script(self) -> str:
        """It holds nothing of the fence but the name of its chain."""
        return _SCRIPT.replace("CHAIN", self.chain)

    @staticmethod
    def works(host: Host) -> bool:
        """Whether the kernel has it."""
        return host.command(IPTABLES, *_WAIT, "-S", "INPUT")[0] == 0

    def files(self, rules: t.Sequence[tuple[str, int]]) -> dict[str, str]:
        """The chain for each program that has rules; the script adds the jump."""
        found = {}
        for program in _PROGRAMS:
            own = [(address, port) for address, port in rules if (":" in address) == (program == IP6TABLES)]
            mask = 128 if program == IP6TABLES else 32
            form = f"-A {self.chain} -s {{}}/{mask} -p tcp -m tcp --dport {{}} -j REJECT --reject-with tcp-reset"
            if own:
                lines = [form.format(address, port) for address, port in own]
                found[program] = "\n".join(["*filter", f":{self.chain} - [0:0]", *lines, ""])
        return found

    def _there(self, text: str) -> bool:
        return f"-N {self.chain}\n" in text

    def _texts(self, host: Host) -> dict[str, str]:
        """By program that works, the rules that it lists."""
        seen = {program: host.command(program, *_WAIT, "-S") for program in _PROGRAMS}
        return {program: text for program, (code, text) in seen.items() if code == 0}

    def listed(self, host: Host) -> tuple[Rules, bool]:
        """The pairs of both chains, and whether there is one of them."""
        texts = self._texts(host).values()
        rules = [rejected(text, self.chain) for text in texts]
        return frozenset().union(*rules), any(map(self._there, texts))

    def remove(self, host: Host) -> None:
        """Delete both chains, and each jump to them."""
        for program, text in self._texts(host).items():
            if self._there(text):
                for _jump in range(text.count(f"-A INPUT -j {self.chain}\n")):
                    run(host, program, *_WAIT, "-D", "INPUT", "-j", self.chain)
                run(host, program, *_WAIT, "-F", self.chain)
                run(host, program, *_WAIT, "-X", self.chain)


def rejected(text: str, chain: str) -> Rules:
    """The pairs of an address and a port that a chain rejects, by ``iptables -S``.

    None unless packets come to it before they could be accepted: other chains of fences, which only reject, may come first.
    """
    lines = text.splitlines()
    for entry in (line for line in lines if line.startswith("-A INPUT ")):
        if entry == f"-A INPUT -j {chain}":
            form = rf"^-A {re.escape(chain)} -s (\S+?)/(?:32|128) -p tcp -m tcp --dport ([0-9]{{1,5}}) -j REJECT --reject-with tcp-reset$"
            pairs = re.findall(form, text, re.MULTILINE)
            return frozenset((normal_address(address), int(port)) for address, port in pairs if port_in(port) is not None)
        other = re.fullmatch(r"-A INPUT -j (WHPG_FENCE_\w+)", entry)
        if not other or any(line.startswith(f"-A {other.group(1)} ") and " -j REJECT " not in line for line in lines):
            break
    return frozenset()
