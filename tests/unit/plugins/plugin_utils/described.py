# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the document says of a cluster, by what its two coordinators show."""

from __future__ import annotations

import dataclasses

from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import verdict
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.pair import assess
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show import report

from .observed import CDW, EMPTY, MIRRORED, VARIABLES, changed, seen

#: by name, ways to change what the primary's host of a mirrored cluster shows, or the standby's
STOPPED = {"instance postmaster": None, "primary": None, "sql": None}
PRIMARY = {
    "as it serves": {},
    "without a standby": {"primary standby": None, "primary walsender": None, "primary slots": []},
    "read only": {"primary probe acknowledged": None},
    "stopped": STOPPED,
    "silent": {"primary": None, "sql": {"answered": False, "refused": None, "error": "no answer"}},
    "damaged": {**STOPPED, "instance control": None, "instance dbid": None},
    "fenced": {**STOPPED, "instance start_block": "FENCED_scdw_is_primary.conf"},
    "without its WAL": {"wal": None},
    "not seen": {"": {"unreachable": True, "msg": "no route"}},
}
STANDBY = {
    "as it streams": {},
    "not there": {"": EMPTY},
    "another primary": {"": CDW},
    "second primary": {"": {**CDW, "hostname": "scdw", "addresses": ["10.0.0.12"]}},
    "not seen": {"": {"unreachable": True, "msg": "no route"}},
    "stopped": {"instance postmaster": None, "standby": None},
}
FENCE = {"cluster": "demo", "addresses": ["10.0.0.11"], "ports": [6000], "tool": "nft", "since": 1000.5}
FENCES = [FENCE, {**FENCE, "tool": "iptables", "since": None}]


def judged(cdw="as it serves", scdw="as it streams", *changes, **more):
    """The pair of a cluster whose hosts showed this, and what is said of it.

    :param more: what of the pair is otherwise.
    """
    there = [(f"cdw {way}".strip(), value) for way, value in PRIMARY[cdw].items()]
    there += [(f"scdw {way}".strip(), value) for way, value in STANDBY[scdw].items()]
    found = changed(MIRRORED, *there, *changes)
    pair = dataclasses.replace(assess("demo", VARIABLES, found), **more)
    return pair, report.describe(pair, {host: None if host in pair.unknown else of for host, of in seen(found).items()})


def described(*hosts, **more):
    """What is said of a cluster whose hosts showed this."""
    return judged(*hosts, **more)[1]


#: by state, what the two show then
OF_STATE = {
    verdict.MIRRORED: ("as it serves", "as it streams"),
    verdict.DEGRADED: ("as it serves", "stopped"),
    verdict.UNMIRRORED: ("without a standby", "not there"),
    verdict.PRIMARY_HUNG: ("silent", "as it streams"),
    verdict.PRIMARY_DOWN: ("stopped", "as it streams"),
    verdict.BOTH_DOWN: ("stopped", "stopped"),
    verdict.PRIMARY_UNKNOWN: ("not seen", "as it streams"),
    verdict.SPLIT_BRAIN: ("as it serves", "second primary"),
}
