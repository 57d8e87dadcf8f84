# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import json
import stat

import pytest
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show import audit
from hypothesis import given
from hypothesis import strategies as st


def test_a_run_has_a_name():
    when = datetime.datetime(2026, 11, 23, 8, 15, tzinfo=datetime.timezone(datetime.timedelta(hours=1)))
    run = audit.run(4711, when)
    assert run["run"] == "20261123T071500Z-4711"
    assert run["who"] and run["controller"]


def test_lines_are_added_to_a_private_file(tmp_path):
    path = tmp_path / "new/demo.audit.jsonl"
    audit.append(str(path), {"number": 1})
    audit.append(str(path), {"number": 2, "text": "two\nlines"})
    assert [json.loads(line)["number"] for line in path.read_text().splitlines()] == [1, 2]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_result_replaces_the_former_one(tmp_path):
    path = tmp_path / "new/demo.activation.json"
    for number in (1, 2):
        audit.write_result(str(path), {"number": number})
    assert json.loads(path.read_text()) == {"number": 2}
    assert [found.name for found in path.parent.iterdir()] == ["demo.activation.json"]


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(st.characters())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters()), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(st.characters()), VALUES, max_size=4))
def test_whatever_hosts_said_of_a_run_what_is_kept_of_it_is_json(tmp_path_factory, document):
    home = tmp_path_factory.mktemp("home")
    assert audit.keep(document, "switchover", str(home / "result.json"), str(home / "audit.jsonl")) == ""
    result, line = ((home / name).read_text(encoding="ascii") for name in ("result.json", "audit.jsonl"))
    assert line.endswith("\n") and line[:-1].isprintable(), "it is one line"
    kept, added = (json.loads(text, parse_constant=pytest.fail) for text in (result, line))
    assert {**kept, "action": "switchover"} == added
    json.dumps(added, ensure_ascii=False).encode()  # no half of a character is in it
