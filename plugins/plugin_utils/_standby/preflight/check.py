# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What a check is.

A check is a pure function from what was observed to sentences, each of them what is wrong, where, why, and what helps.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.preflight.case import Case

#: what the hosts show of the primary and of the standby that is to be, that of them whose configuration the standby will have, and what the
#: primary tells over SQL
PRIMARY, STANDBY, SOURCE, SQL = "primary", "standby", "source", "sql"
BOTH = (PRIMARY, STANDBY)


class Finding(t.NamedTuple):
    """Something that is wrong.

    :param host: where; None: in the options.
    :param message: what, why, and what helps.
    """

    host: str | None
    message: str

    def __str__(self) -> str:
        return f"{self.host}: {self.message}" if self.host else self.message


#: what a check yields, each as a :class:`Finding` has it
Findings = t.Iterable[t.Tuple[t.Optional[str], str]]


@dataclasses.dataclass(frozen=True)
class Check:
    """A check.

    :param name: what it is called, in O(standby_accepted_differences) too.
    :param looks_at: what it looks at, of these; it finds nothing where that was not seen.
    :param about: what it finds, a line of documentation.
    :param find: finds it, given the case, and what it looks at.
    :param acceptable: whether what it finds may be accepted.
    :param compares: whether it is about a difference of the hosts, which is to be known of a standby that is there, too.
    :param bars: whether with what it finds there can be no standby, whatever is desired.
    """

    name: str
    looks_at: tuple[str, ...]
    about: str
    find: t.Callable[..., Findings]
    acceptable: bool = False
    compares: bool = False
    bars: bool = False

    def findings(self, case: Case) -> list[Finding]:
        """What it finds."""
        primary = case.primary
        seen = {PRIMARY: primary, STANDBY: case.standby, SOURCE: case.source[1], SQL: primary.primary if primary else None}
        given = [seen[what] for what in self.looks_at]
        return [Finding(*found) for found in self.find(case, *given)] if all(given) else []


def check(
    *looks_at: str, about: str, acceptable: bool = False, compares: bool = False, bars: bool = False
) -> t.Callable[[t.Callable[..., Findings]], Check]:
    """Make a check of a function; its name is the function's. All checks of the files in :data:`checks.SUBJECTS` are made."""

    def made(find: t.Callable[..., Findings]) -> Check:
        return Check(find.__name__, looks_at, about, find, acceptable, compares, bars)

    return made
