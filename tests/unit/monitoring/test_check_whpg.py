# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plugin of Nagios ends with the status of its one line, whatever else the playbook says, and with 3 where nothing is known."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.nagios import STATUSES

from ..plays import ROOT

CHECK = ROOT / "extensions/monitoring/check_whpg"


def check(*arguments, path=""):
    """What Nagios is told: the line and the exit status."""
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([path, str(Path(sys.executable).parent), os.environ["PATH"]]),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache/collections"),
        # habits of an operator
        "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
        "ANSIBLE_FORCE_COLOR": "1",
    }
    done = subprocess.run([CHECK, *arguments], env=environment, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    (line,) = done.stdout.splitlines()
    return line, done.returncode


@pytest.fixture
def saying(tmp_path):
    """A maker of programs in the place of ansible-playbook that print something, and end so."""

    def make(text, code, errors=""):
        (tmp_path / "said").write_text(text)
        (tmp_path / "errors").write_text(errors)
        program = tmp_path / "ansible-playbook"
        program.write_text(f'#!/bin/sh\ncat "{tmp_path}/said"; cat "{tmp_path}/errors" >&2; exit {code}\n')
        program.chmod(0o755)
        return str(tmp_path)

    return make


LINE = "WHPG {} - a: state | 'a replay_lag'=0B;;;0"
AROUND = '\nPLAY [Show] ***\n\nok: [cdw]\n{}\nfatal: [cdw]: FAILED! => {{"msg": "a is degraded"}}\n\nPLAY RECAP\n'


@pytest.mark.parametrize(("status", "code"), [("OK", 0), ("WARNING", 1), ("CRITICAL", 2), ("UNKNOWN", 3)])
def test_the_status_of_the_line_counts(saying, status, code):
    assert status in STATUSES
    line = LINE.format(status)
    assert check(path=saying(AROUND.format(line), 0 if status == "OK" else 2)) == (line, code)


@pytest.mark.parametrize(
    ("text", "code", "why"),
    [
        (AROUND.format(LINE.format("OK")), 2, "ended with 2 and told no state: a is degraded"),
        (AROUND.format(f"{LINE.format('OK')}\n{LINE.format('CRITICAL')}"), 0, "ended with 0 and told no state"),
        (AROUND.format(""), 2, "told no state: a is degraded"),
        ('fatal: [cdw]: UNREACHABLE! => {"changed": false, "msg": "no \\"route\\", C:\\\\", "unreachable": true}', 4, ': no "route", C:\\'),
        (AROUND.format('ok: {"msg": "\\nWHPG OK - x | y"}'), 0, "told no state"),
        ("", 250, "ended with 250 and told no state: the last / of it"),
    ],
)
def test_without_one_line_nothing_is_known(saying, text, code, why):
    line, status = check(path=saying(text, code, "first\nthe last | of it\n"))
    assert status == 3
    assert line.startswith("WHPG UNKNOWN - the playbook ") and why in line and "|" not in line


@pytest.mark.parametrize("before", ["[ERROR]: ", "ERROR! "])
def test_what_ends_a_run_whole_is_told_as_it_is(saying, before):
    line, _status = check(path=saying("", 1, f"[WARNING]: old\n{before}whpg_host is no option\n"))
    assert line == "WHPG UNKNOWN - the playbook ended with 1 and told no state: whpg_host is no option"


def test_silence_is_told(saying):
    assert check(path=saying("", 0)) == ("WHPG UNKNOWN - the playbook ended with 0 and told no state: it said nothing", 3)


UNREACHABLE = {"cluster_name": "a", "whpg_data_directory": "/data", "ansible_host": "127.0.0.1", "ansible_port": 1}


@pytest.mark.parametrize(
    ("hosts", "metrics", "said", "status"),
    [
        ({}, "whpg.prom", "WHPG UNKNOWN - the playbook ended with 2 and told no state: the inventory has no host ", 3),
        ({"cdw": {"whpg_role": "coordinator"}}, "whpg.prom", "WHPG CRITICAL - a: primary_unknown: cdw: unknown, ", 2),
        (
            {"cdw": {"whpg_role": "coordinator"}},
            "none/whpg.prom",
            "WHPG UNKNOWN - the playbook ended with 2 and told no state: status_metrics is ",
            3,
        ),
    ],
)
def test_it_runs_the_playbook(hosts, metrics, said, status, tmp_path):
    (tmp_path / "inventory.yml").write_text(yaml.safe_dump({"whpg_clusters": {"vars": UNREACHABLE, "hosts": hosts}}))
    line, code = check("-i", str(tmp_path / "inventory.yml"), "-e", f"status_metrics={tmp_path}/{metrics}")
    assert (line[: len(said)], code) == (said, status)
    told = tmp_path / "whpg.prom"
    assert told.exists() is ("a: primary_unknown" in said)
    if told.exists():
        assert 'whpg_coordinator_state{cluster="a",state="primary_unknown"} 1.0' in told.read_text()
