# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import subprocess

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import environment

DESIRED = environment.line({"PGPORT": "5432", "COORDINATOR_DATA_DIRECTORY": "/data/a b"})
LATER = "export COORDINATOR_DATA_DIRECTORY=/elsewhere\n"


@pytest.mark.parametrize("text", ["", "alias x=y", "alias x=y\n", LATER])
def test_the_line_comes_last_and_goes_again(text):
    changed = environment.change(text, "demo", DESIRED)
    assert environment.found_in(changed, "demo") == DESIRED
    assert environment.plan(changed, "demo", DESIRED) == []
    assert environment.change(changed, "demo", None).rstrip("\n") == text.rstrip("\n")
    told = subprocess.run(
        ["bash", "-c", f"{changed}\necho $PGPORT $COORDINATOR_DATA_DIRECTORY"], capture_output=True, text=True, check=True
    )
    assert told.stdout == "5432 /data/a b\n"


def test_what_others_set_behind_it_does_not_count_any_more():
    text = environment.change("", "demo", DESIRED) + LATER
    assert environment.found_in(text, "demo") is None
    changed = environment.change(text, "demo", DESIRED)
    assert (environment.found_in(changed, "demo"), changed.count("# BEGIN")) == (DESIRED, 1)


def test_unrelated_lines_behind_it_do_not_matter():
    text = environment.change("", "demo", DESIRED) + "alias x=y\n"
    assert environment.plan(text, "demo", DESIRED) == []


def test_other_clusters_keep_theirs():
    both = environment.change(environment.change("", "one", DESIRED), "other", DESIRED)
    assert environment.change(both, "other", None) == environment.change("", "one", DESIRED)


def test_nothing_is_removed_where_nothing_is():
    assert environment.plan(None, "demo", None) == []
    assert environment.plan("x\n", "demo", None) == []


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (None, "COORDINATOR_DATA_DIRECTORY"),
        ("os.environ['COORDINATOR_DATA_DIRECTORY'] # was MASTER_DATA_DIRECTORY", "COORDINATOR_DATA_DIRECTORY"),
        ("os.environ['MASTER_DATA_DIRECTORY']", "MASTER_DATA_DIRECTORY"),
    ],
)
def test_the_name_of_the_variable_is_that_of_the_utilities(tmp_path, source, name):
    if source is not None:
        (tmp_path / "lib/python/gppylib/commands").mkdir(parents=True)
        (tmp_path / "lib/python/gppylib/commands/gp.py").write_text(source)
    assert environment.variables(str(tmp_path), "/d", 5432) == {"PGPORT": "5432", name: "/d"}
