# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""SQL connections to one instance, in utility mode, with nothing taken from the environment, a role, a database or the configuration."""

from __future__ import annotations

import contextlib
import os
import re
import select
import socket
import struct
import time
import traceback
import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.border import digits
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import user_name
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection_string import of_psycopg2
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import Instance

try:
    import psycopg2
    import psycopg2.extensions
    import psycopg2.extras
except ImportError:
    HAS_PSYCOPG2 = False
    PSYCOPG2_ERROR = traceback.format_exc()
else:
    HAS_PSYCOPG2 = True
    PSYCOPG2_ERROR = ""

#: the database that exists in every cluster and that holds nothing of users
DATABASE = "postgres"

#: what sessions of ours call themselves
SESSION_NAME = "warehousepg.coordinator"

Row = t.Dict[str, t.Any]


#: what a session has of its own, so that no limit or default of a role, a database or the configuration is its; any role may set these
SESSION = {
    "role": "none",
    "search_path": "pg_catalog,pg_temp",
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "default_transaction_read_only": "off",
    "default_transaction_isolation": "read committed",
    "default_transaction_deferrable": "off",
    "synchronous_commit": "on",  # a commit is to wait for the standby
    "client_min_messages": "notice",
    "local_preload_libraries": "",
    "row_security": "on",
    "standard_conforming_strings": "on",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "DateStyle": "ISO,YMD",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
}

#: the same, of what only a superuser may set
SESSION_OF_OWNER = {"session_preload_libraries": "", "session_replication_role": "origin", "lc_messages": "C"}


def session_options(owner: bool = False) -> str:
    """Start-up options of libpq for a session of ours, or of a program that we start.

    :param owner: whether it is one of the instance's owner, a superuser.
    """
    settings = {**SESSION, **(SESSION_OF_OWNER if owner else {})}
    return " ".join(f"-c {name}=" + value.replace(" ", "\\ ") for name, value in settings.items())


class NoAnswer(CoordinatorError):
    """An instance did not answer within its time."""


class Refused(CoordinatorError):
    """An instance refused a connection or a statement; ``message`` is what it said."""

    @property
    def kind(self) -> str:
        """What kind of refusal it is: the first of :data:`REFUSALS` that fits."""
        sqlstate = self.data.get("sqlstate") or ""
        return next((kind for prefix, kind in REFUSALS if sqlstate.startswith(prefix)), OTHER)


#: SQLSTATE of what a role lacks the privilege for
INSUFFICIENT_PRIVILEGE = "42501"

#: kinds of refusals by how their SQLSTATE begins: an instance that answers so does not hang, and whether it serves others is not said
CONNECTIONS, RESOURCES, NOT_ACCEPTING, AUTHORIZATION, TERMINATED, OTHER = (
    "too_many_connections",
    "out_of_resources",
    "not_accepting_connections",
    "not_authorized",
    "terminated_or_canceled",
    "other",
)

KINDS = (CONNECTIONS, RESOURCES, NOT_ACCEPTING, AUTHORIZATION, TERMINATED, OTHER)
REFUSALS = (
    ("53300", CONNECTIONS),
    ("53", RESOURCES),
    ("57P03", NOT_ACCEPTING),
    ("57M02", NOT_ACCEPTING),
    ("28", AUTHORIZATION),
    (INSUFFICIENT_PRIVILEGE, AUTHORIZATION),
    ("57014", TERMINATED),
    ("57P", TERMINATED),
)

#: what the kernel says where an instance, as one that hangs, takes none of the connections that wait for it
_BUSY = "Resource temporarily unavailable"

_T = t.TypeVar("_T")


def permitted(read: t.Callable[[], _T]) -> _T | None:
    """What is read by statements, None where the role that asks may not read it."""
    try:
        return read()
    except Refused as error:
        if error.data.get("sqlstate") != INSUFFICIENT_PRIVILEGE:
            raise
        return None


