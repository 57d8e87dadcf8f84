#!/usr/bin/python
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write through a coordinator, whenever it is primary, and log what is acknowledged."""

from __future__ import annotations

DOCUMENTATION = r"""
module: probe_writer
short_description: Write through a coordinator, whenever it is primary, and log what is acknowledged
version_added: 0.1.0
description:
  - Runs on the host of either coordinator. A process goes on when the module has ended, and commits one probe write after the other
    through the coordinator of its host as a client of that host does, over the Unix-domain socket and in dispatch mode. While that is a
    standby, or stopped, it waits.
  - A probe write is C(pg_logical_emit_message), which makes no object. Its commit waits for the standby as any other.
  - Of what writers on both hosts log, the time without an acknowledged commit follows, and whether each of those is in the WAL of the new
    primary, as P(warehousepg.coordinator.drill#role) works out.
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - With O(state=started) one that writes is ended, and its log removed, before another one is started.
extends_documentation_fragment:
  - warehousepg.coordinator.attributes
  - warehousepg.coordinator.instance
options:
  state:
    description:
      - V(started) starts a writer; V(stopped) ends it, returns what it logged, and removes that.
    type: str
    choices: [started, stopped]
    required: true
  file:
    description:
      - The log. Its directory is made if it is missing.
    type: path
    required: true
  interval:
    description:
      - Seconds from the beginning of a write to that of the next one.
    type: float
    default: 0.05
  seconds:
    description:
      - Seconds after which the process ends by itself.
    type: float
    default: 900
requirements:
  - psycopg2
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

EXAMPLES = r"""
- name: Begin to write
  warehousepg.coordinator.probe_writer:
    data_directory: /data/whpg/v7/coordinator/gpseg-1
    state: started
    file: ~/.whpg/demo.writes
  become: true
  become_user: gpadmin

- name: See what was acknowledged
  warehousepg.coordinator.probe_writer:
    data_directory: /data/whpg/v7/coordinator/gpseg-1
    state: stopped
    file: ~/.whpg/demo.writes
  become: true
  become_user: gpadmin
  register: written
"""

RETURN = r"""
steps:
  description: What was done and how many seconds each step took.
  returned: always
  type: list
  elements: dict
  sample:
    - name: start_writer
      seconds: 0.02
running:
  description: Whether a writer lives.
  returned: success
  type: bool
  sample: true
left:
  description: Whether its log is there.
  returned: success
  type: bool
  sample: true
logout:
  description: Why a writer would be ended with the session that starts it; empty where it would not.
  returned: success
  type: str
  sample: ""
writes:
  description:
    - The writes in their order, each with when it C(began) and was C(acknowledged), in seconds since the epoch by the clock of the host,
      the C(timeline), and a position C(lsn) in its WAL that its commit does not lie behind. All but the first are V(null) of one whose
      acknowledgement was not heard of.
  returned: when a writer was ended
  type: list
  elements: dict
  sample:
    - {began: 1795940000.1, acknowledged: 1795940000.104, timeline: 1, lsn: 0/C0001F0}
ahead:
  description: Seconds that the clock of this host is ahead of the standby's, at most; V(null) where no standby answered.
  returned: when a writer was ended
  type: float
  sample: 0.0004
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import logout
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.arguments import INSTANCE
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import carry_out
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection import require_psycopg2
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import probe_writer

ARGUMENTS: dict[str, t.Any] = {
    **INSTANCE,
    "state": {"type": "str", "choices": ["started", "stopped"], "required": True},
    "file": {"type": "path", "required": True},
    "interval": {"type": "float", "default": 0.05},
    "seconds": {"type": "float", "default": 900},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    require_psycopg2(module)
    host = Host(module, module.params["greenplum_path"])
    doing = probe_writer.ProbeWriter(**{name: module.params[name] for name in ("data_directory", "file", "interval", "seconds")})
    carry_out(
        module,
        lambda: probe_writer.observe(module.params["file"], logout.ending(host)),
        probe_writer.plan_start if module.params["state"] == "started" else probe_writer.plan_stop,
        {"start_writer": doing.start, "end_writer": doing.end},
    )


if __name__ == "__main__":
    main()
