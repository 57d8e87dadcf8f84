# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What has to be done so that the coordinators of a cluster swap roles, or why nothing is begun."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.addresses import normal_address
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.access import rules_of
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.verdict import MIRRORED, PRIMARY_UNKNOWN
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._activate_standby.plan import ActivationPlan, with_aftermath
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.observations import coordinator_on
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.scenes import Scene
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.progress import Plan
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.access import access, addresses_of
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.drift import described, staying, to_bring, uncompared

#: what a run of this role notes that it began, the host that is to be primary behind it
PURPOSE = "switchover to "


@dataclasses.dataclass(frozen=True)
class SwitchoverPlan(Plan):
    """What has to be done.

    :param done: host that is primary already, as desired; empty without one.
    :param begin: whether the primary serves, and the switch is begun.
    :param resume: whether one that was cut off has to be finished.
    :param roll_back: whether one that was cut off has to be rolled back.
    :param begun: whether a run that was cut off may have armed the standby.
    :param promoted: whether the standby was primary already when it was looked.
    :param state: in which the pair is.
    :param access: by host, the data directories and rules that have to be written.
    :param floating: by host, whether it is to have the floating address, C(present) or C(absent).
    :param connection: parameters of libpq with which clients reach the primary, wherever it is.
    :param follows: whether something is to be done for clients after the promotion.
    :param drift: files that are brought to the standby before its primary is stopped, for it has them otherwise.
    :param accepted_drift: settings and files that may differ, by name or pattern.
    :param session: start-up options of the sessions that gather statistics after it; empty where none are to be gathered.
    :param warnings: what the operator should know beside that.
    :param audit: who runs this.
    """

    done: str = ""
    begin: bool = False
    resume: bool = False
    roll_back: bool = False
    begun: bool = False
    promoted: bool = False
    state: str = PRIMARY_UNKNOWN
    access: dict[str, dict[str, t.Any]] = dataclasses.field(default_factory=dict)
    floating: dict[str, str] = dataclasses.field(default_factory=dict)
    connection: str = ""
    follows: bool = False
    drift: list[str] = dataclasses.field(default_factory=list)
    accepted_drift: list[str] = dataclasses.field(default_factory=list)
    session: str = ""
    warnings: list[str] = dataclasses.field(default_factory=list)
    audit: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def acts(self) -> bool:
        """Whether something is to be done."""
        return self.begin or self.resume or self.roll_back

    @property
    def begins(self) -> str:
        """What is noted as begun until it has ended."""
        return f"{PURPOSE}{self.standby}"


def make(scene: Scene) -> SwitchoverPlan:
    """What has to be done in a cluster."""
    pair = scene.pair
    known = SwitchoverPlan(
        state=pair.state, primary=pair.primary, accepted_drift=scene.pair.options["standby_accepted_drift"], begun=bool(_noted(scene))
    )
    wrong = [*pair.problems, *pair.wrong, *_wrong_host(scene)]
    if len(pair.coordinators) < 2 and not wrong:
        wrong = ["there is no standby: the inventory has no second host with whpg_role coordinator or standby"]
    wrong = wrong or [why for why in (pair.busy, pair.maintenance) if why]
    wrong += [f"{host} is unknown, {why}" for host, why in pair.unknown.items()]
    if wrong:
        return dataclasses.replace(known, refusal="; ".join(wrong))
    begun = _begun(scene, known)
    if begun is not None:
        return begun
    target = scene.pair.options["switchover_to"]
    if pair.state != MIRRORED:
        return dataclasses.replace(known, refusal=_sentence(scene))
    if target == pair.primary:
        return _with_aftermath(scene, dataclasses.replace(known, done=pair.primary or "", standby=_other(scene, pair.primary)))
    return _beginning(scene, dataclasses.replace(known, standby=_other(scene, pair.primary)))


def _beginning(scene: Scene, known: SwitchoverPlan) -> SwitchoverPlan:
    """The plan for a pair that is mirrored."""
    standby = t.cast(str, known.standby)
    unlike = {name: said for name, said in scene.pair.differences.items() if name not in scene.pair.options["standby_accepted_differences"]}
    if unlike:
        said = "; ".join(unlike.values())
        why = f"{standby} could not serve as the primary does: {said}; or accept it: standby_accepted_differences={list(unlike)}"
        return dataclasses.replace(known, refusal=why)
    if scene.pair.strays:
        why = f"the catalog has segments on {', '.join(scene.pair.strays)}, which no host of the inventory is: add it"
        return dataclasses.replace(known, refusal=why)
    lacking = _without_access(scene, standby)
    if lacking:
        why = f"the segments on {', '.join(lacking)} do not allow {standby} access: run enable_mirroring, which writes these rules"
        return dataclasses.replace(known, refusal=why)
    found, drift = scene.pair.drift or [], to_bring(scene.pair.drift)
    brought, stays = [one for one in found if one.brought], staying(found)
    warnings = [f"{standby} differs from {known.primary} in {described(brought)}: brought there before the switch"] if brought else []
    warnings += [f"{standby} differs from {known.primary} in {described(stays)}, which is not brought there"] if stays else []
    warnings += [f"not compared between {known.primary} and {standby}, nor brought there: {uncompared(found)}"] if uncompared(found) else []
    return _with_aftermath(scene, dataclasses.replace(known, begin=True, drift=drift, warnings=warnings))


