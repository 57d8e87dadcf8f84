# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the status playbook says of a pair, and its exit code, for each way a pair can be broken."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager

import pytest
from conftest import status, wait_until


@contextmanager
def stopped(coordinator):
    coordinator.stop()
    try:
        yield
    finally:
        coordinator.start()


@contextmanager
def frozen(coordinator):
    coordinator.signal("STOP")
    try:
        yield
    finally:
        coordinator.signal("CONT")


@contextmanager
def unreachable(coordinator):
    podman("pause", coordinator)
    try:
        yield
    finally:
        podman("unpause", coordinator)


def podman(command, coordinator):
    subprocess.run(["podman", command, f"whpg-{coordinator.name}"], check=True, capture_output=True)


@pytest.fixture(autouse=True)
def mirrored_again(primary):
    yield
    wait_until(
        lambda: primary.sql("SELECT state, sync_state FROM pg_stat_replication") == "streaming|sync",
        "the pair is mirrored again",
    )


def test_mirrored():
    assert status() == ("mirrored", 0)


def test_standby_stopped(standby):
    with stopped(standby):
        verdict, code = status()
    assert (verdict, code) == ("degraded", 2)


def test_standby_frozen(standby):
    with frozen(standby):
        verdict, code = status()
    assert (verdict, code) == ("degraded", 2)


def test_primary_stopped(primary):
    with stopped(primary):
        verdict, code = status()
    assert (verdict, code) == ("primary_down", 2)


def test_primary_frozen(primary):
    with frozen(primary):
        verdict, code = status()
    assert (verdict, code) == ("primary_hung", 2)


def test_host_of_the_primary_unreachable(primary):
    with unreachable(primary):
        verdict, code = status()
    assert verdict == "primary_unknown"
    assert code != 0


def test_host_of_the_standby_unreachable(standby):
    with unreachable(standby):
        verdict, code = status()
    assert verdict == "degraded"
    assert code != 0


def test_host_of_the_primary_left_out():
    verdict, code = status("--limit", "scdw,sdw1")
    assert verdict == "primary_unknown"
    assert code != 0