def require_psycopg2(module: AnsibleModule) -> None:
    """End the module when psycopg2 is missing."""
    if not HAS_PSYCOPG2:
        module.fail_json(msg=missing_required_lib("psycopg2"), exception=PSYCOPG2_ERROR)


class _Deadline:
    """Lets every wait of a connection end at a moment; psycopg2 calls it instead of waiting itself."""

    def __init__(self) -> None:
        self.moment = float("inf")

    def __call__(self, connection: t.Any) -> None:
        while True:
            state = connection.poll()
            if state == psycopg2.extensions.POLL_OK:
                return
            reading = [connection] if state == psycopg2.extensions.POLL_READ else []
            writing = [connection] if state == psycopg2.extensions.POLL_WRITE else []
            left = self.moment - time.monotonic()
            if left <= 0:
                raise NoAnswer("the instance did not answer in time")
            select.select(reading, writing, [], min(left, 3600))


class Connection:
    """An autocommit connection to one instance.

    :param raw: the connection of psycopg2.
    """

    def __init__(self, raw: t.Any, deadline: _Deadline) -> None:
        self._raw = raw
        self._deadline = deadline

    @property
    def backend_pid(self) -> int:
        """Process identifier of the backend that serves the connection."""
        return t.cast(int, self._raw.get_backend_pid())

    def allow(self, seconds: float) -> None:
        """Give what is asked from now on this long to be answered, in seconds, or longer if that was allowed already."""
        self._deadline.moment = max(self._deadline.moment, time.monotonic() + seconds)

    def query(self, statement: str, *values: t.Any, timeout: float | None = None) -> list[Row]:
        """Run a statement and return its rows.

        :param values: for the ``%s`` of the statement.
        :param timeout: seconds until it must be answered; None: as the connection was opened with.
        :raises NoAnswer: it was not.
        :raises Refused: the engine reported an error.
        """
        if timeout is not None:
            self._deadline.moment = time.monotonic() + timeout
        try:
            with self._raw.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
                cursor.execute(statement, values or None)
                return [dict(row) for row in cursor.fetchall()] if cursor.description else []
        except psycopg2.Error as error:
            raise Refused(f"{str(error).strip()} (statement: {statement})", sqlstate=error.pgcode) from error

    def value(self, statement: str, *values: t.Any) -> t.Any:
        """The single value that a statement returns."""
        return next(iter(self.query(statement, *values)[0].values()))


#: start-up options that ask for utility mode: WarehousePG 7's name of the setting, and 6's
_UTILITY = ("-c gp_role=utility", "-c gp_session_role=utility")

T = t.TypeVar("T")


def in_utility_mode(connecting: t.Callable[[str], T]) -> T:
    """What is done by a connection in utility mode, under the name that the engine has for it: it is asked by the one, then by the other.

    :param connecting: does it, with that start-up option; its CoordinatorError says what the engine says.
    """
    try:
        return connecting(_UTILITY[0])
    except CoordinatorError as error:
        if "unrecognized configuration parameter" not in error.message:
            raise
    return connecting(_UTILITY[1])


#: the protocol of client and server: version 3.0; the kinds of messages that end its beginning
_PROTOCOL = 196608
_ERROR, _AUTHENTICATION, _READY = b"E", b"R", b"Z"


def ask_refusal(socket_directory: str, port: int, parameters: t.Mapping[str, str], timeout: float) -> str | None:
    """The SQLSTATE with which an instance refuses a connection; None where it does not, or does not say.

    libpq tells of a refused connection its text alone, in whatever language the instance speaks.

    :param parameters: of the start-up message.
    :param timeout: seconds for it.
    """
    words = "".join(f"{name}\0{value}\0" for name, value in parameters.items()).encode() + b"\0"
    with contextlib.suppress(OSError, struct.error), socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(max(timeout, 0.01))
        peer.connect(os.path.join(socket_directory, f".s.PGSQL.{port}"))
        peer.sendall(struct.pack("!II", len(words) + 8, _PROTOCOL) + words)
        with peer.makefile("rb") as stream:
            while True:
                kind, size = struct.unpack("!cI", stream.read(5))
                body = stream.read(size - 4)
                if kind == _ERROR:
                    return next((field[1:].decode() for field in body.split(b"\0") if field[:1] == b"C"), None)
                if kind == _READY or (kind == _AUTHENTICATION and any(body[:4])):
                    return None
    return None


