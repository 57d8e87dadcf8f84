# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Rewinding a former primary to where the present one left it.

It happens under another name, so that nobody can start what is neither the one nor the other, and ends with a rename. ``pg_rewind`` would
replace what is the host's own, configuration, access rules, certificates, and remove what the source does not have, logs too: it is
taken out before, and comes back.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import tempfile
import time
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import aside, work
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.border import digits
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host, is_mount, read_text, rename
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.processes import processes
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import shared_wal, wal_link
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.configuration import read_settings
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection import DATABASE, in_utility_mode, session_options
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection_string import conninfo
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import file_mode, wait_until
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.replication import Upstream
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.tablespaces import is_part, link_targets
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import start_block
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import own_files, relay
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.snapshot import rewind_directory, taken_out

#: directories of logs
LOGS = ("log", "pg_log")


class Failed(CoordinatorError):
    """A directory could not be rewound."""


def set_aside(data_directory: str) -> list[str]:
    """Set what is in the place of a data directory aside, its parts of tablespaces included, and what a rewind left; returns where to."""
    place, staging = os.path.realpath(data_directory), rewind_directory(data_directory)
    if is_mount(place):  # which is never rewound
        return [_set_aside(data_directory, place, "set_aside")]
    with contextlib.suppress(OSError):
        os.rmdir(place)  # there may be nothing in it
    places = ((place, "set_aside"), (staging, "half_rewound"))
    return [_set_aside(data_directory, path, why) for path, why in places if os.path.lexists(path)]


def whole_again(data_directory: str) -> None:
    """See that what a rewind left, if it was cut off, has its own files and its WAL again.

    :raises CoordinatorError: it goes on, or something cannot be put back.
    """
    _end_rewinding(rewind_directory(data_directory))
    put_back(data_directory)
    for path in (os.path.realpath(data_directory), rewind_directory(data_directory)):
        shared_wal.put_back(path)


def _set_aside(data_directory: str, path: str, why: str) -> str:
    whole_again(data_directory)
    added = aside.suffix(why, time.time())
    moved, desired = aside.move(path, _dbid(path), added), aside.beside(data_directory, added)
    if moved != desired:
        rename(moved, desired)
    return desired


def _dbid(directory: str) -> int | None:
    dbid = read_settings(read_text(os.path.join(directory, "internal.auto.conf")) or "").get("gp_dbid", "")
    return digits(dbid)


def remove(path: str) -> str | None:
    """Remove a data directory that :func:`set_aside` moved, its parts of tablespaces and its WAL included; returns where the latter was."""
    added = aside.added_to(path)
    for part in [part for part in link_targets(path) if added and part.endswith(added) and is_part(part)]:
        aside.remove_tree(part)
    wal = wal_link.led_to(path)
    if wal is not None and added and (wal.endswith(added) or os.path.ismount(wal)):
        aside.remove_wal(path)
    aside.remove_tree(path)
    return wal


def _end_rewinding(staging: str) -> None:
    """End a ``pg_rewind`` that an earlier attempt left behind.

    :raises CoordinatorError: it does not end.
    """

    def rewinding() -> list[int]:
        return [process.pid for process in processes() if staging in process.command and process.command[0].endswith("pg_rewind")]

    for pid in rewinding():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    if not wait_until(lambda: not rewinding(), seconds=30):
        raise CoordinatorError(f"an earlier rewind in {staging} goes on and does not end: end its pg_rewind")


def source_server(parameters: t.Mapping[str, str], utility: str) -> str:
    """The connection string for ``pg_rewind``. In dispatch mode the engine's would copy files of segments, and say nothing.

    :param parameters: of libpq.
    :param utility: the start-up option that asks for utility mode.
    """
    options = " ".join(part for part in (session_options(), parameters.get("options", ""), utility) if part)
    return conninfo({**parameters, "dbname": DATABASE, "options": options})


def progress(told: str) -> work.Progress | None:
    """How far ``pg_rewind --progress`` says that it has come; None when it does not say."""
    found = re.findall(r"(\d+)/(\d+) kB", told)
    return work.Progress("rewinding", *(1024 * int(number) for number in found[-1])) if found else None


def _run(host: Host, target: str, parameters: t.Mapping[str, str]) -> str:
    with tempfile.NamedTemporaryFile(prefix="coordinator-") as said, work.measured(lambda: progress(read_text(said.name) or "")):

        def rewinding(mode: str) -> str:
            """Nothing was touched yet where the source does not know utility mode by this name."""
            arguments = ["--target-pgdata", target, "--source-server", source_server(parameters, mode), "--progress"]
            return host.run("pg_rewind", *arguments, login=True, output=said.name, long=True)

        return in_utility_mode(rewinding)


