# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection import session_options
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._activate_standby.plan import PURPOSE
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.scenes import neighbour_of

from ..losses import BOTH_DOWN, DOWN, HUNG, PROMOTED, SERVING, UNKNOWN, plan, scene
from ..observed import COORDINATOR, SEGMENTS, VARIABLES, changed, machine, shown

FENCE = {"fence_segments": True}


def session(address, port=6000):
    return {"address": address, "port": port, "count": 1, "quiet_s": 0.1}


CONFIRMED = {"confirm_down": "cdw"}
COMMAND = {"fence_command": True}
BOTH = {"both_down": True}

START_BLOCK = {
    "data_directory": "/c",
    "new_primary": "scdw",
    "stop_timeout": 10,
    "wal_from": "0/200",
    "timeline": 1,
    "salvage_directory": "/.c.coordinator_salvage",
}
FENCES = {"sdw1": {"addresses": ["10.0.0.11", "fd00::11"], "ports": [6000, 7000], "timeout": 10}}


@pytest.mark.parametrize(
    ("found", "options", "start_block", "fences", "command"),
    [
        (DOWN, {}, START_BLOCK, {}, False),
        (DOWN, {**FENCE, **COMMAND, **CONFIRMED}, START_BLOCK, {}, False),
        (BOTH_DOWN, BOTH, START_BLOCK, {}, False),
        (HUNG, CONFIRMED, START_BLOCK, {}, False),
        (UNKNOWN, FENCE, {}, FENCES, False),
        (UNKNOWN, COMMAND, {}, {}, True),
        (UNKNOWN, CONFIRMED, {}, {}, False),
        (UNKNOWN, {**FENCE, **COMMAND}, {}, FENCES, True),
    ],
)
def test_the_former_primary_is_start_blocked_or_fenced_first(found, options, start_block, fences, command):
    made = plan(found, **options)
    assert (made.refusal, made.primary, made.standby, made.done, made.resume) == ("", "cdw", "scdw", "", False)
    assert (made.start_block, made.fences, made.command) == (start_block, fences, command)
    assert made.proof
    assert made.connection == "host=scdw,cdw port=5432,5432 target_session_attrs=read-write"


@pytest.mark.parametrize(
    ("found", "options", "words"),
    [
        (SERVING, {**FENCE, **CONFIRMED, **COMMAND, **BOTH}, ["mirrored: the primary serves: use a switchover"]),
        (changed(SERVING, ("cdw primary walsender", None)), {**FENCE, **CONFIRMED, **COMMAND}, ["degraded: the primary serves"]),
        (UNKNOWN, {}, ["primary_unknown: cdw was not seen down", "fence_segments=true", "fence_command", "confirm_down=cdw", "timed out"]),
        (UNKNOWN, BOTH, ["primary_unknown: cdw was not seen down"]),
        (UNKNOWN, {"confirm_down": "scdw"}, ["activate_standby_confirm_down is 'scdw', the primary was on cdw"]),
        (DOWN, {"confirm_down": "cdw1"}, ["activate_standby_confirm_down is 'cdw1', the primary was on cdw"]),
        (HUNG, {}, ["primary_hung: cdw lives", "activate_standby_confirm_down=cdw"]),
        (HUNG, {**FENCE, **COMMAND}, ["primary_hung: cdw lives"]),
        (BOTH_DOWN, {}, ["both_down: the standby is down too", "activate_standby_both_down=true"]),
        (changed(UNKNOWN, ("scdw", {"unreachable": True, "msg": "no"})), CONFIRMED, ["no standby was seen in recovery"]),
        (
            changed(UNKNOWN, ("scdw instance postmaster", None)),
            CONFIRMED,
            ["the standby on scdw is stopped", "activate_standby_both_down=true", "activate_standby_confirm_down=cdw"],
        ),
        (changed(DOWN, ("scdw instance postmaster suspended", True)), {}, ["the standby on scdw is suspended"]),
        (changed(DOWN, ("scdw instance start_block", "FENCED_cdw_is_primary.conf")), {}, ["scdw is start-blocked itself, FENCED_"]),
        (changed(DOWN, ("cdw", None)), CONFIRMED, ["cdw took no part in this run", "unknown", "--limit"]),
        (changed(DOWN, ("sdw1", None)), {}, ["sdw1 took no part in this run", "unknown", "--limit"]),
        (changed(DOWN, ("scdw maintenance", {"since": None, "by": "", "reason": "disks"})), {}, ["in maintenance (disks), marked on scdw"]),
        (DOWN, {"timeout": 0}, ["activate_standby_timeout is 0: give seconds above zero"]),
        (DOWN, {"fence_command_timeout": "x"}, ["activate_standby_fence_command_timeout is 'x'"]),
        (DOWN, {"slot_name": "internal_wal_replication_slot"}, ["activate_standby_slot_name is 'internal_wal_replication_slot'"]),
        (DOWN, {"retention_limit": "much"}, ["activate_standby_retention_limit: "]),
        (DOWN, {"floating_address": "10.0.0.100"}, ["activate_standby_floating_address: ", "/24"]),
        (DOWN, {"floating_interface": "eth0"}, ["activate_standby_floating_interface is 'eth0' without activate_standby_floating_address"]),
    ],
)
def test_refuses_with_reason_and_remedy(found, options, words):
    made = plan(found, **options)
    for word in words:
        assert word in made.refusal
    assert (made.start_block, made.fences, made.command, made.access, made.floating) == ({}, {}, False, {}, {})
    assert (made.done, made.resume) == ("", False)


