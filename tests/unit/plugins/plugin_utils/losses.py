# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster that lost its primary in one way or another."""

from __future__ import annotations

from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._activate_standby.plan import make
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.observations import OBSERVATION
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.pair import assess
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.scenes import scene_of

from .desired import with_options
from .observed import MIRRORED, ROWS, VARIABLES, changed, planned, shown

RECORD = {
    "system_identifier": "1",
    "time": 900.0,
    "primary": {"host": "cdw", "hostname": "cdw", "addresses": ["10.0.0.11", "fd00::11"]},
    "segments": [{**shown(row), "host": "sdw1"} for row in ROWS if row.content >= 0],
    "commit_limit_s": 300,
    "in_sync": {"time": 900.0, "walreceiver_started": 800.0},
}

_KEPT = changed(
    MIRRORED,
    ("scdw record", RECORD),
    ("scdw activation", None),
    ("cdw record", None),
    ("cdw activation", None),
    ("scdw wal end_lsn", "0/200"),
    ("sdw1 peers", {"cdw": "silent", "scdw": "refused"}),
)

#: its host answers, its instance is stopped
DOWN = changed(_KEPT, ("cdw instance postmaster", None), ("cdw primary", None), ("cdw sql", None), ("sdw1 peers cdw", "refused"))
#: its host does not answer
UNKNOWN = changed(_KEPT, ("cdw", {"unreachable": True, "msg": "timed out"}))
#: its process lives and does not answer
HUNG = changed(_KEPT, ("cdw primary", None), ("cdw sql", {"answered": False, "refused": None, "error": "no answer within 3 s"}))
#: both instances are stopped
BOTH_DOWN = changed(DOWN, ("scdw instance postmaster", None), ("scdw standby", None))
#: it serves
SERVING = _KEPT

#: the standby was promoted
PROMOTED = changed(
    {**UNKNOWN, "scdw": _KEPT["cdw"]},
    ("scdw hostname", "scdw"),
    ("scdw addresses", ["10.0.0.12"]),
    ("scdw primary registrations", [shown(row) for row in ROWS[1:3]] + [{**shown(ROWS[3]), "role": "p"}]),
    ("scdw primary standby", None),
    ("scdw primary walsender", None),
    ("scdw primary timeline", 2),
    ("scdw record", RECORD),
)


def scene(found, *changes, cluster="demo", variables=None, **options):
    """What is known of a cluster, by what its hosts show and the options that differ from the role's own."""
    variables = variables or VARIABLES
    found = changed(found, *changes)
    pair = assess(cluster, variables, found)
    hostvars = {host: {**known, OBSERVATION: found.get(host)} for host, known in variables.items()}
    return scene_of(cluster, with_options(pair, "activate_standby", options), hostvars)


def plan(found, *changes, neighbours=(), **more):
    """The plan for it."""
    return planned(make(scene(found, *changes, **more), neighbours))
