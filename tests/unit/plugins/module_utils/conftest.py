# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for the Ansible module that runs real programs, and an installation of the engine made of small scripts."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import struct
import subprocess
import threading

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host

PIDFILE = "90\n/data/whpg/v7/standby/gpseg-1\n1795386100\n5432\n/tmp\n*\n  5432001    131072\nstandby \n"

CONTROLDATA = """\
pg_control version number:            12010700
Catalog version number:               302206171
Database system identifier:           7711121183714698180
Database cluster state:               in archive recovery
pg_control last modified:             Sun Nov 22 22:20:01 2026
Latest checkpoint location:           0/30000060
Latest checkpoint's REDO location:    0/30000028
Latest checkpoint's REDO WAL file:    00000001000000000000000C
Latest checkpoint's TimeLineID:       1
Latest checkpoint's PrevTimeLineID:   1
Minimum recovery ending location:     0/34000160
Min recovery ending loc's timeline:   1
Bytes per WAL segment:                67108864
Data page checksum version:           1
"""


class LocalModule:
    """What the domain needs of an AnsibleModule, done for real on this machine."""

    def run_command(self, command, environ_update=None, before_communicate_callback=None):
        environment = dict(os.environ, **(environ_update or {}))
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    def get_bin_path(self, name, required=False, opt_dirs=()):
        return shutil.which(name) or (name if required else None)

    def add_cleanup_file(self, path):
        pass


@pytest.fixture
def program(tmp_path):
    """Makes a program of the installation: a shell script."""
    directory = tmp_path / "greenplum-db" / "bin"
    directory.mkdir(parents=True)

    def make(name, script):
        path = directory / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    make("pg_controldata", f"cat << 'END'\n{CONTROLDATA}END")
    make("postgres", "echo 'postgres (Greenplum Database) 12.12'")
    (tmp_path / "greenplum-db" / "greenplum_path.sh").write_text("export SOURCED=yes\n")
    return make


@pytest.fixture
def host(program, tmp_path):
    return Host(LocalModule(), str(tmp_path / "greenplum-db" / "greenplum_path.sh"))


@pytest.fixture
def data_directory(tmp_path):
    """A data directory of a standby that is stopped."""
    directory = tmp_path / "data" / "gpseg-1"
    (directory / "global").mkdir(parents=True)
    directory.chmod(0o700)
    (directory / "PG_VERSION").write_text("12\n")
    (directory / "postgresql.conf").write_text("port=5432\ninclude = 'internal.auto.conf'\n")
    (directory / "postgresql.auto.conf").write_text("primary_slot_name = 'standby_coordinator'\n")
    (directory / "internal.auto.conf").write_text("gp_dbid=8\n")
    (directory / "standby.signal").touch()
    return directory


class Recorder:
    """A connection that answers from a list of pairs (part of a statement, rows) and remembers what was asked."""

    def __init__(self, *answers):
        self.answers = answers
        self.asked = []

    def query(self, statement, *values, timeout=None):
        self.asked.append((" ".join(statement.split()), values))
        for part, rows in self.answers:
            if part in statement:
                return rows() if callable(rows) else rows
        return []

    def value(self, statement, *values):
        return next(iter(self.query(statement, *values)[0].values()))

    def allow(self, seconds):
        pass

    backend_pid = 4711


@pytest.fixture
def recorder():
    return Recorder


class Primary:
    """A server that answers each connection with what it was sent, upper case, when that ends; and whether it has TLS."""

    def __init__(self) -> None:
        self.tls = b"N"
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client = self._listener.accept()[0]
            except OSError:
                return
            with client:
                data = client.recv(8)
                if data[4:] == struct.pack("!I", 80877103):
                    client.sendall(self.tls)
                with client.makefile("rb") as rest:
                    client.sendall((data + rest.read()).upper())

    def leave(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def primary():
    server = Primary()
    yield server
    server.leave()


@pytest.fixture
def made_with_wal(tmp_path):
    """Makes a data directory with WAL."""

    def make(name, writer):
        directory = tmp_path / name
        shutil.rmtree(directory, ignore_errors=True)
        writer.write(directory / "pg_wal")
        return str(directory)

    return make
