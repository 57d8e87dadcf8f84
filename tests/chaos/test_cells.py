# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The matrix names playbooks and tasks that there are, and cells are the same ones again by their seed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .cells import FAULTS, INTENTS, all_cells, chosen

ROOT = Path(__file__).parents[2]
TASKS = {name for path in ROOT.glob("roles/*/tasks/*.yml") for name in re.findall(r"- name: (.+)", path.read_text())}


@pytest.mark.parametrize("intent", INTENTS.values(), ids=INTENTS)
def test_what_is_named_is_there(intent):
    assert (ROOT / f"playbooks/{intent.playbook}.yml").exists()
    assert [step.task for step in intent.steps if step.task not in TASKS] == []
    assert all({*step.works, *step.runs} <= intent.hosts.keys() for step in intent.steps)


def test_each_fault_comes_to_each_playbook():
    of = {intent: {cell.fault for cell in all_cells() if cell.intent == intent} for intent in INTENTS}
    silent = FAULTS.keys() - {"link between both cut"}
    assert of == {intent: silent if INTENTS[intent].silent else set(FAULTS) for intent in INTENTS}


def test_cells_are_chosen_by_the_seed():
    assert chosen(7, 10) == chosen(7, 10) != chosen(8, 10)
    assert sorted(chosen(7, 10**6)) == sorted(set(all_cells()))


def test_those_that_are_chosen_first_differ_in_playbook_or_fault():
    first = chosen(7, 90)
    assert len({(cell.intent, cell.fault) for cell in first}) == 90
