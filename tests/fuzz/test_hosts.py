# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host that lies: whatever it tells is of its form or unknown, allows nothing, ends nothing, and is shown without effect."""

from __future__ import annotations

import datetime
import json
import re
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import pytest
from ansible_collections.warehousepg.coordinator.plugins.action import mirroring_info
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import border, lock
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.loss import OnDisk
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.verdict import PRIMARY_UNKNOWN
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._activate_standby import progress as of_activation
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._activate_standby.plan import ActivationPlan, make
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._activate_standby.verdict import decide
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.observations import read
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.pair import assess
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.unseen import Unseen
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._disable_mirroring import progress as of_disabling
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._disable_mirroring.plan import RemovalPlan
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run import locking, results
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run import progress as of_run
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.progress import answers
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show import metrics, nagios, page, report, samples
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.course import History
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.people import harmless
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.screen import render
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby import progress as of_standby
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.planned import StandbyPlan
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._switchover import progress as of_switchover
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._switchover.plan import SwitchoverPlan
from hypothesis import example
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from unit.plugins.plugin_utils.losses import BOTH_DOWN, DOWN, HUNG, PROMOTED, SERVING, UNKNOWN, scene
from unit.plugins.plugin_utils.observed import MIRRORED, UNMIRRORED, VARIABLES, seen

from .fuzzing import fuzzed, hostile_texts, hostile_values, places, replaced, spoilt_text

#: clusters in all states, as their hosts show them
FOUND = {
    "mirrored": MIRRORED,
    "unmirrored": UNMIRRORED,
    "primary down": DOWN,
    "both down": BOTH_DOWN,
    "primary hung": HUNG,
    "primary unknown": UNKNOWN,
    "promoted": PROMOTED,
    "serving": SERVING,
}
PLACES = [(name, way) for name, found in FOUND.items() for way in places(found) if way[0] in VARIABLES and len(way) > 1]
#: what does not look like anything else
GONE = object()
SCHEMA = json.loads((Path(__file__).parents[2] / "roles/status/files/status.schema.json").read_text(encoding="utf-8"))
NOON = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.timezone.utc)


def lied(name, way, lie):
    """A cluster of which one host tells another thing at a place; whatever it tells comes as JSON."""
    found = FOUND[name]
    if lie is GONE:
        *above, last = way
        inner = found
        for step in above:
            inner = inner[step]
        left = inner.copy()
        del left[last]
        return replaced(found, tuple(above), left)
    return replaced(found, way, json.loads(json.dumps(lie)))


def essence(pair):
    return pair.state, pair.primary, pair.standby, pair.activation, pair.serves


@fuzzed(st.sampled_from(PLACES), st.one_of(st.just(GONE), hostile_values))
@example(("primary down", ("cdw", "instance", "postmaster")), {})
@example(("primary down", ("cdw", "instance", "role")), ["primary"])
@example(("primary down", ("cdw", "instance", "directory_state")), {"instance": 1})
@example(("primary unknown", ("scdw", "instance", "role")), True)
@example(("primary hung", ("cdw", "sql", "answered")), "")
@example(("serving", ("cdw", "instance", "postmaster", "pid")), float("nan"))
@example(("mirrored", ("cdw", "segments")), "[" * 100)
@example(("both down", ("cdw", "peers")), {"9" * 5000: None})
@example(("mirrored", ("cdw", "peers")), {"\x1f": None})
@example(("primary unknown", ("cdw", "msg")), {"\x1b[2J": ["\n"]})
def test_a_lie_is_of_its_form_or_its_host_unknown(place, lie):
    name, way = place
    host = way[0]
    found = lied(name, way, lie)
    if host not in found:
        found = {**found, host: None}
    pair = assess("demo", VARIABLES, found)
    told = read(found[host])
    if isinstance(told, Unseen):
        silent = assess("demo", VARIABLES, {**found, host: {"failed": True, "msg": "it says nothing"}})
        assert essence(pair) == essence(silent)
        assert pair.state != "primary_down" or host not in (pair.primary, pair.standby)
        assert pair.unknown[host].isprintable() and len(pair.unknown[host]) < 1500
    # what is decided is decided by what was read, which is the same when it is told again
    for text in (pair.state, pair.advice, pair.activation_reason):
        assert harmless(text).isprintable()


