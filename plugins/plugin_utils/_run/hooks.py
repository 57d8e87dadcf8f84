# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""The operator's own tasks before and after what a run does: which there are, who runs them, what they are told, and how they ended."""

from __future__ import annotations

import copy
import dataclasses
import os
import time
import typing as t

from ansible.errors import AnsibleError
from ansible.playbook.play import Play
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.scenes import Scene
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.progress import P, Plan, Progress

Variables = t.Mapping[str, t.Any]
#: what is wrong with a file of tasks, empty where nothing is
Problem = t.Callable[[str], str]

#: before anything is changed, and when it is known how it ended
PRE, POST = "pre", "post"
#: where the role C(_common) remembers on a host how they ended
_HOOKED = "_common_hooked"


def problem(path: str, loader: t.Any, variable_manager: t.Any) -> str:
    """What is wrong with a file of tasks, as Ansible reads it, which ends a run where it comes to such a file; empty where nothing is."""
    there = copy.copy(loader)
    there.set_basedir(os.path.dirname(path))
    try:
        tasks = there.load_from_file(path)
        if not isinstance(tasks, list):
            return "it is no list"
        Play.load({"hosts": "all", "tasks": tasks}, variable_manager=variable_manager, loader=there)
    except AnsibleError as error:
        return " ".join(str(error.message).split()).rstrip(".")
    return ""


def with_tasks(plan: P, intent: str, options: Variables, problem_of: Problem) -> P:
    """A plan, with the operator's tasks where it acts; refused where one of them is none that can be run.

    :param options: of the pair.
    """
    if not plan.acts or options.get(f"{intent}_part_of"):
        return plan
    given = {f"{phase}_tasks": options.get(f"{intent}_{phase}_tasks") for phase in (PRE, POST)}
    files = {name: os.path.abspath(path) for name, path in given.items() if path}
    if not files:
        return plan
    said = {name: problem_of(path) for name, path in files.items()}
    wrong = [f"{intent}_{name} is {files[name]}: {why}: give a file with a list of tasks" for name, why in said.items() if why]
    if wrong:
        return plan.refused("; ".join(wrong))
    return dataclasses.replace(
        plan, pre_tasks=files.get("pre_tasks", ""), post_tasks=files.get("post_tasks", ""), planned=str(time.time_ns())
    )


def runner(hosts: t.Sequence[str], alive: t.Collection[str]) -> str:
    """The host of a cluster that runs the operator's tasks for it: one that matters least, should it drop out by them.

    :param hosts: of the cluster, those of the coordinators first.
    """
    return next((host for host in reversed(hosts) if host in alive), hosts[0])


def playbook(intent: str, options: Variables) -> str:
    """The playbook of an intent, by its name."""
    return ("rejoin" if options["standby_rejoins"] else "enable_mirroring") if intent == "standby" else intent


def told(intent: str, phase: str, scene: Scene, progress: Progress[t.Any]) -> dict[str, t.Any]:
    """What the operator's tasks have as C(coordinator_hook)."""
    plan = progress.plan
    primary = plan.primary if phase == PRE else progress.serving()
    standby = next((host for host in (plan.standby, plan.primary) if host != primary), None) if primary else None
    return {
        "playbook": playbook(intent, scene.pair.options),
        "phase": phase,
        "cluster": scene.cluster,
        "state": scene.pair.state,
        "outcome": None if phase == PRE else progress.ended() if plan.acts else "refused",
        "primary": _place(scene, primary),
        "standby": _place(scene, standby),
    }


def _place(scene: Scene, host: str | None) -> dict[str, t.Any] | None:
    if not host:
        return None
    address, port = scene.place(host)
    return {"host": host, "address": address, "port": port}


def ended(plan: Plan, phase: str, hosts: t.Mapping[str, Variables]) -> str | None:
    """How the tasks before or after ended: empty where well, else why they failed; None where they did not come to their end.

    :param hosts: by host of the cluster, its variables.
    """
    for known in hosts.values():
        found = known.get(_HOOKED) or {}
        if (found.get("planned"), found.get("phase")) == (plan.planned, phase):
            return str(found["failure"])
    return None


def failure(plan: Plan, phase: str, hosts: t.Mapping[str, Variables]) -> str:
    """Why the tasks before or after did not do what they should; empty where they did, or there are none."""
    file = {PRE: plan.pre_tasks, POST: plan.post_tasks}[phase]
    said = ended(plan, phase, hosts) if file else ""
    if said is None:
        said = "they did not come to their end, for a host dropped out of the run"
    return f"the operator's tasks in {file}: {said}" if said else ""


def foretold(plan: Plan) -> str:
    """What is said of them where nothing is to be changed; empty where there are none."""
    parts = [f"{file} {when}" for file, when in ((plan.pre_tasks, "before"), (plan.post_tasks, "after")) if file]
    return f"the operator's tasks, which are not run in check mode: {', '.join(parts)}" if parts else ""
