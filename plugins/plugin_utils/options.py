# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with the variables of the role ``standby``, said before anything is begun."""

from __future__ import annotations

import ipaddress
import re
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils.retention import parse_size

Options = t.Mapping[str, t.Any]

#: names of differences between the hosts that can be accepted
DIFFERENCES = ("gphome", "preload", "libraries", "extensions", "locale", "libc", "limits", "clock")

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


def problems(options: Options) -> list[str]:
    """What is wrong with the options, by themselves.

    :param options: by name without the role's prefix, the values; None or missing: not given.
    """
    return [f"standby_{problem}" for check in (names, _numbers, _addresses, _connection, _tls, _lists) for problem in check(options)]


def names(options: Options) -> t.Iterator[str]:
    """What is wrong with the names of the slot and of the replication role."""
    slot, role = str(options["slot_name"]), str(options["replication_user"])
    if not re.fullmatch(r"[a-z0-9_]{1,63}", slot):
        yield f"slot_name is {slot!r}: give up to 63 lower-case letters, digits and underscores"
    elif slot == "internal_wal_replication_slot":
        yield f"slot_name is {slot!r}, a slot that the engine drops whenever it recovers: choose another name"
    if not 0 < len(role.encode()) < 64 or role.startswith("pg_") or "\n" in role:
        yield f"replication_user is {role!r}: give the name of a role, up to 63 bytes, that does not begin with pg_"
    elif role == options["user"]:
        yield f"replication_user is {role!r}, the engine's own superuser: choose a role of its own, its password and rights will be set"


def _number(value: t.Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def _numbers(options: Options) -> t.Iterator[str]:
    if not 0 < _number(options["timeout"]) < float("inf"):
        yield f"timeout is {options['timeout']!r}: give seconds above zero"
    bound = options.get("commit_timeout")
    if bound is not None and not (_number(bound) >= 1 and _number(bound) % 1 == 0):
        yield f"commit_timeout is {bound!r}: give whole seconds, 1 or more"
    port = options.get("port")
    if port is not None and not (str(port).isdecimal() and 0 < int(port) < 65536):
        yield f"port is {port!r}: give a port, 1 to 65535"
    if options.get("retention_limit") is not None:
        try:
            parse_size(options["retention_limit"])
        except CoordinatorError as error:
            yield f"retention_limit: {error.message}"
    rate = options.get("max_rate")
    if rate is not None:
        match = re.fullmatch(r"([0-9]+)([kM]?)", str(rate))
        kilobytes = int(match.group(1)) * (1024 if match.group(2) == "M" else 1) if match else 0
        if not 32 <= kilobytes <= 1024 * 1024:
            yield f"max_rate is {rate!r}: give 32k to 1024M, kilobytes or megabytes a second"


def _addresses(options: Options) -> t.Iterator[str]:
    for address in options.get("addresses") or ():
        try:
            ipaddress.ip_interface(str(address))
        except ValueError:
            yield f"addresses has {address!r}, which is no address: give IPv4 or IPv6 addresses, with or without the length of a mask"
    for name in ("hostname", "address", "primary_host"):
        value = options.get(name)
        if value is not None and not re.fullmatch(r"[\w.:%-]+", str(value)):
            yield f"{name} is {value!r}: give the name or address of a host"


def _connection(options: Options) -> t.Iterator[str]:
    for name in sorted(set(options["connection"]) - _CONNECTION):
        where = "give it in standby_tls" if name in _TLS else f"there can be {', '.join(sorted(_CONNECTION))}"
        yield f"connection has {name!r}: {where}"
    for name, value in options["connection"].items():
        if name in _CONNECTION and name not in _TEXTS and not str(value).isdecimal():
            yield f"connection has {name} {value!r}: give a whole number"


def _tls(options: Options) -> t.Iterator[str]:
    tls, clientcert, method = options["tls"], options.get("clientcert"), options["replication_auth"]
    for name in sorted(set(tls) - _TLS):
        yield f"tls has {name!r}: there can be {', '.join(sorted(_TLS))}"
    mode = tls.get("sslmode")
    if tls and mode not in _SSLMODES:
        yield f"tls has sslmode {mode!r}: give one of {', '.join(_SSLMODES)}"
    if str(mode).startswith("verify") and not tls.get("sslrootcert"):
        yield f"tls has sslmode {mode!r} without sslrootcert: give the certificate of the authority that signed the primary's"
    if (clientcert or method == "cert") and not (tls.get("sslcert") and tls.get("sslkey")):
        asks = f"clientcert is {clientcert!r}" if clientcert else "replication_auth is 'cert'"
        yield f"{asks}, and standby_tls has no sslcert and sslkey: give the files of the standby's certificate and its key"
    for name in TLS_FILES:
        if tls.get(name) and not str(tls[name]).startswith("/"):
            yield f"tls has {name} {tls[name]!r}: give an absolute path, the engine knows no home directory"


def _lists(options: Options) -> t.Iterator[str]:
    for name in options["accept"]:
        if name not in DIFFERENCES:
            yield f"accept has {name!r}: there can be {', '.join(DIFFERENCES)}"
    for location, place in options["tablespace_mapping"].items():
        for path in (location, place):
            if not str(path).startswith("/"):
                yield f"tablespace_mapping has {path!r}: give absolute paths"
