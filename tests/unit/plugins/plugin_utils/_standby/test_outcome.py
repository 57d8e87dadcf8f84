# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.outcome import outcome
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.planned import Moving, StandbyPlan
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.progress import Progress

from ..observed import CDW, SCDW, changed

PLAN = StandbyPlan("", "cdw", "scdw", to_change=["state"])
PROBE = CDW["primary"]["probe"]
MIRRORED = "mirrored: scdw streams in sync from cdw; a write was acknowledged and replayed, up to 0/200"


def with_(**changes):
    """The plan with some of it otherwise."""
    return dataclasses.replace(PLAN, **changes)


def demo(cdw=None, scdw=None, sdw1=None, plan=None, lost=(), check_mode=False):
    """How it ended for a cluster by what was registered on its hosts."""
    hosts = {"cdw": cdw or {}, "scdw": scdw or {}, "sdw1": sdw1 or {}}
    return outcome(Progress("demo", plan or PLAN, hosts, lost, check_mode), "60")


def seen(probe=None):
    walsender = {**CDW["primary"]["walsender"], "state": "catchup", "sync_state": "async"}
    looked = changed(CDW, ("primary probe", probe or {**PROBE, "replayed": False}), ("primary walsender", walsender))
    return {"__standby_verification": looked}


def failed(why):
    return {"__standby_failure": why}


def test_it_was_left_alone():
    ended = demo(plan=StandbyPlan("", "cdw", left_alone="cdw serves, without"))
    assert (ended.mirrored, ended.text, ended.failure) == (False, "left alone: cdw serves, without", "")


def test_it_was_mirrored_already():
    ended = demo(plan=with_(to_change=[]), cdw={"discovery_observation": CDW})
    assert (ended.mirrored, ended.text, ended.failure) == (True, MIRRORED, "")


def test_it_is_mirrored_now():
    ended = demo(seen(PROBE))
    assert (ended.mirrored, ended.text, ended.failure) == (True, MIRRORED, "")


def test_it_was_refused():
    ended = demo(plan=StandbyPlan("no host for the standby: give one"))
    assert (ended.mirrored, ended.text) == (False, "NOT mirrored: nothing was changed: no host for the standby: give one")
    assert ended.failure == "demo: nothing was changed: no host for the standby: give one"


def test_it_can_be_mirrored():
    ended = demo(check_mode=True)
    assert (ended.mirrored, ended.text) == (True, "can be mirrored: scdw can be the standby of cdw")


def test_it_cannot_be_mirrored():
    ended = demo(check_mode=True, scdw=failed("Copy: no passfile"))
    assert (ended.mirrored, ended.text) == (False, "NOT mirrored: scdw: Copy: no passfile.")


@pytest.mark.parametrize(
    ("cdw", "walsender"),
    [({}, "missing"), ({"__standby_verification": {**CDW, "primary": None}}, "missing"), (seen(), "catchup")],
)
def test_the_standby_was_not_seen_in_time(cdw, walsender):
    ended = demo(cdw)
    assert not ended.mirrored
    why = "NOT mirrored: the primary did not see the standby stream in sync and replay a write within 60 s; its walsender is "
    assert ended.text.startswith(why)
    assert walsender in ended.text[len(why) :]
    assert ended.failure.endswith("Rolled back: nothing. The primary cdw goes on serving; run this again when the cause is mended")


def test_failures_are_told_with_their_hosts_and_in_one_line():
    ended = demo(seen(PROBE), scdw=failed("Copy:\n  disk is full"), lost=["sdw1"])
    assert ended.text == "NOT mirrored: scdw: Copy: disk is full; sdw1: dropped out of the run, unreachable or failed, see above."
    assert ended.failure.startswith("demo is not mirrored: scdw: Copy: disk is full")
    assert "\n" not in ended.failure


def test_the_standby_s_log_is_told():
    ended = demo(scdw={**failed("it stopped"), "__standby_explanation": changed(SCDW, ("standby errors", "FATAL: out of disk"))})
    assert ended.text == "NOT mirrored: scdw: it stopped. The standby's log: FATAL: out of disk."
    assert "it stopped. The standby's log: FATAL: out of disk. Rolled back: nothing." in ended.failure


