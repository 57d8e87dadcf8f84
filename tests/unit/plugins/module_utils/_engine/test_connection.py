# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import dataclasses
import os
import socket
import threading
import time

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import user_name
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import backup_session, connection
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection import NoAnswer, Refused
from hypothesis import given
from hypothesis import strategies as st

from ... import instances

POSTMASTER = dataclasses.replace(instances.SERVING, pid=1)
PRIMARY = dataclasses.replace(instances.PRIMARY, data_directory="/data/c", control=None, postmaster=POSTMASTER)


def test_a_refusal_tells_how_far_a_standby_replayed():
    refusal = "FATAL:  the database system is in recovery mode\nDETAIL:  last replayed record at 0/C000148\n"
    assert connection.last_replayed(refusal) == "0/C000148"
    assert connection.last_replayed("FATAL:  the database system is starting up") is None


def test_names_are_quoted():
    assert connection.identifier('a"b c') == '"a""b c"'


def test_an_instance_that_accepts_but_is_silent_does_not_hold_us_up(tmp_path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / ".s.PGSQL.5432"))
        server.listen()
        began = time.monotonic()
        with pytest.raises(NoAnswer, match="did not answer in time"), connection.connect(str(tmp_path), 5432, "", 0.2):
            pass
        assert time.monotonic() - began < 5


def test_no_instance_is_a_refusal(tmp_path):
    with pytest.raises(Refused, match="No such file"), connection.connect(str(tmp_path), 5432, "", 5):
        pass


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"directory_state": "absent"}, "/data/c holds no instance"),
        ({"role": "standby"}, "is a standby: run this on the primary's host"),
        ({"postmaster": None}, "is stopped: start it"),
    ],
)
def test_only_a_primary_that_runs_is_connected_to(changes, message):
    with pytest.raises(CoordinatorError, match=message), connection.connect_primary(dataclasses.replace(PRIMARY, **changes)):
        pass


def test_connects_as_the_user_that_runs_it_to_the_socket_of_the_instance(tmp_path):
    instance = dataclasses.replace(PRIMARY, postmaster=dataclasses.replace(POSTMASTER, socket_directory=str(tmp_path)))
    with pytest.raises(Refused, match=str(tmp_path / ".s.PGSQL.5432")), connection.connect_primary(instance):
        pass


class Server:
    """Speaks just enough of the protocol to accept connections, run statements and answer one row.

    It refuses connections that ask for ``refusing``, and says that it does not know such a setting.
    """

    refusing = None
    #: how every connection is refused, with an SQLSTATE and a text; and whether as soon as it is accepted
    refusal = None
    late = False

    def __init__(self, directory):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(os.path.join(directory, ".s.PGSQL.5432"))
        self.socket.listen()
        self.startup = b""
        self.statements = []

    @staticmethod
    def message(kind, body=b""):
        return kind + (len(body) + 4).to_bytes(4, "big") + body

    def parameter(self, name, value):
        return self.message(b"S", f"{name}\0{value}\0".encode())

    def serve(self):
        with contextlib.suppress(OSError):  # the end of the test
            while True:
                peer, _dummy = self.socket.accept()
                with peer:
                    self.startup = peer.recv(65536)
                    if self.refusal:
                        code, text = tuple(self.refusal)
                        let_in = self.message(b"R", bytes(4)) if self.late else b""
                        peer.sendall(let_in + self.message(b"E", f"SFATAL\0C{code}\0M{text}\0\0".encode()))
                    elif self.refusing and f"-c {self.refusing}=".encode() in self.startup:
                        said = f'SFATAL\0C42704\0Munrecognized configuration parameter "{self.refusing}"\0\0'
                        peer.sendall(self.message(b"E", said.encode()))
                    else:
                        self.talk(peer)

    def talk(self, peer):
        peer.sendall(
            self.message(b"R", bytes(4))
            + self.parameter("server_version", "12.12")
            + self.parameter("client_encoding", "UTF8")
            + self.parameter("DateStyle", "ISO, MDY")
            + self.parameter("standard_conforming_strings", "on")
            + self.message(b"K", (4711).to_bytes(4, "big") + bytes(4))
            + self.message(b"Z", b"I")
        )
        while True:
            received = peer.recv(65536)
            if received[:1] != b"Q":
                return
            statement = received[5:-1].decode()
            self.statements.append(statement)
            if statement == "SELECT hang":
                continue
            if statement == "SELECT wrong":
                answer = self.message(b"E", b"SERROR\0C42601\0Mit is wrong\0\0")
            elif statement == "SELECT secret":
                answer = self.message(b"E", b"SERROR\0C42501\0Mpermission denied\0\0")
            else:
                column = b"n\0" + bytes(6) + (25).to_bytes(4, "big") + (65535).to_bytes(2, "big") + bytes(6)
                answer = self.message(b"T", b"\0\1" + column)
                answer += self.message(b"D", b"\0\1" + (1).to_bytes(4, "big") + b"7") + self.message(b"C", b"SELECT 1\0")
            peer.sendall(answer + self.message(b"Z", b"I"))


