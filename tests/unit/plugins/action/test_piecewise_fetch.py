# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import os
import subprocess

import pytest
from ansible_collections.warehousepg.coordinator.plugins.action import piecewise_fetch
from ansible_collections.warehousepg.coordinator.plugins.action.piecewise_fetch import ActionModule


class Action(ActionModule):
    """One whose host is this one, and may print something else."""

    def __init__(self, printed=None):
        self.printed = printed
        self.longest = 0

    def _low_level_execute_command(self, command):
        if self.printed is not None and command.startswith("dd "):
            return {"rc": 0, "stdout": self.printed, "stderr": ""}
        done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False)
        self.longest = max(self.longest, len(done.stdout))
        return {"rc": done.returncode, "stdout": done.stdout, "stderr": done.stderr}


@pytest.fixture
def fetched(tmp_path, monkeypatch):
    monkeypatch.setattr(piecewise_fetch, "PIECE", 1 << 10)
    monkeypatch.setattr(ActionModule.__mro__[1], "run", lambda self, tmp=None, task_vars=None: {})

    def fetch(action, **options):
        given = {"src": str(tmp_path / "it's"), "dest": str(tmp_path / "dest"), "longest": 1 << 20, **options}
        action.validate_argument_spec = lambda spec: (None, given)
        return action.run()

    return fetch


def test_people_see_how_far_it_has_come(fetched, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(piecewise_fetch.Shown, "write", lambda shown, progress, now: seen.append(progress["done"]))
    (tmp_path / "it's").write_bytes(bytes(2500))
    fetched(Action())
    assert seen == [1024, 2048, 2500]


@pytest.mark.parametrize("size", [0, 1, 1023, 1024, 1025, 3072, 5000])
def test_a_file_comes_whole_in_pieces_and_is_private(fetched, tmp_path, size):
    content = os.urandom(size)
    (tmp_path / "it's").write_bytes(content)
    action = Action()
    result = fetched(action)
    assert not result.get("failed"), result
    assert (tmp_path / "dest").read_bytes() == content
    assert (tmp_path / "dest").stat().st_mode & 0o777 == 0o600
    assert action.longest < 1500


@pytest.mark.parametrize(
    ("printed", "longest", "said"),
    [
        (base64.b64encode(b"x" * 2000).decode(), 1 << 20, "more came than the 1024 bytes"),
        (base64.b64encode(b"x" * 1024).decode(), 4096, "more came than the 4096 bytes"),
        ("$(reboot)", 1 << 20, "was not fetched"),
        (base64.b64encode(b"other").decode(), 1 << 20, "what came is not what was sent: 5 bytes came"),
    ],
)
def test_what_is_not_the_file_does_not_stay(fetched, tmp_path, printed, longest, said):
    (tmp_path / "it's").write_bytes(b"content")
    result = fetched(Action(printed), longest=longest)
    assert result["failed"] and said in result["msg"]
    assert not (tmp_path / "dest").exists()


def test_a_file_that_is_there_is_not_written_over(fetched, tmp_path):
    (tmp_path / "it's").write_bytes(b"content")
    (tmp_path / "dest").write_bytes(b"of somebody")
    assert fetched(Action())["failed"]
    assert (tmp_path / "dest").read_bytes() == b"of somebody"


def test_a_file_that_is_not_there_is_told(fetched, tmp_path):
    result = fetched(Action())
    assert result["failed"] and "No such file" in result["msg"]
    assert not (tmp_path / "dest").exists()