@pytest.mark.parametrize(
    ("steps", "parts"),
    [
        (["drop_slot", "remove_row", "drop_role"], "replication role, catalog row, slot"),
        (["drop_slot"], "slot"),
        ([], "nothing"),
        (["write_password"], "nothing"),
    ],
)
def test_what_was_rolled_back_is_told(steps, parts):
    taken = {"__standby_rolled_back": {"steps": [{"name": name, "seconds": 0.1} for name in steps]}}
    assert f" Rolled back: {parts}. " in demo({**seen(), **taken}).failure


def test_what_was_left_is_told():
    ended = demo(seen(), sdw1={"__standby_left": "access rules stay"}, scdw={"__standby_left": ""})
    assert "Rolled back: nothing. sdw1: access rules stay. The primary cdw goes on serving" in ended.failure


def test_a_standby_that_was_lost_is_no_success():
    ended = demo(seen(PROBE), lost=["scdw"])
    assert (ended.mirrored, ended.text) == (False, "NOT mirrored: scdw: dropped out of the run, unreachable or failed, see above.")


REJOINED = {
    "method": "rewind",
    "reason": "its WAL goes on to 0/208, the primary's left timeline 1 at 0/200",
    "bytes_copied": 3 << 20,
    "discarded": {"from": "0/200", "to": "0/208", "timeline": 1, "commits": 2, "last_commit": "2026-11-23 08:00:00 UTC", "why": ""},
}


def test_a_former_primary_rejoined():
    ended = demo(seen(PROBE), scdw={"__standby_copy": REJOINED})
    assert ended.text == (
        f"{MIRRORED}; it rejoined by pg_rewind: {REJOINED['reason']}; 3 MiB were copied; only it had 0/200 to 0/208 on timeline 1, "
        "with 2 commits, the last at 2026-11-23 08:00:00 UTC; discarded"
    )
    whole = demo(seen(PROBE), scdw={"__standby_copy": {**REJOINED, "all_wal_why": "the connection is by TLS"}}).text
    assert "3 MiB were copied, of the primary's WAL also what it had, for the connection is by TLS; only it had" in whole
    unknown = {**REJOINED["discarded"], "to": None, "commits": None, "last_commit": None, "why": "its WAL is gone"}
    copied = {
        "method": "basebackup",
        "reason": "a new copy is desired",
        "bytes_copied": None,
        "discarded": unknown,
        "set_aside_as": ["/s.2026"],
    }
    assert demo(seen(PROBE), scdw={"__standby_copy": copied}).text == (
        f"{MIRRORED}; it rejoined by a new copy: a new copy is desired; only it had 0/200 to an unknown end on timeline 1, "
        "with an unknown number of commits (its WAL is gone); discarded; what was there is in /s.2026"
    )
    resumed = {"method": "changed_blocks", "reason": "a copy was cut off", "bytes_copied": 3 << 20, "bytes": 9 << 20}
    assert demo(seen(PROBE), scdw={"__standby_copy": resumed}).text == (
        f"{MIRRORED}; it was made by a copy of the blocks that differ: a copy was cut off; 3 of 9 MiB were copied"
    )
    went_on = {**REJOINED, "method": "changed_blocks", "discarded": None, "steps": [{"name": name} for name in ("take_up", "copy")]}
    assert demo(seen(PROBE), scdw={"__standby_copy": went_on}).text == (
        f"{MIRRORED}; it rejoined by a copy of the blocks that differ: {REJOINED['reason']}; it went on from a copy that was cut off; "
        "3 MiB were copied"
    )
    kept = {"directory_state": "instance", "method": "basebackup", "bytes_copied": 5}
    assert demo(seen(PROBE), scdw={"__standby_copy": kept}).text == MIRRORED, "a copy where nothing was is no rejoin"


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (
            {"kept": ["gpbackup_history.db"], "set_aside": ["x"], "set_aside_in": "/s.set_aside-1"},
            "; only it had gpbackup_history.db, kept in place; the primary has otherwise x, its own are in /s.set_aside-1",
        ),
        (
            {"set_aside_as": ["/s.set_aside-1"], "kept": [], "set_aside": [], "wal_directory": "/w", "former_wal": "/w.set_aside-1"},
            "; what was there is in /s.set_aside-1; pg_wal stays a link to /w; the former WAL is in /w.set_aside-1",
        ),
        (
            {
                "set_aside_as": ["/s.set_aside-1"],
                "set_aside": ["x"],
                "set_aside_in": "/s.set_aside-1",
                "former_wal": "/w.set_aside-1",
                "wal_directory": "/w",
                "configuration": {"removed": ["/s.set_aside-1"], "removed_wal": "/w.set_aside-1"},
            },
            "; what the primary has otherwise was removed with the former directory, as desired: x; pg_wal stays a link to /w; "
            "the former WAL in /w.set_aside-1 was removed",
        ),
    ],
)
def test_what_became_of_its_files_is_told(made, said):
    copy = {**REJOINED, "discarded": None, **made}
    results = {"__standby_copy": copy, "__standby_configuration": copy.pop("configuration", {})}
    assert demo(seen(PROBE), scdw=results).text.endswith(f"; 3 MiB were copied{said}")


