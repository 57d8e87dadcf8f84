# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import stat

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils import record
from ansible_collections.warehousepg.coordinator.plugins.module_utils.plan import Step

GIVEN = {
    "system_identifier": "1",
    "primary": {"host": "cdw", "hostname": "cdw", "addresses": ["10.0.0.11"]},
    "segments": [{"dbid": 2, "host": "sdw1"}],
    "commit_limit_s": 300.0,
}
SYNC = {"time": 50.0, "walreceiver_started": 10.0}
RECORD = {**GIVEN, "time": 50.0, "in_sync": SYNC}


@pytest.mark.parametrize(
    ("kept", "given", "started", "stale"),
    [
        (RECORD, GIVEN, 10.0, False),
        (RECORD, GIVEN, 10.9, False),
        (RECORD, GIVEN, None, False),
        (None, GIVEN, 10.0, True),
        (RECORD, GIVEN, 20.0, True),
        ({**RECORD, "in_sync": None}, GIVEN, 10.0, True),
        ({**RECORD, "in_sync": None}, GIVEN, None, False),
        (RECORD, {**GIVEN, "commit_limit_s": 10.0}, 10.0, True),
        (RECORD, {**GIVEN, "segments": []}, 10.0, True),
        (RECORD, {**GIVEN, "primary": {}}, 10.0, True),
        (RECORD, {**GIVEN, "system_identifier": "2"}, 10.0, True),
    ],
)
def test_a_record_is_written_when_it_is_stale(kept, given, started, stale):
    assert record.is_stale(kept, given, started) == stale
    stream = {"time": 60.0, "walreceiver_started": started} if started else None
    assert record.plan(kept, given, stream) == ([Step("write_record", {"told": {**given, "in_sync": stream}})] if stale else [])


@pytest.mark.parametrize(
    ("started", "ports", "seen", "found"),
    [
        (10.0, {41522}, 41522, {"time": 60.123, "walreceiver_started": 10.0}),
        (10.0, {41522}, 41523, None),
        (10.0, {41522}, None, None),
        (None, set(), 41522, None),
        (None, {41522}, 41522, None),
    ],
)
def test_only_the_stream_that_the_primary_saw_is_in_sync(started, ports, seen, found):
    assert record.in_sync(started, ports, seen, 60.1234) == found


def test_a_record_is_read_as_it_was_written(host, tmp_path):
    path = tmp_path / "new" / "demo.record.json"
    record.write_record(host, str(path), {**GIVEN, "in_sync": SYNC}, 50.0)
    assert record.read_record(str(path)) == RECORD
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("text", [None, "", "{", "[]", "{}", '"x"', json.dumps({"system_identifier": "1"})])
def test_what_is_no_record_counts_as_none(tmp_path, text):
    path = tmp_path / "record.json"
    if text is not None:
        path.write_text(text)
    assert record.read_record(str(path)) is None


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
