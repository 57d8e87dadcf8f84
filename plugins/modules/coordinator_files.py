#!/usr/bin/python
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring settings and files that WAL does not carry from one coordinator to the other."""

from __future__ import annotations

DOCUMENTATION = r"""
module: coordinator_files
short_description: Bring settings and files that WAL does not carry from one coordinator to the other
version_added: 0.1.0
description:
  - Runs first with O(state=packed) on the host that has them, then with O(state=brought), in the same run of a playbook, on the host that
    is to have them, be its instance running or stopped, primary or standby.
  - Between these tasks the controller holds the files in its private temporary directory of that run, which it removes when the run ends.
    They are part of no result and no log. Give the first task C(no_log).
  - What belongs to a host stays as it is there, such as its port, C(listen_addresses), what a standby follows, absolute paths, and
    the blocks of this collection in C(pg_hba.conf). Nothing is removed that only this host has.
  - The engine is asked whether it can read the settings before it is told of them. Where it cannot, or where a standby that had to be
    restarted does not start with them, everything is put back, and the module fails.
attributes:
  check_mode:
    support: partial
    details: With O(state=brought) a change is foretold without a look at the files.
  diff_mode:
    support: none
  idempotent:
    support: full
extends_documentation_fragment:
  - warehousepg.coordinator.attributes
  - warehousepg.coordinator.instance
options:
  state:
    description:
      - Which of both is done.
    type: str
    choices: [packed, brought]
    required: true
  cluster:
    description:
      - Name of the cluster, by which the second task knows what the first one packed.
    type: str
    required: true
  files:
    description:
      - With O(state=packed), the files, by their paths in the data directory.
    type: list
    elements: str
    default: []
  accepted:
    description:
      - Settings that keep the value they have on this host, by name or pattern.
    type: list
    elements: str
    default: []
  keep:
    description:
      - Whether each version that is replaced, and has something that the other one lacks, is kept beside the data directory. Else those
        are that changed after the other host's.
    type: bool
    default: false
  restart:
    description:
      - Whether a standby that runs is restarted where a setting changes that it takes by a restart only. An instance that is primary is
        never restarted.
    type: bool
    default: true
  timeout:
    description:
      - Seconds that a standby which was restarted has until it streams, if it did before.
    type: float
    default: 60
  archive:
    description:
      - What was packed. The controller gives it.
    type: str
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

EXAMPLES = r"""
- name: Pack what the standby has otherwise
  warehousepg.coordinator.coordinator_files:
    state: packed
    cluster: demo
    data_directory: /data/whpg/v7/coordinator/gpseg-1
    files: [pg_hba.conf, gpbackup_history.db]
  no_log: true
  when: inventory_hostname == 'cdw'

- name: Bring it there
  warehousepg.coordinator.coordinator_files:
    state: brought
    cluster: demo
    data_directory: /data/whpg/v7/standby/gpseg-1
  when: inventory_hostname == 'scdw'
"""

RETURN = r"""
steps:
  description: What was done and how many seconds each step took.
  returned: with O(state=brought)
  type: list
  elements: dict
  sample:
    - name: write
      seconds: 0.012
packed:
  description: The files that were packed.
  returned: with O(state=packed)
  type: list
  elements: str
  sample: [pg_hba.conf]
brought:
  description: The files that were written.
  returned: with O(state=brought)
  type: list
  elements: str
  sample: [pg_hba.conf]
kept:
  description: Where versions are that were replaced and had something of their own.
  returned: with O(state=brought)
  type: list
  elements: str
  sample: []
restart_needed:
  description: Settings that changed, and that the instance takes only when it is restarted.
  returned: with O(state=brought)
  type: list
  elements: str
  sample: [max_connections]
unlogged:
  description: What the instance has now that WAL does not carry, as M(warehousepg.coordinator.mirroring_info) returns it.
  returned: with O(state=brought)
  type: dict
  sample:
    files: {}
    settings: {}
    left_out: []
"""

import base64
import dataclasses
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.arguments import INSTANCE
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Step, carry_out
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import drift, transfer


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **INSTANCE,
            "state": {"type": "str", "choices": ["packed", "brought"], "required": True},
            "cluster": {"type": "str", "required": True},
            "files": {"type": "list", "elements": "str", "default": []},
            "accepted": {"type": "list", "elements": "str", "default": []},
            "keep": {"type": "bool", "default": False},
            "restart": {"type": "bool", "default": True},
            "timeout": {"type": "float", "default": 60},
            "archive": {"type": "str", "no_log": True},
        },
        required_if=[("state", "brought", ("archive",))],
        supports_check_mode=True,
    )
    parameters = module.params
    where = parameters["data_directory"]
    try:
        if parameters["state"] == "packed":
            packed, names = transfer.pack(where, parameters["files"])
            module.exit_json(changed=False, packed=names, archive=base64.b64encode(packed).decode())
        files = transfer.unpack(base64.b64decode(parameters["archive"]))
    except CoordinatorError as error:
        module.fail_json(msg=error.message, **error.data)
    host = Host(module, parameters["greenplum_path"])
    actions: dict[str, t.Callable[..., t.Any]] = {}

    def plan(found: transfer.Receiver) -> list[Step]:
        needed = transfer.changes(found, files, parameters["accepted"], parameters["keep"])
        doing = transfer.Transfer(host, found, needed, parameters["timeout"])
        actions.update(keep=doing.keep, write=doing.write, reload=doing.reload, restart=doing.restart)
        return transfer.plan(found, needed, parameters["restart"])

    def show(found: transfer.Receiver) -> dict[str, t.Any]:
        return {"brought": [], "kept": [], "restart_needed": [], "unlogged": dataclasses.asdict(drift.read(found.instance.data_directory))}

    carry_out(module, lambda: transfer.observe(host, where, files), plan, actions, show=show)


if __name__ == "__main__":
    main()
