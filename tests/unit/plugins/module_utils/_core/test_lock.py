# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import json

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import lock, plan
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lock import Holder, Lock
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Step
from hypothesis import given
from hypothesis import strategies as st

OURS = Holder(user="ada", controller="control1", boot="boot", namespace="pid:[1]", pid=4711, started="100")
THEIRS = Holder(user="bob", controller="control2", boot="boot", namespace="pid:[1]", pid=42, started="200")


def text(holder, purpose="rejoin"):
    return f"{lock.line_of(holder)}\n{json.dumps({'since': 900, 'purpose': purpose})}\n"


holders = st.builds(Holder, st.text(), st.text(), st.text(), st.text(), st.integers(1, 1 << 31), st.text())


@given(holders, st.text())
def test_a_lock_is_read_as_written(holder, purpose):
    assert lock.parse(text(holder, purpose)) == Lock(holder, 900.0, purpose)


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", "[]\n{}", "{}\n{}", '{"holder": {"user": "x"}, "since": 1, "expires": 2, "purpose": ""}', "\x00\x00"]
)
def test_a_file_of_something_else_is_no_lock(content):
    assert lock.parse(content) is None


HOSTILE = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.text(), inner, max_size=2)),
    max_leaves=3,
)


@given(st.sampled_from([*dataclasses.asdict(OURS), "since", "purpose"]), HOSTILE)
def test_what_a_lock_tells_is_of_its_form(name, hostile):
    holder, told = dataclasses.asdict(OURS), {"since": 900.0, "purpose": "x"}
    (holder if name in holder else told)[name] = hostile
    found = lock.parse(f"{json.dumps(holder)}\n{json.dumps(told)}\n")
    if found is not None:
        assert isinstance(found.holder.pid, int) and not isinstance(found.holder.pid, bool) and 0 <= found.since < float("inf")
        texts = (found.purpose, found.holder.user, found.holder.controller, found.holder.boot, found.holder.namespace, found.holder.started)
        assert all(isinstance(text, str) for text in texts)


@given(st.text())
def test_no_text_stops_the_reading_of_a_lock(content):
    assert lock.parse(content) is None
    assert lock.parse("[" * 5000 + "\n{}") is None


@pytest.fixture
def file(tmp_path):
    return tmp_path / "demo.lock"


def keeper(host, file, **begins):
    return lock.keeper(host, {"file": str(file), "holder": dataclasses.asdict(OURS), **begins})


def test_a_run_that_holds_the_lock_notes_what_it_begins_and_goes_on(host, file):
    file.write_text(text(OURS))
    keeper(host, file)()
    assert lock.read_note(str(file)) is None
    for begins in ("rejoin", "switchover to scdw", "switchover to scdw"):
        keeper(host, file, begins=begins)()
        assert lock.read_note(str(file)) == begins
    keeper(host, file, begins="")()
    assert lock.read_note(str(file)) == "switchover to scdw"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (text(THEIRS), "rejoin by bob on control2, process 42 has it"),
        (text(dataclasses.replace(OURS, namespace="pid:[2]")), "rejoin by ada on control1, process 4711 has it"),
        ("", "it is gone"),
        (None, "it is gone"),
    ],
)
def test_a_run_that_lost_the_lock_stops_and_notes_nothing(host, file, content, said):
    if content is not None:
        file.write_text(content)
    with pytest.raises(CoordinatorError, match=said):
        keeper(host, file, begins="rejoin")()
    assert lock.read_note(str(file)) is None


def test_a_run_that_works_without_a_lock_is_not_kept_from_it(host):
    lock.keeper(host, {})()
    lock.keeper(host, {"file": None, "holder": None, "begins": "rejoin"})()


def test_the_lock_is_looked_at_before_each_step(host, file):
    file.write_text(text(OURS))
    done = []

    def lose():
        file.write_text(text(THEIRS))

    steps = [Step("one"), Step("lose"), Step("two")]
    with pytest.raises(CoordinatorError) as caught:
        plan.run(steps, {"one": lambda: done.append("one"), "lose": lose, "two": lambda: done.append("two")}, keeper(host, file))
    assert done == ["one"]
    assert (caught.value.data["failed_step"], [step["name"] for step in caught.value.data["steps"]]) == ("two", ["one", "lose"])
