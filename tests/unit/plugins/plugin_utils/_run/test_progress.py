# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.progress import Known, Plan, Plans, Progress, answers, names
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.stage import OBSERVATION, VERDICT, Task

DONE, SKIPPED, FAILED = {"changed": True}, {"skipped": True}, {"failed": True, "msg": "no"}
HOSTS = ["cdw", "scdw", "sdw1"]
PLANS = Plans(Plan, "__plans")


class Asked(Progress):
    @property
    def done(self):
        return self.everywhere("__x")

    @property
    def _own(self):
        return self.on_primary("__x")


class Counting(dict):
    """Variables of all hosts, of which it is counted how often each host's are made."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.made = []

    def __getitem__(self, host):
        self.made.append(host)
        return super().__getitem__(host)


def test_variables_of_a_host_are_made_once_and_of_no_other_cluster():
    hostvars = Counting({host: {"__x": DONE} for host in [*HOSTS, "other"]})
    known = Known(HOSTS, hostvars)
    found = Asked("demo", Plan("", "cdw", "scdw"), known)
    assert found.on_primary("__x") == DONE and found.on_standby("__y") == {}
    assert hostvars.made == ["cdw", "scdw"]
    assert found.done and found.done
    assert hostvars.made == HOSTS
    assert list(known) == HOSTS and len(known) == 3 and "other" not in known


def test_what_a_host_tells_as_a_fact_was_not_done():
    told = {"cdw": {"__x": DONE, "ansible_facts": {"__x": DONE}}, "scdw": {"__x": DONE, "ansible_facts": {"__y": DONE}}}
    found = Asked("demo", Plan("", "cdw", "scdw"), told)
    assert (found.on_primary("__x"), found.on_standby("__x")) == ({}, DONE)


@pytest.mark.parametrize(
    ("results", "lost", "everywhere"),
    [
        ([DONE, SKIPPED, DONE], [], True),
        ([DONE, DONE, DONE], ["sdw1"], False),
        ([DONE, DONE, FAILED], [], False),
        ([DONE, DONE, None], [], False),
    ],
)
def test_something_is_done_everywhere_when_each_host_came_to_it(results, lost, everywhere):
    assert Asked("demo", Plan(), {host: {"__x": result} for host, result in zip(HOSTS, results)}, lost).done is everywhere


def test_without_hosts_nothing_is_done():
    assert not Asked("", Plan(), {}).done


def test_only_properties_that_are_not_private_are_asked_for():
    assert names(Asked) == ["done"]
    assert answers(Asked("", Plan(), {})) == {"done": False}


def test_the_progress_of_a_task_is_that_of_its_host_s_cluster():
    plans = {"clusters": {"demo": {"primary": "cdw", "acts": True}, "other": {"primary": "x"}}}
    verdict = {"clusters": {"demo": {"coordinators": ["cdw", "scdw"], "segment_hosts": ["sdw1"]}}}
    variables = {
        OBSERVATION: {"options": {"cluster_name": "demo"}},
        "hostvars": {host: {"__x": DONE} for host in HOSTS},
        "ansible_play_hosts": ["cdw", "sdw1", "x"],
        VERDICT: verdict,
        "__plans": plans,
    }
    found = Task(variables, str, True).progress(Asked, PLANS)
    assert (found.cluster, found.plan, found.lost, found.check_mode) == ("demo", Plan("", "cdw"), ["scdw"], True)
    assert list(found.hosts) == HOSTS


@pytest.mark.parametrize("plans", [{}, {"__plans": {"failed": True, "msg": "no"}}])
def test_where_nothing_was_planned_there_is_none(plans):
    assert Task(plans, str).progress(Asked, PLANS) == Asked("", Plan("nothing was planned"), {})
