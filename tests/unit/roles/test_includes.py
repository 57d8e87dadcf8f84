# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of tasks whose name is a template: cores before 2.19 evaluate it without a host, too, where the file imports others."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

ROLES = Path(__file__).parents[3] / "roles"
INCLUDED = {
    (path.parents[1].name, name)
    for path in ROLES.glob("*/tasks/*.yml")
    for name in re.findall(r'include_tasks: "(.*\{\{.*)"', path.read_text(encoding="utf-8"))
}


def imports(role: str, name: str) -> bool:
    """Whether one of the files that it may be imports others: of those that it names, or else of all."""
    there = {path.stem: path.read_text(encoding="utf-8") for path in (ROLES / role / "tasks").glob("*.yml")}
    named = set(re.findall(r"'(\w+)'", name)) or set(there)
    return any("import_tasks:" in there[file] for file in named)


@pytest.mark.parametrize(("role", "name"), sorted(of for of in INCLUDED if imports(*of)))
def test_it_can_be_evaluated_without_a_host(role, name):
    assert str(Templar(loader=DataLoader(), variables={}).template(name)).endswith(".yml"), role
