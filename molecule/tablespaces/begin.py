# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster without a standby, with a tablespace, and a place for it elsewhere on the host of the standby."""

from conftest import PRIMARY, STANDBY, reset
from test_tablespaces import ELSEWHERE, LOCATION, create_tablespace

reset()
create_tablespace(PRIMARY, STANDBY)
STANDBY.run(f"mkdir -p {LOCATION} {ELSEWHERE}")
