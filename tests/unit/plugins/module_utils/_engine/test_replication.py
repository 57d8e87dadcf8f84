# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import signal

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import replication
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection import NoAnswer, Refused
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.password_stores.passfile import Passfile
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.replication import (
    Slot,
    Upstream,
    WalSender,
    followed,
    parse_conninfo,
    probe_write,
)

SENDER = {
    "pid": 7,
    "client_addr": "10.0.0.12",
    "state": "streaming",
    "sync_state": "sync",
    "sent_lsn": "0/200",
    "flush_lsn": "0/200",
    "replay_lsn": "0/200",
    "lag_bytes": 0,
    "replay_lag_s": None,
    "reply_age_s": 1.5,
}


def test_an_upstream_by_name_keeps_the_address_too():
    found = parse_conninfo(
        Upstream(host="localhost", port=5432, user="standby_replicator", store=Passfile("/p", "standby_replicator")).primary_conninfo()
    )
    assert found["host"] == "localhost"
    assert found["hostaddr"] in ("127.0.0.1", "::1")
    assert found["application_name"] == "gp_walreceiver"
    assert found["passfile"] == "/p"


def test_an_upstream_by_address_that_is_trusted():
    found = parse_conninfo(Upstream(host="10.0.0.11", port=5432, user="r", store=None).primary_conninfo())
    assert found == {"host": "10.0.0.11", "port": "5432", "user": "r", "application_name": "gp_walreceiver"}


def test_an_upstream_carries_further_parameters():
    connection = {"sslmode": "verify-full", "options": "-c wal_sender_timeout=10s", "keepalives_idle": "3"}
    found = parse_conninfo(Upstream(host="10.0.0.11", port=5432, user="r", store=None, connection=connection).primary_conninfo())
    assert {name: found[name] for name in connection} == connection


@pytest.mark.parametrize("name", ["host", "port", "user", "passfile", "application_name"])
def test_who_and_where_are_never_a_further_parameter(name):
    plain = Upstream(host="10.0.0.11", port=5432, user="r", store=Passfile("/p", "r"))
    assert (
        Upstream(host="10.0.0.11", port=5432, user="r", store=Passfile("/p", "r"), connection={name: "x"}).primary_conninfo()
        == plain.primary_conninfo()
    )


@pytest.mark.parametrize(("host", "known"), [(None, False), ("", False), ("cdw.invalid", False), ("127.0.0.1", True)])
def test_an_unknown_name_has_no_address(host, known):
    assert replication.try_resolve(host) == (host if known else None)


def test_an_unknown_name_is_refused_with_the_remedy():
    with pytest.raises(CoordinatorError, match=r"'cdw\.invalid' is not known on this host.*/etc/hosts"):
        Upstream(host="cdw.invalid", port=5432, user="r", store=None).primary_conninfo()


def test_only_the_standby_s_walsender_counts(recorder):
    connection = recorder(("pg_stat_replication", [SENDER]))
    assert replication.walsender(connection) == WalSender(**SENDER)
    assert connection.asked[0][1] == ("gp_walreceiver",)
    assert replication.walsender(recorder()) is None


@pytest.mark.parametrize(
    ("changes", "replayed"),
    [
        ({}, True),
        ({"replay_lsn": "0/1FF"}, False),
        ({"state": "catchup"}, False),
        ({"sync_state": "async"}, False),
        ({"replay_lsn": None}, False),
    ],
)
def test_has_replayed_means_in_sync_too(changes, replayed):
    assert WalSender(**{**SENDER, **changes}).has_replayed("0/200") is replayed


def test_sync_error_and_slots(recorder):
    assert replication.sync_error(recorder(("gp_stat_replication", [{"sync_error": "none"}]))) == "none"
    assert replication.sync_error(recorder()) is None
    row = {"name": "s", "active": True, "restart_lsn": "0/1", "retained_bytes": 5}
    assert replication.slots(recorder(("pg_replication_slots", [row]))) == [Slot(**row)]


def test_a_slot_in_use_is_freed_before_it_is_dropped(recorder):
    rows = iter([[{"name": "s", "active": True, "restart_lsn": None, "retained_bytes": None}], []])
    connection = recorder(("slot_type", lambda: next(rows)))
    replication.drop_slot(connection, "s")
    asked = [statement for statement, dummy in connection.asked]
    assert "pg_terminate_backend" in asked[0]
    assert "pg_drop_replication_slot" in asked[-1]


