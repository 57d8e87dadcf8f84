# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import socket
import struct

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.replication import Upstream
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import relay
from hypothesis import given
from hypothesis import strategies as st

# As pg_rewind 12 and 15 ask.
LIST = b"""WITH RECURSIVE files (path, filename, size, isdir) AS (
  SELECT '' AS path, filename, size, isdir FROM
  (SELECT pg_ls_dir('.', true, false) AS filename) AS fn,
        pg_stat_file(fn.filename, true) AS this
  UNION ALL
  SELECT parent.path || parent.filename || '/' AS path,
         fn, this.size, this.isdir
  FROM files AS parent,
       pg_ls_dir(parent.path || parent.filename, true, false) AS fn,
       pg_stat_file(parent.path || parent.filename || '/' || fn, true) AS this
       WHERE parent.isdir = 't'
)
SELECT path || filename, size, isdir,
       pg_tablespace_location(pg_tablespace.oid) AS link_target
FROM files
LEFT OUTER JOIN pg_tablespace ON files.path = 'pg_tblspc/'
                             AND oid::text = files.filename
"""
STARTUP = struct.pack("!II", 14, 196608) + b"user\0r"


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


def upstream(primary, **connection) -> Upstream:
    return Upstream(host="127.0.0.1", port=primary.port, user="r", store=None, connection=connection)


def ask(between: relay.Relay, port: int, sent: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(f"{between.directory}/.s.PGSQL.{port}")
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: client.recv(1 << 16), b""))


def test_the_list_alone_gets_a_condition(primary):
    before = STARTUP + message(b"p", b"secret\0") + message(b"Q", b"SELECT 1\0")
    after = message(b"d", os.urandom(50) * 10000) + message(b"Q", LIST + b"\0")
    with relay.Relay(upstream(primary), "files.path <> ''") as between:
        got = ask(between, primary.port, before + message(b"Q", LIST + b"\0") + after)
        assert between.applied
        assert os.stat(between.directory).st_mode & 0o077 == 0
    assert got == (before + message(b"Q", LIST + b"WHERE files.path <> ''\n\0") + after).upper()
    assert not os.path.exists(between.directory)


def test_what_is_unknown_passes_as_it_is(primary):
    sent = STARTUP + message(b"Q", LIST.replace(b"oid::text", b"oid::name") + b"\0") + message(b"X", b"")
    with relay.Relay(upstream(primary), "true") as between:
        assert ask(between, primary.port, sent) == sent.upper()
        assert not between.applied


def test_a_client_is_told_that_the_primary_is_unreachable(primary):
    away = upstream(primary)
    primary.leave()
    with relay.Relay(away, "true") as between, socket.socket(socket.AF_UNIX) as client:
        client.connect(f"{between.directory}/.s.PGSQL.{away.port}")
        told = client.recv(1 << 16)
    assert told[:1] == b"E"
    assert struct.unpack("!I", told[1:5])[0] == len(told) - 1
    assert b"MThe primary 127.0.0.1 does not answer".lower() in told.lower()


@pytest.mark.parametrize(
    ("mode", "answer", "possible"),
    [
        (None, b"N", True),
        (None, b"S", False),
        ("allow", b"S", False),
        ("disable", b"S", True),
        ("require", b"N", False),
        ("verify-full", b"N", False),
    ],
)
def test_tls_has_no_room_for_it(primary, mode, answer, possible):
    primary.tls = answer
    refused = relay.refusal(upstream(primary, **({"sslmode": mode} if mode else {})))
    assert refused == (None if possible else "the connection to the primary is by TLS")


def test_a_primary_that_is_unreachable_is_told_before(primary):
    away = upstream(primary)
    primary.leave()
    with pytest.raises(relay.CoordinatorError, match="does not answer on port"):
        relay.refusal(away)


def test_a_primary_that_is_silent_is_told_before(monkeypatch):
    monkeypatch.setattr(relay, "_TIMEOUT", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        silent = Upstream(host="127.0.0.1", port=listener.getsockname()[1], user="r", store=None)
        with pytest.raises(relay.CoordinatorError, match="timed out"):
            relay.refusal(silent)


@pytest.mark.parametrize("query", [LIST.rstrip(), LIST, LIST.replace(b"\n  ", b"\n\t")])
def test_the_query_is_known_in_its_forms(query):
    assert relay.change_query(query, "c") == query + b"WHERE c\n"


@given(st.sampled_from([b"", b"WHERE files.size > 0", b"ORDER BY 1", b";", b"UNION SELECT 1"]), st.binary(max_size=20))
def test_any_other_is_left_alone(end, begin):
    if begin or end:
        assert relay.change_query(begin + LIST + end, "c") is None


def test_the_condition_names_what_is_left_out():
    told = relay.without_wal(["000000010000000000000003", "000000010000000000000004"])
    assert "IN ('', '000000010000000000000003', '000000010000000000000004')" in told
    assert "IN ('')" in relay.without_wal([])
