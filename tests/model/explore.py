# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every world that can come about, breadth first, and whether there is a way back from it."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from . import runs
from .world import (
    DIED,
    DONE,
    DOWN,
    FAILED,
    HALF,
    HOSTS,
    MIRRORED,
    OFF,
    PRIMARY,
    UP,
    Next,
    Violation,
    World,
    by_itself,
    check,
    cut_off,
    fails,
    recovers,
    started,
    stopped,
)

Options = t.Tuple[t.Tuple[str, t.Any], ...]

#: what operators say of an activation
FENCE: Options = (("fence_segments", True),)
ACCEPT: Options = (("accept_loss", True),)
COMMAND: Options = (("fence_command", "power-off"),)
BOTH: Options = (("both_down", True), *ACCEPT)
TO_CDW: Options = (("switchover_to", "cdw"),)


def confirm(host: str) -> Options:
    """The operator says that a host is down."""
    return (("confirm_down", host), *ACCEPT)


@dataclasses.dataclass(frozen=True)
class Scope:
    """What is explored.

    :param playbooks: that may be run: their intents and options.
    :param runs: how many of them at most.
    :param together: how many at once.
    :param faults: how many at most.
    :param writes: how many at most.
    :param begins: how it may begin, what has failed by then is none of the faults; the pair is mirrored without it.
    """

    playbooks: tuple[tuple[str, Options], ...]
    runs: int
    together: int = 1
    faults: int = 1
    writes: int = 1
    begins: tuple[tuple[str, World], ...] = (("", MIRRORED),)


@dataclasses.dataclass
class Explored:
    """What was seen.

    :param worlds: how many.
    :param transitions: between them.
    :param seen: what happened in them, in words.
    :param violation: what happened that never may; empty without.
    :param path: what led to it.
    """

    worlds: int = 0
    transitions: int = 0
    seen: set[str] = dataclasses.field(default_factory=set)
    violation: str = ""
    path: list[str] = dataclasses.field(default_factory=list)


def true(world: World, options: Options) -> bool:
    """Whether operators may say this: of a host they say that it is down only where it is, or hangs and is to be stopped."""
    host = dict(options).get("confirm_down")
    node = world.nodes[HOSTS.index(host)] if host else None
    return node is None or node.host == OFF or (node.host == UP and node.state == "hung")


def playbooks(world: World, scope: Scope) -> Next:
    """Playbooks are begun."""
    if world.begun >= scope.runs or len(world.runs) >= scope.together:
        return
    for intent, options in scope.playbooks:
        if not true(world, options):
            continue
        begun = runs.begin(world, intent, options)
        host = dict(options).get("confirm_down")
        if host:
            begun = begun.node(HOSTS.index(host), lost=True)  # whoever says so keeps it so
        yield f"{intent} {dict(options) or ''} is run".replace("  ", " "), begun


def following(world: World, scope: Scope) -> Next:
    """All that may happen next."""
    yield from by_itself(world, scope.writes)
    yield from recovers(world)
    yield from runs.expires(world)
    yield from playbooks(world, scope)
    for run in world.runs:
        yield from runs.goes_on(world, run)
    for module in world.orphans:
        yield from runs.alone(world, module)
    if world.faults:
        for what, after in (*fails(world), *runs.interrupts(world)):
            yield f"FAULT {what}", after._replace(faults=world.faults - 1)


def explore(scope: Scope, ways: Ways | None = None) -> Explored:
    """See every world that can come about.

    :param ways: finds the way back from each of them; None: that is not asked.
    """
    before: dict[World, tuple[World | None, str]] = {begin._replace(faults=scope.faults): (None, what) for what, begin in scope.begins}
    due = collections.deque(before)
    found = Explored()
    world, what = due[0], ""
    try:
        while due:
            world, what = due.popleft(), ""
            if ways and not world.runs and not world.orphans:
                ways.see(world)
            for what, after in following(world, scope):
                found.transitions += 1
                if after not in before:
                    before[after] = (world, what)
                    found.seen.add(what)
                    check(after)
                    due.append(after)
    except Violation as violation:
        found.violation, found.path = str(violation), [what] if what else []
        at: World | None = world
        while at is not None:
            at, what = before[at]
            found.path.insert(0, what)
    found.worlds = len(before)
    return found


def after_each_fault(begin: World) -> tuple[tuple[str, World], ...]:
    """How a world may go on from a fault, by what it is."""
    return (*fails(begin), ("cdw is cut off from all but the segments", cut_off(begin, 0)))


