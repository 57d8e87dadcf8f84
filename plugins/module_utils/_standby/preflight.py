# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What hosts show of what could go wrong with a standby before one is made: settings, files elsewhere, limits, where it would listen."""

from __future__ import annotations

import dataclasses
import ipaddress
import os
import re
import shlex
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import marked
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.addresses import is_local
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host, read_text
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.configuration import (
    Configuration,
    read_configuration,
    start_block_of,
)
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection import Connection
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.needs import DIRECTORY, FILE, MADE, WRITTEN, Need

#: settings with which a standby would promote itself, or end or pause its recovery, and the value with which it does not
ENDING: t.Mapping[str, str] = {
    "recovery_target": "",
    "recovery_target_lsn": "",
    "recovery_target_name": "",
    "recovery_target_time": "",
    "recovery_target_xid": "",
    "promote_trigger_file": "",
}
#: settings with which it would not follow the primary, but an archive, or not to another timeline
STRAYING: t.Mapping[str, str] = {
    "recovery_target_timeline": "latest",
    "restore_command": "",
    "recovery_end_command": "",
    "archive_cleanup_command": "",
    "recovery_min_apply_delay": "0",
}
#: the setting by which an engine works in another directory than the one that it is started in
PLACE = "data_directory"


_READ = ("hba_file", "ident_file")
_READ_WITH_SSL = ("ssl_cert_file", "ssl_key_file", "ssl_ca_file", "ssl_crl_file", "ssl_dh_params_file")
#: a file of names in a rule, and a comment; in quotes neither begins
_AT_FILE = re.compile(r'(?:^|[\s,])@(?:"([^"]+)"|([^\s,"]+))')
_COMMENT = re.compile(r'("[^"]*")|#.*')


@dataclasses.dataclass(frozen=True)
class Configured:
    """What the configuration of an instance says that matters where a copy of it stands.

    :param settings: by name of :data:`ENDING` and :data:`STRAYING`, those that hinder a standby, and :data:`PLACE`, with ``value`` and
        ``where``.
    :param listen_addresses: value of that setting; None where no file has it.
    :param needs: what it needs that a copy would not have in itself.
    :param links: symbolic links in its data directory that it needs, which a base backup leaves out.
    """

    settings: t.Mapping[str, t.Mapping[str, str]]
    listen_addresses: str | None
    needs: tuple[Need, ...]
    links: tuple[str, ...]


def read_configured(data_directory: str) -> Configured:
    """Observe what the configuration of an instance says."""
    found = read_configuration(data_directory)
    settings = found.settings
    hinders = {
        name: dataclasses.asdict(settings[name])
        for name, harmless in {**ENDING, **STRAYING, PLACE: ""}.items()
        if name in settings and settings[name].value != harmless
    }
    needs, links = _needs(data_directory, found)
    listen = settings.get("listen_addresses")
    return Configured(hinders, listen.value if listen else None, needs, links)