def test_split_brain_is_refused():
    both = changed({**SERVING, "scdw": SERVING["cdw"]}, ("scdw hostname", "scdw"), ("scdw addresses", ["10.0.0.12"]))
    both["scdw"] = changed(both["scdw"], ("instance data_directory", "/s"), ("instance control timeline", 2), ("unfinished", PURPOSE))
    made = plan(both, **FENCE, **CONFIRMED, **COMMAND)
    assert made.refusal.startswith("split_brain: two instances accept writes")
    assert "scdw runs as primary on timeline 2" in made.refusal


def test_a_cluster_without_a_second_host_is_refused():
    variables = {host: VARIABLES[host] for host in ("cdw", "sdw1")}
    assert plan(DOWN, variables=variables).refusal.startswith("there is no standby")


SESSION = {"address": "10.0.0.11", "port": 6000, "count": 2, "quiet_s": 1.0}


@pytest.mark.parametrize(
    ("change", "lives"),
    [
        (("sdw1 sessions", [SESSION]), True),
        (("sdw1 sessions", [{**SESSION, "quiet_s": 60.0}]), False),
        (("sdw1 sessions", [{**SESSION, "quiet_s": None}]), False),
        (("sdw1 sessions", [{**SESSION, "address": "10.0.0.12"}]), False),
        (("sdw1 sessions", [{**SESSION, "address": "FD00::11"}]), True),
        (("sdw1 sessions", [{**SESSION, "port": 6001}]), False),
        (("sdw1 peers cdw", "open"), True),
        (("sdw1 peers cdw", "refused"), False),
        (("sdw1 peers scdw", "open"), False),
        (("scdw peers", {"cdw": "open"}), True),
    ],
)
def test_the_word_does_not_do_for_a_primary_that_is_seen_alive(change, lives):
    made = plan(UNKNOWN, change, **CONFIRMED)
    assert bool(made.refusal) is lives
    if lives:
        assert "the operator's confirmation does not do" in made.refusal and "activate_standby_fence_segments=true" in made.refusal
    assert plan(UNKNOWN, change, **FENCE).refusal == ""
    assert plan(UNKNOWN, change, **COMMAND, **CONFIRMED).refusal == ""


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("scdw record", None), ["no host keeps a record of the cluster", "enable_mirroring"]),
        (("scdw record system_identifier", "2"), ["the record on scdw is of the system 2, its data directory 1"]),
        (("scdw record primary host", "scdw"), ["the record on scdw tells of scdw as the primary, not of cdw"]),
        (
            ("sdw1", {"unreachable": True, "msg": "no route"}),
            ["every host with segments must refuse the former primary", "sdw1 is unknown, unreachable: no route: make it reachable"],
        ),
        (("scdw record segments 0 host", None), ["the segment of dbid 2 is on sdw1", "which no host of the inventory is"]),
        (("scdw record segments 0 host", "sdw9"), ["the segment of dbid 2 is on sdw1", "whpg_role=segment"]),
        (("scdw record segments 0 host", "cdw"), ["cdw carries the segment of dbid 2 too"]),
        (("scdw record primary addresses", []), ["no address of cdw is known"]),
        (("sdw1 addresses", ["10.0.0.21", "fd00::11"]), ["fd00::11 of cdw is also an address of sdw1"]),
        (("scdw addresses", ["10.0.0.12", "10.0.0.11"]), ["10.0.0.11 of cdw is also an address of scdw"]),
        (
            ("sdw1 sessions", [session("198.51.100.7")]),
            ["segments on sdw1 have sessions from 198.51.100.7, of no known host", "whpg_addresses"],
        ),
    ],
)
def test_a_fence_on_segment_hosts_that_would_prove_nothing_is_refused(change, words):
    made = plan(UNKNOWN, change, **FENCE)
    for word in [
        "cdw cannot be fenced on the segment hosts",
        "activate_standby_fence_command",
        "activate_standby_confirm_down=cdw",
        *words,
    ]:
        assert word in made.refusal
    assert made.fences == {}


