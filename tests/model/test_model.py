# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No path leads to two writers, to a loss that nobody told of, or to a pair for which there is no way back.

All that may happen to a pair while playbooks are run, with one fault at any moment, is explored; with ``WHPG_MODEL_FAULTS=2``, two of them,
which takes long. That the model sees what it is to see is shown by faults that are planted into the collection's functions.
"""

from __future__ import annotations

import dataclasses
import os
import typing as t

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import lock
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import (
    handover,
    leaving,
    loss,
    shutdown_proof,
    start_block,
    verdict,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import rejoin
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._activate_standby import verdict as activate_verdict
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster import pair
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run import locking
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._switchover import verdict as switchover_verdict

from . import runs
from .explore import ACCEPT, BOTH, COMMAND, FENCE, TO_CDW, Scope, Ways, after_each_fault, confirm, explore, while_it_runs
from .world import MIRRORED

FAULTS = int(os.environ.get("WHPG_MODEL_FAULTS", "1"))

ACTIVATE = "activate_standby"
SWITCH = ("switchover", ())
REJOIN = ("rejoin", ())

#: the primary is lost in one way or another, or the link to it
LOST = tuple((what, world) for what, world in after_each_fault(MIRRORED) if "scdw" not in what)

CRASHES = ("the instance on cdw is killed", "cdw loses power", "cdw is cut off from the controller")

SCOPES = {
    "activation": Scope(((ACTIVATE, ()), (ACTIVATE, FENCE), (ACTIVATE, BOTH)), runs=1, faults=FAULTS, writes=1, begins=LOST),
    "activation by word": Scope(((ACTIVATE, confirm("cdw")),), runs=1, faults=FAULTS - 1, writes=1, begins=LOST),
    "activation anew": Scope(((ACTIVATE, FENCE + ACCEPT), (ACTIVATE, COMMAND)), runs=2, faults=FAULTS, writes=0),
    "switchover": Scope((SWITCH,), runs=1, faults=FAULTS, writes=1),
    "switchover anew": Scope((SWITCH, ("switchover", TO_CDW)), runs=2, faults=FAULTS, writes=0),
    "rejoin": Scope(((ACTIVATE, FENCE + ACCEPT), REJOIN), runs=2, faults=FAULTS - 1, writes=1, begins=LOST),
    "two at once": Scope(
        ((ACTIVATE, ()), (ACTIVATE, FENCE)),
        runs=2,
        together=2,
        faults=FAULTS - 1,
        writes=0,
        begins=tuple(while_it_runs("switchover", CRASHES)),
    ),
}

#: what has to come about in them, or they show little
REACHED = {
    "activation": [
        "cdw is resumed",
        "activate_standby 1: fence",
        "activate_standby 1: promote",
        "activate_standby 1: place_wal",
        "FAULT activate_standby 1: its module activate_standby_activation is killed",
        "the primary gives its standby up",
        "a write on scdw is alone",
    ],
    "switchover": [
        "scdw looks at its WAL: announced",
        "scdw looks at its WAL: promoting",
        "scdw promotes itself",
        "FAULT the armed process on scdw is killed",
        "FAULT switchover 1: the shutdown hangs",
        "switchover 1: lift_start_block",
        "switchover 1: disarm",
        "switchover 1: promote",
        "switchover 1: remake",
        "unheard: stop",
    ],
    "two at once": ["activate_standby 2 locks cdw", "activate_standby 2: fence", "scdw promotes itself"],
}


@pytest.fixture(autouse=True)
def fresh():
    """Decisions are made anew in each test."""
    runs.forget()
    yield
    runs.forget()


@pytest.mark.parametrize("name", SCOPES)
def test_no_path_leads_to_two_writers_or_to_no_way_back(name):
    found = explore(SCOPES[name], Ways())
    print(f"{name}: {found.worlds} worlds, {found.transitions} transitions")
    assert found.violation == "", "\n".join([found.violation, *found.path])
    assert [what for what in REACHED.get(name, ()) if what not in found.seen] == []


class Mutant(t.NamedTuple):
    """A fault that is planted.

    :param patches: what is replaced: where, its name, and by what.
    :param scope: in which it is found.
    :param found: what is found then.
    :param faults: how many it takes.
    :param writes: likewise.
    """

    patches: tuple[tuple[t.Any, str, t.Any], ...]
    scope: str
    found: str
    faults: int = 0
    writes: int = 0


def _promote_on_announcement(watch, end, now, receiver, _then, holds):
    return shutdown_proof.Proof(end.position, now) if watch._arrives(end, holds) else None


class OneReceiver(shutdown_proof.Watch):
    """Forgets that there was another connection."""

    def look(self, end, now, receiver, then, holds):
        self.over = False
        self._receivers = {1}
        return super().look(end, now, 1, then, holds)


def _without(plan, *names):
    """A plan that lacks steps."""
    return lambda *given, **more: [step for step in plan(*given, **more) if step.name not in names]


def _believed(decide):
    """Hosts that did not answer count as fenced."""

    def believing(scene, plan, results, command, check_mode):
        told = {host: {"fenced": True, "start_blocked": True, "proof": "", "quiet_s": None} for host in scene.observations}
        return decide(scene, plan, told, command, check_mode)

    return believing


def _back(decide):
    def going_back(*given):
        found = decide(*given)
        return dataclasses.replace(found, way=switchover_verdict.BACK) if found.way == switchover_verdict.UNKNOWN else found

    return going_back


def _refused(after):
    """A module that tells nothing of the instance has not promoted it."""
    return lambda standby, activation, wal, certain: after(standby, {"promoted": False, **activation}, wal, certain)


def _nothing_lost(*_given, **_more):
    return loss.Loss(loss.NONE, 0, 0, "", loss.Window())


def _unheard(judge):
    """It does not matter what segments heard."""
    return lambda exact, own, salvaged, record, system, stream, fenced, heard=None: judge(
        exact, own, salvaged, record, system, stream, fenced, 0.0
    )


NOBODY = (lambda _locks: ("", {}),)

MUTANTS = {
    "activation is allowed whatever is unknown": Mutant(
        ((verdict, "_activation", lambda *_given: (True, "")),), "activation", "two coordinators"
    ),
    "a host that was not seen counts as down": Mutant(
        (
            (verdict, "_seen_without_primary", lambda view: not view.observed or view.running is False or view.role == "standby"),
            (verdict, "_activation", lambda finding, *_given: (finding[0] != verdict.MIRRORED, "")),
        ),
        "activation",
        "two coordinators",
    ),
    "hosts that did not fence count as if they had": Mutant(
        ((activate_verdict, "decide", _believed(activate_verdict.decide)),), "activation", "two coordinators", faults=1
    ),
    "a former primary is not start-blocked": Mutant(
        (
            (start_block, "plan", _without(start_block.plan, "block_start")),
            (activate_verdict, "decide", _believed(activate_verdict.decide)),
        ),
        "activation",
        "two coordinators",
    ),
    "no loss is said without a proof": Mutant(((loss, "judge", _nothing_lost),), "activation", "nobody said so", writes=1),
    "what segments heard does not count": Mutant(
        ((loss, "judge", _unheard(loss.judge)),), "activation", "nobody said so", faults=1, writes=1
    ),
    "an armed standby promotes itself by the announcement alone": Mutant(
        ((shutdown_proof.Watch, "look", _promote_on_announcement),), "switchover", "two coordinators"
    ),
    "an armed standby takes any connection": Mutant(((shutdown_proof, "Watch", OneReceiver),), "switchover", "two coordinators", faults=1),
    "a standby that was not disarmed counts as disarmed": Mutant(
        ((handover, "plan_disarming", lambda _found: []), (switchover_verdict, "decide", _back(switchover_verdict.decide))),
        "switchover",
        "two coordinators",
    ),
    "the primary serves again where it is not known what became of its standby": Mutant(
        ((switchover_verdict, "decide", _back(switchover_verdict.decide)),), "switchover", "two coordinators", faults=1
    ),
    "a module that was killed counts as one that refused": Mutant(
        ((switchover_verdict, "_after", _refused(switchover_verdict._after)),), "switchover", "two coordinators", faults=1
    ),
    "a primary is shut down without a start block": Mutant(
        ((leaving, "plan_stop", _without(leaving.plan_stop, "block_start")),), "switchover", "two coordinators"
    ),
    "nobody minds a lock": Mutant(
        ((pair, "hindrances", *NOBODY), (lock, "keeper", lambda _host, _desired: lambda: None)), "two at once", "two coordinators"
    ),
    "a lock may be taken from a run that lives, which does not look": Mutant(
        ((locking, "LIFETIME", 0.0), (lock, "keeper", lambda _host, _desired: lambda: None)), "two at once", "two coordinators"
    ),
    "a former primary never rejoins": Mutant(((rejoin, "refusal", lambda *_given: "no"),), "activation", "no way back"),
    "what a former primary has of its own is kept in a standby": Mutant(
        ((rejoin, "choose", lambda *_given: rejoin.Choice(rejoin.START, "")),), "activation", "no way back", writes=1
    ),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_fault_that_is_planted_is_found(name, monkeypatch):
    mutant = MUTANTS[name]
    for where, what, by in mutant.patches:
        monkeypatch.setattr(where, what, by)
    scope = dataclasses.replace(SCOPES[mutant.scope], faults=mutant.faults, writes=mutant.writes)
    found = explore(scope, Ways() if mutant.found == "no way back" else None)
    print(f"{name}: {found.worlds} worlds: {found.violation}")
    print("\n".join(found.path))
    assert mutant.found in found.violation