def _begun(scene: Scene, known: SwitchoverPlan) -> SwitchoverPlan | None:
    """The plan where a run of this role was cut off, whose notes are left on the hosts; None where none was."""
    desired = _noted(scene) & set(scene.pair.coordinators)
    views = {view.host: view for view in scene.views}
    if len(desired) != 1:
        return None
    standby, target = desired.pop(), scene.pair.options["switchover_to"]
    primary = _other(scene, standby)
    known = dataclasses.replace(known, primary=primary, standby=standby)
    new, old = views[standby], views[primary]
    if new.is_primary and not old.is_primary:
        if target == primary:
            why = f"a switchover to {standby} was cut off after its promotion: finish it first, without switchover_to={target}"
            return dataclasses.replace(known, refusal=why)
        return _with_aftermath(scene, dataclasses.replace(known, resume=True, promoted=True))
    if new.role == "standby" and new.running and old.role == "primary" and not old.running and _shut_down(scene, primary):
        if target == primary:
            return dataclasses.replace(known, roll_back=True)
        return _with_aftermath(scene, dataclasses.replace(known, resume=True))
    if new.role == "standby" and old.role == "primary" and (old.is_primary or _shut_down(scene, primary)):
        # its primary may still refuse sessions, or be start-blocked
        if scene.pair.state != MIRRORED:
            return dataclasses.replace(known, roll_back=True, refusal="" if target == primary else _sentence(scene))
        if target == primary:
            return dataclasses.replace(known, roll_back=True)
        found = _beginning(scene, known)
        return dataclasses.replace(found, roll_back=bool(found.refusal))
    return None


def _noted(scene: Scene) -> set[str]:
    """Hosts that were to be primary by runs of this role that were cut off, as their notes have it; they may contradict each other."""
    purposes = [found.unfinished or "" for found in map(scene.coordinator, scene.pair.coordinators) if found]
    return {purpose[len(PURPOSE) :] for purpose in purposes if purpose.startswith(PURPOSE)}


def _shut_down(scene: Scene, host: str) -> bool:
    control = coordinator_on(host, scene.observations).instance.control
    return bool(control and control.state == "shut down")


def _other(scene: Scene, host: str | None) -> str:
    return next(name for name in scene.pair.coordinators if name != host)


def _sentence(scene: Scene) -> str:
    pair = scene.pair
    return f"the pair is {pair.state}, not mirrored ({'; '.join(pair.reasons)}): {pair.advice}"


def _without_access(scene: Scene, standby: str) -> list[str]:
    """Hosts with segment instances that lack the rules which allow the standby's host access."""
    here = [normal_address(address) for address in addresses_of(standby, scene.pair, scene.observations)]
    seen = {host: found for host, found in scene.observations.items() if found}
    instances = {host: {"coordinator": [], "segments": there["segments"]} for host, there in scene.pair.instances.items()}
    desired = access(instances, here, scene.pair.options)
    return sorted(
        host
        for host, there in desired.items()
        for where in there["data_directories"]
        if not {str(rule) for rule in rules_of(there["rules"], where)} <= set(seen[host].access.get(where) or ())
    )


def _with_aftermath(scene: Scene, plan: SwitchoverPlan) -> SwitchoverPlan:
    """With what has to be done for clients after the promotion, as after an activation."""
    old, new = (plan.standby, plan.primary) if plan.done else (plan.primary, plan.standby)
    found = with_aftermath(scene, ActivationPlan("", state=plan.state, primary=old, standby=new))
    names = ("connection",) if plan.done else ("access", "floating", "connection", "follows", "session")
    made = dataclasses.replace(plan, **{name: getattr(found, name) for name in names})
    return dataclasses.replace(made, follows=made.follows or bool(made.acts and scene.pair.options["switchover_post_tasks"]))


def _wrong_host(scene: Scene) -> list[str]:
    """That the host which is to be primary can be none."""
    target, coordinators = scene.pair.options["switchover_to"], scene.pair.coordinators
    if not target or target in coordinators:
        return []
    return [f"switchover_to is {target!r}: name a coordinator host of the inventory, {', '.join(coordinators) or 'none'}"]
