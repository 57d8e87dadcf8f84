# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import copy
import dataclasses
import datetime
import io
import json
from pathlib import Path

import jsonschema
import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.verdict import STATES, judge, view_of
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.pair import assess
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show import report
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.people import tell
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.screen import quiet, render
from hypothesis import given
from hypothesis import strategies as st

from ...nested import put
from ..observed import MIRRORED, ROWS, VARIABLES, changed, drifting, shown

SCHEMA = json.loads((Path(__file__).parents[5] / "roles/status/files/status.schema.json").read_text())
NOON = datetime.datetime(2026, 11, 22, 13, 0, 0, 5, tzinfo=datetime.timezone(datetime.timedelta(hours=1)))


def objects(part):
    """The descriptions of objects with named keys in a part of the schema."""
    if isinstance(part, dict):
        if isinstance(part.get("properties"), dict) and part.get("type") == "object":
            yield part
        for value in part.values():
            yield from objects(value)


def strict(schema):
    """The schema, with no key allowed that it does not name."""
    schema = copy.deepcopy(schema)
    for part in objects(schema):
        part["additionalProperties"] = False
    return schema


VALIDATOR = jsonschema.Draft202012Validator(strict(SCHEMA), format_checker=jsonschema.FormatChecker())

CONTROL = {"system_identifier": "1", "state": "in production", "timeline": 1}
INSTANCE = {
    "content": "instance",
    "role": "primary",
    "dbid": 1,
    "port": 5432,
    "data_directory": "/data/c",
    "control": CONTROL,
    "postmaster": {"pid": 7, "frozen": False, "connected": False},
    "fenced": None,
}
SENDER = {
    "pid": 8,
    "client_addr": "10.0.0.12",
    "state": "streaming",
    "sync_state": "sync",
    "sent_lsn": "0/200",
    "flush_lsn": "0/200",
    "replay_lsn": "0/1F0",
    "lag_bytes": 16,
    "replay_lag_s": 0.25,
    "reply_age_s": 1.5,
}
ON_PRIMARY = {
    "lsn": "0/200",
    "timeline": 1,
    "standby": {"dbid": 8, "hostname": "scdw", "address": "10.0.0.12", "port": 5432, "datadir": "/data/s"},
    "walsender": SENDER,
    "slots": [{"name": "standby_coordinator", "active": True, "restart_lsn": "0/100", "retained_bytes": 256}],
    "registrations": [shown(row) for row in ROWS],
    "probe": {"lsn": "0/1F0", "acknowledged": True, "replayed": True, "seconds": 0.012},
}
PRIMARY = {
    "instance": INSTANCE,
    "segments": [],
    "fences": [],
    "sql": {"answered": True, "refused": None, "error": None},
    "site": {"free": 5 << 30},
    "wal": {"free": 4 << 30, "size": 8 << 30},
    "standby": None,
    "primary": ON_PRIMARY,
}
STANDBY = {
    "instance": {
        **INSTANCE,
        "role": "standby",
        "dbid": 8,
        "data_directory": "/data/s",
        "postmaster": {"pid": 9, "frozen": False, "connected": None},
    },
    "segments": [],
    "fences": [],
    "sql": None,
    "primary": None,
    "standby": {"received_lsn": "0/200", "replayed_lsn": "0/1F0"},
}
STOPPED = {**PRIMARY, "instance": {**INSTANCE, "postmaster": None}, "sql": None, "primary": None}
SILENT = {**PRIMARY, "sql": {"answered": False, "error": "no answer"}, "primary": None}
UNMIRRORED = {**PRIMARY, "primary": {**ON_PRIMARY, "standby": None, "walsender": None, "slots": []}}
READING = {**PRIMARY, "primary": {**ON_PRIMARY, "probe": {**ON_PRIMARY["probe"], "acknowledged": None}}}
EMPTY = {
    **STOPPED,
    "instance": {**dict.fromkeys(INSTANCE), "content": "empty", "data_directory": "/data/c"},
    "wal": None,
}
DAMAGED = {**STOPPED, "instance": {**STOPPED["instance"], "control": None, "dbid": None}}
FENCE = {"cluster": "demo", "addresses": ["10.0.0.11"], "ports": [6000], "tool": "nft", "since": 1000.5}
FENCED = {**STOPPED, "instance": {**STOPPED["instance"], "fenced": "FENCED_scdw_is_primary.conf"}}
SEGMENTS = {"segments": [{"data_directory": "/p0", "port": 6000}], "fences": [FENCE, {**FENCE, "tool": "iptables", "since": None}]}


