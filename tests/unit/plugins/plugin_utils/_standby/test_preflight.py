# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import importlib
import pathlib

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.needs import Lacking, Looked
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.preflight import Limit
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.pair import assess
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.preflight import checks
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.preflight.case import COPY, MOVE, REWIND, START, STAYS, Case
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.preflight.check import Check
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._standby.preflight.listening import deaf
from hypothesis import given
from hypothesis import strategies as st

from ..desired import OPTIONS
from ..observed import GIB, INSTALLATION, MIRRORED, UNMIRRORED, VARIABLES, changed, seen, shown

RESTORE = {"recovery_target_time": {"value": "2020-01-01", "where": "postgresql.conf, line 9"}}
ARCHIVE = {"restore_command": {"value": "cp", "where": "postgresql.auto.conf, line 1"}}
INCLUDE = {"path": "/etc/own.conf", "kind": "file", "where": "include (postgresql.conf, line 3)"}
INSIDE = {"path": "/c/pg_hba.conf", "kind": "file", "where": "hba_file (postgresql.conf, line 4)"}
OTHER_SYSTEM = {**shown(INSTALLATION), "libc": "glibc 2.28"}


def case(way=COPY, *changes, found=UNMIRRORED, addresses=("10.0.0.12",), options=None, **more):
    hosts = seen(changed(found, *changes))
    return Case(
        primary_host="cdw",
        primary=hosts["cdw"],
        host="scdw",
        standby=hosts["scdw"],
        way=way,
        addresses=addresses,
        options={**OPTIONS, **(options or {})},
        **more,
    )


def lacking(*needs, **names):
    return Looked(tuple(Lacking(**need, why="is missing") for need in needs), names, ())


def mounted(*mounts, owner="gpadmin"):
    return ("scdw site", {**UNMIRRORED["scdw"]["site"], "parent": "/s", "parent_owner": owner, "mount": True, "mounts": list(mounts)})


@pytest.mark.parametrize("way", [COPY, MOVE, REWIND, START, STAYS])
def test_nothing_is_in_the_way_where_all_is_in_order(way):
    found = MIRRORED if way in (STAYS, REWIND, START) else UNMIRRORED
    assert checks.in_the_way(case(way, found=found)) == ""


