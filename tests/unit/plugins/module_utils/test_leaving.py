# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils import access, leaving
from ansible_collections.warehousepg.coordinator.plugins.module_utils.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils.instance import ControlData, Instance, Postmaster
from ansible_collections.warehousepg.coordinator.plugins.module_utils.leaving import Leaver, Patience, Transaction
from hypothesis import given
from hypothesis import strategies as st

CONTROL = ControlData("1", "in production", 1, "0/1", "0/1", "0/0", 1 << 26, True)
RUNNING = Postmaster(7, 5432, "/tmp", "dtmready", False, False, None)
PRIMARY = Instance("/c", "instance", "gpadmin", "primary", "12", 1, 5432, {}, CONTROL, RUNNING)
RULES = "# BEGIN warehousepg.coordinator\nhost\tall\n# END warehousepg.coordinator\nlocal all all trust\n"
DRAINED = access.change_block(RULES, leaving.BLOCK, access.rules_of(leaving.REFUSAL))
FENCE = "FENCED_scdw_is_primary.conf"

SERVING = Leaver(PRIMARY, True, RULES)
DOWN = Leaver(dataclasses.replace(PRIMARY, postmaster=None, control=dataclasses.replace(CONTROL, state="shut down")), False, RULES)
CRASHED = dataclasses.replace(DOWN, instance=dataclasses.replace(PRIMARY, postmaster=None))
STOPPING = dataclasses.replace(SERVING, instance=dataclasses.replace(PRIMARY, postmaster=dataclasses.replace(RUNNING, status="stopping")))
ORPHANED = dataclasses.replace(SERVING, instance=dataclasses.replace(PRIMARY, postmaster=None))
LONG = (Transaction(1, "etl", 100.0), Transaction(2, "web", 0.5))
PATIENCE = Patience(60, False, 0, "end")


def fenced(found):
    return dataclasses.replace(found, instance=dataclasses.replace(found.instance, fenced=FENCE))


def drained(found):
    return dataclasses.replace(found, access_file=DRAINED)


def standby(found):
    return dataclasses.replace(found, instance=dataclasses.replace(found.instance, role="standby"))


def names(steps):
    return [step.name for step in steps]


def test_refusing_sessions_goes_before_all_rules_and_spares_replication():
    assert f"# BEGIN {leaving.BLOCK}\nhost\tall\tall\tall\treject\n# END {leaving.BLOCK}\n{RULES}" == DRAINED
    assert access.change_block(DRAINED, leaving.BLOCK, ()) == RULES
    assert drained(SERVING).drained and not SERVING.drained


@pytest.mark.parametrize(
    ("found", "wanted", "steps"),
    [
        (SERVING, {}, ["checkpoint"]),
        (dataclasses.replace(SERVING, transactions=LONG), {"accept_transactions": True}, ["checkpoint"]),
        (dataclasses.replace(SERVING, transactions=LONG), {"transaction_seconds": 100}, ["checkpoint"]),
        (
            dataclasses.replace(SERVING, transactions=LONG),
            {"drain_seconds": 5},
            ["write_rules", "reload", "wait_for_clients", "checkpoint"],
        ),
        (drained(SERVING), {"drain_seconds": 5}, ["wait_for_clients", "checkpoint"]),
        (drained(SERVING), {}, ["write_rules", "reload", "checkpoint"]),
    ],
)
def test_clients_are_treated_as_wished(found, wanted, steps):
    assert names(leaving.plan_preparation(found, dataclasses.replace(PATIENCE, **wanted))) == steps


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (dataclasses.replace(SERVING, transactions=LONG), "etl, process 1, since 100 s.*switchover_accept_transactions"),
        (DOWN, "does not run"),
        (STOPPING, "does not run"),
        (standby(SERVING), "is a standby"),
    ],
)
def test_a_primary_that_is_not_to_be_left_now_is_refused(found, words):
    with pytest.raises(CoordinatorError, match=words) as caught:
        leaving.plan_preparation(found, PATIENCE)
    assert "web" not in caught.value.message


@pytest.mark.parametrize(
    ("found", "token", "steps"),
    [
        (SERVING, "t", ["fence", "announce", "stop"]),
        (drained(SERVING), "t", ["fence", "announce", "stop", "write_rules", "reload"]),
        (fenced(SERVING), "t", ["announce", "stop"]),
        (DOWN, None, ["fence"]),
        (fenced(DOWN), None, []),
        (fenced(drained(DOWN)), "t", ["write_rules", "reload"]),
    ],
)
def test_it_is_fenced_before_it_is_told_that_the_shutdown_follows(found, token, steps):
    assert names(leaving.plan_stop(found, FENCE, token)) == steps


@pytest.mark.parametrize(
    ("found", "token", "words"),
    [(SERVING, None, "not armed"), (CRASHED, "t", "was not shut down, it is in production"), (standby(DOWN), "t", "is a standby")],
)
def test_what_proves_nothing_is_not_stopped(found, token, words):
    with pytest.raises(CoordinatorError, match=words):
        leaving.plan_stop(found, FENCE, token)


@pytest.mark.parametrize(
    ("found", "steps"),
    [
        (SERVING, []),
        (fenced(drained(SERVING)), ["lift_fence", "write_rules", "reload"]),
        (fenced(DOWN), ["lift_fence", "start", "wait_serving"]),
        (fenced(CRASHED), ["lift_fence", "start", "wait_serving"]),
        (fenced(STOPPING), ["stop_at_once", "lift_fence", "start", "wait_serving"]),
        (ORPHANED, ["stop_at_once", "start", "wait_serving"]),
        (standby(fenced(DOWN)), []),
    ],
)
def test_it_serves_again_as_if_nothing_had_been_begun(found, steps):
    assert names(leaving.plan_return(found)) == steps


STATES = st.sampled_from([SERVING, DOWN, CRASHED, STOPPING, ORPHANED])


@given(STATES, st.booleans(), st.booleans())
def test_nothing_that_was_begun_is_left_whatever_was_cut_off(found, with_fence, with_drain):
    found = drained(found) if with_drain else found
    found = fenced(found) if with_fence else found
    steps = names(leaving.plan_return(found))
    assert ("lift_fence" in steps, "write_rules" in steps) == (with_fence, with_drain)
    assert ("start" in steps) == (found.stopping or not found.running)
    assert "start" not in steps or "lift_fence" not in steps or steps.index("lift_fence") < steps.index("start")


def test_every_step_has_an_action():
    doing = leaving.Leave(None, SERVING, 1.0)
    steps = [
        *leaving.plan_preparation(SERVING, dataclasses.replace(PATIENCE, drain_seconds=1)),
        *leaving.plan_stop(SERVING, FENCE, "t"),
        *leaving.plan_return(fenced(STOPPING)),
    ]
    assert set(names(steps)) <= set(doing.actions)
