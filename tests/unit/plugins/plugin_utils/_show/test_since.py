# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import json

import pytest
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show import audit, trail
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.since import Look, first_seen

RUN = {"who": "alice", "controller": "ops1", "run": "20261123T070000Z-1"}


def at(minute):
    return datetime.datetime(2026, 11, 23, 7, minute, tzinfo=datetime.timezone.utc)


def look(path, minute, state="mirrored", primary="cdw", cluster="demo", check_mode=False):
    """Since which minute it is so, as one look finds out."""
    found = first_seen({cluster: Look(state, primary, ("seen this", "and that"), str(path))}, RUN, at(minute), check_mode)
    assert found.wrong == []
    assert (cluster in found.before) == (found.since[cluster] == at(minute)), "what is new began now"
    return found.since[cluster].minute


def ran(path, minute, action, outcome, primary):
    line = {"time": at(minute).strftime(audit.TIME), "cluster": "demo", "action": action, "outcome": outcome, "new_primary": primary}
    audit.append(str(path), line)


def test_a_state_is_as_old_as_the_first_look_that_saw_it(tmp_path):
    path = tmp_path / "audit.jsonl"
    assert [look(path, minute) for minute in (0, 1, 2)] == [0, 0, 0]
    assert [look(path, minute, "degraded") for minute in (3, 4)] == [3, 3]
    assert look(path, 5) == 5
    assert look(path, 6, primary="scdw") == 6, "another primary, by whatever way"
    events = trail.read(str(path))
    assert [(event.time.minute, event.outcome, event.state) for event in events] == [
        (0, "mirrored", ""),
        (3, "degraded", "mirrored"),
        (5, "mirrored", "degraded"),
        (6, "mirrored", "mirrored"),
    ], "a line for each change"
    assert (events[-1].former_primary, events[-1].new_primary, events[-1].who) == ("cdw", "scdw", "alice")
    assert events[0].reason == "seen this; and that"


@pytest.mark.parametrize(
    ("action", "outcome", "state", "since"),
    [
        ("activate_standby", "activated", "unmirrored", 1),
        ("activate_standby", "activated_with_trouble", "unmirrored", 1),
        ("activate_standby", "not_activated", "unmirrored", 2),
        ("switchover", "switched", "mirrored", 1),
        ("switchover", "switched_with_trouble", "mirrored", 2),
        ("switchover", "switched", "degraded", 2),
        ("another", "switched", "mirrored", 2),
    ],
)
def test_a_run_that_led_to_a_state_tells_when_it_began(tmp_path, action, outcome, state, since):
    path = tmp_path / "audit.jsonl"
    assert look(path, 0) == 0
    ran(path, 1, action, outcome, "scdw")
    assert look(path, 2, state, "scdw") == since
    assert look(path, 3, state, "scdw") == since


def test_what_ended_without_a_change_is_no_change(tmp_path):
    path = tmp_path / "audit.jsonl"
    assert look(path, 0) == 0
    ran(path, 1, "switchover", "not_switched", "scdw")
    assert look(path, 2) == 0


def test_check_mode_adds_nothing(tmp_path):
    path = tmp_path / "audit.jsonl"
    assert look(path, 0, check_mode=True) == 0
    assert not path.exists()
    assert look(path, 1) == 1
    assert [look(path, minute, check_mode=True) for minute in (2, 3)] == [1, 1]


def test_clusters_that_share_a_file_are_apart(tmp_path):
    path = tmp_path / "audit.jsonl"
    assert look(path, 0, cluster="alpha") == 0
    assert look(path, 1, "degraded", cluster="beta") == 1
    assert look(path, 2, cluster="alpha") == 0


def test_what_cannot_be_kept_is_told_and_is_no_failure(tmp_path):
    (tmp_path / "file").touch()
    found = first_seen({"demo": Look("mirrored", "cdw", (), str(tmp_path / "file/audit.jsonl"))}, RUN, at(0), False)
    assert (found.since, found.before) == ({}, {})
    assert found.wrong == [f"{tmp_path}/file/audit.jsonl cannot be read on the controller: Not a directory"]
    found = first_seen({"demo": Look("mirrored", "cdw", (), "/proc/none/audit.jsonl")}, RUN, at(0), False)
    assert (list(found.since), len(found.wrong)) == (["demo"], 1)
    assert found.wrong[0].startswith("/proc/none/audit.jsonl cannot be written on the controller: ")


def test_what_somebody_else_wrote_last_does_not_matter(tmp_path):
    path = tmp_path / "audit.jsonl"
    assert look(path, 0) == 0
    path.write_text(path.read_text() + json.dumps({"time": "now"}) + "\n")
    assert look(path, 1) == 0


def test_what_was_known_before_a_change_is_told(tmp_path):
    path = str(tmp_path / "audit.jsonl")

    def before(state, primary):
        return first_seen({"demo": Look(state, primary, (), path)}, RUN, at(0), False).before

    assert before("mirrored", "cdw") == {"demo": ("", "")}
    assert before("mirrored", "cdw") == {}
    assert before("degraded", "cdw") == {"demo": ("mirrored", "cdw")}
    assert before("degraded", "scdw") == {"demo": ("degraded", "cdw")}
