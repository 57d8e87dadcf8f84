# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wanted of a cluster, by the variables of its coordinators' hosts."""

from __future__ import annotations

import typing as t

Variables = t.Mapping[str, t.Any]


def wanted_of(template: t.Callable[[t.Any], t.Any], variables: Variables, wanted: str, given: str | None) -> dict[str, t.Any]:
    """What is wanted on a host.

    :param template: what evaluates a value.
    :param variables: all variables of the host, as they are before they are evaluated.
    :param wanted: name of the variable that says by which variable each thing is wanted: its name, or its name and what holds where
        it is not defined, or a dictionary of such things.
    :param given: name of the variable that says likewise what only matters whether it has a value, which may be a template that another
        host evaluates.
    """

    def look(what: t.Any) -> t.Any:
        if isinstance(what, dict):
            return {option: look(inner) for option, inner in what.items()}
        name, default = (what, None) if isinstance(what, str) else what
        return template(variables[name]) if name in variables else default

    booleans = variables[given].items() if given else ()
    return {**look(variables[wanted]), **{option: bool(variables.get(name)) for option, name in booleans}}


def disagreement(told: t.Mapping[str, Variables]) -> str:
    """What the coordinators' hosts want differently; empty where they agree.

    :param told: by host, what is wanted there.
    """
    (one, first), *others = told.items()
    for other, second in others:
        for name in sorted(set(first) | set(second)):
            if first.get(name) != second.get(name):
                return (
                    f"{one} and {other} have different variables for this role, {name} is {first.get(name)!r} and {second.get(name)!r}: "
                    "give both the same, among the variables of their group"
                )
    return ""
