# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator changes on a primary and WAL does not carry, and whether another instance has it."""

from __future__ import annotations

import shlex

from conftest import Coordinator

READER = "host all reader 192.0.2.9/32 md5"
KEY = "a key that nobody may see"

# By what it writes there, the file; the last of each counts.
LINES = {
    "pg_hba.conf": READER,
    "pg_ident.conf": "reports someone gpadmin",
    "postgresql.conf": "work_mem = '7MB'\nmax_connections = 211",
    "gpbackup_history.db": "a backup",
}
SETTINGS = {"work_mem": "7MB", "max_connections": "211", "log_min_duration_statement": "7s"}


def change(coordinator: Coordinator) -> None:
    """Change a rule, a setting, one by ALTER SYSTEM, the mapping of users, the history of backups, and put a key there."""
    for file, lines in LINES.items():
        coordinator.run(f"cat >> {coordinator.quoted}/{file} <<< {shlex.quote(lines)}")
    coordinator.run(f"mkdir -p {coordinator.quoted}/gpssl")
    coordinator.write(f"{coordinator.directory}/gpssl/server.key", KEY)
    coordinator.sql("ALTER SYSTEM SET log_min_duration_statement = '7s'")
    coordinator.run(f"pg_ctl -D {coordinator.quoted} reload")


def check_files(coordinator: Coordinator) -> None:
    """The instance has what was changed on the other."""
    for file, lines in LINES.items():
        assert coordinator.run(f"cat {coordinator.quoted}/{file}").endswith(lines), file
    assert coordinator.run(f"stat -c %a {coordinator.quoted}/gpssl/server.key; cat {coordinator.quoted}/gpssl/server.key") == f"600\n{KEY}"
    assert "log_min_duration_statement = '7s'" in coordinator.run(f"cat {coordinator.quoted}/postgresql.auto.conf")


def check_settings(coordinator: Coordinator) -> None:
    """The primary goes by what was changed on the other."""
    for name, value in SETTINGS.items():
        assert coordinator.sql(f"SHOW {name}") == value
    rules = "SELECT count(*) FROM pg_hba_file_rules WHERE user_name = '{reader}' AND error IS NULL"
    assert coordinator.sql(rules) == "1", "clients have access"
