# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SQL connections to one instance, in utility mode, with nothing taken from the environment."""

from __future__ import annotations

import contextlib
import os
import re
import select
import time
import traceback
import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.warehousepg.coordinator.plugins.module_utils.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils.host import user_name
from ansible_collections.warehousepg.coordinator.plugins.module_utils.instance import Instance

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

Row = t.Dict[str, t.Any]


class NoAnswer(CoordinatorError):
    """An instance did not answer within its time."""


class Refused(CoordinatorError):
    """An instance refused a connection or a statement; ``message`` is what it said."""


#: SQLSTATE of what a role lacks the privilege for
INSUFFICIENT_PRIVILEGE = "42501"

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
UTILITY = ("-c gp_role=utility", "-c gp_session_role=utility")


@contextlib.contextmanager
def connect(socket_directory: str, port: int, options: str, timeout: float, user: str | None = None) -> t.Iterator[Connection]:
    """A connection to an instance of this host.

    :param socket_directory: of its Unix-domain socket.
    :param options: start-up options, such as those in :data:`UTILITY`.
    :param timeout: seconds for the connection and, unless a statement has its own, for all that is asked through it.
    :param user: role to connect as; None: the one with the name of the user that runs the module.
    :raises NoAnswer: no connection in that time.
    :raises Refused: the instance refused it.
    """
    deadline = _Deadline()
    deadline.moment = time.monotonic() + timeout
    outer = psycopg2.extensions.get_wait_callback()
    psycopg2.extensions.set_wait_callback(deadline)
    raw = None
    try:
        try:
            raw = psycopg2.connect(
                host=socket_directory,
                port=port,
                dbname=DATABASE,
                user=user or user_name(os.getuid()),
                options=options,
                application_name="warehousepg.coordinator",
                client_encoding="UTF8",
            )
        except psycopg2.OperationalError as error:
            raise Refused(str(error).strip()) from error
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
    if instance.content != "instance":
        raise CoordinatorError(f"{where} holds no instance: set data_directory to the primary's", data_directory=where)
    if instance.role != "primary":
        raise CoordinatorError(f"the instance in {where} is a standby: run this on the primary's host", data_directory=where)
    if instance.postmaster is None:
        raise CoordinatorError(f"the instance in {where} is stopped: start it", data_directory=where)
    with connect_utility(instance, timeout, user) if not dispatch else _connect_to(instance, "", timeout, user) as connection:
        yield connection


def _connect_to(instance: Instance, options: str, timeout: float, user: str | None) -> t.ContextManager[Connection]:
    directory = (instance.postmaster.socket_directory if instance.postmaster else None) or "/tmp"
    return connect(directory, instance.port or 0, options, timeout, user)


@contextlib.contextmanager
def connect_utility(instance: Instance, timeout: float, user: str | None = None) -> t.Iterator[Connection]:
    """A connection in utility mode, under the name that the engine has for it: it is asked by the one, then by the other.

    :param timeout: as of :func:`connect`, and ``user``.
    """
    with contextlib.ExitStack() as stack:
        try:
            connection = stack.enter_context(_connect_to(instance, UTILITY[0], timeout, user))
        except Refused as error:
            if "unrecognized configuration parameter" not in error.message:
                raise
            connection = stack.enter_context(_connect_to(instance, UTILITY[1], timeout, user))
        yield connection


def identifier(name: str) -> str:
    """A name quoted for use in a statement."""
    return '"' + name.replace('"', '""') + '"'


def last_replayed(refusal: str) -> str | None:
    """The LSN up to which a standby has replayed, from its refusal of a connection.

    The engine refuses with ``the database system is in recovery mode`` and tells the position in the detail.
    """
    match = re.search(r"last replayed record at ([0-9A-F]+/[0-9A-F]+)", refusal)
    return match.group(1) if match else None
