# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.backup_files import copied


@pytest.mark.parametrize(
    ("directory", "names", "kept"),
    [
        ("", ["base", "PG_VERSION", "postgresql.conf", "pg_replslot", "pg_wal"], None),
        ("", ["postmaster.pid", "postmaster.opts", "backup_label", "tablespace_map", "postgresql.auto.conf.tmp", "base"], ["base"]),
        ("", ["current_logfiles.tmp", "internal.auto.conf", "log", "pg_log", "db_dumps", "promote", "backups", "lost+found"], []),
        ("", [".coordinator_aside", ".coordinator_write-abc"], []),
        # what gpinitstandby leaves out is left out at the top alone
        ("x", ["db_dumps", "pg_log"], None),
        ("global", ["pg_control", "1262", "pg_internal.init", "pg_internal.init.17", "pg_filenode.map"], ["1262", "pg_filenode.map"]),
        ("base/5", ["pg_control"], None),
        ("base/pgsql_tmp", ["pgsql_tmp17.0"], []),
        ("base", ["1", "5", "pgsql_tmp"], ["1", "5"]),
        # what seems to be a number to Python, not to the engine
        ("base/5", ["\N{ARABIC-INDIC DIGIT ONE}", "\N{ARABIC-INDIC DIGIT ONE}_init", "t\N{ARABIC-INDIC DIGIT ONE}_1"], None),
        # a relation that is not logged: the fork of which it is made anew
        (
            "base/5",
            ["16385", "16385.1", "16385_fsm", "16385_vm", "16385_init", "16385_init.1", "163", "163_fsm"],
            ["16385_init", "16385_init.1", "163", "163_fsm"],
        ),
        # temporary ones: of this engine, and of PostgreSQL
        ("base/5", ["t_17", "t_17.1", "t_17_fsm", "t3_17", "t3_17_vm.2", "t_", "t_17x", "table"], ["t_", "t_17x", "table"]),
        ("pg_tblspc/16385/GPDB_7_301908232/5", ["17", "17_init", "t_1"], ["17_init"]),
        ("base/x", ["17", "17_init", "t_1"], None),
        ("pg_xact", ["0000", "t_1"], None),
    ],
)
def test_what_a_copy_has(directory, names, kept):
    assert copied(directory, names) == sorted(names if kept is None else kept)


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "/etc", "a\0"])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(CoordinatorError, match="which is no name of a file"):
        copied("base", ["1", name])
