# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Whether what a host told can be used: every name, position, path, port and time in it is of its form.

One host may be anybody's. What it tells is looked at here once, so that no code behind meets a position that cannot be read, which would
end the run for all clusters, or a name with a line break in it, which would be written into a file of another host.
"""

from __future__ import annotations

import dataclasses
import math
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import border
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.border import Form, fields, many, optional
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.maintenance import Mark
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.catalog import Registration
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection import KINDS
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.replication import OtherSender
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.packet_filters.registry import FILTERS

Told = t.Mapping[str, t.Any]


def _object(**forms: Form) -> Form:
    """The form of an object, of which any of these fields may be missing."""
    return lambda value: fields(value, {}, forms)


def _whole(kind: type, **forms: Form) -> Form:
    """The form of an object that a dataclass is made of again: all its fields, and no other one."""
    names = [field.name for field in dataclasses.fields(kind)]

    def values(value: t.Any) -> dict[str, t.Any]:
        found = fields(value, {name: forms.get(name, lambda any_value: any_value) for name in names})
        if len(found) != len(value):
            raise ValueError(f"{', '.join(sorted(map(repr, set(value) - set(found))))} is no field of it")
        return found

    return values


def _complete(**forms: Form) -> Form:
    """The form of an object that has all of these fields."""
    return lambda value: fields(value, forms)


def _mapping(form: Form) -> Form:
    """The form of an object whose fields have any names."""

    def values(value: t.Any) -> dict[str, t.Any]:
        if not isinstance(value, dict):
            raise ValueError(f"{value!r:.200} is no object")
        return fields(value, dict.fromkeys(value, form))

    return values


def _number(value: t.Any) -> float:
    """A number that JSON can hold."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{value!r:.200} is no number")
    return value


def _step(value: t.Any) -> None:
    """A timeline and where it was left."""
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError(f"{value!r:.200} is no ancestor of a timeline")
    border.number(value[0])
    border.lsn(value[1])


_LSN = optional(border.lsn)
_NAME = optional(border.name)
_ROW = _whole(
    Registration,
    dbid=border.positive,
    content=border.number,
    **dict.fromkeys(("role", "preferred_role", "mode", "status", "hostname", "address"), border.name),
    port=border.port,
    datadir=border.path,
)
_CONTROL = _object(
    system_identifier=border.name,
    timeline=border.number,
    segment_bytes=border.number,
    state=border.text,
    **dict.fromkeys(("checkpoint", "redo", "consistent"), _LSN),
)

_FORMS: dict[str, Form] = {
    "hostname": border.name,
    "addresses": many(border.address),
    "fences": many(
        _object(
            cluster=border.name,
            addresses=many(border.address),
            ports=many(border.port),
            tool=border.one_of(*FILTERS),
            since=optional(border.seconds),
        )
    ),
    "peers": _mapping(border.name),
    "clock": border.seconds,
    "record_wrong": optional(border.name),
    "segments": many(_object(data_directory=border.path, port=border.port)),
    "sessions": optional(many(_object(address=border.address, port=border.port, count=border.number, quiet_s=optional(border.seconds)))),
    "instance": _object(
        data_directory=border.path,
        content=border.one_of("absent", "empty", "instance", "other"),
        role=optional(border.one_of("primary", "standby")),
        fenced=_NAME,
        names=many(border.text),
        port=optional(border.port),
        dbid=optional(border.positive),
        control=optional(_CONTROL),
        postmaster=optional(
            _object(pid=border.number, port=optional(border.port), received=_LSN, frozen=border.flag, connected=optional(border.flag))
        ),
    ),
    "installation": optional(
        _object(
            libraries=many(border.text),
            extensions=_mapping(optional(border.text)),
            locales=optional(many(border.text)),
            **dict.fromkeys(("open_files", "processes"), optional(border.number)),
        )
    ),
    "drifting": optional(
        _complete(
            files=_mapping(_complete(size=border.number, changed=border.seconds, check=border.text)),
            settings=_mapping(_mapping(_complete(value=optional(border.text), check=border.text))),
            left_out=many(border.text),
        )
    ),
    "maintenance": optional(_whole(Mark, since=optional(border.seconds), by=border.text, reason=border.text)),
    "listens": optional(many(border.address)),
    "site": _object(free=border.number, mounts=many(border.text)),
    "sql": optional(_object(answered=optional(border.flag), refused=optional(border.one_of(*KINDS)), error=optional(border.text))),
    "wal": optional(
        _object(
            end_lsn=_LSN,
            oldest_lsn=_LSN,
            timeline=optional(border.number),
            ancestors=optional(many(_step)),
            free=optional(border.number),
            size=optional(border.number),
        )
    ),
    "primary": optional(
        _complete(
            registrations=many(_ROW),
            standby=optional(_ROW),
            walsender=optional(
                _object(
                    **dict.fromkeys(("sent_lsn", "flush_lsn", "replay_lsn"), _LSN),
                    client_addr=_NAME,
                    **dict.fromkeys(("state", "sync_state"), border.text),
                    lag_bytes=optional(border.number),
                    **dict.fromkeys(("replay_lag_s", "reply_age_s"), optional(_number)),
                )
            ),
            other_walsenders=many(
                _whole(
                    OtherSender,
                    pid=border.number,
                    **dict.fromkeys(("application_name", "user"), border.text),
                    **dict.fromkeys(("client_addr", "state"), optional(border.text)),
                    reply_age_s=optional(_number),
                )
            ),
            slots=many(_object(name=border.text, active=border.flag, restart_lsn=_LSN, retained_bytes=optional(border.number))),
            probe=optional(_object(lsn=_LSN, acknowledged=optional(border.flag), replayed=optional(border.flag), seconds=border.seconds)),
            needs=_object(**dict.fromkeys(("preload", "locales"), many(border.text))),
            retention_limit=optional(border.number),
            access_errors=optional(many(border.text)),
            lsn=_LSN,
            timeline=border.positive,
        )
    ),
    "standby": optional(
        _object(received_lsn=_LSN, replayed_lsn=_LSN, end_lsn=_LSN, removed_wal=_NAME, walreceiver_started=optional(border.seconds))
    ),
}


def wrong(told: Told) -> str:
    """What of a result of M(warehousepg.coordinator.mirroring_info) is not of its form; empty where all is."""
    try:
        fields(told, {}, _FORMS)
    except ValueError as error:
        return str(error)
    return ""
