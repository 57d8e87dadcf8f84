# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.processes import (
    descendants,
    has_connection,
    processes,
    read_process,
)


def test_sees_itself_among_the_processes():
    own = next(process for process in processes() if process.pid == os.getpid())
    assert own.parent == os.getppid()
    assert "python" in " ".join(own.command)


def test_sees_connections_of_a_process():
    assert not has_connection(2**30)
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        assert has_connection(os.getpid())


def test_descendants_are_found_whoever_began_them():
    with subprocess.Popen(["sh", "-c", "sleep 60 & sh -c 'sleep 61; :' & wait"]) as shell:
        try:
            deadline = time.monotonic() + 30
            while len(found := descendants(shell.pid)) < 3 and time.monotonic() < deadline:
                time.sleep(0.02)
            assert sorted(" ".join(read_process(pid).command) for pid in found) == ["sh -c sleep 61; :", "sleep 60", "sleep 61"]
        finally:
            for pid in [shell.pid, *descendants(shell.pid)]:
                os.kill(pid, signal.SIGKILL)
    assert descendants(1 << 30) == []
