# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.stream import PRIMARY, STANDBY, UNKNOWN, Disconnect, Stream
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.loss import BYTES, NONE, NOT_KNOWN, Window, judge
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.record import InSync, Record, RecordedPrimary
from hypothesis import given
from hypothesis import strategies as st

RECORD = Record(
    "1", RecordedPrimary("cdw", "cdw", ()), (), commit_limit_s=300.0, other_walsenders=False, in_sync=InSync(50.0, 10.0, booted=1.0)
)
vary = dataclasses.replace
CONNECTED = Stream(started=10.0, ports=frozenset({41522}), disconnect=None, silence_s=12.0, status_s=10.0, booted=1.0, answered=True)
SILENT = dataclasses.replace(
    CONNECTED, started=None, ports=frozenset(), disconnect=Disconnect(time=1000.0, by=STANDBY, error="timed out", started=10.1)
)
HANGS = dataclasses.replace(CONNECTED, answered=False, silent_s=11.0)
END = Lsn.parse("0/200")


def of(exact=None, salvaged=None, stream=SILENT, now=1010.0, system="1", heard=990.0, **kept):
    record = kept.get("record", RECORD)
    return judge(exact, END, Lsn.parse(salvaged) if salvaged else None, record, system, stream, now, heard)


@pytest.mark.parametrize(
    ("exact", "salvaged", "known", "lost", "commits"),
    [
        ({"end": "0/200", "commits": 0}, None, NONE, 0, 0),
        ({"end": "0/280", "commits": 2}, None, BYTES, 128, 2),
        ({"end": "0/280", "commits": None}, None, BYTES, 128, None),
        ({"end": "0/280", "commits": 2}, "0/280", NONE, 0, 0),
        ({"end": "0/280", "commits": 2}, "0/270", BYTES, 128, 2),
    ],
)
def test_the_disk_of_the_former_primary_tells_exactly(exact, salvaged, known, lost, commits):
    found = of({**exact, "proved": True}, salvaged, record=None)
    assert (found.known, found.bytes, found.commits) == (known, lost, commits)
    assert exact["end"] in found.why
    assert (found.start, found.at_least) == (("0/200", 128) if known == BYTES else (None, None))


@pytest.mark.parametrize(
    ("exact", "salvaged", "start", "at_least", "said"),
    [
        ({"end": "0/200", "proved": False, "reaches": "0/200", "why": "x has 5 bytes"}, None, "0/200", 0, "is not proved: x has 5 bytes"),
        ({"end": "0/280", "proved": False, "reaches": "0/300", "why": "damaged"}, "0/280", "0/280", 128, "up to 0/280 is brought"),
        ({"end": "0/280", "proved": False, "reaches": "0/300", "why": "damaged"}, None, "0/200", 256, "at least up to 0/300"),
        ({"end": "0/280", "proved": None, "why": ""}, None, "0/200", 128, "is not proved"),
        ({"end": "0/1FF", "proved": True, "reaches": "0/1FF", "why": ""}, None, "0/200", 0, "the standby has it up to 0/200"),
    ],
)
def test_an_end_that_is_not_proved_tells_what_is_lost_at_least(exact, salvaged, start, at_least, said):
    found = of(exact, salvaged, record=None)
    assert (found.known, found.bytes, found.start, found.at_least) == (NOT_KNOWN, None, start, at_least)
    assert said in found.why and "no record tells of the pair in sync" in found.why
    assert of(exact, salvaged).known == NONE, "its commits still waited for the standby, whatever is left of its disk"


def test_the_disk_says_more_than_the_record():
    assert of({"end": "0/201", "commits": 1, "proved": True}).known == BYTES


@pytest.mark.parametrize(
    ("stream", "heard", "evidence"),
    [
        (SILENT, 1000.0, "no segment had data from it after the standby had lost it"),
        (HANGS, 1002.0, "no segment had data from it after the standby had lost it"),
        (CONNECTED, None, "it answered on the stream that was seen in sync when it was fenced already"),
        (CONNECTED, 1010.0, "it answered on the stream that was seen in sync when it was fenced already"),
    ],
)
def test_nothing_is_lost_while_commits_wait(stream, heard, evidence):
    found = of(stream=stream, heard=heard)
    assert (found.known, found.bytes) == (NONE, 0)
    assert found.why == f"the former primary was fenced while its commits still waited for the standby: {evidence}"
    assert found.window == Window(50.0, 1000.0 if stream is SILENT else None, 1010.0)


