# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import re
import signal

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import replication
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection import NoAnswer, Refused
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection_string import parse_conninfo
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.replication import (
    Slot,
    Upstream,
    WalSender,
    followed,
    kept_password,
    pass_entry,
    probe_write,
    read_passfile,
    write_passfile,
)
from hypothesis import given
from hypothesis import strategies as st

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
    found = parse_conninfo(Upstream("localhost", 5432, "standby_replicator", "/p").primary_conninfo())
    assert found["host"] == "localhost"
    assert found["hostaddr"] in ("127.0.0.1", "::1")
    assert found["application_name"] == "gp_walreceiver"
    assert found["passfile"] == "/p"


def test_an_upstream_by_address_that_is_trusted():
    found = parse_conninfo(Upstream("10.0.0.11", 5432, "r", None).primary_conninfo())
    assert found == {"host": "10.0.0.11", "port": "5432", "user": "r", "application_name": "gp_walreceiver"}


def test_an_upstream_carries_further_parameters():
    connection = {"sslmode": "verify-full", "options": "-c wal_sender_timeout=10s", "keepalives_idle": "3"}
    found = parse_conninfo(Upstream("10.0.0.11", 5432, "r", None, connection).primary_conninfo())
    assert {name: found[name] for name in connection} == connection


@pytest.mark.parametrize("name", ["host", "port", "user", "passfile", "application_name"])
def test_who_and_where_are_never_a_further_parameter(name):
    plain = Upstream("10.0.0.11", 5432, "r", "/p")
    assert Upstream("10.0.0.11", 5432, "r", "/p", {name: "x"}).primary_conninfo() == plain.primary_conninfo()


@pytest.mark.parametrize(("host", "known"), [(None, False), ("", False), ("cdw.invalid", False), ("127.0.0.1", True)])
def test_an_unknown_name_has_no_address(host, known):
    assert replication.try_resolve(host) == (host if known else None)


def test_an_unknown_name_is_refused_with_the_remedy():
    with pytest.raises(CoordinatorError, match=r"'cdw\.invalid' is not known on this host.*/etc/hosts"):
        Upstream("cdw.invalid", 5432, "r", None).primary_conninfo()


text = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)


@given(text, text)
def test_passwords_survive_the_passfile(tmp_path_factory, user, password):
    path = tmp_path_factory.mktemp("home") / "pass"
    path.write_text("# mine\nhost:1:db:other:x\n" + pass_entry(("cdw", 5432), user, password))
    assert kept_password(str(path), user) == ("x" if user == "other" else password)


def test_the_passfile_is_for_its_owner_alone(host, tmp_path):
    path = tmp_path / "home" / "demo.pgpass"
    write_passfile(host, str(path), ("cdw", 5432), "r", "secret:\\1")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    seen = read_passfile(str(path))
    assert seen.usable
    assert "secret" not in repr(seen)
    assert len(seen.check) == 4
    path.chmod(0o644)
    assert not read_passfile(str(path)).usable
    write_passfile(host, str(path), ("cdw", 5432), "r", None)
    assert read_passfile(str(path)) == seen
    write_passfile(host, str(path), ("cdw", 5432), "r", "other")
    assert kept_password(str(path), "r") == "other"


def test_a_password_of_two_lines_is_refused_and_not_told():
    with pytest.raises(CoordinatorError, match="line break") as raised:
        pass_entry(("cdw", 5432), "r", "geheim\n2")
    assert "geheim" not in raised.value.message


def test_no_passfile():
    assert not read_passfile("/nonexistent/pass").usable
    assert kept_password("/nonexistent/pass", "r") is None


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
    line = f"primary_conninfo = '{Upstream('10.0.0.11', 5432, 'r', '/p').primary_conninfo()}'"
    words = dict(word.split("=", 1) for word in line.split() if "=" in word[1:])
    assert (words["host"], int(words["port"])) == ("10.0.0.11", 5432)


def libpq_gives(line, host, port, user):
    """The password that libpq takes from a line for a connection (passwordFromFile of fe-connect.c); None for none."""
    rest = line.rstrip("\r\n")
    for token in (host, port, "replication", user):
        if rest.startswith("*:"):
            rest = rest[2:]
            continue
        for letter in token:
            rest = rest[1:] if rest.startswith("\\") else rest
            if not rest or rest[0] != letter:
                return None
            rest = rest[1:]
        if not rest.startswith(":"):
            return None
        rest = rest[1:]
    return re.sub(r"\\(.)", r"\1", rest)


hosts = st.text(st.sampled_from("*:\\#.a1-"), min_size=1) | st.sampled_from(["cdw", "*", "fe80::1", "10.0.0.11", "\\*", "cdw:1:*:r:x"])


@given(hosts, hosts, hosts, st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), min_size=1))
def test_a_password_is_given_to_the_server_that_it_is_for_and_to_no_other(host, other, user, password):
    try:
        line = pass_entry((host, 5432), user, password)
    except CoordinatorError:
        assert host.startswith("#")
        return
    assert libpq_gives(line, host, "5432", user) == password
    assert libpq_gives(line, host, "5433", user) is None
    assert other == host or libpq_gives(line, other, "5432", user) is None
    assert other == user or libpq_gives(line, host, "5432", other) is None


@pytest.mark.parametrize(("host", "user"), [("cdw\n*", "r"), ("cdw", "r\r\n*:*:*:r:x"), ("#cdw", "r")])
def test_what_a_passfile_cannot_hold_is_refused(host, user):
    with pytest.raises(CoordinatorError, match="a passfile cannot hold the host"):
        pass_entry((host, 5432), user, "secret")


def test_a_passfile_for_every_server_is_seen_and_corrected(host, tmp_path):
    path = tmp_path / "pass"
    path.write_text("*:*:*:r:kept\\:\n")
    path.chmod(0o600)
    before = read_passfile(str(path), ("cdw", 5432), "r")
    assert before.usable and not before.named and read_passfile(str(path)).named
    write_passfile(host, str(path), ("cdw", 5432), "r", None)
    assert path.read_text() == "cdw:5432:*:r:kept\\:\n"
    after = read_passfile(str(path), ("cdw", 5432), "r")
    assert after.named and after.check == before.check, "the two hosts of a pair name different servers"
    assert not read_passfile(str(path), ("scdw", 5432), "r").named


@pytest.mark.parametrize("text", ["*:*:*:r:kept\n*:*:*:me:mine\n", "*:*:*:me:mine\n", ""])
def test_a_passfile_of_somebody_s_own_is_left_as_it_is(tmp_path, text):
    (tmp_path / "pass").write_text(text)
    assert read_passfile(str(tmp_path / "pass"), ("cdw", 5432), "r").named


@pytest.mark.parametrize(
    ("following", "peer"),
    [("host=cdw port=5432", ("cdw", 5432)), ("host=cdw", None), ("port=5432", None), ("host=cdw port=x", None), ("", None)],
)
def test_whom_a_standby_follows(following, peer):
    assert followed({"primary_conninfo": following}) == peer
