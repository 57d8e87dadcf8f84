# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Since when pairs are in their states: since they were first seen so, by the audit trail, to which each change that is seen is added."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show import audit, trail


@dataclasses.dataclass(frozen=True)
class Look:
    """What was seen of a cluster.

    :param state: of its pair.
    :param primary: host that is primary, or was last; empty where that was not seen.
    :param reasons: what was seen, in sentences.
    :param file: the audit trail.
    """

    state: str
    primary: str
    reasons: t.Sequence[str]
    file: str


@dataclasses.dataclass(frozen=True)
class Seen:
    """What trails tell of what was seen.

    :param since: by cluster, since when it is so, where that can be told.
    :param before: by cluster that was not seen so before, its state and its primary then; empty texts where none is known.
    :param wrong: what is wrong with files.
    """

    since: dict[str, datetime.datetime] = dataclasses.field(default_factory=dict)
    before: dict[str, tuple[str, str]] = dataclasses.field(default_factory=dict)
    wrong: list[str] = dataclasses.field(default_factory=list)


def first_seen(looks: t.Mapping[str, Look], run: t.Mapping[str, str], now: datetime.datetime, check_mode: bool) -> Seen:
    """Since when clusters are as they were seen.

    :param run: who looks, and where.
    :param check_mode: whether nothing is added.
    """
    trails = trail.gather({cluster: [look.file] for cluster, look in looks.items()})
    found = Seen(wrong=[f"{path} cannot be read on the controller: {why}" for path, why in trails.unread.items()])
    for cluster, look in looks.items():
        if look.file in trails.unread:
            continue
        known, since = trail.last(trails.events[cluster]) or (("", ""), now)
        found.since[cluster] = since if known == (look.state, look.primary) else now
        if known == (look.state, look.primary):
            continue
        found.before[cluster] = known
        if check_mode:
            continue
        try:
            audit.append(look.file, {"time": now.strftime(audit.TIME), "cluster": cluster, **run, **_change(look, *known)})
        except OSError as error:
            found.wrong.append(f"{look.file} cannot be written on the controller: {error.strerror}")
    return found


def _change(look: Look, state: str, primary: str) -> dict[str, t.Any]:
    """What the audit trail says of a change.

    :param state: the state before; empty where none is known.
    :param primary: the primary then.
    """
    return {
        "schema_version": 1,
        "action": trail.SEEN,
        "outcome": look.state,
        "reason": "; ".join(look.reasons),
        "state": state,
        "former_primary": primary,
        "new_primary": look.primary,
    }
