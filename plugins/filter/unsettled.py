# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of a pair that streams is not as it is wanted."""

from __future__ import annotations

import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils.access import rules_of
from ansible_collections.warehousepg.coordinator.plugins.module_utils.replication import APPLICATION_NAME

DOCUMENTATION = r"""
name: unsettled
short_description: What of a mirrored pair is not as it is wanted
version_added: 0.1.0
description:
  - Compares what the hosts of a cluster showed with what is wanted, to see beforehand that the modules would change nothing.
options:
  _input:
    description: By host of the cluster, what M(warehousepg.coordinator.mirroring_info) returned there.
    type: dict
    required: true
  primary:
    description: Host that is primary.
    type: str
    required: true
  standby:
    description: Host that is standby.
    type: str
    required: true
  wanted:
    description:
      - What is wanted, C(hostname), C(address) and C(port) of the standby, C(slot_name), C(replication_user), C(scram), C(primary_host),
        and the access rules by host in C(rules).
    type: dict
    required: true
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

EXAMPLES = r"""
- name: Nothing has to be done
  ansible.builtin.debug:
  when: observations | warehousepg.coordinator.unsettled('cdw', 'scdw', wanted) == []
"""

RETURN = r"""
_value:
  description: What differs; nothing when all is as wanted.
  type: list
  elements: str
"""


def unsettled(observations: t.Mapping[str, t.Mapping[str, t.Any]], primary: str, standby: str, wanted: t.Mapping[str, t.Any]) -> list[str]:
    """What is not as it is wanted, each thing by its name."""
    knows, shows = observations[primary]["primary"], observations[standby]
    row, following = knows["standby"], (shows["standby"] or {}).get("following") or {}
    upstream = {
        "host": wanted["primary_host"],
        "port": str(observations[primary]["instance"]["port"]),
        "user": wanted["replication_user"],
        "application_name": APPLICATION_NAME,
    }
    resolved = (shows["standby"] or {}).get("resolved")
    if resolved != wanted["primary_host"]:
        upstream["hostaddr"] = resolved
    if wanted["scram"]:
        upstream["passfile"] = (shows.get("passfile") or {}).get("path")
    passfiles = [observations[host].get("passfile") or {} for host in (primary, standby)]
    checks = {
        "row": row is not None and all(row[name] == wanted[name] for name in ("hostname", "address", "port")),
        "slot": any(slot["name"] == wanted["slot_name"] and slot["active"] for slot in knows["slots"]),
        "role": bool(knows["role"] and knows["role"]["ready"] and (knows["role"]["verified"] or not wanted["scram"])),
        "passfile": not wanted["scram"]
        or (all(passfile.get("usable") for passfile in passfiles) and len({passfile["check"] for passfile in passfiles}) == 1),
        "upstream": following == upstream,
        "slot_name": shows["instance"]["settings"].get("primary_slot_name") == wanted["slot_name"],
        "copy": not shows["site"]["leftover"],
        "access": all(
            lines == [str(rule) for rule in rules_of(wanted["rules"][host])]
            for host, observed in observations.items()
            for lines in observed["access"].values()
        ),
    }
    return [name for name, holds in checks.items() if not holds]


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """By name."""
        return {"unsettled": unsettled}