@fuzzed(st.sampled_from(PLACES), st.one_of(hostile_texts, hostile_values))
@example(("mirrored", ("cdw", "primary", "slots", 0, "name")), "<script>alert(1)</script>")
@example(("mirrored", ("cdw", "primary", "walsender", "state")), "a\n# TYPE x gauge\nx 1")
@example(("primary hung", ("cdw", "sql", "error")), "\x1b[2J{{ 1 | int }}\u2028<b>|")
@example(("mirrored", ("cdw", "hostname")), "\ud800")
def test_a_lie_is_shown_without_effect(place, lie):
    name, way = place
    found = lied(name, way, lie)
    pair = assess("demo", VARIABLES, found)
    observations = {host: None if host in pair.unknown else of for host, of in seen(found).items()}
    assert all(harmless(line).isprintable() for line in render("demo", pair, observations))
    document = report.document({"demo": report.describe(pair, observations)}, NOON)
    written = json.dumps(report.plain(document), allow_nan=False)
    jsonschema.validate(json.loads(written), SCHEMA)
    families = list(text_string_to_metric_families(metrics.text(document)))
    assert {family.name for family in families} == {metrics.PREFIX + name for name in METRICS}
    assert all(sample.labels["cluster"] == "demo" for family in families for sample in family.samples)
    line = nagios.line({"demo": pair}, document["clusters"])
    assert harmless(line).count("|") == 1
    look = samples.sample(document["clusters"]["demo"], NOON.timestamp())
    shown = page.render(document, {"demo": History([look], [])}, "control")
    assert "<script>alert" not in shown and shown.replace("\n", "").replace("\t", "").isprintable()
    assert shown.count("<script") == OF_PAGE["<script"] and shown.count("<style") == OF_PAGE["<style"]


def page_of(found):
    pair = assess("demo", VARIABLES, found)
    document = report.document({"demo": report.describe(pair, seen(found))}, NOON)
    return page.render(document, {}, "control")


METRICS = {*(metric.name for metric in metrics.METRICS), metrics.LAST_RUN}
OF_PAGE = {tag: page_of(MIRRORED).count(tag) for tag in ("<script", "<style")}


# what comes before a promotion

PROVING = {
    "primary down": ({}, "cdw", "start_blocked", {"start_blocked": True, "proof": "it is stopped", "wal": None}),
    "primary hung": ({"confirm_down": "cdw"}, "cdw", "start_blocked", {"start_blocked": True, "proof": "it is stopped", "wal": None}),
    "primary unknown": ({"fence_segments": True}, "sdw1", "fenced", {"fenced": True, "proof": "it is fenced", "quiet_s": 1.0}),
}


LIES = ["start_blocked", "fenced", "proof", "quiet_s", "wal", "msg", "stderr", "unreachable", "unlogged"]


@pytest.mark.parametrize("name", PROVING)
@fuzzed(st.tuples(st.sampled_from(LIES), hostile_values))
@example(("start_blocked", "false"))
@example(("fenced", "no"))
@example(("fenced", 1))
@example(("proof", {"\x1b": []}))
@example(("wal", "x"))
@example(("unlogged", {"files": {"/etc/passwd": {}}}))
def test_nothing_is_promoted_by_what_is_no_proof(name, lie):
    options, host, key, honest = PROVING[name]
    result = {**honest, lie[0]: lie[1]}
    known = scene(FOUND[name], **options)
    planned = make(known, [])
    assert planned.refusal == ""
    verdict = decide(known, planned, {host: result}, {}, False)
    assert verdict.allowed is (result[key] is True)
    assert verdict.exact_loss is None or border.parse(OnDisk, verdict.exact_loss)
    assert decide(known, planned, {host: honest}, {}, False).allowed


@pytest.mark.parametrize("name", FOUND)
@fuzzed(st.data())
def test_a_plan_is_made_or_refused_whatever_hosts_tell(name, data):
    way = data.draw(st.sampled_from([way for of, way in PLACES if of == name]))
    options = data.draw(st.sampled_from([{}, {"fence_segments": True}, {"confirm_down": "cdw"}]))
    found = lied(name, way, data.draw(hostile_values))
    known = scene(found, **options)
    planned = make(known, [])
    assert harmless(planned.refusal).isprintable()
    if known.pair.state == PRIMARY_UNKNOWN and not options:
        assert planned.refusal


