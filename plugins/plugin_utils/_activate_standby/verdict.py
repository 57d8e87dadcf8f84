# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Whether a standby may be promoted, now that its former primary was kept from writing, by what proves that."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import border
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.evidence import Proofs
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.loss import OnDisk
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._activate_standby.plan import ActivationPlan
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.scenes import Scene
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.results import Result, told, unlogged
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.drift import (
    ages,
    described,
    differences,
    staying,
    to_bring,
    uncompared,
)


@dataclasses.dataclass(frozen=True)
class ActivationVerdict:
    """The last word before the promotion.

    :param allowed: whether the standby may be promoted.
    :param state: in which the pair is.
    :param reason: why, or what is missing.
    :param proof: what was seen of the start block or of the fences, in sentences.
    :param exact_loss: what the former primary's disk has beyond the standby's; None where that was not read.
    :param drift: files that the former primary has otherwise, and that are brought from it before the promotion.
    :param accepted_drift: settings that keep their values meanwhile.
    :param not_brought: what the new primary may lack of the former one's settings and files, a sentence; empty where it lacks none.
    :param archive: on the former primary's host, the archive of WAL that the standby lacks; None without one.
    :param quiet_s: seconds since a segment host last had data from the former primary when it was fenced there; None where no session told.
    """

    allowed: bool
    state: str
    reason: str
    proof: str = ""
    exact_loss: dict[str, t.Any] | None = None
    archive: str | None = None
    quiet_s: float | None = None
    drift: list[str] = dataclasses.field(default_factory=list)
    accepted_drift: list[str] = dataclasses.field(default_factory=list)
    not_brought: str = ""


def decide(scene: Scene, plan: ActivationPlan, results: t.Mapping[str, Result], command: Result, check_mode: bool) -> ActivationVerdict:
    """Judge again, with what is proved now.

    :param plan: the plan for the cluster.
    :param results: by host, what C(coordinator_start_block) or C(coordinator_fence) returned; one that failed, or that is missing, proves
        nothing.
    :param command: the result of the fencing command; empty without one.
    :param check_mode: whether what would be done counts as done.
    """
    primary = t.cast(str, plan.primary)
    if plan.resume:
        return ActivationVerdict(True, plan.state, f"{plan.standby} was promoted already", plan.proof)

    instance = bool(plan.start_block)
    hosts, key = ([primary], "start_blocked") if instance else (list(plan.fences), "fenced")

    def holds(host: str) -> bool:
        result = results.get(host) or {}
        return key in result if check_mode else result.get(key) is True

    open_hosts = [host for host in hosts if not holds(host)]
    commanded = plan.command and (check_mode or command.get("rc") == 0)
    proofs = Proofs(
        fenced=frozenset([primary] if commanded or (plan.fences and not open_hosts) else []),
        stopped=frozenset([primary] if instance and not open_hosts else []),
        confirmed=frozenset([primary] if scene.pair.options["activate_standby_confirm_down"] == primary else []),
    )
    # an instance that was seen stopped and could not be kept so is unknown; one that was seen to run still counts as running
    views = [
        dataclasses.replace(view, observed=False, running=None) if view.host in open_hosts and not view.running else view
        for view in scene.views
    ]
    verdict = scene.judged(proofs, views)
    proof = [str(results[host]["proof"]) for host in hosts if holds(host) and results[host].get("proof")]
    if commanded and not check_mode:
        proof.append(f"the fencing command for {primary} ended with 0")
    if primary in proofs.confirmed:
        proof.append(f"the operator confirmed that {primary} is down")
    failures = [f"{host}: {_why(results.get(host), key)}" for host in open_hosts]
    if plan.command and not commanded:
        failures.append(f"the fencing command: {_why(command, 'fenced')}")
    reason = verdict.activation_reason
    accepted = scene.pair.options["standby_accepted_drift"]
    old, new = scene.coordinator(primary), scene.coordinator(plan.standby)
    here = new.unlogged if new else None
    # in check mode the instance is not stopped: it is as it was when it was looked at
    there = unlogged(results.get(primary) or {}) or (old.unlogged if old and check_mode else None)
    found = differences(there, here, accepted)
    stays = staying(found)
    said = [*([described(stays)] if stays else []), *([f"{uncompared(found)}, not compared"] if uncompared(found) else [])]
    not_brought = f"not brought from {primary}: {'; '.join(said)}" if said else ""
    if found is None:
        its_own = ages(here) or "its own"
        not_brought = f"what was changed on {primary} and WAL does not carry could not be read; {plan.standby} has {its_own}"
    wal = (results.get(primary) or {}).get("wal") if instance else None
    wal = wal if told(OnDisk, wal) else None  # it may be an enemy's, and another host goes by it
    return ActivationVerdict(
        allowed=verdict.activation,
        state=plan.state,
        reason=reason if verdict.activation or not failures else f"{reason}; {'; '.join(failures)}",
        proof="; ".join(proof) or plan.proof,
        exact_loss=dict(wal) if wal else None,
        drift=to_bring(found),
        accepted_drift=accepted,
        not_brought=not_brought,
        archive=wal.get("archive") if wal else None,
        quiet_s=_quiet([results.get(host) or {} for host in hosts]),
    )


def _quiet(results: t.Sequence[Result]) -> float | None:
    """Seconds since data last came from the former primary; None where a host's sessions were ended before this run, which told of them."""
    if not all("quiet_s" in result for result in results):
        return None
    try:
        told = [border.seconds(result["quiet_s"]) for result in results if result["quiet_s"] is not None]
    except ValueError:
        return None
    return min(told, default=None)


def _why(result: Result | None, key: str) -> str:
    """Why there is no proof, by a result that lacks what it should return as true."""
    if not result:
        return "nothing was done there"
    said = " ".join(str(part) for part in (result.get("msg"), result.get("stderr") or result.get("stdout")) if part)
    if result.get("unreachable"):
        return f"unreachable: {said}"
    return " ".join(said.split()) or f"it is not {key.replace('_', '-')}"
