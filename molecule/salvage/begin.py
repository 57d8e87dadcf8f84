# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A primary that went on without its standby is killed: only its disk has what it acknowledged last."""

from conftest import PRIMARY, STANDBY, mirror, note
from test_salvage import commit_late

mirror()
STANDBY.stop()
commit_late(PRIMARY)
note(end=PRIMARY.sql("SELECT pg_current_wal_lsn()"))
PRIMARY.signal("KILL")
