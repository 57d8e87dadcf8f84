# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What has to be done so that a cluster's standby becomes primary, or why it must not."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.addresses import normal_address
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.access import rules_of
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection import session_options
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.evidence import Proofs
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.verdict import (
    BOTH_DOWN,
    PRIMARY_DOWN,
    PRIMARY_HUNG,
    PRIMARY_UNKNOWN,
    UNMIRRORED,
    Verdict,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.snapshot import salvage_directory
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._activate_standby import segment_fence
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.observations import coordinator_on
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.scenes import Scene
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.sightings import addresses_of, kept_record
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.progress import Plan
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.access import access
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.preflight.listening import unheard

#: what a run of this role notes that it began
PURPOSE = "activate_standby"

#: seconds that an instance which still runs, and sessions of one that is fenced off, have to end
_STOP_TIMEOUT = 10


@dataclasses.dataclass(frozen=True)
class ActivationPlan(Plan):
    """What has to be done.

    :param done: host that is primary already, by an activation that is complete; empty without one.
    :param resume: whether an activation that was cut off has to be finished.
    :param state: in which the pair is.
    :param start_block: options of C(coordinator_start_block) on the former primary's host; empty where that does not answer.
    :param fences: by segment host, options of C(coordinator_fence).
    :param command: whether the fencing command is to be run.
    :param proof: what will prove that the former primary can do no harm.
    :param access: by host, the data directories and rules that have to be written.
    :param floating: by host, whether it is to have the floating address, C(present) or C(absent).
    :param connection: parameters of libpq with which clients reach the primary, wherever it is.
    :param follows: whether something is to be done after the promotion, beside it.
    :param session: start-up options of the sessions that gather statistics after it; empty where none are to be gathered.
    :param salvage_directory: where WAL of the former primary is put on the standby's host, if it lacks any.
    :param warnings: what the operator should know beside that.
    :param audit: who runs this.
    """

    done: str = ""
    resume: bool = False
    state: str = PRIMARY_UNKNOWN
    start_block: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    fences: dict[str, dict[str, t.Any]] = dataclasses.field(default_factory=dict)
    command: bool = False
    proof: str = ""
    access: dict[str, dict[str, t.Any]] = dataclasses.field(default_factory=dict)
    floating: dict[str, str] = dataclasses.field(default_factory=dict)
    connection: str = ""
    follows: bool = False
    session: str = ""
    salvage_directory: str = ""
    warnings: list[str] = dataclasses.field(default_factory=list)
    audit: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def acts(self) -> bool:
        """Whether something is to be done."""
        return not (self.refusal or self.done)

    @property
    def begins(self) -> str:
        """What is noted as begun until it has ended."""
        return PURPOSE


def make(scene: Scene, neighbours: t.Sequence[segment_fence.Neighbour]) -> ActivationPlan:
    """What has to be done in a cluster.

    :param neighbours: the other clusters of the inventory.
    """
    wrong = [*scene.pair.problems, *scene.pair.wrong]
    if len(scene.pair.coordinators) < 2 and not wrong:
        wrong = ["there is no standby: the inventory has no second host with whpg_role coordinator or standby"]
    wrong = wrong or [why for why in (scene.pair.busy, scene.pair.maintenance) if why]
    if wrong:
        return ActivationPlan("; ".join(wrong), state=scene.pair.state, primary=scene.pair.primary)
    begun = _begun(scene)
    if begun is not None:
        return begun
    verdict = scene.judged(Proofs())
    state, primary, standby = verdict.state, verdict.primary, verdict.standby
    plan = ActivationPlan("", state=state, primary=primary, standby=standby)
    why = _refusal_of_hosts(scene, verdict)
    if why or primary is None or standby is None:
        return dataclasses.replace(plan, refusal=why or _sentence(scene, verdict))
    start_block: dict[str, t.Any] = {}
    fences: dict[str, dict[str, t.Any]] = {}
    confirmed = scene.pair.options["activate_standby_confirm_down"] == primary
    if state in (PRIMARY_DOWN, BOTH_DOWN) or (state == PRIMARY_HUNG and confirmed):
        start_block = _start_block(scene, primary, standby)
    elif state == PRIMARY_UNKNOWN and scene.pair.options["activate_standby_fence_segments"]:
        try:
            fences = _fences(scene, primary, standby, neighbours)
        except CoordinatorError as error:
            other = f"activate_standby_fence_command, or activate_standby_confirm_down={primary} if you know that it is down"
            return dataclasses.replace(
                plan, refusal=f"{primary} cannot be fenced on the segment hosts: {error.message}. Another proof is {other}"
            )
    command = state == PRIMARY_UNKNOWN and bool(scene.pair.options["activate_standby_fence_command"])
    expected = Proofs(
        fenced=frozenset([primary] if command or fences else []),
        stopped=frozenset([primary] if start_block else []),
        confirmed=frozenset([primary] if confirmed else []),
    )
    verdict = scene.judged(expected)
    if not verdict.activation:
        return dataclasses.replace(plan, refusal=_sentence(scene, verdict) + _hint(verdict))
    return with_aftermath(
        scene,
        dataclasses.replace(
            plan,
            start_block=start_block,
            fences=fences,
            command=command,
            salvage_directory=salvage_directory(coordinator_on(standby, scene.observations).instance.data_directory),
            proof=_proof(start_block, fences, command, confirmed, primary, scene.pair.options),
            warnings=_warnings(scene, state, standby),
        ),
    )


def _begun(scene: Scene) -> ActivationPlan | None:
    """The plan where a host was promoted already: nothing, or the rest; None where none was."""
    state = scene.pair.state
    view = next((view for view in scene.views if view.is_primary), None)
    if view is None or not (state in (UNMIRRORED, PRIMARY_HUNG) or view.refused) or any(other.role == "standby" for other in scene.views):
        return None
    observed = coordinator_on(view.host, scene.observations)
    other = next(host for host in scene.pair.coordinators if host != view.host)
    plan = ActivationPlan("", state=state, primary=other, standby=view.host)
    finished, primary = observed.activation, observed.primary
    if observed.unfinished == PURPOSE:
        proof = "given before the promotion, by the run that was cut off"
        return with_aftermath(scene, dataclasses.replace(plan, resume=True, proof=proof))
    if state == UNMIRRORED and finished and primary and finished.get("timeline") == primary.timeline:
        return dataclasses.replace(plan, done=view.host, connection=_connection(scene, plan))
    return None


def _refusal_of_hosts(scene: Scene, verdict: Verdict) -> str:
    """Why nothing can be begun with these hosts, whatever is proved."""
    confirmed = scene.pair.options["activate_standby_confirm_down"]
    if verdict.state in (PRIMARY_DOWN, PRIMARY_HUNG, PRIMARY_UNKNOWN, BOTH_DOWN):
        if scene.absent:
            return (
                f"{', '.join(scene.absent)} took no part in this run, and is unknown: run it for all hosts of the cluster, without --limit"
            )
        if confirmed and verdict.primary and confirmed != verdict.primary:
            return f"activate_standby_confirm_down is {confirmed!r}, the primary was on {verdict.primary}: name that host, if you mean it"
    if verdict.standby in scene.pair.unlocked:
        return f"{verdict.standby} could not be locked against other runs: {scene.pair.unlocked[verdict.standby]}"
    standby = scene.coordinator(verdict.standby)
    if standby and standby.instance.start_block:
        return f"{verdict.standby} is start-blocked itself, {standby.instance.start_block}: it must not be primary; run rejoin first"
    return ""


def _sentence(scene: Scene, verdict: Verdict) -> str:
    coordinators = [f"{host}: {why}" for host, why in scene.pair.unknown.items() if host in scene.pair.coordinators]
    return f"{verdict.state}: {verdict.activation_reason} ({'; '.join([*verdict.reasons, *coordinators])})"


#: what proves that a host does no harm any more that does not answer
_PROOFS = (
    "activate_standby_fence_segments=true (packet filter on all segment hosts), activate_standby_fence_command (it succeeds when the host "
    "is cut off), or activate_standby_confirm_down={} if you know that it is down"
)


def _hint(verdict: Verdict) -> str:
    """The variables that would help."""
    if verdict.state == BOTH_DOWN:
        return ". Start the primary, or, to activate the standby all the same, give activate_standby_both_down=true"
    if verdict.state == PRIMARY_UNKNOWN and verdict.primary and verdict.activation_reason.endswith("is stopped"):
        return (
            ". Start it, or, to have it started and activated, give activate_standby_both_down=true and a proof that the primary is down: "
            f"{_PROOFS.format(verdict.primary)}"
        )
    if verdict.state == PRIMARY_HUNG:
        return f". If its instance may be stopped for good, give activate_standby_confirm_down={verdict.primary}"
    if verdict.state == PRIMARY_UNKNOWN and verdict.primary and verdict.activation_reason.startswith("the operator's confirmation"):
        return ". Give activate_standby_fence_segments=true or activate_standby_fence_command; sessions of a host that is down fall silent"
    if verdict.state == PRIMARY_UNKNOWN and verdict.primary and "fence it" in verdict.activation_reason:
        return f". Have {verdict.primary} answer, or give {_PROOFS.format(verdict.primary)}"
    return "" if verdict.advice == "nothing" else f". Next: {verdict.advice}"


def _start_block(scene: Scene, primary: str, standby: str) -> dict[str, t.Any]:
    directory = coordinator_on(primary, scene.observations).instance.data_directory
    here = coordinator_on(standby, scene.observations)
    wal, control = here.wal, here.instance.control
    return {
        "data_directory": directory,
        "new_primary": standby,
        "stop_timeout": _STOP_TIMEOUT,
        "wal_from": wal.end_lsn if wal else None,
        # the control file follows with the next restartpoint only
        "timeline": max((wal.timeline if wal else None) or 0, control.timeline if control else 0),
        "salvage_directory": salvage_directory(directory),
    }


def _fences(scene: Scene, primary: str, standby: str, neighbours: t.Sequence[segment_fence.Neighbour]) -> dict[str, dict[str, t.Any]]:
    record, why = kept_record(scene.pair.coordinators, scene.observations, primary)
    if record is None:
        raise CoordinatorError(f"{why}; enable_mirroring leaves one on {standby} while a primary serves")
    situation = segment_fence.Situation(
        primary=primary,
        standby=standby,
        record=record,
        hosts=scene.observations,
        unknown=scene.pair.unknown,
        segment_hosts=scene.pair.segment_hosts,
        known={host: addresses_of(host, scene.pair.variables, scene.observations, record) for host in scene.observations},
        floating=scene.pair.options["activate_standby_floating_address"],
        neighbours=neighbours,
    )
    addresses, ports = segment_fence.ports_by_host(situation)
    return {host: {"addresses": addresses, "ports": found, "timeout": _STOP_TIMEOUT} for host, found in ports.items()}


def _proof(
    start_block: t.Mapping[str, t.Any],
    fences: t.Mapping[str, t.Any],
    command: bool,
    confirmed: bool,
    primary: str,
    options: t.Mapping[str, t.Any],
) -> str:
    found = []
    if start_block:
        found.append(f"its instance on {primary} stopped, and its data directory start-blocked")
    elif fences:
        where = "; ".join(f"{host}, ports {', '.join(map(str, of_host['ports']))}" for host, of_host in fences.items())
        addresses = next(iter(fences.values()))["addresses"]
        found.append(f"{', '.join(addresses)} rejected on {where}")
    if command:
        found.append(f"the fencing command, within {options['activate_standby_fence_command_timeout']:g} s")
    if confirmed:
        found.append(f"the operator's confirmation that {primary} is down")
    return "; ".join(found)


def _warnings(scene: Scene, state: str, standby: str) -> list[str]:
    deaf = unheard(standby, scene.coordinator(standby))
    found = [deaf] if deaf else []
    found += [f"{host} is unknown, {why}" for host, why in scene.pair.unknown.items() if host in scene.pair.segment_hosts]
    if state == PRIMARY_UNKNOWN and not scene.pair.options["activate_standby_fence_segments"]:
        found.append("the former primary is not fenced on the segment hosts: nothing keeps it from them should it come back")
    return found


#: options that ask for something after the promotion
_AFTERMATH = ("activate_standby_analyze", "activate_standby_post_tasks", "standby_environment")


def with_aftermath(scene: Scene, plan: ActivationPlan) -> ActivationPlan:
    """With what has to be done after the promotion."""
    floating = scene.pair.options["activate_standby_floating_address"]
    rules = _access(scene, plan)
    hosts = {plan.standby or "": "present", plan.primary or "": "absent"} if floating else {}
    return dataclasses.replace(
        plan,
        access=rules,
        floating={host: state for host, state in hosts.items() if scene.observations[host]},
        connection=_connection(scene, plan),
        session=session_options(owner=True) if scene.pair.options["activate_standby_analyze"] else "",
        follows=bool(rules or floating or any(scene.pair.options[name] for name in _AFTERMATH)),
    )


def _access(scene: Scene, plan: ActivationPlan) -> dict[str, dict[str, t.Any]]:
    """By host, the rules that its instances lack; only where they have some already: opening access is for enable_mirroring."""
    record, _dummy = kept_record(scene.pair.coordinators, scene.observations, plan.primary)
    seen = {host: found for host, found in scene.observations.items() if found}
    rows = record.segments if record else ()
    running = {host: {segment.data_directory for segment in found.segments} for host, found in seen.items()}
    instances = {
        host: {
            "coordinator": [coordinator_on(host, seen).instance.data_directory] if host == plan.standby else [],
            "segments": [row.datadir for row in rows if row.host == host and os.path.normpath(row.datadir) in running[host]],
        }
        for host in seen
    }
    addresses = [
        normal_address(str(address))
        for host in scene.pair.coordinators
        for address in scene.pair.variables[host].get("whpg_addresses")
        or (seen[host].addresses if host in seen else ())
        or (record.primary.addresses if record and host == plan.primary else ())
    ]
    floating = scene.pair.options["activate_standby_floating_address"].partition("/")[0]
    desired = access(instances, [address for address in addresses if address != floating], scene.pair.options)
    return {host: rules for host, rules in desired.items() if _lacks(rules, seen[host].access)}


def _lacks(desired: t.Mapping[str, t.Any], observed: t.Mapping[str, t.Sequence[str] | None]) -> bool:
    """Whether instances with some rules do not have all that they should."""
    own = {where: observed.get(where) for where in desired["data_directories"]}
    missing = any(str(rule) not in (lines or ()) for where, lines in own.items() for rule in rules_of(desired["rules"], where))
    return missing and any(own.values())


def _connection(scene: Scene, plan: ActivationPlan) -> str:
    names, ports = [], []
    for host in (plan.standby, plan.primary):
        if host:
            name, port = scene.place(host)
            names.append(name)
            ports.append(str(port))
    return f"host={','.join(names)} port={','.join(ports)} target_session_attrs=read-write"