@pytest.mark.parametrize(
    ("changes", "doubt"),
    [
        ({"record": None}, "no record tells of the pair in sync"),
        ({"record": vary(RECORD, in_sync=None)}, "no record tells of the pair in sync"),
        ({"record": vary(RECORD, commit_limit_s=None)}, "no record tells of the pair in sync"),
        ({"system": "2"}, "the record is of the system 1"),
        ({"stream": dataclasses.replace(CONNECTED, started=20.0)}, "its present stream is not the one"),
        ({"stream": dataclasses.replace(SILENT, disconnect=None)}, "it is not known how its stream ended"),
        (
            {"stream": dataclasses.replace(SILENT, disconnect=Disconnect(time=1000.0, by=STANDBY, error="", started=None))},
            "the stream that ended last is not known",
        ),
        (
            {"stream": dataclasses.replace(SILENT, disconnect=Disconnect(time=1000.0, by=STANDBY, error="", started=500.0))},
            "the stream that ended last is not known",
        ),
        (
            {"stream": dataclasses.replace(SILENT, disconnect=Disconnect(time=1000.0, by=PRIMARY, error="closed", started=10.0))},
            "may have known that its stream ended",
        ),
        (
            {"stream": dataclasses.replace(SILENT, disconnect=Disconnect(time=1000.0, by=UNKNOWN, error="ended", started=10.0))},
            "may have known that its stream ended",
        ),
        ({"now": 1277.0}, "the primary may have given the standby up 1 s before it was fenced"),
        # its walsender was ended, or it was restarted, and no word of that came through
        ({"stream": dataclasses.replace(CONNECTED, answered=False)}, "whether the former primary still answered on its stream"),
        (
            {"stream": HANGS, "heard": 1006.0},
            "a segment may have had data from the former primary 4 s after the standby had lost it",
        ),
        ({"stream": HANGS, "heard": None}, "it is not known since when no segment had data from the former primary"),
        (
            {"heard": 1003.0},
            "a segment may have had data from the former primary 3 s after the standby had lost it: its restart, a release",
        ),
        ({"heard": None}, "it is not known since when no segment had data from the former primary"),
        # what another walsender's end lets go on, the standby may lack
        ({"stream": CONNECTED, "record": vary(RECORD, other_walsenders=True)}, "the end of any walsender lets commits go on"),
        ({"stream": CONNECTED, "record": vary(RECORD, other_walsenders=None)}, "the end of any walsender lets commits go on"),
        # clocks
        ({"now": 999.0}, "the clock of the standby's host was set"),
        ({"stream": dataclasses.replace(SILENT, booted=-99.0)}, "the clock of the standby's host was set"),
        ({"stream": dataclasses.replace(SILENT, booted=None)}, "the clock of the standby's host was set"),
        ({"record": vary(RECORD, in_sync=InSync(50.0, 10.0))}, "the clock of the standby's host was set"),
        (
            {"stream": dataclasses.replace(SILENT, disconnect=Disconnect(time=9.5, by=STANDBY, error="", started=10.0))},
            "the clock of the standby's host was set",
        ),
        ({"record": vary(RECORD, commit_limit_s=10.0), "stream": CONNECTED}, "the primary may have given the standby up"),
    ],
)
def test_anything_that_is_not_proved_is_unknown(changes, doubt):
    found = of(**changes)
    assert (found.known, found.bytes, found.commits) == (NOT_KNOWN, None, None)
    assert doubt in found.why


def test_says_why_the_disk_was_not_read():
    assert of({"end": None, "why": "the disk is damaged"}, record=None).why.startswith("the disk is damaged, and no record")


@given(
    now=st.floats(1000, 3000),
    limit=st.floats(1, 1000),
    silence=st.floats(0, 100),
    status=st.floats(0, 60),
)
def test_nothing_lost_is_never_said_after_the_primary_could_give_the_standby_up(now, limit, silence, status):
    stream = dataclasses.replace(SILENT, silence_s=silence, status_s=status)
    found = of(record=vary(RECORD, commit_limit_s=limit), stream=stream, now=now)
    assert found.known == (NONE if now < 1000 - silence - status + limit - 2 else NOT_KNOWN)


@given(
    moved=st.floats(-1e6, 1e6),
    heard=st.one_of(st.none(), st.floats(0, 3000)),
    ended=st.floats(0, 3000),
    limit=st.floats(1, 1e6),
    answered=st.booleans(),
    others=st.sampled_from([None, False, True]),
    connected=st.booleans(),
    silent=st.one_of(st.none(), st.floats(0, 3000)),
)
def test_nothing_lost_is_never_said_by_what_the_former_primary_could_do_unseen(
    moved, heard, ended, limit, answered, others, connected, silent
):
    """Whatever limit was recorded: it may have been lowered since."""
    ended_silently = dataclasses.replace(
        SILENT, disconnect=Disconnect(time=ended, by=STANDBY, error="timed out", started=10.0), booted=1.0 + moved
    )
    stream = dataclasses.replace(CONNECTED, answered=answered, silent_s=silent) if connected else ended_silently
    record = vary(RECORD, commit_limit_s=limit, other_walsenders=others)
    if of(record=record, stream=stream, heard=heard).known == NONE:
        if connected and answered:
            assert others is False
        elif connected:
            assert heard is not None and silent is not None and heard <= 1010.0 - silent + 3.5
        else:
            assert heard is not None and heard <= ended <= 1010.0 and abs(moved) <= 2.001


@given(st.integers(0, 1 << 20), st.integers(0, 1 << 20), st.one_of(st.none(), st.integers(0, 1 << 20)))
def test_no_byte_of_the_disk_is_forgotten(own, end, salvaged):
    exact = {"end": str(Lsn(end)), "commits": 0, "proved": True}
    found = judge(exact, Lsn(own), None if salvaged is None else Lsn(salvaged), None, "1", SILENT, 1010.0)
    if end < own:  # some of it is gone
        assert (found.known, found.bytes) == (NOT_KNOWN, None)
    else:
        assert (found.known == NONE) == (max(own, salvaged or 0) >= end)
        assert found.bytes == (0 if found.known == NONE else end - own)