@pytest.mark.parametrize(
    ("way", "changes", "more", "said"),
    [
        (
            COPY,
            [("cdw primary access_errors", ["line 7: no such method"])],
            {},
            "cdw: the engine takes no new rules from /c/pg_hba.conf, line 7",
        ),
        (
            COPY,
            [mounted("/s/base")],
            {},
            "scdw: /s is a mount point, and so is /s/base in it: an instance cannot be put in place there as a whole",
        ),
        (COPY, [("scdw port_taken", True)], {}, "scdw: something else listens on the standby's port there"),
        (
            COPY,
            [("cdw unreadable", ["/c/secret"])],
            {},
            "cdw: gpadmin, which runs the engine, cannot read /c/secret, with which the copy would fail",
        ),
        (REWIND, [("cdw unreadable", ["/c/secret"])], {}, "cdw: gpadmin, which runs the engine, cannot read /c/secret"),
        (COPY, [("cdw primary limits wal_level", "minimal")], {}, "cdw: wal_level is minimal, which no standby can follow"),
        (
            COPY,
            [("cdw primary limits walsenders", shown(Limit(1, 1, ("pg_receivewal of backup on 10.0.0.9, process 7, streaming",))))],
            {},
            "cdw: max_wal_senders is 1, and 1 are in use (pg_receivewal of backup on 10.0.0.9, process 7, streaming): stop one of these "
            "programs, or terminate its walsender by SELECT pg_terminate_backend(<process>)",
        ),
        (
            COPY,
            [("cdw primary limits slots", shown(Limit(2, 2, ("a, not in use", "b, not in use"))))],
            {},
            "cdw: max_replication_slots is 2, and 2 are in use (a, not in use; b, not in use): drop one that nobody needs",
        ),
        (
            REWIND,
            [("cdw primary limits connections", shown(Limit(20, 19, ("19 by psql of etl on this host",))))],
            {},
            "cdw: 19 of 20 connections for others than superusers are in use (19 by psql of etl on this host), a rewind needs 2",
        ),
        (
            COPY,
            [("cdw configured settings", RESTORE)],
            {},
            "cdw: recovery_target_time is '2020-01-01' in postgresql.conf, line 9, of /c: with it the standby would end its recovery",
        ),
        (
            START,
            [("scdw configured settings", RESTORE)],
            {"found": MIRRORED},
            "scdw: recovery_target_time is '2020-01-01' in postgresql.conf, line",
        ),
        (
            STAYS,
            [("scdw configured settings", RESTORE), ("scdw instance postmaster", None)],
            {"found": MIRRORED},
            "scdw: recovery_target_time is '2020-01-01' in postgresql.conf, line 9, of /s",
        ),
        (
            COPY,
            [("cdw configured settings", {"data_directory": {"value": "/c/", "where": "postgresql.conf, line 2"}})],
            {},
            "cdw: data_directory is '/c/' in postgresql.conf, line 2, of /c: the standby would work there instead of in /s: remove it",
        ),
        (
            COPY,
            [("cdw configured settings", ARCHIVE)],
            {},
            "cdw: restore_command is 'cp' in postgresql.auto.conf, line 1, of /c: with it",
        ),
        (COPY, [("scdw installation logout", "add gpadmin to KillExcludeUsers")], {}, "scdw: add gpadmin to KillExcludeUsers"),
        (COPY, [("cdw configured links", ["/c/own.conf"])], {}, "cdw: /c/own.conf is a symbolic link, which a base backup leaves out"),
        (
            COPY,
            [],
            {"looked": lacking(INCLUDE)},
            "scdw: /etc/own.conf, named by include (postgresql.conf, line 3), is missing there: put it there, readable by gpadmin",
        ),
        (
            COPY,
            [],
            {"looked": lacking({**INCLUDE, "kind": "written"})},
            "scdw: /etc/own.conf, named by include (postgresql.conf, line 3), is missing there: make it, writable by gpadmin",
        ),
        (
            COPY,
            [],
            {"looked": lacking(INSIDE)},
            "scdw: /c/pg_hba.conf, named by hba_file (postgresql.conf, line 4), is missing there: name it on cdw by its path relative",
        ),
        (
            COPY,
            [("cdw listens", ["127.0.0.1"])],
            {},
            "cdw: the primary listens on 127.0.0.1 only, and no standby on another host can connect",
        ),
        (COPY, [("cdw listens", [])], {}, "cdw: the primary listens on no address, and no standby on another host can connect"),
        (
            COPY,
            [("cdw configured listen_addresses", "10.0.0.11")],
            {},
            "scdw: the standby would listen on no address, as listen_addresses is '10.0.0.11', not on 10.0.0.12: no client could connect",
        ),
        (COPY, [("cdw configured listen_addresses", "")], {}, "scdw: the standby would listen on no address, as listen_addresses is ''"),
        (
            COPY,
            [],
            {"options": {"standby_listen_addresses": "localhost"}},
            "scdw: the standby would listen on 127.0.0.1, ::1, as listen_addresses is 'localhost', not on 10.0.0.12",
        ),
        (STAYS, [("scdw listens", ["127.0.0.1"])], {"found": MIRRORED}, "scdw: the standby listens on 127.0.0.1, not on 10.0.0.12"),
        (COPY, [("scdw installation", OTHER_SYSTEM)], {}, "scdw: its C library is glibc 2.28"),
        (COPY, [("scdw clock", 2000.0), ("scdw asked", [999.9, 1000.1])], {}, "scdw: its clock differs from the primary's by at least"),
    ],
)
def test_each_thing_in_the_way_is_told_with_its_place_reason_and_remedy(way, changes, more, said):
    told = checks.in_the_way(case(way, *changes, **more))
    assert told.startswith(said), told


