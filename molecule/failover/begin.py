# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The primary is killed while clients write."""

from conftest import PRIMARY, mirror
from test_failover import CLIENTS

mirror()
for client in CLIENTS:
    client.start()
for client in CLIENTS:
    client.wait_for("cdw", 50)
PRIMARY.signal("KILL")
