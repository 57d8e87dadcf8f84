# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What an intent has done on the controller, in stages: what it is to know of the task that has one done, and the kinds of stages."""

from __future__ import annotations

import dataclasses
import datetime
import os
import typing as t

from ansible.errors import AnsibleActionFail
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import border
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.inventory import name_of
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.observations import OBSERVATION
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.pair import Pair
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.scenes import Scene, scene_of
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run import hooks
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.invocation import clusters_of_batch
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.progress import Known, P, Plan, Plans, Progress, answers
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show import audit
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.people import harmless, tell

Variables = t.Mapping[str, t.Any]
Hosts = t.Mapping[str, Variables]

#: where the role C(discovery) registers its verdict on all clusters
VERDICT = "discovery_verdict"

_R = t.TypeVar("_R", bound=Progress[t.Any])


@dataclasses.dataclass(frozen=True)
class Task:
    """The task that has a stage done, on one host.

    :param variables: all variables of the host.
    :param template: what evaluates a value.
    :param check_mode: whether nothing is to be changed.
    :param strategy: by which the play goes about its hosts.
    :param problem_of: what is wrong with a file of tasks.
    """

    variables: Variables
    template: t.Callable[[t.Any], t.Any]
    check_mode: bool = False
    strategy: str = "linear"
    problem_of: hooks.Problem = lambda path: ""

    @property
    def host(self) -> str:
        """The host."""
        return str(self.variables["inventory_hostname"])

    @property
    def options(self) -> Variables:
        """The options of all roles there, as the observation of the host has them."""
        return t.cast(Variables, self.variables[OBSERVATION]["options"])

    @property
    def cluster(self) -> str:
        """The name of its cluster; empty where it has none."""
        return str(self.options["cluster_name"] or "")

    def of_clusters(self, name: str) -> Variables:
        """By cluster, what a task registered that was done for all of them at once.

        By the name of the variable, not by its value: as an argument of the task that would be evaluated whole on each host.
        """
        return t.cast(Variables, (self.variables.get(name) or {}).get("clusters", {}))

    def pair(self, cluster: str) -> Pair:
        """The verdict on a cluster."""
        return border.parse(Pair, self.of_clusters(VERDICT)[cluster])

    def hosts(self, cluster: str) -> list[str]:
        """All hosts of a cluster. Conditions ask for them: the verdict is not parsed whole."""
        pair = self.of_clusters(VERDICT)[cluster]
        return [*pair["coordinators"], *pair["segment_hosts"]]

    def members(self) -> dict[str, Hosts]:
        """By cluster of the batch, all hosts that the inventory has in it, and their variables.

        :raises AnsibleActionFail: another batch has hosts of such a cluster.
        """
        groups, hostvars, in_play = (self.variables[name] for name in ("groups", "hostvars", "ansible_play_hosts_all"))
        inventory = groups.get("whpg_clusters") or groups["all"]
        of_host = {host: hostvars[host] for host in dict.fromkeys([*in_play, *inventory])}  # each lookup makes them anew
        cluster_of = {host: name_of(known) for host, known in of_host.items()}
        here, split = clusters_of_batch(cluster_of, in_play, self.variables["ansible_play_hosts"], self.variables["ansible_play_batch"])
        if split:
            raise AnsibleActionFail("; ".join(_refusal_of_batches(cluster, hosts) for cluster, hosts in split.items()))
        found: dict[str, dict[str, Variables]] = {cluster: {} for cluster in here}
        for host in inventory:
            if cluster_of[host] in found:
                found[cluster_of[host]][host] = of_host[host]
        return dict(found)

    def progress(self, kind: type[_R], plans: Plans[P]) -> _R:
        """How far the work on the host's cluster came."""
        planned = self.of_clusters(plans.name)
        if not planned or self.cluster not in planned:
            return kind("", plans.of("", {}), {})
        hosts, alive = self.hosts(self.cluster), self.variables["ansible_play_hosts"]
        lost = [host for host in hosts if host not in alive]
        plan = plans.of(self.cluster, self.variables)
        return kind(self.cluster, plan, Known(hosts, self.variables["hostvars"]), lost, self.check_mode)