@pytest.mark.parametrize(
    ("way", "changes", "more"),
    [
        (COPY, [mounted()], {}),  # the copy is made within it
        (STAYS, [("scdw configured settings", RESTORE)], {"found": MIRRORED}),  # it runs, and would by now have
        (COPY, [("scdw configured settings", RESTORE)], {}),  # what is there is replaced by the primary's
        (COPY, [("cdw configured settings", {"data_directory": {"value": "/s/", "where": "postgresql.conf, line 2"}})], {}),
        (START, [("cdw configured settings", {**RESTORE, **ARCHIVE}), ("cdw configured links", ["/c/a"])], {"found": MIRRORED}),
        (STAYS, [("cdw unreadable", ["/c/secret"])], {"found": MIRRORED}),
        (START, [("cdw unreadable", ["/c/secret"])], {"found": MIRRORED}),
        (STAYS, [("cdw primary limits walsenders", shown(Limit(1, 1)))], {"found": MIRRORED}),  # its own
        (COPY, [("cdw primary limits connections", shown(Limit(20, 20)))], {}),
        (COPY, [("cdw primary limits", None)], {}),  # what was not seen hinders nothing
        (COPY, [("cdw listens", None)], {}),
        (COPY, [("cdw configured", None)], {}),
        (COPY, [("cdw configured listen_addresses", "10.0.0.11")], {"options": {"standby_listen_addresses": "*"}}),
        (COPY, [("cdw configured listen_addresses", "scdw")], {}),  # a name is looked up there first
        (COPY, [("cdw configured listen_addresses", "scdw")], {"looked": lacking(scdw=("10.0.0.12",))}),
        (STAYS, [("scdw listens", ["127.0.0.1"]), ("cdw listens", ["127.0.0.1"])], {"found": MIRRORED}),  # clients come another way
        (STAYS, [("scdw installation", OTHER_SYSTEM)], {"found": MIRRORED}),  # of one that is there it is told, no more
    ],
)
def test_what_is_not_in_the_way(way, changes, more):
    assert checks.in_the_way(case(way, *changes, **more)) == ""


def test_what_is_accepted_is_not_told_and_what_cannot_be_accepted_is_not_offered():
    found = case(COPY, ("cdw configured settings", ARCHIVE), ("scdw installation", OTHER_SYSTEM))
    assert checks.in_the_way(found).endswith("; or accept it: standby_accepted_differences=['recovery', 'libc']")
    assert checks.in_the_way(found, ["libc"]).endswith("; or accept it: standby_accepted_differences=['recovery']")
    assert checks.in_the_way(found, ["libc", "recovery"]) == ""
    grave = case(COPY, ("cdw configured settings", {**ARCHIVE, **RESTORE}))
    assert "or accept it" not in checks.in_the_way(grave)
    assert "recovery_target_time" in checks.in_the_way(grave, checks.ACCEPTABLE)


@given(st.lists(st.sampled_from(list(checks.ACCEPTABLE))), st.sampled_from([COPY, MOVE, REWIND, START, STAYS]), st.data())
def test_no_check_fails_whatever_was_not_seen(accept, way, data):
    found = data.draw(st.sampled_from([MIRRORED, UNMIRRORED]))
    missing = data.draw(
        st.lists(
            st.sampled_from(
                [
                    *(f"cdw {part}" for part in ("primary", "configured", "listens", "installation", "unreadable", "used_bytes")),
                    *(f"scdw {part}" for part in ("listens", "configured", "installation")),
                    *("cdw", "scdw"),
                ]
            ),
            unique=True,
        )
    )
    hosts = {way.split(" ")[0] for way in missing if " " not in way}
    changes = [(where, None) for where in missing if " " in where and where.split(" ")[0] not in hosts]
    there = seen({**changed(found, *changes), **dict.fromkeys(hosts)})
    one = Case(primary_host="cdw", primary=there["cdw"], host="scdw", standby=there["scdw"], way=way, options={**OPTIONS})
    for told in (checks.in_the_way(one, accept), checks.obstacle(one), deaf(one)):
        assert told is None or isinstance(told, str)
    assert isinstance(checks.to_look_for(one, {}), dict)


def test_each_check_has_a_name_of_its_own():
    names = [check.name for check in checks.CHECKS]
    assert len(names) == len(set(names))


