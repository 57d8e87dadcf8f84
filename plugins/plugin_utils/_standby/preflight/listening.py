# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Whether a standby that listens where it is registered could be reached, as its primary is."""

from __future__ import annotations

import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.catalog import primary_of
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.installation import named
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.coordinator import Coordinator
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.preflight import named_in, reaches, would_listen
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.primary import Primary
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.preflight.case import COPY, Case
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.preflight.check import BOTH, Findings, check


@check(*BOTH, about="a primary that no standby could connect to, or a standby that no client could")
def listening(case: Case, primary: Coordinator, standby: Coordinator) -> Findings:
    at = primary.listens
    if at is not None and case.comes and not _together(primary, standby) and {"127.0.0.1", "::1"}.issuperset(at):
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


def _together(primary: Coordinator, standby: Coordinator) -> bool:
    """Whether both are on one host."""
    return not set(primary.addresses).isdisjoint(standby.addresses)


def deaf(case: Case) -> str | None:
    """Why clients could not connect to the standby, were it primary, by where it listens or would; None when they could, or not known."""
    primary, standby = case.primary, case.standby
    if not primary or not standby or not primary.primary:
        return None
    own, local = standby.addresses, _together(primary, standby)
    desired, instance = case.options.get("standby_listen_addresses"), standby.instance
    setting = desired or listen_setting(case)
    at: t.Sequence[str] | None
    if not case.comes and instance.postmaster and desired in (None, instance.settings.get("listen_addresses")):
        at, said = standby.listens, ""
    elif setting is None or (named_in(setting) and case.looked is None):
        return None
    else:
        at, said = would_listen(setting, case.looked.names if case.looked else {}, own), f", as listen_addresses is {setting!r}"
    if at is None or reaches(at, case.addresses, own, local) or _as_unreachable(primary, primary.primary):
        return None
    where = ", ".join(address for address in case.addresses if address in own) or ", ".join(own)
    verb = "listens" if not said and not case.comes else "would listen"
    return (
        f"the standby {verb} on {', '.join(at) or 'no address'}{said}, not on {where}: no client could connect to it were it primary; set "
        f"standby_listen_addresses to '*' and run enable_mirroring, or set listen_addresses in its configuration, and restart it"
    )


def unheard(host: str, standby: Coordinator | None) -> str | None:
    """That no client on another host could connect to a standby, where its primary cannot be asked; None when one could, or not known."""
    if not standby or standby.listens is None or reaches(standby.listens, (), standby.addresses):
        return None
    return (
        f"NO CLIENT OF ANOTHER HOST CAN CONNECT to {host}, which listens on {', '.join(standby.listens) or 'no address'}: set "
        f"listen_addresses = '*' in {standby.instance.data_directory}/postgresql.auto.conf there and restart it, while it is a standby or "
        "as the primary"
    )


def listen_setting(case: Case) -> str | None:
    """The value of ``listen_addresses`` that the standby will have, if no option says another; None where that is not known."""
    of_primary, of_source = (found.configured if found else None for found in (case.primary, case.source[1]))
    value = of_source.listen_addresses if of_source else None
    by_default = of_primary is not None and of_primary.listen_addresses is None
    if value is None and case.primary and case.primary.primary and (case.way == COPY or by_default):
        value = case.primary.primary.needs.listen_addresses
    return value


def _as_unreachable(primary: Coordinator, known: Primary) -> bool:
    """Whether the primary is not reached where it is registered either: clients then come another way."""
    own = primary_of(known.registrations)
    if own is None or primary.listens is None:
        return False
    return not reaches(primary.listens, known.resolved.get(own.address, ()), primary.addresses)
