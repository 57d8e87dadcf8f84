#!/usr/bin/python
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fence a former primary coordinator."""

from __future__ import annotations

DOCUMENTATION = r"""
module: coordinator_fence
short_description: Keep a former primary coordinator from being a second primary
version_added: 0.1.0
description:
  - Fences the former primary of a cluster before its standby becomes primary, and proves it.
  - On its own host, O(kind=instance), the instance is stopped, and its data directory fenced so that neither C(gpstart) nor
    C(pg_ctl start) brings it up. Whoever tries reads the name of the new primary.
  - On the hosts of segments, O(kind=addresses), a packet filter rejects its addresses on the segments' ports, and its sessions there are
    ended. That proves something only when it was done on all hosts with segments of the cluster, mirrors included.
  - C(pg_hba.conf) cannot do this, for segments let the dispatcher's connections pass without looking at it.
  - Both fences survive a restart of the host. Whoever flushes all rules of a packet filter takes its fence down as well; run again, this
    module sees that and puts it up.
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
extends_documentation_fragment:
  - warehousepg.coordinator.attributes
  - warehousepg.coordinator.instance
options:
  cluster:
    description:
      - Name of the cluster; each cluster has fences of its own.
    type: str
    required: true
  state:
    description:
      - Whether the fence is to be there. Without it nothing is started, and no session is restored.
    type: str
    choices: [present, absent]
    default: present
  kind:
    description:
      - What is to be fenced.
      - V(instance) the instance in O(data_directory) on this host, by the user that runs it.
      - V(addresses) the instance on the host with O(addresses), here where its writes would land. Needs root, and nftables or, where
        that does not work, iptables.
    type: str
    choices: [instance, addresses]
    required: true
  data_directory:
    description:
      - Data directory of the former primary. Required with O(kind=instance).
    type: path
    required: false
  new_primary:
    description:
      - Name of the host whose instance is to be primary; whoever starts the fenced one reads it.
      - Required with O(kind=instance) and O(state=present).
    type: str
  stop_timeout:
    description:
      - Seconds that the instance has to stop fast. Then it is stopped immediately, and then its processes are killed.
    type: float
    default: 10
  salvage_directory:
    description:
      - Directory on this host in which WAL that the new primary lacks is archived, to be brought there.
      - With it, what the stopped instance has beyond O(wal_from) is found out.
    type: path
  wal_from:
    description:
      - LSN up to which the new primary has the WAL; without it, only the end of the stopped instance's is found out.
    type: str
  timeline:
    description:
      - Timeline that the new primary follows. Required with O(salvage_directory).
    type: int
  addresses:
    description:
      - Addresses of the former primary's host, all that it may connect from.
      - Required with O(kind=addresses) and O(state=present).
    type: list
    elements: str
    default: []
  ports:
    description:
      - Ports of the segment instances on this host.
      - Required with O(kind=addresses) and O(state=present).
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
- name: Keep the former primary down
  warehousepg.coordinator.coordinator_fence:
    cluster: demo
    kind: instance
    data_directory: /data/whpg/v7/coordinator/gpseg-1
    new_primary: scdw
  become: true
  become_user: gpadmin

- name: Keep the former primary away from the segments of this host
  warehousepg.coordinator.coordinator_fence:
    cluster: demo
    kind: addresses
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
    - name: fence
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
  sample: "cdw: no process of /data/whpg/v7/coordinator/gpseg-1 is left, and FENCED_scdw_is_primary.conf keeps it from starting"
stopped:
  description: Whether no process of the instance is left.
  returned: with O(kind=instance)
  type: bool
  sample: true
wal:
  description: What the stopped instance has beyond O(wal_from), V(null) without O(salvage_directory).
  returned: with O(kind=instance)
  type: dict
  contains:
    end:
      description: End of its valid WAL, V(null) when that was not found.
      type: str
      sample: 0/C0001F0
    proved:
      description:
        - Whether nothing that was seen speaks against its having ended there. A segment of a wrong size, one that is missing, valid WAL
          behind what is not valid, or an end before the latest checkpoint or before O(wal_from) do.
      type: bool
      sample: true
    reaches:
      description: Position up to which that WAL went at least, also where it cannot be read.
      type: str
      sample: 0/C0001F0
    timeline:
      description: Timeline of that WAL.
      type: int
      sample: 1
    missing_bytes:
      description: Bytes of valid WAL from O(wal_from) to the end, V(null) when that is not known.
      type: int
      sample: 168
    commits:
      description: Transactions that were committed there.
      type: int
      sample: 1
    first_segment:
      description: The first WAL segment that is needed, V(null) when none is.
      type: str
      sample: "000000010000000000000003"
    archive:
      description: Archive of these segments in O(salvage_directory), V(null) when none is needed.
      type: str
      sample: /home/gpadmin/.whpg/salvage/demo.tar.gz
    why:
      description: Why something is not known or not proved, what was seen and where; empty when all is.
      type: str
      sample: ""
drifting:
  description: Of an instance that is fenced, what M(warehousepg.coordinator.mirroring_info) returns under this name; V(null) of another.
  returned: with O(kind=instance)
  type: dict
  sample: null
tool:
  description: What rejects the packets, V(nft) or V(iptables); V(null) where the host has neither.
  returned: with O(kind=addresses)
  type: str
  sample: nft
persistent:
  description: Whether the packet filter is put up again when the host starts.
  returned: with O(kind=addresses)
  type: bool
  sample: true
sessions_ended:
  description: How many of the former primary's sessions were ended.
  returned: with O(kind=addresses)
  type: int
  sample: 4
