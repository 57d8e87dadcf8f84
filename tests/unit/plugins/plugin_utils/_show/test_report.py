# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import copy
import datetime
import io
import json
from pathlib import Path

import jsonschema
import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.verdict import STATES
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.pair import assess
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show import report
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.people import tell
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.screen import quiet, render
from hypothesis import given
from hypothesis import strategies as st

from ...nested import put
from ..described import FENCES, PRIMARY, STANDBY, described
from ..observed import MIRRORED, VARIABLES, changed, seen, unlogged

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


def test_every_key_of_the_schema_is_described_and_required():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for part in objects(SCHEMA):
        assert sorted(part["required"]) == sorted(part["properties"])
        assert all(found.get("description") for found in part["properties"].values())
    assert sorted(SCHEMA["$defs"]["cluster"]["properties"]["state"]["enum"]) == sorted(STATES)
    assert SCHEMA["properties"]["schema_version"]["const"] == report.SCHEMA_VERSION


LAG = (
    ("cdw primary walsender replay_lsn", "0/1F0"),
    ("cdw primary walsender lag_bytes", 16),
    ("cdw primary walsender replay_lag_s", 0.25),
    ("scdw standby replayed_lsn", "0/1F0"),
)


def test_a_mirrored_pair():
    found = described("as it serves", "as it streams", *LAG, warnings=["the disk is small"])
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
    assert found["registration"]["data_directory"] == "/s"
    assert found["probe"] == {"lsn": "0/200", "acknowledged": True, "replayed": True, "seconds": 0.1}
    assert found["slots"] == [
        {"name": "standby_coordinator", "active": True, "restart_lsn": "0/1", "retained_bytes": 0, "free_bytes": 50 << 30}
    ]
    assert found["hosts"]["scdw"]["connected"] is True
    assert (found["hosts"]["scdw"]["received_lsn"], found["hosts"]["scdw"]["replayed_lsn"]) == ("0/200", "0/1F0")
    assert (found["hosts"]["sdw1"]["segments"], found["hosts"]["sdw1"]["running"]) == (2, None)


def test_maintenance_is_told():
    assert described()["maintenance"] is None
    assert described(maintenance="in maintenance: wait")["maintenance"] == "in maintenance: wait"


def test_fences_are_told():
    hosts = described("fenced", "as it streams", ("sdw1 fences", FENCES))["hosts"]
    assert (hosts["cdw"]["start_block"], hosts["scdw"]["start_block"]) == ("FENCED_scdw_is_primary.conf", None)
    assert [fence["since"] for fence in hosts["sdw1"]["fences"]] == ["1970-01-01T00:16:40Z", None]
    assert hosts["cdw"]["fences"] == []
    assert described("fenced", "as it streams", ("sdw1", None))["hosts"]["sdw1"]["fences"] is None


def test_what_was_not_seen_is_not_told_as_absent():
    found = described("not seen")
    assert found["state"] == "primary_unknown"
    assert (found["hosts"]["cdw"]["observed"], found["hosts"]["cdw"]["missing"]) == (False, "unreachable: no route: make it reachable")
    assert {found["replication"]["connected"], found["registration"]["registered"], found["slots"], found["lsn"]} == {None}
    assert set(found["hosts"]["cdw"].values()) == {False, "unreachable: no route: make it reachable", None}


def test_what_was_seen_to_be_absent_is_told_as_such():
    found = described("without a standby", "not there")
    assert found["state"] == "unmirrored"
    assert (found["replication"]["connected"], found["registration"]["registered"], found["slots"]) == (False, False, [])
    assert (found["hosts"]["scdw"]["directory_state"], found["hosts"]["scdw"]["running"]) == ("absent", False)


def test_the_run_is_mirrored_when_every_cluster_is():
    good, bad = described(), described("stopped")
    both = report.document({"one": good, "two": bad}, NOON)
    assert (both["mirrored"], both["time"], list(both["clusters"])) == (False, "2026-11-22T12:00:00Z", ["one", "two"])
    assert report.document({"one": good}, NOON)["mirrored"] is True


@given(
    st.sampled_from([*PRIMARY]), st.sampled_from([*STANDBY]), st.sampled_from([(), ("sdw1", None), ("sdw1 fences", FENCES)]), st.booleans()
)
def test_every_document_follows_the_schema(cdw, scdw, sdw1, warned):
    more = {"warnings": ["beware"]} if warned else {}
    found = report.document({"demo": described(cdw, scdw, *filter(None, [sdw1]), **more)}, NOON)
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
            ("cdw unlogged", unlogged("4MB")),
            ("scdw unlogged", unlogged("8MB", key="a")),
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
    observations = seen(found)
    described = report.describe(pair, observations)
    text = strictly_read(tmp_path_factory.getbasetemp() / "hostile.json", report.document({"demo": described}, NOON))
    VALIDATOR.validate(text)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        tell(*render("demo", pair, observations), quiet("demo", pair) or "")
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
    found = report.document({"demo": described()}, NOON)
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
    with pytest.raises(UnicodeEncodeError):
        report.write_text(str(path), "new\udcff")
    assert path.read_text() == "old"
    report.write(str(path), {"ü": 1})
    assert json.loads(path.read_text()) == {"ü": 1}
    assert path.stat().st_mode & 0o777 == 0o644
    assert [entry.name for entry in tmp_path.iterdir()] == ["status.json"]
    with pytest.raises(FileNotFoundError):
        report.write(str(tmp_path / "none" / "status.json"), {})
