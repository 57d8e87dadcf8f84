# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs of playbooks in a world: their tasks in the order in which the roles have them.

Whatever is decided is decided by the collection's own functions, from what hosts show and what modules return: locks, plans, verdicts,
progress, and the plans of modules on their hosts. What is said here is only what a step does to the world.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import typing as t
from unittest import mock

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import lock
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import activation, handover, leaving, start_block
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import rejoin as rejoining
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._activate_standby import plan as activate_plan
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._activate_standby import verdict as activate_verdict
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._activate_standby.progress import Progress as ActivateProgress
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster import pair as pairs
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.observations import OBSERVATION
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.scenes import Scene, scene_of
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run import locking
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby import plan as standby_plan
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.progress import Progress as StandbyProgress
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.rejoin import former_of
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._switchover import plan as switchover_plan
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._switchover import verdict as switchover_verdict
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._switchover.progress import Progress as SwitchoverProgress
from unit.plugins.plugin_utils import desired, observed

from . import shown
from .world import (
    ANNOUNCED,
    DIED,
    DONE,
    DOWN,
    ENDED,
    FAILED,
    HOSTS,
    OFF,
    ON,
    PAUSED,
    PRIMARY,
    PROMOTING,
    RUNNING,
    STALE,
    STANDBY,
    WAITING,
    Arming,
    Next,
    Node,
    Violation,
    World,
    broken,
    promoted,
    started,
    stopped,
)

#: where a task is done that is done on the hosts of segments, or on the controller
SEGMENTS, CONTROLLER = 2, 3

_FILE = "/lock"
_INCLUDE = {at: f"FENCED_{HOSTS[1 - at]}_is_primary.conf" for at in (0, 1)}

Result = t.Dict[str, t.Any]

F = t.TypeVar("F", bound=t.Callable[..., t.Any])

_CACHES: list[t.Any] = []


def cached(function: F) -> F:
    """A pure function that remembers."""
    kept = functools.lru_cache(maxsize=None)(function)
    _CACHES.append(kept)
    return t.cast(F, kept)


def forget() -> None:
    """Forget all that was decided, for another way to decide comes."""
    for kept in _CACHES:
        kept.cache_clear()


class Module(t.NamedTuple):
    """A module that works on a host.

    :param task: name of the task.
    :param at: the host.
    :param steps: those that are left to be done: name, and what it is given.
    :param run: number of its run.
    :param begins: what is noted as begun.
    :param heard: what is returned beside what is shown, so far.
    """

    task: str
    at: int
    steps: tuple[tuple[str, t.Any], ...]
    run: int
    begins: str
    heard: str = "{}"


class Run(t.NamedTuple):
    """A run of a playbook.

    :param number: of the run.
    :param intent: its playbook.
    :param options: that it was given.
    :param at: number of the task that it has come to.
    :param plan: key of what was planned.
    :param results: by task and host, what it returned.
    :param module: that works now.
    """

    number: int
    intent: str
    options: tuple[tuple[str, t.Any], ...] = ()
    at: int = 0
    plan: str = ""
    results: tuple[tuple[str, int, str], ...] = ()
    module: Module | None = None

    def result(self, task: str, at: int) -> Result:
        """What a task returned on a host; empty without."""
        return next((_read(text) for name, where, text in self.results if (name, where) == (task, at)), {})

    def knows(self, task: str, at: int, result: Result) -> Run:
        """The run when a task has returned something, and the next one is due."""
        kept = tuple(entry for entry in self.results if entry[:2] != (task, at))
        return self._replace(results=(*kept, (task, at, json.dumps(result, sort_keys=True))), at=self.at + 1, module=None)


@cached
def _read(text: str) -> Result:
    return t.cast(Result, json.loads(text))


# Locks.


def holder_of(number: int) -> lock.Holder:
    """A run as its lock tells of it; each is on a controller of its own."""
    return lock.Holder("operator", f"controller{number}", "boot", "pid", number, "1")


def _text(node: Node) -> str | None:
    if not node.lock:
        return None
    return lock.line_of(holder_of(node.lock)) + "\n" + json.dumps({"since": 1.0, "purpose": "another"}) + "\n"


def _take(world: World, run: Run, at: int) -> tuple[World, Result]:
    """Take the lock of a host."""
    node = world.nodes[at]
    takes, result = _taken(_text(node), node.lock, node.lapsed, run.number, run.intent)
    return world.node(at, lock=run.number, lapsed=False) if takes else world, result


