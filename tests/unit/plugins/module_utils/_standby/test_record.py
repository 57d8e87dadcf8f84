# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import json
import stat

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import border
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.addresses import parse_address
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Step
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import record
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.record import (
    InSync,
    Record,
    RecordedPrimary,
    RecordedSegment,
)
from hypothesis import given
from hypothesis import strategies as st

from ...nested import put

GIVEN = Record(
    system_identifier="1",
    primary=RecordedPrimary("cdw", "cdw", ("10.0.0.11",)),
    segments=(
        RecordedSegment(dbid=2, content=0, role="p", hostname="s", address="s", port=6000, datadir="/p0", host="sdw1"),
        RecordedSegment(dbid=3, content=0, role="m", hostname="t", address="t", port=7000, datadir="/m0", host=None),
    ),
    commit_limit_s=300.0,
    other_walsenders=False,
)
SYNC = InSync(50.0, 10.0, 1.0)
RECORD = dataclasses.replace(GIVEN, time=50.0, in_sync=SYNC)
#: as it stands in a file
DOCUMENT = json.loads(json.dumps(dataclasses.asdict(RECORD)))
vary = dataclasses.replace


@pytest.mark.parametrize(
    ("kept", "given", "started", "stale"),
    [
        (RECORD, GIVEN, 10.0, False),
        (RECORD, GIVEN, 10.9, False),
        (RECORD, GIVEN, None, False),
        (None, GIVEN, 10.0, True),
        (RECORD, GIVEN, 20.0, True),
        (vary(RECORD, in_sync=None), GIVEN, 10.0, True),
        (vary(RECORD, in_sync=None), GIVEN, None, False),
        (vary(RECORD, in_sync=InSync(50.0, 10.0)), GIVEN, 10.0, True),
        (vary(RECORD, other_walsenders=None), GIVEN, 10.0, True),
        (RECORD, vary(GIVEN, other_walsenders=True), 10.0, True),
        (RECORD, vary(GIVEN, commit_limit_s=10.0), 10.0, True),
        (RECORD, vary(GIVEN, segments=()), 10.0, True),
        (RECORD, vary(GIVEN, primary=RecordedPrimary("scdw", "scdw", ())), 10.0, True),
        (RECORD, vary(GIVEN, system_identifier="2"), 10.0, True),
    ],
)
def test_a_record_is_written_when_it_is_stale(kept, given, started, stale):
    assert record.is_stale(kept, given, started) == stale
    stream = InSync(60.0, started) if started else None
    assert record.plan(kept, given, stream) == ([Step("write_record", {"told": vary(given, in_sync=stream)})] if stale else [])


@pytest.mark.parametrize(
    ("started", "ports", "seen", "found"),
    [
        (10.0, {41522}, 41522, InSync(60.123, 10.0, 1.0)),
        (10.0, {41522}, 41523, None),
        (10.0, {41522}, None, None),
        (None, set(), 41522, None),
        (None, {41522}, 41522, None),
    ],
)
def test_only_the_stream_that_the_primary_saw_is_in_sync(started, ports, seen, found):
    assert record.in_sync(started, ports, seen, 60.1234, 1.0) == found
    assert record.in_sync(started, ports, seen, 60.1234, None) is None


def test_a_record_is_read_as_it_was_written(host, tmp_path):
    path = tmp_path / "new" / "demo.record.json"
    record.write_record(host, str(path), vary(GIVEN, in_sync=SYNC), 50.0)
    assert record.read_record(str(path)) == (RECORD, None)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("text", [None, "", "{", "[]", "{}", '"x"', json.dumps({"system_identifier": "1"})])
def test_what_is_no_record_counts_as_none(tmp_path, text):
    path = tmp_path / "record.json"
    if text is not None:
        path.write_text(text)
    found, wrong = record.read_record(str(path))
    assert found is None and bool(wrong) is (text is not None)


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("scdw", "primary: addresses: 'scdw' is no address of one host"),
        ("fe80::1%$(id)", "primary: addresses: 'fe80::1%$(id)' is no address of one host"),
        ("10.0.0.0/8", "primary: addresses: '10.0.0.0/8' is no address of one host"),
        (11, "primary: addresses: 11 is no address of one host"),
    ],
)
def test_a_record_with_an_address_that_is_none_is_of_no_use_and_tells_why(tmp_path, address, why):
    path = tmp_path / "record.json"
    path.write_text(json.dumps({**DOCUMENT, "primary": {**DOCUMENT["primary"], "addresses": ["10.0.0.11", address]}}))
    assert record.read_record(str(path)) == (None, why)


def test_the_addresses_of_a_record_are_written_in_one_way():
    found = border.parse(Record, {**DOCUMENT, "primary": {**DOCUMENT["primary"], "addresses": ["::ffff:10.0.0.11", "FD00:0::11"]}})
    assert found.primary.addresses == ("10.0.0.11", "fd00::11")


def test_a_record_without_what_came_to_it_later_is_one():
    assert border.parse(
        Record, {**{name: DOCUMENT[name] for name in ("system_identifier", "primary", "segments", "commit_limit_s")}, "more": 1}
    )


def paths(value, way=()):
    """The ways to everything in a document."""
    yield way
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from paths(inner, (*way, key))


HOSTILE = st.one_of(
    st.sampled_from(["a\nb", "\x1b[2J", "$(id)\n", "", float("nan"), float("inf"), -1, 1 << 80, True, "1", "fe80::1%\n"]),
    st.recursive(st.one_of(st.floats(), st.text(max_size=5), st.integers()), lambda inner: st.lists(inner, max_size=2), max_leaves=3),
)


@given(st.sampled_from(list(paths(DOCUMENT))), HOSTILE)
def test_what_a_record_holds_is_of_its_form(way, hostile):
    try:
        found = json.loads(json.dumps(dataclasses.asdict(border.parse(Record, put(DOCUMENT, way, hostile)))))
    except ValueError as error:
        assert border.name(str(error))  # can be told as it is
        return
    assert json.loads(json.dumps(dataclasses.asdict(border.parse(Record, found)))) == found
    for inner in paths(found):
        value = found
        for key in inner:
            value = value[key]
        assert not isinstance(value, str) or (value and value.isprintable())
        assert isinstance(value, bool) or not isinstance(value, float) or 0 <= value < float("inf")
    assert all(0 < row["port"] < 65536 and row["datadir"].startswith("/") for row in found["segments"])
    assert [parse_address(address) for address in found["primary"]["addresses"]] == found["primary"]["addresses"]


@given(st.text())
def test_no_text_stops_the_reading_of_a_record(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "hostile.json"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    found, wrong = record.read_record(str(path))
    assert found is None and border.name(wrong)


def test_an_audit_is_added_to(tmp_path):
    path = tmp_path / "new" / "audit.jsonl"
    for number, event in enumerate((record.BEGUN, record.ACTIVATED, record.BEGUN, record.FAILED)):
        record.append(str(path), {"event": event, "number": number})
    with path.open("a", encoding="utf-8") as file:
        file.write('"a text"\n{"event": "beg')
    found = record.entries(str(path))
    assert [entry["number"] for entry in found] == [0, 1, 2, 3]
    assert [record.last(found, event) and record.last(found, event)["number"] for event in (record.BEGUN, record.ACTIVATED, "x")] == [
        2,
        1,
        None,
    ]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert record.entries(str(tmp_path / "missing")) == []
