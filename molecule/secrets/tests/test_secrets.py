# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is secret is told nowhere but where it belongs, however loudly runs tell what they do."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Iterator

import pytest
from activating import ACTIVATE, SWITCH, cut_off
from certificates import HOSTS, Authority, present
from conftest import ENABLE, Coordinator, playbook, podman, wait_in_sync
from secrecy import GIVEN, KEPT, SAMPLES, Secret, end_sampling, given, known, leaks, made, sampled

REJOIN = "warehousepg.coordinator.rejoin"
STATUS = "warehousepg.coordinator.status"
STREAMS = "SELECT ssl, client_dn, state, sync_state FROM pg_stat_ssl JOIN pg_stat_replication USING (pid)"


@pytest.fixture
def endpoint() -> Iterator[tuple[str, list[str]]]:
    """One that takes notices: where it is, and what the headers were that it was sent."""
    taken: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            taken.append(str(self.headers["Authorization"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass  # the address is secret

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", taken
    server.shutdown()


class Loud:
    """An operator who has everything told, and all of it kept.

    :param home: where all of it is.
    """

    def __init__(self, home: Path, *own: str):
        self.home = home
        self.own = own
        self.runs = 0

    def run(self, name: str, *arguments: str, code: int = 0, stdout: str = "ansible.builtin.default", later: bool = True) -> str:
        """Run a playbook; all that it printed.

        :param later: whether the password is given that replaces the one which was chosen, and the command that fences.
        """
        self.runs += 1
        everything = {
            "HOME": str(self.home),
            "ANSIBLE_LOG_PATH": str(self.home / "ansible.log"),
            "ANSIBLE_CACHE_PLUGIN": "jsonfile",
            "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(self.home / "facts"),
            "ANSIBLE_CALLBACKS_ENABLED": "community.general.log_plays",
            "ANSIBLE_LOG_FOLDER": str(self.home / "plays"),
            "ANSIBLE_STDOUT_CALLBACK": stdout,
            "ANSIBLE_FORCE_COLOR": "false",
        }
        values = [*self.own, f"@{GIVEN}", *([f"@{KEPT}/later.json"] if later else [])]
        options = [option for value in values for option in ("-e", value)]
        with tempfile.TemporaryDirectory(prefix="ssh-") as sockets:  # a path of a socket may not be long
            everything["ANSIBLE_SSH_CONTROL_PATH_DIR"] = sockets
            done = playbook(name, "-vvvv", "--diff", *options, *arguments, environment=everything)
        (self.home / f"run {self.runs}").write_text(done.stdout + done.stderr)
        assert done.returncode == code, f"{name} ended with {done.returncode}"
        return done.stdout


@pytest.fixture
def loud(tmp_path: Path, endpoint: tuple[str, list[str]]) -> Loud:
    """One whose notices are taken, as long as the endpoint of the inventory is overridden."""
    own = given()
    taken = {**own["later"], "coordinator_notice_url": endpoint[0] + "/" + own["coordinator_notice_url"].rpartition("/")[2]}
    (KEPT / "later.json").touch(mode=0o600)
    (KEPT / "later.json").write_text(json.dumps(taken))
    return Loud(tmp_path)


def test_what_converged_told_no_secret(primary: Coordinator, converged: str) -> None:
    assert primary.sql(STREAMS) == "t|/CN=standby_replicator|streaming|sync"
    assert "no notice was taken by the endpoint" in converged and "it ended with 7: no" in converged
    assert len(made()) == 2, "a password was chosen, and the catalog has its verifier"
    assert leaks(known()) == []


def test_a_whole_life_tells_no_secret(
    primary: Coordinator, standby: Coordinator, converged: str, loud: Loud, endpoint: tuple[str, list[str]]
) -> None:
    # the primary has another key than its standby, which is brought when their roles are swapped
    authority = Authority(KEPT / "authority")
    authority.certify("other", "cdw", HOSTS)
    present(primary, authority, "other")
    loud.run(STATUS, later=False, stdout="warehousepg.coordinator.pairs")
    chosen = made()
    loud.run(ENABLE)
    assert len(made()) > len(chosen), "the password is another one"
    loud.run(SWITCH, stdout="ansible.posix.json")
    assert standby.run(f"cat {standby.directory}/server.key") == primary.run(f"cat {primary.directory}/server.key")
    wait_in_sync(standby)
    made()
    with cut_off("scdw"):
        assert "activated: cdw is primary" in loud.run(ACTIVATE, "-e", "activate_standby_accept_loss=true")
        podman("unpause", "scdw")
    standby.signal("KILL")
    loud.run(REJOIN)
    assert primary.sql(STREAMS) == "t|/CN=standby_replicator|streaming|sync"
    end_sampling()
    assert endpoint[1] and {*endpoint[1]} == {given()["coordinator_notice_headers"]["Authorization"]}
    assert (loud.home / "ansible.log").stat().st_size > 10**5 and SAMPLES.stat().st_size > 10**5
    assert leaks(known(), loud.home) == []


DATA = "/data/whpg/v7/coordinator/gpseg-1"
#: where a secret could be on a host, by what that is
ON_HOSTS = {
    "a temporary file": "/tmp/planted",
    "what a module leaves": "/home/gpadmin/.ansible/tmp/planted/AnsiballZ",
    "a log of the engine": f"{DATA}/log/planted.csv",
    "a configuration": f"{DATA}/planted.conf",
    "a core": f"{DATA}/core.1",
    "an audit trail": "/home/gpadmin/.whpg/demo.audit.jsonl.planted",
    "shared memory": "/dev/shm/planted",
    "a log of the host": "/var/log/planted",
}
#: and on the controller
HERE = {
    "a log of Ansible": "ansible.log",
    "a fact cache": "facts/cdw",
    "the log of a callback": "plays/cdw",
    "an audit trail": ".whpg/demo.audit.jsonl",
}


def test_a_secret_that_is_planted_is_found(tmp_path: Path) -> None:
    """In each kind of place, as it is and within something else."""
    secrets = [Secret(name, name * 4) for name in ("0f5d2c5b", "8a7e4d6c", "9b1a3e2f", "argument", "variable")]
    plain, within, encoded, argument, variable = (secret.text for secret in secrets)
    text = f"{plain} before{within}behind " + base64.b64encode(f"some{encoded}thing".encode()).decode()
    for path in ON_HOSTS.values():
        podman("exec", "cdw", "sh", "-c", f"mkdir -p $(dirname {path}) && echo '{text}' > {path}")
    for name in HERE.values():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    program = [sys.executable, "-c", "import time; time.sleep(1)"]
    environment = {**os.environ, "PLANTED": variable}
    try:
        with sampled(), subprocess.Popen([*program, argument]), subprocess.Popen(program, env=environment):
            pass
        found = leaks(secrets, tmp_path)
    finally:
        podman("exec", "cdw", "rm", "-rf", *ON_HOSTS.values(), "/home/gpadmin/.ansible")  # root's, if it was not there before
        SAMPLES.unlink(missing_ok=True)
    places = [f"on cdw in {path}" for path in ON_HOSTS.values()] + [f"on the controller in {tmp_path / name}" for name in HERE.values()]
    expected = {f"{secret.name} {place}" for secret in secrets[:3] for place in places}
    assert expected | {f"{secret.name} on the controller in {SAMPLES}" for secret in secrets[3:]} <= {*found}


def test_a_secret_where_it_belongs_is_for_nobody_else_to_read() -> None:
    text = "4d5c6b7a" * 4
    podman("exec", "cdw", "sh", "-c", f"echo {text} > /tmp/planted; chmod 640 /tmp/planted")
    try:
        assert leaks([Secret("it", text, "/tmp/planted")]) == ["it on cdw in /tmp/planted, which others may read: 640"]
        podman("exec", "cdw", "chmod", "600", "/tmp/planted")
        assert leaks([Secret("it", text, "/tmp/planted")]) == []
    finally:
        podman("exec", "cdw", "rm", "/tmp/planted")
