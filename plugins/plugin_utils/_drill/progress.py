# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""How far a drill came."""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.border import Position, Positive, Seconds
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.probe_writer import Log
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._drill.plan import COPY, DrillPlan
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run import progress
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.results import failed, message, told

STARTED = "__drill_started"
WRITTEN = "__drill_written"
COPIED = "__drill_copied"
ACTIVATED = "__drill_activated"
REMOVED = "__drill_removed"
THERE = "__drill_there"
BACK = "__drill_back"


@dataclasses.dataclass(frozen=True)
class Switch:
    """How one of the two switchovers ended, by its own outcome.

    :param former_primary: host that was primary before.
    :param new_primary: host that was to be.
    :param outcome: how it ended, a word of the switchover's.
    :param switched: whether the roles are swapped; None where that is not known.
    :param reason: why it ended so; empty when all went well.
    :param gap_s: seconds in which no write could succeed, by the new primary's host; None where it was not measured.
    :param seconds: those of each phase.
    :param timeline: of the new primary; None where it was not promoted.
    :param switch_lsn: where that began; likewise.
    :param loss: what was lost, by the WAL of the former primary; likewise.
    """

    former_primary: str
    new_primary: str
    outcome: str
    switched: bool | None
    reason: str
    gap_s: Seconds | None
    seconds: t.Mapping[str, Seconds]
    timeline: Positive | None
    switch_lsn: Position | None
    loss: t.Mapping[str, t.Any] | None


@dataclasses.dataclass(frozen=True)
class Activated:
    """How the activation of a copy went.

    :param end_lsn: where the WAL ended that it went by.
    :param end_timeline: of that.
    :param rto_s: seconds from the order to promote to the acknowledgement of the first write.
    :param timeline: of the copy then.
    :param closed: what it says to a session that would dispatch to segments.
    """

    end_lsn: Position
    end_timeline: Positive
    rto_s: Seconds
    timeline: Positive
    closed: str


class Progress(progress.Progress[DrillPlan]):
    """What is asked of it, by what was seen."""

    @property
    def coordinators(self) -> list[str]:
        """Both hosts, that of the primary first; none where nothing is done."""
        return [host for host in (self.plan.primary, self.plan.standby) if host and self.plan.acts]

    @property
    def writers(self) -> list[str]:
        """Hosts that are written through."""
        return self.coordinators[:1] if self.plan.kind == COPY else self.coordinators

    @property
    def writes(self) -> bool:
        """Whether a writer was started on these hosts; in check mode none is."""
        return self.check_mode or all(self.on(host, STARTED).get("running") for host in self.writers)

    @property
    def copied(self) -> bool:
        """Whether there is a copy to be activated; in check mode none is made."""
        return not self.check_mode and "bytes" in self.on_standby(COPIED)

    @property
    def returns(self) -> bool:
        """Whether the way there is done, and the way back is to be."""
        return not self.check_mode and self.there is not None and self.there.switched is True

    def _switch(self, name: str) -> Switch | None:
        found = (told(Switch, self.on(host, name).get("switch")) for host in self.coordinators)
        return next((switch for switch in found if switch), None)

    @functools.cached_property
    def there(self) -> Switch | None:
        """How the way there ended; None where it was not come to that, or no host tells."""
        return self._switch(THERE)

    @functools.cached_property
    def back(self) -> Switch | None:
        """The same of the way back."""
        return self._switch(BACK)

    @functools.cached_property
    def activated(self) -> Activated | None:
        """How the activation of a copy went; None where it did not come to its end."""
        return told(Activated, self.on_standby(ACTIVATED))

    @property
    def unstarted(self) -> list[str]:
        """Why no writer was started on which host."""
        results = {host: self.on(host, STARTED) for host in self.writers}
        return [f"{host}: {message(result)}" for host, result in results.items() if failed(result)]

    @functools.cached_property
    def logs(self) -> dict[str, Log]:
        """By host, what its writer logged, as far as that is known."""
        found = {host: told(Log, self.on(host, WRITTEN)) for host in self.writers if "writes" in self.on(host, WRITTEN)}
        return {host: log for host, log in found.items() if log}