@cached
def _taken(text: str | None, holds: int, lapsed: bool, number: int, purpose: str) -> tuple[bool, Result]:
    """Whether a run takes a lock, by the conversation that it has with the host, and what it returns."""
    own = holder_of(number)
    talk = locking.taking(_FILE, own, purpose, lambda _holder: False)
    ask, takes = next(talk), False
    try:
        while True:
            free = text is None or (ask is not None and ask.instead_of == (holder_of(holds), 1000))
            if ask is not None and ask.what == locking.TAKE and free and not takes:
                takes, text = True, _text(Node(lock=number))
            age = int(locking.LIFETIME) + 1 if lapsed and not takes else 10
            ask = talk.send(locking.Seen(_FILE, text, 1000, age, takes))
    except StopIteration as end:
        found = end.value
        held = {"held": {"file": _FILE, "holder": dataclasses.asdict(own)}} if not found.refusal else {"failed": True, "msg": found.refusal}
        return takes, {"lock": found.seen.lock and dataclasses.asdict(found.seen.lock), **held}


def _keep(world: World, module: Module) -> World:
    """See that the run still holds the lock, as a module does before each step, and note what it begins.

    :raises CoordinatorError: it does not.
    """
    node = world.nodes[module.at]
    note, why = _kept(_text(node), node.note, module.run, module.begins)
    if why:
        raise CoordinatorError(why)
    return world.node(module.at, note=note)


@cached
def _kept(text: str | None, note: str, run: int, begins: str) -> tuple[str, str]:
    """What is noted then, and why nothing is done."""
    notes = [note]
    host = mock.Mock(write=lambda _path, text, _mode: notes.append(text.strip()))
    files = {_FILE: text, lock.note_file(_FILE): note}
    with mock.patch.object(lock, "read_text", files.get):
        try:
            lock.keeper(host, {"file": _FILE, "holder": dataclasses.asdict(holder_of(run)), "begins": begins})()
        except CoordinatorError as error:
            return note, error.message
    return notes[-1], ""


# What is planned and decided on the controller.


#: by their keys, plans that were made, and what they were made from
_PLANS: dict[str, tuple[t.Any, Scene]] = {}
_KEYS: dict[t.Any, str] = {}


def _seen(world: World) -> str:
    """What all hosts show."""
    return _shown(
        world._replace(
            runs=(), orphans=(), acknowledged=frozenset(), stated=frozenset(), written=0, begun=0, faults=0, late=False, heard=False
        )
    )


@cached
def _shown(world: World) -> str:
    return json.dumps(shown.all_of(world), sort_keys=True)


@cached
def _planned(intent: str, options: tuple[tuple[str, t.Any], ...], seen: str, locks: str) -> str:
    """The key of what is planned from what was seen."""
    found = _read(seen)
    results = {HOSTS[int(at)]: result for at, result in _read(locks).items()} if locks else None
    pair = pairs.assess("demo", observed.VARIABLES, found, locks=results)
    role = "standby" if intent in ("rejoin", "enable_mirroring") else intent
    more = {"standby_rejoins": True} if intent == "rejoin" else {}
    pair = desired.with_options(pair, role, {**dict(options), **more})
    scene = scene_of("demo", pair, {host: {OBSERVATION: found[host]} for host in found})
    if intent == "switchover":
        plan: t.Any = switchover_plan.make(scene)
    elif intent == "activate_standby":
        plan = activate_plan.make(scene, [])
    else:
        plan = standby_plan.make(pair, scene.observations, observed.VARIABLES)
    # an activation is decided by what was seen, too
    told = (intent, json.dumps(dataclasses.asdict(plan), sort_keys=True), seen if intent == "activate_standby" else "", options)
    key = _KEYS.setdefault(told, f"plan {len(_KEYS)}")
    _PLANS[key] = (plan, scene)
    return key


def state_of(world: World) -> str:
    """The state of the pair, as the status playbook tells it."""
    return _state(_seen(world))


@cached
def _state(seen: str) -> str:
    return pairs.assess("demo", observed.VARIABLES, _read(seen)).state


def plan_of(run: Run) -> t.Any:
    """What the run planned."""
    return _PLANS[run.plan][0]


_KINDS = {
    "switchover": SwitchoverProgress,
    "activate_standby": ActivateProgress,
    "rejoin": StandbyProgress,
    "enable_mirroring": StandbyProgress,
}


def progress_of(run: Run) -> t.Any:
    """How far it came."""
    names = {"standby_plan": "__standby_plans"}
    hosts: dict[str, dict[str, t.Any]] = {host: {} for host in (*HOSTS, "sdw1", "localhost")}
    for task, at, text in run.results:
        hosts[(*HOSTS, "sdw1", "localhost")[at]][names.get(task, f"__{task}")] = _read(text)
    return _KINDS[run.intent]("demo", plan_of(run), hosts)


# Tasks, each with what a module of it does on its host.


