# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What people read of a run, made of its events: a line for a step that did something, failures at its end, screens last.

Results are what any module returned, of whatever form: nothing is taken for granted of them.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show import result_words
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.people import harmless
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.result_words import Result

#: how a line is meant
PLAIN, GOOD, CHANGED, WARNING, BAD = "plain", "good", "changed", "warning", "bad"

#: how a task ended on a host
OK, FAILED, UNREACHABLE = "ok", "failed", "unreachable"

#: how many clusters or hosts are named in a line, and how many hosts of one cluster
_NAMED, _NAMED_HOSTS = 6, 3
#: actions of this collection whose results are the controller's own: they tell what people read
_TELLING = ("warehousepg.coordinator.intent", "warehousepg.coordinator.coordinator_lock")
#: actions that do nothing of their own: what they say is all there is to tell
_SPEAKERS = ("fail", "assert", "intent")


@dataclasses.dataclass(frozen=True)
class Line:
    """A line to print, or, of a difference, several."""

    text: str
    tone: str = PLAIN


@dataclasses.dataclass(frozen=True)
class Task:
    """A task of a play.

    :param key: what tells it from others of its name.
    :param name: what it is called, without its role.
    :param action: what it runs.
    :param own: whether it is of a role of this collection, which itself tells of a host that it does without.
    :param once: whether one host does it for all of them.
    :param check_mode: whether it only foretells.
    """

    key: str
    name: str
    action: str = ""
    own: bool = False
    once: bool = False
    check_mode: bool = False

    @property
    def module(self) -> str:
        """What it runs, without its collection."""
        return self.action.rpartition(".")[2]


@dataclasses.dataclass
class _Failure:
    """What is told when the run ends, unless it was rescued.

    :param label: the cluster, or the host; empty where it is of the whole run.
    :param line: what its task has told itself of it; it is printed when the run ends.
    """

    host: str
    label: str
    task: Task
    ending: str
    message: str
    line: str = ""
    reported: bool = False

    @property
    def who(self) -> str:
        """Of whom it is told."""
        return self.host if self.ending == UNREACHABLE else self.label

    @property
    def text(self) -> str:
        """What is said of it alone, or the line, if that says as much."""
        text = _said_of([self])
        return self.line if self.line and _says(text, self.line, self.label) else text

    def matches(self, line: str) -> bool:
        """Whether a line says the same, or one of both says more."""
        text = _said_of([self])
        told = self.ending == FAILED and self.task.module in _SPEAKERS and line.startswith(f"{self.label}: ")
        return told and (_says(line, text, self.label) or _says(text, line, self.label))


@dataclasses.dataclass
class _Group:
    """What is to be said of a task on the hosts that it has ended on; by host, the seconds it took, None where that is not known."""

    task: Task
    changed: dict[str, float | None] = dataclasses.field(default_factory=dict)
    failed: dict[str, float | None] = dataclasses.field(default_factory=dict)
    steps: dict[str, str] = dataclasses.field(default_factory=dict)
    messages: list[Line] = dataclasses.field(default_factory=list)
    differences: list[Line] = dataclasses.field(default_factory=list)
    told: list[str] = dataclasses.field(default_factory=list)