def test_a_host_that_tells_what_cannot_be_is_not_believed():
    made = plan(UNKNOWN, ("scdw record primary addresses", ["10.0.0.11", "fe80::1%$(id)"]), **FENCE)
    assert "no standby was seen in recovery" in made.refusal
    assert "scdw: it answered, and what it told is not of its form: record: primary: addresses: 'fe80::1%$(id)' is no addr" in made.refusal
    assert made.fences == {}


def test_what_is_wrong_with_a_record_on_its_own_host_is_told():
    made = plan(UNKNOWN, ("scdw record", None), ("scdw record_wrong", "segments: port: 0 is no port"), **FENCE)
    assert "the record on scdw cannot be used, correct it there (segments: port: 0 is no port); enable_mirroring" in made.refusal


@pytest.mark.parametrize("address", ["10.0.0.11", "::ffff:10.0.0.12", "fd00::11"])
def test_sessions_of_the_clusters_hosts_are_no_strangers(address):
    assert fenced_ports(("sdw1 sessions", [session(address)])) == fenced_ports()


def test_sessions_with_other_ports_of_a_segment_host_do_not_matter():
    assert fenced_ports(("sdw1 sessions", [session("198.51.100.7", 22)])) == fenced_ports()


def fenced_ports(*changes, neighbours=(), variables=None, found=UNKNOWN):
    made = plan(found, *changes, neighbours=neighbours, variables=variables, **FENCE)
    return made.refusal or {host: fence["ports"] for host, fence in made.fences.items()}


RUNNING = [{"data_directory": "/p0", "port": 6000}, {"data_directory": "/p9", "port": 6009}]


def test_a_segment_that_nobody_knows_is_fenced_too():
    assert fenced_ports(("sdw1 segments", RUNNING)) == {"sdw1": [6000, 6009, 7000]}


def test_a_segment_that_is_down_is_fenced_too():
    assert fenced_ports(("sdw1 segments", [])) == {"sdw1": [6000, 7000]}


def test_a_host_that_came_later_is_fenced_by_what_runs_there():
    variables = {**VARIABLES, "sdw2": {"whpg_role": "segment"}}
    empty = {**UNKNOWN, "sdw2": shown(machine("sdw2", "10.0.0.22"))}
    assert fenced_ports(found=empty, variables=variables) == {"sdw1": [6000, 7000]}
    assert fenced_ports(("sdw2 segments", RUNNING), found=empty, variables=variables) == {"sdw1": [6000, 7000], "sdw2": [6000, 6009]}


def test_segments_on_the_new_primary_s_host_are_fenced_there():
    assert fenced_ports(("scdw record segments 1 host", "scdw")) == {"scdw": [7000], "sdw1": [6000, 7000]}


def neighbour(address, port, hostname="sdw1"):
    """Another cluster, whose primary is at an address and which has a segment on a port of sdw1."""
    rows = [{**SERVING["cdw"]["primary"]["registrations"][1], "port": port, "hostname": hostname, "address": hostname}]
    found = changed(SERVING, ("cdw addresses", [address]), ("scdw addresses", ["10.0.0.32"]), ("cdw primary registrations", rows))
    return neighbour_of(scene(found, ("scdw record", None), cluster="beta"))


@pytest.mark.parametrize(
    ("other", "ports"),
    [
        (neighbour("10.0.0.31", 6009), {"sdw1": [6000, 7000]}),
        (neighbour("10.0.0.11", 6009), {"sdw1": [6000, 7000]}),
        (neighbour("10.0.0.31", 6008), {"sdw1": [6000, 6009, 7000]}),
        (neighbour("10.0.0.31", 6009, hostname="sdw2"), {"sdw1": [6000, 6009, 7000]}),
    ],
)
def test_segments_of_other_clusters_are_spared(other, ports):
    # 7000 is in the record, and stopped
    assert fenced_ports(("sdw1 segments", RUNNING), neighbours=[other]) == ports


def test_a_segment_of_nobody_is_not_fenced_where_that_could_hit_another_cluster():
    said = fenced_ports(("sdw1 segments", RUNNING), neighbours=[neighbour("10.0.0.11", 6008)])
    assert "sdw1: whose segments listen on 6009 is in no record, and beta has a coordinator on cdw too" in said


