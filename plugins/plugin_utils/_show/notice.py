# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""A notice: what is told to somebody's endpoint or command of how a run ended, and of a state that was not told of before."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show import report

Document = t.Mapping[str, t.Any]

#: grows when a key changes its meaning or goes; a new key alone does not change it
SCHEMA_VERSION = 1
#: how a program ends that C(timeout) ended
_TOO_LATE = (124, 137)
#: options that say where notices go, and how that is called
WAYS = {"coordinator_notice_url": "the endpoint", "coordinator_notice_command": "the command"}


def notice(
    status: Document, cluster: str, before: tuple[str, str] | None, playbook: str, ended: Document | None
) -> dict[str, t.Any] | None:
    """What is told of a cluster; None where there is nothing to tell.

    :param status: what the status playbook writes, on this cluster.
    :param before: state and primary that were known before, empty texts where none were; None where they are the same now.
    :param playbook: what was run.
    :param ended: how it ended, as the summary returns it; None of a look.
    """
    acted = ended if ended and ended["acted"] else None
    if acted is None and before is None:
        return None
    of_cluster = status["clusters"][cluster]
    state = f"{of_cluster['state']}{_instead(of_cluster, before)}: {'; '.join(of_cluster['reasons'])}"
    return {
        "schema_version": SCHEMA_VERSION,
        "text": f"{cluster}: {acted['message']}; now {state}" if acted else f"{cluster}: {state}",
        "cluster": cluster,
        "playbook": playbook,
        "outcome": acted["outcome"] if acted else None,
        "failed": acted["failed"] if acted else None,
        "message": acted["message"] if acted else None,
        "state": of_cluster["state"],
        "primary": of_cluster["primary"],
        "changed": before is not None,
        "before": {"state": before[0], "primary": before[1] or None} if before and before[0] else None,
        "status": report.plain(status),
    }


def _instead(of_cluster: Document, before: tuple[str, str] | None) -> str:
    """What it was before, where that is known and another one."""
    if not before or not before[0]:
        return ""
    state, primary = before
    moved = primary != (of_cluster["primary"] or "")
    return f" (before: {state}{f', {primary} primary' if moved and primary else ''})"


def unsent(way: str, result: Document) -> str:
    """That a notice did not reach its receiver, and why; empty where it did, or there is none.

    :param result: of the task that sent it. What it says of the address may be secret.
    """
    if not result or result.get("skipped"):
        return ""
    code = result.get("rc")
    if code in _TOO_LATE:
        why = "it was not done in time"
    elif code is not None:
        why = f"it ended with {code}: {result.get('stderr') or ''}" if code else ""
    else:
        msg = re.sub(r" and not \[[\d, ]*\]", "", str(result.get("msg") or "it failed"))  # all that would have done
        why = "" if 200 <= int(result.get("status") or 0) < 300 else msg
    said = " ".join(re.sub(r"\w+://\S+", "the address", why).split()).rstrip(": ")
    return f"no notice was taken by {WAYS[way]}: {said}" if said else ""
