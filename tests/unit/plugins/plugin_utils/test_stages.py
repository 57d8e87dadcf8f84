# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stages take what they go by from what was registered on hosts."""

from __future__ import annotations

import pytest
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._activate_standby.plan import make
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.stage import OBSERVATION, VERDICT, Task
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.stages import STAGES
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby import stages as of_standby

from .losses import SERVING, UNKNOWN, scene
from .observed import MIRRORED, machine, seen, shown, unlogged

FENCED = {"fenced": True, "proof": "it is fenced"}
SUCCEEDED = {"rc": 0}
WAL = {"end": "0/300", "timeline": 1, "why": ""}


def task(registered, check_mode=False, **of_cluster):
    """A task of the cluster demo.

    :param registered: by host, what was registered there.
    :param of_cluster: what was registered for all clusters.
    """
    of_cluster = {VERDICT: {"coordinators": list(registered), "segment_hosts": []}, **of_cluster}
    for_all = {name: {"clusters": {"demo": found}} for name, found in of_cluster.items()}
    known = {"hostvars": registered, "ansible_play_hosts": list(registered), OBSERVATION: {"options": {"cluster_name": "demo"}}}
    return Task({**known, **for_all}, str, check_mode)


@pytest.mark.parametrize(
    ("options", "results", "allowed"),
    [
        ({"fence_segments": True}, {"sdw1": {"__activate_standby_fence": FENCED}}, True),
        ({"fence_segments": True}, {"sdw1": {"__activate_standby_fence": {"failed": True}}}, False),
        ({"fence_segments": True}, {"scdw": {"__activate_standby_fence": FENCED}}, False),
        ({"fence_command": True}, {"cdw": {"__activate_standby_command": SUCCEEDED}}, True),
        ({"fence_command": True}, {"scdw": {"__activate_standby_command": SUCCEEDED}}, False),
    ],
)
@pytest.mark.parametrize("check_mode", [False, True])
def test_an_activation_is_decided_by_fences_and_the_command(options, results, allowed, check_mode):
    known = scene(UNKNOWN, **options)
    plan = shown(make(known, []))
    registered = {host: {OBSERVATION: found, **results.get(host, {})} for host, found in UNKNOWN.items()}
    of_cluster = {VERDICT: shown(known.pair), "__activate_standby_plans": plan}
    decided = STAGES["activate_standby", "decide"].do(task(registered, check_mode, **of_cluster), {})
    foreseen = check_mode and "command" in str(options)
    assert decided["allowed"] is (allowed or foreseen)


@pytest.mark.parametrize(
    ("of_former", "of_new", "way", "late"),
    [
        ({"__switchover_stopped": {"wal": WAL}}, {"__switchover_disarmed": {"disarmed": True}}, "forward", []),
        ({}, {"__switchover_disarmed": {"disarmed": True}}, "back", []),
        ({"__switchover_stopped": {"wal": WAL}}, {"__switchover_activation": {"failed_step": "promote", "msg": "no"}}, "unknown", []),
        (
            {"__switchover_stopped": {"wal": WAL, "unlogged": unlogged(1, **{"pg_hba.conf": "new"})}},
            {"__switchover_activation": {"promoted": True}, "__switchover_brought": {"unlogged": unlogged(1, **{"pg_hba.conf": "old"})}},
            "forward",
            ["pg_hba.conf"],
        ),
    ],
)
def test_a_switchover_is_decided_by_what_both_hosts_said(of_former, of_new, way, late):
    plan = {"primary": "cdw", "standby": "scdw"}
    decided = STAGES["switchover", "decide"].do(task({"cdw": of_former, "scdw": of_new}, __switchover_plans=plan), {})
    assert (decided["way"], decided["drift"]) == (way, late)


@pytest.mark.parametrize("looked_at", [[], ["looked"], ["former", "looked"]])
@pytest.mark.parametrize("coordinators", [["cdw", "scdw"], ["cdw"]])
def test_a_standby_is_planned_by_what_the_task_says_was_looked_at(looked_at, coordinators, monkeypatch):
    given = []

    def make(*_arguments, **found):
        given.append(found)
        return of_standby.StandbyPlan("")

    monkeypatch.setattr(of_standby, "make", make)
    pair = {**shown(scene(SERVING).pair), "role": "standby", "coordinators": coordinators, "segment_hosts": []}
    found = {"former": MIRRORED["scdw"], "looked": shown(machine("scdw", "10.0.0.12"))}
    earlier = {"__standby_former": found["former"], "__standby_look": found["looked"]}
    STAGES["standby", "plan"].do(task({"cdw": {}, "scdw": earlier}, **{VERDICT: pair}), {"seen": looked_at})
    assert given == [seen({what: found[what] for what in looked_at}) if len(coordinators) > 1 else {}]
