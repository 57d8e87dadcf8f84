# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.configuration import (
    change_settings,
    change_start_block,
    include_name,
    read_settings,
    start_block_of,
)
from hypothesis import given
from hypothesis import strategies as st

CONF = """\
# a comment
port=5432		# the port
shared_buffers = 125MB
log_line_prefix 'x''y'
#wal_level = minimal
port = '6000'
include = 'internal.auto.conf'
"""

names = st.from_regex(r"[a-z_]{1,12}", fullmatch=True).filter(lambda name: not name.startswith("include"))
values = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)


def test_the_last_line_of_a_name_counts_and_comments_do_not():
    assert read_settings(CONF) == {"port": "6000", "shared_buffers": "125MB", "log_line_prefix": "x'y"}


@given(st.dictionaries(names, values))
def test_reads_what_it_writes(settings):
    assert read_settings(change_settings("", settings)) == settings


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=20)), names, values)
def test_leaves_other_lines_alone(lines, name, value):
    text = "".join(f"# {line.splitlines()[0] if line.splitlines() else ''}\n" for line in lines)
    assert change_settings(text, {name: value}).startswith(text)


def test_changes_the_line_that_counts_and_removes_the_others():
    changed = change_settings(CONF, {"port": "7000"})
    assert changed == CONF.replace("port=5432		# the port\n", "").replace("port = '6000'", "port = 7000")


def test_keeps_a_text_that_says_so_already():
    assert change_settings("port=7000 # mine\n", {"port": "7000"}) == "port=7000 # mine\n"


def test_removes_a_setting():
    assert change_settings("a = 1\nb = 2\na = 3\n", {"a": None, "c": None}) == "b = 2\n"


@pytest.mark.parametrize("last", ["a = 1", "a = 1\n"])
def test_adds_after_a_whole_last_line(last):
    assert change_settings(last, {"b": "x y"}) == "a = 1\nb = 'x y'\n"


def test_a_fence_names_the_new_primary():
    assert include_name("scdw") == "FENCED_scdw_is_primary.conf"
    assert include_name("scdw 2/'x'") == "FENCED_scdw_2__x__is_primary.conf"


lines = st.text(alphabet="ab= '#\n", max_size=40)
includes = st.text(min_size=1).map(include_name)


@given(lines, includes, includes)
def test_a_fence_is_put_at_the_end_and_lifted_without_a_trace(text, first, second):
    fenced = change_start_block(text, first)
    assert start_block_of(fenced) == first
    assert change_start_block(fenced, first) == fenced
    assert start_block_of(change_start_block(fenced, second)) == second
    assert fenced.startswith(text)
    whole = text if text.endswith("\n") or not text else f"{text}\n"
    assert change_start_block(fenced, None) == whole
    assert change_start_block(text, None) == text
    assert read_settings(fenced) == read_settings(text)


def test_lines_of_others_are_no_fence():
    text = "include = 'FENCED_scdw_is_primary.conf'\n# BEGIN warehousepg.coordinator fence\nport = 1\n"
    assert start_block_of(text) is None
    assert change_start_block(text, None) == text
