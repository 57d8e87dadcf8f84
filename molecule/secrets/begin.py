# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster without a standby whose primary takes encrypted connections; what every process shows is kept from here on."""

from certificates import Authority, encrypt
from conftest import PRIMARY, TOLD, Host, reset
from secrecy import begin

reset()
begin()
encrypt(Authority(TOLD / "secrets/authority"))
# every statement is in the logs, as many have it
PRIMARY.sql("ALTER SYSTEM SET log_statement = 'all'")
PRIMARY.run(f"pg_ctl -D {PRIMARY.directory} reload")
logged = "echo \"log_statement = 'all'\" >> $directory/postgresql.conf; pg_ctl -D $directory reload"
Host("sdw1").run(f"for directory in /data/whpg/v7/primary/gpseg*; do {logged}; done")
