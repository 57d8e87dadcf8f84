# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What is planned for a cluster, and how far the work on it came, by what the tasks of a role registered on its hosts."""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import border
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.inventory import known_of

Variables = t.Mapping[str, t.Any]
P = t.TypeVar("P", bound="Plan")


class Known(t.Mapping[str, Variables]):
    """By host of a cluster, its variables, each made when it is asked for, and once: that takes a millisecond.

    :param hosts: of the cluster.
    :param hostvars: those of all hosts.
    """

    def __init__(self, hosts: t.Sequence[str], hostvars: t.Mapping[str, Variables]) -> None:
        self._hosts = hosts
        self._of = functools.lru_cache(maxsize=None)(hostvars.__getitem__)

    def __getitem__(self, host: str) -> Variables:
        if host not in self._hosts:
            raise KeyError(host)
        return self._of(host)

    def __iter__(self) -> t.Iterator[str]:
        return iter(self._hosts)

    def __len__(self) -> int:
        return len(self._hosts)


@dataclasses.dataclass(frozen=True)
class Plan:
    """What all plans for a pair have.

    :param refusal: why nothing is begun; empty when it is.
    :param primary: host that is, or was, primary.
    :param standby: host of the other coordinator; None where it has no part in it.
    :param pre_tasks: file with tasks of the operator's that are run before anything is changed; empty where there are none to be run.
    :param post_tasks: file with those that are run when it is known how it ended.
    :param planned: what tells it from other plans of the same run, where there are such files.
    """

    refusal: str = ""
    primary: str | None = None
    standby: str | None = None
    pre_tasks: str = ""
    post_tasks: str = ""
    planned: str = ""

    @property
    def acts(self) -> bool:
        """Whether something is to be done."""
        return not self.refusal

    def refused(self: P, why: str) -> P:
        """What is left of it where nothing of it is begun after all: what the operator's tasks began, they may have to end."""
        kept = ("primary", "standby", "state", "audit", "post_tasks", "planned")
        return type(self)(refusal=why, **{name: value for name, value in vars(self).items() if name in kept})


@dataclasses.dataclass(frozen=True)
class Plans(t.Generic[P]):
    """Plans that a task made for all clusters at once.

    :param kind: of each plan.
    :param name: where the task registers them.
    """

    kind: type[P]
    name: str

    def __post_init__(self) -> None:
        """Make it known how they are read, in the process of the run: each task reads them in a process of its own."""
        border.form_of(t.cast(t.Hashable, self.kind))

    def of(self, cluster: str, variables: Variables) -> P:
        """That for a cluster, as the variables of a host have it; a refusal where nothing was planned for it."""
        found = (variables.get(self.name) or {}).get("clusters", {}).get(cluster)
        return border.parse(self.kind, found) if found else self.kind("nothing was planned")


@dataclasses.dataclass(frozen=True)
class Progress(t.Generic[P]):
    """What the tasks of a role and the summary at its end ask by name, each name a property of a kind of this.

    A host that was lost on the way, and a task that it did not come to, leave no result, and by none nothing counts as done.

    :param cluster: name of the cluster.
    :param plan: what was planned for it; a refusal as long as nothing is.
    :param hosts: by host of the cluster, what the tasks of the role registered there, among other variables.
    :param lost: hosts that were lost during the run.
    :param check_mode: whether nothing is changed.
    """

    cluster: str
    plan: P
    hosts: t.Mapping[str, Variables]
    lost: t.Collection[str] = ()
    check_mode: bool = False

    def on(self, host: str | None, name: str) -> Variables:
        """What was registered on a host under a name; empty where nothing was."""
        return known_of(self.hosts.get(host or "") or {}, name) or {}

    def on_primary(self, name: str) -> Variables:
        """The same of the host that was primary when it was planned."""
        return self.on(self.plan.primary, name)

    def on_standby(self, name: str) -> Variables:
        """The same of the other coordinator's."""
        return self.on(self.plan.standby, name)

    def everywhere(self, name: str) -> bool:
        """Whether no host was lost, and none failed to do what it registered under a name."""
        results = (self.on(host, name) for host in self.hosts)
        return bool(self.hosts) and not self.lost and all(result and not result.get("failed") for result in results)

    def ended(self) -> str:
        """How it ended, in a word, for the operator's tasks and for notices."""
        return "done"

    def serving(self) -> str | None:
        """Host that is primary now, or was last; None where that is not known."""
        return self.plan.primary

    def finished(self) -> list[str]:
        """Of what a run may have noted that it began, that of which nothing is left to be done or undone.

        It is asked once, when the pair is released, and may look at all hosts.
        """
        return []


def names(kind: type) -> list[str]:
    """What can be asked of a plan or a progress beside its fields: its properties."""
    return [name for name in dir(kind) if isinstance(getattr(kind, name), property) and not name.startswith("_")]


def answers(of: object) -> dict[str, t.Any]:
    """By name, the answer to all that can be asked, of plain types."""
    return {name: getattr(of, name) for name in names(type(of))}
