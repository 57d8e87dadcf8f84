# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import os
import re

import pytest
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.pair import assess
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.places import own_segments
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.views import removed_wal
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run import locking
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.preflight.case import Case
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.preflight.checks import unlike

from ..observed import (
    CDW,
    EMPTY,
    GIB,
    INSTALLATION,
    MIRRORED,
    RECORD,
    ROWS,
    SCDW,
    SDW1,
    UNMIRRORED,
    VARIABLES,
    changed,
    machine,
    seen,
    shown,
)


def demo(found, *changes, variables=None, limit=None):
    return assess("demo", variables or VARIABLES, changed(found, *changes), limit)


def runs(*changes, **locks):
    """The warnings that tell of runs."""
    found = assess("demo", VARIABLES, changed(MIRRORED, *changes), locks=locks)
    return [said for said in found.warnings if re.search("under way|cut off|not finished", said)]


def lock(purpose, quiet_s, since=1795392000.0):
    holder = {"user": "operator", "controller": "control1", "boot": "", "namespace": "", "pid": 7, "started": "1"}
    return {"holder": holder, "since": since, "purpose": purpose, "quiet_s": quiet_s}


BY = "by operator on control1, process 7, since 2026-11-23 00:00:00 UTC"


def test_a_run_that_is_under_way_is_told_once():
    both = ("cdw locked", lock("switchover", 31.6)), ("scdw locked", lock("switchover", 20.2)), ("scdw unfinished", "switchover to scdw")
    assert runs(*both) == [f"switchover {BY}, is under way, alive 20 s ago: wait for it before anything else is done to the pair"]


def test_a_run_of_this_controller_is_under_way_as_long_as_its_process_lives():
    own = dataclasses.asdict(locking.this_run(os.getpid()))
    gone = {**own, "pid": 2**22 + 1}  # more than the kernel gives
    assert "is under way" in runs(("cdw locked", {**lock("rejoin", 1.0), "holder": own}))[0]
    assert "was cut off: run it again" in runs(("cdw locked", {**lock("rejoin", 1.0), "holder": gone}))[0]


def test_a_run_that_was_cut_off_is_told_until_it_is_run_again():
    left = ("cdw locked", lock("rejoin", 300.1)), ("scdw locked", lock("rejoin", 400.0))
    assert runs(*left) == [f"rejoin {BY}, was cut off: run it again"]
    noted = ("cdw unfinished", "rejoin"), ("scdw unfinished", "rejoin")
    assert runs(*noted) == ["a rejoin, by enable_mirroring or rejoin, was begun and is not finished: run it again"]
    moved = ("cdw unfinished", "move the standby")
    assert runs(moved) == ["a move of the standby, by enable_mirroring, was begun and is not finished: run it again"]
    assert runs(("cdw unfinished", "switchover to scdw")) == ["switchover to scdw was begun and is not finished: run it again"]
    assert runs(*left, *noted) == [f"rejoin {BY}, was cut off: run it again", *runs(*noted)]
    assert runs() == runs(("cdw", {"unreachable": True, "msg": ""})) == []


def test_a_run_that_holds_the_lock_tells_not_of_runs():
    noted = ("cdw unfinished", "rejoin"), ("cdw locked", lock("rejoin", 0.1))
    assert runs(*noted, cdw=HELD) == []
    assert runs(*noted, cdw={"lock": None}) != []


HELD = {"held": {}, "lock": {}}
OTHER = {"msg": "another run works on this pair", "lock": {"purpose": "rejoin"}}
THIRD = {"msg": "a third run works on this pair", "lock": {"purpose": "rejoin", "holder": {"pid": 8}}}
FULL = {"msg": "the lock cannot be written: No space left on device"}
UNREACHABLE = {"msg": "No route to host", "unreachable": True}


