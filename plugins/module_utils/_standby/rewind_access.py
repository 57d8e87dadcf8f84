# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What the standby's host may do on the primary while blocks of both are compared, by pg_rewind or for a copy, and at no other time."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Actions, Step, run
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import access
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.backup_session import BEGIN_END
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection import DATABASE, Connection, identifier

#: name of its block in the access file, beside that of a standby
BLOCK = f"{access.BLOCK} rewind"

#: what pg_rewind reads the source by (its documentation names them), and what a backup begins and ends by; an engine has some of these
FUNCTIONS = (
    "pg_ls_dir(text,boolean,boolean)",
    "pg_stat_file(text,boolean)",
    "pg_read_binary_file(text)",
    "pg_read_binary_file(text,bigint,bigint,boolean)",
    *(function for pair in BEGIN_END for function in pair),
)


@dataclasses.dataclass(frozen=True)
class Rights:
    """The rights of a role, and its rules.

    :param functions: those of :data:`FUNCTIONS` that it was granted.
    :param lacking: those that it was not, and that the engine has.
    :param temporary: whether it may make the temporary table that pg_rewind makes, and may connect.
    :param on_database: whether it was granted something on the database itself, beside what everybody is.
    :param access_files: by data directory, the text of its access file.
    """

    functions: tuple[str, ...]
    lacking: tuple[str, ...]
    temporary: bool
    on_database: bool
    access_files: t.Mapping[str, str]


def read_rights(connection: Connection, user: str, data_directory: str) -> Rights:
    """Observe the rights of a role; one that is not there has none."""
    access_files = access.read_files([data_directory])
    found = connection.query(
        """
        SELECT desired.name, EXISTS (
            SELECT 1 FROM aclexplode(function.proacl) AS grants JOIN pg_roles ON pg_roles.oid = grants.grantee WHERE rolname = %s
        ) AS granted
        FROM unnest(%s::text[]) AS desired(name)
        JOIN pg_proc AS function ON function.oid = to_regprocedure('pg_catalog.' || desired.name)
        """,
        user,
        list(FUNCTIONS),
    )
    granted = {row["name"]: row["granted"] for row in found}
    functions, lacking = (tuple(name for name in FUNCTIONS if granted.get(name) is wanted) for wanted in (True, False))
    if not connection.query("SELECT 1 FROM pg_roles WHERE rolname = %s", user):
        return Rights((), lacking, False, False, access_files)
    on_database = connection.query(
        """
        SELECT has_database_privilege(%s, oid, 'CONNECT') AND has_database_privilege(%s, oid, 'TEMP') AS temporary,
               EXISTS (SELECT 1 FROM aclexplode(datacl) AS grants JOIN pg_roles ON pg_roles.oid = grants.grantee WHERE rolname = %s)
               AS granted
        FROM pg_database WHERE datname = current_database()
        """,
        user,
        user,
        user,
    )[0]
    return Rights(functions, lacking, on_database["temporary"], on_database["granted"], access_files)


def plan_present(rights: Rights) -> list[Step]:
    """The steps after which a role has the rights of a rewind; its rules are written with those of a standby."""
    functions = [Step("grant_functions", {"names": rights.lacking})] if rights.lacking else []
    return [*functions, *([] if rights.temporary else [Step("grant_database")])]


def plan_absent(rights: Rights) -> list[Step]:
    """The steps after which it has neither."""
    functions = [Step("revoke_functions", {"names": rights.functions})] if rights.functions else []
    database = [Step("revoke_database")] if rights.on_database else []
    return [*access.plan(rights.access_files, {BLOCK: ()}), *functions, *database]


def leave_out(host: Host, data_directory: str) -> None:
    """Let a copy of the primary, which was made while these rules were in force, not have them."""
    there = [data_directory] if os.path.exists(access.access_file(data_directory)) else []  # it may be elsewhere on the primary
    steps = access.plan(access.read_files(there), {BLOCK: ()})
    run([step for step in steps if step.name == "write_rules"], access.actions(host))


def actions(connection: Connection, user: str) -> Actions:
    """The actions on rights."""
    return {
        "grant_functions": lambda names: change_functions(connection, user, names, True),
        "grant_database": lambda: change_database(connection, user, True),
        "revoke_functions": lambda names: change_functions(connection, user, names, False),
        "revoke_database": lambda: change_database(connection, user, False),
    }


def change_functions(connection: Connection, user: str, names: t.Iterable[str], present: bool) -> None:
    """Let a role read files of the instance by functions, or not.

    On the coordinator alone: what is granted for so short a time need not be known to the segments.
    """
    functions = ", ".join(f"pg_catalog.{name}" for name in names)
    verb, to = ("GRANT", "TO") if present else ("REVOKE", "FROM")
    connection.query(f"{verb} EXECUTE ON FUNCTION {functions} {to} {identifier(user)}")


def change_database(connection: Connection, user: str, present: bool) -> None:
    """Let a role connect to the database and make temporary tables in it, or not."""
    verb, to = ("GRANT", "TO") if present else ("REVOKE", "FROM")
    connection.query(f"{verb} CONNECT, TEMP ON DATABASE {identifier(DATABASE)} {to} {identifier(user)}")
