# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether what a host told can be used: every name, position, path, port and time in it is of its form.

One host may be anybody's. What it tells is looked at here once, so that no code behind meets a position that cannot be read, which would
end the run for all clusters, or a name with a line break in it, which would be written into a file of another host.
"""

from __future__ import annotations

import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils import border
from ansible_collections.warehousepg.coordinator.plugins.module_utils.border import Form, fields, many, optional

Told = t.Mapping[str, t.Any]


def _object(**forms: Form) -> Form:
    """The form of an object, of which any of these fields may be missing."""
    return lambda value: fields(value, {}, forms)


def _step(value: t.Any) -> None:
    """A timeline and where it was left."""
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError(f"{value!r:.200} is no ancestor of a timeline")
    border.number(value[0])
    border.lsn(value[1])


_LSN = optional(border.lsn)
_NAME = optional(border.name)
_ROW = _object(
    **dict.fromkeys(("dbid", "content"), border.number),
    **dict.fromkeys(("role", "preferred_role", "mode", "status", "hostname", "address"), border.name),
    port=border.port,
    datadir=border.path,
)
_CONTROL = _object(
    system_identifier=border.name,
    timeline=border.number,
    segment_bytes=border.number,
    **dict.fromkeys(("checkpoint", "redo", "consistent"), _LSN),
)

_FORMS: dict[str, Form] = {
    "hostname": border.name,
    "addresses": many(border.address),
    "fences": many(_object(cluster=border.name, addresses=many(border.address), ports=many(border.port))),
    "clock": border.seconds,
    "record_wrong": optional(border.name),
    "segments": many(_object(data_directory=border.path, port=border.port)),
    "sessions": optional(many(_object(address=border.address, port=border.port, count=border.number, quiet_s=optional(border.seconds)))),
    "instance": _object(
        data_directory=border.path,
        content=border.name,
        role=_NAME,
        fenced=_NAME,
        port=optional(border.port),
        dbid=optional(border.number),
        control=optional(_CONTROL),
        postmaster=optional(_object(pid=border.number, port=optional(border.port), received=_LSN)),
    ),
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
        _object(
            registrations=many(_ROW),
            standby=optional(_ROW),
            walsender=optional(_object(sent_lsn=_LSN, flush_lsn=_LSN, replay_lsn=_LSN, client_addr=_NAME)),
            probe=optional(_object(lsn=_LSN)),
            lsn=_LSN,
            timeline=border.number,
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
