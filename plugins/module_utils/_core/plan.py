# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Named steps: what a module would do, and doing it.

A module observes, plans and applies. A plan is data, made by a pure function, so that it can be shown in check mode and
compared in a test; a step is carried out by the function that the module holds ready under its name.
"""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import lock, work
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host


@dataclasses.dataclass(frozen=True)
class Step:
    """One change of a plan.

    :param name: what is done, a verb and its object; the name of the action that does it.
    :param arguments: what the action is called with.
    """

    name: str
    arguments: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)


Actions = t.Mapping[str, t.Callable[..., t.Optional[t.Mapping[str, t.Any]]]]


def run(
    steps: t.Iterable[Step], actions: Actions, keep: t.Callable[[], None] = lambda: None
) -> tuple[list[dict[str, t.Any]], dict[str, t.Any]]:
    """Carry out the steps in their order.

    :param actions: by the name of a step, the function to call with its arguments; what it returns joins the result.
    :param keep: called before each step; it fails where this run lost its lock.
    :returns: the steps done (``name``, ``seconds``), and what the actions returned.
    :raises CoordinatorError: a step failed; ``failed_step``, ``steps`` (those done before it) and what these returned are in its data.
    :raises Cancelled: the work was given up within a step; it has the same data.
    """
    done: list[dict[str, t.Any]] = []
    returned: dict[str, t.Any] = {}
    for step in steps:
        began = time.monotonic()
        try:
            keep()
            returned.update(actions[step.name](**step.arguments) or {})
        except (CoordinatorError, work.Cancelled) as error:
            error.data.update({**returned, **error.data, "steps": done, "failed_step": step.name})
            raise
        done.append({"name": step.name, "seconds": round(time.monotonic() - began, 3)})
    return done, returned


def keeper(module: AnsibleModule) -> t.Callable[[], None]:
    """What sees, before each step of a module, that its run still holds the lock that it was given."""
    return lock.keeper(Host(module), module.params.get("lock") or {})


def carry_out(
    module: AnsibleModule,
    observe: t.Callable[[], t.Any],
    plan: t.Callable[[t.Any], list[Step]],
    actions: Actions,
    show: t.Callable[[t.Any], dict[str, t.Any]] = dataclasses.asdict,
    difference: t.Callable[[t.Any, t.Any, t.Sequence[Step]], t.Any] | None = None,
    passive: t.Container[str] = (),
) -> None:
    """Observe, plan, apply, and end the module.

    :param observe: reads the host; called again after the steps to show what became of them.
    :param plan: a pure function from what was observed to the steps that are needed.
    :param show: what of an observation is returned.
    :param difference: makes the difference for diff mode of what was observed before and after and the steps, if not of what
        is returned.
    :param passive: names of steps that only look or wait: they alone are no change.
    """
    try:
        before = observe()
        steps = plan(before)
        changed = any(step.name not in passive for step in steps)
        if module.check_mode:
            done = [{"name": step.name, "seconds": 0.0} for step in steps]
            returned: dict[str, t.Any] = {}
            after = before
        else:
            done, returned = run(steps, actions, keeper(module))
            after = observe() if steps else before
    except CoordinatorError as error:
        module.fail_json(msg=error.message, **error.data)
    result: dict[str, t.Any] = dict(show(after), **returned)
    if module._diff:
        desired = {"steps": [step.name for step in steps]} if module.check_mode and steps else {}
        result["diff"] = difference(before, after, steps) if difference else {"before": show(before), "after": dict(show(after), **desired)}
    module.exit_json(changed=changed, steps=done, **result)