quiet_s:
  description:
    - Seconds since data had last come in one of the former primary's sessions when they were ended, its packets being rejected already.
      Zero where the kernel did not tell, V(null) where there was none.
  returned: with O(kind=addresses), when this task ended what sessions there were
  type: float
  sample: 17.3
verified:
  description: Whether all addresses and ports were seen in the packet filter, and no session.
  returned: with O(kind=addresses)
  type: bool
  sample: true
since:
  description: When the packet filter was complete, by this host's clock in seconds since the epoch; V(null) when it is not.
  returned: with O(kind=addresses)
  type: float
  sample: 1795392000.25
"""

import os
import socket
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.arguments import INSTANCE
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host, user_name
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Step, carry_out
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import sessions
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.configuration import include_name
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import read_instance
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import fence, packet_filter, salvage
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import drift


def of_instance(module: AnsibleModule, host: Host) -> None:
    """Fence the instance on this host, or lift its fence."""
    parameters = module.params
    where = os.path.normpath(parameters["data_directory"])
    include = include_name(parameters["new_primary"]) if parameters["state"] == "present" else None

    def plan(target: fence.Target) -> list[Step]:
        steps = fence.plan(target, include, user_name(os.getuid()))
        return [*steps, Step("read_wal")] if include and parameters["salvage_directory"] else steps

    def read_wal(pack: bool = True) -> dict[str, t.Any]:
        control = read_instance(host, where).control
        timeline, wal_from, directory = (parameters[name] for name in ("timeline", "wal_from", "salvage_directory"))
        return {"wal": salvage.missing(host, where, control, timeline, wal_from, directory, pack)}

    def show(target: fence.Target) -> dict[str, t.Any]:
        stopped = not target.processes and target.instance.postmaster is None
        fenced = stopped and target.instance.fenced is not None
        proof = f"{socket.gethostname()}: no process of {where} is left, and {target.instance.fenced} keeps it from starting"
        # of one that is stopped, check mode tells what will be found
        foreseen = module.check_mode and stopped and include and parameters["salvage_directory"]
        return {
            "fenced": fenced,
            "proof": proof if fenced else "",
            "stopped": stopped,
            "drifting": drift.read(where) if fenced else None,
            **(read_wal(pack=False) if foreseen else {"wal": None}),
        }

    carry_out(
        module,
        lambda: fence.observe(host, where),
        plan,
        {
            "fence": lambda include: fence.write(host, where, include),
            "lift_fence": lambda: fence.write(host, where, None),
            "stop": lambda: fence.stop(where, parameters["stop_timeout"]),
            "read_wal": read_wal,
        },
        show=show,
        passive=("read_wal",),
    )


def of_addresses(module: AnsibleModule, host: Host) -> None:
    """Put up the packet filter on this host, or remove it."""
    parameters = module.params
    cluster, addresses, ports = parameters["cluster"], parameters["addresses"], parameters["ports"]
    present = parameters["state"] == "present"
    if os.getuid() != 0:
        module.fail_json(msg=f"a packet filter needs root, this is {user_name(os.getuid())}: set become and become_user root")
    paths = packet_filter.paths_of(cluster)
    here = packet_filter.FenceOnHost(host, cluster, paths)

    def count() -> int:
        return len(sessions.sockets_from(addresses, ports)) if present else 0

    def plan(state: packet_filter.State) -> list[Step]:
        wanted = packet_filter.fence_of(cluster, addresses, ports, state.tool, host.addresses()) if present else None
        return packet_filter.plan(state, wanted, paths)

    def end_sessions(fence: packet_filter.Fence) -> dict[str, t.Any]:
        seen = sessions.read_sessions(host, fence.ports, host.addresses())
        quiet = sessions.quietest(seen, fence.addresses)
        return {"sessions_ended": sessions.end(fence.addresses, fence.ports, parameters["timeout"]), "quiet_s": quiet}

    def show(state: packet_filter.State) -> dict[str, t.Any]:
        about = state.described
        verified = about is not None and about.since is not None and packet_filter.is_complete(state, about)
        ways = f"{', '.join(about.addresses)} on the ports {', '.join(map(str, about.ports))}" if about else ""
        return {
            "fenced": verified,
            "proof": f"{socket.gethostname()}: packets of {ways} are rejected, and no session is left" if verified else "",
            "tool": state.tool,
            "persistent": about is not None and packet_filter.is_persistent(state, about, paths),
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


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **INSTANCE,
            "data_directory": {"type": "path"},
            "cluster": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "kind": {"type": "str", "choices": ["instance", "addresses"], "required": True},
            "new_primary": {"type": "str"},
            "stop_timeout": {"type": "float", "default": 10},
            "salvage_directory": {"type": "path"},
            "wal_from": {"type": "str"},
            "timeline": {"type": "int"},
            "addresses": {"type": "list", "elements": "str", "default": []},
            "ports": {"type": "list", "elements": "int", "default": []},
            "timeout": {"type": "float", "default": 10},
        },
        required_if=[("kind", "instance", ("data_directory",))],
        required_by={"salvage_directory": ("timeline",)},
        supports_check_mode=True,
    )
    parameters = module.params
    if parameters["kind"] == "instance" and parameters["state"] == "present" and not parameters["new_primary"]:
        module.fail_json(msg="new_primary is missing: name the host whose instance is to be primary")
    host = Host(module, parameters["greenplum_path"])
    (of_instance if parameters["kind"] == "instance" else of_addresses)(module, host)


if __name__ == "__main__":
    main()
