# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""A session on the primary that reads its files by functions while it is in a backup, which ends with the session.

What comes is asked for by ``COPY`` in binary form, so that bytes travel as they are.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import socket
import struct
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import work
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection import (
    INSUFFICIENT_PRIVILEGE,
    SESSION_NAME,
    in_utility_mode,
)

try:
    import psycopg2
    import psycopg2.extensions
except ImportError:  # told where a module begins
    pass

#: bytes that are read at once
PIECE = 1 << 20

#: seconds to connect; then those after which a host that is gone is noticed
_TIMEOUT: dict[str, t.Any] = {"connect_timeout": 20, "keepalives_idle": 15, "keepalives_interval": 5, "keepalives_count": 3}

#: the functions by which a backup begins and ends: those of the engine, and those of PostgreSQL since 15
BEGIN_END = (
    ("pg_start_backup(text,boolean,boolean)", "pg_stop_backup(boolean,boolean)"),
    ("pg_backup_start(text,boolean)", "pg_backup_stop(boolean)"),
)

_LABEL = re.compile(r"START WAL LOCATION: ([0-9A-F]+/[0-9A-F]+) .*^START TIMELINE: ([0-9]{1,10})$", re.DOTALL | re.MULTILINE)

#: what a COPY in binary form begins with
_SIGNATURE = b"PGCOPY\n\xff\r\n\0"


class Unavailable(CoordinatorError):
    """The primary does not let this role do it."""


@dataclasses.dataclass(frozen=True)
class Range:
    """A part of a file.

    :param path: of the file, relative to the data directory.
    :param first: where it begins.
    :param until: where it ends.
    """

    path: str
    first: int
    until: int


class Listed(t.NamedTuple):
    """An entry of a directory, of which there may be hundreds of thousands.

    :param name: its name.
    :param size: bytes of a file.
    :param directory: whether it is one.
    """

    name: str
    size: int
    directory: bool


@dataclasses.dataclass(frozen=True)
class Server:
    """What is to be known of the primary.

    :param system_identifier: of its system.
    :param block: bytes of a page.
    :param blocks: pages of a segment of a relation.
    :param checksums: whether pages have checksums.
    :param directory_mode: mode of its data directory.
    :param segment_bytes: size of a WAL segment.
    """

    system_identifier: str
    block: int
    blocks: int
    checksums: bool
    directory_mode: int
    segment_bytes: int


@dataclasses.dataclass(frozen=True)
class Backup:
    """A backup that was ended.

    :param label: text of its ``backup_label``.
    :param timeline: timeline of its WAL.
    :param start: where the WAL begins that it needs.
    :param stop: where that ends.
    """

    label: str
    timeline: int
    start: Lsn
    stop: Lsn


class _Rows:
    """Takes a COPY in binary form, and hands on each row.

    :param row: called with the fields of each, None for NULL.
    """

    def __init__(self, row: t.Callable[[list[bytes | None]], None]) -> None:
        self._row = row
        self._rest = b""
        self._begun = False

    def write(self, data: bytes) -> None:
        """Take what has come."""
        rest = self._rest + data if self._rest else bytes(data)
        at = 0
        if not self._begun:
            head = len(_SIGNATURE) + 8
            if len(rest) < head:
                self._rest = rest
                return
            if not rest.startswith(_SIGNATURE):
                raise CoordinatorError("the primary sends no COPY in binary form: see what the port that was given belongs to")
            at = head + struct.unpack_from("!i", rest, head - 4)[0]
            if len(rest) < at:
                self._rest = rest
                return
            self._begun = True
        while True:
            found = self._parse(rest, at)
            if found is None:
                break
            fields, at = found
            self._row(fields)
        self._rest = rest[at:]

    @staticmethod
    def _parse(data: bytes, at: int) -> tuple[list[bytes | None], int] | None:
        """A row that begins there, and where the next one does; None where it is not there as a whole, or the last one was."""
        if len(data) < at + 2:
            return None
        number = struct.unpack_from("!h", data, at)[0]
        if number < 0:
            return None
        at += 2
        fields: list[bytes | None] = []
        for _field in range(number):
            if len(data) < at + 4:
                return None
            size = struct.unpack_from("!i", data, at)[0]
            at += 4
            if size < 0:
                fields.append(None)
                continue
            if len(data) < at + size:
                return None
            fields.append(data[at : at + size])
            at += size
        return fields, at