@pytest.mark.parametrize(
    ("locks", "busy", "unlocked"),
    [
        ({"cdw": HELD, "scdw": HELD}, "", []),
        ({"cdw": {"lock": None}, "scdw": {"lock": None}}, "", []),  # in check mode
        ({"cdw": HELD, "scdw": UNREACHABLE}, "", []),
        ({"cdw": UNREACHABLE, "scdw": UNREACHABLE}, "", []),  # nothing is observed then either
        ({"cdw": HELD, "scdw": None}, "", []),  # left out by --limit
        ({"cdw": HELD, "scdw": OTHER}, "scdw: another run works on this pair", []),
        ({"cdw": OTHER, "scdw": UNREACHABLE}, "cdw: another run works on this pair", []),
        ({"cdw": OTHER, "scdw": THIRD}, "cdw: another run works on this pair; scdw: a third run works on this pair", []),
        ({"cdw": {**THIRD, "msg": "alive 1 s ago"}, "scdw": {**THIRD, "msg": "alive 2 s ago"}}, "cdw, scdw: alive 1 s ago", []),
        ({"cdw": OTHER, "scdw": FULL}, "cdw: another run works on this pair", ["scdw"]),
        ({"cdw": FULL, "scdw": HELD}, "", ["cdw"]),
        (
            {"cdw": FULL, "scdw": UNREACHABLE},
            "no host of the coordinators could be locked: cdw: the lock cannot be written: No space",
            ["cdw"],
        ),
        (None, "", []),
    ],
)
def test_a_pair_is_worked_on_by_who_holds_what_can_be_locked(locks, busy, unlocked):
    pair = assess("demo", VARIABLES, MIRRORED, locks=locks)
    assert pair.busy.startswith(busy) and bool(pair.busy) == bool(busy)
    assert list(pair.unlocked) == unlocked
    assert [said for said in pair.warnings if "could not be locked" in said] == [
        f"{host} could not be locked against other runs: {FULL['msg']}" for host in unlocked
    ]


def test_a_cluster_is_judged_as_a_whole():
    pair = demo(MIRRORED)
    assert (pair.state, pair.primary, pair.standby) == ("mirrored", "cdw", "scdw")
    assert (pair.coordinators, pair.segment_hosts) == (["cdw", "scdw"], ["sdw1"])
    assert pair.instances == {
        "cdw": {"coordinator": ["/c"], "segments": []},
        "scdw": {"coordinator": ["/s"], "segments": []},
        "sdw1": {"coordinator": [], "segments": ["/p0", "/m0"]},
    }
    nothing = (pair.unknown, pair.problems, pair.obstacle, pair.differences, pair.strays, pair.warnings)
    assert nothing == ({}, [], None, {}, [], [])


MARK = {"since": 1795392000.0, "by": "root on ctl", "reason": "disks"}


@pytest.mark.parametrize(
    ("changes", "variables", "said"),
    [
        (
            (("scdw maintenance", MARK),),
            {},
            "in maintenance since 2026-11-23 00:00:00 UTC by root on ctl (disks), marked on scdw: no playbook",
        ),
        ((), {"maintenance": True}, "in maintenance, by the variable maintenance: no playbook"),
        ((("cdw", None), ("scdw maintenance", MARK)), {"maintenance": False}, "in maintenance since 2026-11-23"),
        ((), {"maintenance": False}, ""),
    ],
)
def test_a_pair_in_maintenance_is_one_in_whatever_state(changes, variables, said):
    pair = demo(MIRRORED, *changes, variables={**VARIABLES, "sdw1": {**VARIABLES["sdw1"], **variables}})
    assert pair.maintenance.startswith(said)
    assert pair.warnings[:1] == ([pair.maintenance] if said else [])
    assert pair.state == ("mirrored" if ("cdw", None) not in changes else "primary_unknown")


def test_the_host_without_a_standby_can_take_one():
    pair = demo(UNMIRRORED)
    assert (pair.state, pair.obstacle, pair.warnings) == ("unmirrored", None, [])
    assert pair.instances["scdw"] == {"coordinator": [], "segments": []}