@pytest.mark.parametrize(
    ("floating", "addresses", "left"),
    [
        ("10.0.0.100/24", ["10.0.0.11"], ["10.0.0.11"]),
        ("10.0.0.100/24", ["10.0.0.11", "10.0.0.100"], ["10.0.0.11"]),
        ("10.0.0.100/32", ["10.0.0.11", "10.0.0.100"], ["10.0.0.11"]),
        ("10.9.0.100/24", ["10.0.0.11", "10.9.0.100", "10.9.0.11"], ["10.0.0.11", "10.9.0.11"]),
        ("10.9.0.100/24", ["10.0.0.11", "10.9.0.100"], None),
    ],
)
def test_the_floating_address_is_not_fenced_for_it_is_to_be_the_new_primary_s(floating, addresses, left):
    made = plan(UNKNOWN, ("scdw record primary addresses", addresses), floating_address=floating, **FENCE)
    if left is None:
        assert "10.9.0.100 is the only address of cdw in 10.9.0.0/24" in made.refusal
    else:
        assert made.fences["sdw1"]["addresses"] == left
        assert made.floating == {"scdw": "present"}


def test_addresses_of_the_inventory_are_fenced_too():
    variables = {**VARIABLES, "cdw": {**VARIABLES["cdw"], "whpg_addresses": ["10.5.0.11"]}}
    made = plan(UNKNOWN, variables=variables, **FENCE)
    assert made.fences["sdw1"]["addresses"] == ["10.0.0.11", "10.5.0.11", "fd00::11"]


def test_what_follows():
    assert not plan(DOWN).follows
    assert plan(DOWN, analyze=True).follows and plan(DOWN).session == ""
    assert plan(DOWN, analyze=True).session == session_options(owner=True), "the program has the settings of our own sessions"
    assert plan(DOWN, post_tasks="/tasks.yml").follows
    made = plan(DOWN, floating_address="10.0.0.100/24")
    assert made.follows and made.floating == {"scdw": "present", "cdw": "absent"}


def test_access_rules_are_written_where_they_are_not_as_they_should_be():
    assert plan(DOWN).access == {}
    other = [line.replace("10.0.0.11", "10.0.0.99") for line in SEGMENTS]
    made = plan(DOWN, ("sdw1 access /m0", other))
    assert set(made.access) == {"sdw1"} and made.access["sdw1"]["data_directories"] == ["/p0", "/m0"]
    assert set(plan(DOWN, ("scdw access /s", COORDINATOR[:1])).access) == {"scdw"}
    assert plan(DOWN, ("sdw1 access /m0", [*SEGMENTS, "local\tall\tall\t\ttrust"])).access == {}
    # an address that moves is not a host's own
    moved = ("scdw addresses", ["10.0.0.12", "10.0.0.100"])
    assert plan(DOWN, moved, floating_address="10.0.0.100/24").access == {}
    assert set(plan(DOWN, moved).access) == {"scdw", "sdw1"}
    # a cluster that this collection never opened stays as it is
    assert plan(DOWN, ("sdw1 access", {"/p0": None, "/m0": None})).access == {}


def test_warns_of_what_is_not_proved():
    assert plan(DOWN).warnings == []
    assert plan(UNKNOWN, **FENCE).warnings == []
    assert "not fenced on the segment hosts" in plan(UNKNOWN, **CONFIRMED).warnings[0]
    assert plan(DOWN, ("sdw1", {"unreachable": True, "msg": "no"})).warnings == ["sdw1 is unknown, unreachable: no: make it reachable"]


FINISHED = ("scdw activation", {"event": "activated", "timeline": 2})


def test_nothing_is_left_to_be_done_after_a_complete_activation():
    made = plan(PROMOTED, FINISHED)
    assert (made.refusal, made.done, made.resume, made.start_block, made.fences) == ("", "scdw", False, {}, {})
    assert made.connection.startswith("host=scdw,cdw ")


@pytest.mark.parametrize(
    "changes", [[], [FINISHED], [("scdw sql", {"answered": False, "refused": None, "error": "no"}), ("scdw primary", None)]]
)
def test_an_activation_that_was_cut_off_is_finished(changes):
    made = plan(PROMOTED, ("scdw unfinished", PURPOSE), *changes)
    assert (made.refusal, made.done, made.resume) == ("", "", True)
    assert (made.primary, made.standby, made.start_block, made.fences) == ("cdw", "scdw", {}, {})


@pytest.mark.parametrize(
    ("found", "changes"),
    [
        (PROMOTED, []),
        (PROMOTED, [("scdw activation", {"event": "activated", "timeline": 1})]),
        (PROMOTED, [("scdw unfinished", "rejoin")]),
        (SERVING, [("cdw unfinished", PURPOSE), ("cdw activation", {"event": "activated", "timeline": 1})]),
        (HUNG, [("cdw unfinished", PURPOSE)]),
    ],
)
def test_a_primary_that_was_not_made_by_an_activation_is_refused(found, changes):
    made = plan(found, *changes)
    assert made.refusal and not made.done and not made.resume
