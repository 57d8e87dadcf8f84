# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secrets of the scenario, where each belongs, and a search for them wherever else they could be."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator

from certificates import PLACE, TLS
from conftest import PRIMARY, STANDBY, TOLD, on_all
from inventories import SET

HERE = Path(__file__).parent
#: where the operator keeps them
KEPT = TOLD / "secrets"
GIVEN = KEPT / "given.json"
SAMPLES = TOLD / "samples"
SAMPLER = TOLD / "sampler.pid"

#: where a secret may be that is in none of the following
NOWHERE = r"\b\B"
DIRECTORY = r"/data/whpg/v7/(coordinator|standby)/gpseg-1[^/]*"
PASSFILE = r"/home/gpadmin/\.whpg/demo\.pgpass"
#: where the engine itself keeps what its catalog has
ENGINES = r".*/(base|global|pg_tblspc|pg_wal|pg_xlog)/.*"
#: of a host, all that is no program's; of the controller, what runs leave there
PLACES = ("/data", "/dev/shm", "/etc", "/home", "/mnt", "/opt", "/root", "/run/user", "/srv", "/tmp", "/var")
LEFT = (str(TOLD), "/tmp", "/var/tmp", str(Path.home() / ".ansible"), str(Path.home() / ".whpg"))


@dataclass(frozen=True)
class Secret:
    """A text, and the pattern of the files on hosts where it belongs, which nobody else may read."""

    name: str
    text: str
    belongs: str = NOWHERE


def begin() -> None:
    """Choose what an operator gives, and begin to keep what processes show."""
    end_sampling()
    subprocess.run(["rm", "-rf", KEPT, SAMPLES], check=True)
    KEPT.mkdir(mode=0o700)
    url, header, command, fence = (secrets.token_hex(20) for _dummy in range(4))
    GIVEN.touch(mode=0o600)
    GIVEN.write_text(
        json.dumps(
            {
                "standby_tls": TLS,
                "standby_clientcert": "verify-full",
                # where nothing listens: what cannot be sent is told of
                "coordinator_notice_url": f"http://127.0.0.1:9/{url}",
                "coordinator_notice_headers": {"Authorization": f"Bearer {header}"},
                "coordinator_notice_command": f"cat > /dev/null; TOKEN={command}; echo no >&2; exit 7",
                # the password is given later, and changes the one that was chosen
                "later": {
                    "standby_replication_password": f"{secrets.token_hex(20)}\u0080",
                    "activate_standby_fence_command": f"TOKEN={fence}; podman pause {SET}-{{{{ inventory_hostname }}}}",
                },
            }
        )
    )
    sampler = subprocess.Popen(
        [sys.executable, HERE / "sampler.py", SAMPLES], start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    SAMPLER.write_text(str(sampler.pid))


def end_sampling() -> None:
    """No more is kept of what processes show."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        os.kill(int(SAMPLER.read_text()), signal.SIGTERM)
    SAMPLER.unlink(missing_ok=True)


def given() -> dict[str, Any]:
    """What the operator gives."""
    return json.loads(GIVEN.read_text())


def known() -> list[Secret]:
    """All of them, those that the engine and the collection made among them."""
    own = given()
    tokens = {
        "the endpoint": own["coordinator_notice_url"].rpartition("/")[2],
        "the header": own["coordinator_notice_headers"]["Authorization"].split()[1],
        "the command of notices": re.findall(r"TOKEN=(\w+)", own["coordinator_notice_command"])[0],
        "the command that fences": re.findall(r"TOKEN=(\w+)", own["later"]["activate_standby_fence_command"])[0],
    }
    found = [Secret(name, text) for name, text in tokens.items()]
    found.append(Secret("the password given", own["later"]["standby_replication_password"][:-1], PASSFILE))
    for file in sorted(KEPT.glob("*/*.key")):
        belongs = NOWHERE if file.stem == "root" else f"{DIRECTORY}/server.key|{PLACE}/client.key"
        found.append(Secret(f"the key {file.parent.name}/{file.stem}", file.read_text().splitlines()[2], belongs))
    return [*found, *made()]


def made() -> list[Secret]:
    """The password that was chosen, and what the catalog keeps of any; of an earlier look, too."""
    file = KEPT / "made.json"
    earlier = json.loads(file.read_text()) if file.exists() else {}
    for coordinator in (PRIMARY, STANDBY):
        kept = coordinator.host.run("cat ~/.whpg/demo.pgpass")
        if kept.rc == 0:
            password = kept.stdout.rstrip("\n").rpartition(":")[2].rstrip("\u0080")
            earlier[password] = ["a password", PASSFILE]
        with contextlib.suppress(AssertionError):  # it is none that answers
            verifier = coordinator.sql("SELECT rolpassword FROM pg_authid WHERE rolname = 'standby_replicator'")
            if verifier:
                earlier[verifier] = ["a verifier", ENGINES]
    file.touch(mode=0o600)
    file.write_text(json.dumps(earlier))
    return [Secret(f"{name} {number}", text, belongs) for number, (text, (name, belongs)) in enumerate(earlier.items())]


def leaks(known: list[Secret], *more: Path) -> list[str]:
    """Which secret is where it does not belong, on the controller and on all hosts.

    :param more: where else to look on the controller.
    """
    texts = {secret.name: secret.text for secret in known}
    belongs = {secret.name: secret.belongs for secret in known}
    here = _search([], texts, [*LEFT, *map(str, more)])
    found = [f"{name} on the controller in {path}" for name, path, _mode in here if not path.startswith(f"{KEPT}/")]
    there = on_all(lambda host: _search(["podman", "exec", "--interactive", "--user=root", f"{SET}-{host}"], texts, list(PLACES)))
    for host, files in there.items():
        for name, path, mode in files:
            if not re.fullmatch(belongs[name], path):
                found.append(f"{name} on {host} in {path}")
            elif mode & 0o077:
                found.append(f"{name} on {host} in {path}, which others may read: {mode:o}")
    return sorted(set(found))


def _search(where: list[str], texts: dict[str, str], roots: list[str]) -> list[tuple[str, str, int]]:
    python = "python3" if where else sys.executable
    command = [*where, python, "-c", (HERE / "search.py").read_text()]
    asked = json.dumps({"texts": texts, "roots": roots})
    return json.loads(subprocess.run(command, input=asked, check=True, capture_output=True, text=True).stdout)


@contextlib.contextmanager
def sampled() -> Iterator[None]:
    """What processes show meanwhile is kept."""
    with subprocess.Popen([sys.executable, HERE / "sampler.py", SAMPLES]) as sampler:
        try:
            yield
        finally:
            sampler.terminate()
