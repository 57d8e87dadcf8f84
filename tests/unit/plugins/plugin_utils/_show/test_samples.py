# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import json
import stat

from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.verdict import STATES
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show import samples
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.samples import LINES, SECONDS, Sample
from hypothesis import given
from hypothesis import strategies as st

from ..clusters import cluster

MIRRORED = Sample(1000.0, "mirrored", True, 0, None, 16)
SEEN = st.none() | st.integers(0, 1 << 40)
LOOKS = st.builds(Sample, st.floats(0, 2 * SECONDS), st.sampled_from(STATES), st.booleans(), SEEN, st.none() | st.floats(0, 100), SEEN)


def replace(one=MIRRORED, **changes):
    return dataclasses.replace(one, **changes)


def test_what_is_kept_of_a_look():
    told = cluster()
    told["replication"].update(lag_bytes=16, lag_seconds=0.25)
    told["slots"] = [{"retained_bytes": 5}, {"retained_bytes": None}, {"retained_bytes": 7}]
    assert samples.sample(told, 1000.0) == Sample(1000.0, "mirrored", True, 16, 0.25, 7)
    assert samples.sample(cluster("primary_unknown"), 1.0) == Sample(1.0, "primary_unknown", False, None, None, None)


def test_looks_are_added_to_a_private_file_and_read_again(tmp_path):
    path = tmp_path / "new/demo.samples.jsonl"
    assert samples.keep(str(path), MIRRORED) == [MIRRORED]
    later = replace(time=1060.0, state="degraded", as_desired=False)
    assert samples.keep(str(path), later) == samples.read(str(path)) == [MIRRORED, later]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_lines_that_are_not_of_the_form_are_left_out(tmp_path):
    path = tmp_path / "demo.samples.jsonl"
    samples.keep(str(path), MIRRORED)
    whole = path.read_bytes()
    path.write_bytes(b"\xff\n{}\n[]\n" + whole + b'{"time": NaN}\n' + b"[" * 100_000 + b"\n" + whole[:20] + b"\n")
    assert samples.read(str(path)) == [MIRRORED]
    assert samples.read(str(tmp_path / "none")) == []


def test_a_file_does_not_grow_without_end(tmp_path):
    path = tmp_path / "demo.samples.jsonl"
    path.write_text("".join(json.dumps(dataclasses.asdict(replace(time=number))) + "\n" for number in range(LINES - 1)))
    lengths = []
    for number in range(LINES - 1, LINES + 2):
        kept = samples.keep(str(path), replace(time=float(number)))
        assert samples.read(str(path)) == kept
        lengths.append(len(kept))
    assert lengths == [LINES, LINES * 3 // 4 + 1, LINES * 3 // 4 + 2]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [found.name for found in tmp_path.iterdir()] == ["demo.samples.jsonl"]
    assert (kept[0].time, kept[-1].time) == (1.0, LINES + 1.0), "the first look is told with the second"


def test_in_check_mode_nothing_is_kept(tmp_path):
    assert samples.keep(str(tmp_path / "new/demo.samples.jsonl"), MIRRORED, check_mode=True) == [MIRRORED]
    assert list(tmp_path.iterdir()) == []


@given(st.lists(LOOKS, min_size=1, max_size=40), st.integers(1, 40))
def test_what_was_worst_is_told_still(some, copies):
    looks = sorted((replace(one, time=one.time + copy) for one in some for copy in range(copies)), key=lambda one: one.time)
    kept = samples.thinned(looks)
    recent = [one for one in looks if one.time > looks[-1].time - SECONDS]
    assert kept[-1] == looks[-1]
    assert [one.time for one in kept] == sorted(one.time for one in kept)
    assert len(kept) <= max(LINES // 2, len(recent) * 3 // 4 + 1)
    for name in ("lag_bytes", "lag_seconds", "retained_bytes"):
        values = [[value for one in of if (value := getattr(one, name)) is not None] for of in (kept, recent)]
        assert max(values[0], default=None) == max(values[1], default=None)
    assert all(one.as_desired for one in kept) == all(one.as_desired for one in recent)