class BackupSession:
    """The session.

    :param raw: the connection of psycopg2.
    :param name: of the primary, for errors.
    """

    def __init__(self, raw: t.Any, name: str) -> None:
        self._raw = raw
        self._name = name
        self._stop = ""

    def _failed(self, error: Exception, doing: str) -> CoordinatorError:
        work.check()  # the connection was shut down for that
        code = getattr(error, "pgcode", None) or ""
        said = " ".join(str(error).split())
        if code == INSUFFICIENT_PRIVILEGE:
            return Unavailable(f"{doing} is not allowed to its role: {said}")
        if self._raw.closed or code.startswith("57P"):
            return CoordinatorError(f"the connection to the primary {self._name} was lost while {doing}: {said}")
        return CoordinatorError(f"{doing} on the primary {self._name} failed: {said}")

    def _query(self, statement: str, *values: t.Any, doing: str, kind: t.Callable[[t.Any], t.Any] = tuple) -> list[t.Any]:
        try:
            with self._raw.cursor() as cursor:
                cursor.execute(statement, values or None)
                return [*map(kind, cursor)]
        except psycopg2.Error as error:
            raise self._failed(error, doing) from error
        except UnicodeDecodeError as error:
            raise Unavailable(f"{doing} found {error.object!r:.200}, which is no name in UTF-8") from error

    def _copy(self, row: t.Callable[[list[bytes | None]], None], statement: str, *values: t.Any, doing: str) -> None:
        try:
            with self._raw.cursor() as cursor:
                asked = cursor.mogrify(statement, values).decode("utf-8", "surrogateescape")
                cursor.copy_expert(f"COPY ({asked}) TO STDOUT (FORMAT binary)", _Rows(row), 1 << 16)
        except psycopg2.Error as error:
            raise self._failed(error, doing) from error

    def server(self) -> Server:
        """What is to be known of the primary."""
        row = self._query(
            """
            SELECT system_identifier::text, current_setting('block_size')::int,
                   (SELECT setting::int FROM pg_settings WHERE name = 'segment_size'), current_setting('data_checksums') = 'on',
                   current_setting('data_directory_mode'), (SELECT bytes_per_wal_segment FROM pg_control_init())
            FROM pg_control_system()
            """,
            doing="asking for its settings",
        )[0]
        system, block, blocks, checksums, mode, segment = row
        return Server(system, block, blocks, checksums, int(mode, 8), segment)

    def begin(self, fast: bool) -> Lsn:
        """Begin the backup; its checkpoint is written. Returns where its WAL begins.

        :param fast: at once, or spread over time.
        """
        known = self._query("SELECT to_regprocedure('pg_catalog.' || %s) IS NOT NULL", BEGIN_END[1][0], doing="asking for a function")[0][0]
        begin, self._stop = ("pg_backup_start(%s, %s)", "pg_backup_stop(false)") if known else (
            "pg_start_backup(%s, %s, false)", "pg_stop_backup(false, false)"
        )  # fmt: skip
        return Lsn.parse(self._query(f"SELECT {begin}::text", "warehousepg.coordinator", fast, doing="beginning a backup")[0][0])

    def end(self) -> Backup:
        """End the backup, and let the WAL that it needs be written as a whole."""
        stop, label = self._query(f"SELECT lsn::text, labelfile FROM {self._stop}", doing="ending the backup")[0]
        found = _LABEL.search(label or "")
        if found is None:
            raise CoordinatorError(f"the backup label of the primary {self._name} is not understood: {label!r}")
        return Backup(label, int(found.group(2)), Lsn.parse(found.group(1)), Lsn.parse(stop))

    def tablespaces(self) -> dict[int, str]:
        """The locations of its user tablespaces by their numbers."""
        rows = self._query(
            "SELECT oid::int8, pg_tablespace_location(oid) FROM pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global')",
            doing="asking for its tablespaces",
        )
        return {int(oid): location for oid, location in rows}

    def entries(self, directory: str) -> list[Listed] | None:
        """What is in a directory of the primary; None where it is not there.

        :param directory: relative to the data directory; empty for that itself.
        """
        if directory and self._query("SELECT (pg_stat_file(%s, true)).isdir", directory, doing=f"looking at {directory}")[0][0] is None:
            return None
        return self._query(
            """
            SELECT name, stat.size, stat.isdir
            FROM pg_ls_dir(%s, true, false) AS name, LATERAL pg_stat_file(%s || name, true) AS stat WHERE stat.isdir IS NOT NULL
            """,
            directory or ".",
            f"{directory}/" if directory else "",
            doing=f"listing {directory or 'its data directory'}",
            kind=Listed._make,
        )

    def digests(self, ranges: t.Sequence[Range], block: int, row: t.Callable[[int, int, bytes | None], None]) -> None:
        """The SHA-256 of each block of parts of files.

        :param row: called with the number of the part, the position and the digest, None where the file is gone.
        """
        self._read(f"sha256(pg_read_binary_file(wanted.path, at, least({block}, wanted.until - at), true))", ranges, block, row)

    def read(self, ranges: t.Sequence[Range], row: t.Callable[[int, int, bytes | None], None]) -> None:
        """Parts of files, in pieces.

        :param row: called with the number of the part, the position and the bytes, None where the file is gone.
        """
        self._read(f"pg_read_binary_file(wanted.path, at, least({PIECE}, wanted.until - at), true)", ranges, PIECE, row)

    def _read(self, what: str, ranges: t.Sequence[Range], step: int, row: t.Callable[[int, int, bytes | None], None]) -> None:
        def take(fields: list[bytes | None]) -> None:
            number, at, found = fields
            row(int.from_bytes(number or b"", "big") - 1, int.from_bytes(at or b"", "big"), found)

        self._copy(
            take,
            f"""
            SELECT wanted.number::int8, at::int8, {what}
            FROM unnest(%s::text[], %s::int8[], %s::int8[]) WITH ORDINALITY AS wanted(path, first, until, number),
                 LATERAL generate_series(wanted.first, wanted.until - 1, {step}::int8) AS at
            """,
            [each.path for each in ranges],
            [each.first for each in ranges],
            [each.until for each in ranges],
            doing="reading its files",
        )


