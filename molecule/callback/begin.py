# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster without a standby, of which was noted what people see of what is to be done."""

from conftest import ENABLE, PAIRS, note, playbook, reset

reset()
foretold = playbook(ENABLE, "--check", environment=PAIRS)
note(foretold=foretold.stdout, code=foretold.returncode)
