# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Roles and playbooks take options as they were typed, never as they were given."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._desired.options import SPEC

ROOT = Path(__file__).parents[3]
FILES = sorted([*ROOT.glob("roles/*/tasks/*.yml"), *ROOT.glob("roles/*/vars/*.yml"), *ROOT.glob("playbooks/*.yml")])
CONDITIONS = ("when", "failed_when", "changed_when", "until", "that")
#: variables of one's own that hold a text: a condition says what of it
TEXT = re.compile(r"(_plan|_role|_verdict|_refusal|_failure|_user|_file|_way|_token|_host|_directory|\.maintenance|\.busy|\.refusal)$")


def expressions(node, key=""):
    """What Jinja evaluates: where it is, and the text."""
    if isinstance(node, dict):
        for name, inner in node.items():
            yield from expressions(inner, name if name in CONDITIONS else key if isinstance(inner, str) and key in CONDITIONS else name)
    elif isinstance(node, list):
        for inner in node:
            yield from expressions(inner, key)
    elif isinstance(node, str):
        if key in CONDITIONS:
            yield key, node
        else:
            for found in re.findall(r"\{\{(.*?)\}\}", node, re.DOTALL):
                yield key, found


def without_texts(expression):
    return re.sub(r"'[^']*'|\"[^\"]*\"", "''", expression)


def raw(expression):
    """Options that an expression names, not as a part of those that were read."""
    return [name for name in SPEC if re.search(rf"(?<![\w.]){name}\b(?!\s*=[^=])", without_texts(expression))]


def bare(expression):
    """Whether a condition is a variable alone that may be a text."""
    found = re.fullmatch(r"(?:not )?([\w.\[\]]+)", expression.strip())
    if not found:
        return False
    name = found.group(1)
    option = re.fullmatch(r"discovery_options\.(\w+)", name)
    if option:
        return SPEC[option.group(1)]["type"] != "bool"
    return name in SPEC or bool(TEXT.search(name))


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("standby_timeout", ["standby_timeout"]),
        ("discovery_options.standby_timeout", []),
        ("lookup('warehousepg.coordinator.option', 'standby_timeout')", []),
        ("standby_port | default(whpg_port)", ["whpg_port", "standby_port"]),
        ("hostvars[x].standby_timeout_of", []),
    ],
)
def test_raw_options_are_found(expression, names):
    assert sorted(raw(expression)) == sorted(names)


@pytest.mark.parametrize(
    ("expression", "wrong"),
    [
        ("status_fail", True),
        ("not status_fail", True),
        ("discovery_options.status_fail", False),
        ("discovery_options.status_file", True),
        ("discovery_pair.maintenance", True),
        ("discovery_pair.maintenance != ''", False),
        ("not ansible_check_mode", False),
    ],
)
def test_bare_variables_are_found(expression, wrong):
    assert bare(expression) is wrong


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_options_are_taken_as_they_were_typed(path):
    tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    found = [(key, expression, raw(expression)) for key, expression in expressions(tree) if raw(expression)]
    assert found == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_condition_is_a_text(path):
    tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert [expression for key, expression in expressions(tree) if key in CONDITIONS and bare(expression)] == []


def test_options_have_no_second_default():
    defaults = {name for path in ROOT.glob("roles/*/defaults/*.yml") for name in yaml.safe_load(path.read_text(encoding="utf-8"))}
    assert defaults & set(SPEC) == set()
    assert all(name.startswith("ansible_") for name in defaults), "what is no option is how hosts are reached"