@pytest.mark.parametrize(
    ("found", "change", "said"),
    [
        (UNMIRRORED, ("scdw site free", 0), "scdw: / has 0 MiB free, the copy needs 1536 MiB"),
        (UNMIRRORED, ("scdw site engine_version", "postgres 13"), "scdw: this host has 'postgres 13', the primary 'postgres 12'"),
        (UNMIRRORED, ("scdw instance directory_state", "other"), "scdw: /s holds something that is not an instance"),
        (UNMIRRORED, ("scdw port_taken", True), "scdw: something else listens on the standby's port there: stop it, or set whpg_port"),
        (MIRRORED, ("scdw instance control system_identifier", "2"), "scdw: /s holds an instance of the system 2, the primary is of 1"),
    ],
)
def test_what_keeps_the_other_host_from_being_the_standby_is_known_beforehand(found, change, said):
    assert demo(found, change).obstacle.startswith(said)


STOPPED = ("scdw instance postmaster", None), ("scdw standby", None), ("cdw primary walsender", None)
DISCONNECTED = ("scdw instance postmaster connected", False), ("cdw primary walsender", None)
#: the standby's WAL ends in segment 3, the primary's begins with 4
BEHIND = ("scdw wal end_lsn", "0/C000148"), ("cdw wal oldest_lsn", "0/10000000")
NEEDED = "000000010000000000000003"


@pytest.mark.parametrize(
    ("changes", "removed"),
    [
        ((), None),
        (STOPPED, None),
        (BEHIND, None),
        ((*STOPPED, *BEHIND), NEEDED),
        ((*DISCONNECTED, *BEHIND), NEEDED),
        ((*STOPPED, *BEHIND, ("cdw wal oldest_lsn", "0/C000000")), None),
        ((*STOPPED, *BEHIND, ("cdw wal", None)), None),
        ((*STOPPED, *BEHIND, ("scdw wal end_lsn", None)), None),
        ((*STOPPED, *BEHIND, ("scdw instance role", "primary")), None),
        # another user does not see whether a walreceiver is connected
        ((*DISCONNECTED, *BEHIND, ("scdw instance postmaster connected", None)), None),
        ((*DISCONNECTED, ("scdw standby removed_wal", NEEDED)), NEEDED),
    ],
)
def test_a_standby_that_can_no_longer_catch_up_is_known_from_one_that_is_stopped(changes, removed):
    found = seen(changed(MIRRORED, *changes))
    assert removed_wal(found["cdw"], found["scdw"]) == removed
    said = any("can no longer catch up" in reason for reason in demo(MIRRORED, *changes).reasons)
    assert said == (removed is not None)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ((), None),
        ((("cdw primary probe acknowledged", False),), "COMMITS WAIT for the standby on scdw, which does not answer in time"),
        (
            (("cdw primary probe acknowledged", False), ("scdw instance postmaster suspended", True)),
            "COMMITS WAIT for the standby on scdw, which is suspended: resume it, or terminate its walsender by the playbook release",
        ),
        (
            (("cdw primary probe acknowledged", False), ("scdw", None)),
            "COMMITS WAIT for the standby on scdw, which does not answer in time",
        ),
        ((("cdw primary probe acknowledged", False), ("cdw primary walsender", None)), None),
    ],
)
def test_commits_that_wait_are_said_loudly(changes, said):
    warnings = [warning for warning in demo(MIRRORED, *changes).warnings if "COMMITS" in warning]
    assert [warning.startswith(said or "") for warning in warnings] == ([True] if said else [])


@pytest.mark.parametrize(
    ("changes", "is_told"),
    [
        ([], True),
        ([("scdw instance postmaster connected", True)], False),
        ([("cdw primary", None), ("cdw instance postmaster", None), ("cdw sql", None)], False),
        ([("scdw standby errors", "FATAL:  out of memory")], False),
    ],
)
@pytest.mark.parametrize("form", ["FATAL:  {}", '2026-11-30,,,FATAL,XX000,"{}",,,', "FATAL:  {} | FATAL:  terminating walreceiver"])
@pytest.mark.parametrize(
    "before",
    ["", 'connection to server at "cdw" (10.0.0.11), port 5432 failed: ', 'connection to server at "10.0.0.11", port 5432 failed: '],
)
def test_why_a_standby_has_no_connection_is_told(changes, is_told, form, before):
    refusal = f"{before}SSL error: certificate verify failed"
    refused = f"could not connect to the primary server: {refusal}".replace('"', '""' if '"' in form else '"')
    lost = [("cdw primary walsender", None), ("scdw instance postmaster connected", False), ("scdw standby errors", form.format(refused))]
    told = [warning for warning in demo(MIRRORED, *lost, *changes).warnings if "cannot connect" in warning]
    why = f"scdw cannot connect to its primary, {refusal}: run enable_mirroring, which tells what helps"
    assert told == ([why] if is_told else [])