def test_what_was_set_aside_is_told_where_it_failed():
    ended = demo(seen(), scdw={"__standby_copy": {"msg": "no", "set_aside_as": ["/s.set_aside-1"], "kept": ["x"]}})
    assert "what was there is in /s.set_aside-1; only it had x, kept in place" in ended.failure
    assert "Rolled back: the copy" in demo(seen(), scdw={"__standby_uncopied": {"deleted": ["/s"]}}).failure


def test_what_would_become_of_its_files_is_told():
    files = {"kept": ["x"], "set_aside": ["y"], "wal_directory": "/w"}
    plan = with_(way={"method": "basebackup", "reason": "so"}, files=files)
    assert demo(plan=plan, check_mode=True).text.endswith(
        "by a new copy: so; only it has x, which it keeps; the primary has otherwise y, of which its own are set aside; "
        "pg_wal stays a link to /w"
    )


def test_how_it_would_rejoin():
    plan = with_(way={"method": "start", "reason": "it has nothing of its own"})
    assert demo(plan=plan, check_mode=True).text == "can be mirrored: scdw can be the standby of cdw as it is: it has nothing of its own"


def test_for_how_long_a_copy_was_paused_and_why():
    latency = {"commits": 900, "above": 30, "average_ms": 5.1, "highest_ms": 41.7, "paused": 12.34}
    plan = with_(snapshot={"max_latency": 20})
    assert demo(seen(PROBE), plan=plan, scdw={"__standby_copy": {"latency": latency}}).text == (
        f"{MIRRORED}; the copy was paused for 12.3 s: 30 of 900 commits on cdw took longer than 20 ms, at most 42 ms"
    )
    assert demo(seen(PROBE), plan=plan, scdw={"__standby_copy": {"latency": {**latency, "paused": 0.0}}}).text == MIRRORED


def test_rights_that_could_not_be_revoked_are_told():
    still = {"__standby_rewind_revoked": {"msg": "no answer"}}
    assert "cdw still lets it read files, as for a rewind: no answer" in demo({**seen(PROBE), **still}).text
    assert "cdw still lets it read files" in demo({**seen(), **still}).failure


MOVE = Moving(kind="host", name="cdw2", host="cdw2", registration={"standby_data_directory": "/s"})
MOVING = with_(move=MOVE)


