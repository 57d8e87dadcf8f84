# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The matrix names playbooks and tasks that there are, and cells are the same ones again by their seed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .cells import STEPS, all_cells, chosen

ROOT = Path(__file__).parents[2]
TASKS = {name for path in ROOT.glob("roles/*/tasks/*.yml") for name in re.findall(r"- name: (.+)", path.read_text())}


@pytest.mark.parametrize("playbook", STEPS)
def test_what_is_named_is_there(playbook):
    assert (ROOT / f"playbooks/{playbook}.yml").exists()
    assert [step for step in STEPS[playbook] if step not in TASKS] == []


def test_cells_are_chosen_by_the_seed():
    assert chosen(7, 10) == chosen(7, 10) != chosen(8, 10)
    assert len(set(chosen(7, 10))) == 10
    assert sorted(chosen(7, 10**6)) == sorted(all_cells())
