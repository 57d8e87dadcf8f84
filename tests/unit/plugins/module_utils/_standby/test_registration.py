# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import dataclasses

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Step
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import catalog
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.catalog import Registration, StandbyAddress
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.password_stores.password_store import StoredPassword
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.replication import Slot, WalSender
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.registration import (
    Known,
    Role,
    plan_absent,
    plan_present,
    read_known,
    scram_verifier,
    spare,
    verifies,
)
from hypothesis import given, settings
from hypothesis import strategies as st

PRIMARY = Registration(
    dbid=1, content=-1, role="p", preferred_role="p", mode="s", status="u", port=5432, hostname="cdw", address="cdw", datadir="/data/c"
)
STANDBY = Registration(
    dbid=8, content=-1, role="m", preferred_role="m", mode="s", status="u", port=5432, hostname="scdw", address="scdw", datadir="/data/s"
)
DESIRED = StandbyAddress(hostname="scdw", address="scdw", port=5432, datadir="/data/s")
PASSFILE = StoredPassword(kind="passfile", path="/p", usable=True, check="abcd")
SLOT = Slot(name="standby_coordinator", active=True, restart_lsn="0/1", retained_bytes=0)
VERIFIER = scram_verifier("pw")


ROLE = Role(True, VERIFIER)


SENDER = WalSender(
    pid=4711,
    client_addr="10.0.0.12",
    state="streaming",
    sync_state="sync",
    sent_lsn=None,
    flush_lsn=None,
    replay_lsn=None,
    lag_bytes=None,
    replay_lag_s=None,
    reply_age_s=None,
)
BLOCK = "# BEGIN warehousepg.coordinator\nhost\tall\tall\t10.0.0.12/32\ttrust\n# END warehousepg.coordinator\n"


def known(rows=(PRIMARY, STANDBY), role=ROLE, slot=SLOT, stored=PASSFILE, **more):
    return Known(rows=tuple(rows), role=role, slot=slot, stored=stored, **more)


def names(steps):
    return [step.name for step in steps]


@pytest.mark.parametrize(
    ("seen", "password", "kept", "scram", "steps"),
    [
        (known(), None, "pw", True, []),
        (known(), "pw", "pw", True, []),
        (known(), "new", "pw", True, ["write_password", "change_role"]),
        (known(stored=StoredPassword(kind="passfile", path="/p", usable=False, check="abcd")), None, "pw", True, ["write_password"]),
        (known(role=Role(False, VERIFIER)), None, "pw", True, ["change_role"]),
        (known(role=Role(True, None)), None, "pw", True, ["change_role"]),
        (known(role=None), "pw", None, True, ["write_password", "create_role"]),
        (known(rows=[PRIMARY], role=None, slot=None), "pw", None, True, ["write_password", "create_role", "add_row", "create_slot"]),
        (known(rows=[PRIMARY]), None, "pw", True, ["add_row"]),
        (known(slot=None), None, "pw", True, ["create_slot"]),
        (known(role=Role(True, None), stored=None), None, None, False, []),
        (known(role=None, stored=None), None, None, False, ["create_role"]),
    ],
)
def test_plans_what_is_missing(seen, password, kept, scram, steps):
    assert names(plan_present(seen, DESIRED, password, kept, scram)) == steps


SPARE = Slot(name="standby_coordinator_next", active=False, restart_lsn="0/1", retained_bytes=0)
OTHER = StandbyAddress(hostname="cdw2", address="cdw2", port=5432, datadir="/data/s")


@pytest.mark.parametrize(
    ("seen", "steps"),
    [
        (known(), ["create_spare_slot"]),
        (known(spare_slot=SPARE), []),
        (known(role=None), ["create_role", "create_spare_slot"]),
        (known(walsender=SENDER), ["create_spare_slot"]),
        (known(walsender=dataclasses.replace(SENDER, reply_age_s=14.0)), ["create_spare_slot"]),
        # what is gone would hold up what follows
        (known(walsender=dataclasses.replace(SENDER, reply_age_s=15.0)), ["terminate_walsender", "create_spare_slot"]),
    ],
)
def test_a_succession_is_prepared_beside_the_present_standby(seen, steps):
    assert names(plan_present(seen, OTHER, None, "pw", True, succession=True)) == steps


