#!/usr/bin/python
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fence a former primary coordinator."""

from __future__ import annotations

DOCUMENTATION = r"""
module: coordinator_fence
short_description: Keep a former primary coordinator away from the segments
version_added: 0.1.0
description:
  - Fences the former primary of a cluster where its writes would land, on a host with segments, before its standby becomes primary, and
    proves it. A packet filter rejects its addresses on the segments' ports, and its sessions there are ended.
  - That proves something only when it was done on all hosts with segments of the cluster, mirrors included.
  - C(pg_hba.conf) cannot do this, for segments let the dispatcher's connections pass without looking at it.
  - Needs root, and nftables, a build that knows JSON, or, where that does not work, iptables.
  - The fence survives a restart of the host. Whoever flushes all rules of a packet filter takes it down as well; run again, this module
    sees that and puts it up.
  - Where the former primary's own host answers, M(warehousepg.coordinator.coordinator_start_block) keeps it from starting.
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
extends_documentation_fragment:
  - warehousepg.coordinator.attributes
options:
  cluster:
    description:
      - Name of the cluster; each cluster has fences of its own.
    type: str
    required: true
  state:
    description:
      - Whether the fence is to be there. Without it no session is restored.
    type: str
    choices: [present, absent]
    default: present
  addresses:
    description:
      - Addresses of the former primary's host, all that it may connect from.
      - Required with O(state=present).
    type: list
    elements: str
    default: []
  ports:
    description:
      - Ports of the segment instances on this host.
      - Required with O(state=present).
    type: list
    elements: int
    default: []
  timeout:
    description:
      - Seconds that the former primary's sessions have to end.
    type: float
    default: 10
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

EXAMPLES = r"""
- name: Keep the former primary away from the segments of this host
  warehousepg.coordinator.coordinator_fence:
    cluster: demo
    addresses: [10.0.0.11]
    ports: [6000, 6001, 7000, 7001]
  become: true
"""

RETURN = r"""
steps:
  description: What was done and how many seconds each step took.
  returned: always
  type: list
  elements: dict
  sample:
    - name: reject
      seconds: 0.004
fenced:
  description: Whether the fence is there, complete and seen.
  returned: always
  type: bool
  sample: true
proof:
  description: What was seen of it, a sentence; empty when it is not fenced.
  returned: always
  type: str
  sample: "sdw1: packets of 10.0.0.11 on the ports 6000, 7000 are rejected, and no session is left"
tool:
  description: What rejects the packets, V(nft) or V(iptables); V(null) where the host has none.
  returned: always
  type: str
  sample: nft
persistent:
  description: Whether the packet filter is put up again when the host starts.
  returned: always
  type: bool
  sample: true
sessions_ended:
  description: How many of the former primary's sessions were ended.
  returned: always
  type: int
  sample: 4
quiet_s:
  description:
    - Seconds since data had last come in one of the former primary's sessions when they were ended, its packets being rejected already.
      Zero where the kernel did not tell, V(null) where there was none.
  returned: when this task ended what sessions there were
  type: float
  sample: 17.3
verified:
  description: Whether all addresses and ports were seen in the packet filter, and no session.
  returned: always
  type: bool
  sample: true
since:
  description: When the packet filter was complete, by this host's clock in seconds since the epoch; V(null) when it is not.
  returned: always
  type: float
  sample: 1795392000.25
"""

import os
import socket
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host, user_name
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Step, carry_out
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import sessions
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import segment_fence


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "cluster": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "addresses": {"type": "list", "elements": "str", "default": []},
            "ports": {"type": "list", "elements": "int", "default": []},
            "timeout": {"type": "float", "default": 10},
        },
        supports_check_mode=True,
    )
    parameters = module.params
    cluster, addresses, ports = parameters["cluster"], parameters["addresses"], parameters["ports"]
    present = parameters["state"] == "present"
    if os.getuid() != 0:
        module.fail_json(msg=f"a packet filter needs root, this is {user_name(os.getuid())}: set become and become_user root")
    host = Host(module)
    paths = segment_fence.paths_of(cluster)
    here = segment_fence.FenceOnHost(host, cluster, paths)

    def count() -> int:
        return len(sessions.sockets_from(addresses, ports)) if present else 0

    def plan(state: segment_fence.State) -> list[Step]:
        desired = segment_fence.fence_of(cluster, addresses, ports, state.tool, host.addresses()) if present else None
        return segment_fence.plan(state, desired, paths)

    def end_sessions(fence: segment_fence.Fence) -> dict[str, t.Any]:
        seen = sessions.read_sessions(host, fence.ports, host.addresses())
        quiet = sessions.quietest(seen, fence.addresses)
        return {"sessions_ended": sessions.end(fence.addresses, fence.ports, parameters["timeout"]), "quiet_s": quiet}

    def show(state: segment_fence.State) -> dict[str, t.Any]:
        about = state.described
        verified = about is not None and about.since is not None and segment_fence.is_complete(state, about)
        ways = f"{', '.join(about.addresses)} on the ports {', '.join(map(str, about.ports))}" if about else ""
        return {
            "fenced": verified,
            "proof": f"{socket.gethostname()}: packets of {ways} are rejected, and no session is left" if verified else "",
            "tool": state.tool,
            "persistent": about is not None and segment_fence.is_persistent(state, about, paths),
            "sessions_ended": 0,
            "verified": verified,
            "since": about.since if about and verified else None,
        }

    carry_out(
        module,
        lambda: here.read(count),
        plan,
        {
            "describe": here.describe,
            "keep": here.keep,
            "reject": here.reject,
            "end_sessions": end_sessions,
            "confirm": lambda fence: here.confirm(fence, count),
            "remove_rules": here.remove_rules,
            "remove_files": here.remove_files,
            "tell_systemd": here.tell_systemd,
        },
        show=show,
    )


if __name__ == "__main__":
    main()
