# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""How what is left of a former primary becomes the standby, step by step, as :mod:`rejoin` plans it."""

from __future__ import annotations

import os
import re
import shutil
import time
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import aside
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Actions, Step, run
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import shared_wal, wal, wal_link
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.replication import Upstream
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.tablespaces import Placement
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import salvage
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import (
    base_backup,
    own_files,
    record,
    rewind,
    snapshot,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.rejoin import Former

_COMMITTED = re.compile(r"\b(?:COMMIT|COMMIT_PREPARED|DISTRIBUTED_COMMIT)\b[^\n]*?(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\S*(?: [A-Z]\w*)?)")


def discarded(host: Host, former: Former, start: str) -> dict[str, t.Any]:
    """What only the former primary has, as far as its WAL shows it.

    :param start: where that begins.
    :returns: ``from``, ``to``, ``timeline``, ``bytes``, ``commits``, ``last_commit`` as the engine prints it, each None where it is not
        known, and then ``why`` says the reason.
    """
    where = former.instance.data_directory
    number = former.history.timeline if former.history else 0
    found = salvage.missing(host, where, former.instance.control, number, start, None)
    told = {
        "from": start,
        "to": found["reaches"],
        "timeline": found["timeline"],
        "bytes": found["missing_bytes"],
        "commits": found["commits"],
        "last_commit": None,
        "why": found["why"],
    }
    if found["commits"]:
        told["last_commit"] = _last_commit(host, where, number, Lsn.parse(start), Lsn.parse(found["end"]), former)
    return told


def _last_commit(host: Host, data_directory: str, number: int, start: Lsn, end: Lsn, former: Former) -> str | None:
    """When the last transaction was committed, looked for from the end backwards, a segment at a time."""
    size = former.instance.control.segment_bytes if former.instance.control else 1 << 26
    upper = end.position
    while upper > start.position:
        lower = max(start.position, (upper - 1) // size * size)
        options = ("--path", wal.wal_directory(data_directory), "--timeline", str(number), "--rmgr", "Transaction")
        try:
            told = host.run("pg_waldump", *options, "--start", str(Lsn(lower)), "--end", str(Lsn(upper)))
        except CoordinatorError as error:
            told = error.message
        found = _COMMITTED.findall(told)
        if found:
            return str(found[-1])
        upper = lower
    return None


class Rejoining:
    """The steps, carried out.

    :param host: this host.
    :param data_directory: of the former primary.
    :param upstream: the connection to the present one.
    :param copying: actions of the copy.
    :param placements: where its tablespaces are to be.
    :param report_file: file that what is discarded is written to, a line of JSON for each time; None for none.
    """

    def __init__(
        self,
        host: Host,
        data_directory: str,
        upstream: Upstream,
        copying: Actions,
        placements: t.Sequence[Placement],
        report_file: str | None,
    ) -> None:
        self._host = host
        self._directory = data_directory
        self._upstream = upstream
        self._copying = copying
        self._placements = placements
        self._report_file = report_file
        self._aside: list[str] = []
        self._differing: list[str] = []
        self.former: Former | None = None

    def tell(self, method: str, reason: str, discards: str | None) -> dict[str, t.Any]:
        """Report what is discarded, before it is."""
        found: dict[str, t.Any] = {"method": method, "reason": reason, "bytes_copied": 0, "discarded": None}
        if discards is not None and self.former is not None:
            found["discarded"] = discarded(self._host, self.former, discards)
            if self._report_file:
                entry = {"time": round(time.time(), 3), "data_directory": self._directory, "method": method, "reason": reason}
                record.append(self._report_file, {**entry, **found["discarded"]})
        return found

    def mark_standby(self) -> None:
        """Make the stopped primary a standby, and lift its start block."""
        rewind.mark_standby(self._host, self._directory)

    def rewind(self, parted: str, left_in: str | None) -> dict[str, t.Any]:
        """Rewind it; where that fails, copy the primary instead.

        :param parted: where both parted.
        :param left_in: the primary's WAL segment that is of no use.
        """
        history = self.former.history if self.former is not None else None
        shared = shared_wal.names(self._directory, history, Lsn.parse(parted)) if history is not None else []
        try:
            return rewind.rewind(self._host, self._directory, self._upstream, shared, [left_in] if left_in else [])
        except rewind.Failed as failed:
            instead = {"reason": f"it could not be rewound: {failed.message}"}
        copy = Step("copy", {"seed": snapshot.former_place(self._directory), "reason": None})
        _done, copied = run([copy, *map(Step, ("keep_files", "set_aside", "swap_in"))], {**self._copying, **actions(self)})
        return {**copied, **instead}

    def keep_files(self) -> dict[str, t.Any]:
        """Let the copy have what only the former one has, and its links."""
        rewind.whole_again(self._directory)
        old, new = snapshot.former_place(self._directory), snapshot.staging_directory(self._directory)
        for name in rewind.LOGS:
            if os.path.islink(os.path.join(old, name)):
                shutil.rmtree(os.path.join(new, name), ignore_errors=True)  # the copy has none of the primary's logs in it
                os.symlink(os.readlink(os.path.join(old, name)), os.path.join(new, name))
        found = own_files.carry(old, new)
        self._differing = found["differing"]
        return {"kept": found["kept"], "wal_directory": wal_link.place_of(new)}

    def set_aside(self) -> dict[str, t.Any]:
        """Set what is there aside."""
        self._aside = rewind.set_aside(self._directory)
        where = self._aside[0]
        return {
            "set_aside_as": self._aside,
            "set_aside": self._differing,
            "set_aside_in": where if self._differing else None,
            "former_wal": wal_link.led_to(where),
        }

    def swap_in(self) -> None:
        """Put the copy into its place; where that fails, what was there comes back."""
        try:
            self._copying["swap_in"]()
        except CoordinatorError:
            former = [path for path in self._aside if ".set_aside-" in path[len(os.path.realpath(self._directory)) :]]
            for path in former:
                aside.bring(path, self._directory)
            raise

    def cleaning(self, action: t.Callable[[], dict[str, t.Any]]) -> t.Callable[..., t.Mapping[str, t.Any] | None]:
        """A step that leaves nothing of the copy where it fails."""
        return base_backup.cleaning(action, self._directory, self._placements)


def actions(rejoining: Rejoining) -> Actions:
    """The actions of :func:`plan` beside those of a copy."""
    return {
        "tell": rejoining.tell,
        "mark_standby": rejoining.mark_standby,
        "rewind": rejoining.rewind,
        "keep_files": rejoining.cleaning(rejoining.keep_files),
        "set_aside": rejoining.cleaning(rejoining.set_aside),
        "swap_in": rejoining.swap_in,
    }