@pytest.mark.parametrize(
    ("seen", "desired", "steps"),
    [
        (known(spare_slot=SPARE), OTHER, ["drop_slot", "take_spare_slot", "drop_spare_slot", "remove_row", "add_row"]),
        (
            known(spare_slot=SPARE, walsender=SENDER),
            OTHER,
            ["terminate_walsender", "drop_slot", "take_spare_slot", "drop_spare_slot", "remove_row", "add_row"],
        ),
        # cut off on the way
        (known(spare_slot=SPARE, slot=None), OTHER, ["take_spare_slot", "drop_spare_slot", "remove_row", "add_row"]),
        (known(spare_slot=SPARE, slot=None), DESIRED, ["take_spare_slot", "drop_spare_slot"]),
        # the former one stays, or the next one has its place
        (known(spare_slot=SPARE, walsender=SENDER), DESIRED, ["drop_spare_slot"]),
    ],
)
def test_the_slot_of_the_next_standby_takes_the_place_of_the_former_one_s(seen, desired, steps):
    assert names(plan_present(seen, desired, None, "pw", True)) == steps


def test_a_slot_that_was_kept_for_a_successor_goes_with_the_other_one():
    assert names(plan_absent(known(spare_slot=SPARE), ("slot",))) == ["drop_slot", "drop_spare_slot"]


@pytest.mark.parametrize("name", ["standby_coordinator", "a" * 63])
def test_the_successor_s_slot_has_a_name_that_the_engine_takes(name):
    assert len(spare(name)) < 64
    assert spare(name) != name


@pytest.mark.parametrize(
    ("has", "desired", "steps"),
    [
        (-1, None, []),
        (-1, 20 << 30, [Step("limit_retention", {"limit": 20 << 30})]),
        (20 << 30, 20 << 30, []),
        (20 << 30, 10 << 30, [Step("limit_retention", {"limit": 10 << 30})]),
        # the engine knows no such limit
        (None, 20 << 30, []),
    ],
)
def test_limits_what_the_slot_may_hold_back(has, desired, steps):
    seen = dataclasses.replace(known(), limit=has)
    assert plan_present(seen, DESIRED, None, "pw", True, desired) == steps


@pytest.mark.parametrize(
    "desired",
    [
        StandbyAddress(hostname="other", address="scdw", port=5432, datadir="/data/s"),
        StandbyAddress(hostname="scdw", address="10.0.0.12", port=5432, datadir="/data/s"),
        StandbyAddress(hostname="scdw", address="scdw", port=5433, datadir="/data/s"),
        StandbyAddress(hostname="scdw", address="scdw", port=5432, datadir="/data/other"),
    ],
)
def test_a_wrong_row_is_corrected_not_doubled(desired):
    assert names(plan_present(known(), desired, None, "pw", True)) == ["remove_row", "add_row"]


def test_without_any_password_nothing_is_begun():
    with pytest.raises(CoordinatorError, match="give replication_password"):
        plan_present(known(role=None), DESIRED, None, None, True)


