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

#: the host of the primary, that of the standby that is to be, and the one of them whose configuration the standby will have
PRIMARY, STANDBY, SOURCE = "primary", "standby", "source"
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

    :param name: what it is called, in O(standby_accept) too.
    :param hosts: the hosts that it looks at; it finds nothing where one was not observed.
    :param about: what it finds, a line of documentation.
    :param find: finds it.
    :param acceptable: whether what it finds may be accepted.
    :param compares: whether it is about a difference of the hosts, which is to be known of a standby that is there, too.
    :param bars: whether with what it finds there can be no standby, whatever is wanted.
    """

    name: str
    hosts: tuple[str, ...]
    about: str
    find: t.Callable[[Case], Findings]
    acceptable: bool = False
    compares: bool = False
    bars: bool = False

    def findings(self, case: Case) -> list[Finding]:
        """What it finds."""
        observed = {PRIMARY: case.primary, STANDBY: case.standby, SOURCE: case.source[1]}
        return [Finding(*found) for found in self.find(case)] if all(observed[host] for host in self.hosts) else []


def check(
    *hosts: str, about: str, acceptable: bool = False, compares: bool = False, bars: bool = False
) -> t.Callable[[t.Callable[[Case], Findings]], Check]:
    """Make a check of a function; its name is the function's. All checks of the files in :data:`checks.SUBJECTS` are made."""

    def made(find: t.Callable[[Case], Findings]) -> Check:
        return Check(find.__name__, hosts, about, find, acceptable, compares, bars)

    return made
