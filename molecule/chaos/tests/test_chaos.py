# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever fails at whichever step: the pair is whole again when the playbook is run again, and nothing acknowledged is lost."""

from __future__ import annotations

import sys
from pathlib import Path

import conftest
import pytest

sys.path.append(str(conftest.HERE.parent / "tests/chaos"))

from cells import Cell, chosen
from chaos import SEED, Trial, attempt

#: cells that are tried
SAMPLE = 2
FIRST = next(cell for cell in chosen(SEED, 10**6) if cell.intent == "enable" and cell.fault in ("controller killed", "module killed"))


def test_what_was_cut_off_is_finished(converged, noted, tmp_path: Path):
    assert "mirrored: scdw streams in sync from cdw" in converged
    trial = Trial(Cell(*noted["cell"]), tmp_path)
    assert trial.whole()
    assert list(trial.left()) == []


@pytest.mark.parametrize("cell", chosen(SEED, SAMPLE), ids=str)
def test_it_is_whole_again(cell: Cell):
    found = attempt(cell)
    assert found.problems == [], f"CHAOS_SEED={SEED}: {found.runs}"
