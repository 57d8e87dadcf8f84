# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.observations import OBSERVATION
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.pair import assess
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.scenes import scene_of
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._disable_mirroring.plan import make

from ..desired import with_options
from ..observed import CONTROL, EMPTY, MIRRORED, PRIMARY, RECORD, SDW1, SEGMENTS, UNMIRRORED, VARIABLES, changed, planned, shown

NO_RULES = {"sdw1": {"data_directories": ["/p0", "/m0"], "rules": []}}
UNREACHABLE = ("scdw", {"unreachable": True, "msg": "No route to host"})
#: the standby's host is gone, and its walsender with it
ALONE = (UNREACHABLE, ("cdw primary walsender", None), ("cdw primary slots 0 active", False))
FORMER = {**shown(PRIMARY), "data_directory": "/s", "postmaster": None, "start_block": "FENCED_cdw_is_primary.conf"}
FENCE = {"cluster": "demo", "addresses": ["10.0.0.12"], "ports": [6000], "tool": "nft", "since": 1000.0}


def demo(found, *changes, variables=None, **options):
    """The plan for a cluster, by what its hosts show and the options that differ from the role's own."""
    variables = variables or VARIABLES
    results = changed(found, *changes)
    hostvars = {host: {OBSERVATION: results[host]} for host in variables}
    return planned(make(scene_of("demo", with_options(assess("demo", variables, results), "disable_mirroring", options), hostvars)))


def test_everything_that_mirroring_made_is_to_go():
    plan = demo(MIRRORED)
    assert (plan.refusal, plan.primary, plan.standby, plan.hosts) == ("", "cdw", "scdw", ["cdw", "scdw"])
    # those of the standby's own instance go with it
    assert (plan.directories, plan.access) == (["/c"], NO_RULES)
    assert (plan.system_identifier, plan.primary_dbid, plan.left) == ("1", 1, [])
    assert plan.found == ["catalog row", "slot", "replication role", "access rules", "instance", "passfile", "record"]


def test_nothing_is_left_to_do():
    plan = demo(UNMIRRORED)
    assert (plan.refusal, plan.standby, plan.found, plan.left) == ("", "scdw", [], [])
    assert (plan.directories, plan.access) == (["/c"], NO_RULES)


@pytest.mark.parametrize(
    ("way", "value", "name"),
    [
        ("cdw primary role", {"ready": False, "verified": False}, "replication role"),
        ("sdw1 access /m0", [], "access rules"),
        ("cdw passfile check", "abcd", "passfile"),
        ("cdw primary slots", [{"name": "standby_coordinator", "active": False, "restart_lsn": None, "retained_bytes": None}], "slot"),
        ("scdw site leftover", True, "unfinished copy"),
        ("cdw record", RECORD, "record"),
        ("cdw record_wrong", "system_identifier is missing", "record"),
    ],
)
def test_what_is_half_removed_is_named(way, value, name):
    assert demo(UNMIRRORED, (way, value)).found == [name]


def test_another_slot_is_not_ours():
    assert "slot" not in demo(MIRRORED, ("cdw primary slots 0 name", "backup")).found


def test_places_of_copies_are_those_that_are_mapped():
    spaces = [{"oid": 20 + n, "location": where, "dbid": 1, "bytes": 1} for n, where in enumerate(["/fast", "/slow"])]
    plan = demo(MIRRORED, ("cdw tablespaces", spaces), tablespace_mapping={"/slow": "/elsewhere/"})
    assert plan.places == ["/elsewhere", "/fast"]


