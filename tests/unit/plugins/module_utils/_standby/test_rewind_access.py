# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import rewind_access
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.rewind_access import (
    FUNCTIONS,
    Rights,
    plan_absent,
    plan_present,
    read_rights,
)

#: those that an engine has
KNOWN = FUNCTIONS[:6]
BEFORE = "local\tall\tall\tpeer\n"
BLOCK = '# BEGIN warehousepg.coordinator rewind\nhost\t"postgres"\t"r"\t10.0.0.11/32\tscram-sha-256\n# END warehousepg.coordinator rewind\n'
NOTHING = Rights(functions=(), lacking=KNOWN, temporary=True, on_database=False, access_files={"/s": BEFORE})
ALL = Rights(functions=KNOWN, lacking=(), temporary=True, on_database=False, access_files={"/s": BLOCK + BEFORE})


def vary(thing, **changes):
    return dataclasses.replace(thing, **changes)


@pytest.mark.parametrize(
    ("rights", "present", "names"),
    [
        (NOTHING, True, ["grant_functions"]),
        (ALL, True, []),
        (vary(ALL, functions=KNOWN[:3], lacking=KNOWN[3:]), True, ["grant_functions"]),
        (vary(ALL, temporary=False), True, ["grant_database"]),
        (NOTHING, False, []),
        (ALL, False, ["write_rules", "reload", "revoke_functions"]),
        (vary(NOTHING, functions=FUNCTIONS[:1]), False, ["revoke_functions"]),
        (vary(NOTHING, on_database=True), False, ["revoke_database"]),
    ],
)
def test_steps(rights, present, names):
    steps = plan_present(rights) if present else plan_absent(rights)
    assert [step.name for step in steps] == names
    for step in steps:
        if step.name == "write_rules":
            assert step.arguments["text"] == BEFORE
        if step.name.endswith("_functions"):
            assert step.arguments["names"] == (rights.lacking if present else rights.functions)


def test_rights_are_read(recorder, data_directory):
    (data_directory / "pg_hba.conf").write_text(BEFORE)
    connection = recorder(
        ("FROM pg_roles WHERE", [{"?column?": 1}]),
        ("FROM unnest", [{"name": name, "granted": name in KNOWN[:2]} for name in reversed(KNOWN)]),
        ("FROM pg_database", [{"temporary": False, "granted": True}]),
    )
    assert read_rights(connection, "r", str(data_directory)) == Rights(
        functions=KNOWN[:2], lacking=KNOWN[2:], temporary=False, on_database=True, access_files={str(data_directory): BEFORE}
    )
    assert read_rights(recorder(), "r", str(data_directory)) == Rights(
        functions=(), lacking=(), temporary=False, on_database=False, access_files={str(data_directory): BEFORE}
    )


def test_statements(recorder):
    connection = recorder()
    rewind_access.change_functions(connection, 'r"', FUNCTIONS, True)
    rewind_access.change_functions(connection, "r", FUNCTIONS[:1], False)
    rewind_access.change_database(connection, "r", True)
    (granted, _none), (revoked, _none), (database, _none) = connection.asked
    assert granted.startswith("GRANT EXECUTE ON FUNCTION pg_catalog.pg_ls_dir(text,boolean,boolean), ")
    assert granted.endswith(' TO "r"""')
    assert revoked.endswith(' FROM "r"')
    assert database == 'GRANT CONNECT, TEMP ON DATABASE "postgres" TO "r"'
