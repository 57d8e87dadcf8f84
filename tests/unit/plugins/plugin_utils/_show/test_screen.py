# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.pair import assess
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.screen import quiet, render, size

from ..observed import MIRRORED, VARIABLES, changed, seen

FENCE = {"cluster": "demo", "addresses": ["10.0.0.11", "fd00::11"], "ports": [6000, 7000], "tool": "nft", "since": 1000.0}
STOPPED = ("cdw instance postmaster", None), ("cdw primary", None), ("cdw sql", None)
SILENT = ("cdw primary", None), ("cdw sql", {"answered": False, "refused": None, "error": "no answer"})
REFUSING = ("cdw primary", None), ("cdw sql", {"answered": None, "refused": "too_many_connections", "error": "too many clients"})
ALONE = ("cdw primary standby", None), ("cdw primary walsender", None), ("cdw primary slots", [])


def judged(found, **changes):
    """The pair, of which it is known what is said of it."""
    said = {"reasons": ("seen this", "and that"), "advice": "nothing", "activation": False, "activation_reason": "the primary serves"}
    return dataclasses.replace(assess("demo", VARIABLES, found), **{**said, **changes})


def screen(*changes, **more):
    found = changed(MIRRORED, *changes)
    return "\n".join(render("demo", judged(found, **more), seen(found)))


def test_a_mirrored_pair_on_one_screen():
    lag = ("cdw primary walsender lag_bytes", 2048), ("cdw primary walsender replay_lag_s", 0.25)
    assert screen(*lag, ("scdw standby replayed_lsn", "0/1F0")).splitlines() == [
        "Cluster demo: mirrored",
        "  cdw  primary  up, timeline 1, LSN 0/200, pid 7",
        "       dbid 1, port 5432, /c",
        "  scdw  standby  in recovery, received 0/200, replayed 0/1F0, streaming sync, lag 2.0 KiB, 0.250 s, pid 9",
        "        dbid 8, port 5432, /s",
        "  sdw1  segment host, 2 segment instances running",
        "  registered  scdw:5432 as dbid 8",
        "  slot        standby_coordinator, active, retains 0 bytes of WAL; 9.0 GiB free",
        "  write       acknowledged, replayed, 0.100 s",
        "  seen        seen this",
        "  seen        and that",
        "  activation  refused: the primary serves",
    ]
    assert "\n  next        start it" in screen(advice="start it")


def test_hosts_of_segments_are_told_together():
    def hosts(*counts):
        one = MIRRORED["sdw1"]
        found = {f"sdw{number}": {**one, "segments": one["segments"][:1] * count} for number, count in enumerate(counts)}
        shown = render("demo", judged(MIRRORED), {**seen(MIRRORED), **seen(found)})
        return [line for line in shown if "segment host" in line]

    assert hosts(2, 2) == ["  sdw1, sdw0  segment hosts, 2 segment instances running on each"]
    assert hosts(2, 0, 2) == [
        "  sdw1  segment host, 0 segment instances running",
        "  sdw0, sdw2  segment hosts, 2 segment instances running on each",
    ]
    assert hosts(*[2] * 9) == ["  sdw1, sdw0, sdw2, sdw3 and 5 more  segment hosts, 2 segment instances running on each"]


def test_a_mirrored_pair_is_shown_on_eleven_lines():
    assert len(render("demo", judged(MIRRORED, reasons=("scdw streams in sync from cdw",)), seen(MIRRORED))) == 11


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ([("cdw", {"unreachable": True, "msg": "no route"})], "cdw  unknown: unreachable: no route"),
        (STOPPED, "primary  stopped, in production, timeline 1, checkpoint 0/1"),
        (SILENT, "primary  up, does not answer: no answer"),
        (REFUSING, "primary  up, refuses: too many clients"),
        ([*SILENT, ("cdw instance postmaster suspended", True)], "primary  suspended, does not answer"),
        ([*STOPPED, ("cdw instance directory_state", "absent")], "cdw  no instance: /c is absent"),
        (
            [("scdw instance postmaster", None), ("scdw standby", None), ("scdw instance control", None)],
            "standby  stopped, pg_control cannot be read",
        ),
        (
            [*ALONE, ("scdw standby received_lsn", None), ("scdw standby replayed_lsn", None)],
            "standby  in recovery, not streaming, pid",
        ),
        ([*STOPPED, ("scdw instance postmaster connected", True)], "replayed 0/200, connected to a primary, pid"),
        ([*STOPPED, ("scdw instance postmaster connected", None)], "replayed 0/200, pid"),
        ([*STOPPED, ("scdw instance postmaster connected", False)], "replayed 0/200, not streaming, pid"),
        ([("sdw1 segments", [])], "sdw1  segment host, 0 segment instances running"),
    ],
)
def test_says_what_was_seen_of_a_host(changes, line):
    assert line in screen(*changes)


def test_says_what_is_missing():
    shown = screen(*ALONE)
    assert "registered  no standby" in shown
    assert "slot" not in shown


def test_tells_of_a_former_primary_that_is_start_blocked():
    shown = screen(*STOPPED, ("cdw instance start_block", "FENCED_scdw_is_primary.conf"))
    assert "\n       dbid 1, port 5432, /c, start-blocked by FENCED_scdw_is_primary.conf\n" in shown


def test_a_primary_that_is_none_any_more_is_told_as_such():
    assert "\n  cdw  former primary  stopped, " in screen(*STOPPED, primary="scdw")
    assert "\n  cdw  primary  stopped, " in screen(*STOPPED, primary=None)


def test_lists_the_packet_filters_of_the_cluster():
    shown = screen(("cdw", None), ("sdw1 fences", [FENCE, {**FENCE, "cluster": "other"}]))
    assert [line for line in shown.splitlines() if "fence " in line] == [
        "  fence       sdw1 rejects 10.0.0.11, fd00::11 on 6000, 7000, by nft"
    ]
    assert "by nft, not complete\n" in screen(("sdw1 fences", [{**FENCE, "since": None}]))


def test_warns():
    assert "\n  WARNING     the disk is small\n" in screen(warnings=["the disk is small"])


@pytest.mark.parametrize(
    ("acknowledged", "shown"),
    [(True, "acknowledged, replayed"), (False, "not acknowledged, replayed"), (None, "not tried, replayed")],
)
def test_tells_what_a_write_met(acknowledged, shown):
    assert f"  write       {shown}, 0.100 s" in screen(("cdw primary probe acknowledged", acknowledged))


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
    assert quiet("demo", judged(MIRRORED, state=state, as_desired=as_desired, warnings=warnings)) == line


@pytest.mark.parametrize(
    ("count", "shown"), [(0, "0 bytes"), (1023, "1023 bytes"), (1 << 20, "1.0 MiB"), (3 << 39, "1.5 TiB"), (5 << 50, "5120.0 TiB")]
)
def test_sizes_are_for_people(count, shown):
    assert size(count) == shown
