# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Prometheus finds what alerts and dashboard ask for in the metrics of clusters in every state."""

from __future__ import annotations

import datetime
import json
import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.verdict import STATES
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show import metrics, report

from ..plugins.plugin_utils.described import FENCE, OF_STATE, described
from .prometheus import promtool, running

ROOT = Path(__file__).parents[3]
RULES = ROOT / "extensions/monitoring/prometheus_rules.yml"
DASHBOARD = json.loads((ROOT / "extensions/monitoring/grafana_dashboard.json").read_text())
PANELS = {panel["title"]: panel for panel in DASHBOARD["panels"]}

GIB = 1 << 30
#: when it is asked
NOW = 1795348800
LOOKS = range(NOW - 4320, NOW + 1, 240)
SLOT = "standby_coordinator"

LATE = described(
    "as it serves",
    "as it streams",
    ("cdw primary walsender lag_bytes", 2 * GIB),
    ("cdw primary walsender replay_lag_s", 90.5),
    ("cdw primary slots 0 retained_bytes", 60 * GIB),
    warnings=["late", "the disk"],
)
#: what is the same at each look: one cluster in each state, by its name, and some to tell of the rest
ALWAYS = {
    **{state: described(*hosts) for state, hosts in OF_STATE.items()},
    "late": LATE,
    "waiting": described("as it serves", "as it streams", ("cdw primary probe acknowledged", False)),
    "only_read": described("read only"),
    "single": described(*OF_STATE["unmirrored"], as_desired=True),
    "fenced": described("fenced", "as it streams", ("sdw1 fences", [{**FENCE, "cluster": "fenced"}])),
    "maintained": described(maintenance="wait"),
    "half_seen": described("as it serves", "as it streams", ("sdw1", None)),
}
OF_CLUSTER = {**{cluster: told["state"] for cluster, told in ALWAYS.items()}, "promoted": "mirrored"}
DOWN = {"primary_hung", "primary_down", "both_down", "primary_unknown", "split_brain", "fenced"}
NOT_MIRRORED = {"degraded", "unmirrored", "waiting"}
WARNED = {"late": 2, "waiting": 1}


def looked(at):
    """What the file of a controller said at a time."""
    clusters = {**ALWAYS, "promoted": described("as it serves", "as it streams", ("cdw primary timeline", 1 if at < NOW - 1800 else 2))}
    if at < NOW - 1200:
        clusters["gone"] = described()
    return text(clusters, at)


def text(clusters, at):
    return metrics.text(report.document(clusters, datetime.datetime.fromtimestamp(at, datetime.timezone.utc)))


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory):
    running_here = {("here", at): looked(at) for at in LOOKS}
    # its last run was an hour ago, its file is still read
    stopped_there = {("there", at): text({"old": described()}, min(at, NOW - 3600)) for at in LOOKS}
    with running(tmp_path_factory.mktemp("prometheus"), {**running_here, **stopped_there}) as server:
        yield server


FRESH = {*ALWAYS, "promoted"}
#: by alert, the labels of those that fire
FIRING = {
    "WhpgPrimaryDoesNotServe": {(cluster, OF_CLUSTER[cluster]) for cluster in DOWN},
    "WhpgCommitsWait": {("waiting",)},
    "WhpgNotMirrored": {(cluster, OF_CLUSTER[cluster]) for cluster in NOT_MIRRORED},
    "WhpgStandbyLags": {("late",)},
    "WhpgWalFillsDisk": {("late", "cdw", SLOT)},
    "WhpgHostNotObserved": {("primary_unknown", "cdw"), ("half_seen", "sdw1")},
    "WhpgWarnings": {(cluster,) for cluster in WARNED},
    "WhpgInMaintenance": {("maintained",)},
    "WhpgPromoted": {("promoted",)},
    "WhpgStatusOld": {("old",)},
    "WhpgStatusGone": {("gone",)},
}


def alerts():
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    return {rule["alert"]: rule["expr"] for rule in group["rules"]}


def test_prometheus_takes_metrics_and_rules():
    assert promtool("check", "metrics", input=looked(NOW - 3600)) == ""
    assert f"SUCCESS: {len(FIRING)} rules found" in promtool("check", "rules", str(RULES))


def test_alerts_come_after_their_time_and_say_what_to_do():
    assert "SUCCESS" in promtool("test", "rules", str(Path(__file__).with_name("alerts.yml")))


@pytest.mark.parametrize("alert", alerts())
def test_each_alert_fires_for_those_that_it_is_about(alert, prometheus):
    assert {*prometheus.query(alerts()[alert], NOW)} == FIRING[alert]


def test_nothing_fires_for_a_pair_that_is_well():
    found = {cluster for labels in FIRING.values() for cluster, *_others in labels}
    assert {*ALWAYS} - found == {"mirrored", "only_read", "single"}


def each(value, clusters, *labels, **otherwise):
    """The same value for clusters, but for some of them."""
    return {(cluster, *labels): otherwise.get(cluster, value) for cluster in clusters}


def on(host, value, **otherwise):
    """The same value for a host of all clusters, but for some of them; None: there is none."""
    found = each(value, FRESH, host, **otherwise)
    return {labels: value for labels, value in found.items() if value is not None}


