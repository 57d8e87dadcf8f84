# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import datetime

import pytest
from ansible import constants
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.pair import assess
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show import fleet, report, severity

from ..observed import MIRRORED, UNMIRRORED, VARIABLES, changed, seen

SINCE = datetime.datetime(2026, 11, 23, 7, 16, 30, tzinfo=datetime.timezone.utc)


def told(found, since=SINCE, **changes):
    """What the document says of a cluster."""
    pair = dataclasses.replace(assess("demo", VARIABLES, found), **{"warnings": [], **changes})
    return report.describe(pair, seen(found), since)


BEHIND = changed(
    MIRRORED,
    ("cdw primary walsender lag_bytes", 2048),
    ("cdw primary walsender replay_lag_s", 0.25),
    ("cdw primary slots 0 retained_bytes", 3 << 30),
)


def test_a_line_a_cluster():
    clusters = {"beta": told(UNMIRRORED, since=None), "alpha": told(BEHIND, warnings=["the disk is small", "and old"])}
    assert fleet.render(clusters) == [
        "cluster  state       primary  standby  lag             retained WAL  since (UTC)       warnings",
        "beta     unmirrored  cdw      -        -               -             -                 -",
        "alpha    mirrored    cdw      scdw     2.0 KiB, 0.2 s  3.0 GiB       2026-11-23 07:16  2",
    ]
    assert fleet.summary(clusters) == "2 clusters: 1 unmirrored, 1 mirrored"


def test_what_was_not_seen_is_not_told():
    lost = {host: {"unreachable": True, "msg": "no route"} for host in MIRRORED}
    (_head, line) = fleet.render({"": told(lost)})
    assert line.split() == ["-", "primary_unknown", "-", "-", "-", "-", "2026-11-23", "07:16", "-"]


def test_the_worst_is_first():
    clusters = {
        "well": told(MIRRORED),
        "single": told(UNMIRRORED, as_desired=True),
        "warned": told(MIRRORED, warnings=["one"]),
        "warned_more": told(MIRRORED, warnings=["one", "two"]),
        "also_split": told(MIRRORED, state="split_brain", as_desired=False),
        "alone": told(UNMIRRORED, as_desired=False),
        "slow": told(MIRRORED, state="degraded", as_desired=False),
        "a_split": told(MIRRORED, state="split_brain", as_desired=False),
    }
    order = ["a_split", "also_split", "slow", "alone", "single", "warned_more", "warned", "well"]
    assert list(severity.worst_first(clusters)) == order


@pytest.mark.parametrize(
    ("as_desired", "warnings", "color"),
    [(True, [], constants.COLOR_OK), (True, ["beware"], constants.COLOR_CHANGED), (False, [], constants.COLOR_ERROR)],
)
def test_colors_are_those_of_ansible(as_desired, warnings, color):
    assert fleet.colors({"demo": told(MIRRORED, as_desired=as_desired, warnings=warnings)}) == [None, color]