@contextlib.contextmanager
def session(conninfo: t.Callable[[str], str], name: str) -> t.Iterator[BackupSession]:
    """The session, as long as it is used; it is shut down where the work is given up.

    :param conninfo: the connection string, of the start-up option that asks for utility mode.
    :param name: of the primary, for errors.
    :raises Unavailable: the primary does not let this role in.
    :raises CoordinatorError: it does not answer.
    """
    raw = in_utility_mode(lambda mode: _connect(conninfo(mode), name))
    raw.autocommit = True
    with socket.socket(fileno=os.dup(raw.fileno())) as line:

        def shut() -> None:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

        try:
            with work.interruptible(shut):
                yield BackupSession(raw, name)
        finally:
            raw.close()


def _connect(conninfo: str, name: str) -> t.Any:
    psycopg2.extensions.set_wait_callback(None)
    try:
        return psycopg2.connect(conninfo, client_encoding="UTF8", application_name=SESSION_NAME, **_TIMEOUT)
    except psycopg2.Error as error:
        said = " ".join(str(error).split())
        refused = "pg_hba.conf" in said or "authentication" in said or "permission denied" in said
        kind = Unavailable if refused else CoordinatorError
        raise kind(f"the primary {name} does not let this role read its files: {said}" if refused else f"{name}: {said}") from error