@contextlib.contextmanager
def connect(
    socket_directory: str, port: int, options: str, timeout: float, user: str | None = None, owner: bool = False
) -> t.Iterator[Connection]:
    """A connection to an instance of this host, with settings of its own.

    :param socket_directory: of its Unix-domain socket.
    :param options: further start-up options, such as that of :func:`in_utility_mode`.
    :param timeout: seconds for the connection and, unless a statement has its own, for all that is asked through it.
    :param user: role to connect as; None: the one with the name of the user that runs the module.
    :param owner: whether that role is the one of the instance's owner.
    :raises NoAnswer: no connection in that time.
    :raises Refused: the instance refused it.
    """
    deadline = _Deadline()
    deadline.moment = time.monotonic() + timeout
    outer = psycopg2.extensions.get_wait_callback()
    psycopg2.extensions.set_wait_callback(deadline)
    raw = None
    parameters: dict[str, t.Any] = {
        "user": user or user_name(os.getuid()),
        "options": f"{session_options(owner)} {options}".rstrip(),
        "application_name": SESSION_NAME,
        "client_encoding": "UTF8",
    }
    try:
        try:
            raw = psycopg2.connect(host=socket_directory, port=port, dbname=DATABASE, **parameters)
        except psycopg2.OperationalError as error:
            if _BUSY in str(error):
                raise NoAnswer("the instance accepts no connection: those that wait for it are too many") from error
            left = min(deadline.moment - time.monotonic(), 1.0)
            sqlstate = error.pgcode or ask_refusal(socket_directory, port, {**parameters, "database": DATABASE}, left)
            raise Refused(str(error).strip(), sqlstate=sqlstate) from error
        raw.autocommit = True
        yield Connection(raw, deadline)
    finally:
        if raw is not None:
            raw.close()
        psycopg2.extensions.set_wait_callback(outer)


@contextlib.contextmanager
def connect_primary(instance: Instance, timeout: float = 60.0, dispatch: bool = False, user: str | None = None) -> t.Iterator[Connection]:
    """A connection to a primary of this host.

    :param timeout: as of :func:`connect`.
    :param dispatch: in dispatch mode instead of utility mode, where segments have to take part.
    :param user: as of :func:`connect`.
    :raises CoordinatorError: it is no primary that runs.
    """
    where = instance.data_directory
    if instance.directory_state != "instance":
        raise CoordinatorError(f"{where} holds no instance: set data_directory to the primary's", data_directory=where)
    if instance.role != "primary":
        raise CoordinatorError(f"the instance in {where} is a standby: run this on the primary's host", data_directory=where)
    if instance.postmaster is None:
        raise CoordinatorError(f"the instance in {where} is stopped: start it", data_directory=where)
    deadline = time.monotonic() + timeout

    def opened(stack: contextlib.ExitStack) -> Connection:
        """A connection, as soon as there is one: those of others come and go."""
        while True:
            left = max(deadline - time.monotonic(), 0.1)
            try:
                return stack.enter_context(
                    _connect_to(instance, "", left, user) if dispatch else connect_utility(instance, left, user),
                )
            except Refused as error:
                if error.kind != CONNECTIONS or time.monotonic() >= deadline:
                    raise
                time.sleep(0.1)

    with contextlib.ExitStack() as stack:
        connection = opened(stack)
        if dispatch:
            _bypass_resource_group(connection)
        yield connection


def _bypass_resource_group(connection: Connection) -> None:
    """Wait for no place in a resource group, which users may have filled; an engine without them has no such setting."""
    with contextlib.suppress(Refused):
        connection.query("SET gp_resource_group_bypass = on")


