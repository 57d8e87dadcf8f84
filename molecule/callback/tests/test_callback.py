# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people see, and how little of it there is."""

from __future__ import annotations

import re

from conftest import ENABLE, PAIRS, playbook, stopped

STATUS = "warehousepg.coordinator.status"
SUMMARY = "demo: mirrored: scdw streams in sync from cdw"


def shown(name, *arguments, code=0, **variables):
    """The lines that people see of a run."""
    done = playbook(name, *arguments, environment=PAIRS, **variables)
    assert done.returncode == code
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_what_ansible_prints_itself_is_right_without_it(converged):
    assert SUMMARY in converged and "PLAY RECAP" in converged


def test_what_was_to_be_done_was_foretold(noted, converged):
    *steps, last = noted["foretold"].splitlines()
    assert noted["code"] == 0 and len(steps) + 1 <= 15
    assert last.startswith("demo: can be mirrored: scdw can be the standby of cdw")
    assert steps and all(step.startswith("demo: to do: ") for step in steps)
    assert any("Copy the primary" in step for step in steps)


def test_a_mirrored_pair_is_shown_on_a_screen():
    lines = shown(STATUS)
    assert lines[0] == "Cluster demo: mirrored"
    assert 8 < len(lines) <= 12


def test_a_run_that_changes_nothing_says_how_it_is():
    (line,) = shown(ENABLE)
    assert line.startswith(SUMMARY)
    assert shown(STATUS, status_format="quiet") == []


def test_failures_come_before_the_screen(primary, standby):
    with stopped(standby):
        lines = shown(STATUS, code=2)
        (quiet,) = shown(STATUS, code=2, status_format="quiet")
    assert lines[0].startswith("FAILED: demo is degraded: ")
    assert lines[1] == "Cluster demo: degraded"
    assert lines[-1].startswith("  next ")
    assert len(lines) <= 18
    assert quiet.startswith("demo: degraded: ")


def test_a_pair_is_made_on_fewer_lines_than_a_screen_has(unmirrored):
    *steps, last = shown(ENABLE)
    assert last.startswith(SUMMARY)
    assert 3 <= len(steps) < 15
    assert all(re.fullmatch(r"demo: [A-Z][^()]+ \([\w, ]+, \d+\.\d s\)", step) for step in steps)


def test_a_failure_that_the_role_rolls_back_is_told_once(unmirrored):
    lines = shown(ENABLE, code=2, standby_timeout=0.001)
    said = [line for line in lines if "is not mirrored" in line]
    assert said == lines[-1:]
    assert said[0].startswith("FAILED: demo is not mirrored: ") and "run this again" in said[0]
    assert len(lines) <= 15
