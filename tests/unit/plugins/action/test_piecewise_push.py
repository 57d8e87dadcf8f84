# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess

import pytest
from ansible_collections.warehousepg.coordinator.plugins.action import piecewise_push
from ansible_collections.warehousepg.coordinator.plugins.action.piecewise_push import ActionModule


class Action(ActionModule):
    """One whose host is this one.

    :param spoils: whether what comes there is something else.
    """

    def __init__(self, spoils=False):
        self.spoils = spoils
        self.longest = 0

    def _low_level_execute_command(self, command, in_data=None):
        self.longest = max(self.longest, len(in_data or b""))
        given = b"eA==\n" if self.spoils and in_data else in_data or b""
        done = subprocess.run(["/bin/sh", "-c", command], input=given, capture_output=True, check=False)
        return {"rc": done.returncode, "stdout": done.stdout.decode(), "stderr": done.stderr.decode()}


@pytest.fixture
def pushed(tmp_path, monkeypatch):
    monkeypatch.setattr(piecewise_push, "PIECE", 1 << 10)
    monkeypatch.setattr(ActionModule.__mro__[1], "run", lambda self, tmp=None, task_vars=None: {})

    def push(action):
        given = {"src": str(tmp_path / "src"), "dest": str(tmp_path / "it's")}
        action.validate_argument_spec = lambda spec: (None, given)
        return action.run()

    return push


@pytest.mark.parametrize("size", [0, 1, 1023, 1024, 1025, 5000])
def test_a_file_comes_whole_in_pieces_and_is_private(pushed, tmp_path, monkeypatch, size):
    seen = [0]
    monkeypatch.setattr(piecewise_push.Shown, "write", lambda shown, progress, now: seen.append(progress["done"]))
    content = os.urandom(size)
    (tmp_path / "src").write_bytes(content)
    action = Action()
    result = pushed(action)
    assert (result.get("failed"), result["size"], seen[-1]) == (None, size, size)
    assert (tmp_path / "it's").read_bytes() == content
    assert (tmp_path / "it's").stat().st_mode & 0o777 == 0o600
    assert action.longest < 1500


def test_what_is_not_the_file_does_not_stay(pushed, tmp_path):
    (tmp_path / "src").write_bytes(b"content")
    result = pushed(Action(spoils=True))
    assert result["failed"] and "what came is not what was sent" in result["msg"]
    assert not (tmp_path / "it's").exists()


def test_what_a_run_that_was_cut_off_left_is_replaced(pushed, tmp_path):
    (tmp_path / "src").write_bytes(b"content")
    (tmp_path / "other").write_bytes(b"of somebody")
    (tmp_path / "it's").symlink_to(tmp_path / "other")
    assert not pushed(Action()).get("failed")
    assert (tmp_path / "it's").read_bytes() == b"content"
    assert (tmp_path / "other").read_bytes() == b"of somebody"


def test_a_file_that_is_not_there_is_told(pushed, tmp_path):
    result = pushed(Action())
    assert result["failed"] and "No such file" in result["msg"]
    assert not (tmp_path / "it's").exists()
