# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import time

import pytest
from ansible import constants as C
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.payloads import made_meanwhile, unmade


class Action:
    """Notes for which modules something was made, by which process."""

    def __init__(self, directory):
        self.directory = directory

    def _configure_module(self, module_name, module_args, task_vars):
        if module_name.endswith("broken"):
            raise ValueError("no such module")
        time.sleep(0.1)
        (self.directory / module_name.rpartition(".")[2]).write_text(f"{os.getpid()} {task_vars['host']}")


def test_is_made_by_another_process_and_there_afterwards(tmp_path):
    with made_meanwhile(Action(tmp_path), ["one", "two"], {"host": "cdw"}):
        assert not (tmp_path / "two").exists(), "nobody waits for it meanwhile"
    made = {name: (tmp_path / name).read_text().split() for name in ("one", "two")}
    assert {host for _pid, host in made.values()} == {"cdw"}
    assert str(os.getpid()) not in {pid for pid, _host in made.values()}


def test_what_cannot_be_made_is_left_to_the_task_that_needs_it(tmp_path, capfd):
    with made_meanwhile(Action(tmp_path), ["one", "broken", "two"], {"host": "cdw"}):
        pass
    assert os.listdir(tmp_path) == ["one"]
    assert capfd.readouterr() == ("", "")


def test_nothing_to_make_takes_no_process(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("a process"))
    with made_meanwhile(Action(tmp_path), [], {}):
        pass


def test_a_task_that_fails_leaves_no_process(tmp_path):
    with pytest.raises(RuntimeError), made_meanwhile(Action(tmp_path), ["one"], {"host": "cdw"}):
        raise RuntimeError
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
    assert os.listdir(tmp_path) == ["one"]


def test_each_is_made_once_in_a_run(tmp_path, monkeypatch):
    monkeypatch.setattr(C, "DEFAULT_LOCAL_TMP", str(tmp_path))
    assert list(unmade(["one"])) == ["one"]
    assert list(unmade(["one", "two"])) == ["two"]
    assert list(unmade(["one", "two"])) == []


def test_of_two_that_begin_at_once_each_makes_another(tmp_path, monkeypatch):
    monkeypatch.setattr(C, "DEFAULT_LOCAL_TMP", str(tmp_path))
    one, other = unmade(["one", "two"]), unmade(["one", "two"])
    assert (next(one), next(other), [*one, *other]) == ("one", "two", [])
