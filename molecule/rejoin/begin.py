# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The primary was killed, and its standby has been activated."""

from conftest import PRIMARY, mirror, playbook

mirror()
PRIMARY.sql("CREATE TABLE kept (number int)")
PRIMARY.sql("INSERT INTO kept SELECT generate_series(1, 100)")
PRIMARY.signal("KILL")
assert playbook("warehousepg.coordinator.activate_standby").returncode == 0
