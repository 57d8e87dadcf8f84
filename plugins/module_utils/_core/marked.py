# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Lines of this collection among those of others in a file: a block between two marker lines that have its name."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError

#: name of this collection's block; others of its blocks have more words behind it
COLLECTION = "warehousepg.coordinator"

_BEGIN, _END = "# BEGIN ", "# END "


def lines_of(text: str) -> list[str]:
    """The lines of a text, each with its end. A line feed alone ends one, as the engine and shells read it; Python knows others."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


@dataclasses.dataclass(frozen=True)
class Block:
    """A block of a text.

    :param name: its name.
    :param first: number of its first line, a marker, from 0.
    :param last: number of its last one.
    :param lines: what is between, without line ends.
    """

    name: str
    first: int
    last: int
    lines: tuple[str, ...]


def _name_in(line: str, marker: str) -> str | None:
    bare = line.strip()
    return bare[len(marker) :] if bare.startswith(marker) else None


def find(text: str, name: str) -> Block | None:
    """The block of a name, the first where there are more; None where there is none, or only a part of one."""
    return next((block for block in _blocks(text) if block.name == name), None)


def own(text: str) -> list[Block]:
    """The blocks of this collection, whatever they are for."""
    return [block for block in _blocks(text) if _is_own(block.name)]


def _is_own(name: str) -> bool:
    return f"{name} ".startswith(f"{COLLECTION} ")


def _blocks(text: str) -> t.Iterator[Block]:
    lines = [line.rstrip("\r\n") for line in lines_of(text)]
    opened: dict[str, int] = {}
    for number, line in enumerate(lines):
        begun, ended = _name_in(line, _BEGIN), _name_in(line, _END)
        if begun is not None:
            opened.setdefault(begun, number)
        elif ended in opened:
            first = opened.pop(ended)
            yield Block(ended, first, number, tuple(lines[first + 1 : number]))


def names(text: str) -> list[str]:
    """The names of this collection's marker lines, of blocks that are not whole, too."""
    found = (_name_in(line, marker) for line in lines_of(text) for marker in (_BEGIN, _END))
    return list(dict.fromkeys(name for name in found if name is not None and _is_own(name)))


def require_whole(text: str, name: str) -> None:
    """See that a name has no marker line but a pair.

    :raises CoordinatorError: it has.
    """
    begin, end = _BEGIN + name, _END + name
    markers = [line.strip() for line in lines_of(text) if line.strip() in (begin, end)]
    if markers == [end, begin]:
        raise CoordinatorError(f"the marker line {end!r} stands before {begin!r}: put them in order")
    if markers not in ([], [begin, end]):
        raise CoordinatorError(
            f"the marker lines {begin!r} and {end!r} are not one pair: leave one of each, around the lines of this collection"
        )


def without(text: str, blocks: t.Iterable[Block]) -> str:
    """The text without some of its blocks, every other line byte for byte as it was."""
    gone = {number for block in blocks for number in range(block.first, block.last + 1)}
    return "".join(line for number, line in enumerate(lines_of(text)) if number not in gone)


def written(blocks: t.Iterable[Block]) -> str:
    """Blocks as they are written."""
    return "".join(f"{line}\n" for block in blocks for line in (_BEGIN + block.name, *block.lines, _END + block.name))


def change(text: str, name: str, lines: t.Sequence[str], last: bool) -> str:
    """The text with these lines in the block of a name, every other line byte for byte as it was.

    :param lines: none removes the block.
    :param last: whether it is the last of the text; else it is the first.
    :raises CoordinatorError: a line, or the name, would be more than one, or be read as another one.
    """
    broken = next((line for line in (name, *lines) if "\n" in line), name if name != name.strip() else None)
    if broken is not None:
        raise CoordinatorError(f"{broken!r} cannot be a line of a file: give it without line breaks, and a name without blanks around it")
    bare = without(text, filter(None, [find(text, name)]))
    block = written([Block(name, 0, 0, tuple(lines))]) if lines else ""
    if not last:
        return block + bare
    return bare + ("\n" if block and bare and not bare.endswith("\n") else "") + block