def described(coordinators, segment_hosts=(), warnings=(), maintenance=""):
    """What is said of a cluster whose hosts showed this."""
    observations = {**coordinators, **{f"sdw{number}": shown for number, shown in enumerate(segment_hosts)}}
    missing = {host: "no route" for host, shown in observations.items() if shown is None}
    verdict = judge([view_of(host, shown) for host, shown in coordinators.items()])
    return report.describe(verdict, observations, missing, warnings, maintenance)


def test_every_key_of_the_schema_is_described_and_required():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for part in objects(SCHEMA):
        assert sorted(part["required"]) == sorted(part["properties"])
        assert all(found.get("description") for found in part["properties"].values())
    assert sorted(SCHEMA["$defs"]["cluster"]["properties"]["state"]["enum"]) == sorted(STATES)
    assert SCHEMA["properties"]["schema_version"]["const"] == report.SCHEMA_VERSION


def test_a_mirrored_pair():
    found = described({"cdw": PRIMARY, "scdw": STANDBY}, [SEGMENTS], ["the disk is small"])
    assert (found["state"], found["mirrored"], found["primary"], found["standby"]) == ("mirrored", True, "cdw", "scdw")
    assert found["as_desired"] is True
    assert (found["timeline"], found["lsn"], found["warnings"]) == (1, "0/200", ["the disk is small"])
    assert found["replication"] == {
        "connected": True,
        "state": "streaming",
        "sync_state": "sync",
        "standby_address": "10.0.0.12",
        "sent_lsn": "0/200",
        "flush_lsn": "0/200",
        "replay_lsn": "0/1F0",
        "lag_bytes": 16,
        "lag_seconds": 0.25,
        "reply_age_seconds": 1.5,
    }
    assert found["registration"]["registered"] is True
    assert found["registration"]["data_directory"] == "/data/s"
    assert found["probe"] == {"lsn": "0/1F0", "acknowledged": True, "replayed": True, "seconds": 0.012}
    assert found["slots"] == [
        {"name": "standby_coordinator", "active": True, "restart_lsn": "0/100", "retained_bytes": 256, "free_bytes": 4 << 30}
    ]
    assert found["hosts"]["scdw"]["connected"] is None
    assert (found["hosts"]["scdw"]["received_lsn"], found["hosts"]["scdw"]["replayed_lsn"]) == ("0/200", "0/1F0")
    assert (found["hosts"]["sdw0"]["segments"], found["hosts"]["sdw0"]["running"]) == (1, None)


def test_maintenance_is_told():
    assert described({"cdw": PRIMARY, "scdw": STANDBY})["maintenance"] is None
    assert described({"cdw": PRIMARY, "scdw": STANDBY}, maintenance="in maintenance: wait")["maintenance"] == "in maintenance: wait"


def test_fences_are_told():
    hosts = described({"cdw": FENCED, "scdw": STANDBY}, [SEGMENTS, None])["hosts"]
    assert (hosts["cdw"]["fenced"], hosts["scdw"]["fenced"]) == ("FENCED_scdw_is_primary.conf", None)
    assert [fence["since"] for fence in hosts["sdw0"]["fences"]] == ["1970-01-01T00:16:40Z", None]
    assert (hosts["cdw"]["fences"], hosts["sdw1"]["fences"]) == ([], None)


def test_what_was_not_seen_is_not_told_as_absent():
    found = described({"cdw": None, "scdw": STANDBY})
    assert found["state"] == "primary_unknown"
    assert (found["hosts"]["cdw"]["observed"], found["hosts"]["cdw"]["missing"]) == (False, "no route")
    assert {found["replication"]["connected"], found["registration"]["registered"], found["slots"], found["lsn"]} == {None}
    assert set(found["hosts"]["cdw"].values()) == {False, "no route", None}


def test_what_was_seen_to_be_absent_is_told_as_such():
    found = described({"cdw": UNMIRRORED, "scdw": EMPTY})
    assert found["state"] == "unmirrored"
    assert (found["replication"]["connected"], found["registration"]["registered"], found["slots"]) == (False, False, [])
    assert (found["hosts"]["scdw"]["content"], found["hosts"]["scdw"]["running"]) == ("empty", False)


def test_the_run_is_mirrored_when_every_cluster_is():
    good, bad = described({"cdw": PRIMARY, "scdw": STANDBY}), described({"cdw": STOPPED, "scdw": STANDBY})
    both = report.document({"one": good, "two": bad}, NOON)
    assert (both["mirrored"], both["time"], list(both["clusters"])) == (False, "2026-11-22T12:00:00Z", ["one", "two"])
    assert report.document({"one": good}, NOON)["mirrored"] is True


