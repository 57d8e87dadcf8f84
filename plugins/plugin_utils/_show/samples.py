# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What was seen of a pair over time: a line of JSON for each look, a week of them in a file that does not grow without end."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import border
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.border import Name, Seconds
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show import audit, report
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.severity import rank

#: how long a look is kept
SECONDS = 7 * 86400
#: how many lines a file has at most; when there are more, the older half of them is told by half as many
LINES = 1000


@dataclasses.dataclass(frozen=True)
class Sample:
    """What one look saw, or the worst of several.

    :param time: of the latest look, in seconds since the epoch.
    :param state: of the pair.
    :param as_desired: whether it was what the inventory asks for.
    :param lag_bytes: bytes of WAL that the standby had still to replay; None where that was not seen, as the others.
    :param lag_seconds: seconds that the latest commits took to be replayed.
    :param retained_bytes: bytes of WAL that the slots retained.
    """

    time: Seconds
    state: Name
    as_desired: bool
    lag_bytes: int | None
    lag_seconds: Seconds | None
    retained_bytes: int | None


def sample(cluster: t.Mapping[str, t.Any], time: float) -> Sample:
    """What is kept of a look.

    :param cluster: what the document says of it.
    :param time: when it was judged.
    """
    return Sample(
        time=time,
        state=cluster["state"],
        as_desired=cluster["as_desired"],
        lag_bytes=cluster["replication"]["lag_bytes"],
        lag_seconds=cluster["replication"]["lag_seconds"],
        retained_bytes=report.most_retained(cluster),
    )


def keep(path: str, latest: Sample, check_mode: bool = False) -> list[Sample]:
    """Add a look to those that a file keeps; returns all of them, by their time.

    :param check_mode: whether the file is left as it is.
    :raises OSError: it cannot be read or written.
    """
    kept = sorted([*read(path), latest], key=lambda one: one.time)
    if check_mode:
        return kept
    if len(kept) <= LINES:
        audit.append(path, dataclasses.asdict(latest))
        return kept
    kept = thinned(kept)
    report.write_text(path, "".join(json.dumps(dataclasses.asdict(one)) + "\n" for one in kept), mode=0o600)
    return kept


def read(path: str) -> list[Sample]:
    """The looks that a file keeps; none where there is no file. A line that is not of the form is left out.

    :raises OSError: it cannot be read.
    """
    try:
        with open(path, "rb") as file:
            lines = file.read().splitlines()
    except FileNotFoundError:
        return []
    return [found for found in map(_read_line, lines) if found]


def _read_line(line: bytes) -> Sample | None:
    try:
        return border.parse(Sample, json.loads(line))
    except (ValueError, RecursionError):
        return None


def thinned(kept: t.Sequence[Sample]) -> list[Sample]:
    """Those of the last week, of the older half of them always two told as one."""
    recent = [one for one in kept if one.time > kept[-1].time - SECONDS]
    if len(recent) <= LINES // 2:
        return recent
    half = len(recent) // 2 // 2 * 2
    return [worst(one, other) for one, other in zip(recent[:half:2], recent[1:half:2])] + recent[half:]


def worst(one: Sample, other: Sample) -> Sample:
    """Two looks as one, the other of which is the later."""
    state = min(one, other, key=lambda found: rank(found.state, found.as_desired))
    return Sample(
        time=other.time,
        state=state.state,
        as_desired=state.as_desired,
        **{name: _most([getattr(one, name), getattr(other, name)]) for name in ("lag_bytes", "lag_seconds", "retained_bytes")},
    )


def _most(values: t.Iterable[t.Any]) -> t.Any:
    """The largest of values that were seen."""
    return max((value for value in values if value is not None), default=None)