def _refusal_of_batches(cluster: str, elsewhere: t.Sequence[str]) -> str:
    return (
        f"{cluster or 'a cluster without a name'}: {', '.join(elsewhere)} is in another batch of the play, so that not all of the cluster "
        "was seen: leave serial out, all clusters are worked on at once, or let each batch have whole clusters"
    )


@dataclasses.dataclass(frozen=True)
class Stage:
    """What a task of a role has done on the controller.

    :param do: given the task and its options, what the task returns.
    :param options: specs of its options.
    """

    do: t.Callable[[Task, Variables], Variables]
    options: Variables = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Situation(Scene):
    """What a plan is made of.

    :param variables: by host of the inventory, all its variables.
    :param options: of the task.
    """

    variables: Hosts
    options: Variables

    @property
    def hindrance(self) -> str:
        """Why nothing may be done that a primary has to serve for; empty where nothing hinders."""
        pair = self.pair
        missing = "" if pair.serves else "; ".join([*pair.reasons, pair.advice])
        return pair.busy or pair.maintenance or missing


def _returned(made: t.Any) -> dict[str, t.Any]:
    """A plan as tasks have it: its fields, and what follows from them, and from those of its parts."""
    parts = {name: _returned(part) for name, part in vars(made).items() if dataclasses.is_dataclass(part)}
    return {**dataclasses.asdict(made), **parts, **answers(made)}


def plan(
    intent: str,
    make: t.Callable[[t.Sequence[Situation]], t.Iterable[Plan]],
    options: Variables | None = None,
    audited: bool = False,
) -> Stage:
    """The stage that plans, once for all clusters that take part.

    :param make: the plan for each of these clusters, in the same order.
    :param options: specs of the task's options.
    :param audited: whether a plan names the run, for the audit of what is done by it.
    """

    def do(task: Task, given: Variables) -> Variables:
        hostvars = task.variables["hostvars"]
        situations = [
            Situation(**vars(scene_of(cluster, task.pair(cluster), hostvars)), variables=hostvars, options=given)
            for cluster, told in task.of_clusters(VERDICT).items()
            if told["role"] == intent  # else it was looked at for another role, and takes no part in this one
        ]
        run: dict[str, t.Any] = {"audit": audit.run(os.getppid(), datetime.datetime.now(datetime.timezone.utc))} if audited else {}
        plans = {}
        for of, made in zip(situations, make(situations)):
            whole = hooks.with_tasks(dataclasses.replace(made, **run), intent, of.pair.options, task.problem_of)
            plans[of.cluster] = _returned(dataclasses.replace(whole, refusal=harmless(whole.refusal)))
        return {"clusters": plans}

    return Stage(do, options or {})


def hook(intent: str, kind: type[_R], plans: Plans[P]) -> Stage:
    """The stage that says what the operator's tasks are told, on the host that runs them, once.

    :param kind: of the progress.
    """

    def do(task: Task, given: Variables) -> Variables:
        phase = given["phase"]
        hosts, progress = task.hosts(task.cluster), task.progress(kind, plans)
        if task.host != hooks.runner(hosts, task.variables["ansible_play_hosts"]):
            return {"file": ""}
        file = {hooks.PRE: progress.plan.pre_tasks, hooks.POST: progress.plan.post_tasks}[phase]
        if hooks.ended(progress.plan, phase, progress.hosts) is not None:
            return {"file": ""}
        scene = scene_of(task.cluster, task.pair(task.cluster), task.variables["hostvars"])
        return {"file": file, "hook": hooks.told(intent, phase, scene, progress), "planned": progress.plan.planned}

    return Stage(do, {"phase": {"type": "str", "choices": [hooks.PRE, hooks.POST], "required": True}})