@pytest.mark.parametrize(
    ("changes", "options", "why"),
    [
        ((), {"replication_user": "gpadmin"}, "disable_mirroring_replication_user is 'gpadmin', the engine's own superuser"),
        ((), {"slot_name": "Upper"}, "disable_mirroring_slot_name is 'Upper'"),
        ((("cdw instance postmaster", None), ("cdw primary", None)), {}, "the primary was not seen to serve, "),
        (
            (("scdw maintenance", {"since": 0, "by": "me", "reason": ""}),),
            {},
            "in maintenance since 1970-01-01 00:00:00 UTC by me, marked on scdw",
        ),
        ((UNREACHABLE,), {}, "scdw is unknown, unreachable: No route to host: make it reachable, or, if it is gone for ever"),
        ((("sdw1", None),), {}, "sdw1 is unknown, it took no part in this run: run it for all hosts"),
        ((UNREACHABLE, ("sdw1", None)), {"without": ["scdw"]}, "sdw1 is unknown, it took no part in this run"),
        ((), {"without": ["scdw"]}, "disable_mirroring_without names scdw, which was observed: take it out"),
        (ALONE, {"without": ["scdw", "elsewhere"]}, "names elsewhere, which neither the inventory nor the catalog has in this cluster"),
        ((UNREACHABLE,), {"without": ["scdw"]}, "names scdw, but a standby streams and lives: make its host reachable"),
        (
            (("cdw primary standby hostname", "gone1"), ("cdw primary standby address", "gone1")),
            {},
            "the catalog has instances on gone1, which no host of the inventory is: add it there, or, if it is gone for ever",
        ),
        (
            (("cdw primary registrations 1 address", "sdw9"), ("cdw primary registrations 1 hostname", "sdw9")),
            {},
            "the catalog has instances on sdw9, which no host",
        ),
        (
            (("cdw primary standby datadir", "/other"),),
            {},
            "the catalog has the standby on scdw in /other, the inventory in /s: let the inventory name the directory that is right",
        ),
    ],
)
def test_what_is_in_the_way_is_told_with_its_remedy(changes, options, why):
    plan = demo(MIRRORED, *changes, **options)
    assert why in plan.refusal
    assert (plan.standby, plan.directories, plan.access, plan.hosts) == (None, [], {}, [])


@pytest.mark.parametrize(("age", "refused"), [(None, True), (3.0, True), (14.9, True), (15.0, False), (200.0, False)])
def test_a_host_is_believed_to_be_gone_when_its_standby_is_silent(age, refused):
    plan = demo(MIRRORED, UNREACHABLE, ("cdw primary walsender reply_age_s", age), without=["scdw"])
    assert (plan.refusal != "") == refused


def test_a_host_that_is_gone_for_ever():
    plan = demo(MIRRORED, *ALONE, without=["scdw"])
    assert (plan.refusal, plan.standby, plan.hosts) == ("", None, ["cdw"])
    assert (plan.directories, plan.access) == (["/c"], NO_RULES)
    assert plan.found == ["catalog row", "slot", "replication role", "access rules", "passfile"]
    assert len(plan.left) == 1
    assert plan.left[0].startswith("scdw was not reached: the standby there in /s, port 5432, its passfile and its record stay")


def test_a_host_that_is_gone_from_the_inventory_too():
    changes = (("cdw primary standby hostname", "old1"), ("cdw primary standby address", "old1"), ("cdw primary walsender", None))
    variables = {host: VARIABLES[host] for host in ("cdw", "sdw1")}
    found = {host: MIRRORED[host] for host in ("cdw", "sdw1")}
    assert "old1" in demo(found, *changes, variables=variables).refusal
    plan = demo(found, *changes, variables=variables, without=["old1"])
    assert (plan.refusal, plan.standby, plan.hosts) == ("", None, ["cdw"])
    assert plan.left[0].startswith("old1 was not reached: the standby there in /s")


def test_a_standby_that_the_catalog_has_elsewhere_goes_all_the_same():
    changes = (("cdw primary standby hostname", "elsewhere"), ("cdw primary standby address", "elsewhere"), ("cdw primary walsender", None))
    plan = demo(MIRRORED, *changes, without=["elsewhere"])
    assert (plan.refusal, plan.standby) == ("", "scdw")
    assert plan.left[0].startswith("elsewhere was not reached")


def test_a_former_primary_s_host_that_is_gone_for_ever():
    plan = demo(UNMIRRORED, UNREACHABLE, ("cdw primary timeline", 2), without=["scdw"])
    assert plan.refusal == ""
    assert plan.left[0].startswith("scdw was not reached: what is there of the cluster, a former primary perhaps, stays as it is")


def test_what_a_run_began_and_did_not_finish_is_told():
    assert demo(MIRRORED, ("scdw unfinished", "rejoin")).left == []
    plan = demo(MIRRORED, ("scdw unfinished", "switchover to scdw"))
    assert plan.refusal == ""
    assert plan.left == [
        "scdw: switchover to scdw was cut off, and is not finished by this: run that playbook again when there is a standby"
    ]