def test_an_access_file_that_the_engine_does_not_take_is_an_obstacle():
    said = "cdw: the engine takes no new rules from /c/pg_hba.conf, line 7: invalid authentication method: correct that line"
    assert demo(UNMIRRORED, ("cdw primary access_errors", ["line 7: invalid authentication method", "line 9: x"])).obstacle == said


@pytest.mark.parametrize("change", [("scdw", None), ("cdw", None), ("cdw instance control", None)])
def test_an_obstacle_is_told_only_of_what_was_seen(change):
    assert demo(UNMIRRORED, ("scdw site free", 0), change).obstacle is None


NO_SUDO = {"failed": True, "msg": "Missing sudo password"}


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ((("scdw", NO_SUDO),), "scdw: let Ansible become"),
        ((("cdw", NO_SUDO),), "cdw: let Ansible become"),
        ((("scdw", {"msg": "Failed to import the required Python library (psycopg2) on x"}),), "scdw: install psycopg2 there"),
    ],
)
def test_of_a_host_that_cannot_be_asked_it_is_told_what_it_said_and_what_helps(changes, advice):
    found = demo(MIRRORED, *changes)
    ((host, result),) = changes
    assert "it answered, but could not be asked: " + result["msg"] in found.unknown[host]
    assert any(result["msg"] in reason for reason in found.reasons)
    assert found.advice.startswith(advice) and "reachable" not in found.advice
    assert not found.activation


def test_of_two_hosts_that_cannot_be_asked_none_is_forgotten():
    found = demo(MIRRORED, ("cdw", NO_SUDO), ("scdw", {"unreachable": True, "msg": "timed out"}))
    assert found.state == "primary_unknown"
    assert "cdw: let Ansible become" in found.advice and "make scdw reachable" in found.advice


def test_a_lock_that_such_a_host_refuses_is_not_told_once_more():
    found = assess("demo", VARIABLES, changed(MIRRORED, ("cdw", NO_SUDO), ("scdw", NO_SUDO)), locks={"cdw": NO_SUDO, "scdw": NO_SUDO})
    assert (found.busy, found.unlocked) == ("", {})


def test_a_host_that_was_not_observed_is_unknown():
    pair = demo(MIRRORED, ("scdw", None), ("sdw1", {"unreachable": True, "msg": "no route"}))
    assert pair.unknown == {
        "scdw": "it took no part in this run: run it for all hosts of the cluster, without --limit",
        "sdw1": "unreachable: no route: make it reachable",
    }
    assert (pair.state, pair.obstacle, pair.differences, pair.strays) == ("degraded", None, {}, [])
    assert pair.instances["sdw1"] == {"coordinator": [], "segments": []}


@pytest.mark.parametrize("role", ["segment", "standby", None])
def test_an_inventory_that_names_no_pair_is_told(role):
    variables = {host: {**known, "whpg_role": role} for host, known in VARIABLES.items()}
    pair = demo(MIRRORED, variables=variables)
    assert (pair.state, pair.advice, pair.activation) == ("primary_unknown", "correct the inventory", False)
    assert pair.problems == list(pair.reasons) != []
    assert pair.instances["cdw"]["coordinator"] == ["/c"]


def test_two_names_of_one_data_directory_are_a_mistake():
    assert demo({**MIRRORED, "scdw": CDW}).problems == [
        "cdw and scdw are one machine, and both name the data directory /c: give each instance its own"
    ]


