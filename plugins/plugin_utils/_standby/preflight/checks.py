# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Whatever would make a standby fail, or useless as a primary, and can be seen before anything is begun: all checks, and what runs them."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.needs import FILE, Need
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.preflight import named_in
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.preflight import (
    configuration,
    likeness,
    listening,
    place,
    primary,
)
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.preflight.case import (
    COPY,
    MOVE,
    Case,
    directory_of,
    is_within,
)
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.preflight.check import Check

#: the files with checks
SUBJECTS = (primary, place, configuration, listening, likeness)

_ALL = [made for subject in SUBJECTS for made in vars(subject).values() if isinstance(made, Check)]

#: all checks in the order in which they are told, first those that cannot be accepted
CHECKS: t.Sequence[Check] = sorted(_ALL, key=lambda made: made.acceptable)

#: what O(standby_accepted_differences) may name, each with what that is: its documentation
ACCEPTABLE: t.Mapping[str, str] = {made.name: made.about for made in CHECKS if made.acceptable}


def in_the_way(case: Case, accept: t.Container[str] = ()) -> str:
    """Why the standby cannot be made, or would be of no use; empty when it can.

    :param accept: names of checks whose findings are accepted.
    """
    found = {made.name: made.findings(case) for made in CHECKS if not made.compares or case.comes}
    said = {name: findings for name, findings in found.items() if findings and name not in accept}
    if not said:
        return ""
    acceptable = [name for name in said if name in ACCEPTABLE]
    text = "; ".join(str(finding) for findings in said.values() for finding in findings)
    return text + (f"; or accept it: standby_accepted_differences={acceptable}" if len(acceptable) == len(said) else "")


def obstacle(case: Case) -> str | None:
    """Why there can be no standby on its host, whatever is desired; None when there can, or when that was not seen."""
    found = (str(finding) for made in CHECKS if made.bars for finding in made.findings(case))
    return next(found, None)


def unlike(case: Case) -> dict[str, str]:
    """By name of the check, in what the standby's host differs so that it could not serve as the primary does."""
    return {made.name: finding.message for made in CHECKS if made.compares for finding in made.findings(case)}


def to_look_for(case: Case, server: t.Mapping[str, str]) -> dict[str, t.Any]:
    """Options of a further look at the standby's host; empty where none is needed.

    :param server: parameters of libpq for its connection to the primary, where that is by TLS and will be made; else empty.
    """
    found = _needed(case)
    return {"needs": [], "tablespaces": [], "names": [], **found, "server": {**server}} if found or server else {}


def _needed(case: Case) -> dict[str, t.Any]:
    """What has to be there beside the data directory, as options of a look."""
    source, standby = case.source[1], case.standby
    if not case.comes or not source or not standby:
        return {}
    configured = source.configured if case.way != MOVE else None
    moves = directory_of(source) != directory_of(standby)
    needs = [need for need in (configured.needs if configured else ()) if moves or not is_within(need.path, source)]
    needs += [Need(path, FILE, "a setting") for path in case.snapshot.get("required_files") or ()]
    spaces = list(case.snapshot.get("tablespaces") or ()) if case.way == COPY else []
    setting = case.options.get("standby_listen_addresses") or listening.listen_setting(case)
    names = named_in(setting) if setting else []
    if not (needs or spaces or names):
        return {}
    return {"needs": [dataclasses.asdict(need) for need in needs], "tablespaces": spaces, "names": names}
