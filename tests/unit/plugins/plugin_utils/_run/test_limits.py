# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import signal
import subprocess

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.limits import answers_within


def test_what_a_host_does_not_answer_ends_and_so_does_the_program_that_waits_for_it():
    with subprocess.Popen(["sleep", "60"]) as waiting:
        with pytest.raises(AnsibleConnectionFailure, match=r"did not answer within 0\.2 s"), answers_within(0.2):
            try:
                waiting.wait()
            except Exception:  # as a connection plugin does that tries again
                waiting.wait()
        assert waiting.wait(5) == -signal.SIGKILL


def test_what_is_answered_in_time_leaves_nothing_behind():
    before = signal.getsignal(signal.SIGALRM)
    with answers_within(60):
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) == before


def test_a_timeout_of_the_task_stays():
    signal.setitimer(signal.ITIMER_REAL, 60)
    try:
        with answers_within(1):
            pass
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 0
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
