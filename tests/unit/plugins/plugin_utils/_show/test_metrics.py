# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import collections
import re
import sys
from pathlib import Path

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.verdict import STATES
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.pair import assess
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.stage import OBSERVATION, Task
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.stages import STAGES
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show import metrics, report
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from ...nested import put
from ..described import FENCES, OF_STATE, PRIMARY, STANDBY, described
from ..desired import desired
from ..observed import VARIABLES, seen
from .test_report import ASKED, HOSTILE, LAG, NOON, TOLD, ways

ROOT = Path(__file__).parents[5]
NAMES = [metrics.PREFIX + name for name in (*(metric.name for metric in metrics.METRICS), metrics.LAST_RUN)]


def told(**clusters):
    """By metric and labels, the values that are told of clusters."""
    found = collections.defaultdict(dict)
    for family in text_string_to_metric_families(metrics.text(report.document(clusters, NOON))):
        assert (family.type, bool(family.documentation)) == ("gauge", True)
        for sample in family.samples:
            labels = tuple(value for name, value in sorted(sample.labels.items()) if name != "cluster")
            key = (sample.labels["cluster"], *labels)
            name = sample.name.removeprefix(metrics.PREFIX)
            assert key not in found[name], "told twice"
            found[name][key] = sample.value
    return found


@pytest.mark.parametrize("state", STATES)
def test_a_pair_is_in_one_state(state):
    found = told(demo=described(*OF_STATE[state]))["state"]
    assert found == {("demo", other): float(other == state) for other in STATES}


def test_a_mirrored_pair():
    found = told(demo=described("as it serves", "as it streams", *LAG, warnings=["beware"]))
    assert {name: values["demo",] for name, values in found.items() if ("demo",) in values} == {
        "as_desired": 1,
        "primary_serves": 1,
        "activation_allowed": 0,
        "maintenance": 0,
        "warnings": 1,
        "timeline": 1,
        "standby_registered": 1,
        "standby_connected": 1,
        "standby_in_sync": 1,
        "standby_reply_age_seconds": 1.5,
        "replay_lag_bytes": 16,
        "replay_lag_seconds": 0.25,
        "probe_acknowledged": 1,
        "probe_replayed": 1,
        "probe_duration_seconds": 0.1,
        "segment_instances": 2,
        "segment_instances_down": 0,
        "segment_instances_swapped": 0,
        "segment_mirrors_not_in_sync": 0,
        "last_run_timestamp_seconds": 1795348800,
    }
    assert found["info"] == {("demo", "cdw", "scdw"): 1}
    assert found["slot_retained_bytes"] == {("demo", "cdw", "standby_coordinator"): 0}
    assert found["slot_active"] == {("demo", "cdw", "standby_coordinator"): 1}
    assert found["wal_free_bytes"] == {("demo", "cdw"): 50 << 30}
    assert found["host_observed"] == {("demo", host): 1 for host in ("cdw", "scdw", "sdw1")}
    assert found["instance_running"] == {("demo", host): 1 for host in ("cdw", "scdw")}
    assert found["instance_start_blocked"] == {("demo", host): 0 for host in ("cdw", "scdw")}


def test_what_was_not_seen_has_no_value():
    found = told(demo=described("not seen"), other=described("not seen", "not seen"))
    assert found["host_observed"]["demo", "cdw"] == 0
    assert found["instance_running"] == {("demo", "scdw"): 1}
    assert not {"timeline", "replay_lag_bytes", "probe_acknowledged", "slot_retained_bytes", "segment_instances_down"} & {*found}
    assert found["info"]["other", "", ""] == 1


def test_what_was_seen_to_be_absent_is_told():
    found = told(demo=described(*OF_STATE["unmirrored"]), other=described(*OF_STATE["degraded"], ("cdw primary walsender", None)))
    assert found["standby_registered"] == {("demo",): 0, ("other",): 1}
    assert found["standby_in_sync"] == found["standby_connected"] == {("demo",): 0, ("other",): 0}
    assert found["instance_running"]["other", "scdw"] == 0


def test_fences_and_maintenance_are_told():
    of_another = {**FENCES[0], "cluster": "another"}
    found = told(demo=described("fenced", "as it streams", ("sdw1 fences", [*FENCES, of_another]), maintenance="wait"))
    assert found["fences"] == {("demo", "cdw"): 0, ("demo", "scdw"): 0, ("demo", "sdw1"): 2}
    assert found["instance_start_blocked"] == {("demo", "cdw"): 1, ("demo", "scdw"): 0}
    assert found["maintenance"]["demo",] == 1


def test_each_name_is_told_once_and_says_its_unit():
    assert len({*NAMES}) == len(NAMES)
    families = list(text_string_to_metric_families(metrics.text(report.document({"demo": described()}, NOON))))
    assert [family.name for family in families] == NAMES
    for name in NAMES:
        assert re.fullmatch(r"whpg_coordinator(_[a-z]+)+", name)
        assert not re.search("milli|micro|percent|_(ms|mb|kb|minutes|total)(_|$)", name)


def test_the_guide_tells_of_each():
    guide = (ROOT / "docs/docsite/rst/guide_monitor.rst").read_text()
    assert {*re.findall(r"``(whpg_coordinator_\w+)``", guide)} == {*NAMES}


@given(st.sampled_from([way for way in ways(TOLD) if ASKED not in way]), HOSTILE)
def test_whatever_a_host_tells_it_cannot_spoil_what_is_told_of_another(way, hostile):
    found = put(TOLD, way, hostile)
    beside = described()
    both = told(demo=report.describe(assess("demo", VARIABLES, found), seen(found)), other=beside)
    alone = told(other=beside)
    assert all({key: of for key, of in both[name].items() if key[0] == "other"} == values for name, values in alone.items())


@given(st.sampled_from([*PRIMARY]), st.sampled_from([*STANDBY]), st.text(st.characters(codec=None), min_size=1))
def test_every_document_is_told_under_every_name(cdw, scdw, name):
    assert len(told(**{name: described(cdw, scdw)})["state"]) == len(STATES)


def test_a_slot_that_a_host_tells_twice_is_told_once():
    slot = {"name": "a", "active": True, "restart_lsn": "0/1", "retained_bytes": 1}
    found = told(demo=described("as it serves", "as it streams", ("cdw primary slots", [slot, {**slot, "retained_bytes": 2}])))
    assert found["slot_retained_bytes"] == {("demo", "cdw", "a"): 2}


def test_the_file_is_whole_and_for_all_to_read(tmp_path):
    path = tmp_path / "whpg.prom"
    metrics.write(str(path), report.document({"demo": described()}, NOON))
    assert path.read_text().startswith(f"# HELP {NAMES[0]} ")
    assert path.stat().st_mode & 0o777 == 0o644
    assert [entry.name for entry in tmp_path.iterdir()] == ["whpg.prom"]


def test_a_library_that_is_missing_is_told_before_anything_is_judged(monkeypatch):
    assert metrics.missing() == ""
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    asked = desired(role="status", status_metrics="/tmp/whpg.prom").options
    with pytest.raises(AnsibleActionFail, match=r"status_metrics is /tmp/whpg.prom, and .* has no prometheus_client: install it there"):
        STAGES["status", "judge"].do(Task({OBSERVATION: {"options": asked}}, str), {})
