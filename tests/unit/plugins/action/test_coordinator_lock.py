# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess
import time

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible_collections.warehousepg.coordinator.plugins.action.coordinator_lock import ActionModule, not_released
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run import locking
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.locking import RELEASE, TAKE, Ask


class Action(ActionModule):
    """One whose host is this one, and cannot be reached at first."""

    def __init__(self, away):
        self.away = away

    def _low_level_execute_command(self, command):
        if self.away:
            self.away -= 1
            raise AnsibleConnectionFailure("timed out")
        done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False)
        return {"rc": done.returncode, "stdout": done.stdout, "stderr": done.stderr}


def wait_until(holds):
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def child(pid):
    """The process that this one started last, and that works beside the run."""
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(os.getpid())], capture_output=True, text=True, check=True)
    return next(int(word) for word in listed.stdout.split()[::-1] if int(word) != pid and locking.started(int(word)))


@pytest.mark.parametrize("released", [False, True])
def test_a_lock_is_renewed_as_long_as_its_run_lives_and_holds_it(tmp_path, monkeypatch, released):
    monkeypatch.setattr(locking, "RENEWAL", 1)
    file, run = tmp_path / "demo.lock", subprocess.Popen(["sleep", "60"])
    own, action = locking.this_run(run.pid), Action(away=0)
    action._ask(Ask(what=TAKE, file=str(file), own=own, purpose="test"))
    action.away = 1
    action._keep(str(file), own)
    beside = child(run.pid)
    for _renewal in range(2):
        os.utime(file, (1, 1))
        wait_until(lambda: file.stat().st_mtime > 1)
    action.away = 0
    if released:
        action._ask(Ask(RELEASE, str(file), own))
    else:
        run.kill()
    wait_until(lambda: locking.started(beside) is None)
    os.waitpid(beside, 0)
    run.kill()
    run.wait()


def test_a_run_that_could_not_take_back_what_it_noted_is_run_again():
    said = "warning: the lock on cdw was not released, and counts for 300 s more: timed out"
    assert not_released("cdw", "timed out", []) == said
    noted = not_released("cdw", "timed out", ["switchover to scdw"])
    assert noted == f"{said}; what this run finished may be noted there as unfinished: run this again"
