# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Checks of what a primary has to offer a standby."""

from __future__ import annotations

from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.installation import named
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.coordinator import Coordinator
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.preflight import Limit
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.primary import Primary
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.preflight.case import COPY, REWIND, Case
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.preflight.check import PRIMARY, SQL, STANDBY, Findings, check


@check(PRIMARY, SQL, about="a line in the primary's C(pg_hba.conf) for which the engine takes no new rules from it", bars=True)
def access(case: Case, primary: Coordinator, known: Primary) -> Findings:
    for error in (known.access_errors or ())[:1]:
        where = f"{primary.instance.data_directory}/pg_hba.conf"
        yield case.primary_host, f"the engine takes no new rules from {where}, {error}: correct that line"


@check(SQL, about="TLS that is desired, and that the primary has not turned on")
def tls(case: Case, known: Primary) -> Findings:
    if case.options.get("standby_tls") and not known.needs.ssl:
        yield None, "standby_tls is given, and the primary has ssl=off: turn it on there, with a certificate, or leave standby_tls out"


@check(STANDBY, about="certificates by which the standby and its primary would not trust each other")
def trust(case: Case, _standby: Coordinator) -> Findings:
    if case.looked and case.looked.distrust:
        yield case.host, f"no TLS connection to {case.primary_host} by standby_tls: {case.looked.distrust}"


@check(PRIMARY, about="files in the primary's data directory that its user cannot read")
def readable(case: Case, primary: Coordinator) -> Findings:
    if primary.unreadable and case.way in (COPY, REWIND):
        user = primary.site.user
        yield (
            case.primary_host,
            f"{user}, which runs the engine, cannot read {named(primary.unreadable)}, with which the copy would fail: let {user} own it, "
            "or move it out of the data directory",
        )


@check(SQL, about="a primary that has no walsender left, or a C(wal_level) of V(minimal)")
def walsenders(case: Case, known: Primary) -> Findings:
    if known.limits and known.limits.wal_level == "minimal":
        yield case.primary_host, "wal_level is minimal, which no standby can follow: set it to replica, and restart the primary"
    limit = known.limits.walsenders if known.limits else None
    needed = 1 if case.way == COPY or not known.walsender else 0
    if limit and limit.used + needed > limit.most:
        yield (
            case.primary_host,
            f"max_wal_senders is {limit.most}, and {limit.used} are in use ({_used(limit)}): stop one of these programs, or "
            "terminate its walsender by SELECT pg_terminate_backend(<process>), or raise max_wal_senders and restart the primary",
        )


@check(SQL, about="a primary that has no replication slot left")
def slots(case: Case, known: Primary) -> Findings:
    limit, name = known.limits.slots if known.limits else None, case.options.get("standby_slot_name")
    has = any(slot.name == name for slot in known.slots)
    needed = (0 if has else 1) + (1 if case.succession else 0)
    if limit and limit.used + needed > limit.most:
        yield (
            case.primary_host,
            f"max_replication_slots is {limit.most}, and {limit.used} are in use ({_used(limit)}): drop one that nobody needs by SELECT "
            "pg_drop_replication_slot('<slot>'), or raise max_replication_slots and restart the primary",
        )


@check(SQL, about="a primary that has no connections left for a rewind")
def connections(case: Case, known: Primary) -> Findings:
    limit = known.limits.connections if known.limits and case.way == REWIND else None
    if limit and limit.used + 2 > limit.most:
        yield (
            case.primary_host,
            f"{limit.used} of {limit.most} connections for others than superusers are in use ({_used(limit)}), a rewind needs 2: end "
            "some, or raise max_connections",
        )


def _used(limit: Limit) -> str:
    return "; ".join(limit.users) or "none"
