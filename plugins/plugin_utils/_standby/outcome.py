# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""How making a standby ended for a cluster, by what its hosts returned."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.password_stores.registry import KINDS
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.replication import Probe
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.own_files import named
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.primary import Primary
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.observations import OBSERVATION, coordinator_of, observed
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.results import failed, message
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.move import DIRECTORY, HOST
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.planned import StandbyPlan
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.progress import Progress, names_of_steps

Variables = t.Mapping[str, t.Any]

#: why nothing is known of a host any more
_LOST = "dropped out of the run, unreachable or failed, see above"

#: steps that roll a part of the registration back
_PARTS = (("drop_role", "replication role"), ("remove_row", "catalog row"), ("drop_slot", "slot"))


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How it ended.

    :param mirrored: whether the pair was seen mirrored; in check mode, whether it can be.
    :param text: the same for people.
    :param failure: what the cluster's failure says; empty without one.
    :param lines: what is printed before the text: nothing.
    :param document: the same for programs: none.
    """

    mirrored: bool
    text: str
    failure: str = ""
    lines: t.Sequence[str] = ()
    document: None = None

    @property
    def returned(self) -> dict[str, t.Any]:
        """What the role returns."""
        return {"mirrored": self.mirrored, "outcome": self.text}


def outcome(progress: Progress, limit: str) -> Outcome:
    """How it ended for a cluster.

    :param limit: seconds that the standby had.
    """
    ended = _of_pair(progress, limit)
    results = {host: progress.on(host, "__standby_environment") for host in progress.hosts}
    unset = "; ".join(f"{host}: {message(result)}" for host, result in results.items() if failed(result))
    if not unset or not ended.mirrored:
        return ended
    why = f"the environment of the engine's user could not be set: {unset}"
    return dataclasses.replace(ended, text=f"{ended.text}; {why}", failure=ended.failure or f"{progress.cluster} is mirrored, but {why}")


def asked(result: t.Any) -> Primary | None:
    """What a primary told over SQL when its host was looked at; None where it did not.

    :param result: of M(warehousepg.coordinator.mirroring_info) there.
    """
    found = coordinator_of(observed(result))
    return found.primary if found else None


def _of_pair(progress: Progress, limit: str) -> Outcome:
    cluster, plan, hosts = progress.cluster, progress.plan, progress.hosts
    primary, standby = plan.primary or "", plan.standby or ""
    refusal = plan.refusal
    if refusal:
        return Outcome(False, f"NOT mirrored: nothing was changed: {refusal}", f"{cluster}: nothing was changed: {refusal}")
    if plan.left_alone:
        return Outcome(False, f"left alone: {plan.left_alone}")
    known = hosts[primary]
    before, seen = (asked(known.get(name)) for name in (OBSERVATION, "__standby_verification"))
    if before and not plan.to_change:
        return Outcome(True, _mirrored(plan, before.probe))
    failures = [f"{host}: {found['__standby_failure']}" for host, found in hosts.items() if found.get("__standby_failure")]
    failures += [f"{host}: {_LOST}" for host in progress.lost]
    if plan.move and progress.former_lost:
        failures.append(f"{plan.move.host}: unreachable")
    if progress.check_mode and not failures:
        way = plan.way
        by = f" {_WAYS[way['method']]}: {way['reason']}{_would_keep(plan)}" if way else ""
        brings = f"; brought from {primary}, which {standby} has otherwise: {', '.join(plan.drift)}" if plan.drift else ""
        return Outcome(True, f"can be mirrored: {standby} can be the standby of {primary}{by}{_would_move(plan)}{brings}")
    if progress.verified and seen and not failures:
        unkept = hosts[standby].get("__standby_record") or {}
        warning = (
            f"; what an activation needs to know without the primary could not be kept on {standby}: {message(unkept)}"
            if failed(unkept)
            else ""
        )
        still_open = _rewind_access_left(known, primary)
        made = (
            _mirrored(plan, seen.probe)
            + _rejoined(hosts[standby])
            + _moved(plan, hosts[standby])
            + _slowed(plan, hosts[standby])
            + brought(primary, hosts[standby].get("__standby_brought"))
        )
        text = made + (f"; {still_open}" if still_open else "") + warning
        fenced = [
            f"{host}: {found['__standby_lift']['msg']}" for host, found in hosts.items() if (found.get("__standby_lift") or {}).get("msg")
        ]
        differs = [
            f"{host}: {message(known[name])}"
            for host, known, name in ((primary, hosts[primary], "__standby_packed"), (standby, hosts[standby], "__standby_brought"))
            if failed(known.get(name) or {})
        ]
        if differs:
            why = f"{standby} still differs from {primary} in {', '.join(plan.drift)}: {'; '.join(differs)}"
            return Outcome(True, f"{text}; {why}", f"{cluster} is mirrored, but {why}")
        if fenced:
            rejected = f"the addresses of {standby} may still be rejected: {'; '.join(fenced)}"
            return Outcome(True, f"{text}; {rejected}", f"{cluster} is mirrored, but {rejected}. Run this again when the cause is mended")
        return Outcome(True, text)
    if not failures:
        walsender = seen.walsender if seen else None
        state = f"{walsender.state}, {walsender.sync_state}" if walsender else "missing"
        failures = [f"the primary did not see the standby stream in sync and replay a write within {limit} s; its walsender is {state}"]
    on_standby = coordinator_of(observed(hosts[standby].get("__standby_explanation")))
    errors = on_standby.standby.errors if on_standby and on_standby.standby else ""
    log = f"The standby's log: {errors}. " if errors else ""
    steps = names_of_steps(known.get("__standby_rolled_back") or {})
    parts = [part for step, part in _PARTS if step in steps]
    uncopied = hosts[standby].get("__standby_uncopied") or {}
    if uncopied.get("deleted"):
        parts.append("the copy")
    back = ", ".join(parts) or "nothing"
    stays = _stays(_made(hosts[standby]))
    lefts = [f"{host}: {found['__standby_left']}" for host, found in hosts.items() if found.get("__standby_left")]
    left = "; ".join(filter(None, [*lefts, *stays, _rewind_access_left(known, primary)]))
    done = _rolled_back(progress, bool(lefts)) or f"Rolled back: {back}"
    return _failed(
        cluster,
        failures,
        log,
        f"{done}. {left + '. ' if left else ''}The primary {primary} goes on serving; run this again when the cause is mended",
    )


def _failed(cluster: str, failures: t.Sequence[str], log: str, remedy: str) -> Outcome:
    why = " ".join("; ".join(failures).split())
    return Outcome(False, f"NOT mirrored: {why}. {log}".strip(), f"{cluster} is not mirrored: {why}. {log}{remedy}".strip())


def _would_keep(plan: StandbyPlan) -> str:
    """What will become of the files that only the host has, or has otherwise; empty where it has none."""
    files = plan.files
    parts = [
        f"only it has {named(files['kept'])}, which it keeps" if files.get("kept") else "",
        f"the primary has otherwise {named(files['set_aside'])}, of which its own are set aside" if files.get("set_aside") else "",
        f"pg_wal stays a link to {files['wal_directory']}" if files.get("wal_directory") else "",
    ]
    return "".join(f"; {part}" for part in parts if part)


def _made(known: Variables) -> Variables:
    """How the standby was made, and what of a former instance is left now."""
    made, done = known.get("__standby_copy") or {}, known.get("__standby_configuration") or {}
    if not done.get("removed"):
        return made
    left = {name: told for name, told in made.items() if name not in ("set_aside_as", "set_aside", "former_wal")}
    return {**left, "removed": made.get("set_aside"), "removed_wal": done["removed_wal"]}


def _kept(made: Variables) -> list[str]:
    """What became of the files that only the host had, or had otherwise, and of its links."""
    removed, former_wal = made.get("removed") or [], made.get("former_wal")
    return [
        f"only it had {named(made['kept'])}, kept in place" if made.get("kept") else "",
        f"the primary has otherwise {named(made['set_aside'])}, its own are in {made['set_aside_in']}" if made.get("set_aside") else "",
        f"what the primary has otherwise was removed with the former directory, as desired: {named(removed)}" if removed else "",
        f"pg_wal stays a link to {made['wal_directory']}" if made.get("wal_directory") else "",
        f"the former WAL is in {former_wal}" if former_wal else "",
        f"the former WAL in {made['removed_wal']} was removed" if made.get("removed_wal") else "",
    ]


def _stays(made: Variables) -> list[str]:
    """What of a former instance was set aside for a copy, and what became of its files; nothing where it is in its place."""
    return [f"what was there is in {', '.join(made['set_aside_as'])}", *filter(None, _kept(made))] if made.get("set_aside_as") else []


def _would_move(plan: StandbyPlan) -> str:
    """From where it would come, and how; empty where it stays in its place."""
    move = plan.move
    if move is None or move.kind not in (DIRECTORY, HOST):
        return ""
    way = "its directory is renamed" if move.renames else "by a copy, made while the present one streams"
    own = f"; only it has there {named(move.own)}, set aside with it" if move.own else ""
    return f", moved from {move.name}, {move.registration['standby_data_directory']}: {way}{own}"


def _moved(plan: StandbyPlan, known: Variables) -> str:
    """From where it came, and what is left there; empty where it stayed in its place."""
    move = plan.move
    if move is None or move.kind not in (DIRECTORY, HOST):
        return ""
    aside = (known.get("__standby_leaving") or {}).get("set_aside_as") or []
    cleared = known.get("__standby_cleared") or {}  # failed, or its host was lost
    parts = [
        f"it was moved from {move.name}, {move.registration['standby_data_directory']}",
        f"what was there is in {', '.join(aside)}" if aside else "",
        f"only there are {named(move.own)}" if aside and move.own else "",
        f"left: {move.left}" if move.left else "",
        f"its {KINDS} and its record may be left there: {cleared['msg']}" if cleared.get("msg") else "",
    ]
    return "; " + "; ".join(filter(None, parts))


def brought(source: str | None, result: Variables | None) -> str:
    """What was brought from the other coordinator, and what follows from that; empty where nothing was.

    :param result: of M(warehousepg.coordinator.coordinator_files).
    """
    found = result or {}
    if not found.get("brought"):
        return ""
    parts = [
        f"brought from {source}: {', '.join(found['brought'])}",
        f"what was there and had something of its own is kept: {', '.join(found['kept'])}" if found.get("kept") else "",
        f"by a restart only it takes {', '.join(found['restart_needed'])}" if found.get("restart_needed") else "",
    ]
    return "; " + "; ".join(filter(None, parts))


def _rolled_back(progress: Progress, hindered: bool) -> str:
    """What became of the standby that was to leave its place; empty where none was.

    :param hindered: whether something could not be rolled back.
    """
    move = progress.plan.move
    if not move:
        return ""
    if progress.on_standby("__standby_back").get("connected"):
        return f"Rolled back: the standby on {move.name} streams as before"
    if hindered or progress.former_lost:
        return f"NOT ALL COULD BE ROLLED BACK of the standby on {move.name}"
    return f"The standby on {move.name} stays as it was"


_WAYS = {
    "start": "as it is",
    "rewind": "by pg_rewind",
    "changed_blocks": "by a copy of the blocks that differ",
    "basebackup": "by a new copy",
}


def _rewind_access_left(known: Variables, primary: str) -> str:
    """What a former primary may do on the present one, and should not any more; empty when it may nothing."""
    why = (known.get("__standby_rewind_revoked") or {}).get("msg")
    return (
        f"{primary} still lets it read files, as for a rewind: {why}; run standby_registration with state=absent, parts=rewind there"
        if why
        else ""
    )


def _rejoined(known: Variables) -> str:
    """How what was left of a standby, or of a copy, became the standby, and what of it was discarded; empty where nothing was left."""
    made = _made(known)
    if "reason" not in made:
        return ""
    size = made.get("bytes_copied")
    all_wal = f", of the primary's WAL also what it had, for {made['all_wal_why']}" if made.get("all_wal_why") else ""
    in_all = f" of {made['bytes'] >> 20}" if made.get("bytes") and made["method"] == "changed_blocks" else ""
    copied = f"{size >> 20}{in_all} MiB were copied{all_wal}" if size is not None else ""
    rejoined = "discarded" in made
    parts = [f"it {'rejoined' if rejoined else 'was made'} {_WAYS[made['method']]}: {made['reason']}"]
    if rejoined and "take_up" in names_of_steps(made):  # else that is the reason
        parts.append("it went on from a copy that was cut off")
    parts.append(copied)
    own = made.get("discarded")
    if own:
        parts.append(
            f"only it had {own['from']} to {own['to'] or 'an unknown end'} on timeline {own['timeline']}, {_commits(own)}; discarded"
        )
    if made.get("set_aside_as"):
        parts.append(f"what was there is in {', '.join(made['set_aside_as'])}")
    parts += _kept(made)
    return "; " + "; ".join(filter(None, parts))


def _slowed(plan: StandbyPlan, known: Variables) -> str:
    """For how long the copy was paused, and why; empty where it was not."""
    latency = _made(known).get("latency") or {}
    if not latency.get("paused"):
        return ""
    slow = f"{latency['above']} of {latency['commits']} commits on {plan.primary} took longer than {plan.snapshot['max_latency']} ms"
    return f"; the copy was paused for {latency['paused']:.1f} s: {slow}, at most {latency['highest_ms']:.0f} ms"


def _commits(own: t.Mapping[str, t.Any]) -> str:
    if own["commits"] is None:
        return f"with an unknown number of commits ({own['why']})"
    last = f", the last at {own['last_commit']}" if own["last_commit"] else ""
    return f"with {own['commits']} commits{last}"


def _mirrored(plan: StandbyPlan, probe: Probe) -> str:
    return f"mirrored: {plan.standby} streams in sync from {plan.primary}; a write was acknowledged and replayed, up to {probe.lsn}"