def test_what_a_rewind_left_is_told():
    plan = demo(MIRRORED, ("scdw site rewinding", True))
    assert (plan.refusal, plan.left) == ("", ["scdw: what a rewind that was cut off left beside /s stays"])


def test_what_earlier_runs_set_aside_and_a_limit_are_told():
    aside = "/c.set_aside-20261123T080000Z"
    plan = demo(MIRRORED, ("cdw site set_aside", [aside]), ("cdw instance settings", {"max_slot_wal_keep_size": "20480MB"}))
    limit = "cdw: max_slot_wal_keep_size = 20480MB in postgresql.auto.conf, by standby_retention_limit or by others"
    assert plan.left == [limit, f"cdw: {aside}"]


def test_files_that_only_the_standby_has_are_told():
    file = {"kind": "file", "size": 1, "check": "abcdef"}
    own = {"gpbackup_history.db": file, "both": file, "same": file, "postgresql.conf": file}
    other = {"both": {**file, "check": "123456"}, "same": file, "postgresql.conf": {**file, "check": "123456"}}
    assert demo(MIRRORED, ("scdw files", own), ("cdw files", other)).own == ["both", "gpbackup_history.db"]
    assert demo(MIRRORED).own == []


def test_what_a_promotion_left_is_to_go():
    assert demo(UNMIRRORED, ("cdw instance settings", {"primary_slot_name": "standby_coordinator"})).found == ["settings of a standby"]


def test_a_segment_host_that_is_left_out_keeps_its_rules():
    plan = demo(MIRRORED, ("sdw1", None), without=["sdw1"])
    assert (plan.refusal, plan.standby, plan.directories, plan.access) == ("", "scdw", ["/c"], {})
    assert plan.left == ["sdw1 was not reached: access rules on segments there stay"]


@pytest.mark.parametrize(
    ("instance", "said"),
    [
        (FORMER, "scdw: /s holds a primary, which is stopped; it is left as it is, start-blocked by FENCED_cdw_is_primary.conf"),
        (
            {**MIRRORED["scdw"]["instance"], "control": {**shown(CONTROL), "system_identifier": "2"}},
            "scdw: /s holds a standby of the system 2, the cluster is 1; it is left as it is",
        ),
        (
            {**EMPTY["instance"], "directory_state": "other", "owner": "gpadmin"},
            "scdw: /s holds something that is not an instance; it is left as it is",
        ),
    ],
)
def test_what_is_not_the_cluster_s_standby_is_left(instance, said):
    plan = demo(UNMIRRORED, ("scdw instance", instance), ("sdw1 fences", [FENCE, {**FENCE, "cluster": "beta"}]))
    assert (plan.refusal, plan.standby, plan.hosts) == ("", None, ["cdw", "scdw"])
    assert plan.left == [said, "sdw1 rejects 10.0.0.12, addresses of a former primary: the playbook lift_fence lifts that"]


def test_segments_on_the_standby_s_host_lose_their_rules_too():
    rows = [*MIRRORED["cdw"]["primary"]["registrations"]]
    rows[1] = {**rows[1], "hostname": "scdw", "address": "scdw", "datadir": "/p9"}
    segments = [{"data_directory": "/p9", "port": 6000}]
    plan = demo(MIRRORED, ("cdw primary registrations", rows), ("scdw segments", segments), ("scdw access /p9", []), ("sdw1", SDW1))
    assert plan.access["scdw"] == {"data_directories": ["/p9"], "rules": []}


def test_segments_still_allow_access_to_a_primary_that_was_a_standby():
    plan = demo(MIRRORED, ("cdw primary timeline", 2))
    rules = [{"database": "all", "addresses": ["10.0.0.11"], "user": "gpadmin", "method": "trust", "data_directories": ["/p0", "/m0"]}]
    assert plan.access == {"sdw1": {"data_directories": ["/p0", "/m0"], "rules": rules}}
    assert "access rules" in plan.found
    assert plan.left == ["segments go on allowing cdw access, by rules of this collection, for it may have been a standby once"]
    own = ("sdw1 access", {"/p0": SEGMENTS[:1], "/m0": SEGMENTS[:1]})
    assert demo(UNMIRRORED, ("cdw primary timeline", 2), own).found == []
    assert demo(UNMIRRORED, own).found == ["access rules"]