coordinator = st.sampled_from([None, PRIMARY, READING, STANDBY, STOPPED, SILENT, UNMIRRORED, EMPTY, DAMAGED, FENCED])


@given(st.tuples(coordinator, coordinator), st.lists(st.sampled_from([None, SEGMENTS]), max_size=2), st.lists(st.just("beware")))
def test_every_document_follows_the_schema(pair, segment_hosts, warnings):
    found = report.document({"demo": described(dict(zip(("cdw", "scdw"), pair)), segment_hosts, warnings)}, NOON)
    VALIDATOR.validate(json.loads(json.dumps(found)))


def ways(value, way=()):
    """The ways to all values in what hosts tell that are no objects or lists with something in them."""
    if not isinstance(value, (dict, list)) or not value:
        yield way
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from ways(inner, (*way, key))


FENCE = {"cluster": "demo", "addresses": ["10.0.0.13"], "ports": [6000], "tool": "nft", "since": 1000.0}
TOLD = json.loads(
    json.dumps(
        changed(
            MIRRORED,
            ("cdw drifting", drifting("4MB")),
            ("scdw drifting", drifting("8MB", key="a")),
            ("cdw maintenance", {"since": 1000.0, "by": "gpadmin", "reason": "disks"}),
            ("sdw1 fences", [FENCE]),
            ("sdw1 sessions", [{"address": "10.0.0.11", "port": 6000, "count": 2, "quiet_s": 0.5}]),
        )
    )
)
HOSTILE = st.one_of(
    st.sampled_from(["a\nb", "\x1b[2J\x9b31m", "\u202egpj", "\udcff", '"}\n', float("nan"), float("inf"), -1e300, 1 << 62, {}, []]),
    st.recursive(
        st.one_of(st.booleans(), st.integers(), st.floats(), st.text(st.characters())),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
        max_leaves=3,
    ),
)
ASKED = "asked"  # the controller's own


@given(st.sampled_from([way for way in ways(TOLD) if ASKED not in way]), HOSTILE)
def test_whatever_a_host_tells_the_document_is_json_and_the_terminal_is_told_what_it_can_print(tmp_path_factory, way, hostile):
    found = put(TOLD, way, hostile)
    pair = assess("demo", VARIABLES, found)
    seen = {host: None if host in pair.unknown else told for host, told in found.items()}
    drift = None if pair.drift is None else [dataclasses.asdict(one) for one in pair.drift]
    described = report.describe(pair.verdict, seen, pair.unknown, pair.warnings, pair.maintenance, drift)
    text = strictly_read(tmp_path_factory.getbasetemp() / "hostile.json", report.document({"demo": described}, NOON))
    VALIDATOR.validate(text)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        tell(*render("demo", pair.verdict, seen, pair.unknown, pair.warnings), quiet("demo", pair.verdict, pair.warnings) or "")
    assert all(line.isprintable() for line in printed.getvalue().split("\n"))


def strictly_read(path, document):
    """What a program reads that knows JSON and nothing else, of a file that a terminal may show."""
    report.write(str(path), document)
    text = path.read_text(encoding="ascii")
    assert all(line.isprintable() for line in text.split("\n"))
    found = json.loads(text, parse_constant=pytest.fail)
    json.dumps(found, ensure_ascii=False).encode()  # no half of a character is in it
    return found


@pytest.mark.parametrize("part", [("time",), ("clusters", "demo", "slots"), ("clusters", "demo", "hosts", "cdw", "running")])
def test_the_schema_misses_a_key_that_is_gone(part):
    found = report.document({"demo": described({"cdw": PRIMARY, "scdw": STANDBY})}, NOON)
    holder = found
    for name in part[:-1]:
        holder = holder[name]
    del holder[part[-1]]
    assert not VALIDATOR.is_valid(found)


def test_a_document_comes_into_its_place_whole(tmp_path):
    path = tmp_path / "status.json"
    path.write_text("old")
    path.chmod(0o600)
    with pytest.raises(TypeError):
        report.write(str(path), {"a": object()})
    assert path.read_text() == "old"
    report.write(str(path), {"ü": 1})
    assert json.loads(path.read_text()) == {"ü": 1}
    assert path.stat().st_mode & 0o777 == 0o644
    assert [entry.name for entry in tmp_path.iterdir()] == ["status.json"]
    with pytest.raises(FileNotFoundError):
        report.write(str(tmp_path / "none" / "status.json"), {})
