# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""A relay between pg_rewind and the primary, which leaves files out of the list that pg_rewind asks for.

``pg_rewind`` lists the source's files by a query, and copies every one that is no relation's, all of ``pg_wal`` too. Nothing tells
it not to. The relay passes all bytes as they are, and adds a condition to that query alone; one that it does not know passes, too.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import struct
import tempfile
import threading
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.replication import Upstream
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.trust import TLS_REQUEST

#: the query (libpq_fetch.c of the engine's pg_rewind, libpq_source.c of PostgreSQL's since 14), to which a condition is added
_LIST = re.compile(
    rb"WITH RECURSIVE files \(path, filename, size, isdir\) AS \(.*\nFROM files\s+LEFT OUTER JOIN pg_tablespace"
    rb" ON files\.path = 'pg_tblspc/'\s+AND oid::text = files\.filename\s*",
    re.DOTALL,
)

#: seconds to connect to the primary
_TIMEOUT = 20.0


def without_wal(names: t.Iterable[str]) -> str:
    """The condition that leaves WAL segments out: those of these names, and those that wait to be used again.

    The latter have names behind the one that is written, and hold old WAL.
    """
    known = ", ".join(["''", *(f"'{name}'" for name in names)])
    later = 'substr(files.filename, 9) COLLATE "C" > substr(pg_walfile_name(pg_current_wal_lsn()), 9)'
    return f"NOT (files.path = 'pg_wal/' AND (files.filename IN ({known}) OR (files.filename ~ '^[0-9A-F]{{24}}$' AND {later})))"


def change_query(query: bytes, condition: str) -> bytes | None:
    """The query for the list of files with a condition; None for any other query."""
    return query + b"WHERE " + condition.encode() + b"\n" if _LIST.fullmatch(query) else None


def refusal(upstream: Upstream) -> str | None:
    """Why there can be no relay: a connection by TLS has no room for one. None when there can.

    :raises CoordinatorError: the primary does not answer.
    """
    mode = upstream.connection.get("sslmode", "prefer")
    if mode == "disable":
        return None
    if mode in ("prefer", "allow"):
        with _connect(upstream) as server:
            try:
                server.sendall(TLS_REQUEST)
                if server.recv(1) != b"S":
                    return None
            except OSError as error:
                raise _away(upstream, error) from error
    return "the connection to the primary is by TLS"


def _connect(upstream: Upstream) -> socket.socket:
    parameters = upstream.parameters()
    address = parameters.get("hostaddr", upstream.host)
    try:
        server = socket.create_connection((address, upstream.port), _TIMEOUT)
    except OSError as error:
        raise _away(upstream, error) from error
    server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return server


def _away(upstream: Upstream, error: OSError) -> CoordinatorError:
    return CoordinatorError(f"the primary {upstream.host} does not answer on port {upstream.port}: {error}")


class Relay:
    """The relay, as long as it is used; on a socket that no other user can reach.

    :param upstream: the connection to the primary.
    :param condition: SQL on ``files.path`` and ``files.filename``.
    """

    def __init__(self, upstream: Upstream, condition: str) -> None:
        self._upstream = upstream
        self._condition = condition
        self._listener = socket.socket(socket.AF_UNIX)
        #: what libpq is given as the host
        self.directory = ""
        #: whether the condition was added
        self.applied = False

    def __enter__(self) -> Relay:
        self.directory = tempfile.mkdtemp(prefix="coordinator-")
        self._listener.bind(f"{self.directory}/.s.PGSQL.{self._upstream.port}")
        self._listener.listen()
        _start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # ends the wait for a client, which closing does not
        self._listener.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _accept(self) -> None:
        while True:
            try:
                client = self._listener.accept()[0]
            except OSError:
                return
            try:
                server = _connect(self._upstream)
            except CoordinatorError as error:
                with client:
                    client.sendall(_fatal(error.message))
                continue
            server.settimeout(None)
            _start(_pass, server, client)
            _start(self._pass_queries, client, server)

    def _pass_queries(self, client: socket.socket, server: socket.socket) -> None:
        try:
            with client.makefile("rb") as messages:
                packet = messages.read(4)  # the first has no type
                server.sendall(packet + messages.read(_length(packet)))
                changed = None
                while changed is None:
                    head = messages.read(5)
                    body = messages.read(_length(head[1:]))
                    changed = change_query(body.rstrip(b"\0"), self._condition) if head[:1] == b"Q" else None
                    if changed is not None:
                        self.applied = True
                        head, body = b"Q" + struct.pack("!I", len(changed) + 5), changed + b"\0"
                    server.sendall(head + body)
                while True:
                    data = messages.read1(1 << 16)
                    if not data:
                        break
                    server.sendall(data)
        except (OSError, EOFError):
            pass
        finally:
            _end(server)


def _length(field: bytes) -> int:
    """Bytes that follow the length field of a message, which counts itself.

    :raises EOFError: the client is gone.
    """
    if len(field) < 4:
        raise EOFError
    return int(struct.unpack("!I", field)[0]) - 4


def _fatal(message: str) -> bytes:
    """An ErrorResponse of the protocol."""
    fields = b"".join(field.encode() + b"\0" for field in ("SFATAL", "C08006", f"M{message}", ""))
    return b"E" + struct.pack("!I", len(fields) + 4) + fields


def _start(work: t.Callable[..., None], *arguments: t.Any) -> None:
    threading.Thread(target=work, args=arguments, daemon=True).start()


def _pass(source: socket.socket, sink: socket.socket) -> None:
    try:
        while True:
            data = source.recv(1 << 18)
            if not data:
                break
            sink.sendall(data)
    except OSError:
        pass
    finally:
        _end(sink)


def _end(sink: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it is gone
        sink.shutdown(socket.SHUT_WR)
