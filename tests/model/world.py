# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A pair of coordinators with all that the protocol depends on, as small as it can be, and what happens to it by itself.

Runs of playbooks are in ``runs.py``. What happens here is not the collection's: clients write, WAL streams, hosts fail and come back,
operators start instances, time passes.
"""

from __future__ import annotations

import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.wal import End
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import shutdown_proof

UP, PAUSED, OFF = "up", "paused", "off"
RUNNING, HUNG, DOWN, CRASHED = "running", "hung", "shut down", "crashed"
PRIMARY, STANDBY = "primary", "standby"

#: the stream of WAL: it flows; nothing gets through, and commits wait; the primary has ended it, unheard by the standby; both know
ON, HALF, GONE, ENDED = "on", "half", "gone", "ended"

#: what is left of an arming: a process waits; has seen the announcement; has ended, and left its file; promotes; did not say how that
#: ended; said that it did; said that it could not
WAITING, ANNOUNCED, STALE, PROMOTING, DIED, DONE, FAILED = "waiting", "announced", "stale", "promoting", "died", "done", "failed"

HOSTS = ("cdw", "scdw")


class Violation(Exception):
    """Something happened that never may."""


class Arming(t.NamedTuple):
    """An armed standby.

    :param phase: one of the above.
    :param token: what it waits for.
    :param other: whether its walreceiver is another one than at its last look.
    :param late: whether the announcement came too long ago.
    """

    phase: str
    token: int
    other: bool = False
    late: bool = False


class Node(t.NamedTuple):
    """A host where the coordinator may live, and its instance.

    :param host: :data:`UP`, :data:`PAUSED` or :data:`OFF`.
    :param reached: whether the controller's network reaches it.
    :param role: of the instance, by its files.
    :param state: of the instance.
    :param forks: of the timelines before, how many writes were in the WAL when they were left.
    :param log: the writes in its WAL.
    :param tail: whether the last record of that is the checkpoint of a shutdown, or looks like it.
    :param token: announcement in its WAL, 0 without one.
    :param blocked: whether it is start-blocked.
    :param registered: whether its catalog has a standby.
    :param record: host that its record of the cluster has as the primary; empty without one.
    :param activated: timeline that its audit tells of a complete activation; 0 without one.
    :param note: what a run noted here that it began.
    :param lock: the run that holds the lock here, 0 for none.
    :param lapsed: whether that was not renewed in time.
    :param arming: of the standby.
    :param lost: whether its operator gave the host up.
    """

    host: str = UP
    reached: bool = True
    role: str = PRIMARY
    state: str = RUNNING
    forks: tuple[int, ...] = ()
    log: tuple[int, ...] = ()
    tail: bool = False
    token: int = 0
    blocked: bool = False
    registered: bool = False
    record: str = ""
    activated: int = 0
    note: str = ""
    lock: int = 0
    lapsed: bool = False
    arming: Arming | None = None
    lost: bool = False

    @property
    def timeline(self) -> int:
        """The timeline of the instance."""
        return len(self.forks) + 1

    @property
    def runs(self) -> bool:
        """Whether processes of the instance are there."""
        return self.state in (RUNNING, HUNG)

    @property
    def works(self) -> bool:
        """Whether the instance gets anything done."""
        return self.host == UP and self.state == RUNNING

    @property
    def answers(self) -> bool:
        """Whether the controller can work there."""
        return self.host == UP and self.reached


class World(t.NamedTuple):
    """All of it.

    :param nodes: the two coordinators.
    :param stream: between them.
    :param linked: whether their network lets packets through.
    :param late: whether the stream broke longer ago than a primary waits for its standby.
    :param heard: whether a segment had data from the primary after the stream broke.
    :param recorded: whether the stream is the one that was seen in sync when the record was written.
    :param fence: the coordinator that segments reject; None for none.
    :param segments: whether the controller reaches the segments.
    :param acknowledged: writes that clients know to be committed.
    :param stated: those among them that an activation told may be lost.
    :param written: how many writes there were.
    :param runs: of playbooks, in progress.
    :param orphans: modules whose runs do not hear of them any more.
    :param begun: how many runs there were.
    :param faults: how many may still happen.
    """

    nodes: tuple[Node, Node]
    stream: str = ON
    linked: bool = True
    late: bool = False
    heard: bool = False
    recorded: bool = True
    fence: int | None = None
    segments: bool = True
    acknowledged: frozenset[int] = frozenset()
    stated: frozenset[int] = frozenset()
    written: int = 0
    runs: tuple[t.Any, ...] = ()
    orphans: tuple[t.Any, ...] = ()
    begun: int = 0
    faults: int = 0

    def node(self, at: int, **changes: t.Any) -> World:
        """The same with something of a node changed."""
        nodes = list(self.nodes)
        nodes[at] = nodes[at]._replace(**changes)
        return self._replace(nodes=(nodes[0], nodes[1]))

    @property
    def source(self) -> int | None:
        """The one that is primary by its files, where the other one is not."""
        found = [at for at, node in enumerate(self.nodes) if node.role == PRIMARY]
        return found[0] if len(found) == 1 else None

    def lands(self, at: int) -> bool:
        """Whether it can commit what is written."""
        return self.nodes[at].works and self.nodes[at].role == PRIMARY and self.fence != at


#: how it begins
MIRRORED = World((Node(registered=True), Node(role=STANDBY, record="cdw")))

Next = t.Iterator[t.Tuple[str, World]]


def check(world: World) -> None:
    """See that nothing happened that never may.

    :raises Violation: it did.
    """
    if all(world.lands(at) for at in (0, 1)):
        raise Violation("two coordinators can write")
    if not world.acknowledged <= world.stated.union(*(node.log for node in world.nodes)):
        raise Violation("an acknowledged write is lost, and nobody said so")


def promoted(world: World, at: int, stated: bool) -> World:
    """The world when an instance has become primary.

    :param stated: whether it was said that something may be lost.
    :raises Violation: something is lost, and nobody said so.
    """
    lost = world.acknowledged - world.stated - {*world.nodes[at].log}
    if lost and not stated:
        raise Violation(f"{HOSTS[at]} became primary without acknowledged writes, and nobody said so")
    world = world._replace(stated=world.stated | lost)
    if world.stream == ON:
        world = broken(world, ENDED)
    node = world.nodes[at]
    return world.node(at, role=PRIMARY, forks=(*node.forks, len(node.log)), registered=False, tail=False, token=0)


def released(world: World) -> World:
    """The world when commits of the primary wait no longer."""
    source = world.source
    if source is None or not world.lands(source):
        return world
    fresh = {*world.nodes[source].log} - world.acknowledged
    return world._replace(acknowledged=world.acknowledged | fresh, heard=world.heard or bool(fresh))


def broken(world: World, how: str) -> World:
    """The world when the stream broke in some way."""
    if world.stream == how or (world.stream == ENDED and how != ON):
        return world
    world = world._replace(stream=how, heard=world.heard and world.stream != ON)
    return released(world) if how in (GONE, ENDED) else world


def stopped(world: World, at: int, state: str) -> World:
    """The world when an instance ended, and its sockets with it."""
    world = world.node(at, state=state)
    if world.stream == ON:
        return broken(world, ENDED)
    return broken(world, GONE) if world.stream == HALF and world.nodes[at].role == PRIMARY else world


def started(world: World, at: int) -> World:
    """The world when an instance was started; one that recovers from a crash writes a checkpoint as that of a shutdown."""
    node = world.nodes[at]
    if world.stream in (HALF, GONE):
        world = broken(world, ENDED)
    return world.node(at, state=RUNNING, tail=node.state == CRASHED and node.role == PRIMARY, lost=False)


def flowed(world: World) -> World:
    """The world when the standby has what its primary has, by the stream that there is."""
    source = t.cast(int, world.source)
    there = world.nodes[source]
    world = world.node(1 - source, log=there.log, forks=there.forks, tail=there.tail, token=there.token)
    return released(world) if world.stream == ON else world


def connects(world: World) -> bool:
    """Whether the standby gets to its primary."""
    source = world.source
    if source is None or world.stream == ON or not world.linked:
        return False
    there, here = world.nodes[source], world.nodes[1 - source]
    fits = here.log == there.log[: len(here.log)] and here.forks == there.forks[: len(here.forks)]
    fits = fits and len(here.log) <= min(there.forks[len(here.forks) :], default=len(here.log))
    return there.works and here.works and there.registered and fits


def by_itself(world: World, writes: int) -> Next:
    """What happens without a fault.

    :param writes: how many there may be in all.
    """
    source = world.source
    if source is not None and connects(world):
        here = world.nodes[1 - source]
        if world.stream == HALF:
            yield "the stream goes on", flowed(world._replace(stream=ON, late=False, heard=False))
        else:
            anew = world.node(1 - source, arming=here.arming._replace(other=True)) if here.arming else world
            yield "the standby connects", flowed(anew._replace(stream=ON, late=False, heard=False, recorded=False))
    for at, node in enumerate(world.nodes):
        if world.written < writes and world.lands(at):
            wrote = world.node(at, log=(*node.log, world.written + 1), tail=False)._replace(written=world.written + 1)
            if world.stream == ON:
                yield f"a write on {HOSTS[at]}", flowed(wrote)
            elif world.stream == HALF:
                yield f"a write on {HOSTS[at]} waits", wrote
                yield f"a write on {HOSTS[at]} waits, of which segments heard", wrote._replace(heard=True)
            else:
                yield f"a write on {HOSTS[at]} is alone", released(wrote)._replace(heard=True)
        if node.host == UP and not node.runs and not (node.blocked or node.lost):
            yield f"{HOSTS[at]} is started", started(world, at)
        yield from _armed(world, at)
    if world.stream == HALF:
        yield "the primary gives its standby up", broken(world._replace(late=True), GONE)


def _armed(world: World, at: int) -> Next:
    """What the process of an arming does."""
    node = world.nodes[at]
    arming = node.arming
    if arming is None or node.host != UP:
        return
    if arming.phase == PROMOTING:
        if node.works:
            yield f"{HOSTS[at]} promotes itself", promoted(world, at, False).node(at, arming=arming._replace(phase=DONE))
        else:
            yield f"{HOSTS[at]} cannot promote itself", world.node(at, arming=arming._replace(phase=FAILED))
    if arming.phase == ANNOUNCED and not arming.late:
        yield "the proof is late", world.node(at, arming=arming._replace(late=True))
    if arming.phase in (WAITING, ANNOUNCED):
        yield "the arming expires", world.node(at, arming=None)
        phase = looked(world, at)
        if phase != arming.phase or arming.other:
            yield (
                f"{HOSTS[at]} looks at its WAL: {phase}",
                world.node(at, arming=arming._replace(phase=phase, other=False) if phase else None),
            )


def looked(world: World, at: int) -> str:
    """What the process of an arming knows after a look; empty where it ends."""
    node = world.nodes[at]
    arming = t.cast(Arming, node.arming)
    arrived = node.token == arming.token and node.role == STANDBY
    end = End(1, Lsn(20 if arrived else 10), t.cast(t.Any, None), shutdown=node.tail)
    watch = shutdown_proof.Watch(shutdown_proof.Arming("token", 1, "0/A", 1e9, 10.0), 0.0, 1)

    def holds(_end: End, since: Lsn, _token: bytes) -> bool:
        return arrived and since < Lsn(20)

    last = 0.0
    if arming.phase == ANNOUNCED:
        last = 1.0
        watch.look(End(1, Lsn(20), t.cast(t.Any, None)), last, 1, last, lambda _end, _since, _token: True)
    now = 100.0 if arming.late else last + 0.5
    connected = world.stream in (ON, HALF) and node.works
    receiver = (2 if arming.other else 1) if connected else 2 if arming.other else None
    proof = watch.look(end, now, receiver, now, holds)
    if proof is not None:
        return PROMOTING
    if watch.over:
        return ""
    return ANNOUNCED if arrived or arming.phase == ANNOUNCED else WAITING


def recovers(world: World) -> Next:
    """What is mended again."""
    for at, node in enumerate(world.nodes):
        if node.host == PAUSED:
            yield f"{HOSTS[at]} is resumed", world.node(at, host=UP)
        if node.host == OFF:
            yield f"{HOSTS[at]} boots", broken(world.node(at, host=UP), ENDED)
        if not node.reached:
            yield f"{HOSTS[at]} is reached again", world.node(at, reached=True)
        if node.state == HUNG and not node.lost:
            yield f"{HOSTS[at]} is not hung any more", world.node(at, state=RUNNING)
        if node.state == HUNG and node.lost and node.host == UP:
            yield f"{HOSTS[at]} is down, as its operator said", stopped(world, at, CRASHED)
    if not world.linked:
        yield "the link is there again", world._replace(linked=True)
    if not world.segments:
        yield "segments are reached again", world._replace(segments=True)


def fails(world: World) -> Next:
    """What fails, each a fault."""
    for at, node in enumerate(world.nodes):
        name = HOSTS[at]
        if node.host == UP:
            silent = broken(world, HALF) if world.stream == ON else world
            yield f"{name} is paused", silent.node(at, host=PAUSED)
            arming = node.arming
            if arming:
                arming = arming._replace(phase={WAITING: STALE, ANNOUNCED: STALE, PROMOTING: DIED}.get(arming.phase, arming.phase))
            state = CRASHED if node.runs else node.state
            yield f"{name} loses power", silent.node(at, host=OFF, state=state, arming=arming)
            if node.runs:
                yield f"the instance on {name} is killed", stopped(world, at, CRASHED)
            if node.arming and node.arming.phase in (WAITING, ANNOUNCED, PROMOTING):
                phase = DIED if node.arming.phase == PROMOTING else STALE
                yield f"the armed process on {name} is killed", world.node(at, arming=node.arming._replace(phase=phase))
        if node.works and node.role == PRIMARY:
            yield f"{name} hangs", world.node(at, state=HUNG)
            how = ENDED if world.stream == ON else GONE if world.stream == HALF else world.stream
            yield f"{name} recovers from a crash", _recovered(world, at, how)
            if world.stream == HALF:
                yield f"{name} releases its commits", broken(world, GONE)
        if node.reached:
            yield f"{name} is cut off from the controller", world.node(at, reached=False)
    if world.linked:
        yield "the link is cut", (broken(world, HALF) if world.stream == ON else world)._replace(linked=False)
    if world.segments:
        yield "segments are not reached", world._replace(segments=False)


def cut_off(world: World, at: int) -> World:
    """The world when a host is cut off from all but the segments."""
    return broken(world, HALF)._replace(linked=False).node(at, reached=False)


def _recovered(world: World, at: int, how: str) -> World:
    """The world when an instance restarted itself: its sessions and streams have ended before, and none of them was acknowledged."""
    world = world.node(at, state=CRASHED)
    world = broken(world, how)
    return world.node(at, state=RUNNING, tail=True)
