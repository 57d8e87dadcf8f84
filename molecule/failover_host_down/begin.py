# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The primary's host falls silent while clients write."""

from conftest import PRIMARY, mirror, pause
from test_failover_host_down import start_clients

mirror()
start_clients(PRIMARY)
pause("cdw")
