# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run of enable_mirroring was killed, or a module of it, at a task that was drawn."""

import tempfile
from pathlib import Path

from conftest import note
from test_chaos import FIRST, SEED, Trial

print(f"CHAOS_SEED={SEED}: {FIRST}")
note(cell=FIRST)
with tempfile.TemporaryDirectory(prefix="chaos-") as home:
    trial = Trial(FIRST, Path(home))
    trial.begin()
    trial.break_it()
    trial.stop()
assert trial.found.problems == []
