# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import io
import os
import pty
import signal
import subprocess
import sys

import pytest
import yaml
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run import watching

from ....plays import ROOT


class Screen(io.StringIO):
    """Something to print on, for so many times."""

    def __init__(self, terminal, times):
        super().__init__()
        self.terminal, self.left = terminal, times

    def isatty(self):
        return self.terminal

    def flush(self):
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


LOOK = [sys.executable, "-c", "import os; print(os.environ['WHPG_STATUS_WATCHED'], os.environ.get('ANSIBLE_FORCE_COLOR'))"]


@pytest.mark.parametrize(
    ("terminal", "colored", "shown"),
    [(False, False, "0 None\n" * 2), (True, False, "\x1b[H\x1b[2J\x1b[3J150 None\n" * 2), (False, True, "0 true\n" * 2)],
)
def test_a_command_is_repeated_until_it_is_stopped(monkeypatch, terminal, colored, shown):
    monkeypatch.delenv("ANSIBLE_FORCE_COLOR", raising=False)
    monkeypatch.setenv("COLUMNS", "150")
    screen = Screen(terminal, 2)
    with pytest.raises(SystemExit) as ended:
        watching.repeat(LOOK, 0.01, screen, colored)
    assert (ended.value.code, screen.getvalue()) == (0, shown)


@pytest.fixture
def status(tmp_path):
    """Runs the playbook status on one cluster, of which nothing can be seen, in a group of processes of its own."""
    host = {"whpg_role": "coordinator", "ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    known = {
        "cluster_name": "demo",
        "whpg_data_directory": "/none",
        "discovery_become": False,
        "status_audit_file": f"{tmp_path}/audit.jsonl",
    }
    (tmp_path / "inventory.yml").write_text(yaml.safe_dump({"whpg_clusters": {"hosts": {"cdw": host}, "vars": known}}))
    (tmp_path / "site.yml").write_text(yaml.safe_dump([{"import_playbook": PLAYBOOK}]))
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache/collections"), "LC_ALL": "C.UTF-8", "TERM": "xterm"}

    def run(playbook, stdout, *arguments):
        command = [sys.executable, "-m", "ansible", "playbook", "-i", "inventory.yml", playbook, *arguments, "-e", "status_watch=0.1"]
        return subprocess.Popen(
            command,
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    return run


PLAYBOOK = "warehousepg.coordinator.status"


def test_status_is_repeated_on_a_terminal_until_it_is_interrupted(status):
    terminal, of_run = pty.openpty()
    running = status(PLAYBOOK, of_run)
    os.close(of_run)
    shown = ""
    while shown.count("Cluster demo: ") < 2:
        shown += os.read(terminal, 1 << 16).decode()
    os.killpg(running.pid, signal.SIGINT)
    with contextlib.suppress(OSError):  # the terminal is closed by its last process
        while True:
            shown += os.read(terminal, 1 << 16).decode()
    os.close(terminal)
    assert running.wait() == 0
    _before, *looks = shown.split("\x1b[H\x1b[2J\x1b[3J")
    assert len(looks) == shown.count("Cluster demo: ") >= 2, "each takes the place of the one before"
    assert "\x1b[0;3" in looks[0], "in colours"
    assert "Traceback" not in shown and "interrupted" not in shown


@pytest.mark.parametrize("arguments", [("--list-hosts",), ("--syntax-check",)])
def test_what_does_not_look_is_not_repeated(status, arguments):
    running = status(PLAYBOOK, subprocess.PIPE, *arguments)
    shown = running.communicate()[0].decode()
    assert (running.returncode, "Cluster demo" in shown) == (0, False)


@pytest.mark.parametrize("more", [[], [PLAYBOOK]])
def test_nothing_but_status_is_repeated(status, more):
    running = status("site.yml", subprocess.PIPE, *more)
    shown = " ".join(running.communicate()[0].decode().split())
    assert running.returncode not in (0, 2)
    assert "status_watch is 0.1, and what would be repeated is not the playbook status alone" in shown
