# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.verdict import Verdict
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.screen import quiet, render, size

INSTANCE = {
    "content": "instance",
    "role": "primary",
    "dbid": 1,
    "port": 5432,
    "data_directory": "/data/c",
    "control": {"state": "in production", "timeline": 1, "checkpoint": "0/1"},
    "postmaster": {"pid": 7, "frozen": False, "connected": False},
    "fenced": None,
}
FENCE = {"cluster": "demo", "addresses": ["10.0.0.11", "fd00::11"], "ports": [6000, 7000], "tool": "nft", "since": 1000.0}
PRIMARY = {
    "instance": INSTANCE,
    "segments": [],
    "sql": {"answered": True, "refused": None, "error": None},
    "site": {"free": 5 << 30},
    "standby": None,
    "primary": {
        "lsn": "0/200",
        "timeline": 1,
        "standby": {"hostname": "scdw", "port": 5432, "dbid": 8},
        "walsender": {"state": "streaming", "sync_state": "sync", "lag_bytes": 2048, "replay_lag_s": 0.25},
        "slots": [{"name": "standby_coordinator", "active": True, "retained_bytes": 0}],
        "probe": {"acknowledged": True, "replayed": True, "seconds": 0.012},
    },
}
STANDBY = {
    "instance": {**INSTANCE, "role": "standby", "dbid": 8, "data_directory": "/data/s"},
    "segments": [],
    "sql": None,
    "primary": None,
    "standby": {"received_lsn": "0/200", "replayed_lsn": "0/1F0"},
}
SILENT = {"answered": False, "refused": None, "error": "no answer"}
REFUSING = {"answered": None, "refused": "too_many_connections", "error": "too many clients"}


def connected(standby, seen):
    """The standby, whose walreceiver was seen to be connected, or not, or was not seen."""
    return {**standby, "instance": {**standby["instance"], "postmaster": {"pid": 7, "frozen": False, "connected": seen}}}


VERDICT = Verdict("mirrored", ("seen this", "and that"), "nothing", "cdw", "scdw", False, "the primary serves")


def screen(observations, missing=None, verdict=VERDICT, warnings=()):
    return "\n".join(render("demo", verdict, observations, missing or {}, warnings))


def test_a_mirrored_pair_on_one_screen():
    segment_host = {"segments": [{"port": 6000}]}
    assert screen({"cdw": PRIMARY, "scdw": STANDBY, "sdw1": segment_host}).splitlines() == [
        "Cluster demo: mirrored",
        "  cdw  primary  up, timeline 1, LSN 0/200, pid 7",
        "       dbid 1, port 5432, /data/c",
        "  scdw  standby  in recovery, received 0/200, replayed 0/1F0, streaming sync, lag 2.0 KiB, 0.250 s, pid 7",
        "        dbid 8, port 5432, /data/s",
        "  sdw1  segment host, 1 segment instance running",
        "  registered  scdw:5432 as dbid 8",
        "  slot        standby_coordinator, active, holds back 0 bytes of WAL; 5.0 GiB free",
        "  write       acknowledged, replayed, 0.012 s",
        "  seen        seen this",
        "  seen        and that",
        "  activation  refused: the primary serves",
        "  next        nothing",
    ]


@pytest.mark.parametrize(
    ("observation", "line"),
    [
        (None, "cdw  unknown: no route"),
        ({**PRIMARY, "instance": {**INSTANCE, "postmaster": None}, "primary": None}, "primary  stopped, in production, timeline 1"),
        ({**PRIMARY, "primary": None, "sql": SILENT}, "primary  up, does not answer: no answer"),
        ({**PRIMARY, "primary": None, "sql": REFUSING}, "primary  up, refuses: too many clients"),
        (
            {**PRIMARY, "instance": {**INSTANCE, "postmaster": {"pid": 7, "frozen": True}}, "primary": None, "sql": SILENT},
            "primary  frozen, does not answer",
        ),
        ({**PRIMARY, "instance": {**INSTANCE, "content": "absent"}, "primary": None}, "cdw  no instance: /data/c is absent"),
        ({**STANDBY, "instance": {**STANDBY["instance"], "postmaster": None, "control": None}}, "stopped, pg_control cannot be read"),
        ({**STANDBY, "standby": {"received_lsn": None, "replayed_lsn": None}}, "standby  in recovery, not streaming, pid"),
        (connected(STANDBY, True), "replayed 0/1F0, connected to a primary, pid"),
        (connected(STANDBY, None), "replayed 0/1F0, pid"),
    ],
)
def test_says_what_was_seen_of_a_host(observation, line):
    assert line in screen({"cdw": observation}, {"cdw": "no route"})


def test_says_what_is_missing():
    primary = {**PRIMARY, "primary": {**PRIMARY["primary"], "standby": None, "walsender": None, "slots": [], "probe": None}}
    shown = screen({"cdw": primary})
    assert "registered  no standby" in shown
    assert "slot" not in shown and "write" not in shown


def test_tells_of_a_former_primary_that_is_fenced():
    instance = {**INSTANCE, "postmaster": None, "fenced": "FENCED_scdw_is_primary.conf"}
    shown = screen({"cdw": {**PRIMARY, "instance": instance, "primary": None}})
    assert "\n       dbid 1, port 5432, /data/c, fenced by FENCED_scdw_is_primary.conf\n" in shown


def test_lists_the_packet_filters_of_the_cluster():
    fences = [FENCE, {**FENCE, "cluster": "other"}]
    shown = screen({"cdw": None, "scdw": STANDBY, "sdw1": {"segments": [], "fences": fences}})
    assert [line for line in shown.splitlines() if "fence " in line] == [
        "  fence       sdw1 rejects 10.0.0.11, fd00::11 on 6000, 7000, by nft"
    ]
    assert "by nft, not complete\n" in screen({"sdw1": {"segments": [], "fences": [{**FENCE, "since": None}]}})


def test_warns():
    assert "\n  WARNING     the disk is small\n" in screen({"cdw": PRIMARY}, warnings=["the disk is small"])


@pytest.mark.parametrize(
    ("acknowledged", "shown"),
    [(True, "acknowledged, replayed"), (False, "not acknowledged, replayed"), (None, "not tried, replayed")],
)
def test_tells_what_a_write_met(acknowledged, shown):
    probe = {"acknowledged": acknowledged, "replayed": True, "seconds": 0.1}
    assert f"  write       {shown}, 0.100 s" in screen({"cdw": {**PRIMARY, "primary": {**PRIMARY["primary"], "probe": probe}}})


@pytest.mark.parametrize(
    ("state", "as_desired", "warnings", "line"),
    [
        ("mirrored", True, [], None),
        ("mirrored", True, ["beware"], "demo: mirrored: warning: beware"),
        ("degraded", False, [], "demo: degraded: seen this; and that"),
        ("degraded", False, ["beware"], "demo: degraded: seen this; and that; warning: beware"),
        ("unmirrored", False, [], "demo: unmirrored: seen this; and that"),
        ("unmirrored", True, [], None),
    ],
)
def test_quiet_tells_only_what_somebody_has_to_look_at(state, as_desired, warnings, line):
    assert quiet("demo", dataclasses.replace(VERDICT, state=state, as_desired=as_desired), warnings) == line


@pytest.mark.parametrize(
    ("count", "shown"), [(0, "0 bytes"), (1023, "1023 bytes"), (1 << 20, "1.0 MiB"), (3 << 39, "1.5 TiB"), (5 << 50, "5120.0 TiB")]
)
def test_sizes_are_for_people(count, shown):
    assert size(count) == shown
