# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that lies in its results has nothing run, written or evaluated elsewhere, and no promotion allowed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest
from activating import ACTIVATE, check_untouched
from conftest import ENABLE, Coordinator, Host, on_all, playbook, reset

CANARY = "/tmp/canary"
TOUCH = f"touch {CANARY}"
STATUS = "warehousepg.coordinator.status"
LIAR = "#!/usr/bin/python3\n" + (Path(__file__).parent / "liar.py").read_text()
#: what Ansible, or this collection, would go by if it came from elsewhere
OPTIONS = {
    "coordinator_notice_command": TOUCH,
    "coordinator_notice_url": f"file://{CANARY}",
    "activate_standby_fence_command": TOUCH,
    "activate_standby_accept_loss": True,
    "activate_standby_confirm_down": "cdw",
    "status_html": CANARY,
    "status_file": CANARY,
    "standby_pre_tasks": CANARY,
    "ansible_connection": "local",
    "ansible_python_interpreter": TOUCH,
    "ansible_become_exe": TOUCH,
}
TEMPLATE = f"{{{{ lookup('ansible.builtin.pipe', '{TOUCH}') }}}}"
SHELL = f"'; {TOUCH}; $({TOUCH}) `{TOUCH}`\n\x1b[2J"
LIES: dict[str, dict[str, Any]] = {
    "facts": {"more": {"ansible_facts": OPTIONS, **OPTIONS}},
    "templates": {"text": TEMPLATE, "more": {"ansible_facts": dict.fromkeys(OPTIONS, TEMPLATE), "msg": TEMPLATE}},
    "commands": {
        "text": SHELL,
        "number": 10**30,
        "more": {
            "add_host": {"host_name": "evil", "groups": ["whpg_clusters"], "host_vars": OPTIONS},
            "options": OPTIONS,
            "warnings": [SHELL],
        },
    },
    "forms": {"text": {"a": [None, 1e308]}, "number": [[]], "more": {"failed": "no", "unreachable": "perhaps", "changed": {}, "rc": "x"}},
}


@pytest.fixture
def lying(inventory_of: Callable[..., Path]) -> Iterator[Callable[..., Any]]:
    """A run in which one host tells a lie."""

    def run(name: str, liar: Coordinator, lie: str, **given: Any) -> Any:
        liar.write("/tmp/liar", LIAR)
        liar.write("/tmp/lie.json", json.dumps(LIES[lie]))
        liar.run("chmod 700 /tmp/liar")
        inventory = inventory_of({liar.name: {"ansible_python_interpreter": "/tmp/liar"}}, **given)
        return playbook(name, "-v", inventory=inventory)

    yield run
    on_all(lambda host: Host(host).run(f"rm -f /tmp/liar /tmp/lie.json {CANARY}"))
    Path(CANARY).unlink(missing_ok=True)


def touched() -> list[str]:
    """Where something was run or written that a host told."""
    there = on_all(lambda host: Host(host).host.file(CANARY).exists)
    return [host for host, is_there in there.items() if is_there] + (["the controller"] if Path(CANARY).exists() else [])


def test_what_a_primary_tells_of_options_counts_for_nothing(lying: Callable[..., Any], primary: Coordinator) -> None:
    reset()
    # a command of the operator's is to have a notice when it has ended, and no other one
    done = lying(ENABLE, primary, "facts", coordinator_notice_command="cat > /dev/null")
    assert primary.sql("SELECT state, sync_state FROM pg_stat_replication") == "streaming|sync", "what it tells of itself is right"
    assert "is told by the host itself" in done.stdout
    assert touched() == []


@pytest.mark.parametrize("lie", ["facts", *(pytest.param(name, marks=pytest.mark.drawn) for name in LIES if name != "facts")])
def test_what_a_standby_tells_is_no_reason_to_promote_it(
    lying: Callable[..., Any], mirrored: None, primary: Coordinator, standby: Coordinator, lie: str
) -> None:
    for name in (STATUS, ACTIVATE):
        done = lying(name, standby, lie)
        assert touched() == [], name
        assert "\x1b[2J" not in done.stdout, "but among warnings, which Ansible prints as a module has them"
        assert "Traceback" not in done.stdout + done.stderr
    assert "NOT activated" in done.stdout
    check_untouched(standby)
    assert primary.sql("SELECT state FROM pg_stat_replication") == "streaming"