class Task(t.NamedTuple):
    """A task of a role.

    :param name: what its result is registered as.
    :param at: where it is done, by the plan.
    :param when: whether it is done.
    :param plan: what its module plans there: its steps.
    :param show: what its module returns of what is there then.
    """

    name: str
    at: t.Callable[[Run], int]
    when: t.Callable[[Run], bool]
    plan: t.Callable[[World, Run, int], t.Sequence[tuple[str, t.Any]]]
    show: t.Callable[[World, Run, int], Result]


def _former(run: Run) -> int:
    return HOSTS.index(plan_of(run).primary)


def _new(run: Run) -> int:
    return HOSTS.index(plan_of(run).standby)


def _names(steps: t.Iterable[t.Any], *given: tuple[str, t.Any]) -> list[tuple[str, t.Any]]:
    """The steps of a plan that do something to the world, and what they are given."""
    more = dict(given)
    return [(step.name, more.get(step.name)) for step in steps if step.name in _EFFECTS]


# The former primary's host.


def _leaver(world: World, at: int) -> leaving.Leaver:
    running = world.nodes[at].runs
    return leaving.Leaver(shown.instance_of(world, at), running, "", end=None if running else shown.end_of(world, at))


def _shown_primary(world: World, _run: Run, at: int) -> Result:
    node, end = world.nodes[at], shown.end_of(world, at)
    down = node.state == DOWN
    return {
        "role": node.role,
        "running": node.runs,
        "start_block": _INCLUDE[at] if node.blocked else None,
        "drained": False,
        "wal": {"end": str(end.position), "timeline": end.timeline, "proved": node.tail, "why": ""} if down else None,
    }


def _prepare(world: World, _run: Run, at: int) -> list[tuple[str, t.Any]]:
    if not world.nodes[at].works:
        raise CoordinatorError("it does not answer")
    return _names(leaving.plan_preparation(_leaver(world, at), leaving.Patience(60, False, 0, leaving.TERMINATE)))


def _stop(world: World, run: Run, at: int) -> list[tuple[str, t.Any]]:
    token = run.result("switchover_armed", _new(run)).get("token")
    steps = leaving.plan_stop(_leaver(world, at), _INCLUDE[at], str(token) if token else None)
    return _names(steps, ("announce", token), ("stop", True))


def _return(world: World, _run: Run, at: int) -> list[tuple[str, t.Any]]:
    return _names(leaving.plan_return(_leaver(world, at)))


def _block(world: World, _run: Run, at: int) -> list[tuple[str, t.Any]]:
    target = start_block.Target(shown.instance_of(world, at), shown.processes_of(world, at))
    return _names(start_block.plan(target, _INCLUDE[at], "gpadmin"))


def _shown_block(world: World, _run: Run, at: int) -> Result:
    node, other = world.nodes[at], world.nodes[1 - at]
    there, here = shown.position(node.log), shown.position(other.log)
    missing = there.position - here.position
    wal = {
        "end": str(there),
        "proved": not node.runs,
        "reaches": str(there),
        "timeline": node.timeline,
        "missing_bytes": max(0, missing),
        "commits": max(0, missing) // 16,
        "first_segment": None,
        "archive": "/salvage" if missing > 0 else None,
        "why": "",
    }
    blocked = not node.runs and node.blocked
    return {"start_blocked": blocked, "proof": "it is blocked" if blocked else "", "stopped": not node.runs, "unlogged": None, "wal": wal}


# The standby's host.


def _readiness(world: World, at: int) -> handover.Readiness:
    phase = (world.nodes[at].arming or Arming("", 0)).phase
    return handover.Readiness(
        shown.instance_of(world, at),
        shown.end_of(world, at),
        armed=phase in (WAITING, ANNOUNCED, STALE),
        promoting=phase in (PROMOTING, DIED, DONE, FAILED),
        lives=phase == PROMOTING,
    )


def _arm(world: World, run: Run, at: int) -> list[tuple[str, t.Any]]:
    return _names(handover.plan_arming(_readiness(world, at)), ("arm", run.number))


def _disarm(world: World, _run: Run, at: int) -> list[tuple[str, t.Any]]:
    return _names(handover.plan_disarming(_readiness(world, at)))


def _shown_standby(world: World, run: Run, at: int) -> Result:
    found = _readiness(world, at)
    told = {"armed": found.armed, "promoted": world.nodes[at].role == PRIMARY, "lsn": str(shown.position(world.nodes[at].log))}
    arms = run.at < len(_SWITCHOVER) and _SWITCHOVER[run.at].name == "switchover_armed"
    return told if arms else {**told, "disarmed": not (found.armed or found.promoting)}


def _shown_arming(world: World, run: Run, at: int) -> Result:
    return {**_shown_standby(world, run, at), "token": run.number}


def _candidate(world: World, at: int) -> activation.Candidate:
    node = world.nodes[at]
    done = {"event": "activated", "timeline": node.activated} if node.activated else None
    return activation.Candidate(
        shown.instance_of(world, at), shown.end_of(world, at), shown.stream_of(world), shown.parsed_record(node.record), None, done
    )