@pytest.fixture
def server(tmp_path):
    found = Server(str(tmp_path))
    thread = threading.Thread(target=found.serve, daemon=True)
    thread.start()
    yield found
    found.socket.shutdown(socket.SHUT_RDWR)
    thread.join(10)
    found.socket.close()


@pytest.fixture
def primary(server, tmp_path):
    """The primary behind the server."""
    return dataclasses.replace(PRIMARY, postmaster=dataclasses.replace(POSTMASTER, socket_directory=str(tmp_path)))


def test_asks_and_is_answered(server, tmp_path):
    with connection.connect(str(tmp_path), 5432, "-c gp_role=utility", 10) as opened:
        assert opened.query("SELECT %s AS n", 1) == [{"n": "7"}]
        assert opened.value("SELECT '%' AS n") == "7"
        assert opened.backend_pid == 4711
        with pytest.raises(Refused, match=r"it is wrong \(statement: SELECT wrong\)"):
            opened.query("SELECT wrong")
        opened.allow(60)
        with pytest.raises(NoAnswer):
            opened.query("SELECT hang", timeout=0.2)
    assert server.statements == ["SELECT 1 AS n", "SELECT '%' AS n", "SELECT wrong", "SELECT hang"]
    assert b"gp_role=utility" in server.startup
    assert b"database\0postgres" in server.startup


def test_what_a_role_may_not_read_is_not_known(server, tmp_path):
    with connection.connect(str(tmp_path), 5432, "", 10, "monitor") as opened:
        assert connection.permitted(lambda: opened.value("SELECT 7 AS n")) == "7"
        assert connection.permitted(lambda: opened.value("SELECT secret")) is None
        with pytest.raises(Refused, match="it is wrong"):
            connection.permitted(lambda: opened.value("SELECT wrong"))
    assert b"user\0monitor\0" in server.startup


@pytest.mark.parametrize(
    ("unknown", "asked"),
    [(None, b"-c gp_role=utility"), ("gp_session_role", b"-c gp_role=utility"), ("gp_role", b"-c gp_session_role=utility")],
)
def test_utility_mode_is_asked_for_by_the_name_that_the_engine_has(server, primary, unknown, asked):
    server.refusing = unknown
    with connection.connect_utility(primary, 10) as opened:
        assert opened.value("SELECT 7 AS n") == "7"
    assert asked in server.startup


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("53300", "too_many_connections"),
        ("53200", "out_of_resources"),
        ("57P03", "not_accepting_connections"),
        ("57M02", "not_accepting_connections"),
        ("28000", "not_authorized"),
        ("28P01", "not_authorized"),
        ("57P01", "terminated_or_canceled"),
        ("57014", "terminated_or_canceled"),
        ("55000", "other"),
    ],
)
def test_a_refusal_is_told_by_its_code_whatever_language_it_is_in(server, tmp_path, code, kind, late):
    server.refusal, server.late = (code, "tut mir leid"), late
    with pytest.raises(Refused, match="tut mir leid") as caught, connection.connect(str(tmp_path), 5432, "", 10):
        pass
    assert (caught.value.kind, caught.value.data["sqlstate"]) == (kind, code)