# what a host may say of the run itself


def action(returned):
    """The observation of a host whose module returns this."""
    play = SimpleNamespace(strategy="linear")
    task = SimpleNamespace(args={"by_options": True}, check_mode=False, async_val=0, action="test", diff=False, get_play=lambda: play)
    connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))
    found = mirroring_info.ActionModule(task, connection, None, None, SimpleNamespace(template=lambda value: value), None)
    found._remove_tmp_path = lambda *_arguments: None
    found._execute_module = lambda *_arguments, **_more: dict(returned)
    host = {"inventory_hostname": "cdw", "cluster_name": "demo", "whpg_role": "coordinator", "whpg_data_directory": "/data"}
    variables = {**host, "hostvars": {"cdw": host}, "groups": {"whpg_clusters": ["cdw"]}, "group_names": ["whpg_clusters"]}
    return found.run(task_vars=variables)


@fuzzed(st.dictionaries(st.sampled_from(["options", "wrong", "asked", "ansible_facts", "segments", "failed", "msg"]), hostile_values))
@example({"options": {"activate_standby_confirm_down": "cdw", "status_audit_file": "/etc/passwd"}})
@example({"wrong": {}, "ansible_facts": {"whpg_role": "standby"}, "asked": [0, 0]})
def test_a_host_has_no_say_in_what_is_asked_for(returned):
    honest, found = action({}), action(returned)
    assert (found["options"], found["wrong"]) == (honest["options"], honest["wrong"])
    assert "ansible_facts" not in found
    assert all(isinstance(time, float) and time > 1e9 for time in found["asked"])


# locks

OWN = lock.Holder("me", "here", "b", "n", 1, "2")
PRINTED = f'lock of the pair:\n1\n1000\n990\n/home/x/.whpg/demo.lock\n{lock.line_of(OWN)}\n{{"since": 990, "purpose": "switchover"}}\n'


@fuzzed(spoilt_text(PRINTED))
@example(PRINTED.replace("990\n/", "9" * 5000 + "\n/"))
@example(PRINTED.replace('"since": 990', '"since": 1e300'))
@example(PRINTED.replace('"pid": 1', '"pid": 1e400'))
@example(PRINTED.replace("switchover", "\\u001b[2J"))
def test_whatever_a_host_prints_of_a_lock_is_a_lock_or_refused(printed):
    try:
        found = locking.parse_seen(printed)
        held = found.lock
        said = locking.refusal(held, found) if held else ""
    except CoordinatorError as error:
        said = error.message
    assert harmless(said).isprintable() and len(said) < 20000
    assert not re.search(r"\{\{.*\}\}", said) or "{{" in printed


# what tasks registered of hosts

#: by what is asked how far a role came, the plan that it goes by
PROGRESS = (
    (of_activation.Progress, ActivationPlan),
    (of_disabling.Progress, RemovalPlan),
    (of_standby.Progress, StandbyPlan),
    (of_switchover.Progress, SwitchoverPlan),
)


class Registered(dict):
    """The variables of a host, on which each task registered the same."""

    def get(self, name, default=None):
        return self["result"] if name.startswith("_") else default


@pytest.mark.parametrize(("kind", "plan"), PROGRESS)
@fuzzed(st.dictionaries(st.sampled_from([*LIES, "failed", "steps", "changed", "promoted", "skipped", "rc", "stdout"]), hostile_values))
@example({"steps": [{"seconds": "x"}]})
@example({"steps": 7})
@example({"wal": "x"})
def test_how_far_a_role_came_can_be_asked_whatever_hosts_tell(kind, plan, result):
    planned = plan("", primary="cdw", standby="scdw")
    progress = kind("demo", planned, {host: Registered(result=result) for host in VARIABLES})
    asked = answers(progress)
    assert set(asked) == {*of_run.names(kind)}
    assert isinstance(progress.finished(), list)
    seconds = results.taken(progress.hosts, ["__any"])
    assert seconds is None or seconds >= 0
    assert harmless(results.message(result)).isprintable()
    assert all(harmless(said).isprintable() for said in results.failures_of({"cdw": {"__any": result}}, {"__any": "it"}, []))
