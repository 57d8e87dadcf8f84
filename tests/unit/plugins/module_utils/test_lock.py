# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import time

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils import lock
from ansible_collections.warehousepg.coordinator.plugins.module_utils.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils.lock import Holder, Lock
from hypothesis import given
from hypothesis import strategies as st

OURS = Holder("ada", "control1", 4711, "100")
THEIRS = Holder("bob", "control2", 42, "200")
WANTED = Lock(OURS, 1000.0, 1900.0, "activate_standby")
HELD = Lock(THEIRS, 900.0, 1800.0, "rejoin")


@pytest.mark.parametrize(
    ("held", "gone", "steps"),
    [
        (None, None, [("take", {"lock": WANTED})]),
        (WANTED, None, []),
        (
            dataclasses.replace(WANTED, since=500.0, expires=1400.0),
            None,
            [("take", {"lock": dataclasses.replace(WANTED, since=500.0)})],
        ),
        (dataclasses.replace(WANTED, purpose="other"), None, [("take", {"lock": WANTED})]),
        (
            dataclasses.replace(HELD, expires=1000.0),
            None,
            [("take_over", {"lock": WANTED, "former": dataclasses.replace(HELD, expires=1000.0)})],
        ),
        (HELD, THEIRS, [("take_over", {"lock": WANTED, "former": HELD})]),
    ],
)
def test_takes_a_lock_that_nobody_holds_any_more(held, gone, steps):
    assert [(step.name, step.arguments) for step in lock.plan(held, WANTED, "/l", gone)] == steps


@pytest.mark.parametrize("gone", [None, dataclasses.replace(THEIRS, started="201"), OURS])
def test_another_runs_lock_is_refused_with_everything_about_it(gone):
    with pytest.raises(CoordinatorError) as caught:
        lock.plan(HELD, WANTED, "/home/x/demo.lock", gone)
    assert caught.value.message == (
        "another run works on this pair: rejoin by bob on control2, process 42, since 1970-01-01 00:15:00 UTC, until "
        "1970-01-01 00:30:00 UTC at the latest. Wait for it; if it was killed, remove /home/x/demo.lock, and run this again"
    )
    assert caught.value.data["lock"] == dataclasses.asdict(HELD)


times = st.floats(0, 4e9)
holders = st.builds(Holder, st.text(), st.text(), st.integers(1), st.text())


@given(st.builds(Lock, holders, times, times, st.text()))
def test_a_lock_is_read_as_written(held):
    assert lock.parse(json.dumps(dataclasses.asdict(held))) == held


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"holder": {"user": "x"}, "since": 1, "expires": 2, "purpose": ""}'])
def test_a_file_of_something_else_is_no_lock(tmp_path, text):
    path = tmp_path / "demo.lock"
    assert lock.read(str(path)) is None
    path.write_text(text)
    with pytest.raises(CoordinatorError, match=r"demo\.lock is no lock of this collection: see what it is, and remove it"):
        lock.read(str(path))


def test_is_released_by_its_holder_alone(host, tmp_path):
    path = str(tmp_path / "whpg" / "demo.lock")
    assert lock.release(path) is False
    lock.write(host, path, HELD)
    assert (tmp_path / "whpg" / "demo.lock").stat().st_mode & 0o777 == 0o600
    assert lock.release(path, OURS) is False
    assert lock.read(path) == HELD
    assert lock.release(path, THEIRS) is True
    assert lock.read(path) is None
    lock.remove(path)
    lock.write(host, path, HELD)
    assert lock.release(path) is True


def take(path, number, results):
    """Takes the lock as the module does, slowly."""
    with lock.alone(path):
        held = lock.read(path)
        time.sleep(0.05)
        if held is None:
            with open(path, "w", encoding="utf-8") as file:
                json.dump(dataclasses.asdict(dataclasses.replace(WANTED, holder=dataclasses.replace(OURS, pid=number))), file)
            results.put(number)


def test_of_many_that_want_it_at_once_one_gets_it(tmp_path):
    path = str(tmp_path / "whpg" / "demo.lock")
    results = multiprocessing.Queue()
    runs = [multiprocessing.Process(target=take, args=(path, number, results)) for number in range(1, 6)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert lock.read(path).holder.pid == results.get(timeout=5)
    assert results.empty()