#: those whose primary was asked, and of them those that have a slot and a walsender
ASKED = FRESH - DOWN
HAVE_SLOT = ASKED - {"unmirrored", "single"}
STATE = {shown["text"]: int(number) for number, shown in PANELS["State"]["fieldConfig"]["defaults"]["mappings"][0]["options"].items()}
AGES = {**each(0, FRESH), ("old",): 3600}
STOPPED = dict.fromkeys(("primary_down", "both_down", "fenced"), 0)
AFTER = {"unmirrored": 0, "single": 0, "degraded": 0, "both_down": 0}

#: by panel and query, what is shown
SHOWN = {
    "As desired": {"A": {(): len(FRESH - DOWN - NOT_MIRRORED)}},
    "Not as desired": {"A": {(): len(DOWN | NOT_MIRRORED)}},
    "Primary does not serve": {"A": {(): len(DOWN)}},
    "With warnings": {"A": {(): len(WARNED)}},
    "Not looked at": {"A": {(): 1}},
    "Clusters": {
        "state": dict.fromkeys(OF_CLUSTER.items(), 1),
        "who": {
            **each(1, FRESH - {"unmirrored", "single", "split_brain"}, "cdw", "scdw"),
            **each(1, {"unmirrored", "single"}, "cdw"),
            ("split_brain",): 1,
        },
        "lag": each(0, HAVE_SLOT, late=2 * GIB),
        "retained": each(0, HAVE_SLOT, late=60 * GIB),
        "warnings": each(0, FRESH, **WARNED),
        "age": AGES,
    },
    "State": {"A": {(cluster,): STATE[state] for cluster, state in OF_CLUSTER.items()}},
    "Replay lag": {"A": each(0, HAVE_SLOT, late=2 * GIB)},
    "Replay lag in time": {"A": {("late",): 90.5}},
    "Retained WAL": {"A": each(0, HAVE_SLOT, "cdw", SLOT, late=60 * GIB)},
    "Space left for WAL": {"A": each(50 * GIB, HAVE_SLOT, "cdw")},
    "Probe": {"A": each(0.1, ASKED)},
    "Segment instances": dict.fromkeys("ABC", each(0, ASKED)),
    "Timeline": {"A": each(1, ASKED, promoted=2)},
    "Age of the latest look": {"A": AGES},
    "Hosts": {
        "observed": {**on("cdw", 1, primary_unknown=0), **on("scdw", 1), **on("sdw1", 1, half_seen=0)},
        "running": {**on("cdw", 1, primary_unknown=None, **STOPPED), **on("scdw", 1, **AFTER)},
        "suspended": {**on("cdw", 0, primary_unknown=None, **dict.fromkeys(STOPPED)), **on("scdw", 0, **dict.fromkeys(AFTER))},
        "blocked": {**on("cdw", 0, primary_unknown=None, fenced=1), **on("scdw", 0)},
        "fences": {**on("cdw", 0, primary_unknown=None), **on("scdw", 0), **on("sdw1", 0, half_seen=None, fenced=1)},
    },
}
QUERIES = [(title, target["refId"]) for title, panel in PANELS.items() for target in panel["targets"]]


def shown(prometheus, title, query, at=NOW, clusters=".*", max_age=900):
    (expression,) = (target["expr"] for target in PANELS[title]["targets"] if target["refId"] == query)
    return prometheus.query(expression.replace("$cluster", clusters).replace("$max_age", str(max_age)), at)


@pytest.mark.parametrize(("title", "query"), QUERIES)
def test_each_panel_shows_what_it_should(title, query, prometheus):
    assert shown(prometheus, title, query) == SHOWN[title][query]


@pytest.mark.parametrize(("title", "query"), QUERIES)
def test_each_panel_heeds_the_clusters_that_are_chosen(title, query, prometheus):
    found = shown(prometheus, title, query, clusters="mirrored|late")
    assert {cluster for cluster, *_others in filter(None, found)} <= {"mirrored", "late"}
    assert found.get((), 0) <= 2


def test_a_look_counts_as_long_as_is_chosen_and_so_it_did_before(prometheus):
    assert ("old",) not in shown(prometheus, "State", "A")
    assert shown(prometheus, "State", "A", max_age=86400)["old",] == STATE["mirrored"]
    assert shown(prometheus, "State", "A", at=NOW - 3600)["old",] == STATE["mirrored"]
    assert shown(prometheus, "State", "A", at=NOW - 1260)["gone",] == STATE["mirrored"]


def test_the_dashboard_offers_the_clusters(prometheus):
    (offered,) = (variable for variable in DASHBOARD["templating"]["list"] if variable["name"] == "cluster")
    metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", offered["query"]["query"]).groups()
    assert {*prometheus.ask(f"label/{label}/values", **{"match[]": metric})} == {*FRESH, "old", "gone"}


def test_the_dashboard_names_each_state_and_what_it_asks_for():
    assert {*STATE} == {*STATES}
    assert len({panel["id"] for panel in PANELS.values()}) == len(PANELS) == len(DASHBOARD["panels"])
    for panel in PANELS.values():
        answers = {f"Value #{target['refId']}" for target in panel["targets"]}
        for step in panel.get("transformations", ()):
            named = {*step["options"].get("renameByName", {}), *step["options"].get("excludeByName", {})}
            assert {name for name in named if name.startswith("Value")} <= answers
