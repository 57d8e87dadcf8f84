#!/usr/bin/python
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One of the steps of a switchover, on the host of either coordinator."""

from __future__ import annotations

DOCUMENTATION = r"""
module: coordinator_switchover
short_description: Do one of the steps of a switchover, on the host of either coordinator
version_added: 0.1.0
description:
  - The steps of the role P(warehousepg.coordinator.switchover#role), in their order. O(state=prepared), O(state=stopped) and
    O(state=serving) are for the primary's host, O(state=armed) and O(state=disarmed) for the standby's. Neither looks at the other host.
  - An armed standby has a process beside it that goes on when the module has ended. It waits until the standby has received, in the WAL,
    RV(token), and after it, by the same connection and as the last record, the checkpoint of a shutdown. Then it promotes the standby at
    once, and sees a write succeed. Otherwise it ends after O(seconds), or when half of O(max_gap) has passed since RV(token) came, or when
    the connection is another one, and nothing was changed.
  - The process and O(state=disarmed) decide by the rename of a file which of both comes first, so that a standby which was disarmed is not
    promoted afterwards, and one that is being promoted is waited for.
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - On the primary, sessions that came meanwhile are waited for again, and a checkpoint is written each time. A standby that is armed is
        armed anew, for longer and with another token.
extends_documentation_fragment:
  - warehousepg.coordinator.attributes
  - warehousepg.coordinator.instance
options:
  state:
    description:
      - V(prepared) looks at the transactions of clients and at what a shutdown could wait for, drains the primary if that is desired, and
        writes checkpoints until one is short.
      - V(armed) arms the standby, and refuses one that could not become primary.
      - V(stopped) start-blocks the primary, writes O(token) into the WAL, sees that the standby has it, and shuts the instance down. A
        shutdown that hangs is broken off in time, by an end of the instance at once, and the instance started again where its WAL
        has no checkpoint of a shutdown, without which the standby is not promoted; then the module fails. On an instance that is shut
        down already, only the start block is looked after.
      - V(disarmed) disarms the standby, or tells what became of the promotion.
      - V(serving) rolls back what V(prepared) and V(stopped) did, and starts the instance. That is right only where the standby was seen
        not to be armed and not to be primary. An instance that has become a standby is left alone.
    type: str
    choices: [prepared, armed, stopped, disarmed, serving]
    required: true
  transaction_seconds:
    description:
      - A transaction of a client that runs for longer is a reason not to begin, unless O(accept_transactions), or there is a drain.
    type: float
    default: 60
  accept_transactions:
    description:
      - Whether long transactions are terminated by the stop.
    type: bool
    default: false
  drain_seconds:
    description:
      - Before the stop, refuse new sessions over the network, end those that are idle, and give the others this many seconds. Without it,
        all go on until the stop terminates them.
    type: float
    default: 0
  drain_then:
    description:
      - What becomes of sessions that are left after that. V(terminate), the stop terminates them; V(refuse), the module fails.
    type: str
    choices: [terminate, refuse]
    default: terminate
  terminate_walsenders:
    description:
      - Whether walsenders that serve something else than the standby, such as C(pg_receivewal) or a backup, are terminated right before the
        shutdown, which would wait for them. Without it, they are a reason not to begin.
    type: bool
    default: false
  cluster:
    description:
      - Name of the cluster, for the audit. Required with O(state=armed).
    type: str
  armed_file:
    description:
      - How the names of the files begin that tell that the standby is armed, and what became of that. Their directory is made if it is
        missing. Required with O(state=armed) and O(state=disarmed).
    type: path
  seconds:
    description:
      - How long the standby stays armed.
    type: float
    default: 120
  audit_file:
    description:
      - File that a line is added to when the promotion begins, as by M(warehousepg.coordinator.coordinator_activation).
    type: path
  audit:
    description:
      - What that line is to tell beside, such as who began it on which controller.
    type: dict
    default: {}
  new_primary:
    description:
      - Name of the host whose instance is to be primary, which the start block is named by. Required with O(state=stopped).
    type: str
  token:
    description:
      - With O(state=stopped), what the standby was armed with, RV(token). Required where the primary runs.
    type: str
  max_gap:
    description:
      - Seconds that clients may be without a primary, from the writing of O(token) on. The shutdown is broken off after two fifths of them,
        for the rest is needed to start the instance again, and one that the standby receives after half of them does not count.
    type: float
    default: 10
  timeout:
    description:
      - Seconds that a checkpoint before the shutdown, or the start of the primary, or the promotion of the standby, and the first write
        after it, may take.
    type: float
    default: 60
requirements:
  - psycopg2
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

EXAMPLES = r"""
- name: Arm the standby
  warehousepg.coordinator.coordinator_switchover:
    data_directory: /data/whpg/v7/standby/gpseg-1
    state: armed
    cluster: demo
    armed_file: ~/.whpg/demo.armed
  become: true
  become_user: gpadmin
  register: arming
  when: inventory_hostname == 'scdw'

- name: Shut the primary down for it
  warehousepg.coordinator.coordinator_switchover:
    data_directory: /data/whpg/v7/coordinator/gpseg-1
    state: stopped
    new_primary: scdw
    token: "{{ hostvars.scdw.arming.token }}"
  become: true
  become_user: gpadmin
  when: inventory_hostname == 'cdw'
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
  returned: on the primary, success
  type: str
  sample: primary
running:
  description: Whether it runs.
  returned: on the primary, success
  type: bool
  sample: false
start_block:
  description: Name of the include that keeps it from being started, V(null) without one.
  returned: on the primary, success
  type: str
  sample: FENCED_scdw_is_primary.conf
drained:
  description: Whether it refuses new sessions.
  returned: on the primary, success
  type: bool
  sample: false
wal:
  description:
    - Of an instance that was shut down, the C(end) of its WAL, the C(timeline) of that, and whether the checkpoint of the shutdown
      proves it; V(null) of another.
  returned: on the primary, success
  type: dict
  sample: {end: 0/C0001F0, timeline: 1, proved: true, why: ""}
unlogged:
  description: Of an instance that was shut down, what M(warehousepg.coordinator.mirroring_info) returns under this name; else V(null).
  returned: on the primary, success
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
token:
  description: The text that the primary has to write into its WAL before it is shut down.
  returned: when it was armed
  type: str
  sample: 5f3c4a0c1d9be4f0b4a6d2cf51d40a11
armed:
  description: Whether it is armed.
  returned: on the standby, success
  type: bool
  sample: true
promoted:
  description: Whether the instance is primary, by its files.
  returned: on the standby, success, and when it is not known how a promotion ended
  type: bool
  sample: false
disarmed:
  description: Whether it is certain that no process will promote it.
  returned: with O(state=disarmed)
  type: bool
  sample: true
lsn:
  description: Where its WAL ends.
  returned: on the standby, success
  type: str
  sample: 0/C0001F0
handover:
  description:
    - What the process did. C(lsn) is where the primary's WAL ended, C(gap_s) how many seconds no write could succeed, at most, from the
      announcement of the shutdown to the first write, C(seconds) those of its parts, C(restarted) whether the standby had to be started
      anew, C(error) what went wrong, empty when nothing did.
  returned: when the process began to promote
  type: dict
  sample:
    lsn: 0/C0001F0
    gap_s: 0.412
    seconds: {shutdown: 0.19, promotion: 0.2, first_write: 0.02}
    restarted: false
    error: ""
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
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import handover, leaving
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.shutdown import Shutdown
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import drift

ARGUMENTS: dict[str, t.Any] = {
    **INSTANCE,
    "state": {"type": "str", "choices": ["prepared", "armed", "stopped", "disarmed", "serving"], "required": True},
    "transaction_seconds": {"type": "float", "default": 60},
    "accept_transactions": {"type": "bool", "default": False},
    "drain_seconds": {"type": "float", "default": 0},
    "drain_then": {"type": "str", "choices": [leaving.TERMINATE, leaving.REFUSE], "default": leaving.TERMINATE},
    "terminate_walsenders": {"type": "bool", "default": False},
    "cluster": {"type": "str"},
    "armed_file": {"type": "path"},
    "seconds": {"type": "float", "default": 120},
    "audit_file": {"type": "path"},
    "audit": {"type": "dict", "default": {}},
    "new_primary": {"type": "str"},
    "token": {"type": "str", "no_log": False},
    "max_gap": {"type": "float", "default": 10},
    "timeout": {"type": "float", "default": 60},
}


def show_primary(found: leaving.Leaver) -> dict[str, t.Any]:
    """What is returned of a primary."""
    control, end = found.instance.control, found.end
    down = not found.running and control is not None and control.state == "shut down" and end is not None
    # nothing follows the checkpoint of a shutdown, where that is the last by the control file, too
    proved = control is not None and end is not None and end.shutdown and Lsn.parse(control.checkpoint) < end.position
    return {
        "role": found.instance.role,
        "running": found.running,
        "start_block": found.instance.start_block,
        "drained": found.drained,
        "unlogged": dataclasses.asdict(drift.read(found.instance.data_directory)) if down else None,
        "wal": {"end": str(end.position), "timeline": end.timeline, "proved": proved, "why": ""} if down and end else None,
    }


def on_primary(module: AnsibleModule, host: Host) -> None:
    """Do a step of the primary's."""
    parameters = module.params
    where, state = parameters["data_directory"], parameters["state"]
    actions: dict[str, t.Callable[..., t.Any]] = {}

    def plan(found: leaving.Leaver) -> list[Step]:
        actions.update(Shutdown(host, found, parameters["timeout"], parameters["max_gap"]).actions)
        if state == "prepared":
            names = ("transaction_seconds", "accept_transactions", "drain_seconds", "drain_then", "terminate_walsenders")
            return leaving.plan_preparation(found, leaving.Patience(**{name: parameters[name] for name in names}))
        if state == "serving":
            return leaving.plan_return(found)
        # in check mode the standby is not armed, and would be
        token = parameters["token"] or ("foreseen" if module.check_mode else None)
        return leaving.plan_stop(found, include_name(parameters["new_primary"]), token, parameters["terminate_walsenders"])

    carry_out(
        module,
        lambda: leaving.observe(host, where, ask=state != "serving"),
        plan,
        actions,
        show=show_primary,
        passive=("checkpoint", "wait_serving"),
    )


def on_standby(module: AnsibleModule, host: Host) -> None:
    """Do a step of the standby's."""
    parameters = module.params
    files = handover.Files(parameters["armed_file"])
    where, arming = parameters["data_directory"], parameters["state"] == "armed"
    actions: dict[str, t.Callable[..., t.Any]] = {}

    def plan(found: handover.Readiness) -> list[Step]:
        port = found.instance.port or 0
        names = ("cluster", "audit_file", "audit", "timeout")
        doing = handover.Handover(host, where, port, files, **{name: parameters[name] for name in names})
        actions.update(
            arm=lambda **what: doing.arm(**{name: parameters[name] for name in ("seconds", "max_gap")}, **what), disarm=doing.disarm
        )
        return handover.plan_arming(found) if arming else handover.plan_disarming(found)

    def show(found: handover.Readiness) -> dict[str, t.Any]:
        shown = {
            "armed": found.armed,
            "promoted": found.instance.directory_state == "instance" and found.instance.role == "primary",
            "lsn": str(found.end.position) if found.end else None,
        }
        return shown if arming else {**shown, "disarmed": not (found.armed or found.promoting)}

    carry_out(module, lambda: handover.observe(host, where, files), plan, actions, show=show)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=ARGUMENTS,
        required_if=[
            ("state", "armed", ("cluster", "armed_file")),
            ("state", "disarmed", ("armed_file",)),
            ("state", "stopped", ("new_primary",)),
        ],
        supports_check_mode=True,
    )
    require_psycopg2(module)
    host = Host(module, module.params["greenplum_path"])
    if module.params["state"] in ("armed", "disarmed"):
        on_standby(module, host)
    else:
        on_primary(module, host)


if __name__ == "__main__":
    main()
