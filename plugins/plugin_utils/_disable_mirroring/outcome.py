# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""How giving up a standby ended for a cluster, by what its hosts returned."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.own_files import named
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._disable_mirroring.progress import Progress
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.results import steps_of

Variables = t.Mapping[str, t.Any]

#: why nothing is known of a host any more
_LOST = "lost during the run, see above"

#: what a step took away, for people
_DONE = {
    "stop": "the instance stopped",
    "terminate_walsender": "the walsender terminated",
    "drop_slot": "the slot",
    "remove_row": "the catalog row",
    "revoke_rights": "rights of the replication role",
    "drop_role": "the replication role",
    "write_rules": "access rules",
    "write_environment": "the environment of the engine's user",
    "remove_leftovers": "what a run left that was cut off",
    "reset_upstream": "settings of a standby",
}


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How it ended.

    :param removed: whether nothing of the standby is left that this run could reach; in check mode, whether it can be done.
    :param text: the same for people, one line.
    :param lines: what is printed before that line.
    :param failure: what the cluster's failure says; empty without one.
    :param document: the same for programs: none.
    """

    removed: bool
    text: str
    lines: list[str] = dataclasses.field(default_factory=list)
    failure: str = ""
    document: None = None

    @property
    def returned(self) -> dict[str, t.Any]:
        """What the role returns."""
        return {"removed": self.removed, "outcome": self.text, "left": self.lines}


def outcome(progress: Progress) -> Outcome:
    """How it ended for a cluster."""
    cluster, plan, hosts = progress.cluster, progress.plan, progress.hosts
    if plan.refusal:
        return Outcome(False, f"NOT removed: nothing was changed: {plan.refusal}", [], f"{cluster}: nothing was changed: {plan.refusal}")
    left = [f"left: {said}" for said in plan.left]
    failures = [
        f"{host}: {known['__disable_mirroring_failure']}" for host, known in hosts.items() if "__disable_mirroring_failure" in known
    ]
    failures += [f"{host}: {_LOST}" for host in progress.lost]
    if progress.check_mode and not failures:
        what = ", ".join([*plan.found, *_foretold(hosts)]) or "nothing"
        only = f"; only the standby has {named(plan.own)}" if plan.own else ""
        return Outcome(True, f"can be unmirrored: {plan.primary} serves; to be removed: {what}{only}{_said_left(left)}")
    left += [
        f"left: {host}: {', '.join(known['__disable_mirroring_removal']['left'])}"
        for host, known in hosts.items()
        if (known.get("__disable_mirroring_removal") or {}).get("left")
    ]
    done = [f"{host}: {', '.join(said)}" for host, said in ((host, _done(known)) for host, known in hosts.items()) if said]
    if not failures and not _is_gone(progress.on_primary("__disable_mirroring_registration")):
        failures = [f"{plan.primary}: it was not seen that the primary has deregistered its standby"]
    if failures:
        return _failed(cluster, "; ".join(failures), "; ".join(done), left)
    what = f"removed: {'; '.join(done)}" if done else "nothing was left to remove"
    text = f"unmirrored: {plan.primary} serves without a standby; {what}"
    only = f"; only the standby had {named(plan.own)}" if plan.own else ""
    return Outcome(True, text + only + _said_left(left))


def _foretold(hosts: t.Mapping[str, Variables]) -> list[str]:
    """What the plan does not know of: it is seen by the task that would take it away."""
    results = (known.get("__disable_mirroring_environment") or {} for known in hosts.values())
    return list(dict.fromkeys(_DONE[step.name] for result in results for step in steps_of(result) if step.name in _DONE))


def _said_left(left: t.Sequence[str]) -> str:
    """What stays, at the end of the last line."""
    return "".join(f"; {said}" for said in left)


def _is_gone(registration: Variables) -> bool:
    """Whether the primary was seen to know of no standby."""
    return all(registration.get(part, True) in (None, False) for part in ("standby", "slot", "role"))


def _done(known: Variables) -> list[str]:
    """What was done on a host, for people."""
    results = [known.get(f"__disable_mirroring_{name}") or {} for name in ("stop", "registration", "access", "removal", "environment")]
    steps = [step.name for result in results for step in steps_of(result)]
    said = list(dict.fromkeys(_DONE[name] for name in steps if name in _DONE))
    for result in results:
        if result.get("set_aside_as"):
            said.append(f"the data is now in {', '.join(result['set_aside_as'])}")
        if result.get("deleted"):
            said.append(f"deleted {', '.join(result['deleted'])}")
    files = steps.count("remove_file")
    return said + ([f"{files} file{'s' if files > 1 else ''} in ~/.whpg"] if files else [])


def _failed(cluster: str, why: str, done: str, left: t.Sequence[str] = ()) -> Outcome:
    why = " ".join(why.split())
    so_far = f" Done so far: {done}." if done else " Nothing was removed."
    text = f"{why}.{so_far} Run this again when the cause is mended"
    return Outcome(False, f"NOT removed: {text}", list(left), f"{cluster}: the standby is not removed: {text}")
