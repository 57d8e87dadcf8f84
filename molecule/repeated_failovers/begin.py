# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The primary is killed while a client writes."""

from conftest import PRIMARY, mirror
from test_repeated_failovers import CLIENT

mirror()
CLIENT.start().wait_for("cdw")
PRIMARY.signal("KILL")
