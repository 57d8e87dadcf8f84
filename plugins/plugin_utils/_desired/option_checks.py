# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What is wrong with values of options that their types allow: sizes, names, addresses, and what does not go together."""

from __future__ import annotations

import ipaddress
import math
import os
import re
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import border
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.retention import parse_size
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.floating import parse_address
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.snapshot import RATES, rate_of

Options = t.Mapping[str, t.Any]
Problem = t.Tuple[str, str]

COORDINATOR_ROLES = ("coordinator", "standby")

#: parameters of libpq that make sense for a walreceiver and that are not given otherwise
_CONNECTION = frozenset(
    {
        "connect_timeout",
        "gssencmode",
        "keepalives",
        "keepalives_count",
        "keepalives_idle",
        "keepalives_interval",
        "krbsrvname",
        "tcp_user_timeout",
    }
)
_TLS = frozenset({"sslcert", "sslcompression", "sslcrl", "sslkey", "sslmode", "sslrootcert"})
_SSLMODES = ("require", "verify-ca", "verify-full")
#: those that name files on the standby's host
TLS_FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl")

_TEXTS = ("gssencmode", "krbsrvname")

#: seconds that may be none at all
_OR_ZERO = ("switchover_drain_seconds",)


def problem(name: str, value: t.Any) -> str:
    """What is wrong with the value of an option by itself, empty where nothing is.

    :param value: of its type; None: there is none.
    """
    if value is None:
        return ""
    said = (_CHECKS[name](value) if name in _CHECKS else _wrong_seconds(name, value)) or _unprintable(name, value)
    return f"{name}{said}" if said else ""


def relations(options: Options) -> dict[str, str]:
    """By name, what does not go together.

    :param options: all of them, each of its type or None.
    """
    found: dict[str, str] = {}
    for check in (_tls, _superuser, _interface):
        for name, said in check(options):
            found[name] = f"{found[name]}; {said}" if name in found else said
    return found


#: letters that a text has at most
_LONGEST = 4096


def _unprintable(name: str, value: t.Any) -> str:
    """No option has texts of several lines, which would be others in a file, or control characters, which a terminal obeys."""
    if name == "cluster_name":  # by which a cluster is known, until it is refused as a whole
        return ""
    for text in _texts(value):
        if not text.isprintable() or len(text) > _LONGEST:
            verb = "is" if text is value else "has"
            return f" {verb} {text!r:.200}: give one line without control characters, of {_LONGEST} letters at most"
    return ""