@pytest.mark.parametrize(("unknown", "asked"), [(None, b"-c gp_role=utility"), ("gp_role", b"-c gp_session_role=utility")])
def test_a_session_on_another_host_is_in_utility_mode_whatever_its_parameters_say(server, tmp_path, unknown, asked):
    server.refusing = unknown
    session = connection.RemoteSession({"host": str(tmp_path), "port": "5432", "user": "r", "options": "-c wal_sender_timeout=30s"})
    session.query("SELECT 7")
    with pytest.raises(Refused, match=r"it is wrong \(statement: SELECT wrong\)"):
        session.query("SELECT wrong")
    session.close()
    session.cancel()
    assert asked in server.startup and b"user\0r\0" in server.startup and b"database\0postgres" in server.startup
    assert b"wal_sender_timeout" not in server.startup and b"synchronous_commit=on" in server.startup


def test_a_session_on_another_host_may_be_refused(server, tmp_path):
    server.refusal = ("28000", "no pg_hba.conf entry")
    with pytest.raises(Refused, match=r"no pg_hba\.conf entry"):
        connection.RemoteSession({"host": str(tmp_path), "port": "5432", "user": "r"})


def reading(tmp_path):
    """A session that reads files of the server's instance."""
    return backup_session.session(lambda mode: f"host={tmp_path} port=5432 user=r dbname=postgres options='{mode}'", "cdw")


@pytest.mark.parametrize(("unknown", "asked"), [(None, b"-c gp_role=utility"), ("gp_role", b"-c gp_session_role=utility")])
def test_a_session_that_reads_files_is_in_utility_mode(server, tmp_path, unknown, asked):
    server.refusing = unknown
    with reading(tmp_path):
        pass
    assert asked in server.startup


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        (
            "no pg_hba.conf entry",
            backup_session.Unavailable,
            r"^the primary cdw does not let this role read its files: .*no pg_hba\.conf entry",
        ),
        ("the database system is starting up", CoordinatorError, "^cdw: .*starting up"),
    ],
)
def test_a_session_that_reads_files_may_be_refused(server, tmp_path, text, kind, said):
    server.refusal = ("28000", text)
    with pytest.raises(CoordinatorError, match=said) as caught, reading(tmp_path):
        pass
    refused = backup_session.Unavailable
    assert isinstance(caught.value, refused) is (kind is refused)


def test_a_connection_is_waited_for_where_others_have_them_all(server, primary):
    server.refusal = ("53300", "sorry, too many clients already")
    with pytest.raises(Refused, match="too many clients"), connection.connect_primary(primary, 0.3):
        pass
    threading.Timer(0.3, lambda: setattr(server, "refusal", None)).start()
    with connection.connect_primary(primary, 30) as opened:
        assert opened.value("SELECT 7 AS n") == "7"


def test_a_server_that_asks_for_a_password_or_allows_access_tells_no_refusal(server, tmp_path):
    parameters = {"user": "u", "database": "postgres"}
    assert connection.ask_refusal(str(tmp_path), 5432, parameters, 5) is None
    assert connection.ask_refusal(str(tmp_path), 5433, parameters, 5) is None


def test_a_session_has_settings_of_its_own(server, primary):
    owned = dataclasses.replace(primary, owner=user_name(os.getuid()))
    for instance, owner in ((owned, True), (primary, False)):
        with connection.connect_primary(instance, 10):
            pass
        options = server.startup.decode("latin-1").split("options\0")[1].split("\0")[0]
        assert options == f"{connection.session_options(owner)} -c gp_role=utility"
        assert "-c statement_timeout=0 " in options and "-c default_transaction_isolation=read\\ committed " in options
        assert ("-c lc_messages=C" in options) is owner, "only a superuser may set it"


def test_another_refusal_is_not_asked_about_again(primary):
    absent = dataclasses.replace(primary, port=6000)
    with pytest.raises(Refused, match="No such file"), connection.connect_utility(absent, 10):
        pass


def test_dispatch_mode_asks_for_no_other_mode(server, primary):
    with connection.connect_primary(primary, 10, dispatch=True):
        pass
    assert b"utility" not in server.startup
    with connection.connect_primary(primary, 10):
        pass
    assert b"gp_role=utility" in server.startup


@given(st.text())
def test_no_name_ends_its_quotes(name):
    quoted = connection.identifier(name)
    assert quoted[0] == quoted[-1] == '"'
    assert '"' not in quoted[1:-1].replace('""', "")
    assert quoted[1:-1].replace('""', '"') == name
