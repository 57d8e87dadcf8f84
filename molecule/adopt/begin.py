# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A standby that the engine's utility made."""

from conftest import PRIMARY, STANDBY, note, reset, status
from test_adopt import ROW, SENDER, identity, make_by_the_engine

reset()
make_by_the_engine(PRIMARY, STANDBY)
assert PRIMARY.sql(SENDER) == "gpadmin|streaming|sync"
assert status() == ("mirrored", 0)
note(identity=identity(STANDBY), row=PRIMARY.sql(ROW))