def _needs(data_directory: str, found: Configuration) -> tuple[tuple[Need, ...], tuple[str, ...]]:
    start_block = start_block_of(read_text(os.path.join(data_directory, "postgresql.conf")) or "")
    known = {name: setting.value for name, setting in found.settings.items()}

    def where(name: str) -> str:
        return f"{name} ({found.settings[name].where})"

    def whole(path: str) -> str:
        return os.path.normpath(os.path.join(data_directory, path))

    prefix = os.path.normpath(data_directory) + "/"
    found_needs: list[tuple[Need, bool]] = []

    def add(path: str, kind: str, what: str, absolute: bool) -> None:
        found_needs.append((Need(whole(path), kind, what), absolute))

    for include in found.includes:
        if os.path.basename(include.path) != start_block and (include.kind != "include_if_exists" or os.path.lexists(include.path)):
            kind = DIRECTORY if include.kind == "include_dir" else FILE
            add(include.path, kind, f"{include.kind} ({include.where})", include.absolute)
    for name in (*_READ, *(_READ_WITH_SSL if _on(known.get("ssl", "off")) else ())):
        if known.get(name):
            add(known[name], FILE, where(name), os.path.isabs(known[name]))
    keytab = re.sub("^FILE:", "", known.get("krb_server_keyfile", ""))
    others = [(keytab, FILE, "krb_server_keyfile"), (known.get("stats_temp_directory", ""), WRITTEN, "stats_temp_directory")]
    others.append((os.path.dirname(known.get("external_pid_file", "")), WRITTEN, "external_pid_file"))
    if _on(known.get("logging_collector", "on")):
        others.append((known.get("log_directory", ""), MADE, "log_directory"))
    sockets = (name.strip().strip('"') for name in known.get("unix_socket_directories", "").split(","))
    others += [(name, WRITTEN, "unix_socket_directories") for name in sockets if name != "/tmp"]
    commands = (*(["archive_command"] if known.get("archive_mode") in ("on", "always") else []), "ssl_passphrase_command")
    others += [(path, FILE, name) for name in commands for path in _programs(known.get(name, ""))]
    for path, kind, name in others:
        if os.path.isabs(path):
            add(path, kind, where(name), True)
    rules = whole(known.get("hba_file", "pg_hba.conf"))
    for path in _lists(rules):
        add(os.path.join(os.path.dirname(rules), path), FILE, f"a rule in {rules}", os.path.isabs(path))
    own = {os.path.join(data_directory, name) for name in ("postgresql.conf", "postgresql.auto.conf", "pg_hba.conf", "pg_ident.conf")}
    paths = own | {need.path for need, _absolute in found_needs}
    links = sorted(path for path in paths if path.startswith(prefix) and _through_link(prefix, path))
    outside = {need.path: need for need, absolute in found_needs if absolute or not need.path.startswith(prefix)}
    return tuple(outside.values()), tuple(links)


def _on(value: str) -> bool:
    return value.lower() in ("on", "true", "yes", "1")


def _through_link(prefix: str, path: str) -> bool:
    """Whether a path within a data directory leads through a symbolic link there."""
    parts = path[len(prefix) :].split("/")
    return any(os.path.islink(prefix + "/".join(parts[: count + 1])) for count in range(len(parts)))


def _programs(command: str) -> list[str]:
    """Programs and scripts that a command of the shell names by their absolute paths."""
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    return [word for word in words if os.path.isabs(word) and "%" not in word and os.path.isfile(word) and not word.startswith("/dev/")]


def _lists(rules: str) -> list[str]:
    """Files of names that access rules refer to by ``@``, as they name them."""
    try:
        text = read_text(rules) or ""
    except CoordinatorError:
        return []
    lines = (_COMMENT.sub(lambda match: match.group(1) or "", line) for line in marked.lines_of(text))
    found = (quoted or plain for line in lines for quoted, plain in _AT_FILE.findall(line))
    return list(dict.fromkeys(found))


@dataclasses.dataclass(frozen=True)
class Limit:
    """How many of something the primary may have.

    :param most: how many.
    :param used: how many there are.
    :param users: who has them, in words.
    """

    most: int
    used: int
    users: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Limits:
    """What the primary may have, and has.

    :param wal_level: its setting.
    :param walsenders: how many walsenders.
    :param slots: how many replication slots.
    :param connections: how many connections of clients.
    """

    wal_level: str
    walsenders: Limit
    slots: Limit
    connections: Limit


_LIMITS = """
    SELECT current_setting('wal_level') AS wal_level, current_setting('max_wal_senders')::int AS most_senders,
           current_setting('max_replication_slots')::int AS most_slots,
           current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS most_connections,
           (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid())::int AS connections
"""
_SENDERS = """
    SELECT pid, coalesce(application_name, '') AS name, coalesce(usename::text, '') AS role, client_addr::text AS address,
           coalesce(state, 'unknown') AS state
    FROM pg_stat_replication ORDER BY pid
"""
_SLOTS = "SELECT slot_name::text AS name, active_pid, restart_lsn::text AS restart_lsn FROM pg_replication_slots ORDER BY slot_name"
_CLIENTS = """
    SELECT coalesce(usename::text, '') AS role, coalesce(application_name, '') AS name, client_addr::text AS address, count(*)::int AS many
    FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() GROUP BY 1, 2, 3 ORDER BY 4 DESC LIMIT 5
"""


