# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import psycopg2.extensions
import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection_string import conninfo, of_psycopg2, parse_conninfo
from hypothesis import given
from hypothesis import strategies as st

text = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
keys = st.sampled_from(["host", "port", "user", "passfile", "application_name", "sslmode"])


@given(st.dictionaries(keys, text, min_size=1))
def test_connection_strings_are_read_as_libpq_reads_them(parameters):
    written = conninfo(parameters)
    assert parse_conninfo(written) == parameters
    assert psycopg2.extensions.parse_dsn(written) == parameters


def test_reads_what_the_engine_writes():
    engine = "user=gpadmin passfile='/home/gpadmin/.pgpass' host=cdw port=5432 sslmode=prefer application_name=gp_walreceiver"
    assert parse_conninfo(engine)["passfile"] == "/home/gpadmin/.pgpass"
    assert parse_conninfo(engine)["application_name"] == "gp_walreceiver"


def test_no_quotes_where_none_are_needed():
    assert conninfo({"user": "r", "host": "cdw", "passfile": "/h/.pgpass"}) == "host=cdw passfile=/h/.pgpass user=r"


@pytest.mark.parametrize(
    "parameters",
    [
        {"keepalives_idl": "3"},
        {"port=1 host": "x"},
        {"host port": "x"},
        {"dsn": "host=x"},
        {"database": "x"},
        {"host": "x\0y"},
        {"user": "\udcff"},
    ],
)
def test_parameters_that_libpq_would_not_read_as_they_are_given_are_refused(parameters):
    with pytest.raises(CoordinatorError, match=r"a connection cannot have the parameters .*: correct them"):
        conninfo({"user": "r", **parameters})


@pytest.mark.parametrize("text", ["", "host", "host='a", "nonsense=1 host=a", "host=a \udcff=b", "user=\udcff"])
def test_what_libpq_would_not_take_has_no_parameters(text):
    assert parse_conninfo(text) == {}


def test_our_own_sessions_do_without_what_an_older_libpq_does_not_know(monkeypatch):
    parameters = {"host": "cdw", "keepalives_idle": "3", "tcp_user_timeout": "6000", "sslmode": "verify-full"}
    assert of_psycopg2(parameters) == parameters
    make_dsn = psycopg2.extensions.make_dsn

    def older(**given):
        if "tcp_user_timeout" in given:
            raise psycopg2.ProgrammingError('invalid dsn: invalid connection option "tcp_user_timeout"')
        return make_dsn(**given)

    monkeypatch.setattr(psycopg2.extensions, "make_dsn", older)
    assert of_psycopg2(parameters) == {name: value for name, value in parameters.items() if name != "tcp_user_timeout"}


def test_an_address_is_read_too():
    assert parse_conninfo("postgresql://r@cdw:5432/?application_name=a%20b") == {
        "user": "r",
        "host": "cdw",
        "port": "5432",
        "application_name": "a b",
    }


@pytest.fixture
def older(monkeypatch):
    """A psycopg2 whose libpq knows less than the engine's."""
    newest = psycopg2.extensions.parse_dsn

    def parse(text):
        found = newest(text)
        for name in ("tcp_user_timeout", "gssencmode", "krbsrvname"):
            if name in found:
                raise psycopg2.ProgrammingError(f'invalid dsn: invalid connection option "{name}"\n')
        return found

    monkeypatch.setattr(psycopg2.extensions, "parse_dsn", parse)


@pytest.mark.parametrize("value", ["a b", "it's", "back\\slash", "tcp_user_timeout=1 x"])
def test_an_older_libpq_reads_what_the_engine_knows(older, value):
    parameters = {"host": "cdw", "tcp_user_timeout": "10000", "gssencmode": "prefer", "application_name": value}
    assert parse_conninfo(conninfo(parameters)) == parameters
    engine = "user=r host=cdw gssencmode=prefer krbsrvname='post''gres' target_session_attrs=any".replace("''", "\\'")
    assert parse_conninfo(engine)["krbsrvname"] == "post'gres"
    assert parse_conninfo(engine)["target_session_attrs"] == "any"


def test_an_older_libpq_refuses_what_none_knows(older):
    with pytest.raises(CoordinatorError, match='invalid connection option "keepalives_idl"'):
        conninfo({"host": "cdw", "tcp_user_timeout": "1", "keepalives_idl": "3"})
    assert parse_conninfo("host=cdw tcp_user_timeout=1 keepalives_idl=3") == {}


@given(st.text())
def test_any_text_is_read(text):
    assert isinstance(parse_conninfo(text), dict)
