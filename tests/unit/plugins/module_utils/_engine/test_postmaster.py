# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.processes import Process
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import postmaster as postmasters
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.postmaster import (
    PostmasterFile,
    describe_postmaster,
    named_directory,
    parse_postmaster_file,
    read_postmaster,
)

from ..conftest import PIDFILE


def test_reads_the_postmaster_file():
    assert parse_postmaster_file(PIDFILE) == PostmasterFile(pid=90, port=5432, socket_directory="/tmp", status="standby")


@pytest.mark.parametrize("text", ["", "\n", "x\n"])
def test_a_postmaster_file_that_names_no_process_is_none(text):
    assert parse_postmaster_file(text) is None


def test_a_postmaster_file_that_is_just_being_written():
    assert parse_postmaster_file("90\n/data\n") == PostmasterFile(pid=90, port=None, socket_directory=None, status=None)


FILE = PostmasterFile(pid=90, port=5432, socket_directory="/tmp", status="standby")
FAMILY = [
    Process(pid=90, parent=1, state="S", command=("/usr/local/greenplum-db/bin/postgres", "-D", "/data")),
    Process(pid=91, parent=90, state="S", command=("postgres:  5432, startup   recovering 00000001000000000000000D",)),
    Process(pid=92, parent=90, state="S", command=("postgres:  5432, walreceiver   streaming 0/340000A8",)),
    Process(pid=95, parent=1, state="T", command=("vi",)),
]


def described(family, connected=True):
    return describe_postmaster(FILE, family, lambda pid: connected and pid == 92)


def test_a_standby_that_streams():
    postmaster = described(FAMILY)
    assert (postmaster.pid, postmaster.status, postmaster.suspended) == (90, "standby", False)
    assert (postmaster.connected, postmaster.received) == (True, "0/340000A8")


def test_before_the_first_wal_came_only_the_connection_tells():
    family = [*FAMILY[:2], Process(pid=92, parent=90, state="S", command=("postgres:  5432, walreceiver",))]
    assert (described(family).connected, described(family).received) == (True, None)


@pytest.mark.parametrize(
    ("title", "look", "connected"),
    [
        ("walreceiver   streaming 0/340000A8", None, True),
        ("walreceiver", None, None),
        ("walreceiver", False, False),
        ("walreceiver   streaming 0/340000A8", False, False),
    ],
)
def test_a_connection_that_cannot_be_seen_is_not_denied(title, look, connected):
    family = [*FAMILY[:2], Process(pid=92, parent=90, state="S", command=(f"postgres:  5432, {title}",))]
    assert describe_postmaster(FILE, family, lambda pid: look).connected is connected


def test_without_a_walreceiver_nothing_is_connected():
    assert describe_postmaster(FILE, FAMILY[:2], lambda pid: None).connected is False


POSTGRES = "/usr/local/greenplum-db/bin/postgres"


@pytest.mark.parametrize(
    ("command", "directory"),
    [
        ((POSTGRES, "-D", "/data/c", "-p", "5432"), "/data/c"),
        ((POSTGRES, "-D", "relative"), None),
        ((POSTGRES, "-p", "5432"), None),
        (("vi", "-D", "/data/c"), ""),
        (("",), ""),
    ],
)
def test_a_command_line_names_the_data_directory(command, directory):
    assert named_directory(command) == directory


@pytest.mark.parametrize(
    ("words", "running"),
    [(("-D", "{}"), True), (("-D", "{}/"), True), (("-D", "/elsewhere"), False), ((), None), (None, None)],
)
def test_another_user_s_postmaster_is_known_by_its_command_line(data_directory, monkeypatch, words, running):
    def denied(*paths):
        raise PermissionError(13, "Permission denied")

    (data_directory / "postmaster.pid").write_text(PIDFILE)
    family = (
        []
        if words is None
        else [Process(pid=90, parent=1, state="S", command=(POSTGRES, *(word.format(data_directory) for word in words)))]
    )
    monkeypatch.setattr(postmasters.os.path, "samefile", denied)
    monkeypatch.setattr(postmasters, "processes", lambda: family)
    monkeypatch.setattr(postmasters, "read_process", {process.pid: process for process in family}.get)
    if running is None:
        with pytest.raises(CoordinatorError, match=r"names the process 90, of which .* cannot see what it is"):
            read_postmaster(str(data_directory))
    else:
        assert (read_postmaster(str(data_directory)) is not None) is running


def test_a_process_that_is_hidden_is_not_taken_for_gone(data_directory, monkeypatch):
    def hidden(pid, number):
        raise PermissionError(1, "Operation not permitted")

    (data_directory / "postmaster.pid").write_text(PIDFILE.replace("90\n", f"{2**22 + 1}\n", 1))
    assert read_postmaster(str(data_directory)) is None
    monkeypatch.setattr(postmasters.os, "kill", hidden)
    with pytest.raises(CoordinatorError, match="mount /proc without hidepid"):
        read_postmaster(str(data_directory))


@pytest.mark.parametrize("index", [0, 1, 2])
def test_suspended_when_a_vital_process_is_stopped(index):
    family = [dataclasses.replace(process, state="T") if at == index else process for at, process in enumerate(FAMILY)]
    assert described(family).suspended


def test_gone_when_its_process_is_gone_or_a_zombie():
    assert described(FAMILY[1:]) is None
    assert described([dataclasses.replace(FAMILY[0], state="Z")]) is None
