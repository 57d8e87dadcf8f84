#!/usr/bin/python
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copy the primary coordinator to this host while it serves."""

from __future__ import annotations

DOCUMENTATION = r"""
module: coordinator_snapshot
short_description: Make an online copy of the primary coordinator
version_added: 0.1.0
description:
  - Runs on the standby's host. Makes a base backup of the primary, which goes on serving, and puts it in place as a data
    directory that is marked as a standby and ready to follow the primary.
  - The WAL written meanwhile is fetched with the copy, and page checksums are verified. Register the standby before, by
    M(warehousepg.coordinator.standby_registration). Its slot keeps that WAL, and the WAL that the standby needs afterwards.
  - The copy is made in a directory beside its place, named C(.<name>.coordinator_snapshot), and renamed in when it is whole.
    What an earlier attempt left there is replaced.
  - What gpinitstandby leaves out is left out (C(db_dumps), C(promote), C(db_analyze)), and so are the logs.
  - Where the place holds a standby of the same system already, nothing is copied. Where it holds anything else that is not
    empty, the module refuses and touches nothing.
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
  - warehousepg.coordinator.copy
requirements:
  - psycopg2
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

EXAMPLES = r"""
- name: Copy the primary
  warehousepg.coordinator.coordinator_snapshot:
    data_directory: /data/whpg/v7/standby/gpseg-1
    primary_host: cdw
    primary_port: 5432
    passfile: ~/.whpg/demo.pgpass
    dbid: 8
    system_identifier: "7432104713243312345"
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
    - name: copy
      seconds: 1.24
method:
  description: How the copy was made.
  returned: when a copy was made
  type: str
  sample: basebackup
bytes_copied:
  description: Size of the copy in bytes.
  returned: when a copy was made
  type: int
  sample: 241172480
content:
  description: What is in the data directory afterwards, V(instance) unless in check mode.
  returned: always
  type: str
  sample: instance
role:
  description: Role of the instance in the data directory, as its files say.
  returned: always
  type: str
  sample: standby
leftover:
  description: Whether the staging directory of an unfinished attempt is there.
  returned: always
  type: bool
  sample: false
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.arguments import (
    COPY,
    INSTANCE,
    UPSTREAM,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import carry_out
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import replication
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection import require_psycopg2
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.password_stores.registry import ARGUMENTS, ONE_IF_SCRAM
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import snapshot


def show(place: snapshot.Place) -> dict[str, t.Any]:
    """What is returned of an observation."""
    return {"content": place.instance.content, "role": place.instance.role, "leftover": place.site.leftover}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={**INSTANCE, **UPSTREAM, **ARGUMENTS, **COPY},
        required_if=[ONE_IF_SCRAM],
        supports_check_mode=True,
    )
    require_psycopg2(module)
    parameters = module.params
    if parameters["dbid"] is None and not module.check_mode:
        module.fail_json(msg="dbid is missing: give the number under which the standby is registered")
    host = Host(module, parameters["greenplum_path"])
    data_directory, password = parameters["data_directory"], parameters["replication_password"]
    upstream, wanted = replication.upstream_of(parameters), snapshot.copy_of(parameters)

    def observe() -> snapshot.Place:
        return snapshot.read_place(host, data_directory, upstream.stored(), parameters["dbid"], wanted)

    carry_out(
        module,
        observe,
        lambda place: snapshot.plan(place, wanted, password),
        snapshot.actions(host, data_directory, upstream, password, parameters["dbid"], wanted),
        show=show,
    )


if __name__ == "__main__":
    main()
