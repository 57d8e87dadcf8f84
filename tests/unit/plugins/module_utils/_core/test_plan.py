# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Step, carry_out, run


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


class Ended(Exception):
    pass


class Module:
    """An AnsibleModule's ways to end."""

    def __init__(self, check_mode=False, diff=False):
        self.check_mode = check_mode
        self._diff = diff
        self.params = {}

    def exit_json(self, **result):
        raise Ended(dict(result, failed=False))

    def fail_json(self, **result):
        raise Ended(dict(result, failed=True))


def ended(module, steps, **options):
    world = {"is": "old"}

    def turn(to="new"):
        world["is"] = to

    def fail():
        raise CoordinatorError("no")

    with pytest.raises(Ended) as raised:
        carry_out(module, lambda: dict(world), lambda seen: steps, {"turn": turn, "fail": fail, "wait": lambda: None}, show=dict, **options)
    return raised.value.args[0], world["is"]


def test_applies_and_shows_what_became_of_it():
    result, world = ended(Module(diff=True), [Step("turn")])
    assert world == result["is"] == "new"
    assert result["changed"]
    assert result["diff"] == {"before": {"is": "old"}, "after": {"is": "new"}}
    assert [step["name"] for step in result["steps"]] == ["turn"]


def test_check_mode_stops_after_the_plan():
    result, world = ended(Module(check_mode=True, diff=True), [Step("turn")])
    assert world == result["is"] == "old"
    assert result["changed"]
    assert result["diff"]["after"] == {"is": "old", "steps": ["turn"]}
    assert result["steps"] == [{"name": "turn", "seconds": 0.0}]


def test_nothing_to_do_is_no_change():
    result, _dummy = ended(Module(diff=True), [])
    assert not result["changed"]
    assert result["diff"]["before"] == result["diff"]["after"]


def test_waiting_alone_is_no_change():
    assert not ended(Module(), [Step("wait")], passive=("wait",))[0]["changed"]
    assert ended(Module(), [Step("turn"), Step("wait")], passive=("wait",))[0]["changed"]


def test_a_module_tells_its_own_difference():
    result, _dummy = ended(Module(diff=True), [Step("turn")], difference=lambda before, after, steps: (before, after, len(steps)))
    assert result["diff"] == ({"is": "old"}, {"is": "new"}, 1)


def test_a_failure_ends_the_module_with_its_data():
    result, world = ended(Module(), [Step("turn"), Step("fail")])
    assert (result["failed"], result["msg"], result["failed_step"], world) == (True, "no", "fail", "new")
