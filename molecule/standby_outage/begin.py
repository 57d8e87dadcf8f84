# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The standby is suspended, and a commit waits for it."""

from conftest import PRIMARY, STANDBY, mirror
from test_standby_outage import begin_commit, create_table

mirror()
create_table(PRIMARY)
STANDBY.signal("STOP")
begin_commit(PRIMARY)
