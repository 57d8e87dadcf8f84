# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What of a cluster's mirroring is not as desired."""

from __future__ import annotations

from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.password_stores.registry import STORES, store_at
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.replication import APPLICATION_NAME
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.retention import parse_size
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.verdict import MIRRORED
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.coordinator import Coordinator
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.primary import Primary
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.record import is_stale
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.registration import spare
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.pair import Pair
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._desired.option_checks import Options
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.move import REST
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.planned import StandbyPlan


def to_change(plan: StandbyPlan, pair: Pair, knows: Primary, shows: Coordinator, row_fits: bool, same_password: bool) -> list[str]:
    """What is not as desired, each thing by its name.

    :param plan: what is known of it so far.
    :param knows: what the primary knows.
    :param shows: what the standby's host shows.
    :param row_fits: whether the catalog has the standby as desired.
    :param same_password: whether both hosts keep the same password, where they need one.
    """
    options, standby, stored = pair.options, shows.standby, shows.passfile
    scram, slot_name = options["standby_replication_auth"] == "scram", options["standby_slot_name"]
    limit = parse_size(options["standby_retention_limit"]) if options["standby_retention_limit"] else None
    checks = {
        "state": pair.state == MIRRORED,
        "write": bool(knows.probe.acknowledged),
        "password": not options["standby_replication_password"],
        "row": row_fits,
        "slot": any(slot.name == slot_name and slot.active for slot in knows.slots),
        "retention": limit is None or knows.retention_limit in (None, limit >> 20 << 20),
        "role": bool(knows.role and knows.role.ready and (knows.role.verified or not scram)),
        "passfile": same_password and (not scram or stored is None or stored.named),
        "upstream": _follows(plan, shows, options),
        "listen_addresses": options["standby_listen_addresses"] in (None, shows.instance.settings.get("listen_addresses")),
        "slot_name": shows.instance.settings.get("primary_slot_name") == slot_name,
        "tablespaces": all(space.dbid == shows.instance.dbid for space in shows.tablespaces),
        "copy": not shows.site.leftover,
        "access": not plan.lacking_rules,
        "record": plan.record is not None and not is_stale(shows.record, plan.record, standby.walreceiver_started if standby else None),
        "succession": not any(slot.name == spare(slot_name) for slot in knows.slots),
        "unfinished": not plan.move or plan.move.kind != REST,
        "fences": not plan.fenced,
        "drift": not plan.drift,
    }
    return [name for name, holds in checks.items() if not holds]


def _follows(plan: StandbyPlan, shows: Coordinator, options: Options) -> bool:
    """Whether a standby that runs connects to its primary as it is to."""
    standby, stored, user = shows.standby, shows.passfile, options["standby_replication_user"]
    if standby is None:
        return False
    upstream = {
        **plan.connection,
        "host": plan.primary_host,
        "port": str(plan.primary_port),
        "user": user,
        "application_name": APPLICATION_NAME,
    }
    if standby.resolved != plan.primary_host:
        upstream["hostaddr"] = standby.resolved
    if options["standby_replication_auth"] == "scram" and stored and stored.kind in STORES:
        upstream.update(store_at(stored, user).parameters())
    return standby.following == upstream
