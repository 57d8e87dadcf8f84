# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Why a host was not observed, and what has to be done about that: it is cut off, or it answers and cannot be asked."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.people import harmless

Result = t.Mapping[str, t.Any]

#: letters of what somebody else said
_LIMIT = 300

_PYTHON = "let ansible_python_interpreter of that host name a Python that this ansible-core works with there, 3.8 or newer"

#: by what is found in the words of a host, what they mean if they do not say so themselves, and what helps
_CAUSES: tuple[tuple[str, str, str], ...] = (
    (r"psycopg2", "", "install psycopg2 there, for that Python"),
    (r"SyntaxError", "its Python is too old", _PYTHON),
    (r"requires Python|minimum of Python|needs Python", "", _PYTHON),
    (r"interpreter|python[0-9.]*'?:? .*(not found|No such file)", "", _PYTHON),
    (
        r"\b(sudo|su|doas|pbrun|dzdo|pmrun|ksu)\b|BECOME|not allowed to execute|privilege escalation|password",
        "",
        "let Ansible become the engine's user there, by a rule of sudo or by ansible_become_password",
    ),
)


@dataclasses.dataclass(frozen=True)
class Unseen:
    """A host that was not observed.

    :param why: that it took no part, is cut off, or what it said instead.
    :param remedy: what to do, without a name of the host.
    :param answered: whether it is not cut off.
    """

    why: str
    remedy: str
    answered: bool = False

    def __str__(self) -> str:
        return f"{self.why}: {self.remedy}"


def unseen(observed: Result | None) -> Unseen | None:
    """What kept a host from being observed; None where it was.

    :param observed: the result of M(warehousepg.coordinator.mirroring_info) there; None: there is none.
    """
    if observed is None:
        return Unseen("it took no part in this run", "run it for all hosts of the cluster, without --limit")
    if observed.get("unreachable"):
        return Unseen(f"unreachable: {_one_line(observed.get('msg'))}", "make it reachable")
    if "segments" in observed:
        return None
    words = telling(observed)
    for pattern, meaning, remedy in _CAUSES:
        if re.search(pattern, words):
            return Unseen(f"it answered, but could not be asked: {f'{meaning} ({words})' if meaning else words}", remedy, True)
    return Unseen(f"it answered, but could not be asked: {words}", "mend that there", True)


def telling(result: Result) -> str:
    """What a failed task says of its cause, on one line.

    Where Ansible could not run the module at all, that is what the host said last, not that there was no result in it.
    """
    said = _one_line(result.get("msg"))
    lines = [
        line.strip() for name in ("module_stdout", "module_stderr") for line in str(result.get(name) or "").splitlines() if line.strip()
    ]
    found = harmless(lines[-1]) if lines else said or "it did not say why"
    found = found.partition(". Please read the module documentation")[0]
    return found if len(found) <= _LIMIT else f"{found[:_LIMIT]}…"


def _one_line(text: t.Any) -> str:
    return harmless(" ".join(str(text or "").split()))
