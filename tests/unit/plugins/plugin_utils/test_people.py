# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils import people


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
