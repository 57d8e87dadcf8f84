# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mirrored pair whose clients write through a PgBouncer."""

from clients import bring_pgbouncer, through_pgbouncer
from conftest import mirror

mirror()
bring_pgbouncer()
through_pgbouncer("converge").start()
