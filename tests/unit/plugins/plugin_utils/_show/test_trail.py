# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import json

import pytest
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show import audit, trail
from hypothesis import given
from hypothesis import strategies as st

LOSS = {"known": "bytes", "bytes": 512, "commits": 3, "why": "it was read", "window": {"in_sync": None, "disconnected": 1.5, "fenced": 2.0}}
LINE = {
    "time": "2026-11-23T07:16:30Z",
    "cluster": "alpha",
    "action": "activate_standby",
    "outcome": "activated",
    "who": "alice",
    "controller": "ops1",
    "run": "20261123T071500Z-4711",
    "reason": "",
    "state": "primary_down",
    "former_primary": "cdw",
    "new_primary": "scdw",
    "loss": LOSS,
    "steps": [{"name": "promote", "seconds": 1.5}, {"name": "wait", "seconds": 1.0}, {"name": "wait", "seconds": 0.5}],
}


def written(path, *lines):
    path.write_bytes(b"".join(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in lines))
    return str(path)


def test_an_activation_is_read_again(tmp_path):
    (event,) = trail.read(written(tmp_path / "audit.jsonl", LINE))
    assert event.time == datetime.datetime(2026, 11, 23, 7, 16, 30, tzinfo=datetime.timezone.utc)
    assert (event.cluster, event.action, event.outcome, event.who) == ("alpha", "activate_standby", "activated", "alice")
    assert event.seconds == 90
    assert event.phases == {"promote": 1.5, "wait": 1.5}
    assert event.loss.bytes == 512
    assert event.gap is None
    assert (event.former_primary, event.new_primary) == ("cdw", "scdw")


def test_a_switchover_tells_its_phases_and_its_gap(tmp_path):
    line = {**LINE, "action": "switchover", "steps": [], "seconds": {"prepare": 2.0, "stop": 0.25}, "gap_s": 1.25, "loss": None}
    (event,) = trail.read(written(tmp_path / "audit.jsonl", line))
    assert list(event.phases.items()) == [("prepare", 2.0), ("stop", 0.25)]
    assert (event.gap, event.loss) == (1.25, None)


@pytest.mark.parametrize(
    ("outcome", "new_primary", "left"),
    [
        ("rehearsed", "cdw", ("mirrored", "cdw")),
        ("rehearsed_with_trouble", "cdw", ("", "cdw")),
        ("half_rehearsed", "scdw", ("", "scdw")),
        ("not_rehearsed", "cdw", None),
        ("unconfirmed", None, None),
    ],
)
def test_a_drill_tells_what_it_measured_and_what_it_left(tmp_path, outcome, new_primary, left):
    line = {**LINE, "action": "drill", "outcome": outcome, "new_primary": new_primary, "steps": [], "rto_s": 0.94, "rpo_commits": 2}
    (event,) = trail.read(written(tmp_path / "audit.jsonl", line, {**line, "rto_s": "soon"}))
    assert (event.rehearsed, event.left) == (["RTO 0.94 s", "RPO 2 commits"], left)


@pytest.mark.parametrize("run", ["", "by hand", "20261123T071800Z-1"], ids=["none", "no time in it", "after its end"])
def test_what_took_no_time_that_can_be_told_is_an_event_all_the_same(tmp_path, run):
    (event,) = trail.read(written(tmp_path / "audit.jsonl", {**LINE, "run": run}))
    assert event.seconds is None


def test_what_was_kept_is_read(tmp_path):
    document = {
        "cluster": "alpha",
        "outcome": "not_switched",
        "reason": "busy",
        **audit.run(1, datetime.datetime.now(datetime.timezone.utc)),
    }
    path = str(tmp_path / "audit.jsonl")
    assert audit.keep(document, "switchover", str(tmp_path / "result.json"), path) == ""
    (event,) = trail.read(path)
    assert (event.action, event.outcome, event.reason, event.loss) == ("switchover", "not_switched", "busy", None)
    assert event.seconds is not None


def test_where_nothing_was_kept_there_is_nothing(tmp_path):
    assert trail.read(str(tmp_path / "missing")) == []


@pytest.mark.parametrize(
    "damaged",
    [
        b'{"time": "2026-11-23T07:16:30Z", "clus',
        b"\xff\xfe\n",
        b"null\n",
        b"[" * 100_000 + b"\n",
        json.dumps({**LINE, "time": "yesterday"}).encode() + b"\n",
        json.dumps({**LINE, "outcome": ["activated"]}).encode() + b"\n",
        json.dumps({**LINE, "loss": {"known": "none", "bytes": "0"}}).encode() + b"\n",
        json.dumps({**LINE, "seconds": {"stop": -1}}).encode() + b"\n",
        json.dumps({**LINE, "gap_s": float("nan")}).encode() + b"\n",
    ],
    ids=["cut off", "no text", "no object", "nested", "no time", "no word", "another loss", "before it began", "no number"],
)
def test_a_damaged_line_is_left_out_and_counted(tmp_path, damaged):
    events, left_out = trail.read_whole(written(tmp_path / "audit.jsonl", LINE, b"\n", damaged))
    assert ([event.cluster for event in events], left_out) == (["alpha"], 1)


@given(st.lists(st.binary(max_size=60), max_size=5))
def test_no_file_is_too_damaged_to_be_read(tmp_path_factory, lines):
    path = written(tmp_path_factory.mktemp("home") / "audit.jsonl", *(line + b"\n" for line in lines), LINE)
    assert trail.read(path)[-1].cluster == "alpha"