class Run:
    """The events of a run in their order; those that return lines return what can be printed then."""

    def __init__(self) -> None:
        self._cluster_of: dict[str, str] = {}
        self._hosts: dict[str, int] = {}
        self._began: dict[tuple[str, str], float] = {}
        self._groups: dict[str, _Group] = {}
        self._failures: list[_Failure] = []
        self._screens: list[list[str]] = []
        self._told: list[str] = []

    def play(self) -> list[Line]:
        """A play begins, or a batch of one: the last one is over."""
        self._began.clear()
        return [*self._over(), *self._last()]

    def task(self) -> list[Line]:
        """A task begins. By the strategy free, others may go on meanwhile."""
        return self._over({key for key, _host in self._began})

    def begin(self, key: str, host: str, now: float) -> None:
        """A task begins on a host.

        :param now: seconds.
        """
        self._began[key, host] = now
        self._hosts.setdefault(host, len(self._hosts))

    def end(self, task: Task, host: str, ending: str, result: Result, now: float, ignored: bool = False) -> None:
        """A task ended on a host, otherwise than by being skipped.

        :param ignored: whether the play goes on as if it had not failed.
        """
        began = self._began.pop((task.key, host), None)
        seconds = None if began is None else max(now - began, 0.0)
        # the first word counts, which is the controller's: what comes later may be a host's
        self._cluster_of[host] = self._cluster_of.get(host) or result_words.cluster(result)
        group = self._groups.setdefault(task.key, _Group(task))
        if ending != OK and ignored:
            if not task.own:
                said = harmless(f"{self._label(host)}: {task.name}: {ending}, ignored: {result_words.message(result)}")
                group.messages.append(Line(said, WARNING))
        elif ending != OK:
            label = "" if task.own and task.once else self._label(host)
            self._failures.append(_Failure(host, label, task, ending, result_words.message(result)))
            if task.module not in _SPEAKERS and ending == FAILED:
                group.failed[host] = seconds
        elif task.module == "debug":
            group.messages += [Line(harmless(f"{self._label(host)}: {line}")) for line in result_words.debugged(result)]
        elif result.get("changed"):
            group.changed[host] = seconds
            group.steps[host] = result_words.steps(result)
        for block in result_words.told(result) if task.action in _TELLING else ():
            if block[0]:
                group.told += block
            else:
                self._screens.append(block)

    def skip(self, key: str, host: str) -> None:
        """A task was skipped on a host."""
        self._began.pop((key, host), None)

    def difference(self, task: Task, text: str) -> None:
        """What a task changes on a host, before it ends there; the text is harmless."""
        self._groups.setdefault(task.key, _Group(task)).differences.append(Line(text.rstrip("\n")))

    def finish(self, failed: t.Mapping[str, int] | None = None) -> list[Line]:
        """The run is over.

        :param failed: by host, how many of its failures were not rescued, since the first run of this kind; None where that is not known.
            Those are the last ones: after one that is not rescued, a host has nothing left but what is always done.
        """
        self._began.clear()
        return [*self._over(), *self._reported(failed), *self._last()]

    def _place(self, host: str) -> int:
        """Where a host is among those of the inventory: results come in any order."""
        return self._hosts.get(host, -1)

    def _label(self, host: str) -> str:
        return self._cluster_of.get(host) or host

    def _over(self, going_on: t.Collection[str] = ()) -> list[Line]:
        """What is said of tasks that ended on all hosts that they began on."""
        lines: list[Line] = []
        for key in [key for key in self._groups if key not in going_on]:
            group = self._groups.pop(key)
            lines += self._step(group.task, group.changed, group.steps, "to do: " if group.task.check_mode else "", CHANGED)
            lines += group.differences
            lines += self._step(group.task, group.failed, {}, "FAILED: ", BAD)
            lines += group.messages
            told = [line for line in group.told if not self._belongs_to_failure(line)]
            lines += [Line(line, WARNING if ": warning: " in line else PLAIN) for line in told]
            self._told += told
        return lines

    def _step(self, task: Task, hosts: t.Mapping[str, float | None], steps: t.Mapping[str, str], what: str, tone: str) -> t.Iterator[Line]:
        """The line on what a task did on hosts; none where it did nothing.

        :param steps: by host, what it did or would do in words.
        :param what: before its name.
        """
        by_label: dict[str, list[str]] = {}
        for host in sorted(hosts, key=self._place):
            by_label.setdefault(self._label(host), []).append(host)
        took = {label: _longest(hosts[host] for host in of_label) for label, of_label in by_label.items()}
        said = harmless(f"{what}{task.name}")
        if len(by_label) == 1:
            label, of_label = min(by_label.items())  # the only one
            parts = [] if of_label == [label] and not (task.check_mode and steps.get(label)) else [_named(of_label, steps, task.check_mode)]
            if took[label] is not None and not task.check_mode:
                parts.append(_time(took[label]))
            yield Line(f"{harmless(label)}: {said}" + (f" ({', '.join(parts)})" if parts else ""), tone)
        elif by_label:
            yield Line(f"{said}: {_of_many(took, all(map(self._cluster_of.get, hosts)), task.check_mode)}", tone)

    def _belongs_to_failure(self, line: str) -> bool:
        """Whether what a task told is what a failure tells; then it is told with it, once."""
        for failure in self._failures:
            if not failure.reported and failure.matches(line):
                failure.line = line
                return True
        return False

    def _reported(self, failed: t.Mapping[str, int] | None) -> list[Line]:
        """The failures that were not rescued and are not told yet; what was told of others, as it was told."""
        left = {host: sum(of.host == host and of.ending == FAILED for of in self._failures) for host in self._cluster_of}
        told = [*self._told, *itertools.chain.from_iterable(self._screens)]
        lines: list[Line] = []
        together: dict[tuple[str, str, str], list[_Failure]] = {}
        for failure in self._failures:
            left[failure.host] -= failure.ending == FAILED
            # as many follow, or more, as were not rescued
            rescued = failure.ending == FAILED and failed is not None and left[failure.host] >= failed.get(failure.host, 0)
            if failure.reported:
                continue
            failure.reported = True
            if rescued:
                lines += [Line(failure.line, BAD)] if failure.line else []
            elif not any(failure.matches(line) for line in told):
                together.setdefault((failure.ending, failure.task.key, failure.message), []).append(failure)
        return lines + [_together(sorted(found, key=lambda failure: self._place(failure.host))) for found in together.values()]

    def _last(self) -> list[Line]:
        """The screens, with an empty line between two."""
        lines: list[Line] = []
        for screen in self._screens:
            lines += [Line("")] if lines else []
            lines += [Line(line, _tone(line)) for line in screen[1 : None if screen[-1] else -1]]
        self._screens.clear()
        return lines


