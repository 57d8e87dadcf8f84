# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the configuration, the files and the limits of the primary would lead to is seen before anything is begun, in check mode too."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import Iterator

import pytest
from conftest import NET, NOTHING, Coordinator, changes, enable, playbook, podman, reset, status, traces, wait_until

ELSEWHERE = "/data/elsewhere"


@pytest.fixture(scope="module", autouse=True)
def unmirrored_cluster():
    reset()


@contextmanager
def configured(primary: Coordinator, *lines: str, restart: bool = False) -> Iterator[None]:
    """Lines at the end of the primary's configuration."""
    file = f"{primary.directory}/postgresql.conf"
    primary.run(f"cp -p {file} /tmp/postgresql.conf")
    primary.write("/tmp/added", "".join(f"{line}\n" for line in ("", *lines)))
    primary.run(f"cat /tmp/added >> {file}")
    try:
        if restart:
            primary.stop()
            primary.start()
        yield
    finally:
        primary.run(f"cp -p /tmp/postgresql.conf {file}")
        if restart:
            primary.stop()
            primary.start()


def refused(primary: Coordinator, standby: Coordinator, *words: str, **variables) -> None:
    """It is, in check mode as by the run, and nothing is touched."""
    for arguments in (["--check"], []):
        done = enable(*arguments, **variables)
        assert done.returncode == 2
        assert changes(done) == 0
        line = next(line for line in done.stdout.splitlines() if line.startswith("demo: NOT mirrored: nothing was changed: "))
        for word in words:
            assert word in line
        assert traces(primary, standby) == NOTHING


def test_settings_of_a_restore_another_directory_and_files_that_cannot_be_read(primary, standby):
    primary.run(f"sudo touch {primary.directory}/secret; sudo chmod 600 {primary.directory}/secret")
    elsewhere = f"data_directory = '{primary.directory}'"
    restore = (
        elsewhere,
        "recovery_target_time = '2020-01-01 00:00:00+00'",
        "recovery_target_action = 'promote'",
        "restore_command = 'cp /wal/%f %p'",
    )
    try:
        with configured(primary, *restore):
            refused(
                primary,
                standby,
                "cdw: recovery_target_time is '2020-01-01 00:00:00+00' in postgresql.conf, line",
                "promote itself beside its primary",
                f"the standby would work there instead of in {standby.directory}",
                "restore_command is 'cp /wal/%f %p' in postgresql.conf, line",
                f"cannot read {primary.directory}/secret",
                "remove it",
            )
    finally:
        primary.run(f"sudo rm {primary.directory}/secret")


@pytest.mark.drawn
def test_files_that_only_the_primary_s_host_has(primary, standby):
    primary.run(
        f"mkdir -p {ELSEWHERE}/more {ELSEWHERE}/sockets; echo 'work_mem = 8MB' | tee {ELSEWHERE}/own.conf > {ELSEWHERE}/more/own.conf;"
        f"echo somebody > {ELSEWHERE}/users; cp {primary.directory}/pg_hba.conf /tmp/pg_hba.conf;"
        f"echo 'host all @{ELSEWHERE}/users 192.0.2.0/24 reject' >> {primary.directory}/pg_hba.conf"
    )
    lines = (
        f"include '{ELSEWHERE}/own.conf'",
        f"include_dir = '{ELSEWHERE}/more'",
        f"unix_socket_directories = '/tmp,{ELSEWHERE}/sockets'",
        f"ident_file = '{primary.directory}/pg_ident.conf'",
    )
    try:
        with configured(primary, *lines):
            refused(
                primary,
                standby,
                f"scdw: {ELSEWHERE}/own.conf, named by include (postgresql.conf, line",
                f"{ELSEWHERE}/more, named by include_dir",
                f"{ELSEWHERE}/sockets, named by unix_socket_directories",
                f"{ELSEWHERE}/users, named by a rule in",
                "is missing there",
                f"{primary.directory}/pg_ident.conf, named by ident_file (postgresql.conf, line",
                "name it on cdw by its path relative to the data directory",
                "standby_accepted_differences=['files']",
            )
    finally:
        primary.run(f"cp /tmp/pg_hba.conf {primary.directory}/pg_hba.conf")