def heed(plans: Plans[P]) -> Stage:
    """The stage that returns the plans, nothing being begun where the operator's tasks before it failed."""

    def do(task: Task, _given: Variables) -> Variables:
        hostvars = task.variables["hostvars"]
        found = dict(task.of_clusters(plans.name))
        for cluster in found:
            made = plans.of(cluster, task.variables)
            why = hooks.failure(made, hooks.PRE, Known(task.hosts(cluster), hostvars)) if made.pre_tasks else ""
            if why:
                found[cluster] = _returned(made.refused(harmless(why)))
        return {"clusters": found}

    return Stage(do)


class Ended(t.Protocol):
    """How it ended for a cluster."""

    @property
    def lines(self) -> t.Sequence[str]:
        """What is printed before the last line."""

    @property
    def text(self) -> str:
        """The last line."""

    @property
    def failure(self) -> str:
        """What the cluster's failure says; empty without one."""

    @property
    def returned(self) -> dict[str, t.Any]:
        """What the task returns."""

    @property
    def document(self) -> Variables | None:
        """What is kept on the controller, for programs; None: nothing is."""


def conclude(intent: str, kind: type[_R], plans: Plans[P], ended: t.Callable[[_R, Task], Ended]) -> Stage:
    """The last stage, which says how it ended for each cluster.

    One host prints it for all clusters. One host of each cluster returns it, and fails where it did not end well.

    :param kind: of the progress.
    :param ended: how it ended for a cluster, by how far it came, and the task that says so. Hosts that took no part from the beginning
        are not among those that were lost.
    """

    def do(task: Task, _given: Variables) -> Variables:
        returned: dict[str, t.Any] = {}
        hostvars, alive = task.variables["hostvars"], task.variables["ansible_play_batch"]
        clusters = task.of_clusters(VERDICT)
        for cluster in clusters if task.host == alive[0] else {task.cluster} & {*clusters}:
            hosts = task.hosts(cluster)
            reporter = next((name for name in hosts if name in alive), None)
            if task.host not in (alive[0], reporter):
                continue
            lost = [name for name in hosts if name in task.variables["ansible_play_hosts_all"] and name not in alive]
            progress = kind(cluster, plans.of(cluster, task.variables), Known(hosts, hostvars), lost, task.check_mode)
            found = ended(progress, task)
            foretold = hooks.foretold(progress.plan) if task.check_mode else ""
            unhooked = "" if task.check_mode else hooks.failure(progress.plan, hooks.POST, progress.hosts)
            text = _joined(found.text, unhooked)
            if task.host == alive[0]:
                for line in [*found.lines, *filter(None, [foretold]), text]:
                    tell(f"{cluster or 'no cluster'}: {line}")
            if task.host == reporter:
                document = found.document
                if document and unhooked:
                    document = {**document, "reason": _joined(document["reason"], unhooked)}
                files, unkept = _keep(task, intent, document)
                why = _joined(found.failure, unhooked and f"{cluster}: {unhooked}", unkept)
                told = {
                    "outcome": (document or {}).get("outcome") or progress.ended(),
                    "failed": bool(why),
                    "message": harmless(text),
                    "acted": progress.plan.acts,
                }
                returned = {**found.returned, **files, "ended": told}
                if why:
                    returned.update(failed=True, msg=harmless(why))
        return returned

    return Stage(do)


def _joined(*parts: str) -> str:
    return "; ".join(filter(None, parts))


def _keep(task: Task, intent: str, document: Variables | None) -> tuple[dict[str, t.Any], str]:
    """Write down how it ended, unless in check mode; returns where, and why it could not be."""
    if document is None:
        return {}, ""
    result_file, audit_file = (task.options[f"{intent}_{name}"] for name in ("result_file", "audit_file"))
    return {"result_file": result_file}, "" if task.check_mode else audit.keep(document, intent, result_file, audit_file)