@pytest.mark.parametrize(
    ("seen", "parts", "steps"),
    [
        (known(), ("role", "row", "slot"), ["drop_slot", "remove_row", "drop_role"]),
        (known(), ("row",), ["remove_row"]),
        (known(rows=[PRIMARY], role=None, slot=None), ("role", "row", "slot"), []),
        # a suspended standby would hold up the commits of the steps after it
        (known(walsender=SENDER), ("row", "slot"), ["terminate_walsender", "drop_slot", "remove_row"]),
        (known(rows=[PRIMARY], slot=None, walsender=SENDER), ("row",), ["terminate_walsender"]),
        (known(walsender=SENDER), ("slot",), ["drop_slot"]),
        # rights that a rewind left would keep it from being dropped
        (known(role=Role(True, None, True)), ("role",), ["revoke_rights", "drop_role"]),
        (known(role=Role(True, None, True)), ("row",), ["remove_row"]),
        # without its rules it cannot come back meanwhile
        (known(access_files={"/c": f"{BLOCK}local all all trust\n"}), ("row",), ["write_rules", "reload", "remove_row"]),
        (known(access_files={"/c": "local all all trust\n"}), ("row",), ["remove_row"]),
    ],
)
def test_removes_what_is_there(seen, parts, steps):
    assert names(plan_absent(seen, parts)) == steps


def test_a_verifier_as_rfc_7677_has_it():
    # the exchange of RFC 7677, section 3: user "user", password "pencil"
    salt = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    assert scram_verifier("pencil", salt) == (
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$"
        "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
    )


@settings(max_examples=20)
@given(st.text(min_size=1), st.text(min_size=1))
def test_a_verifier_knows_its_password_alone(password, other):
    verifier = scram_verifier(password)
    assert password not in verifier or len(password) < 4
    assert verifies(verifier, password)
    assert verifies(verifier, other) == (password == other)


@pytest.mark.parametrize(
    "verifier",
    [
        None,
        "",
        "md5abc",
        "SCRAM-SHA-256$x",
        "SCRAM-SHA-256$4096:!$a:b",
        "SCRAM-SHA-256$0:YWJj$YWJj:YWJj",
        f"SCRAM-SHA-256${10**12}:YWJj$YWJj:YWJj",
    ],
)
def test_what_is_no_verifier_verifies_nothing(verifier):
    assert not verifies(verifier, "pw")


def test_a_role_does_not_show_its_verifier():
    assert VERIFIER not in repr(known())


def test_reads_what_the_primary_knows(recorder):
    row = {"name": "standby_coordinator", "active": True, "restart_lsn": "0/1", "retained_bytes": 0}
    connection = recorder(
        ("pg_authid", [{"ready": True, "verifier": VERIFIER, "granted": False}]),
        ("pg_replication_slots", [row]),
        ("gp_segment_configuration", [PRIMARY.__dict__, STANDBY.__dict__]),
    )
    assert read_known(connection, "r", "standby_coordinator", PASSFILE) == known()
    assert read_known(connection, "r", "another", None).slot is None


def test_reads_the_limit_where_the_engine_has_one(recorder):
    assert read_known(recorder(("pg_settings", [{"setting": "1024"}])), "r", "s", None).limit == 1 << 30
    assert read_known(recorder(), "r", "s", None).limit is None


def test_finds_the_standby_among_the_rows():
    segment = Registration(
        dbid=2,
        content=0,
        role="p",
        preferred_role="p",
        mode="s",
        status="u",
        port=6000,
        hostname="sdw1",
        address="sdw1",
        datadir="/data/p0",
    )
    assert catalog.standby_of([segment, PRIMARY, STANDBY]) == STANDBY
    assert catalog.standby_of([segment, PRIMARY]) is None


@pytest.mark.parametrize("word", ["coordinator", "master"])
def test_registers_by_the_name_that_the_engine_knows(recorder, word):
    connection = recorder(
        ("pg_proc", lambda: [{"proname": connection.asked[-1][1][0][0 if word == "coordinator" else 1]}]),
        (f"gp_add_{word}_standby", [{"dbid": 8}]),
    )
    assert catalog.add_standby(connection, DESIRED) == 8
    assert connection.asked[-1][1] == ("scdw", "scdw", "/data/s", 5432)
    catalog.remove_standby(connection)
    assert connection.asked[-1][0] == f"SELECT pg_catalog.gp_remove_{word}_standby()"


def test_an_engine_without_such_functions_is_named(recorder):
    with pytest.raises(CoordinatorError, match="neither gp_add_coordinator_standby"):
        catalog.add_standby(recorder(), DESIRED)