def _desired_activation(run: Run) -> activation.Desired:
    options = dict(run.options)
    accept = bool(options.get("accept_loss"))
    if run.intent == "switchover":
        found = switchover_of(run)
        told = {"state": plan_of(run).state, "allowed": True, "reason": "planned switchover", "proof": found.reason}
        return activation.Desired(told, found.exact_loss, None, False, False, "slot", None)
    verdict = activation_verdict_of(run)
    told = {name: getattr(verdict, name) for name in ("state", "allowed", "reason", "proof", "quiet_s")}
    salvage = {"archive": "/salvage", "end": verdict.exact_loss["end"]} if verdict.archive and verdict.exact_loss else None
    return activation.Desired(told, verdict.exact_loss, salvage, accept, bool(options.get("both_down")), "slot", None)


def _activate(world: World, run: Run, at: int) -> list[tuple[str, t.Any]]:
    found, wishes = _candidate(world, at), _desired_activation(run)
    expected = activation.expected_loss(found, wishes, shown.now_of(world))
    salvaged = world.nodes[1 - at].log if wishes.salvage else None
    return _names(activation.plan(found, wishes, expected), ("place_wal", salvaged), ("promote", expected.known != "none"))


def _shown_activation(world: World, _run: Run, at: int) -> Result:
    return {"promoted": world.nodes[at].role == PRIMARY}


# Elsewhere.


def _fence(_world: World, run: Run, _at: int) -> list[tuple[str, t.Any]]:
    return [("fence", _former(run))]


def _shown_fence(world: World, run: Run, _at: int) -> Result:
    return {"fenced": world.fence == _former(run), "proof": "rejected", "quiet_s": shown.quiet_of(world), "changed": True}


def _command(_world: World, run: Run, _at: int) -> list[tuple[str, t.Any]]:
    return [("power_off", _former(run))]


def _nothing(_world: World, _run: Run, _at: int) -> Result:
    return {}


# What becomes the standby.


def _standby_plan_of(run: Run) -> t.Any:
    found = run.result("followed", SEGMENTS).get("key")
    return _PLANS[found][0] if found else plan_of(run) if run.intent in ("rejoin", "enable_mirroring") else None


def _makes(run: Run) -> bool:
    plan = _standby_plan_of(run)
    return bool(plan and not plan.refusal and not plan.left_alone and plan.to_change)


def _source(run: Run) -> int:
    return HOSTS.index(_standby_plan_of(run).primary)


def _target(run: Run) -> int:
    return 1 - _source(run)


def _register(world: World, _run: Run, at: int) -> list[tuple[str, t.Any]]:
    if not world.nodes[at].works or world.nodes[at].role != PRIMARY:
        raise CoordinatorError("the primary does not answer")
    return [] if world.nodes[at].registered else [("register", None)]


def _shown_registration(world: World, _run: Run, at: int) -> Result:
    return {"dbid": 8 if world.nodes[at].registered else None}


def _remake(world: World, run: Run, at: int) -> list[tuple[str, t.Any]]:
    """Rewind or copy it, as its own host plans that."""
    former = former_of(observed.observed({**shown.coordinator(world, at)}))
    plan = _standby_plan_of(run)
    options = plan.rejoin
    if not options:  # it is a standby in its place
        return []
    source = rejoining.source_of({**options}, "1")
    asked = options["method"]
    why = rejoining.refusal(former, source, asked, "gpadmin")
    if why:
        raise CoordinatorError(why)
    method = rejoining.choose(former, source, asked).method
    keeps = method in (rejoining.KEEP, rejoining.START)
    there = world.nodes[1 - at]
    log, forks = (world.nodes[at].log, world.nodes[at].forks) if keeps else (there.log, there.forks)
    return [] if method == rejoining.KEEP else [("remake", (log, forks))]


def _start(world: World, _run: Run, at: int) -> list[tuple[str, t.Any]]:
    if world.nodes[at].role != STANDBY:
        raise CoordinatorError("it is no standby")
    return [] if world.nodes[at].runs else [("start", None)]


def _shown_start(_world: World, _run: Run, _at: int) -> Result:
    return {"settings": {}}


def _shown_verification(world: World, _run: Run, at: int) -> Result:
    seen = world.stream == ON and world.source == at
    return {"primary": {"probe": {"replayed": seen}}}


def _note_record(_world: World, run: Run, _at: int) -> list[tuple[str, t.Any]]:
    return [("record", HOSTS[_source(run)])]


def _verified(run: Run) -> bool:
    return bool((run.result("standby_verification", _source(run)).get("primary") or {}).get("probe", {}).get("replayed"))


def _none(_world: World, _run: Run, _at: int) -> list[tuple[str, t.Any]]:
    return []