@pytest.mark.drawn
def test_shared_memory_that_the_engine_could_not_have(primary, standby):
    assert primary.sql("SHOW dynamic_shared_memory_type") == "posix"
    podman("exec", "scdw", "chmod", "755", "/dev/shm")
    try:
        told = "scdw: its /dev/shm is missing, or not writable for the engine's user"
        refused(primary, standby, told, "standby_accepted_differences=['shared_memory']")
    finally:
        podman("exec", "scdw", "chmod", "1777", "/dev/shm")


def test_what_a_host_tells_for_its_address_is_no_rule(primary, standby):
    told = {"family": "inet", "scope": "global", "local": "0.0.0.0/0 trust\nhost all all samenet"}
    standby.write("/tmp/addresses", json.dumps([{"addr_info": [told]}]))
    script = "#!/bin/sh\\ncat /tmp/addresses\\n"
    podman("exec", "scdw", "sh", "-c", f"mv /usr/sbin/ip /usr/sbin/ip.kept; printf '{script}' > /usr/sbin/ip; chmod 755 /usr/sbin/ip")
    try:
        done = enable()
    finally:
        podman("exec", "scdw", "sh", "-c", "mv -f /usr/sbin/ip.kept /usr/sbin/ip")
    assert (done.returncode, changes(done)) == (2, 0)
    assert "is no address of one host" in done.stdout
    assert traces(primary, standby) == NOTHING


@pytest.mark.drawn
def test_slots_that_are_all_in_use(primary, standby):
    with configured(primary, "max_replication_slots = 1", restart=True):
        primary.sql("SELECT pg_create_physical_replication_slot('of_somebody')")
        try:
            refused_of_slots = ("cdw: max_replication_slots is 1, and 1 are in use (of_somebody, not in use)", "pg_drop_replication_slot")
            for arguments in (["--check"], []):
                done = enable(*arguments)
                assert (done.returncode, changes(done)) == (2, 0)
                for word in refused_of_slots:
                    assert word in done.stdout
        finally:
            primary.sql("SELECT pg_drop_replication_slot('of_somebody')")


@pytest.mark.drawn
def test_walsenders_that_are_all_in_use(primary, standby):
    with configured(primary, "max_wal_senders = 1", restart=True):
        archive = "mkdir -p /tmp/archive; nohup pg_receivewal -h /tmp -U gpadmin -D /tmp/archive > /dev/null 2>&1 & echo $!"
        pid = primary.run(archive)
        try:
            wait_until(lambda: primary.sql("SELECT count(*) FROM pg_stat_replication") == "1", "somebody receives WAL")
            for arguments in (["--check"], []):
                done = enable(*arguments)
                assert (done.returncode, changes(done)) == (2, 0)
                assert "pg_receivewal of gpadmin" in done.stdout
                assert traces(primary, standby) == NOTHING
        finally:
            primary.run(f"kill {pid}; rm -r /tmp/archive")


@pytest.fixture
def own_address(primary) -> Iterator[None]:
    """The primary listens on its own address, which the standby's host does not have."""
    with configured(primary, f"listen_addresses = 'localhost,{NET}.11'", restart=True):
        yield
        reset()


@pytest.mark.usefixtures("own_address")
def test_a_standby_is_never_one_that_no_client_could_connect_to(primary, standby):
    refused(primary, standby, "would listen on 127.0.0.1", f"not on {NET}.12", "standby_listen_addresses")
    assert enable(standby_listen_addresses="*").returncode == 0
    again = enable(standby_listen_addresses="*")
    assert (again.returncode, changes(again)) == (0, 0)
    # as one that was made by other means
    standby.run(f"sed -i '/^listen_addresses/d' {standby.directory}/postgresql.auto.conf")
    standby.stop()
    standby.start()
    wait_until(lambda: primary.sql("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'") == "1", "the standby streams")
    shown = playbook("warehousepg.coordinator.status")
    assert shown.returncode == 2
    assert "Cluster demo: degraded" in shown.stdout
    assert "scdw: the standby listens on 127.0.0.1" in shown.stdout
    assert f"not on {NET}.12" in shown.stdout
    done = enable()
    assert (done.returncode, changes(done)) == (2, 0)
    assert "the standby listens on 127.0.0.1" in done.stdout
    switched = playbook("warehousepg.coordinator.switchover", "--check")
    assert switched.returncode == 2
    assert "the standby listens on 127.0.0.1" in switched.stdout
    assert enable(standby_listen_addresses="*").returncode == 0
    assert status() == ("mirrored", 0)
