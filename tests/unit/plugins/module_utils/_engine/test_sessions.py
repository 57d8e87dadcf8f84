# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.processes import Process, processes
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import sessions
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.sessions import Session, Socket

TWO_LINES = """\
0      0      10.0.0.21:6000  10.0.0.11:40402
\t cubic wscale:7,7 rto:204 rtt:0.7/1.4 bytes_sent:298820 lastsnd:17380 lastrcv:7344 lastack:7344 minrtt:0.006
0      0      [::ffff:10.0.0.21]:6000  [::ffff:10.0.0.11]:40404
\t cubic wscale:7,7 rto:204 rtt:0.7/1.4 bytes_sent:298820 lastsnd:17380 lastack:7344 minrtt:0.006
0      0      [fd00::21%eth0]:7000     [fd00::11]:40406
"""
ONE_LINE = """\
0      0      10.0.0.21:6000  10.0.0.11:40402 cubic wscale:7,7 rto:204 lastrcv:7344 minrtt:0.006
0      0      10.0.0.21:5432  10.0.0.12:40404 cubic wscale:7,7 rto:201 lastrcv:10 minrtt:0.006
"""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (TWO_LINES, [(6000, "10.0.0.11", 7.344), (6000, "10.0.0.11", 0.0), (7000, "fd00::11", None)]),
        (ONE_LINE, [(6000, "10.0.0.11", 7.344), (5432, "10.0.0.12", 0.01)]),
        ("", []),
    ],
)
def test_reads_what_ss_prints(text, found):
    assert sessions.parse_ss(text) == found


def test_reads_when_the_other_end_answered():
    assert [seconds for _port, _peer, seconds in sessions.parse_ss(TWO_LINES, "lastack")] == [7.344, 7.344, None]
    assert [seconds for _port, _peer, seconds in sessions.parse_ss(ONE_LINE, "lastack")] == [0.0, 0.0]


@pytest.mark.parametrize(("code", "text", "found"), [(0, TWO_LINES, 7.344), (0, ONE_LINE, 0.0), (0, "", None), (127, "", None)])
def test_the_last_answer_is_known_where_the_kernel_tells(code, text, found):
    class Ss:
        def command(self, *arguments):
            assert arguments == ("ss", "-Htin", "state", "established", "sport = :5 or sport = :41522")
            return code, text

    assert sessions.last_answer(Ss(), {41522, 5}) == found


@pytest.mark.parametrize(
    ("found", "seconds"),
    [
        (
            [
                Session(address="10.0.0.11", port=6000, count=1, quiet_s=7.5),
                Session(address="10.0.0.11", port=7000, count=1, quiet_s=3.5),
                Session(address="10.0.0.12", port=7000, count=1, quiet_s=0.5),
            ],
            3.5,
        ),
        (
            [Session(address="10.0.0.11", port=6000, count=1, quiet_s=7.5), Session(address="fd00::11", port=7000, count=1, quiet_s=None)],
            0.0,
        ),
        ([Session(address="10.0.0.12", port=6000, count=1, quiet_s=7.5)], None),
        ([], None),
    ],
)
def test_a_session_whose_silence_is_not_known_is_not_quiet(found, seconds):
    assert sessions.quietest(found, ["10.0.0.11", "FD00:0::11"]) == seconds


def test_counts_the_sessions_of_others():
    seen = [
        (6000, "10.0.0.11", 7.5),
        (6000, "10.0.0.11", 0.5),
        (6000, "10.0.0.11", None),
        (7000, "10.0.0.11", None),
        (6000, "10.0.0.21", 1.0),
        (6000, "127.0.0.1", 1.0),
        (22, "10.0.0.12", 1.0),
    ]
    assert sessions.together(seen, {6000, 7000}, ["10.0.0.21"]) == [
        Session(address="10.0.0.11", port=6000, count=3, quiet_s=0.5),
        Session(address="10.0.0.11", port=7000, count=1, quiet_s=None),
    ]


TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 1500000A:1770 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 100 1 0 100 0 0 10 0
   1: 1500000A:1770 0B00000A:9DD2 01 00000000:00000000 00:00000000 00000000  1000        0 101 1 0 20 4 30 10 -1
   2: 1500000A:1770 0B00000A:9DD4 08 00000000:00000000 00:00000000 00000000  1000        0 102 1 0 20 4 30 10 -1
   3: 1500000A:1770 0B00000A:9DD6 06 00000000:00000000 03:00000000 00000000     0        0 0 3 0
"""
TABLE_6 = """\
  sl  local_address rem_address st
   0: 0000000000000000FFFF00001500000A:1770 0000000000000000FFFF00000B00000A:9DD2 01 00000000:00000000 00:00000000 00000000 1000 0 103 1 0
   1: 000000FD000000000000000021000000:1B58 000000FD000000000000000011000000:9DD2 01 00000000:00000000 00:00000000 00000000 1000 0 104 1 0
