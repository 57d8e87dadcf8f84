# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What showing the history of clusters has done on the controller: it reads the audit trails."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible.errors import AnsibleActionFail
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.loss import BYTES, Loss
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._desired import options
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._desired.option_checks import COORDINATOR_ROLES
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.stage import Hosts, Stage, Task, Variables
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show import audit, table, trail
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.people import tell
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.screen import size

INTENT = "history"

_HEAD = ("ended (UTC)", "cluster", "who", "action", "outcome", "took", "loss", "")


def _show(task: Task, _given: Variables) -> Variables:
    """Print the latest events of all clusters that take part, and return them."""
    own = options.read(task.variables, task.template)
    if set(own.wrong) & set(options.names(INTENT)):
        raise AnsibleActionFail("; ".join(own.wrong[name] for name in options.names(INTENT) if name in own.wrong))
    files = {cluster: _files(hosts) for cluster, hosts in task.members().items()}
    trails = trail.gather(files)
    events = sorted((event for found in trails.events.values() for event in found), key=lambda event: event.time)
    latest = events[-own.options["history_lines"] :]  # the last 0 are all of them
    if latest:
        tell("", *table.lines([_HEAD, *map(_row, latest)]), "")
    else:
        tell(f"no run is known of {', '.join(files)}: {', '.join(dict.fromkeys(path for paths in files.values() for path in paths))}")
    warnings = [f"{path} cannot be read on the controller: {why}" for path, why in trails.unread.items()]
    warnings += [f"{path}: lines that cannot be read and were left out: {count}" for path, count in trails.damaged.items()]
    return {"events": list(map(_plain, latest)), **({"warnings": warnings} if warnings else {})}


def _files(hosts: Hosts) -> list[str]:
    """The audit trails of a cluster on the controller, by the options of its hosts."""
    coordinators = [known for known in hosts.values() if known.get("whpg_role") in COORDINATOR_ROLES]
    found = [options.read(known, lambda value: value).options for known in coordinators or hosts.values()]
    return list(dict.fromkeys(of_host[name] for of_host in found for name in options.AUDIT_FILES if of_host[name]))


def _row(event: trail.Event) -> tuple[str, ...]:
    changed = event.left and event.new_primary not in ("", event.former_primary)
    told = f"{event.new_primary} is primary" if changed else ""
    was = f"was {event.state}" if event.action == trail.SEEN and event.state else ""
    return (
        f"{event.time:%Y-%m-%d %H:%M}",
        event.cluster,
        event.who,
        event.action,
        event.outcome,
        "" if event.seconds is None else f"{event.seconds:.0f} s",
        _loss(event.loss),
        "; ".join(filter(None, (told, was, *event.rehearsed, event.reason))),
    )


def _loss(loss: Loss | None) -> str:
    if loss is None:
        return ""
    return size(loss.bytes) if loss.known == BYTES and loss.bytes is not None else loss.known


def _plain(event: trail.Event) -> dict[str, t.Any]:
    return {**dataclasses.asdict(event), "time": event.time.strftime(audit.TIME)}


STAGES = {"show": Stage(_show)}