def _client(row: t.Mapping[str, t.Any]) -> str:
    return f"{row['name'] or 'unnamed'} of {row['role']} on {row['address'] or 'this host'}"


def read_limits(connection: Connection) -> Limits:
    """Observe how many walsenders, slots and connections the primary may have and has, and its ``wal_level``."""
    known = connection.query(_LIMITS)[0]
    senders, slots = connection.query(_SENDERS), connection.query(_SLOTS)
    clients = connection.query(_CLIENTS) if known["connections"] * 2 > known["most_connections"] else []
    return Limits(
        wal_level=known["wal_level"],
        walsenders=Limit(
            known["most_senders"], len(senders), tuple(f"{_client(row)}, process {row['pid']}, {row['state']}" for row in senders)
        ),
        slots=Limit(
            known["most_slots"],
            len(slots),
            tuple(f"{row['name']}, " + (f"used by process {row['active_pid']}" if row["active_pid"] else "not in use") for row in slots),
        ),
        connections=Limit(known["most_connections"], known["connections"], tuple(f"{row['many']} by {_client(row)}" for row in clients)),
    )


def named_in(listen_addresses: str) -> list[str]:
    """The names in a value of ``listen_addresses`` that have to be looked up."""
    return [entry for entry in _entries(listen_addresses) if not _numeric(entry)]


def _entries(listen_addresses: str) -> list[str]:
    return [entry for entry in (word.strip().strip('"') for word in listen_addresses.split(",")) if entry]


def _numeric(entry: str) -> list[str]:
    """The numeric addresses that an entry means by itself; none for a name."""
    if entry == "*":
        return ["0.0.0.0", "::"]
    if entry == "localhost":
        return ["127.0.0.1", "::1"]
    try:
        return [str(ipaddress.ip_address(entry))]
    except ValueError:
        return []


def would_listen(listen_addresses: str, names: t.Mapping[str, t.Sequence[str]], own: t.Container[str]) -> list[str]:
    """Addresses at which an instance with that setting would listen on a host.

    :param names: by name in the setting, its addresses there.
    :param own: addresses of the host: it cannot listen at those of others.
    """
    found = [address for entry in _entries(listen_addresses) for address in _numeric(entry) or names.get(entry, ())]
    return [address for address in found if address in own or is_local(address)]


def reaches(listens: t.Iterable[str], desired: t.Collection[str], own: t.Collection[str], local: bool = False) -> bool:
    """Whether an instance can be connected to.

    :param listens: addresses at which it listens.
    :param desired: addresses that others know for its host; those that are not its host's own are translated on the way, or not known.
    :param own: addresses of its host.
    :param local: whether those others are on its host.
    """
    at = [ipaddress.ip_address(address) for address in listens]
    targets = [ipaddress.ip_address(address) for address in desired if address in own] or [ipaddress.ip_address(address) for address in own]
    if any(address in targets or (local and address.is_loopback) for address in at):
        return True
    return any(address.is_unspecified and target.version == address.version for address in at for target in targets)


def require_following(host: Host, data_directory: str) -> None:
    """Ask the engine itself whether an instance that is to be a standby would stay one.

    :raises CoordinatorError: it would end its recovery by itself; it was not started.
    """
    for name, harmless in ENDING.items():
        try:
            value = host.run("postgres", "-C", name, "-D", data_directory).strip()
        except CoordinatorError as error:
            if "unrecognized configuration parameter" in error.message:
                continue  # another version has it no more
            raise CoordinatorError(f"the configuration in {data_directory} is not accepted: {error.message}", **error.data) from error
        if value != harmless:
            found = read_configuration(data_directory).settings.get(name)
            where = f" in {found.where}" if found else ""
            raise CoordinatorError(
                f"{name} is {value!r}{where} of {data_directory}: with it the standby would end its recovery and promote itself; remove it"
            )
