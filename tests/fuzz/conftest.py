# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells how much was tried, and how to try the same again."""

from __future__ import annotations

import os
import time

import pytest

from .fuzzing import SEED, TRIED, UNTIL


@pytest.fixture(autouse=True)
def in_time():
    """No property is begun when the time is over."""
    if UNTIL and time.time() > UNTIL:
        pytest.skip("the time is over")


def pytest_terminal_summary(terminalreporter):
    """Print the seed and the counts; keep them for the sum of several rounds."""
    if not TRIED:
        return
    terminalreporter.write_line(f"fuzz: {len(TRIED)} properties, {sum(TRIED.values())} examples; again with FUZZ_SEED={SEED}")
    if os.environ.get("FUZZ_COUNTS"):
        with open(os.environ["FUZZ_COUNTS"], "a", encoding="utf-8") as counts:
            counts.writelines(f"{count} {name}\n" for name, count in sorted(TRIED.items()))