def test_a_cluster_on_a_single_host():
    variables = {"all": VARIABLES["cdw"]}
    found = {"all": changed({"all": CDW}, ("all segments", SDW1["segments"]), ("all primary resolved sdw1-ic", ["10.0.0.11"]))["all"]}
    pair = assess("demo", variables, found)
    assert (pair.primary, pair.coordinators, pair.segment_hosts, pair.obstacle) == ("all", ["all"], [], None)
    assert pair.instances == {"all": {"coordinator": ["/c"], "segments": ["/p0", "/m0"]}}


def test_segments_on_the_coordinator_s_machine_belong_to_its_name_as_a_segment_host():
    sdw1 = {**shown(machine("cdw", "10.0.0.11")), "segments": SDW1["segments"]}
    pair = demo({**MIRRORED, "sdw1": sdw1}, ("cdw primary resolved sdw1-ic", ["10.0.0.11"]))
    assert pair.instances["cdw"] == {"coordinator": ["/c"], "segments": []}
    assert pair.instances["sdw1"]["segments"] == ["/p0", "/m0"]
    assert pair.strays == []


def row(dbid, content, directory, address):
    return {
        "dbid": dbid,
        "content": content,
        "role": "p",
        "preferred_role": "p",
        "mode": "s",
        "status": "u",
        "port": 6000 + dbid,
        "hostname": address,
        "address": address,
        "datadir": directory,
    }


def test_clusters_that_share_hosts_dbids_and_directories_are_kept_apart():
    rows = CDW["primary"]["registrations"]
    coordinators = [rows[0], rows[3]]
    variables = {**VARIABLES, "sdw2": {"whpg_role": "segment"}}
    resolved = {**CDW["primary"]["resolved"], "a": ["10.0.0.21"], "b": ["10.0.0.22"]}
    # what runs on the hosts is of both clusters: the same directories, on either
    running = [{"data_directory": directory, "port": port} for directory, port in (("/p0", 6002), ("/p1", 6003))]
    found = {
        **changed(MIRRORED, ("cdw primary resolved", resolved)),
        "sdw1": {**shown(machine("sdw1", "10.0.0.21")), "segments": running},
        "sdw2": {**shown(machine("sdw2", "10.0.0.22")), "segments": running},
    }
    segments = {}
    for cluster, first, second in (("demo", "a", "b"), ("beta", "b", "a")):
        own = [*coordinators, row(2, 0, "/p0", first), row(3, 1, "/p1", second)]
        pair = assess(cluster, variables, changed(found, ("cdw primary registrations", own)))
        segments[cluster] = {host: pair.instances[host]["segments"] for host in ("sdw1", "sdw2")}
        assert pair.strays == []
    assert segments == {"demo": {"sdw1": ["/p0"], "sdw2": ["/p1"]}, "beta": {"sdw1": ["/p1"], "sdw2": ["/p0"]}}


@pytest.mark.parametrize(("runs", "there"), [(True, ["/p0", "/m0"]), (False, ["/p0"])])
def test_a_segment_that_is_down_counts_only_while_it_runs(runs, there):
    running = SDW1["segments"] if runs else SDW1["segments"][:1]
    pair = demo(MIRRORED, ("cdw primary registrations 2 status", "d"), ("sdw1 segments", running))
    assert pair.instances["sdw1"]["segments"] == there


def test_hosts_that_the_catalog_names_alone_are_strays():
    rows = [*CDW["primary"]["registrations"], row(4, 1, "/p1", "sdw9"), row(5, 2, "/p2", "sdw9"), row(6, 3, "/p3", "sdw8")]
    pair = demo(MIRRORED, ("cdw primary registrations", rows))
    assert pair.strays == ["sdw8", "sdw9"]
    assert "sdw9: the catalog has segments there, the inventory does not name it" in pair.warnings
    assert demo(MIRRORED, ("cdw primary registrations", rows), ("sdw1", None)).strays == []


@pytest.mark.parametrize(
    ("listed", "numeric", "strays"),
    [
        (["10.1.0.20", "10.1.0.21"], "10.1.0.21", []),
        (["FD00:203:17:0::21"], "fd00:203:17::21", []),
        (["10.1.0.21"], "10.0.0.21", ["sdw1"]),
        ([], "10.0.0.21", []),
    ],
)
def test_addresses_of_the_inventory_count_instead_of_those_seen(listed, numeric, strays):
    variables = {**VARIABLES, "sdw1": {"whpg_role": "segment", "whpg_addresses": listed}}
    assert demo(MIRRORED, ("cdw primary resolved sdw1-ic", [numeric]), variables=variables).strays == strays


