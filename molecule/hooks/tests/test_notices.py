# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A notice tells of each change of the state and of each outcome, once, and hinders nothing."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Iterator

import jsonschema
import pytest
from activating import ACTIVATE, SWITCH
from conftest import HERE, PAIRS, playbook, stopped, wait_in_sync

STATUS = "warehousepg.coordinator.status"
SCHEMA = json.loads((HERE.parent / "roles/status/files/status.schema.json").read_text())


@contextmanager
def endpoint(code: int = 200) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """One that takes what is posted to it; where it is, and what it was sent, with a header."""
    taken: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            taken.append({**body, "authorization": self.headers["Authorization"]})
            self.send_response(code)
            self.send_header("Content-Length", "0")
            self.end_headers()

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hooks/secret", taken
    finally:
        server.shutdown()


@pytest.mark.usefixtures("mirrored")
def test_a_change_is_told_once_to_an_endpoint_and_to_a_command(primary, standby, tmp_path, unconnected):
    kept = tmp_path / "kept"
    with endpoint() as (url, taken):
        given = {
            "coordinator_notice_url": url,
            "coordinator_notice_headers": {"Authorization": "Bearer 1234"},
            "coordinator_notice_command": f"cat >> {kept}; echo >> {kept}",
            "status_audit_file": str(tmp_path / ".whpg/demo.audit.jsonl"),
        }

        def told(name: str, *arguments: str, **variables: Any) -> list[dict[str, Any]]:
            """What is told of a run."""
            before = len(taken)
            done = playbook(name, *arguments, environment={**unconnected, "HOME": str(tmp_path)}, **given, **variables)
            assert "hooks/secret" not in done.stdout + done.stderr and "1234" not in done.stdout + done.stderr
            assert "no notice was taken" not in done.stdout + done.stderr
            return taken[before:]

        (first,) = told(STATUS)
        assert [first[name] for name in ("playbook", "outcome", "state", "changed", "before")] == ["status", None, "mirrored", True, None]
        assert first["authorization"] == "Bearer 1234"
        jsonschema.Draft202012Validator(SCHEMA).validate(first["status"])
        assert first["status"]["clusters"]["demo"]["primary"] == "cdw"
        assert told(STATUS) == []
        with stopped(standby):
            (lost,) = told(STATUS)
            assert (lost["state"], lost["before"]) == ("degraded", {"state": "mirrored", "primary": "cdw"})
            assert lost["text"].startswith("demo: degraded (before: mirrored): ")
            assert told(SWITCH) == [], "it was refused, and nothing is otherwise than before"
        wait_in_sync(primary)
        (back,) = told(STATUS)
        assert (back["state"], back["before"]["state"]) == ("mirrored", "degraded")
        assert told(SWITCH, "--check") == []
        (switched,) = told(SWITCH)
        assert (switched["playbook"], switched["outcome"], switched["failed"]) == ("switchover", "switched", False)
        assert (switched["state"], switched["primary"], switched["status"]["clusters"]["demo"]["primary"]) == ("mirrored", "scdw", "scdw")
        assert switched["text"].startswith("demo: switched: scdw is primary on timeline 2")
        assert told(STATUS) == [] and told(SWITCH, switchover_to="scdw") == [], "nothing was done"
    assert [json.loads(line) for line in kept.read_text().split("\n\n") if line] == [
        {name: value for name, value in one.items() if name != "authorization"} for one in taken
    ]


@pytest.mark.usefixtures("mirrored")
def test_an_endpoint_that_is_dead_hinders_no_activation(primary, tmp_path, unconnected):
    kept = tmp_path / "kept"
    with endpoint(500) as (url, _taken):
        pass
    given = {
        "coordinator_notice_url": url,
        "coordinator_notice_format": "text",
        "coordinator_notice_command": f"cat > {kept}; echo no way >&2; exit 7",
    }
    primary.signal("KILL")
    done = playbook(ACTIVATE, environment={**unconnected, **PAIRS, "HOME": str(tmp_path)}, **given)
    assert done.returncode == 0
    assert "demo: activated: scdw is primary" in done.stdout
    warned = " ".join(done.stderr.split())
    assert "[WARNING]: demo: no notice was taken by the endpoint: " in warned and "hooks/secret" not in warned + done.stdout
    assert "demo: no notice was taken by the command: it ended with 7: no way" in warned
    assert json.loads(kept.read_text()).keys() == {"text"}
    assert json.loads(kept.read_text())["text"].startswith("demo: activated")
