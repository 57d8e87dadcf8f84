# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each scenario says what it shows, converges by a playbook, and has tests that look at what that left."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SCENARIOS = {path.parent.name: path.parent for path in sorted(ROOT.glob("molecule/*/molecule.yml"))}
SEQUENCE = yaml.safe_load((ROOT / ".config/molecule/config.yml").read_text())["scenario"]["test_sequence"]
#: where the playbook is only refused, and nothing converges
REFUSALS = {"bad_input", "failover_refused"}
#: where a second run is refused, or changes something again
NOT_TWICE = {"drill", "repeated_failovers"}


def sequence(name):
    return yaml.safe_load((SCENARIOS[name] / "molecule.yml").read_text())["scenario"].get("test_sequence", SEQUENCE)


def text(name):
    return "".join(path.read_text() for path in SCENARIOS[name].glob("tests/test_*.py"))


@pytest.mark.parametrize("name", SCENARIOS)
def test_it_says_what_it_shows(name):
    scenario = SCENARIOS[name] / "molecule.yml"
    assert yaml.safe_load(scenario.read_text())["scenario"]["name"] == name
    _start, *notice, shown, _shared = scenario.read_text().partition("scenario:")[0].splitlines()
    assert len(notice) == 3
    assert shown.startswith("# ") and shown.endswith(".")


@pytest.mark.parametrize("name", SCENARIOS)
def test_its_sequence_is_the_common_one_but_for_what_is_not_promised(name):
    left_out = {"cleanup", "converge", "idempotence"} if name in REFUSALS else {"idempotence"} if name in NOT_TWICE else set()
    assert sequence(name) == [action for action in SEQUENCE if action not in left_out]


@pytest.mark.parametrize("name", sorted(SCENARIOS.keys() - REFUSALS))
def test_it_begins_converges_and_looks_at_what_that_left(name):
    assert ast.get_docstring(ast.parse((SCENARIOS[name] / "begin.py").read_text())).endswith(".")
    plays = yaml.safe_load((SCENARIOS[name] / "converge.yml").read_text())
    playbooks = [play["ansible.builtin.import_playbook"] for play in plays if "ansible.builtin.import_playbook" in play]
    assert playbooks
    for playbook in playbooks:
        assert (ROOT / f"playbooks/{playbook.removeprefix('warehousepg.coordinator.')}.yml").exists()
    # a test that neither asks for what was there at the end of converge nor brings about another state of its own relies on it, too
    assert "converged" in text(name) or name in {"default", "fleet"}
