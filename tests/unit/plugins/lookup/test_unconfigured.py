# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What somebody configured of the ssh connection is kept. Runs on every ansible-core that is supported, see .ci/cores.sh."""

from __future__ import annotations

import pytest
from ansible import constants, context
from ansible.config.manager import ConfigManager
from ansible.plugins.loader import connection_loader
from ansible.utils.context_objects import CLIArgs
from ansible_collections.warehousepg.coordinator.plugins.lookup.unconfigured import LookupModule, value_of

OURS = {"pipelining": True, "timeout": 4, "ssh_extra_args": "-o ServerAliveInterval=5", "control_path": "%(directory)s/whpg"}

#: by option, what somebody may say of it in the environment and in sections of a file, and what that means
THEIRS = [
    ("pipelining", "ANSIBLE_PIPELINING", ["defaults", "connection", "ssh_connection"], "pipelining", "false", False),
    ("pipelining", "ANSIBLE_SSH_PIPELINING", ["ssh_connection"], "pipelining", "false", False),
    ("timeout", "ANSIBLE_TIMEOUT", ["defaults", "ssh_connection"], "timeout", "60", 60),
    ("timeout", "ANSIBLE_SSH_TIMEOUT", ["ssh_connection"], "timeout", "10", 10),  # the default of Ansible, but desired
    ("ssh_extra_args", "ANSIBLE_SSH_EXTRA_ARGS", ["ssh_connection"], "ssh_extra_args", "-o ProxyJump=gate", "-o ProxyJump=gate"),
    ("control_path", "ANSIBLE_SSH_CONTROL_PATH", ["ssh_connection"], "control_path", "/tmp/mine", "/tmp/mine"),
]


@pytest.fixture(autouse=True)
def configured(monkeypatch, tmp_path):
    """A maker of what somebody configured; without it nobody configured anything."""
    connection_loader.get("ssh", class_only=True)
    known = constants.config.get_configuration_definitions("connection", "ssh")

    def make(text="", **arguments):
        (tmp_path / "ansible.cfg").write_text(text)
        manager = ConfigManager(str(tmp_path / "ansible.cfg"))
        manager.initialize_plugin_configuration_definitions("connection", "ssh", known)
        monkeypatch.setattr(constants, "config", manager)
        monkeypatch.setattr(context, "CLIARGS", CLIArgs(arguments))

    for _name, variable, *_rest in THEIRS:
        monkeypatch.delenv(variable, raising=False)
    make()
    return make


@pytest.mark.parametrize("name", OURS)
def test_what_nobody_configured_is_ours(name):
    assert value_of(name, OURS[name]) == OURS[name]


def test_defaults_of_options_of_the_command_line_say_nothing(configured):
    configured(timeout=None, ssh_extra_args="")
    assert [value_of(name, OURS[name]) for name in ("timeout", "ssh_extra_args")] == [4, OURS["ssh_extra_args"]]


@pytest.mark.parametrize(("name", "variable", "sections", "key", "text", "value"), THEIRS)
def test_what_somebody_configured_is_kept(configured, monkeypatch, name, variable, sections, key, text, value):
    for section in sections:
        configured(f"[{section}]\n{key} = {text}\n")
        assert value_of(name, OURS[name]) == value
    configured()
    monkeypatch.setenv(variable, text)
    assert value_of(name, OURS[name]) == value


@pytest.mark.parametrize(("name", "value"), [("timeout", 60), ("ssh_extra_args", "-o ProxyJump=gate")])
def test_what_somebody_says_on_the_command_line_is_kept(configured, name, value):
    configured(**{name: value})
    assert value_of(name, OURS[name]) == value


def test_a_variable_of_ours_is_not_taken_for_theirs():
    assert LookupModule().run(["timeout"], {"ansible_ssh_timeout": "{{ itself }}"}, default=4) == [4]