def _says(line: str, other: str, label: str) -> bool:
    """Whether what a line says of a cluster or a host is part of another one: all but the words before its first colon."""
    said = line[len(label) :].lstrip(": ")
    core = (said.partition(": ")[2] or said).rstrip(". ")
    return bool(core) and core in other


def _together(failures: t.Sequence[_Failure]) -> Line:
    """The line on a failure, of one host or of several that say the same."""
    said = failures[0].text if len(failures) == 1 else _said_of(failures)
    return Line(harmless(f"{failures[0].ending.upper()}: {said}"), BAD)


def _said_of(failures: t.Sequence[_Failure]) -> str:
    """What is said of a task that failed on hosts, with the same message on each."""
    first = failures[0]
    who, hosts = ([*dict.fromkeys(names)] for names in ([of.who for of in failures], [of.host for of in failures]))
    if len(who) == 1 and first.who and re.match(re.escape(first.who) + r"(?![\w.-])", first.message):
        return first.message
    parts = [_some(who, _NAMED), first.message] if first.who else [first.message]
    if first.task.module not in _SPEAKERS and first.ending == FAILED:
        parts.insert(-1, first.task.name + ("" if hosts == who else f" ({_some(hosts, _NAMED_HOSTS)})"))
    return ": ".join(map(harmless, parts))


def _named(hosts: t.Sequence[str], steps: t.Mapping[str, str], foretold: bool) -> str:
    """The hosts of a cluster, each with what would be done there."""
    if len(hosts) > _NAMED_HOSTS:
        return f"{len(hosts)} hosts"
    told = [f"{host}: {steps[host]}" if foretold and steps.get(host) else host for host in hosts]
    return harmless(("; " if any(": " in host for host in told) else ", ").join(told))


def _of_many(took: t.Mapping[str, float | None], clusters: bool, foretold: bool) -> str:
    """Several clusters, or hosts, with the seconds of each."""
    known = {label: seconds for label, seconds in took.items() if seconds is not None and not foretold}
    if len(took) <= _NAMED:
        return harmless(", ".join(f"{label} {_time(known[label])}" if label in known else label for label in took))
    count = f"{len(took)} {'clusters' if clusters else 'hosts'}"
    if not known:
        return count
    slowest = max(known, key=lambda label: known[label])
    return harmless(f"{count}, {_time(min(known.values()))} to {_time(known[slowest])}, the longest on {slowest}")


def _some(labels: t.Sequence[str], count: int) -> str:
    more = len(labels) - count
    return ", ".join(labels[:count]) + (f" and {more} more" if more > 0 else "")


def _longest(seconds: t.Iterable[float | None]) -> float | None:
    known = [one for one in seconds if one is not None]
    return max(known) if known else None


def _time(seconds: float | None) -> str:
    """Seconds for people."""
    value = seconds or 0.0
    return f"{value:.1f} s" if value < 120 else f"{value // 60:.0f} min {value % 60:.0f} s"


def _tone(line: str) -> str:
    """How a line of a screen is meant."""
    state = re.match(r"Cluster .*: (\w+)$", line)
    if state:
        return GOOD if state[1] == "mirrored" else BAD
    return WARNING if line.startswith("  WARNING ") else PLAIN