def _run_without(
    host: Host, target: str, upstream: Upstream, shared: t.Sequence[str], useless: t.Sequence[str], why: str | None
) -> tuple[str, str | None]:
    """Run it without copying WAL for nothing.

    :param shared: WAL segments that the target has as the source has them.
    :param useless: those that it need not have.
    :param why: why all WAL is copied all the same; None: it need not be.
    :returns: what it printed, and why it copied all WAL; None when it did not.
    """
    parameters = upstream.parameters()
    with contextlib.ExitStack() as meanwhile:
        if why is None:
            try:
                shared_wal.keep(target, shared)
                between = meanwhile.enter_context(relay.Relay(upstream, relay.without_wal([*shared, *useless])))
            except OSError as error:
                shared_wal.put_back(target)
                why = f"nothing can be put between: {error.strerror}"
            else:
                parameters.pop("hostaddr", None)
                parameters["host"] = between.directory
                if upstream.store is not None:
                    parameters.update(upstream.store.lend(host, between.directory, upstream.port).parameters())
        told = _run(host, target, parameters)
    if why is not None:
        return told, why
    lost = shared_wal.put_back(target)
    if lost:
        raise CoordinatorError(f"recovery wrote over WAL that it has in common with the primary: {', '.join(lost)}")
    return told, None if between.applied else "this pg_rewind asks for the list of files in another way"


def _move_logs(old: str, new: str) -> None:
    """Move the directories of logs, or the links to them; what is there of that name was copied from the source.

    :raises OSError: one cannot be moved.
    """
    for name in LOGS:
        if os.path.lexists(os.path.join(old, name)):
            place = os.path.join(new, name)
            if os.path.islink(place):
                os.unlink(place)
            shutil.rmtree(place, ignore_errors=True)
            os.rename(os.path.join(old, name), place)


def put_back(data_directory: str) -> None:
    """Put what was taken out back into a directory whose rewind failed or was cut off.

    :raises CoordinatorError: that cannot be done.
    """
    kept, staging = taken_out(data_directory), rewind_directory(data_directory)
    if os.path.isdir(kept) and os.path.isdir(staging):
        with contextlib.suppress(OSError):  # they are kept where they are
            _move_logs(kept, staging)
        own_files.put_back(kept, staging)


def mark_standby(host: Host, data_directory: str) -> None:
    """Make a stopped primary a standby. The mark comes first, so that at no moment it could come up as a primary."""
    host.write(os.path.join(data_directory, "standby.signal"), "", file_mode(data_directory))
    start_block.write(host, data_directory, None)
    os.makedirs(os.path.join(data_directory, "log"), mode=0o700, exist_ok=True)


def rewind(
    host: Host, data_directory: str, upstream: Upstream, shared: t.Sequence[str] = (), useless: t.Sequence[str] = ()
) -> dict[str, t.Any]:
    """Rewind a stopped former primary, and mark it as a standby.

    Where it is cut off, what was taken out stays beside it, see :func:`put_back`.

    :param shared: WAL segments that both have alike.
    :param useless: those of the source that nothing is read from.
    :returns: ``method``, ``bytes_copied``, ``all_wal_why``, the reason why WAL was copied that both have, None where it was not, and of
        its own files ``kept`` and ``set_aside``, see :func:`own_files.give_back`.
    :raises CoordinatorError: the primary does not answer; nothing was touched.
    :raises Failed: it cannot be rewound; it is in :func:`snapshot.rewind_directory` now, its own files and its start block as they were.
    """
    place, staging = os.path.realpath(data_directory), rewind_directory(data_directory)
    work.check()
    all_wal_why = relay.refusal(upstream)
    if os.path.lexists(staging):
        _set_aside(data_directory, staging, "half_rewound")  # left by an earlier attempt
    kept = taken_out(data_directory)
    rename(place, staging)
    if os.path.lexists(kept):  # whose directory somebody took away
        rename(kept, place + aside.suffix("taken_out", time.time()))
    try:
        own_files.take_out(staging, kept)
        _move_logs(staging, kept)
        # single-user mode, which recovers a killed instance, knows neither start block nor standby
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(staging, "standby.signal"))
        start_block.write(host, staging, None)
        told, all_wal_why = _run_without(host, staging, upstream, shared, useless, all_wal_why)
        _move_logs(kept, staging)
        own = own_files.give_back(kept, staging, place + aside.suffix("set_aside", time.time()))
    except BaseException as error:
        whole_again(data_directory)
        if not isinstance(error, (CoordinatorError, OSError)):
            raise
        why = error.message if isinstance(error, CoordinatorError) else str(error)
        raise Failed(" ".join(why.split())) from error
    mark_standby(host, staging)
    rename(staging, place)
    copied = progress(told)
    return {"method": "rewind", "bytes_copied": copied.done if copied else None, "all_wal_why": all_wal_why, **own}
