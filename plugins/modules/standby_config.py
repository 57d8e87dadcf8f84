#!/usr/bin/python
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Configure a standby coordinator and let it follow the primary."""

from __future__ import annotations

DOCUMENTATION = r"""
module: standby_config
short_description: Configure and start a standby coordinator
version_added: 0.1.0
description:
  - Runs on the standby's host, on a data directory that M(warehousepg.coordinator.coordinator_snapshot) put there or that was a
    standby before.
  - Keeps C(gp_dbid) in C(internal.auto.conf), the port, C(primary_conninfo) and C(primary_slot_name) as they should be, and
    starts the standby. These settings change by a restart only, so a standby that runs with others is restarted.
  - A data directory that is not marked as a standby is refused and not touched. Nor is one started that would end its recovery by itself,
    which the engine is asked, C(postgres -C).
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
  - warehousepg.coordinator.upstream
options:
  port:
    description:
      - Port that the standby listens on; clients use it when the standby has become primary.
    type: int
    required: true
  slot_name:
    description:
      - Replication slot on the primary that keeps the WAL which the standby still needs.
    type: str
    default: standby_coordinator
  listen_addresses:
    description:
      - Addresses that it listens on, as the setting of this name has them. Without it that setting stays as it is, a copy has the
        primary's.
    type: str
  state:
    description:
      - What the standby is to be. V(streaming) means started, with a walreceiver that the primary accepted. Whether WAL flows, is
        in sync and replayed is seen on the primary, by M(warehousepg.coordinator.mirroring_info).
    type: str
    choices: [configured, started, streaming]
    default: streaming
  timeout:
    description:
      - Seconds that it may take until it streams.
    type: float
    default: 60
  system_identifier:
    description:
      - System identifier of the primary, as M(warehousepg.coordinator.mirroring_info) returns it. An instance of another system is refused.
      - Without it, it is not compared.
    type: str
  former_directory:
    description:
      - Data directory that the standby is in, on this host and file system, or where it was set aside. Where there is nothing in
        O(data_directory), it is stopped and renamed to that.
    type: path
  replaced:
    description:
      - Data directories that a copy took the place of, as RV(warehousepg.coordinator.coordinator_snapshot#module:set_aside_as) has them.
        They are removed, with their parts of tablespaces and their WAL, once the standby streams.
      - Requires O(state=streaming).
    type: list
    elements: path
    default: []
requirements:
  - psycopg2
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

EXAMPLES = r"""
- name: Let the standby follow the primary
  warehousepg.coordinator.standby_config:
    data_directory: /data/whpg/v7/standby/gpseg-1
    port: 5432
    primary_host: cdw
    primary_port: 5432
    passfile: ~/.whpg/demo.pgpass
    dbid: 8
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
    - name: start
      seconds: 0.31
removed:
  description: Those of O(replaced) that were removed.
  returned: when there were any
  type: list
  elements: str
  sample: [/data/whpg/v7/coordinator/gpseg-1.set_aside-20261123T080000Z]
removed_wal:
  description: Where the WAL was that was removed with the first of them, on another disk, V(null) where it was in that directory.
  returned: when there were any
  type: str
  sample: null
dbid:
  description: C(gp_dbid) of the instance.
  returned: always
  type: int
  sample: 8
port:
  description: Port of the instance.
  returned: always
  type: int
  sample: 5432
settings:
  description: What it follows, C(primary_conninfo) and C(primary_slot_name).
  returned: always
  type: dict
  sample:
    primary_conninfo: application_name='gp_walreceiver' host='cdw' port='5432'
    primary_slot_name: standby_coordinator
running:
  description: Whether it runs.
  returned: always
  type: bool
  sample: true
connected:
  description: Whether its walreceiver holds a connection to the primary.
  returned: always
  type: bool
  sample: true
"""

import os
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import aside
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.arguments import (
    INSTANCE,
    UPSTREAM,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Step, carry_out
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import instance, replication, tablespaces
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection import require_psycopg2
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.password_stores.registry import ARGUMENTS, ONE_IF_SCRAM
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import preflight, rewind, standby


def show(found: standby.Standby) -> dict[str, t.Any]:
    """What is returned of an observation."""
    following = ("primary_conninfo", "primary_slot_name")
    postmaster = found.instance.postmaster
    return {
        "dbid": found.instance.dbid,
        "port": found.instance.port,
        "settings": {name: found.instance.settings.get(name) for name in following},
        "running": postmaster is not None,
        "connected": bool(postmaster and postmaster.connected),
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **INSTANCE,
            **UPSTREAM,
            **ARGUMENTS,
            "port": {"type": "int", "required": True},
            "slot_name": {"type": "str", "default": "standby_coordinator"},
            "listen_addresses": {"type": "str"},
            "state": {"type": "str", "choices": ["configured", "started", "streaming"], "default": "streaming"},
            "timeout": {"type": "float", "default": 60},
            "system_identifier": {"type": "str"},
            "former_directory": {"type": "path"},
            "replaced": {"type": "list", "elements": "path", "default": []},
        },
        required_if=[ONE_IF_SCRAM],
        supports_check_mode=True,
    )
    require_psycopg2(module)
    parameters = module.params
    if parameters["dbid"] is None and not module.check_mode:
        module.fail_json(msg="dbid is missing: give the number under which the standby is registered")
    host = Host(module, parameters["greenplum_path"])
    data_directory = parameters["data_directory"]
    former_directory = parameters["former_directory"]
    # those that are there still
    replaced = [directory for directory in parameters["replaced"] if os.path.lexists(directory)]
    password = parameters["replication_password"]
    upstream = replication.upstream_of(parameters)

    def path(name: str) -> str:
        return f"{data_directory}/{name}"

    def start() -> None:
        preflight.require_following(host, data_directory)
        instance.start(host, data_directory, desired.port)

    def observe() -> standby.Standby:
        return standby.read_standby(host, data_directory, upstream, password, former_directory)

    def plan(found: standby.Standby) -> list[Step]:
        steps = standby.plan(found, desired, password)
        return [*steps, Step("remove_replaced")] if replaced and desired.state == "streaming" else steps

    def remove_replaced() -> dict[str, t.Any]:
        led_to = [rewind.remove(directory) for directory in replaced]
        return {"removed": replaced, "removed_wal": led_to[0]}

    try:
        desired = standby.Desired(
            parameters["dbid"],
            parameters["port"],
            upstream.primary_conninfo(),
            parameters["slot_name"],
            parameters["state"],
            parameters["listen_addresses"],
            parameters["system_identifier"],
        )
    except CoordinatorError as error:
        module.fail_json(msg=error.message, **error.data)
    carry_out(
        module,
        observe,
        plan,
        {
            "write_password": lambda: upstream.write_password(host, password),
            "write_dbid": lambda dbid: host.write(path("internal.auto.conf"), f"gp_dbid={dbid}\n", 0o600),
            "write_port": lambda port: standby.write_settings(host, path("postgresql.conf"), {"port": str(port)}),
            "write_settings": lambda settings: standby.write_settings(host, path("postgresql.auto.conf"), settings),
            "stop_former": lambda: instance.stop(host, former_directory),
            "bring": lambda: aside.bring(former_directory, data_directory),
            "stop": lambda: instance.stop(host, data_directory),
            "move_tablespaces": lambda dbid: tablespaces.change_dbid(data_directory, dbid),
            "start": start,
            "remove_replaced": remove_replaced,
            "wait_streaming": lambda: standby.wait_streaming(data_directory, parameters["timeout"]),
        },
        show=show,
        passive=("wait_streaming",),
    )


if __name__ == "__main__":
    main()