def while_it_runs(intent: str, faults: t.Container[str]) -> t.Iterator[tuple[str, World]]:
    """The worlds on the straight way of a playbook from a mirrored pair, each after some faults."""
    world = runs.begin(MIRRORED, intent)
    what = intent
    while world.runs:
        yield from ((f"{what}; {fault}", after) for fault, after in fails(world) if fault in faults)
        (what, world), *_others = runs.goes_on(world, world.runs[0])


class Ways:
    """Whether a pair comes to be mirrored again, or what a playbook says instead names a way that exists.

    What failed is mended, what was begun has ended; then an operator starts instances and runs playbooks, nothing fails.
    """

    #: what an operator tries, the likely first
    _TRIES: t.ClassVar[tuple[tuple[str, Options], ...]] = (
        ("switchover", ()),
        ("rejoin", ()),
        ("enable_mirroring", ()),
        ("activate_standby", ()),
        ("activate_standby", ACCEPT),
        ("activate_standby", BOTH),
    )

    def __init__(self, depth: int = 4) -> None:
        self._depth = depth
        self._good: set[World] = set()

    def see(self, world: World) -> None:
        """See that there is a way.

        :raises Violation: there is none.
        """
        begun = self._settled(world)
        if not self._leads(begun):
            raise Violation(f"there is no way back: the pair is {runs.state_of(begun)}")

    def _leads(self, begun: World) -> bool:
        """Whether a way leads from there to a mirrored pair with nothing left behind."""
        due = collections.deque([begun])
        before: dict[World, tuple[World, str] | None] = {begun: None}
        while due:
            world = due.popleft()
            path = [world]
            while before[path[-1]] is not None:
                path.append(t.cast(t.Tuple[World, str], before[path[-1]])[0])
            if world in self._good or self._whole(world):
                self._good.update(path)
                return True
            for what, after in self._tried(world) if len(path) <= self._depth else ():
                try:
                    after = self._settled(after)
                except Violation as violation:
                    told = [t.cast(t.Tuple[World, str], before[one])[1] for one in reversed(path[:-1])]
                    raise Violation(f"{violation}, when all is mended, after: {'; '.join([*told, what])}") from violation
                if after not in before:
                    before[after] = (world, what)
                    due.append(after)
        return False

    @staticmethod
    def _whole(world: World) -> bool:
        left = any(node.blocked or node.note or node.lock or node.arming for node in world.nodes)
        return not left and world.fence is None and runs.state_of(world) == "mirrored"

    def _tried(self, world: World) -> Next:
        serving = [at for at, node in enumerate(world.nodes) if node.runs and node.role == PRIMARY]
        for at, node in enumerate(world.nodes):
            if not node.runs and not node.blocked and not (serving and node.role == PRIMARY):
                yield f"{HOSTS[at]} is started", started(world, at)
            # two that run are a split brain, and rejoin tells of one that went on to a later timeline
            if at in serving and world.fence == at and world.nodes[1 - at].timeline > node.timeline:
                yield f"the fenced instance on {HOSTS[at]} is stopped, as that says", stopped(world, at, DOWN)
        for intent, options in self._TRIES:
            yield intent, runs.begin(world, intent, options)

    def _settled(self, world: World) -> World:
        """The world when all is mended, and what goes on has come to its end."""
        world = world._replace(faults=0, written=0, begun=0 if not world.runs else world.begun)
        for _number in range(1000):
            after = next(self._settles(world), None)
            if after is None:
                break
            world = after
            check(world)
        # no arming waits for what was announced any more, and numbers of runs begin anew
        nodes = [node._replace(lost=False, token=0) for node in world.nodes]
        return world._replace(nodes=(nodes[0], nodes[1]), begun=0)

    @staticmethod
    def _settles(world: World) -> t.Iterator[World]:
        for _what, after in recovers(world):
            yield after
        for _what, after in by_itself(world, 0):
            if not _what.endswith(("is started", "is late", "expires")) and not (world.stream == HALF and "gives" in _what):
                yield after
        for run in world.runs:
            for _what, after in runs.goes_on(world, run):
                yield after
        for module in world.orphans:
            for _what, after in runs.alone(world, module):
                yield after
        if not world.runs:
            for _what, after in runs.expires(world):
                yield after
            for at, node in enumerate(world.nodes):
                if node.lock and not world.orphans:
                    yield world.node(at, lock=0, lapsed=False)
                if node.arming and node.arming.phase not in (DIED, DONE, FAILED):
                    yield world.node(at, arming=None)
