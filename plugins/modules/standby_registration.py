#!/usr/bin/python
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Let the primary coordinator know its standby."""

from __future__ import annotations

DOCUMENTATION = r"""
module: standby_registration
short_description: Register a standby coordinator on the primary
version_added: 0.1.0
description:
  - Runs on the primary's host. Keeps the standby's row in C(gp_segment_configuration), the replication role and the
    replication slot as they should be.
  - The row is made and removed by the engine's own registration functions, under the names of WarehousePG 7 or 6, over a
    connection in utility mode. A row that names another place is replaced, which gives the standby a new dbid.
  - The replication role is made over a dispatched connection, so that coordinator and segments agree on their roles.
    What is sent is a SCRAM verifier, never the password.
  - With O(state=absent) the standby's walsender is terminated before its row is removed, and rights that the role was granted in the
    database C(postgres) are revoked before it is dropped. A primary that was a standby once loses C(primary_conninfo) and
    C(primary_slot_name), which its promotion left.
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
  state:
    description:
      - Whether the standby is to be registered.
    type: str
    choices: [present, absent]
    default: present
  parts:
    description:
      - What to remove, with O(state=absent). V(rewind) is what O(rewind_rules) gave, the rights and the rules.
      - With O(state=present) V(role), V(row) and V(slot), or none, on a host that does not hold the primary but has to allow the
        standby access. Then only O(access) is seen to.
    type: list
    elements: str
    choices: [role, row, slot, rewind]
    default: [role, row, slot]
  standby_hostname:
    description:
      - Name of the standby's host.
      - Required with O(state=present).
    type: str
  standby_address:
    description:
      - Name or address that the cluster's hosts reach the standby by.
      - Defaults to O(standby_hostname).
    type: str
  standby_port:
    description:
      - Port of the standby.
      - Defaults to the primary's.
    type: int
  standby_data_directory:
    description:
      - Data directory of the standby, on its host.
      - Required with O(state=present).
    type: path
  succession:
    description:
      - Only prepare for a standby that is to take the place of another one, which stays registered and goes on streaming. Instead of the
        slot, one of its name with C(_next) is made, which retains WAL from now on.
      - Without it, such a slot takes the place of the other one when the row is replaced, and is dropped otherwise.
    type: bool
    default: false
  replication_user:
    description:
      - Role that the standby connects as.
    type: str
    default: standby_replicator
  replication_password:
    description:
      - Its password. Without it the one kept in O(passfile) is used.
    type: str
  replication_auth:
    description:
      - How the primary authenticates the standby.
      - V(scram) by SCRAM-SHA-256; V(cert) by the standby's certificate, V(trust) by its address alone, and the role gets no password.
    type: str
    choices: [scram, cert, trust]
    default: scram
  passfile:
    description:
      - Passfile on the primary's own host, for the day when it becomes a standby; written with mode C(0600).
      - Required with O(replication_auth=scram) and O(state=present).
    type: path
  slot_name:
    description:
      - Replication slot that keeps the WAL which the standby still needs.
      - The engine itself drops a slot named C(internal_wal_replication_slot) when a recovery starts.
    type: str
    default: standby_coordinator
  retention_limit:
    description:
      - How much WAL the slot may retain, such as V(20GB), in whole megabytes; a standby that lacks more must be made anew.
      - Kept as C(max_slot_wal_keep_size) of the primary alone. An engine without that setting, as WarehousePG 7 is unless it took it
        over from PostgreSQL 13, has no limit; RV(retention_limit) tells.
      - Without it the limit is left as it is.
    type: str
  access:
    description:
      - Access rules that the standby needs on this host, kept in the same execution.
      - Options of M(warehousepg.coordinator.host_access), C(data_directories) and C(rules). With O(state=absent) the rules are removed.
    type: dict
    suboptions:
      data_directories:
        description: Data directories of instances on this host.
        type: list
        elements: str
        required: true
      rules:
        description: The rules, in their order; not looked at with O(state=absent).
        type: list
        elements: dict
        default: []
  rewind_rules:
    description:
      - Access rules for a host whose blocks are to be compared with the primary's, for a rewind or for a copy, and which so needs rights
        that no standby needs; the role is granted them, too.
      - C(pg_rewind), or M(warehousepg.coordinator.coordinator_snapshot), on that host reads files of the primary by functions, over a
        utility-mode connection to the database C(postgres), the latter between C(pg_start_backup) and C(pg_stop_backup), and a replication
        role may do none of that. What everybody may do in that database is left as it is.
      - Revoke both with O(state=absent) and O(parts=rewind) as soon as it streams.
      - Rules as of O(access).
    type: list
    elements: dict
    default: []
requirements:
  - psycopg2, unless O(parts) is empty
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

