# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""How far making a standby came."""

from __future__ import annotations

from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run import progress
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.results import part_of, steps_of, was_tried
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.move import NAME, PURPOSES, Move
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.planned import StandbyPlan

#: by step that makes it, a part of the registration
_PARTS = (("create_role", "role"), ("add_row", "row"), ("create_slot", "slot"))


def names_of_steps(result: progress.Variables) -> set[str]:
    """Names of the steps that a task carried out."""
    return {step.name for step in steps_of(result)}


class Progress(progress.Progress[StandbyPlan]):
    """What is asked of it, by what was seen."""

    @property
    def _move(self) -> Move:
        return self.plan.move or Move()

    @property
    def _copy(self) -> progress.Variables:
        return self.on_standby("__standby_copy")

    @property
    def has_access(self) -> bool:
        """Whether it is registered, and every host allows it access."""
        return "dbid" in self.on_primary("__standby_registration") and self.everywhere("__standby_registration")

    @property
    def started(self) -> bool:
        """Whether it was to be configured and started, however that ended."""
        return was_tried(self.on_standby("__standby_configuration"))

    @property
    def configured(self) -> bool:
        """Whether it was, and that went well; in check mode, whether it could be copied, for then there is nothing to configure."""
        copied = self.check_mode and "directory_state" in self._copy
        return copied or "settings" in self.on_standby("__standby_configuration")

    @property
    def verified(self) -> bool:
        """Whether the primary saw it stream in sync and replay a write; in check mode, whether it could be configured."""
        if self.check_mode:
            return self.configured
        seen = part_of(self.on_primary("__standby_verification"), "primary")
        return part_of(seen, "probe").get("replayed") is True

    @property
    def packed(self) -> bool:
        """Whether there is what it has otherwise than the primary, to be brought to it; in check mode nothing is packed."""
        return self.check_mode or "packed" in self.on_primary("__standby_packed")

    @property
    def failed(self) -> bool:
        """Whether a host was lost, or remembers what failed there."""
        return bool(self.lost) or any(self.on(host, "__standby_failure") for host in self.hosts)

    def ended(self) -> str:
        """Whether the pair was seen mirrored."""
        return "mirrored" if self.verified and not self.failed else "not_mirrored"

    def finished(self) -> list[str]:
        """What it may have noted, unless a host was lost on which something may be left."""
        return list(PURPOSES) if self.plan.begins and not self.lost else []

    @property
    def created(self) -> list[str]:
        """Parts of the registration that this run made, also where a later step of the same task failed.

        A row that replaced a wrong one is kept.
        """
        steps = names_of_steps(self.on_primary("__standby_registration"))
        return [part for step, part in _PARTS if step in steps and not (part == "row" and "remove_row" in steps)]

    @property
    def copied_in(self) -> bool:
        """Whether a copy of the primary was put where nothing was."""
        return "row" in self.created and "swap_in" in names_of_steps(self._copy) and "set_aside_as" not in self._copy

    @property
    def knows_password(self) -> bool:
        """Of one that comes to another place: whether the present one knows the password, if it has to."""
        result = self.on_standby("__standby_told")
        return not (result.get("failed") or result.get("unreachable"))

    @property
    def prepared(self) -> bool:
        """Whether the primary is prepared for both, if a copy is made meanwhile."""
        return not self._move.copies or "dbid" in self.on_primary("__standby_preparation")

    @property
    def former_lost(self) -> bool:
        """Whether the host of the present one could not be reached any more."""
        return any(self.on_standby(name).get("unreachable") for name in ("__standby_told", "__standby_leaving", "__standby_back"))

    @property
    def both_have_access(self) -> bool:
        """Whether the other hosts allow both access as well."""
        return self.prepared and self.everywhere("__standby_access")

    @property
    def copied(self) -> bool:
        """Whether the copy is there."""
        return self.both_have_access and "directory_state" in self._copy

    @property
    def left_place(self) -> bool:
        """Whether the present one made way for the new one."""
        if not self._move.copies:
            return self.both_have_access
        return self.copied and (not self._move.stops or "directory_state" in self.on_standby("__standby_leaving"))

    @property
    def has_copy(self) -> bool:
        """Whether this run put a copy of the primary in the new standby's place."""
        return self._move.copies and "copy" in names_of_steps(self._copy)

    @property
    def must_restore_former(self) -> bool:
        """Whether the former standby is not as it was any more: out of its place, stopped, or under another name."""
        leaving = self.on_standby("__standby_leaving")
        if leaving.get("failed") or (self.started and self._move.kind == NAME):
            return True
        return bool(leaving.get("set_aside_as")) if self._move.copies else self._move.renames and self.started
