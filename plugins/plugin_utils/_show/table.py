# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Rows of a table as lines, for people."""

from __future__ import annotations

import os
import shutil
import sys
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._run.watching import MARK
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.people import harmless

#: letters of a line for which there is always room
WIDTH = 120


def room() -> int | None:
    """Letters of a line at most on the terminal that this run prints on; None where that is none, for nothing is cut in a file."""
    watched = os.environ.get(MARK)
    columns = int(watched) if watched else shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    return max(columns, WIDTH) if columns else None


#: of this run, whose process loads this: those of its tasks have no terminal
ROOM = room()

_GAP = "  "
_CUT = "…"


def lines(rows: t.Sequence[t.Sequence[str]], width: int | None = ROOM) -> list[str]:
    """Rows as lines, column below column. Where that is too wide the widest columns are cut, the last of them first.

    :param rows: each with as many cells.
    :param width: letters of a line at most; None: as many as there are.
    """
    cells = [[harmless(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells)]
    while width and sum(widths) + len(_GAP) * (len(widths) - 1) > width:
        widest = max(range(len(widths)), key=lambda number: (widths[number], number))
        widths[widest] -= 1
    return [_GAP.join(_fitted(cell, room) for cell, room in zip(row, widths)).rstrip() for row in cells]


def _fitted(cell: str, room: int) -> str:
    return cell.ljust(room) if len(cell) <= room else cell[: room - len(_CUT)] + _CUT
