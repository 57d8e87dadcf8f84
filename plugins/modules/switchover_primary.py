#!/usr/bin/python
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prepare a primary coordinator for a switchover, shut it down for that, or let it serve again."""

from __future__ import annotations

DOCUMENTATION = r"""
module: switchover_primary
short_description: Prepare a primary coordinator for a switchover, shut it down for that, or let it serve again
version_added: 0.1.0
description:
  - Runs on the primary's host. A step of the role P(warehousepg.coordinator.switchover#role), beside
    M(warehousepg.coordinator.switchover_standby) on the standby's.
  - It does not look at the standby's host. Letting the primary serve again is right only where the standby was seen not to be armed and not
    to be primary.
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: partial
    details: Sessions that came meanwhile are waited for again, and a checkpoint is written each time.
extends_documentation_fragment:
  - warehousepg.coordinator.attributes
  - warehousepg.coordinator.instance
options:
  state:
    description:
      - V(prepared) looks at the transactions of clients and at what a shutdown could wait for, drains the primary if that is wished, and
        writes checkpoints until one is short.
      - V(stopped) blocks the start of the instance, writes O(token) into the WAL, sees that the
        standby has it, and shuts the instance down. A shutdown that hangs is broken off in time, by an end of the instance at once, and
        the instance started again where its WAL has no checkpoint of a shutdown, without which the standby is not promoted; then the module
        fails. On an instance that is shut down already, only the start block is looked after.
      - V(serving) takes back what the others did, and starts the instance. An instance that has become a standby is left alone.
    type: str
    choices: [prepared, stopped, serving]
    required: true
  new_primary:
    description:
      - Name of the host whose instance is to be primary, which the start block is named by. Required with O(state=stopped).
    type: str
  token:
    description:
      - What the standby was armed with, RV(warehousepg.coordinator.switchover_standby#module:token). Required where the primary runs.
    type: str
  transaction_seconds:
    description:
      - A transaction of a client that runs for longer is a reason not to begin, unless O(accept_transactions), or there is a drain.
    type: float
    default: 60
  accept_transactions:
    description:
      - Whether long transactions are ended by the stop.
    type: bool
    default: false
  drain_seconds:
    description:
      - Before the stop, refuse new sessions over the network, end those that are idle, and give the others this many seconds. Without it,
        all go on until the stop ends them.
    type: float
    default: 0
  drain_then:
    description:
      - What becomes of sessions that are left after that. V(end), the stop ends them; V(refuse), the module fails.
    type: str
    choices: [end, refuse]
    default: end
  end_walsenders:
    description:
      - Whether walsenders that serve something else than the standby, such as C(pg_receivewal) or a backup, are ended right before the
        shutdown, which would wait for them. Without it, they are a reason not to begin.
    type: bool
    default: false
  max_gap:
    description:
      - Seconds that clients may be without a primary, from the writing of O(token) on. The shutdown is broken off after two fifths of them,
        for the rest is needed to start the instance again.
    type: float
    default: 10
  timeout:
    description:
      - Seconds that a checkpoint before the shutdown, or the start, may take.
    type: float
    default: 60
requirements:
  - psycopg2
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

EXAMPLES = r"""
- name: Shut the primary down for its standby
  warehousepg.coordinator.switchover_primary:
    data_directory: /data/whpg/v7/coordinator/gpseg-1
    state: stopped
    new_primary: scdw
    token: "{{ hostvars.scdw.arming.token }}"
  become: true
  become_user: gpadmin
"""

RETURN = r"""
steps:
  description: What was done and how many seconds each step took.
  returned: always
  type: list
  elements: dict
  sample:
    - name: stop
      seconds: 0.31
role:
  description: Role of the instance, V(primary) or V(standby), as its files say.
  returned: success
  type: str
  sample: primary
running:
  description: Whether it runs.
  returned: success
  type: bool
  sample: false
fenced:
  description: Name of the include that keeps it from being started, V(null) without one.
  returned: success
  type: str
  sample: FENCED_scdw_is_primary.conf
drained:
  description: Whether it refuses new sessions.
  returned: success
  type: bool
  sample: false
wal:
  description:
    - Of an instance that was shut down, the C(end) of its WAL, the C(timeline) of that, and whether the checkpoint of the shutdown
      proves it; V(null) of another.
  returned: success
  type: dict
  sample: {end: 0/C0001F0, timeline: 1, proved: true, why: ""}
drifting:
  description: Of an instance that was shut down, what M(warehousepg.coordinator.mirroring_info) returns under this name; else V(null).
  returned: success
  type: dict
  sample: null
sessions_left:
  description: How many sessions a drain left.
  returned: after a drain
  type: int
  sample: 0
ended:
  description: What did not end with the instance when it was shut down, and was ended.
  returned: when there was something of that kind
  type: str
  sample: "process 4711 (postgres: walsender gpadmin [local] streaming 0/C000148), stopped by a signal"
serves:
  description: Whether the instance serves again.
  returned: when its shutdown hung
  type: bool
  sample: true
walsenders:
  description: The walsenders that serve something else than the standby.
  returned: when they are the reason for a failure
  type: list
  elements: dict
  sample:
    - pid: 4715
      application_name: pg_receivewal
      user: gpadmin
      client_addr: 10.0.0.30
      state: streaming
      reply_age_s: 3.2
transactions:
  description: The transactions that run for too long, each with C(pid), C(user) and C(seconds).
  returned: when they are the reason for a failure
  type: list
  elements: dict
  sample:
    - pid: 4711
      user: etl
      seconds: 312.5
"""

import dataclasses
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.arguments import INSTANCE
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Step, carry_out
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.configuration import include_name
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection import require_psycopg2
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import leaving
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.shutdown import Shutdown
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import drift

ARGUMENTS: dict[str, t.Any] = {
    **INSTANCE,
    "state": {"type": "str", "choices": ["prepared", "stopped", "serving"], "required": True},
    "new_primary": {"type": "str"},
    "token": {"type": "str", "no_log": False},
    "transaction_seconds": {"type": "float", "default": 60},
    "accept_transactions": {"type": "bool", "default": False},
    "drain_seconds": {"type": "float", "default": 0},
    "drain_then": {"type": "str", "choices": [leaving.END, leaving.REFUSE], "default": leaving.END},
    "end_walsenders": {"type": "bool", "default": False},
    "max_gap": {"type": "float", "default": 10},
    "timeout": {"type": "float", "default": 60},
}


def show(found: leaving.Leaver) -> dict[str, t.Any]:
    """What is returned of an observation."""
    control, end = found.instance.control, found.end
    down = not found.running and control is not None and control.state == "shut down" and end is not None
    # nothing follows the checkpoint of a shutdown, where that is the last by the control file, too
    proved = control is not None and end is not None and end.shutdown and Lsn.parse(control.checkpoint) < end.position
    return {
        "role": found.instance.role,
        "running": found.running,
        "fenced": found.instance.fenced,
        "drained": found.drained,
        "drifting": dataclasses.asdict(drift.read(found.instance.data_directory)) if down else None,
        "wal": {"end": str(end.position), "timeline": end.timeline, "proved": proved, "why": ""} if down and end else None,
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=ARGUMENTS,
        required_if=[("state", "stopped", ("new_primary",))],
        supports_check_mode=True,
    )
    require_psycopg2(module)
    parameters = module.params
    host = Host(module, parameters["greenplum_path"])
    where, state = parameters["data_directory"], parameters["state"]
    actions: dict[str, t.Callable[..., t.Any]] = {}

    def plan(found: leaving.Leaver) -> list[Step]:
        actions.update(Shutdown(host, found, parameters["timeout"], parameters["max_gap"]).actions)
        if state == "prepared":
            names = ("transaction_seconds", "accept_transactions", "drain_seconds", "drain_then", "end_walsenders")
            return leaving.plan_preparation(found, leaving.Patience(**{name: parameters[name] for name in names}))
        if state == "serving":
            return leaving.plan_return(found)
        # in check mode the standby is not armed, and would be
        token = parameters["token"] or ("foreseen" if module.check_mode else None)
        return leaving.plan_stop(found, include_name(parameters["new_primary"]), token, parameters["end_walsenders"])

    carry_out(
        module,
        lambda: leaving.observe(host, where, ask=state != "serving"),
        plan,
        actions,
        show=show,
        passive=("checkpoint", "wait_serving"),
    )


if __name__ == "__main__":
    main()
