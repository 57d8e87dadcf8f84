# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.progress_lines import lines

COPY = {"cluster": "demo", "host": "scdw", "what": "copy", "done": 1 << 29, "total": 1 << 30, "rate": 1 << 27, "left": 65}


def test_each_host_has_a_line(tmp_path):
    (tmp_path / "scdw.json").write_text(json.dumps(COPY))
    (tmp_path / "sdw1.json").write_text(json.dumps({**COPY, "cluster": "", "host": "sdw1", "total": None, "rate": None, "left": None}))
    assert lines(str(tmp_path), 80) == [
        "demo: copy (scdw): 50 %, 512.0 MiB of 1.0 GiB, 128.0 MiB/s, 1:05 left",
        "sdw1: copy (sdw1): 512.0 MiB",
    ]
    (tmp_path / "sdw1.json").write_text(json.dumps({**COPY, "paused": 12.34}))
    assert lines(str(tmp_path), 100)[1].endswith(", 1:05 left, paused for 12 s")
    (tmp_path / "sdw1.json").write_text(json.dumps({**COPY, "cluster": "", "host": "sdw1"}))
    assert lines(str(tmp_path), 10) == ["demo: copy", "sdw1: copy"]


def test_what_cannot_be_read_is_left_out(tmp_path):
    for name, content in {"a.json": "{", "b.json": "[]", "c.json": '{"done": "x"}', "d.tmp": json.dumps(COPY)}.items():
        (tmp_path / name).write_text(content)
    assert lines(str(tmp_path), 80) == []


def test_a_terminal_obeys_nothing(tmp_path):
    (tmp_path / "scdw.json").write_text(json.dumps({**COPY, "what": "\x1b[2J"}))
    assert lines(str(tmp_path), 80)[0].startswith("demo: \\x1b[2J (scdw)")