def _lift(_world: World, _run: Run, _at: int) -> list[tuple[str, t.Any]]:
    return [("lift", None)]


_STANDBY = (
    Task("standby_registration", _source, _makes, _register, _shown_registration),
    Task("standby_copy", _target, lambda run: _makes(run) and _went("standby_registration", _source, "dbid")(run), _remake, _nothing),
    Task("standby_configuration", _target, lambda run: _makes(run) and _worked("standby_copy", _target)(run), _start, _shown_start),
    Task(
        "standby_verification",
        _source,
        lambda run: _makes(run) and _went("standby_configuration", _target, "settings")(run),
        _none,
        _shown_verification,
    ),
    Task("standby_record", _target, lambda run: _makes(run) and _verified(run), _note_record, _nothing),
    Task(
        "standby_lift",
        lambda run: SEGMENTS,
        lambda run: _makes(run) and bool(_standby_plan_of(run).fenced) and _verified(run),
        _lift,
        _nothing,
    ),
)


def _went(task: str, where: t.Callable[[Run], int], key: str) -> t.Callable[[Run], bool]:
    return lambda run: run.result(task, where(run)).get(key) is not None


def _worked(task: str, where: t.Callable[[Run], int]) -> t.Callable[[Run], bool]:
    def worked(run: Run) -> bool:
        found = run.result(task, where(run))
        return not (found.get("failed") or found.get("unreachable"))

    return worked


# Verdicts.


@cached
def _switchover_verdict(plan: str, stopped: str, disarmed: str, activated: str) -> switchover_verdict.SwitchoverVerdict:
    return switchover_verdict.decide(_PLANS[plan][0], _read(stopped), _read(disarmed), _read(activated))


def switchover_of(run: Run) -> switchover_verdict.SwitchoverVerdict:
    """What is right to do, by what is known so far."""
    told = [
        (task, where(run))
        for task, where in (("switchover_stopped", _former), ("switchover_disarmed", _new), ("switchover_activation", _new))
    ]
    return _switchover_verdict(run.plan, *(json.dumps(run.result(*place), sort_keys=True) for place in told))


def activation_verdict_of(run: Run) -> activate_verdict.ActivationVerdict:
    """The last word before the promotion."""
    results = {host: run.result("activate_standby_start_block", at) for at, host in enumerate(HOSTS)}
    results["sdw1"] = run.result("activate_standby_fence", SEGMENTS)
    return _activation_verdict(run.plan, json.dumps(results, sort_keys=True), json.dumps(run.result("command", CONTROLLER), sort_keys=True))


@cached
def _activation_verdict(key: str, results: str, command: str) -> activate_verdict.ActivationVerdict:
    plan, scene = _PLANS[key]
    return activate_verdict.decide(scene, plan, {host: found for host, found in _read(results).items() if found}, _read(command), False)


def _told(run: Run) -> Run:
    """The run with its verdict registered, as the task that decides does it."""
    if run.intent == "switchover":
        return run._replace(results=_with(run, "switchover_verdict", _new(run), dataclasses.asdict(switchover_of(run))))
    return run._replace(results=_with(run, "activate_standby_verdict", _new(run), dataclasses.asdict(activation_verdict_of(run))))


def _with(run: Run, task: str, at: int, result: Result) -> tuple[tuple[str, int, str], ...]:
    kept = tuple(entry for entry in run.results if entry[:2] != (task, at))
    return (*kept, (task, at, json.dumps(result, sort_keys=True)))


def _decides(run: Run) -> bool:
    return bool(plan_of(run).acts)


def _ask(name: str) -> t.Callable[[Run], bool]:
    return lambda run: bool(getattr(progress_of(run), name))


_SWITCHOVER = (
    Task("switchover_prepared", _former, lambda run: plan_of(run).begin, _prepare, _shown_primary),
    Task("switchover_armed", _new, lambda run: plan_of(run).begin and progress_of(run).prepared, _arm, _shown_arming),
    Task("switchover_stopped", _former, _ask("stops"), _stop, _shown_primary),
    Task("switchover_disarmed", _new, _decides, _disarm, _shown_standby),
    Task("switchover_activation", _new, lambda run: progress_of(_told(run)).forward, _activate, _shown_activation),
    Task("switchover_return", _former, lambda run: progress_of(_told(run)).back, _return, _shown_primary),
    Task("followed", lambda run: SEGMENTS, lambda run: progress_of(_told(run)).promoted, _none, _nothing),
    *_STANDBY,
)