"""


@pytest.mark.skipif(sys.byteorder != "little", reason="the tables are of a little-endian machine")
def test_reads_the_tables_of_the_kernel():
    assert sessions.parse_table(TABLE) == [Socket(6000, "10.0.0.11", 101), Socket(6000, "10.0.0.11", 102)]
    assert sessions.parse_table(TABLE_6) == [Socket(6000, "10.0.0.11", 103), Socket(7000, "fd00::11", 104)]


@pytest.fixture
def listener():
    """A port that listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def backend(listener):
    """Starts processes that hold a session on that port, under a title; they do with SIGTERM what is given."""
    started = []

    def start(title="postgres: gpadmin", way="SIG_DFL"):
        client = socket.create_connection(listener.getsockname())
        held, _peer = listener.accept()
        code = f"import os, signal, time; signal.signal(signal.SIGTERM, signal.{way}); os.write(1, b'.'); time.sleep(60)"
        process = subprocess.Popen([title, "-c", code], executable=sys.executable, pass_fds=[held.fileno()], stdout=subprocess.PIPE)
        process.stdout.read(1)
        held.close()
        started.append((process, client))
        return process

    yield start
    for process, client in started:
        process.kill()
        process.wait()
        process.stdout.close()
        client.close()


def test_ends_the_backends_that_hold_sessions(listener, backend):
    port = listener.getsockname()[1]
    one, two = backend(), backend()
    assert [found.peer for found in sessions.sockets_from(["127.0.0.1"], [port])] == ["127.0.0.1", "127.0.0.1"]
    assert sessions.sockets_from(["127.0.0.2"], [port]) == sessions.sockets_from(["127.0.0.1"], [port + 1]) == []
    assert sessions.end(["127.0.0.1"], [port], 5) == 2
    assert (one.wait(5), two.wait(5)) == (-signal.SIGTERM, -signal.SIGTERM)
    assert sessions.end(["127.0.0.1"], [port], 5) == 0


def test_a_session_of_another_program_is_left_and_told(listener, backend):
    process = backend(title="postgres")
    with pytest.raises(
        CoordinatorError, match=r"1 sessions from 127\.0\.0\.1 did not end within 0\.1 s, of the processes that cannot be seen"
    ):
        sessions.end(["127.0.0.1"], [listener.getsockname()[1]], 0.1)
    assert process.poll() is None


def test_a_backend_that_does_not_end_is_named_and_not_killed(listener, backend):
    process = backend(way="SIG_IGN")
    with pytest.raises(CoordinatorError, match=f"of the processes {process.pid}: end them, and run this again"):
        sessions.end(["127.0.0.1"], [listener.getsockname()[1]], 0.1)
    assert process.poll() is None


def test_this_process_holds_no_engine_session():
    running = [process for process in processes() if process.pid == os.getpid()]
    assert (
        sessions.holders([Socket(1, "10.0.0.1", 1)], [*running, Process(pid=4194400, parent=1, state="S", command=("postgres: gone",))])
        == []
    )


def test_reads_sessions_with_and_without_ss(host, listener, backend, tmp_path, monkeypatch):
    port = listener.getsockname()[1]
    backend()
    monkeypatch.setattr(sessions, "is_loopback", lambda _address: False)
    assert sessions.read_sessions(host, [], []) == []
    monkeypatch.setenv("PATH", str(tmp_path))
    assert sessions.read_sessions(host, [port], []) == [Session(address="127.0.0.1", port=port, count=1, quiet_s=None)]
    (tmp_path / "ss").write_text(
        f"#!/bin/sh\necho '0 0 10.0.0.21:{port} 10.0.0.11:40402 rto:204 lastrcv:500'\necho \"$*\" > {tmp_path}/asked\n"
    )
    (tmp_path / "ss").chmod(0o755)
    assert sessions.read_sessions(host, [port, 6000], []) == [Session(address="10.0.0.11", port=port, count=1, quiet_s=0.5)]
    assert (tmp_path / "asked").read_text() == f"-Htin state established sport = :{port} or sport = :6000\n"


def answering(server, says):
    """Lets a listener answer one client in the background, in a process of its own."""
    child = os.fork()
    if child == 0:
        try:
            connection, _peer = server.accept()
            connection.recv(8)
            connection.sendall(says)
            connection.close()
        finally:
            os._exit(0)
    return child


def test_knocks_at_all_peers_at_once(listener, monkeypatch):
    monkeypatch.setattr(sessions, "PEER_LIMIT", 0.3)
    closed = socket.create_server(("127.0.0.1", 0))
    closed_port = closed.getsockname()[1]
    closed.close()
    with socket.create_server(("127.0.0.1", 0)) as alive:
        child = answering(alive, b"N")
        began = time.monotonic()
        found = sessions.try_peers(
            [
                {"name": "alive", "address": "127.0.0.1", "port": alive.getsockname()[1]},
                {"name": "closed", "address": "127.0.0.1", "port": closed_port},
                {"name": "hung", "address": "127.0.0.1", "port": listener.getsockname()[1]},
                {"name": "also hung", "address": "127.0.0.1", "port": listener.getsockname()[1]},
                {"name": "nobody", "address": "nobody.invalid", "port": 1},
            ]
        )
        os.waitpid(child, 0)
    assert found == {"alive": "open", "closed": "refused", "hung": "silent", "also hung": "silent", "nobody": "unknown"}
    assert time.monotonic() - began < 1
    assert sessions.try_peers([]) == {}
