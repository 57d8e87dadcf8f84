# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""The mark that a pair is in maintenance: a file beside the data directory on both coordinator hosts, for all who come to act."""

from __future__ import annotations

import dataclasses
import json
import os
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import border
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.border import Seconds
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host, read_text
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lock import clock_time
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Step


@dataclasses.dataclass(frozen=True)
class Mark:
    """What a mark tells.

    :param since: when it was made, in seconds since the epoch; None where the file does not tell.
    :param by: who made it.
    :param reason: what for.
    """

    since: Seconds | None
    by: str
    reason: str

    def __str__(self) -> str:
        when = f" since {clock_time(self.since)}" if self.since is not None else ""
        who = f" by {self.by}" if self.by else ""
        return f"in maintenance{when}{who}{f' ({self.reason})' if self.reason else ''}"


def mark_file(data_directory: str) -> str:
    """Where the mark of an instance is: beside its place, whatever is in it, under a name that only this collection gives."""
    place = os.path.realpath(data_directory)
    return os.path.join(os.path.dirname(place), f".{os.path.basename(place)}.coordinator_maintenance")


def read(path: str) -> Mark | None:
    """The mark in a file, None without one. A file that tells nothing is a mark all the same.

    :raises CoordinatorError: it cannot be read.
    """
    text = read_text(path)
    if text is None:
        return None
    try:
        return border.parse(Mark, json.loads(text))
    except (ValueError, RecursionError):
        return Mark(None, "", "")


def plan(mark: Mark | None, desired: Mark | None) -> list[Step]:
    """The steps after which there is the mark that is desired, or none.

    :param desired: its reason is empty to leave that of a mark which is there; None for no mark.
    """
    if desired is None:
        return [Step("remove_mark")] if mark is not None else []
    if mark is None:
        return [Step("write_mark", {"mark": desired})]
    if desired.reason in ("", mark.reason):
        return []
    return [Step("write_mark", {"mark": dataclasses.replace(mark, reason=desired.reason)})]


def write(host: Host, path: str, mark: Mark) -> None:
    """Write a mark that everybody may read.

    :raises CoordinatorError: there is no place for it.
    """
    if not os.path.isdir(os.path.dirname(path)):
        raise CoordinatorError(f"{os.path.dirname(path)} does not exist, so that nothing can be marked there: correct data_directory")
    host.write(path, json.dumps(dataclasses.asdict(mark)) + "\n", 0o644)


def sentence(marks: t.Mapping[str, Mark], by_inventory: t.Collection[str]) -> str:
    """What is said of a pair in maintenance, and how it ends; empty for one that is not.

    :param marks: by host, the mark there.
    :param by_inventory: hosts whose variable C(maintenance) is true.
    """
    ways = []
    if by_inventory:
        ways.append("set the variable maintenance to false, or take it away")
    if marks:
        ways.append("run the playbook maintenance with maintenance=false")
    if not ways:
        return ""
    told = str(next(iter(marks.values()))) if marks else "in maintenance"
    where = [f"marked on {', '.join(marks)}"] if marks else []
    where += ["by the variable maintenance"] if by_inventory else []
    return f"{told}, {' and '.join(where)}: no playbook but status acts. When it is over, {', and '.join(ways)}"
