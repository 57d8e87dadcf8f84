# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Whether a standby that listens where it is registered could be reached, as its primary is."""

from __future__ import annotations

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.addresses import normal_address
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.installation import named
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.preflight import named_in, reaches, would_listen
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.preflight.case import COPY, Case, Observation
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.preflight.check import BOTH, Findings, check


@check(*BOTH, about="a primary that no standby could connect to, or a standby that no client could")
def listening(case: Case) -> Findings:
    here = set(case.primary["addresses"]) & set(case.standby["addresses"])
    at = case.primary.get("listens")
    if at is not None and not here and case.comes and all(normal_address(address) in ("127.0.0.1", "::1") for address in at):
        where = f"{named(at)} only" if at else "no address"
        yield (
            case.primary_host,
            f"the primary listens on {where}, and no standby on another host can connect to it: set its listen_addresses to '*', and "
            "restart it",
        )
        return
    why = deaf(case)
    if why:
        yield case.host, why


def deaf(case: Case) -> str | None:
    """Why clients could not connect to the standby, were it primary, by where it listens or would; None when they could, or not known."""
    primary, standby = case.primary, case.standby
    if not primary or not standby or not case.known:
        return None
    own = [normal_address(str(address)) for address in standby["addresses"]]
    local = bool(set(primary["addresses"]) & set(standby["addresses"]))
    desired, instance = case.options.get("standby_listen_addresses"), standby["instance"]
    setting = desired or listen_setting(case)
    if not case.comes and instance["postmaster"] and desired in (None, instance["settings"].get("listen_addresses")):
        at, said = standby.get("listens"), ""
    elif setting is None or (named_in(setting) and case.looked is None):
        return None
    else:
        at, said = would_listen(setting, (case.looked or {}).get("names", {}), own), f", as listen_addresses is {setting!r}"
    if at is None or reaches(at, case.addresses, own, local) or _as_unreachable(case):
        return None
    where = ", ".join(address for address in case.addresses if address in own) or ", ".join(own)
    verb = "listens" if not said and not case.comes else "would listen"
    return (
        f"the standby {verb} on {', '.join(at) or 'no address'}{said}, not on {where}: no client could connect to it were it primary; set "
        f"standby_listen_addresses to '*' and run enable_mirroring, or set listen_addresses in its configuration, and restart it"
    )


def unheard(host: str, standby: Observation | None) -> str | None:
    """That no client on another host could connect to a standby, where its primary cannot be asked; None when one could, or not known."""
    at = (standby or {}).get("listens")
    if not standby or at is None or reaches(at, (), [normal_address(str(address)) for address in standby["addresses"]]):
        return None
    return (
        f"NO CLIENT OF ANOTHER HOST CAN CONNECT to {host}, which listens on {', '.join(at) or 'no address'}: set listen_addresses = '*' in "
        f"{standby['instance']['data_directory']}/postgresql.auto.conf there and restart it, while it is a standby or as the primary"
    )


def listen_setting(case: Case) -> str | None:
    """The value of ``listen_addresses`` that the standby will have, if no option says another; None where that is not known."""
    value = case.configured.get("listen_addresses")
    by_default = (case.primary.get("configured") or {"listen_addresses": ""})["listen_addresses"] is None
    if value is None and case.known and (case.way == COPY or by_default):
        value = case.known["needs"]["listen_addresses"]
    return value


def _as_unreachable(case: Case) -> bool:
    """Whether the primary is not reached where it is registered either: clients then come another way."""
    own = next((row for row in case.known["registrations"] if row["content"] == -1 and row["role"] == "p"), None)
    at = case.primary.get("listens")
    if own is None or at is None:
        return False
    addresses = [normal_address(str(address)) for address in case.primary["addresses"]]
    return not reaches(at, [normal_address(address) for address in case.known["resolved"].get(own["address"], ())], addresses)
