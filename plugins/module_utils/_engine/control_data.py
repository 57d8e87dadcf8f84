# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What the control file of a data directory says, by pg_controldata."""

from __future__ import annotations

import dataclasses

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import border
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.border import Name, Position
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import is_segment_size

#: what ``pg_controldata`` warns of, and then prints what is there
_TORN = "CRC checksum does not match value stored in file"


@dataclasses.dataclass(frozen=True)
class ControlData:
    """What ``pg_controldata`` tells of a data directory.

    :param system_identifier: the same for all copies of one instance.
    :param state: ``in production``, ``in archive recovery``, ``shut down`` …
    :param timeline: timeline of the latest checkpoint.
    :param checkpoint: LSN of the latest checkpoint.
    :param redo: LSN from which recovery begins, by the latest checkpoint.
    :param consistent: LSN that recovery must have reached, ``0/0`` on a primary.
    :param segment_bytes: size of a WAL segment in bytes.
    :param checksums: whether pages carry checksums.
    """

    system_identifier: Name
    state: str
    timeline: int
    checkpoint: Position
    redo: Position
    consistent: Position
    segment_bytes: int
    checksums: bool


def parse_controldata(text: str) -> ControlData:
    """Read the output of ``pg_controldata``.

    :raises CoordinatorError: a line that is needed is missing, or of another form.
    """
    if _TORN in text:
        raise CoordinatorError("the checksum of pg_control is wrong: it is damaged")
    values = {key.strip(): value.strip() for key, found, value in (line.partition(":") for line in text.split("\n")) if found}
    try:
        read = ControlData(
            system_identifier=values["Database system identifier"],
            state=values["Database cluster state"],
            timeline=int(values["Latest checkpoint's TimeLineID"]),
            checkpoint=values["Latest checkpoint location"],
            redo=values["Latest checkpoint's REDO location"],
            consistent=values["Minimum recovery ending location"],
            segment_bytes=int(values["Bytes per WAL segment"]),
            checksums=values["Data page checksum version"] != "0",
        )
        border.parse(ControlData, dataclasses.asdict(read))
        if read.timeline < 1 or not is_segment_size(read.segment_bytes):
            raise ValueError(f"timeline {read.timeline}, WAL segments of {read.segment_bytes} bytes")
    except (KeyError, ValueError) as error:
        raise CoordinatorError(f"the output of pg_controldata is not understood: {error}; it began {text!r:.200}") from error
    return read


def read_control(host: Host, data_directory: str) -> ControlData:
    """What ``pg_controldata`` tells of a data directory now.

    :raises CoordinatorError: the control file is missing or damaged.
    """
    return parse_controldata(host.run("pg_controldata", data_directory))