_ACTIVATE_STANDBY = (
    Task("command", lambda run: CONTROLLER, lambda run: plan_of(run).command, _command, lambda _world, _run, _at: {"rc": 0}),
    Task("activate_standby_start_block", _former, lambda run: bool(plan_of(run).start_block), _block, _shown_block),
    Task("activate_standby_fence", lambda run: SEGMENTS, lambda run: bool(plan_of(run).fences), _fence, _shown_fence),
    Task("activate_standby_activation", _new, lambda run: progress_of(_told(run)).allowed, _activate, _shown_activation),
    Task(
        "activate_standby_lift",
        lambda run: SEGMENTS,
        lambda run: bool(
            plan_of(run).fences and run.result("activate_standby_fence", SEGMENTS).get("changed") and progress_of(run).not_promoted
        ),
        _lift,
        _nothing,
    ),
)

TASKS = {"switchover": _SWITCHOVER, "activate_standby": _ACTIVATE_STANDBY, "rejoin": _STANDBY, "enable_mirroring": _STANDBY}


# What steps do.


def _announce(world: World, at: int, token: t.Any) -> World:
    """Write the announcement into the WAL; it fails where the standby does not get it."""
    world = world.node(at, token=token, tail=False)
    if world.stream != ON:
        raise _Partly(world, "the standby did not acknowledge a write in time")
    return world.node(1 - at, token=token, tail=False)


def _shut_down(world: World, at: int, _given: t.Any) -> World:
    """Shut the primary down: its standby gets the checkpoint of that, if there is a stream."""
    world = world.node(at, tail=True)
    if world.stream == ON:
        world = world.node(1 - at, tail=True, log=world.nodes[at].log)
    return stopped(world, at, DOWN)


def _hangs(world: World, at: int) -> World:
    """Break a shutdown off that hangs, and let the primary serve again, which it does after a recovery."""
    world = stopped(world, at, "crashed")
    return started(world.node(at, blocked=False), at)


def _disarmed(world: World, at: int) -> tuple[World, Result]:
    arming = world.nodes[at].arming
    phase = arming.phase if arming else ""
    if phase in ("", WAITING, ANNOUNCED, STALE):
        return world.node(at, arming=None), {"disarmed": True}
    if phase == DIED and world.nodes[at].role != PRIMARY:
        raise CoordinatorError("it did not say how that ended", disarmed=False, promoted=False)
    error = "" if phase == DONE else "it is stopped"
    return world.node(at, arming=None), {"disarmed": False, **({} if phase == DIED else {"handover": {"error": error}})}


def _remade(world: World, at: int, given: t.Any) -> World:
    log, forks = given
    world = stopped(world, at, DOWN) if world.nodes[at].runs else world
    world = broken(world, ENDED)
    return world.node(at, role=STANDBY, log=log, forks=forks, blocked=False, tail=False, token=0, lost=False, registered=False)


def _recorded(world: World, at: int, primary: str) -> World:
    return world.node(at, record=primary)._replace(recorded=True)


def _off(world: World, _at: int, of: int) -> World:
    node = world.nodes[of]
    world = broken(world, "half") if world.stream == ON else world
    return world.node(of, host=OFF, state="crashed" if node.runs else node.state, lost=True)


_EFFECTS: dict[str, t.Callable[[World, int, t.Any], World]] = {
    "block_start": lambda world, at, _given: world.node(at, blocked=True),
    "lift_start_block": lambda world, at, _given: world.node(at, blocked=False),
    "stop": lambda world, at, given: _shut_down(world, at, given) if given else stopped(world, at, DOWN),
    "stop_at_once": lambda world, at, _given: stopped(world, at, "crashed"),
    "start": lambda world, at, _given: world if world.nodes[at].runs else started(world, at),
    "announce": _announce,
    "arm": lambda world, at, token: world.node(at, arming=Arming(WAITING, token)),
    "disarm": lambda world, at, _given: _disarmed(world, at)[0],
    "place_wal": lambda world, at, log: world.node(at, log=log) if log else world,
    "promote": lambda world, at, given: promoted(world, at, bool(given)),
    "note_end": lambda world, at, _given: world.node(at, activated=world.nodes[at].timeline),
    "fence": lambda world, _at, of: world._replace(fence=of),
    "lift": lambda world, _at, _given: world._replace(fence=None),
    "power_off": _off,
    "register": lambda world, at, _given: world.node(at, registered=True),
    "remake": _remade,
    "record": _recorded,
}


class _Partly(CoordinatorError):
    """A step failed, and has changed something before."""

    def __init__(self, world: World, message: str) -> None:
        super().__init__(message)
        self.world = world


# Going on.


def _answers(world: World, at: int) -> bool:
    if at in (0, 1):
        return world.nodes[at].answers
    return world.segments if at == SEGMENTS else True


def _up(world: World, at: int) -> bool:
    return at not in (0, 1) or world.nodes[at].host == "up"


@cached
def _next(run: Run) -> int:
    """The next task that is done."""
    tasks = TASKS[run.intent]
    return next((at for at in range(run.at, len(tasks)) if tasks[at].when(run._replace(at=at))), len(tasks))


