# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible connects as a user who may do no more than the sudoers file of the guide allows, and becomes root only where that says so."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest
from activating import ACTIVATE, SWITCH
from conftest import ENABLE, HERE, NET, Coordinator, on_all, playbook, podman, reset, run_podman, wait_in_sync
from inventories import SET

SUDOERS = HERE.parent / "docs/docsite/examples/sudoers"
REJOIN = "warehousepg.coordinator.rejoin"
STATUS = "warehousepg.coordinator.status"
FLOATING = f"{NET}.61"
LOG = "/var/log/sudo.deploy"
#: the user, its rules and no others; what sudo did for it is logged
PREPARE = f"""
id deploy > /dev/null 2>&1 || useradd --create-home deploy
install -d -m 700 -o deploy ~deploy/.ssh
install -m 600 -o deploy /run/whpg-ssh/id_ed25519.pub ~deploy/.ssh/authorized_keys
[ ! -e /etc/sudoers.d/gpadmin ] || mv /etc/sudoers.d/gpadmin /root/sudoers.gpadmin
cat > /etc/sudoers.d/deploy
chmod 440 /etc/sudoers.d/deploy
visudo -cf /etc/sudoers.d/deploy > /dev/null
echo 'Defaults logfile={LOG}, loglinelen=0' > /etc/sudoers.d/log
rm -f {LOG}
"""
REVERT = f"""
[ ! -e /root/sudoers.gpadmin ] || mv /root/sudoers.gpadmin /etc/sudoers.d/gpadmin
rm -f /etc/sudoers.d/deploy /etc/sudoers.d/log {LOG}
"""


@pytest.fixture(scope="module")
def unprivileged() -> Iterator[None]:
    """There is such a user on all hosts, and nobody else has rules of sudo."""

    def prepare(host: str) -> None:
        command = ["podman", "exec", "--interactive", "--user=root", f"{SET}-{host}", "sh", "-euc", PREPARE]
        subprocess.run(command, input=SUDOERS.read_bytes(), check=True)

    reset()
    on_all(prepare)
    yield
    on_all(lambda host: run_podman("exec", host, "sh", "-c", REVERT))


def became(user: str) -> set[str]:
    """The hosts on which that user was become since the last time, of which nothing was refused."""
    logs = on_all(lambda host: run_podman("exec", host, "sh", "-c", f"cat {LOG}; rm -f {LOG}").stdout)
    assert not any("command not allowed" in log for log in logs.values()), logs
    assert all("deploy :" in log for host, log in logs.items() if log), logs
    return {host for host, log in logs.items() if re.search(rf"USER={user} ;", log)}


def test_no_more_is_needed_than_the_guide_says(
    unprivileged: None, primary: Coordinator, standby: Coordinator, inventory_of: Callable[..., Path], tmp_path: Path
) -> None:
    inventory = inventory_of(ansible_user="deploy")

    def run(name: str, expected: str, **variables: Any) -> None:
        done = playbook(
            name, inventory=inventory, environment={"HOME": str(tmp_path), "ANSIBLE_SSH_CONTROL_PATH_DIR": sockets}, **variables
        )
        assert done.returncode == 0
        assert expected in done.stdout

    sockets = "/tmp/ssh-deploy"
    run(ENABLE, "demo: mirrored")
    run(STATUS, "Cluster demo: mirrored", status_format="screen")
    run(SWITCH, "demo: switched: scdw is primary")
    log = run_podman("exec", "cdw", "cat", LOG).stdout
    assert "USER=gpadmin ; COMMAND=/bin/sh -c" in log, "it is told"
    assert became("root") == set()

    wait_in_sync(standby)
    primary.stop()
    # what only the former primary's disk has is carried
    standby.sql("CREATE TABLE late AS SELECT generate_series(1, 1000) AS number")
    standby.signal("KILL")
    primary.start()
    run(
        ACTIVATE,
        "demo: activated: cdw is primary",
        activate_standby_fence_segments=True,
        activate_standby_both_down=True,
        activate_standby_floating_address=f"{FLOATING}/24",
    )
    assert primary.sql("SELECT count(*) FROM late") == "1000"
    assert became("root") <= {"cdw", "scdw", "sdw1"}
    run(REJOIN, "demo: mirrored", activate_standby_floating_address=f"{FLOATING}/24")
    assert became("root") <= {"sdw1"}


def test_a_rule_that_is_missing_is_told(unprivileged: None, inventory_of: Callable[..., Path]) -> None:
    podman("exec", "sdw1", "rm", "/etc/sudoers.d/deploy")
    done = playbook(STATUS, inventory=inventory_of(ansible_user="deploy"), status_format="screen")
    assert "sdw1  unknown: " in done.stdout and "let Ansible become the engine's user there, by a rule of sudo" in done.stdout
