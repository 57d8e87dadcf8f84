#!/usr/bin/python
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keep on the standby's host what has to be known when the primary cannot be asked."""

from __future__ import annotations

DOCUMENTATION = r"""
module: standby_record
short_description: Keep what has to be known when the primary coordinator cannot be asked
version_added: 0.1.0
description:
  - Runs on the standby's host, after the pair was seen mirrored. Keeps in a file where the primary and the segments are, and that the
    present stream was seen in sync.
  - An activation of the standby fences the former primary by it, and proves by it that nothing is lost where the primary's disk cannot be
    read.
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
  file:
    description:
      - The file. Only its owner may read it.
    type: path
    required: true
  system_identifier:
    description:
      - System identifier of the pair, as M(warehousepg.coordinator.mirroring_info) returns it.
    type: str
    required: true
  primary:
    description:
      - The host of the primary.
    type: dict
    required: true
    suboptions:
      host:
        description: Its name in the inventory.
        type: str
        required: true
      hostname:
        description: Its name for itself.
        type: str
        required: true
      addresses:
        description: Its addresses.
        type: list
        elements: str
        required: true
  segments:
    description:
      - The segment instances of the cluster, primaries and mirrors.
    type: list
    elements: dict
    required: true
    suboptions:
      dbid:
        description: Number of the instance.
        type: int
        required: true
      content:
        description: Which part of the data it has.
        type: int
        required: true
      role:
        description: V(p) for a primary, V(m) for a mirror.
        type: str
        required: true
      hostname:
        description: Name of its host in the catalog.
        type: str
        required: true
      address:
        description: Name or address in the catalog that others reach it by.
        type: str
        required: true
      port:
        description: Its port.
        type: int
        required: true
      datadir:
        description: Its data directory.
        type: str
        required: true
      host:
        description: Name of its host in the inventory.
        type: str
  commit_limit_s:
    description:
      - Seconds after the last word from its standby before which the primary does not let commits go on without it. Without it, an
        activation proves nothing by the record.
    type: float
  other_walsenders:
    description:
      - Whether the primary sent WAL to others than the standby. The end of any walsender lets commits go on that wait for the standby,
        so that an activation proves less by the record. Left out, that is not known.
    type: bool
  client_port:
    description:
      - Port from which the stream comes that the primary was seen to have in sync, by the
        RV(warehousepg.coordinator.mirroring_info#module:primary) of M(warehousepg.coordinator.mirroring_info). Without it, the record
        tells of no stream in sync.
    type: int
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

EXAMPLES = r"""
- name: Keep what has to be known without the primary
  warehousepg.coordinator.standby_record:
    file: ~/.whpg/demo.record.json
    data_directory: /data/whpg/v7/standby/gpseg-1
    system_identifier: "7711121183714698180"
    primary:
      host: cdw
      hostname: cdw
      addresses: [10.0.0.11]
    segments:
      - {dbid: 2, content: 0, role: p, hostname: sdw1, address: sdw1, port: 6000, datadir: /data/whpg/v7/primary/gpseg0, host: sdw1}
    commit_limit_s: 300
    other_walsenders: false
    client_port: 41522
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
    - name: write_record
      seconds: 0.003
record:
  description:
    - What is kept. C(in_sync) tells when the stream was seen in sync, by this host's clock in seconds since the epoch, and when its
      walreceiver and the host were started. V(null) without a record.
  returned: always
  type: dict
  sample:
    system_identifier: "7711121183714698180"
    time: 1795392000.1
    primary: {host: cdw, hostname: cdw, addresses: [10.0.0.11]}
    segments: []
    commit_limit_s: 300.0
    other_walsenders: false
    in_sync: {time: 1795392000.1, walreceiver_started: 1795391000.25, booted: 1795000000.5}
"""

import dataclasses
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import border
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.arguments import INSTANCE
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Step, carry_out
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.postmaster import read_postmaster
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.stream import booted_at, read_connection
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import record

_SEGMENT = {"dbid": "int", "content": "int", "role": "str", "hostname": "str", "address": "str", "port": "int", "datadir": "str"}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **INSTANCE,
            "file": {"type": "path", "required": True},
            "system_identifier": {"type": "str", "required": True},
            "primary": {
                "type": "dict",
                "required": True,
                "options": {
                    "host": {"type": "str", "required": True},
                    "hostname": {"type": "str", "required": True},
                    "addresses": {"type": "list", "elements": "str", "required": True},
                },
            },
            "segments": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {**{name: {"type": kind, "required": True} for name, kind in _SEGMENT.items()}, "host": {"type": "str"}},
            },
            "commit_limit_s": {"type": "float"},
            "other_walsenders": {"type": "bool"},
            "client_port": {"type": "int"},
        },
        supports_check_mode=True,
    )
    parameters = module.params
    host = Host(module, parameters["greenplum_path"])
    path = parameters["file"]
    try:
        given = border.parse(
            record.Record,
            parameters,
        )
    except ValueError as error:
        module.fail_json(msg=f"what is to be kept is not of its form, and would be of no use: {error}")

    def plan(found: t.Mapping[str, t.Any]) -> list[Step]:
        postmaster = read_postmaster(parameters["data_directory"])
        started, ports = read_connection(postmaster.pid if postmaster else None)
        return record.plan(found["record"], given, record.in_sync(started, ports, parameters["client_port"], time.time(), booted_at()))

    carry_out(
        module,
        lambda: {"record": record.read_record(path)[0]},
        plan,
        {"write_record": lambda told: record.write_record(host, path, told, time.time())},
        show=lambda found: {"record": dataclasses.asdict(found["record"]) if found["record"] else None},
    )


if __name__ == "__main__":
    main()
