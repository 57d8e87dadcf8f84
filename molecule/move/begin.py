# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mirrored pair whose client writes, and a host that has not been a coordinator's yet."""

from conftest import PRIMARY, mirror, note
from test_move import CLIENT_MEANWHILE, ROW, SPARE, make_place

mirror()
make_place(SPARE)
note(row=PRIMARY.sql(ROW))
CLIENT_MEANWHILE.start().wait_for("cdw")