def test_each_file_that_has_checks_is_asked():
    folder = pathlib.Path(checks.__file__).parent
    modules = [importlib.import_module(f"{checks.__package__}.{file.stem}") for file in sorted(folder.glob("*.py"))]
    assert {module for module in modules if any(isinstance(found, Check) for found in vars(module).values())} == set(checks.SUBJECTS)


def test_what_was_not_observed_is_not_looked_at():
    never = checks.CHECKS[0]
    assert {what for check in checks.CHECKS for what in check.looks_at} == {"primary", "standby", "source", "sql"}
    assert all(check.looks_at for check in checks.CHECKS)
    assert never.findings(Case(primary_host="cdw", primary=None, host="scdw", standby=None)) == []


def test_what_has_to_be_looked_at_on_the_standby_s_host():
    found = case(
        COPY, ("cdw configured needs", [INCLUDE, INSIDE]), snapshot={"tablespaces": [{"location": "/t"}], "required_files": ["/ca.crt"]}
    )
    assert checks.to_look_for(found, {"host": "cdw"}) == {
        "needs": [INCLUDE, INSIDE, {"path": "/ca.crt", "kind": "file", "where": "a setting"}],
        "tablespaces": [{"location": "/t"}],
        "names": [],
        "server": {"host": "cdw"},
    }
    beside = dataclasses.replace(found.standby, instance=dataclasses.replace(found.standby.instance, data_directory="/c"))
    there = dataclasses.replace(found, snapshot={}, standby=beside)
    assert checks.to_look_for(there, {})["needs"] == [INCLUDE], "a copy has it in the same place"
    assert checks.to_look_for(case(COPY), {}) == {}
    stays = case(STAYS, ("scdw configured needs", [INCLUDE]), found=MIRRORED)
    assert checks.to_look_for(stays, {}) == {}
    assert checks.to_look_for(stays, {"host": "cdw"}) == {"needs": [], "tablespaces": [], "names": [], "server": {"host": "cdw"}}
    assert checks.to_look_for(case(COPY, ("cdw configured listen_addresses", "localhost, scdw,10.0.0.12")), {})["names"] == ["scdw"]


@pytest.mark.parametrize("way", [COPY, MOVE, REWIND, START, STAYS])
def test_no_connection_is_begun_that_is_not_trusted(way):
    looked = Looked((), {}, (), "certificate verify failed, certificate has expired: have its authority renew it")
    found = MIRRORED if way in (STAYS, REWIND, START) else UNMIRRORED
    said = checks.in_the_way(case(way, found=found, looked=looked))
    assert said == f"scdw: no TLS connection to cdw by standby_tls: {looked.distrust}"


@pytest.mark.parametrize(("listens", "deaf"), [(["127.0.0.1"], True), ([], True), (["::1"], True), (["0.0.0.0"], False), (None, False)])
def test_a_standby_that_no_client_could_connect_to_is_never_called_ready(listens, deaf):
    pair = assess("demo", VARIABLES, changed(MIRRORED, ("scdw listens", listens)))
    assert pair.state == ("degraded" if deaf else "mirrored")
    assert any("no client could connect to it" in reason for reason in pair.reasons) is deaf


@pytest.mark.parametrize(("listens", "deaf"), [(["127.0.0.1"], True), ([], True), (["0.0.0.0"], False), (None, False)])
def test_it_is_told_where_the_primary_cannot_be_asked(listens, deaf):
    stopped = [("cdw instance postmaster", None), ("cdw primary", None), ("cdw sql", None), ("cdw listens", None)]
    pair = assess("demo", VARIABLES, changed(MIRRORED, *stopped, ("scdw listens", listens)))
    assert any("NO CLIENT OF ANOTHER HOST CAN CONNECT to scdw" in said for said in pair.warnings) is deaf


def test_room_is_looked_for_in_a_mount_point_itself():
    small = case(COPY, mounted(), ("cdw used_bytes", 10 * GIB))
    assert checks.in_the_way(small).startswith("scdw: /s has 9216 MiB free")
