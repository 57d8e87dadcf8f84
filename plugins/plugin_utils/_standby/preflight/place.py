# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Checks of where a standby is to be put."""

from __future__ import annotations

from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import tablespaces as spaces
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.coordinator import Coordinator
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.snapshot import SPARE, Desired, refusal
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.preflight.case import COPY, Case
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.preflight.check import BOTH, Findings, check


@check(*BOTH, about="a place that somebody else has, that the engine's user may not use, or that is too small", bars=True)
def place(case: Case, primary: Coordinator, standby: Coordinator) -> Findings:
    control = primary.instance.control
    desired = None
    if control:
        resume = bool(case.snapshot.get("resume"))
        desired = Desired(control.system_identifier, primary.site.engine_version, primary.used_bytes, resume=resume)
    why = refusal(standby.site, case.instance or standby.instance, desired) if desired else None
    if why:
        yield case.host, why


@check(*BOTH, about="something else that listens on the standby's port", bars=True)
def port(case: Case, _primary: Coordinator, standby: Coordinator) -> Findings:
    if standby.port_taken:
        yield (
            case.host,
            "something else listens on the standby's port there: stop it, or set whpg_port of that host or standby_port to another one",
        )


@check(*BOTH, about="a mapping of what is no tablespace, or a place for a tablespace that cannot be used")
def tablespaces(case: Case, primary: Coordinator, standby: Coordinator) -> Findings:
    if case.unknown_locations:
        there = ", ".join(space.location for space in primary.tablespaces) or "nowhere"
        unknown = ", ".join(case.unknown_locations)
        yield None, f"standby_tablespace_mapping names {unknown}; the primary has tablespaces in {there}: correct the mapping"
    elif case.way == COPY and case.looked:
        site = standby.site
        resumes = bool(case.snapshot.get("resume"))
        beside = {site.device: (primary.used_bytes or 0) + SPARE - (site.staged if resumes else 0)}
        why = spaces.refusal(case.looked.tablespaces, site.user, beside, resumes)
        if why:
            yield case.host, why