def test_what_differs_is_named_and_warned_of():
    other = {**shown(INSTALLATION), "libc": "glibc 2.28"}
    pair = demo(MIRRORED, ("scdw installation", other))
    assert list(pair.differences) == ["libc"]
    assert pair.warnings == [f"scdw could not serve as the primary does: {pair.differences['libc']}"]


@pytest.mark.parametrize(("clock", "differ"), [(1010.2, False), (1010.3, True), (989.8, False), (989.7, True)])
def test_clocks_may_differ_a_little(clock, differ):
    # each answer took 0.2 s
    found = demo(MIRRORED, ("scdw clock", clock)).differences
    assert list(found) == (["clock"] if differ else [])
    assert not differ or found["clock"].startswith("its clock differs from the primary's by at least 10 s: let both follow")


@pytest.mark.parametrize(
    ("primary", "standby"),
    [
        (None, SCDW),
        (CDW, None),
        ({**CDW, "primary": None}, SCDW),
        ({**CDW, "installation": None}, SCDW),
        (CDW, {**EMPTY, "installation": None}),
        (CDW, {**SCDW, "asked": None}),
    ],
)
def test_what_was_not_seen_differs_in_nothing(primary, standby):
    found = seen({"cdw": primary, "scdw": standby})
    assert unlike(Case(primary_host="cdw", primary=found["cdw"], host="scdw", standby=found["scdw"])) == {}


INACTIVE = {"name": "standby_coordinator", "active": False, "restart_lsn": "0/1", "retained_bytes": 2 * GIB}


@pytest.mark.parametrize(
    ("own", "limit", "more_than"),
    [
        (-1, None, None),
        (None, None, None),
        (0, None, None),
        (-1, GIB, 1024),
        (GIB, None, 1024),
        (3 * GIB, None, None),
        (3 * GIB, GIB, 1024),
    ],
)
def test_warns_of_wal_by_the_limit_given_or_by_the_engine_s(own, limit, more_than):
    found = demo(MIRRORED, ("cdw primary slots", [INACTIVE]), ("cdw primary retention_limit", own), limit=limit).warnings
    assert len(found) == (more_than is not None)
    assert all(warning.startswith("cdw: the slot") and f"more than {more_than} MiB" in warning for warning in found)


def test_warns_of_a_disk_in_danger():
    (found,) = demo(MIRRORED, ("cdw primary slots", [INACTIVE]), ("cdw wal free", GIB)).warnings
    assert found.startswith("cdw: the disk of the WAL is in danger")
    assert demo(MIRRORED, ("cdw primary slots", [INACTIVE]), ("cdw wal", None)).warnings == []


def test_warns_of_blanks_in_the_standby_s_path():
    (found,) = demo(MIRRORED, ("scdw instance data_directory", "/my data/s")).warnings
    assert found == "scdw: gpstart and gpstop cannot deal with the blanks in /my data/s, gpstart -a refuses to start the cluster"


FENCE = {"cluster": "demo", "addresses": ["10.0.0.11"], "ports": [6000], "tool": "nft", "since": 1795392000.0}


@pytest.mark.parametrize(
    ("fence", "told"),
    [
        ({}, True),
        ({"addresses": ["10.0.0.99", "::ffff:10.0.0.11"]}, True),
        ({"since": None}, True),
        ({"addresses": ["10.0.0.12"]}, False),
        ({"cluster": "other"}, False),
    ],
)
def test_warns_of_a_primary_that_serves_and_is_fenced(fence, told):
    said = "cdw is fenced, queries of tables fail there: sdw1 reject it; run lift_fence if it is to serve"
    fenced = ("sdw1 fences", [{**FENCE, **fence}])
    assert demo(MIRRORED, fenced).warnings == ([said] if told else [])
    assert demo(LOST, fenced).warnings == []


