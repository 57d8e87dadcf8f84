# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run import results
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show import people
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("callback", "printed"),
    [
        ("default", "demo: mirrored\n"),
        ("ansible.builtin.default", "demo: mirrored\n"),
        ("community.general.null", "demo: mirrored\n"),
        ("json", ""),
        ("ansible.posix.json", ""),
        ("ansible.posix.jsonl", ""),
        ("community.general.json_of_another_kind", "demo: mirrored\n"),
    ],
)
def test_people_are_told_and_programs_are_not(monkeypatch, capsys, callback, printed):
    monkeypatch.setenv("ANSIBLE_STDOUT_CALLBACK", callback)
    people.tell("demo: mirrored")
    assert capsys.readouterr().out == printed


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("demo: mirrored", "demo: mirrored"),
        ("  cdw  primary, 3 MiB … größer", "  cdw  primary, 3 MiB … größer"),
        ("\x1b]0;title\x07\x1b[2Jmirrored", "\\x1b]0;title\\x07\\x1b[2Jmirrored"),
        ("degraded\r  demo: mirrored", "degraded demo: mirrored"),
        ("FATAL: no\n  DETAIL: none\n", "FATAL: no DETAIL: none"),
        ("\x9b31m \u202egpj", "\\x9b31m \\u202egpj"),
        ("of a file \udcff", "of a file \\udcff"),
    ],
)
def test_what_a_host_says_is_shown_and_not_obeyed(capsys, said, shown):
    people.tell("", said, "")
    assert capsys.readouterr().out == f"\n{shown}\n\n"[: len(shown) + 2]
    assert people.harmless(said) == shown


@given(st.text())
def test_whatever_is_said_is_one_line_that_can_be_printed(said):
    found = people.harmless(said)
    assert found.isprintable() and people.harmless(found) == found
    assert results.message({"msg": said}).isprintable()
