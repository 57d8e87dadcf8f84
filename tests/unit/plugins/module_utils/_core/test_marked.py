# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import marked
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from hypothesis import given
from hypothesis import strategies as st

NAME = marked.COLLECTION
NAMES = (NAME, f"{NAME} drain", f"{NAME} environment of demo", f"{NAME}s", "ANSIBLE MANAGED BLOCK")
LINE = st.sampled_from(["x", "", " y ", "# z", *(f"# {word} {name}" for word in ("BEGIN", "END") for name in NAMES)])
TEXT = st.builds("{}{}".format, st.lists(LINE).map("\n".join), st.sampled_from(["", "\n", "\r\n"]))
BODY = st.lists(st.sampled_from(["host all", "", "# a comment"]), min_size=1)


@given(TEXT, st.sampled_from(NAMES), BODY, st.booleans())
def test_what_was_written_is_read_and_goes_again(text, name, body, last):
    before = marked.without(text, filter(None, [marked.find(text, name)]))
    changed = marked.change(text, name, body, last)
    block = marked.find(changed, name)
    if marked.find(before, name) is None and not any(marker in before for marker in (f"# BEGIN {name}", f"# END {name}")):
        assert block is not None and list(block.lines) == body
        assert marked.change(changed, name, body, last) == changed
        gone = marked.change(changed, name, [], last)
        assert gone in (before, f"{before}\n")


@given(TEXT, st.sampled_from(NAMES))
def test_the_lines_of_others_stay(text, name):
    bare = marked.without(text, marked.own(text))
    blocks = marked.own(text)
    assert len(bare.splitlines()) >= len(text.splitlines()) - sum(block.last - block.first + 1 for block in blocks)
    assert marked.change(text, name, [], last=True) == marked.without(text, filter(None, [marked.find(text, name)]))


def test_blocks_of_ours_are_those_of_the_collection_alone():
    text = marked.written([marked.Block(name=name, first=0, last=0, lines=("x",)) for name in NAMES])
    assert [block.name for block in marked.own(text)] == list(NAMES[:3])
    assert marked.written(marked.own(text)) == "".join(f"# BEGIN {name}\nx\n# END {name}\n" for name in NAMES[:3])
    assert marked.without(text, marked.own(text)) == "".join(f"# BEGIN {name}\nx\n# END {name}\n" for name in NAMES[3:])


def test_a_block_may_stand_in_another_one_s():
    text = f"# BEGIN ANSIBLE MANAGED BLOCK\na\n# BEGIN {NAME}\nb\n# END {NAME}\nc\n# END ANSIBLE MANAGED BLOCK\n"
    assert marked.find(text, NAME).lines == ("b",)
    assert marked.without(text, marked.own(text)) == "# BEGIN ANSIBLE MANAGED BLOCK\na\nc\n# END ANSIBLE MANAGED BLOCK\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"# BEGIN {NAME}\n", "are not one pair"),
        (f"x\n# END {NAME}\n", "are not one pair"),
        (f"# END {NAME}\n# BEGIN {NAME}\n", "stands before"),
        (2 * f"# BEGIN {NAME}\n# END {NAME}\n", "are not one pair"),
    ],
)
def test_a_part_of_a_block_is_none_and_can_be_refused(text, said):
    with pytest.raises(CoordinatorError, match=said):
        marked.require_whole(text, NAME)
    assert marked.names(text) == [NAME]
    if text.count("# BEGIN") == 1:
        assert marked.find(text, NAME) is None and marked.change(text, NAME, [], last=True) == text
    marked.require_whole(f"# BEGIN {NAME}\nx\n# END {NAME}\n", NAME)
    marked.require_whole("", NAME)
