# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import stat

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import maintenance
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.maintenance import Mark, mark_file, plan, read, sentence, write
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Step
from hypothesis import given
from hypothesis import strategies as st

MARK = Mark(1795392000.0, "root on ctl", "disks")


def test_is_beside_the_data_directory_wherever_that_leads(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert mark_file(str(tmp_path / "link")) == mark_file(str(tmp_path / "real")) == str(tmp_path / ".real.coordinator_maintenance")


def test_is_written_for_everybody_to_read(host, tmp_path):
    path = str(tmp_path / "mark")
    assert read(path) is None
    write(host, path, MARK)
    assert read(path) == MARK
    assert stat.S_IMODE((tmp_path / "mark").stat().st_mode) == 0o644
    with pytest.raises(CoordinatorError, match="/none does not exist"):
        write(host, str(tmp_path / "none" / "mark"), MARK)


@pytest.mark.parametrize("text", ["", "touched by hand", "[]", '{"since": "today", "by": "x", "reason": ""}'])
def test_a_file_that_tells_nothing_is_a_mark(tmp_path, text):
    (tmp_path / "mark").write_text(text)
    assert read(str(tmp_path / "mark")) == Mark(None, "", "")
    assert str(read(str(tmp_path / "mark"))) == "in maintenance"


@given(st.text())
def test_whatever_is_in_the_file_is_a_mark(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("mark") / "mark"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    assert read(str(path)) is not None


@pytest.mark.parametrize(
    ("mark", "desired", "steps"),
    [
        (None, None, []),
        (MARK, None, [Step("remove_mark")]),
        (None, MARK, [Step("write_mark", {"mark": MARK})]),
        (MARK, Mark(5.0, "me", ""), []),
        (MARK, Mark(5.0, "me", "disks"), []),
        (MARK, Mark(5.0, "me", "memory"), [Step("write_mark", {"mark": Mark(1795392000.0, "root on ctl", "memory")})]),
    ],
)
def test_plans(mark, desired, steps):
    assert plan(mark, desired) == steps


@pytest.mark.parametrize(
    ("marks", "inventory", "said"),
    [
        ({}, [], ""),
        (
            {"cdw": MARK, "scdw": MARK},
            [],
            "in maintenance since 2026-11-23 00:00:00 UTC by root on ctl (disks), marked on cdw, scdw: no playbook but status acts. When "
            "it is over, run the playbook maintenance with maintenance=false",
        ),
        (
            {},
            ["cdw"],
            "in maintenance, by the variable maintenance: no playbook but status acts. When it is over, set the variable maintenance to "
            "false, or take it away",
        ),
        (
            {"scdw": maintenance.Mark(None, "", "")},
            ["cdw", "sdw1"],
            "in maintenance, marked on scdw and by the variable maintenance: no playbook but status acts. When it is over, set the "
            "variable maintenance to false, or take it away, and run the playbook maintenance with maintenance=false",
        ),
    ],
)
def test_says_how_it_ends(marks, inventory, said):
    assert sentence(marks, inventory) == said
