# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import time

import pytest
from ansible_collections.warehousepg.coordinator.plugins.action import coordinator_lock
from ansible_collections.warehousepg.coordinator.plugins.module_utils.lock import Holder, Lock, read


@pytest.fixture
def ended():
    process = subprocess.Popen(["sleep", "60"])
    began = coordinator_lock.started(process.pid)
    process.kill()
    process.wait()
    return {"pid": process.pid, "started": began}


def test_tells_runs_apart_by_when_they_started(ended):
    own = coordinator_lock.started(os.getpid())
    assert own and own == coordinator_lock.started(os.getpid())
    assert ended["started"] and ended["started"] != own
    assert coordinator_lock.started(ended["pid"]) is None


def test_only_a_run_of_this_controller_is_known_to_be_gone(ended):
    alive = {"pid": os.getpid(), "started": coordinator_lock.started(os.getpid())}
    for holder, gone in ((ended, True), (alive, False), ({**alive, "started": "0"}, True)):
        assert coordinator_lock.is_gone({**holder, "controller": "here"}, "here") is gone
        assert coordinator_lock.is_gone({**holder, "controller": "there"}, "here") is False


def test_this_run_is_the_parent_process():
    run = coordinator_lock.this_run()
    assert (run["pid"], run["started"]) == (os.getppid(), coordinator_lock.started(os.getppid()))
    assert run["user"] and run["controller"]


def shell(script, home):
    return subprocess.run(["/bin/sh", "-c", script], env={**os.environ, "HOME": str(home)}, capture_output=True, text=True, check=False)


HOLDER = {"user": "o'brien 100%", "controller": "control1", "pid": 4711, "started": "18"}


@pytest.mark.parametrize("path", ["~/.whpg/demo.lock", "~/a dir/it's.lock", "{home}/new/demo.lock"])
def test_of_two_runs_one_takes_the_lock(tmp_path, path):
    path = path.format(home=tmp_path)

    def take(**holder):
        return shell(coordinator_lock.taking(path, {**HOLDER, **holder}, "activate_standby", 900.0), tmp_path)

    first = take()
    assert (first.returncode, first.stderr) == (0, "")
    assert abs(int(first.stdout) - time.time()) < 60
    assert take(pid=1).returncode != 0
    file = tmp_path / path[2:] if path.startswith("~") else path
    held = read(str(file))
    assert (held.holder, held.purpose, held.since) == (Holder(**HOLDER), "activate_standby", int(first.stdout))
    assert held.expires == held.since + 900
    assert os.stat(file).st_mode & 0o777 == 0o600
    assert os.listdir(os.path.dirname(file)) == [os.path.basename(file)], "nothing is left beside it"


@pytest.mark.parametrize("path", ["~/.whpg/demo.lock", "~/a dir/it's.lock"])
def test_only_the_run_that_holds_a_lock_releases_it(tmp_path, path):
    release, release_of_another = (coordinator_lock.removal(path, {**HOLDER, "pid": pid}) for pid in (HOLDER["pid"], 47))
    assert shell(release, tmp_path).returncode != 0, "there is none"
    file = tmp_path / path[2:]
    for write in (
        lambda: shell(coordinator_lock.taking(path, HOLDER, "rejoin", 900.0), tmp_path),
        lambda: file.write_text(json.dumps(dataclasses.asdict(Lock(Holder(**HOLDER), 1.0, 2.0, "rejoin"))) + "\n"),  # as the module does
    ):
        write()
        assert shell(release_of_another, tmp_path).returncode != 0
        assert file.exists()
        assert (shell(release, tmp_path).returncode, file.exists()) == (0, False)
