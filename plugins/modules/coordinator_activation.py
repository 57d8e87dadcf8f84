#!/usr/bin/python
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Activate a standby coordinator."""

from __future__ import annotations

DOCUMENTATION = r"""
module: coordinator_activation
short_description: Activate a standby coordinator
version_added: 0.1.0
description:
  - Runs on the standby's host. Promotes the standby, waits until queries are answered in dispatch mode, writes a checkpoint on the new
    timeline, sees that the catalog names this instance as primary and that every segment answers through it, and makes the slot for
    the next standby. C(primary_conninfo) and C(primary_slot_name) are reset.
  - Refuses without a verdict that allows it, on an instance that is no standby in recovery, and where something may be lost unless
    that is accepted. It does not look at the former primary. That it can do no more harm must be proved before, as
    M(warehousepg.coordinator.coordinator_start_block) does, or M(warehousepg.coordinator.coordinator_fence).
  - On an instance that is primary already it changes nothing, or finishes what an activation that was cut off lacks.
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
      - Name of the cluster, for the audit.
    type: str
    required: true
  verdict:
    description:
      - The verdict on the pair, see P(warehousepg.coordinator.discovery#role).
    type: dict
    required: true
    suboptions:
      state:
        description: State of the pair.
        type: str
        required: true
      allowed:
        description: Whether the activation is allowed.
        type: bool
        required: true
      reason:
        description: Why.
        type: str
        default: ''
      proof:
        description: What proves that the former primary can do no more harm.
        type: str
        default: ''
      quiet_s:
        description:
          - Seconds since a segment host last had data from the former primary, as they were at the latest when it was fenced there. Without
            it, nothing is proved by the record once the standby has lost the former primary.
        type: float
  exact_loss:
    description:
      - What was read from the former primary's disk, the RV(warehousepg.coordinator.coordinator_start_block#module:wal) of
        M(warehousepg.coordinator.coordinator_start_block). Without it, it was not read.
    type: dict
    suboptions:
      end:
        description: End of the former primary's WAL, an LSN.
        type: str
      missing_bytes:
        description: Bytes that the standby lacked when that was looked at.
        type: int
      commits:
        description: Transactions committed in them.
        type: int
      proved:
        description: Whether it is proved that its WAL ended there. Without it, what is lost is not known by it.
        type: bool
      reaches:
        description: Position up to which its WAL went at least, an LSN.
        type: str
      timeline:
        description: Timeline of that WAL.
        type: int
      first_segment:
        description: The first WAL segment that the standby lacked.
        type: str
      archive:
        description: Archive of the segments on the former primary's host.
        type: str
      why:
        description: Why something is not known.
        type: str
  salvage:
    description:
      - WAL of the former primary to be replayed first, if the standby does not have it by now. The standby is stopped for that.
    type: dict
    suboptions:
      archive:
        description: Archive on this host that M(warehousepg.coordinator.coordinator_start_block) made on the former primary's.
        type: path
        required: true
      end:
        description: End of the WAL in it, an LSN.
        type: str
        required: true
  accept_loss:
    description:
      - Whether something may be lost. Without it, anything but a proof that nothing is lost is refused. With it, the activation goes on
        also where O(salvage) cannot be replayed.
    type: bool
    default: false
  both_down:
    description:
      - Whether a standby that is stopped is started first. The primary, which is down too, could be started instead where its host answers.
    type: bool
    default: false
  slot_name:
    description:
      - Replication slot that is made for the next standby.
    type: str
    default: standby_coordinator
  retention_limit:
    description:
      - WAL that the slot may retain, such as V(20GB), where the engine knows such a limit. Without it, what is set stays.
    type: str
  timeout:
    description:
      - Seconds that each thing which is waited for may take.
    type: float
    default: 60
  record_file:
    description:
      - What M(warehousepg.coordinator.standby_record) kept on this host. Without it, a loss is known by the former primary's disk only.
    type: path
  audit_file:
    description:
      - File on this host that a line is added to when the activation begins, and when it ends or fails.
    type: path
  audit:
    description:
      - What these lines are to tell beside what this module knows, such as who began it on which controller.
    type: dict
    default: {}
notes:
  - The work goes on when the connection is lost, and is followed again when that is back within a minute. Where nobody follows it any
    more, because the run was interrupted for instance, it is given up as long as O(salvage) is not replayed; a promotion is finished.
requirements:
  - psycopg2
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

EXAMPLES = r"""
- name: Activate the standby
  warehousepg.coordinator.coordinator_activation:
    cluster: demo
    data_directory: /data/whpg/v7/standby/gpseg-1
    verdict:
      state: primary_down
      allowed: true
      reason: the instance on cdw was seen stopped
      proof: its data directory is start-blocked
    exact_loss: "{{ hostvars.cdw.start_block.wal }}"
    audit_file: ~/.whpg/demo.audit.jsonl
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
    - name: promote
      seconds: 0.12
promoted:
  description: Whether the instance is primary, by its files. Told also on failure.
  returned: always
  type: bool
  sample: true
stopped:
  description: Whether nothing runs there any more.
  returned: on failure
  type: bool
  sample: false
loss:
  description:
    - What is lost. C(known) is V(none), V(bytes) or V(unknown), C(bytes) of WAL with C(commits) at most, C(why) that is known or not,
      and the C(window), in seconds since the epoch, when the pair was last seen C(in_sync), the standby was C(disconnected), and the
      former primary C(fenced). C(start) is where what is lost begins, an LSN, and C(at_least) so many bytes from there on are.
  returned: always, unless the host could not be observed
  type: dict
  sample:
    known: none
    bytes: 0
    commits: 0
    why: the former primary's WAL ends at 0/C0001F0 on its disk, the standby has it up to 0/C0001F0
    window: {in_sync: 1795392000.1, disconnected: 1795393000.2, fenced: 1795393001.5}
    start: null
    at_least: null
timeline:
  description: The timeline of the instance.
  returned: always, unless the host could not be observed
  type: int
  sample: 2
lsn:
  description: End of the WAL of the new primary, of a standby the end of what it has.
  returned: always, unless the host could not be observed
  type: str
  sample: 0/C000368
switch_lsn:
  description: Where the new timeline begins, V(null) on the first.
  returned: always, unless the host could not be observed
  type: str
  sample: 0/C0001F0
restarted:
  description: Whether the promotion hung, and the standby was started anew with nothing to follow.
  returned: when it was promoted
  type: bool
  sample: false
salvaged:
  description: WAL segments of the former primary that were put in their place.
  returned: when there were any
  type: list
  elements: str
  sample: ["000000010000000000000003"]
salvage_failed:
  description: Why WAL of the former primary was not replayed, and the activation went on without.
  returned: when that was so
  type: str
  sample: "the salvaged WAL segment 000000010000000000000003 is not one of the system 7711121183714698180"
segments_answered:
  description: Contents of the segments that answered through the new primary.
  returned: when that was looked at
  type: list
  elements: int
  sample: [0, 1]
audit:
  description: The entry on the end of the activation.
  returned: when it was written
  type: dict
  sample: {event: activated, cluster: demo, timeline: 2}
"""

import dataclasses
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import outlasting, work
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.arguments import INSTANCE
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Step, keeper, run
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection import require_psycopg2
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.postmaster import read_postmaster
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.retention import parse_size
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import activation, salvage
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.promotion import Promotion, is_promoted, switch_position
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import record

ARGUMENTS: dict[str, t.Any] = {
    **INSTANCE,
    "cluster": {"type": "str", "required": True},
    "verdict": {
        "type": "dict",
        "required": True,
        "options": {
            "state": {"type": "str", "required": True},
            "allowed": {"type": "bool", "required": True},
            "reason": {"type": "str", "default": ""},
            "proof": {"type": "str", "default": ""},
            "quiet_s": {"type": "float"},
        },
    },
    "exact_loss": {
        "type": "dict",
        "options": {
            **{name: {"type": "int"} for name in ("missing_bytes", "commits", "timeline")},
            **{name: {"type": "str"} for name in ("end", "reaches", "first_segment", "archive", "why")},
            "proved": {"type": "bool"},
        },
    },
    "salvage": {
        "type": "dict",
        "options": {"archive": {"type": "path", "required": True}, "end": {"type": "str", "required": True}},
    },
    "accept_loss": {"type": "bool", "default": False},
    "both_down": {"type": "bool", "default": False},
    "slot_name": {"type": "str", "default": "standby_coordinator"},
    "retention_limit": {"type": "str"},
    "timeout": {"type": "float", "default": 60},
    "record_file": {"type": "path"},
    "audit_file": {"type": "path"},
    "audit": {"type": "dict", "default": {}},
}


class Audit:
    """Writes what the module does into the audit.

    :param parameters: options of the module.
    :param told: what every entry tells.
    """

    def __init__(self, parameters: t.Mapping[str, t.Any], told: t.Mapping[str, t.Any]) -> None:
        self._path = parameters["audit_file"]
        self._told = {**parameters["audit"], "cluster": parameters["cluster"], "verdict": parameters["verdict"], **told}
        self._began = time.monotonic()

    def write(self, event: str, **more: t.Any) -> dict[str, t.Any]:
        """Add an entry, and return it."""
        seconds = round(time.monotonic() - self._began, 3)
        entry = {**self._told, "event": event, "time": round(time.time(), 3), "seconds": seconds, **more}
        if self._path:
            record.append(self._path, entry)
        return entry


def show(found: activation.Candidate) -> dict[str, t.Any]:
    """What is returned of an observation."""
    where = found.instance.data_directory
    return {
        "promoted": found.instance.directory_state == "instance" and is_promoted(where),
        "timeline": found.timeline or None,
        "lsn": str(found.end.position) if found.end else None,
        "switch_lsn": switch_position(where, found.timeline),
    }


def apply(
    doing: Promotion,
    found: activation.Candidate,
    steps: t.Iterable[Step],
    desired: activation.Desired,
    audit: Audit,
    keep: t.Callable[[], None],
) -> tuple[list[dict[str, t.Any]], dict[str, t.Any]]:
    """Carry out the steps; returns those done, and what they returned.

    :param keep: sees before each step that this run still holds the lock on the pair.
    :raises CoordinatorError: a step failed.
    """
    done: list[dict[str, t.Any]] = []
    returned: dict[str, t.Any] = {}
    where = found.instance.data_directory
    without = " To activate it without this WAL, give activate_standby_accept_loss=true"

    def note_begin() -> None:
        audit.write(record.BEGUN)

    def go_on(error: CoordinatorError) -> dict[str, t.Any]:
        """Go on without the salvaged WAL where a loss is accepted."""
        lost = activation.expected_loss(found, dataclasses.replace(desired, salvage=None), time.time())
        told = {"loss": dataclasses.asdict(lost), "salvage_failed": error.message}
        audit.write(record.BEGUN, **told)
        return told

    def resume() -> None:
        """Nothing was changed, so the standby goes on as it was."""
        if found.instance.postmaster is not None:
            doing.start()

    def place_wal(archive: str) -> dict[str, t.Any]:
        try:
            return salvage.place(where, archive, found.end, Lsn.parse(desired.salvage["end"]) if desired.salvage else None)
        except work.Cancelled:
            resume()
            raise
        except CoordinatorError as error:
            if desired.accept_loss:
                return go_on(error)
            resume()
            raise CoordinatorError(f"{error.message}.{without}", **error.data) from error

    def start() -> dict[str, t.Any]:
        try:
            doing.start()
        except CoordinatorError as error:
            if not desired.accept_loss or not returned.get("salvaged"):
                raise
            salvage.roll_back(where, returned["salvaged"], found.end)
            doing.start()
            return {**go_on(error), "salvaged": []}
        return {}

    def wait_replayed(end: str) -> dict[str, t.Any]:
        if "salvage_failed" in returned:
            return {}
        try:
            doing.wait_replayed(end)
        except CoordinatorError as error:
            if not desired.accept_loss:
                raise CoordinatorError(f"{error.message}.{without}", **error.data) from error
            if read_postmaster(where) is None:
                salvage.roll_back(where, returned["salvaged"], found.end)
                doing.start()
            return go_on(error)
        return {}

    actions: dict[str, t.Callable[..., t.Any]] = {
        "note_begin": note_begin,
        "stop": doing.stop,
        "place_wal": place_wal,
        "start": start,
        "wait_replayed": wait_replayed,
        "promote": lambda: doing.promote(found.end.position if found.end else None),
        "wait_dispatch": doing.wait_dispatch,
        "checkpoint": doing.checkpoint,
        "check_catalog": lambda: doing.check_catalog(found.instance.dbid),
        "check_segments": doing.check_segments,
        "make_slot": lambda: doing.make_slot(desired.slot_name, desired.retention_limit),
        "clean_up": doing.clean_up,
        "note_end": lambda: {"audit": audit.write(record.ACTIVATED, **returned, steps=done)},
    }
    for step in steps:
        try:
            now, more = run([step], actions, keep)
        except (CoordinatorError, work.Cancelled) as error:
            error.data.update(returned, steps=done)
            raise
        done += now
        returned.update(more)
    return done, returned


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    require_psycopg2(module)
    outlasting.run(module, lambda: activate(module), module.params["data_directory"])


def activate(module: AnsibleModule) -> None:
    """Do what the module is for, and end it."""
    parameters = module.params
    host = Host(module, parameters["greenplum_path"])
    where = parameters["data_directory"]
    audit = None
    known: dict[str, t.Any] = {"promoted": False}

    def observe() -> activation.Candidate:
        by_disk = bool((parameters["exact_loss"] or {}).get("proved"))
        quiet = parameters["verdict"]["quiet_s"]
        return activation.observe(host, where, parameters["record_file"], parameters["audit_file"], by_disk, quiet)

    try:
        names = ("verdict", "salvage", "accept_loss", "both_down", "slot_name")
        desired = activation.Desired(
            **{name: parameters[name] for name in names},
            exact=parameters["exact_loss"],
            retention_limit=parse_size(parameters["retention_limit"]) if parameters["retention_limit"] else None,
        )
        before = observe()
        expected = activation.expected_loss(before, desired, time.time())
        known = {**show(before), "loss": dataclasses.asdict(expected)}
        steps = activation.plan(before, desired, expected)
        changed = any(step.name not in activation.PASSIVE for step in steps)
        done = [{"name": step.name, "seconds": 0.0} for step in steps]
        returned: dict[str, t.Any] = {}
        if steps and not module.check_mode:
            audit = Audit(parameters, {"loss": known["loss"]})
            doing = Promotion(host, where, before.instance.port or 0, parameters["timeout"])
            done, returned = apply(doing, before, steps, desired, audit, keeper(module))
    except (CoordinatorError, work.Cancelled) as error:
        known["promoted"] = is_promoted(where) if audit else known["promoted"]
        known["stopped"] = audit is not None and read_postmaster(where) is None
        told = {**known, **error.data}
        if audit is not None:
            failure = {name: told.get(name) for name in ("failed_step", "promoted", "steps")}
            told["audit"] = audit.write(record.FAILED, error=error.message, **failure)
        module.fail_json(msg=error.message, **told)
    result = {**known, **returned, "promoted": known["promoted"] or bool(returned)}
    if module._diff:
        result["diff"] = {"before": known, "after": {**known, **returned}}
    module.exit_json(changed=changed, steps=done, **result)


if __name__ == "__main__":
    main()
