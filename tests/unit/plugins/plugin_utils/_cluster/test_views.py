# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.replication import OtherSender
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.evidence import View
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.verdict import judge
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.views import view_of

from ... import views
from ..observed import MIRRORED, changed, seen, shown

PRIMARY = dataclasses.replace(views.PRIMARY, registered_on="scdw")
STANDBY = dataclasses.replace(views.STANDBY, connected=True)
OTHER = shown(OtherSender(pid=5, application_name="x", user="u", client_addr=None, state="streaming", reply_age_s=20.0))


def view(host, *changes):
    return view_of(host, seen(changed(MIRRORED, *changes))[host])


def test_a_view_of_nothing_is_unknown():
    assert view_of("cdw", None) == View("cdw", observed=False)


def test_views_of_what_hosts_show():
    assert (view("cdw"), view("scdw")) == (PRIMARY, STANDBY)
    assert judge([view("cdw"), view("scdw")]).state == "mirrored"


SILENT = ("cdw primary", None), ("cdw sql", {"answered": False, "refused": None, "error": "no answer"})
FULL = ("cdw primary", None), ("cdw sql", {"answered": None, "refused": "too_many_connections", "error": "sorry"})
NOT_SEEN = dict.fromkeys(("registered", "registered_on", "streaming", "acknowledged", "caught_up"))


@pytest.mark.parametrize(
    ("changes", "differs"),
    [
        (SILENT, {"answered": False, **NOT_SEEN}),
        (FULL, {"answered": None, "refused": "too_many_connections", "said": "sorry", **NOT_SEEN}),
        (
            [("cdw primary standby", None), ("cdw primary walsender", None)],
            {"registered": (), "registered_on": None, "streaming": False},
        ),
        ([("cdw primary walsender sync_state", "async")], {"streaming": False}),
        ([("cdw primary probe acknowledged", None)], {"acknowledged": None}),
        (
            [("cdw primary other_walsenders", [OTHER])],
            {"others": ("x of u on this host, served by process 5, streaming, silent for 20 s",)},
        ),
    ],
)
def test_views_of_a_primary(changes, differs):
    assert view("cdw", *changes) == dataclasses.replace(PRIMARY, **differs)


@pytest.mark.parametrize(
    ("changes", "differs"),
    [
        ([("scdw instance postmaster connected", False)], {"connected": False}),
        ([("scdw instance postmaster suspended", True)], {"suspended": True}),
        ([("scdw standby removed_wal", "000000010000000000000003")], {"removed_wal": "000000010000000000000003"}),
        ([("scdw instance postmaster", None), ("scdw standby", None)], {"running": False, "connected": None}),
        ([("scdw instance control", None)], {"system_identifier": None, "timeline": None}),
    ],
)
def test_views_of_a_standby(changes, differs):
    assert view("scdw", *changes) == dataclasses.replace(STANDBY, **differs)
