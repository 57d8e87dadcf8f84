# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils.plan import Step, run


def test_runs_the_steps_in_order_and_times_them():
    seen = []
    actions = {"one": lambda: seen.append("one"), "two": lambda value: seen.append(value) or {"found": value}}
    done, returned = run([Step("one"), Step("two", {"value": 2})], actions)
    assert seen == ["one", 2]
    assert [step["name"] for step in done] == ["one", "two"]
    assert all(step["seconds"] >= 0 for step in done)
    assert returned == {"found": 2}


def test_a_failure_tells_what_was_done_before():
    def fail():
        raise CoordinatorError("no", why="because")

    with pytest.raises(CoordinatorError) as raised:
        run([Step("one"), Step("fail"), Step("never")], {"one": lambda: None, "fail": fail})
    assert raised.value.data["failed_step"] == "fail"
    assert [step["name"] for step in raised.value.data["steps"]] == ["one"]
    assert raised.value.data["why"] == "because"


def test_steps_compare_by_what_they_do():
    assert Step("write", {"path": "a"}) == Step("write", {"path": "a"}) != Step("write", {"path": "b"})
