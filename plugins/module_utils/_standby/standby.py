# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""A standby's configuration: what it follows, as whom, and that it does."""

from __future__ import annotations

import dataclasses
import os
import re
import time
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host, read_text
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Step
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.configuration import change_settings
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection_string import parse_conninfo
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import (
    Instance,
    file_mode,
    read_instance,
    recent_errors,
    wait_until,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.password_stores.password_store import StoredPassword
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.postmaster import Postmaster, read_postmaster
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.replication import Upstream
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.tablespaces import read_tablespaces


@dataclasses.dataclass(frozen=True)
class Standby:
    """A standby as it was found.

    :param instance: it, by its files.
    :param stored: its password as it is kept, None when the primary asks for none.
    :param password_kept: whether its store holds the password that was given, or any when none was given.
    :param tablespace_dbids: under which dbids its tablespaces lie.
    :param former: what is in the place that it is to be brought from; None: it stays where it is.
    """

    instance: Instance
    stored: StoredPassword | None
    password_kept: bool
    tablespace_dbids: tuple[int, ...] = ()
    former: Instance | None = None


@dataclasses.dataclass(frozen=True)
class Desired:
    """The desired configuration.

    :param dbid: number under which the standby is registered; None when it is not known yet, in check mode.
    :param port: port to listen on.
    :param primary_conninfo: value of that setting.
    :param slot_name: value of ``primary_slot_name``.
    :param state: ``configured``, ``started`` or ``streaming``.
    :param listen_addresses: value of that setting; None: it stays as it is.
    :param system_identifier: of the primary; None: it is not compared.
    """

    dbid: int | None
    port: int
    primary_conninfo: str
    slot_name: str
    state: str
    listen_addresses: str | None = None
    system_identifier: str | None = None


def read_standby(
    host: Host,
    data_directory: str,
    upstream: Upstream,
    password: str | None,
    former_directory: str | None = None,
) -> Standby:
    """Observe a standby.

    :param former_directory: the directory that it is to be brought from; None: it stays where it is.
    """
    kept = upstream.store.password() if upstream.store is not None else None
    return Standby(
        read_instance(host, data_directory),
        upstream.stored(),
        upstream.store is None or (kept is not None and password in (None, kept)),
        tuple(tablespace.dbid for tablespace in read_tablespaces(data_directory)),
        read_instance(host, former_directory) if former_directory else None,
    )


def refusal(standby: Standby, desired: Desired, password: str | None) -> str | None:
    """Why a directory cannot be configured as a standby; None when it can."""
    instance = standby.instance
    where = instance.data_directory
    if instance.directory_state != "instance":
        return f"{where} holds no instance ({instance.directory_state}): make a snapshot of the primary there first"
    if instance.role != "standby":
        return (
            f"the instance in {where} is a primary: it has no standby.signal. It may hold what the present primary lacks, "
            "so it is not made a standby as it is"
        )
    system = instance.control.system_identifier if instance.control else None
    if desired.system_identifier not in (None, system):
        return f"{where} holds an instance of the system {system}, the primary is of {desired.system_identifier}: move it away"
    if standby.stored is not None and not standby.password_kept and password is None:
        return f"{standby.stored.title} is missing or lacks the role: give replication_password to write it"
    if instance.postmaster is not None and instance.postmaster.suspended and desired.state == "streaming":
        return (
            f"the standby in {where} is suspended: one of its processes is stopped by a signal (postmaster {instance.postmaster.pid}). "
            "Resume it (kill -CONT), or end it"
        )
    return None


def plan(standby: Standby, desired: Desired, password: str | None) -> list[Step]:
    """The steps after which the standby follows the primary as desired.

    ``primary_conninfo``, ``primary_slot_name``, ``gp_dbid`` and ``port`` change by a restart only.

    :param password: given by the caller, None to keep what is there.
    :raises CoordinatorError: the directory is no standby; nothing was touched.
    """
    bringing = []
    if standby.former is not None and standby.instance.directory_state in ("absent", "empty"):
        bringing = [*([Step("stop_former")] if standby.former.postmaster is not None else []), Step("bring")]
        standby = brought(standby, standby.former)
    return [*bringing, *_plan(standby, desired, password)]


def brought(standby: Standby, former: Instance) -> Standby:
    """What a standby will be as soon as it is in its place.

    :param former: what it is now.
    """
    instance = dataclasses.replace(former, data_directory=standby.instance.data_directory, postmaster=None)
    dbids = () if former.dbid is None else (former.dbid,)
    return dataclasses.replace(standby, instance=instance, tablespace_dbids=dbids)


def _plan(standby: Standby, desired: Desired, password: str | None) -> list[Step]:
    instance = standby.instance
    settings = {"primary_conninfo": desired.primary_conninfo, "primary_slot_name": desired.slot_name}
    if desired.listen_addresses is not None:
        settings["listen_addresses"] = desired.listen_addresses
    why = refusal(standby, desired, password)
    if why is not None:
        raise CoordinatorError(why, data_directory=instance.data_directory)
    steps = []
    if standby.stored is not None and (not standby.password_kept or not standby.stored.usable or not standby.stored.named):
        steps.append(Step("write_password"))
    static = []
    if desired.dbid is not None and instance.dbid != desired.dbid:
        static.append(Step("write_dbid", {"dbid": desired.dbid}))
    if instance.port != desired.port:
        static.append(Step("write_port", {"port": desired.port}))
    if not follows(instance.settings, settings):
        static.append(Step("write_settings", {"settings": settings}))
    moved = [Step("move_tablespaces", {"dbid": desired.dbid})] if {*standby.tablespace_dbids} - {desired.dbid} and desired.dbid else []
    running = instance.postmaster is not None
    if desired.state == "configured":
        return [*steps, *static, *([] if running else moved)]
    if running and (static or moved):
        return [*steps, *static, Step("stop"), *moved, Step("start"), *waiting(desired)]
    if not running:
        return [*steps, *static, *moved, Step("start"), *waiting(desired)]
    return [*steps, *(waiting(desired) if instance.postmaster and not instance.postmaster.connected else [])]


def waiting(desired: Desired) -> list[Step]:
    """The step that sees the standby stream, where that is desired."""
    return [Step("wait_streaming")] if desired.state == "streaming" else []


def follows(settings: t.Mapping[str, str], desired: t.Mapping[str, str]) -> bool:
    """Whether the settings of a standby mean the same as those desired, however they are written."""
    same = parse_conninfo(settings.get("primary_conninfo", "")) == parse_conninfo(desired["primary_conninfo"])
    return same and all(settings.get(name) == value for name, value in desired.items() if name != "primary_conninfo")


def write_settings(host: Host, path: str, changes: t.Mapping[str, str | None]) -> None:
    """Change settings in a configuration file of an instance."""
    host.write(path, change_settings(read_text(path) or "", changes), file_mode(os.path.dirname(path)))


def removed_wal(errors: str) -> str | None:
    """The WAL segment that a standby needs and that its primary has no more, by the standby's log; None when it tells of none."""
    match = re.search(r"requested WAL segment ([0-9A-F]+) has already been removed", errors)
    return match.group(1) if match else None


def wait_streaming(data_directory: str, seconds: float) -> None:
    """Wait until the walreceiver keeps a connection to the primary; one that is refused ends at once.

    Whether WAL flows is seen on the primary.

    :raises CoordinatorError: it does not; what the standby's log says is in the message.
    """
    began = time.time()
    before = recent_errors(data_directory)
    looks: list[Postmaster | None] = []

    def streams() -> bool:
        return len(looks) == 2 and all(look is not None and look.connected for look in looks)

    def lost() -> bool:
        errors = recent_errors(data_directory)
        return errors != before and removed_wal(errors) is not None

    def settled() -> bool:
        looks[:] = [*looks[-1:], read_postmaster(data_directory)]
        return looks[-1] is None or streams() or lost()

    if wait_until(settled, seconds) and streams():
        return
    errors = recent_errors(data_directory, newer_than=began - seconds) or "its log tells no error"
    if looks[-1] is None:
        raise CoordinatorError(f"the standby in {data_directory} stopped: {errors}", data_directory=data_directory)
    remedy = ""
    if removed_wal(errors):
        remedy = ". The primary no longer has the WAL it needs: move the data directory away, and make a new snapshot"
    raise CoordinatorError(
        f"the standby in {data_directory} runs but did not stream within {seconds:g} s: {errors}{remedy}",
        data_directory=data_directory,
    )