@cached
def _finished(run: Run) -> list[str]:
    return list(progress_of(run).finished())


def begin(world: World, intent: str, options: tuple[tuple[str, t.Any], ...] = ()) -> World:
    """The world when a playbook is run."""
    run = Run(world.begun + 1, intent, options, at=-2)
    return world._replace(runs=(*world.runs, run), begun=world.begun + 1)


def _put(world: World, run: Run, then: Run | None) -> World:
    changed = (then if other.number == run.number else other for other in world.runs)
    return world._replace(runs=tuple(other for other in changed if other is not None))


def goes_on(world: World, run: Run) -> Next:
    """What a run does next."""
    name = f"{run.intent} {run.number}"
    if run.module:
        yield from _works(world, run, run.module, name)
    elif run.at < 0:
        yield from _locks(world, run, name)
    else:
        at = _next(run._replace(number=0))
        world, run = _put(world, run, run._replace(at=at)), run._replace(at=at)
        task = TASKS[run.intent][at] if at < len(TASKS[run.intent]) else None
        if task is None:
            yield f"{name} ends", _unlocked(world, run)
        elif task.name == "followed":
            yield f"{name} looks what follows", _put(world, run, _followed(world, run))
        else:
            yield from _begins(world, run, task, name)


def _locks(world: World, run: Run, name: str) -> Next:
    """Lock both hosts, look, and plan."""
    at = run.at + 2
    if at < 2:
        result: Result = shown.SILENT
        locked = world
        if world.nodes[at].answers:
            locked, result = _take(world, run, at)
        after = run._replace(results=_with(run, "lock", at, result), at=run.at + 1)
        locked = _put(locked, run, after)
        if after.at < 0:
            yield f"{name} locks {HOSTS[at]}", locked
            return
        world, run = locked, after
    yield f"{name} plans", _looked(world, run)


def _looked(world: World, run: Run) -> World:
    """The world when a run has looked and planned."""
    locks = {str(where): _read(text) for task, where, text in run.results if task == "lock"}
    key = _planned(run.intent, run.options, _seen(world), json.dumps(locks, sort_keys=True))
    plan = _PLANS[key][0]
    after = run._replace(plan=key)
    acts = plan.acts if hasattr(plan, "acts") else _makes(after)
    if acts:
        return _put(world, run, after)
    if not (plan.refusal or getattr(plan, "done", "") or getattr(plan, "left_alone", "") or getattr(plan, "to_change", None) == []):
        raise Violation(f"{run.intent} does nothing, and does not say why")
    return _unlocked(_put(world, run, after), after)


def _followed(world: World, run: Run) -> Run:
    """A switchover that plans how the former primary follows."""
    locks = {str(where): _read(text) for task, where, text in run.results if task == "lock"}
    part = (("standby_part_of", plan_of(run).begins),)
    key = _planned("enable_mirroring", part, _seen(world), json.dumps(locks, sort_keys=True))
    told = {"clusters": {"demo": dataclasses.asdict(_PLANS[key][0])}}
    after = run.knows("followed", SEGMENTS, {"key": key})
    return after._replace(results=_with(after, "standby_plan", _new(run), told))


def _begins(world: World, run: Run, task: Task, name: str) -> Next:
    """A task is begun on its host, whose module observes and plans."""
    at = task.at(run)
    where = (*HOSTS, "the segments", "the controller")[at]
    if not _answers(world, at):
        yield f"{name}: {task.name} does not reach {where}", _put(world, run, run.knows(task.name, at, shown.SILENT))
        return
    try:
        steps = tuple(task.plan(world, run, at))
    except CoordinatorError as error:
        known = {**(_shown_activation(world, run, at) if task.name.endswith("activation") else {}), **error.data}
        told = run.knows(task.name, at, {"failed": True, "msg": error.message, **{k: v for k, v in known.items() if k != "loss"}})
        yield f"{name}: {task.name} is refused on {where}: {error.message[:80]}", _put(world, run, told)
        return
    begins = ""
    plan = plan_of(run)
    if at in (0, 1):
        begins = plan.begins
    module = Module(task.name, at, steps, run.number, begins)
    if not steps:
        yield f"{name}: {task.name} has nothing to do on {where}", _put(world, run, run.knows(task.name, at, task.show(world, run, at)))
        return
    yield f"{name}: {task.name} begins on {where}", _put(world, run, run._replace(module=module))