def _texts(value: t.Any) -> t.Iterator[str]:
    """The texts in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for one in [*value, *value.values()] if isinstance(value, dict) else value:
            yield from _texts(one)


def fits_file_names(cluster: str) -> bool:
    """Whether the name of a cluster can be part of the names of files."""
    return bool(re.fullmatch(r"[\w.-]+", cluster)) and len(cluster.encode("utf-8", "replace")) <= 200


def _wrong_seconds(name: str, value: t.Any) -> str:
    """Numbers with a fraction are seconds, all of them."""
    if not isinstance(value, float) or (value == 0 and name in _OR_ZERO) or (value > 0 and math.isfinite(value)):
        return ""
    return f" is {value:g}: give seconds{', 0 or more' if name in _OR_ZERO else ' above zero'}"


def _slot(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9_]{1,63}", value):
        return f" is {value!r}: give up to 63 lower-case letters, digits and underscores"
    if value == "internal_wal_replication_slot":
        return f" is {value!r}, a slot that the engine drops whenever it recovers: choose another name"
    return ""


def _role(value: str) -> str:
    if not 0 < len(value.encode()) < 64 or value.startswith("pg_") or "\n" in value:
        return f" is {value!r}: give the name of a role, up to 63 bytes, that does not begin with pg_"
    return ""


def _port(value: int) -> str:
    return "" if 0 < value < 65536 else f" is {value!r}: give a port, 1 to 65535"


def _size(value: str) -> str:
    try:
        parse_size(value)
    except CoordinatorError as error:
        return f": {error.message}"
    return ""


def _rate(value: str) -> str:
    return "" if rate_of(value) is not None else f" is {value!r}: give {RATES}"


def _latency(value: int) -> str:
    return "" if 1 <= value <= 60000 else f" is {value!r}: give whole milliseconds, 1 to 60000"


def _bound(value: int) -> str:
    return "" if value >= 1 else f" is {value!r}: give whole seconds, 1 or more"


def _count(value: int) -> str:
    return "" if value >= 0 else f" is {value!r}: give a whole number, 0 or more"


def _host(value: str) -> str:
    label = r"\w([\w-]{0,61}\w)?"
    is_name = re.fullmatch(rf"{label}(\.{label})*\.?", value) and len(value) <= 253 and not re.fullmatch(r"[\d.]+", value)
    return (
        ""
        if is_name or not _addresses([value], ipaddress.ip_address)
        else f" is {value!r}: give the name or address of a host, without a port"
    )


def _user(value: str) -> str:
    return "" if re.fullmatch(r"\w[\w.@+\\-]*\$?", value) else f" is {value!r}: give the name of a user on the hosts"


def _listen(value: str) -> str:
    if re.fullmatch(r"[\w.:%*, -]+", value):
        return ""
    return f" is {value!r}: give addresses or names of hosts, separated by commas, or *"


def _addresses(value: t.Sequence[str], parse: t.Callable[[str], t.Any] = border.address, beside: str = "") -> str:
    for address in value:
        try:
            parse(address)
        except ValueError:
            return f" has {address!r}, which is no address: give IPv4 or IPv6 addresses{beside}"
    return ""


def _networks(value: t.Sequence[str]) -> str:
    return _addresses(value, ipaddress.ip_interface, ", with or without the length of a mask")


def _absolute(value: str) -> str:
    return "" if value.startswith("/") else f" is {value!r}: give an absolute path"


def _directory(value: str) -> str:
    if os.path.normpath(value) in ("/", "//"):
        return f" is {value!r}, the root of the file system: give a directory below it"
    return _absolute(value)


def _prefix(value: str) -> str:
    return "" if re.fullmatch(r"[^\s/]+", value) else f" is {value!r}: give the prefix of the instances' directories, such as gpseg"


def _major(value: int) -> str:
    if value == 7:
        return ""
    return f" is {value!r}, and only clusters of WarehousePG 7 can be mirrored: leave this one out, or give 7 once it is upgraded"


def _mapping(value: t.Mapping[str, t.Any]) -> str:
    for path in (path for pair in value.items() for path in pair):
        if not str(path).startswith("/"):
            return f" has {path!r}: give absolute paths"
    return ""


def _connection(value: t.Mapping[str, t.Any]) -> str:
    for name in sorted(set(value) - _CONNECTION):
        where = "give it in standby_tls" if name in _TLS else f"there can be {', '.join(sorted(_CONNECTION))}"
        return f" has {name!r}: {where}"
    for name, desired in value.items():
        if name not in _TEXTS and border.digits(str(desired)) is None:
            return f" has {name} {desired!r}: give a whole number"
    return ""


def _floating(value: str) -> str:
    try:
        parse_address(value) if value else None
    except CoordinatorError as error:
        return f": {error.message}"
    return ""


def _file(value: str) -> str:
    return f" is {value!r}, a directory on the controller: name a file" if os.path.isdir(value) else ""


def _written_to(value: str) -> str:
    directory = os.path.dirname(os.path.realpath(value))
    if not value or os.path.isdir(directory):
        return _file(value)
    return f" is {value}, and {directory} is no directory on the controller: make it, or name another file"


def _metrics(value: str) -> str:
    if value and not value.endswith(".prom"):
        return f" is {value}: give a name that ends with .prom, node_exporter reads no other"
    return _written_to(value)


_CHECKS: dict[str, t.Callable[[t.Any], str]] = {
    "WHPG_UNIX_USER": _user,
    "activate_standby_audit_file": _file,
    "activate_standby_floating_address": _floating,
    "activate_standby_result_file": _file,
    "activate_standby_retention_limit": _size,
    "activate_standby_slot_name": _slot,
    "coordinator_notice_timeout": _bound,
    "disable_mirroring_replication_user": _role,
    "disable_mirroring_slot_name": _slot,
    "discovery_coordinator_directory": _directory,
    "discovery_data_directory": _directory,
    "discovery_greenplum_path": _absolute,
    "discovery_port": _port,
    "discovery_report_file": _written_to,
    "discovery_retention_limit": _size,
    "discovery_standby_directory": _directory,
    "discovery_user": _user,
    "drill_audit_file": _file,
    "drill_result_file": _file,
    "greenplum_path": _absolute,
    "history_lines": _count,
    "release_slot_name": _slot,
    "standby_address": _host,
    "standby_addresses": _networks,
    "standby_commit_timeout": _bound,
    "standby_connection": _connection,
    "standby_hostname": _host,
    "standby_listen_addresses": _listen,
    "standby_max_latency": _latency,
    "standby_max_rate": _rate,
    "standby_port": _port,
    "standby_primary_host": _host,
    "standby_replication_user": _role,
    "standby_retention_limit": _size,
    "standby_slot_name": _slot,
    "standby_tablespace_mapping": _mapping,
    "status_audit_file": _file,
    "status_file": _written_to,
    "status_html": _written_to,
    "status_metrics": _metrics,
    "status_samples_file": _file,
    "switchover_audit_file": _file,
    "switchover_result_file": _file,
    "whpg_address": _host,
    "whpg_addresses": _addresses,
    "whpg_data_directory": _directory,
    "whpg_hostname": _host,
    "whpg_major_version": _major,
    "whpg_port": _port,
    "whpg_seg_prefix": _prefix,
}


def _tls(options: Options) -> t.Iterator[Problem]:
    tls, clientcert, method = options["standby_tls"], options["standby_clientcert"], options["standby_replication_auth"]
    for name in sorted(set(tls) - _TLS):
        yield "standby_tls", f"standby_tls has {name!r}: there can be {', '.join(sorted(_TLS))}"
    mode = tls.get("sslmode")
    if tls and mode not in _SSLMODES:
        yield "standby_tls", f"standby_tls has sslmode {mode!r}: give one of {', '.join(_SSLMODES)}"
    if str(mode).startswith("verify") and not tls.get("sslrootcert"):
        yield (
            "standby_tls",
            f"standby_tls has sslmode {mode!r} without sslrootcert: give the certificate of the authority that signed the primary's",
        )
    if (clientcert or method == "cert") and not (tls.get("sslcert") and tls.get("sslkey")):
        asks = ("standby_clientcert", clientcert) if clientcert else ("standby_replication_auth", "cert")
        yield (
            asks[0],
            f"{asks[0]} is {asks[1]!r}, and standby_tls has no sslcert and sslkey: give the files of the standby's certificate and its key",
        )
    for name in TLS_FILES:
        if tls.get(name) and not str(tls[name]).startswith("/"):
            yield "standby_tls", f"standby_tls has {name} {tls[name]!r}: give an absolute path, the engine knows no home directory"


def _superuser(options: Options) -> t.Iterator[Problem]:
    # the second is the first, where it is not given
    for name in ("disable_mirroring_replication_user", "standby_replication_user"):
        if options[name] == options["discovery_user"]:
            yield (
                name,
                f"{name} is {options[name]!r}, the engine's own superuser: choose a role of its own, its password and rights will be set",
            )


def _interface(options: Options) -> t.Iterator[Problem]:
    interface = options["activate_standby_floating_interface"]
    if interface and not options["activate_standby_floating_address"]:
        yield (
            "activate_standby_floating_interface",
            f"activate_standby_floating_interface is {interface!r} without activate_standby_floating_address: give the address too",
        )