EXAMPLES = r"""
- name: Register the standby
  warehousepg.coordinator.standby_registration:
    data_directory: /data/whpg/v7/coordinator/gpseg-1
    standby_hostname: scdw
    standby_data_directory: /data/whpg/v7/standby/gpseg-1
    replication_password: "{{ vault_standby_replicator_password }}"
    passfile: ~/.whpg/demo.pgpass
  become: true
  become_user: gpadmin

- name: Revoke what a former primary was granted for a rewind
  warehousepg.coordinator.standby_registration:
    data_directory: /data/whpg/v7/standby/gpseg-1
    state: absent
    parts: [rewind]
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
    - name: add_row
      seconds: 0.012
dbid:
  description: Number under which the standby is registered; in check mode the number it would get.
  returned: with O(state=present), unless O(parts) is empty
  type: int
  sample: 8
standby:
  description: The standby's row of C(gp_segment_configuration), V(null) when there is none.
  returned: unless O(parts) is empty
  type: dict
  sample:
    dbid: 8
    hostname: scdw
slot:
  description: The replication slot, V(null) when there is none; C(retained_bytes) is the WAL it retains.
  returned: unless O(parts) is empty
  type: dict
  sample:
    name: standby_coordinator
    retained_bytes: 0
retention_limit:
  description: Bytes of WAL that a slot may retain, -1 for no limit, V(null) where the engine knows no such limit.
  returned: unless O(parts) is empty
  type: int
  sample: 21474836480
role:
  description: Whether the replication role is there and may replicate.
  returned: unless O(parts) is empty
  type: bool
  sample: true
"""

