# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever habits somebody has of Ansible, by configuration, command line, or a playbook of the site: no run says what it did not see."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from conftest import ENABLE, changes, playbook
from document import STATUS

pytestmark = pytest.mark.usefixtures("pair")

FREE = {"ANSIBLE_STRATEGY": "free", "ANSIBLE_ANY_ERRORS_FATAL": "true"}
ROLES = ["status", "standby", "rejoin", "switchover", "activate_standby", "disable_mirroring", "release", "maintenance", "lift_fence"]


@pytest.fixture
def site(tmp_path):
    """A maker of playbooks of a site."""

    def make(*plays):
        path = tmp_path / "site.yml"
        path.write_text(yaml.safe_dump(list(plays)))
        return str(path)

    return make


def attempt(role):
    """The role, and what it says where it is refused."""
    return {
        "block": [{"include_role": {"name": f"warehousepg.coordinator.{role}"}}],
        "rescue": [{"debug": {"msg": f"{role} refused on {{{{ inventory_hostname }}}}: {{{{ ansible_failed_result.msg }}}}"}}],
    }


def play(*tasks, **attributes):
    return {"hosts": "whpg_clusters", "gather_facts": False, "tasks": list(tasks), **attributes}


@pytest.mark.drawn
def test_a_strategy_of_the_configuration_is_not_ours():
    for name in (STATUS, ENABLE):
        done = playbook(name, environment=FREE)
        assert done.returncode == 0
        assert "primary_unknown" not in done.stdout


def test_a_play_whose_hosts_do_not_wait_for_each_other_is_refused_by_every_role(site):
    done = playbook(site(play(*map(attempt, ROLES), strategy="free")), maintenance=False, release_wal=True)
    # a failure on one host is, by run_once, one on those that come to the task later, too, and no rescue is theirs
    refused = dict(re.findall(r"(\w+) refused on \w+: (.*)", done.stdout))
    assert set(refused) == set(ROLES)
    assert all("strategy: linear" in why for why in refused.values())
    assert "primary_unknown" not in done.stdout, "nothing is said of what was not seen"
    assert changes(done) == 0


@pytest.mark.drawn
def test_a_play_that_splits_a_cluster_is_refused(site):
    done = playbook(site(play({"import_role": {"name": STATUS}}, serial=2)))
    assert done.returncode == 2
    assert "sdw1 is in another batch" in done.stdout and "leave serial out" in done.stdout
    assert "primary_unknown" not in done.stdout


@pytest.mark.drawn
def test_batches_of_whole_clusters_are_harmless(site):
    done = playbook(site(play({"import_role": {"name": STATUS}}, serial=3)))
    assert (done.returncode, "Cluster demo: mirrored" in done.stdout) == (0, True)


@pytest.mark.drawn
@pytest.mark.parametrize(
    ("name", "options"),
    [(STATUS, ("--tags", "web")), (ENABLE, ("--skip-tags", "untagged")), (ENABLE, ("--tags", "web", "--skip-tags", "always"))],
)
def test_a_playbook_of_ours_is_not_run_in_part(name, options):
    done = playbook(name, *options)
    assert done.returncode not in (0, 2)
    assert "run it whole" in " ".join(done.stderr.split())


@pytest.mark.drawn
def test_tags_of_a_site_are_its_own(site):
    name = site({"import_playbook": STATUS, "tags": ["whpg"]})
    left_out, run = playbook(name, "--tags", "web"), playbook(name, "--tags", "whpg")
    assert (left_out.returncode, "Cluster demo" in left_out.stdout) == (0, False)
    assert (run.returncode, "Cluster demo: mirrored" in run.stdout) == (0, True)


OURS = ("ConnectTimeout=4", "ServerAliveInterval=5", "whpg-")
JUMPS = "-o SendEnv=OF_THE_USER"  # as -o ProxyJump=gate, where the test hosts have no gate


@pytest.mark.drawn
@pytest.mark.parametrize(
    ("arguments", "environment", "variables", "theirs"),
    [
        ((), {}, {}, OURS),
        (("--ssh-extra-args", JUMPS, "--timeout", "60"), {}, {}, ("OF_THE_USER", "ConnectTimeout=60", "whpg-")),
        ((), {"ANSIBLE_SSH_EXTRA_ARGS": JUMPS, "ANSIBLE_SSH_CONTROL_PATH": "%(directory)s/theirs-%%C"}, {}, ("OF_THE_USER", "theirs-")),
        ((), {}, {"ansible_ssh_extra_args": JUMPS, "ansible_ssh_timeout": 60}, ("OF_THE_USER", "ConnectTimeout=60", "whpg-")),
    ],
)
def test_hosts_are_reached_as_the_user_says(arguments, environment, variables, theirs, inventory_of, unconnected):
    inventory = inventory_of(**variables)
    done = playbook(STATUS, "-vvvv", *arguments, environment={**unconnected, **environment}, inventory=inventory)
    assert done.returncode == 0
    reached = re.findall(r"SSH: EXEC (ssh .*)", done.stdout + done.stderr)
    assert reached and all(part in command for command in reached for part in theirs)
    assert any("ServerAlive" in command for command in reached) is (theirs == OURS)


def test_what_a_program_reads_is_one_document():
    for name in (STATUS, ENABLE):
        done = playbook(name, environment={"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"})
        plays = json.loads(done.stdout)["plays"]
        results = [result for play in plays for task in play["tasks"] for result in task["hosts"].values()]
        said = [line for result in results for cluster in (result.get("clusters") or {}).values() for line in cluster.get("screen", ())]
        assert "Cluster demo: mirrored" in said