def _connect_to(instance: Instance, options: str, timeout: float, user: str | None) -> t.ContextManager[Connection]:
    directory = (instance.postmaster.socket_directory if instance.postmaster else None) or "/tmp"
    owner = instance.owner == (user or user_name(os.getuid()))
    return connect(directory, instance.port or 0, options, timeout, user, owner)


@contextlib.contextmanager
def connect_utility(instance: Instance, timeout: float, user: str | None = None) -> t.Iterator[Connection]:
    """A connection in utility mode.

    :param timeout: as of :func:`connect`, and ``user``.
    """
    with contextlib.ExitStack() as stack:
        yield in_utility_mode(lambda mode: stack.enter_context(_connect_to(instance, mode, timeout, user)))


class RemoteSession:
    """A session in utility mode on an instance of another host.

    Its waits have no limit but those of the connection; :meth:`cancel` ends them, from another thread.

    :param parameters: of libpq; who and where, and how to authenticate.
    :raises Refused: there is no connection.
    """

    def __init__(self, parameters: t.Mapping[str, str]) -> None:
        own = {"dbname": DATABASE, "application_name": SESSION_NAME, "client_encoding": "UTF8", "connect_timeout": "10"}

        def connecting(mode: str) -> t.Any:
            given: dict[str, t.Any] = {**own, **of_psycopg2(parameters), "options": f"{session_options()} {mode}"}
            try:
                return psycopg2.connect(**given)
            except psycopg2.Error as error:
                raise Refused(str(error).strip(), sqlstate=error.pgcode) from error

        self._raw = in_utility_mode(connecting)
        self._raw.autocommit = True

    def query(self, statement: str) -> None:
        """Run a statement.

        :raises Refused: the engine reported an error, or the connection was lost.
        """
        try:
            with self._raw.cursor() as cursor:
                cursor.execute(statement)
        except psycopg2.Error as error:
            raise Refused(f"{str(error).strip()} (statement: {statement})", sqlstate=error.pgcode) from error

    def cancel(self) -> None:
        """Let the statement that is waited for end now."""
        with contextlib.suppress(psycopg2.Error):
            self._raw.cancel()

    def close(self) -> None:
        """Close the connection."""
        self._raw.close()


def identifier(name: str) -> str:
    """A name quoted for use in a statement."""
    return '"' + name.replace('"', '""') + '"'


def last_replayed(refusal: str) -> str | None:
    """The LSN up to which a standby has replayed, from its refusal of a connection.

    The engine refuses with ``the database system is in recovery mode`` and tells the position in the detail.
    """
    match = re.search(r"last replayed record at ([0-9A-F]+/[0-9A-F]+)", refusal)
    return match.group(1) if match else None


#: where a setting of a session comes from that hides what the instance has
_OF_SESSION = ("global", "database", "user", "database user", "client", "override", "interactive", "session")


def configured(connection: Connection, names: t.Sequence[str]) -> dict[str, str]:
    """Settings as the instance has them, times with their unit, whatever the role, the database or the session has instead.

    A walsender has them so, too: no setting of a role or a database is one of its own (``InitPostgres``).
    """
    rows = connection.query("SELECT name, reset_val, boot_val, unit, source FROM pg_settings WHERE name = ANY(%s)", list(names))
    hidden = [row["name"] for row in rows if row["source"] in _OF_SESSION]
    filed = permitted(lambda: connection.query(_FILED, hidden)) if hidden else []
    given = {row["name"]: row["setting"] for row in filed or ()}
    found = {}
    for row in rows:
        known = str(row["reset_val"] if row["name"] not in hidden or filed is None else given.get(row["name"], row["boot_val"]))
        unit = row["unit"] if row["unit"] in ("ms", "s", "min") and digits(known) is not None else ""
        found[row["name"]] = f"{known}{unit}"
    return found


_FILED = "SELECT name, setting FROM pg_file_settings WHERE name = ANY(%s) AND error IS NULL ORDER BY seqno"
