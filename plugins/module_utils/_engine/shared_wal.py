# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""WAL that a former primary and the present one have alike: kept over a rewind, instead of being copied again.

``pg_rewind`` removes from the target what the source does not list. So what is left out of that list is linked aside before, and put
back in its place afterwards.
"""

from __future__ import annotations

import os
import shutil
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import sync_directory
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import WAL_FILE, Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import timeline, wal


def names(data_directory: str, history: timeline.History, parted: Lsn) -> list[str]:
    """The WAL segments of a former primary that the present one has alike, as far as it had them all.

    :param history: of the former primary.
    :param parted: where both parted.
    """
    directory = wal.wal_directory(data_directory)
    found = [wal.read_segment(os.path.join(directory, name), name) for name in os.listdir(directory) if WAL_FILE.fullmatch(name)]
    segments = {os.path.basename(segment.path): segment for segment in found if segment is not None}
    sizes = {segment.size for segment in segments.values()}
    return timeline.shared(segments, sizes.pop(), history, parted) if len(sizes) == 1 else []


def _aside(data_directory: str) -> str:
    """Where the segments are meanwhile: on the same file system, out of pg_rewind's sight, by a name that only this collection gives."""
    directory = wal.wal_directory(data_directory)
    return f"{os.path.realpath(directory) if os.path.islink(directory) else data_directory}.coordinator_wal"


def keep(data_directory: str, segments: t.Iterable[str]) -> None:
    """Link segments aside.

    :raises OSError: that cannot be done there.
    """
    aside = _aside(data_directory)
    shutil.rmtree(aside, ignore_errors=True)  # left by an earlier attempt
    os.mkdir(aside, 0o700)
    for name in segments:
        os.link(os.path.join(wal.wal_directory(data_directory), name), os.path.join(aside, name))


def put_back(data_directory: str) -> list[str]:
    """Put back the segments that are aside; returns the names of those that are not what they were.

    A segment that the engine's recovery of the target renamed, to use it again, may have been written over since: its file has another
    name left then, or another beginning.
    """
    aside, directory = _aside(data_directory), wal.wal_directory(data_directory)
    lost = []
    for name in sorted(os.listdir(aside)) if os.path.isdir(aside) and os.path.isdir(directory) else []:
        kept, place = os.path.join(aside, name), os.path.join(directory, name)
        if os.path.lexists(place):
            continue
        if os.stat(kept).st_nlink == 1 and wal.read_segment(kept, name) is not None:
            os.rename(kept, place)
        else:
            lost.append(name)
    if os.path.isdir(aside):
        shutil.rmtree(aside)
        sync_directory(directory)
    return lost