@pytest.mark.parametrize(
    ("move", "scdw", "said"),
    [
        (MOVE, {}, "; it was moved from cdw2, /s"),
        (
            MOVE,
            {"__standby_leaving": {"set_aside_as": ["/s.set_aside-1"]}},
            "; it was moved from cdw2, /s; what was there is in /s.set_aside-1",
        ),
        (
            dataclasses.replace(MOVE, own=["x"]),
            {"__standby_leaving": {"set_aside_as": ["/s.set_aside-1"]}},
            "; it was moved from cdw2, /s; what was there is in /s.set_aside-1; only there are x",
        ),
        (dataclasses.replace(MOVE, left="cdw2 is unreachable"), {}, "; it was moved from cdw2, /s; left: cdw2 is unreachable"),
        (MOVE, {"__standby_cleared": {"msg": "no"}}, "; it was moved from cdw2, /s; its passfile and its record may be left there: no"),
        (dataclasses.replace(MOVE, kind="name"), {}, ""),
    ],
)
def test_from_where_it_was_moved_is_told(move, scdw, said):
    assert demo(seen(PROBE), scdw=scdw, plan=with_(move=move)).text == MIRRORED + said


@pytest.mark.parametrize(("renames", "how"), [(True, "its directory is renamed"), (False, "by a copy, made while the present one streams")])
def test_how_it_would_be_moved_is_told(renames, how):
    ended = demo(plan=with_(move=dataclasses.replace(MOVE, renames=renames)), check_mode=True)
    assert ended.text == f"can be mirrored: scdw can be the standby of cdw, moved from cdw2, /s: {how}"


@pytest.mark.parametrize(
    ("scdw", "said"),
    [
        ({}, "The standby on cdw2 stays as it was."),
        ({"__standby_back": {"connected": True}}, "Rolled back: the standby on cdw2 streams as before."),
        ({"__standby_leaving": {"unreachable": True}}, "NOT ALL COULD BE ROLLED BACK of the standby on cdw2."),
        ({"__standby_back": {"unreachable": True}}, "NOT ALL COULD BE ROLLED BACK of the standby on cdw2."),
        ({"__standby_left": "Start it: no"}, "NOT ALL COULD BE ROLLED BACK of the standby on cdw2. scdw: Start it: no."),
    ],
)
def test_what_became_of_one_that_was_to_be_moved_is_told(scdw, said):
    ended = demo(scdw={**failed("it did not start"), **scdw}, plan=MOVING)
    assert said in ended.failure
    assert "Rolled back" not in ended.failure.replace(said, "")


def test_a_host_that_was_lost_while_its_standby_was_moved_is_told():
    ended = demo(scdw={"__standby_told": {"unreachable": True}}, plan=MOVING)
    assert ended.text == "NOT mirrored: cdw2: unreachable."


def test_what_was_brought_is_told():
    result = {"brought": ["pg_hba.conf", "postgresql.conf"], "kept": ["/s.replaced-1/pg_hba.conf"], "restart_needed": ["jit"]}
    ended = demo(seen(PROBE), {"__standby_brought": result}, plan=with_(drift=result["brought"]))
    assert ended.text.endswith(
        "; brought from cdw: pg_hba.conf, postgresql.conf; what was there and had something of its own is kept: "
        "/s.replaced-1/pg_hba.conf; by a restart only it takes jit"
    )
    assert ended.failure == ""


def test_a_standby_that_still_differs_is_mirrored_and_a_failure():
    failure = {"failed": True, "msg": "the engine cannot read it"}
    ended = demo(seen(PROBE), {"__standby_brought": failure}, plan=with_(drift=["postgresql.conf"]))
    assert ended.mirrored
    assert "scdw still differs from cdw in postgresql.conf: scdw: the engine cannot read it" in ended.failure


def test_an_environment_that_could_not_be_set_is_a_failure():
    ended = demo(seen(PROBE), {"__standby_environment": {"failed": True, "msg": "read-only"}})
    assert ended.mirrored
    assert ended.failure == "demo is mirrored, but the environment of the engine's user could not be set: scdw: read-only"


def test_a_record_that_could_not_be_kept_is_told():
    ended = demo(seen(PROBE), {"__standby_record": {"failed": False, "msg": "disk is full"}})
    why = "what an activation needs to know without the primary could not be kept on scdw: disk is full"
    assert (ended.mirrored, ended.text, ended.failure) == (True, f"{MIRRORED}; {why}", "")
    assert demo(seen(PROBE), {"__standby_record": {"record": {}}}).text == MIRRORED