import dataclasses
import os
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.arguments import INSTANCE
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Actions, Step, carry_out
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import access, catalog, replication, retention
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection import (
    Connection,
    connect_primary,
    identifier,
    require_psycopg2,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import Instance, read_instance
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.password_stores.registry import ARGUMENTS, KINDS, store_of
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import registration, release, rewind_access


def actions_on(host: Host, instance: Instance, connection: Connection, parameters: t.Mapping[str, t.Any]) -> Actions:
    """The actions of a plan."""
    user = parameters["replication_user"]
    slot = parameters["slot_name"]
    store = store_of(parameters)

    def change_role(statement: str) -> None:
        with connect_primary(instance, dispatch=True) as dispatched:
            dispatched.query(f"{statement} ROLE {identifier(user)} WITH LOGIN REPLICATION")
            if parameters["replication_auth"] == "scram":
                password = parameters["replication_password"] or (store.password() if store else None) or ""
                for setting, value in registration.UNLOGGED.items():
                    dispatched.query(f"SET {setting} = {value}")
                dispatched.query(f"ALTER ROLE {identifier(user)} PASSWORD %s", registration.scram_verifier(password))

    def add_row() -> dict[str, t.Any]:
        return {"dbid": catalog.add_standby(connection, standby_of(instance, parameters))}

    def write_password() -> None:
        standby = standby_of(instance, parameters)  # whom it follows should their roles be swapped
        if store:
            store.write(host, (standby.address, standby.port), parameters["replication_password"])

    return {
        **access.actions(host),
        **rewind_access.actions(connection, user),
        "write_password": write_password,
        "create_role": lambda: change_role("CREATE"),
        "change_role": lambda: change_role("ALTER"),
        "add_row": add_row,
        "remove_row": lambda: catalog.remove_standby(connection),
        "create_slot": lambda: replication.create_slot(connection, slot),
        "create_spare_slot": lambda: replication.create_slot(connection, registration.spare(slot)),
        "take_spare_slot": lambda: replication.copy_slot(connection, registration.spare(slot), slot),
        "drop_spare_slot": lambda: replication.drop_slot(connection, registration.spare(slot)),
        "drop_slot": lambda: replication.drop_slot(connection, slot),
        "terminate_walsender": lambda pid: release.terminate_walsender(connection, pid),
        "limit_retention": lambda limit: retention.write_limit(connection, limit),
        "reset_upstream": lambda names: replication.reset_upstream(connection, names),
        "revoke_rights": lambda: dispatch(instance, f"DROP OWNED BY {identifier(user)}"),
        "drop_role": lambda: dispatch(instance, f"DROP ROLE {identifier(user)}"),
    }


def dispatch(instance: Instance, statement: str) -> None:
    """Run a statement on coordinator and segments."""
    with connect_primary(instance, dispatch=True) as dispatched:
        dispatched.query(statement)


def standby_of(instance: Instance, parameters: t.Mapping[str, t.Any]) -> catalog.StandbyAddress:
    """The standby that the options name."""
    return catalog.StandbyAddress(
        hostname=parameters["standby_hostname"],
        address=parameters["standby_address"] or parameters["standby_hostname"],
        port=parameters["standby_port"] or instance.port or 0,
        datadir=os.path.normpath(parameters["standby_data_directory"]),
    )


def show(known: registration.Known) -> dict[str, t.Any]:
    """What is returned of an observation."""
    row = catalog.standby_of(known.rows)
    return {
        "standby": dataclasses.asdict(row) if row else None,
        "slot": dataclasses.asdict(known.slot) if known.slot else None,
        "role": bool(known.role and known.role.ready),
        "retention_limit": known.limit,
    }


def expected_dbid(known: registration.Known, steps: t.Sequence[Step]) -> int:
    """The number under which the standby is registered, or will be: the engine takes the highest one plus one."""
    row = catalog.standby_of(known.rows)
    if row is not None and Step("add_row") not in steps:
        return row.dbid
    return max(other.dbid for other in known.rows if other != row) + 1


def write_access(module: AnsibleModule, host: Host, entry: t.Mapping[str, t.Any]) -> None:
    """See to the access rules alone."""
    present = module.params["state"] == "present"
    carry_out(
        module,
        lambda: access.read_files(entry["data_directories"]),
        lambda texts: access.plan(texts, {access.BLOCK: entry["rules"]}) if present else access.plan_removal(texts),
        access.actions(host),
        show=lambda texts: {},
    )


def register(module: AnsibleModule, host: Host, entry: t.Mapping[str, t.Any]) -> None:
    """See to the registration, and to the access rules.

    :raises CoordinatorError: an option cannot be one, the primary does not answer, or something cannot be changed.
    """
    parameters = module.params
    present = parameters["state"] == "present"
    scram = parameters["replication_auth"] == "scram"
    user, rewind_rules = parameters["replication_user"], parameters["rewind_rules"]
    limit = retention.parse_size(parameters["retention_limit"]) >> 20 << 20 if parameters["retention_limit"] else None
    instance = read_instance(host, parameters["data_directory"])
    if rewind_rules and instance.data_directory not in entry["data_directories"]:
        raise CoordinatorError(f"rewind_rules are rules of {instance.data_directory}: name it among the data_directories of access")
    store = store_of(parameters) if scram else None
    expected: dict[str, int] = {}

    def following() -> list[str]:
        return replication.left_following(instance.data_directory) if not present else []

    def observe() -> registration.Known:
        stored = store.read() if store else None
        return registration.read_known(connection, user, parameters["slot_name"], stored, entry["data_directories"], following())

    def read_rights() -> rewind_access.Rights:
        return rewind_access.read_rights(connection, user, instance.data_directory)

    def plan(known: registration.Known) -> list[Step]:
        if not present:
            # before the rules of a standby, for those of a rewind alone are taken away
            rewound = rewind_access.plan_absent(read_rights()) if "rewind" in parameters["parts"] else []
            return rewound + registration.plan_absent(known, parameters["parts"])
        kept = store.password() if store else None
        standby = standby_of(instance, parameters)
        steps = registration.plan_present(known, standby, parameters["replication_password"], kept, scram, limit, parameters["succession"])
        expected["dbid"] = expected_dbid(known, steps)
        blocks = {access.BLOCK: entry["rules"]}
        if rewind_rules:
            steps += rewind_access.plan_present(read_rights())
            blocks[rewind_access.BLOCK] = [{**rule, "data_directories": [instance.data_directory]} for rule in rewind_rules]
        return steps + access.plan(known.access_files, blocks)

    with connect_primary(instance) as connection:
        carry_out(
            module,
            observe,
            plan,
            actions_on(host, instance, connection, parameters),
            show=lambda known: {**show(known), **expected},
        )


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **INSTANCE,
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "parts": {
                "type": "list",
                "elements": "str",
                "choices": [*registration.PARTS, "rewind"],
                "default": list(registration.PARTS),
            },
            "standby_hostname": {"type": "str"},
            "standby_address": {"type": "str"},
            "standby_port": {"type": "int"},
            "standby_data_directory": {"type": "path"},
            "succession": {"type": "bool", "default": False},
            "replication_user": {"type": "str", "default": "standby_replicator"},
            "replication_password": {"type": "str", "no_log": True},
            "replication_auth": {"type": "str", "choices": ["scram", "cert", "trust"], "default": "scram"},
            **ARGUMENTS,
            "slot_name": {"type": "str", "default": "standby_coordinator"},
            "retention_limit": {"type": "str"},
            "access": {
                "type": "dict",
                "options": {
                    "data_directories": {"type": "list", "elements": "str", "required": True},
                    "rules": {"type": "list", "elements": "dict", "default": []},
                },
            },
            "rewind_rules": {"type": "list", "elements": "dict", "default": []},
        },
        required_if=[("state", "present", ("standby_hostname", "standby_data_directory"))],
        supports_check_mode=True,
    )
    parameters = module.params
    parts, present = parameters["parts"], parameters["state"] == "present"
    if present and parts and set(parts) != set(registration.PARTS):
        module.fail_json(msg=f"parts={parts} with state=present: name all of {', '.join(registration.PARTS)}, or none")
    if present and parts and parameters["replication_auth"] == "scram" and store_of(parameters) is None:
        module.fail_json(msg=f"replication_auth=scram needs a {KINDS} to keep the password in: set {KINDS}")
    host = Host(module, parameters["greenplum_path"])
    entry = parameters["access"] or {"data_directories": [], "rules": []}
    try:
        if parts:
            require_psycopg2(module)
            register(module, host, entry)
        else:
            write_access(module, host, entry)
    except CoordinatorError as error:
        module.fail_json(msg=error.message, **error.data)


if __name__ == "__main__":
    main()