LOST = {**MIRRORED, "cdw": {"unreachable": True, "msg": "no"}}
SESSION = {"address": "10.0.0.11", "port": 6000, "count": 2, "quiet_s": 0.5}
KEPT = {**RECORD, "segments": RECORD["segments"][:1]}


@pytest.mark.parametrize(
    ("variables", "changes", "said"),
    [
        (VARIABLES, [], None),
        (VARIABLES, [("sdw1 peers", {"cdw": "silent"})], "sdw1 sees no sign of life of cdw"),
        (VARIABLES, [("sdw1 sessions", [SESSION]), ("scdw record", None)], None),
        (
            VARIABLES,
            [("sdw1 sessions", [SESSION]), ("scdw record", KEPT)],
            "sdw1 sees cdw live: data came in 2 of its sessions within 10 s",
        ),
        (VARIABLES, [("sdw1 sessions", [{**SESSION, "port": 6001}]), ("scdw record", KEPT)], None),
        (
            {**VARIABLES, "cdw": {**VARIABLES["cdw"], "whpg_addresses": ["10.0.0.11"]}},
            [("sdw1 sessions", [SESSION, {**SESSION, "port": 7000}]), ("scdw record", None)],
            "sdw1 sees cdw live: data came in 4 of its sessions within 10 s",
        ),
        (VARIABLES, [("sdw1 peers", {"cdw": "open"})], "sdw1 sees cdw live: the coordinator's port there is open"),
    ],
)
def test_what_segment_hosts_see_of_a_host_that_does_not_answer_is_told(variables, changes, said):
    reasons = demo(LOST, *changes, variables=variables).reasons
    assert [reason for reason in reasons if reason.startswith("sdw1 ")] == ([said] if said else [])


@pytest.mark.parametrize(("major", "wrong"), [("9.4", True), ("8.3", True), ("12", False), ("14", False)])
def test_an_engine_that_keeps_a_standby_otherwise_is_told(major, wrong):
    problems = demo(MIRRORED, ("cdw instance major", major)).problems
    assert [problem.split(",")[0] for problem in problems] == ([f"cdw: /c is of PostgreSQL {major}"] if wrong else [])


def test_segments_of_other_clusters_are_left_out():
    assert shown(own_segments(seen(MIRRORED)["sdw1"], ["/m0", "/x"]))["segments"] == SDW1["segments"][1:]
    assert own_segments(None, ["/m0"]) is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([], []),
        ([("2 status", "d")], ["1 of 2 segment instances are down, content 0 on sdw1:7000: run gprecoverseg"]),
        ([("2 mode", "n"), ("1 mode", "n")], ["the mirrors of content 0 are not in sync with their primaries"]),
        (
            [("1 role", "m"), ("1 status", "d"), ("2 role", "p")],
            [
                "1 of 2 segment instances are down, content 0 on sdw1:6000: run gprecoverseg",
                "2 of 2 segment instances are not in their preferred role, content 0 on sdw1:6000; content 0 on sdw1:7000: once all are up "
                "and in sync, run gprecoverseg -r",
            ],
        ),
        ([("1 role", "m"), ("2 role", "p")], ["2 of 2 segment instances are not in their preferred role"]),
        ([("3 status", "d"), ("0 preferred_role", "m")], []),
    ],
)
def test_segments_that_do_not_run_as_they_were_made_to_are_warned_of(changes, said):
    changes = [(f"cdw primary registrations {way}", value) for way, value in changes]
    warnings = demo(MIRRORED, *changes).warnings
    assert [warning.startswith(words) for warning, words in zip(warnings, said)] == [True] * len(said)
    assert len(warnings) == len(said)


def test_only_some_of_many_segments_are_named():
    rows = [shown(dataclasses.replace(ROWS[2], dbid=10 + content, content=content, status="d")) for content in range(6)]
    (warning,) = demo(MIRRORED, ("cdw primary registrations", [shown(ROWS[0]), shown(ROWS[3]), *rows])).warnings
    assert warning.startswith("6 of 6 segment instances are down, content 0 on sdw1:7000; ")
    assert "content 3 on sdw1:7000 and 2 more: run gprecoverseg" in warning