def test_a_slot_keeps_wal_from_the_moment_it_is_made(recorder):
    connection = recorder()
    replication.create_slot(connection, "s")
    assert connection.asked == [("SELECT pg_create_physical_replication_slot(%s, true)", ("s",))]


def no_second():
    raise AssertionError("no second connection is needed")


def test_a_probe_that_is_acknowledged_and_replayed(recorder):
    connection = recorder(("pg_current_wal_lsn()", [{"lsn": "0/200"}]), ("emit", []), ("pg_stat_replication", [SENDER]))
    connection.answers = (("emit", []), ("FROM pg_stat_replication", [SENDER]), ("pg_current_wal_lsn()", [{"lsn": "0/200"}]))
    probe = probe_write(connection, no_second, 1)
    assert (probe.acknowledged, probe.replayed, probe.lsn) == (True, True, "0/200")


def test_a_probe_without_a_standby_does_not_wait(recorder):
    connection = recorder(("emit", []), ("FROM pg_stat_replication", []), ("pg_current_wal_lsn()", [{"lsn": "0/200"}]))
    probe = probe_write(connection, no_second, 60)
    assert (probe.acknowledged, probe.replayed) == (True, False)
    assert probe.seconds < 5


@pytest.mark.parametrize(("position", "replayed"), [("0/200", True), ("0/201", False)])
def test_a_look_writes_nothing(recorder, position, replayed):
    connection = recorder(("FROM pg_stat_replication", [SENDER]), ("pg_current_wal_lsn()", [{"lsn": position}]))
    probe = replication.probe_replay(connection, 0.1)
    assert (probe.acknowledged, probe.replayed, probe.lsn) == (None, replayed, position)
    assert all(statement.startswith("SELECT") and "emit" not in statement for statement, dummy in connection.asked)


@pytest.mark.parametrize(("count", "hides"), [(0, False), (2, True)])
def test_a_role_is_known_that_may_not_see_walsenders(recorder, count, hides):
    assert replication.hides_walsenders(recorder(("WHERE state IS NULL", [{"count": count}]))) is hides


def test_a_probe_that_hangs_is_ended(recorder):
    def hang():
        raise NoAnswer("no")

    connection = recorder(("emit", hang), ("pg_current_wal_lsn()", [{"lsn": "0/200"}]))
    second = recorder()
    probe = probe_write(connection, lambda: contextlib.nullcontext(second), 1)
    assert (probe.acknowledged, probe.replayed) == (False, False)
    assert second.asked == [("SELECT pg_terminate_backend(%s)", (4711,))]


@pytest.mark.parametrize("gone", [False, True])
def test_a_probe_that_hangs_is_ended_also_where_no_connection_is_left(recorder, monkeypatch, gone):
    """The commits of all clients wait, and take all connections."""
    ended = []

    def kill(pid, number):
        ended.append((pid, number))
        if gone:
            raise ProcessLookupError

    def hang():
        raise NoAnswer("no")

    def full():
        raise Refused("sorry, too many clients already", sqlstate="53300")

    monkeypatch.setattr(replication.os, "kill", kill)
    connection = recorder(("emit", hang), ("pg_current_wal_lsn()", [{"lsn": "0/200"}]))
    probe = probe_write(connection, full, 1)
    assert (probe.acknowledged, ended) == (False, [(4711, signal.SIGTERM)])


def test_gpactivatestandby_can_read_it():
    line = f"primary_conninfo = '{Upstream(host='10.0.0.11', port=5432, user='r', store=Passfile('/p', 'r')).primary_conninfo()}'"
    words = dict(word.split("=", 1) for word in line.split() if "=" in word[1:])
    assert (words["host"], int(words["port"])) == ("10.0.0.11", 5432)


@pytest.mark.parametrize(
    ("following", "peer"),
    [("host=cdw port=5432", ("cdw", 5432)), ("host=cdw", None), ("port=5432", None), ("host=cdw port=x", None), ("", None)],
)
def test_whom_a_standby_follows(following, peer):
    assert followed({"primary_conninfo": following}) == peer
