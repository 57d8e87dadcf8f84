# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clusters in each state as the document of C(status) tells of them, and what is known of their past."""

from __future__ import annotations

import datetime
import random

from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import verdict
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.loss import Loss, Window
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.pair import assess
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show import report
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.course import History
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.samples import Sample
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.trail import Event

from .observed import CDW, MIRRORED, UNMIRRORED, VARIABLES, changed, seen

NOON = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.timezone.utc)

_LOST = {"": {"unreachable": True, "msg": "Failed to connect to the host via ssh: No route to host"}}
_STOPPED = {"instance postmaster": None, "primary": None, "sql": None}
_DISCONNECTED = (("cdw primary walsender", None), ("cdw primary slots 0 active", False), ("cdw primary slots 0 retained_bytes", 48 << 20))

#: by state, what differs on the hosts from a mirrored cluster
WAYS = {
    verdict.MIRRORED: (),
    verdict.DEGRADED: (*_DISCONNECTED, ("scdw instance postmaster", None), ("scdw standby", None)),
    verdict.PRIMARY_HUNG: (("cdw primary", None), ("cdw sql", {"answered": False, "refused": None, "error": "timeout expired"})),
    verdict.PRIMARY_DOWN: tuple((f"cdw {way}", value) for way, value in _STOPPED.items()),
    verdict.BOTH_DOWN: (
        *((f"cdw {way}", value) for way, value in _STOPPED.items()),
        ("scdw instance postmaster", None),
        ("scdw standby", None),
    ),
    verdict.PRIMARY_UNKNOWN: (("cdw", _LOST[""]),),
    verdict.SPLIT_BRAIN: (("scdw", {**CDW, "hostname": "scdw", "addresses": ["10.0.0.12"]}),),
}


def cluster(state=verdict.MIRRORED, segment_hosts=1, fenced=False):
    """What the document says of a cluster in a state."""
    found = UNMIRRORED if state == verdict.UNMIRRORED else changed(MIRRORED, *WAYS[state])
    pair = assess("demo", VARIABLES, found)
    assert pair.state == state
    told = report.describe(pair, {host: None if host in pair.unknown else of for host, of in seen(found).items()})
    hosts = told["hosts"]
    for number in range(1, segment_hosts + 1):
        fence = {
            "cluster": "demo",
            "addresses": ["10.0.0.11"],
            "ports": [6000, 6001, 7000, 7001],
            "tool": "nft",
            "since": "2026-11-22T11:58:03Z",
        }
        hosts[f"sdw{number}"] = {**hosts["sdw1"], "fences": [fence] if fenced else []}
    return told


def document(clusters):
    """The document on clusters."""
    return report.document(clusters, NOON)


def event(days, **more):
    """A switchover so many days before noon."""
    known = {
        "cluster": "demo",
        "action": "switchover",
        "outcome": "switched",
        "who": "operator",
        "seconds": 31.0,
        "loss": Loss("none", 0, 0, "its disk says so", Window(None, None, None), None, None),
        "phases": {
            "prepare": 0.05,
            "arm": 0.07,
            "stop": 0.3,
            "shutdown": 0.13,
            "promotion": 1.18,
            "first_write": 0.32,
            "settle": 0.19,
            "follow": 1.19,
        },
        "gap": 1.62,
        "rto": None,
        "rpo": None,
        "reason": "",
        "state": "mirrored",
        "former_primary": "cdw",
        "new_primary": "scdw",
        "controller": "control1",
        "run": "20261120T071500Z-4711",
    }
    return Event(**{"time": NOON - datetime.timedelta(days=days), **known, **more})


ACTIVATION = {
    "action": "activate_standby",
    "outcome": "activated",
    "gap": None,
    "state": "primary_down",
    "phases": {
        "fence": 0.41,
        "note_begin": 0.006,
        "promote": 0.134,
        "wait_dispatch": 0.073,
        "checkpoint": 0.023,
        "check_segments": 0.066,
        "make_slot": 0.05,
    },
}
REFUSED = {
    "outcome": "not_switched",
    "loss": None,
    "gap": None,
    "phases": {},
    "new_primary": "",
    "reason": "cdw: transactions run for more than 1 s",
}


def history(looks=1000, state=verdict.MIRRORED, seed=0):
    """A week of looks at a cluster that was degraded once and is in a state now, and what was run in it."""
    chance = random.Random(seed)
    end = NOON.timestamp()
    found = []
    for number in range(looks):
        bad = looks * 0.4 < number < looks * 0.45
        lag = int(chance.expovariate(1 / 40_000)) * (chance.random() < 0.7) + bad * (number - int(looks * 0.4)) * 1_500_000
        now = state if number > looks - 12 else verdict.DEGRADED if bad else verdict.MIRRORED
        time = end - (looks - 1 - number) * 600
        found.append(Sample(time, now, now == verdict.MIRRORED, lag, None, 16_777_216 + lag * (3 if bad else 1)))
    runs = [event(40, **ACTIVATION, former_primary="scdw", new_primary="cdw"), *(event(days, **REFUSED) for days in (9, 8, 5))]
    return History(found, [*runs, event(3), event(2, outcome="switched_with_trouble", reason="sdw3: access rules: no answer")])


#: how often each state is in a fleet
_SHARES = [
    (verdict.DEGRADED, 17),
    (verdict.PRIMARY_UNKNOWN, 29),
    (verdict.UNMIRRORED, 41),
    (verdict.PRIMARY_DOWN, 53),
    (verdict.SPLIT_BRAIN, 97),
]


def fleet(count, segment_hosts=8):
    """A document on so many clusters, most of which are mirrored, and their past."""
    clusters, histories = {}, {}
    for number in range(1, count + 1):
        state = next((state for state, each in _SHARES if number % each == 0), verdict.MIRRORED)
        name = f"cluster-{number:03}"
        clusters[name] = cluster(state, segment_hosts)
        histories[name] = history(state=state, seed=number)
    return document(clusters), histories