def _step(world: World, module: Module) -> tuple[World, str, dict[str, t.Any] | None]:
    """One step of a module: the world then, what it adds to its result, and its failure."""
    step, given = module.steps[0]
    try:
        if module.at in (0, 1):
            world = _keep(world, module)
        if step == "disarm":
            world, heard = _disarmed(world, module.at)
            return world, json.dumps(heard), None
        return _EFFECTS[step](world, module.at, given), module.heard, None
    except _Partly as error:
        return error.world, module.heard, {"failed": True, "msg": error.message, "failed_step": step}
    except CoordinatorError as error:
        return world, module.heard, {"failed": True, "msg": error.message, "failed_step": step, **error.data}


def _waits(world: World, module: Module) -> bool:
    """Whether the next step waits for something: a process that promotes the standby."""
    arming = world.nodes[module.at].arming if module.at in (0, 1) else None
    return module.steps[0][0] == "disarm" and arming is not None and arming.phase == PROMOTING


def _works(world: World, run: Run, module: Module, name: str) -> Next:
    """A module goes on, and its run hears of it."""
    step = module.steps[0][0]
    if not _answers(world, module.at):
        # the run hears nothing more of it, which may go on
        lost = _put(world, run, run.knows(module.task, module.at, shown.SILENT))
        off = module.at in (0, 1) and world.nodes[module.at].host == OFF
        yield f"{name}: {module.task} is not heard of any more", lost if off else lost._replace(orphans=(*lost.orphans, module))
        return
    if _waits(world, module):
        return
    after, heard, failure = _step(world, module)
    if failure is None and len(module.steps) > 1:
        yield f"{name}: {step}", _put(after, run, run._replace(module=module._replace(steps=module.steps[1:], heard=heard)))
        return
    task, *_others = (task for task in TASKS[run.intent] if task.name == module.task)
    extra = _read(heard)
    result = {**task.show(after, run, module.at), **extra} if failure is None else failure
    if failure is not None and module.task.endswith("activation"):
        result = {**_shown_activation(after, run, module.at), **failure}
    yield f"{name}: {step}{' fails' if failure else ''}", _put(after, run, run.knows(module.task, module.at, result))


def alone(world: World, module: Module) -> Next:
    """A module goes on that nobody hears of."""
    rest = tuple(other for other in world.orphans if other is not module)
    if module.at in (0, 1) and world.nodes[module.at].host == OFF:
        yield "a module ended with its host", world._replace(orphans=rest)
        return
    if not _up(world, module.at) or _waits(world, module):
        return
    after, _heard, failure = _step(world, module)
    left = (module._replace(steps=module.steps[1:]),) if failure is None and len(module.steps) > 1 else ()
    yield f"unheard: {module.steps[0][0]}{' fails' if failure else ''}", after._replace(orphans=(*rest, *left))


def _unlocked(world: World, run: Run) -> World:
    """The world when a run has released its locks and ended."""
    finished = _finished(run._replace(number=0)) if run.plan else []
    for at, node in enumerate(world.nodes):
        if node.answers and node.lock == run.number:
            world = world.node(at, lock=0, lapsed=False, note="" if node.note in finished else node.note)
    return _put(world, run, None)


def interrupts(world: World) -> Next:
    """What may happen to runs and modules, each a fault."""
    for run in world.runs:
        name = f"{run.intent} {run.number}"
        gone = _put(world, run, None)
        yield f"{name} is killed", gone
        if run.module:
            yield f"{name} is killed, its module goes on", gone._replace(orphans=(*gone.orphans, run.module))
            killed = run.knows(run.module.task, run.module.at, {"failed": True, "msg": "MODULE FAILURE"})
            yield f"{name}: its module {run.module.task} is killed", _put(world, run, killed)
            step, _given = run.module.steps[0]
            node = world.nodes[run.module.at] if run.module.at in (0, 1) else None
            if step == "stop" and run.module.task == "switchover_stopped" and node and node.answers and node.runs:
                hung = {"failed": True, "serves": True, "msg": "the shutdown hung", "failed_step": "stop"}
                yield (
                    f"{name}: the shutdown hangs",
                    _put(_hangs(world, run.module.at), run, run.knows(run.module.task, run.module.at, hung)),
                )
    for module in world.orphans:
        yield "an unheard module is killed", world._replace(orphans=tuple(other for other in world.orphans if other is not module))
    alive = {run.number for run in world.runs}
    for at, node in enumerate(world.nodes):
        if node.lock in alive and not node.lapsed:
            yield f"the lock on {HOSTS[at]} lapses, its run lives", world.node(at, lapsed=True)


def expires(world: World) -> Next:
    """Locks of runs that are gone lapse."""
    alive = {run.number for run in world.runs}
    for at, node in enumerate(world.nodes):
        if node.lock and node.lock not in alive and not node.lapsed:
            yield f"the lock on {HOSTS[at]} lapses", world.node(at, lapsed=True)


__all__ = ["PAUSED", "RUNNING", "TASKS", "Run", "alone", "begin", "expires", "goes_on", "interrupts", "plan_of", "state_of"]
