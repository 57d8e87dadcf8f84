# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A primary that answers of a directory of this host, and the files of a copy of it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import work
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import backup_session
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.backup_session import Listed, Range, Server
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.block_comparison import Comparison
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.copied_tree import Tree

BLOCK = 512
SERVER = Server("1", BLOCK, 4, False, 0o700, 1 << 20)


class Primary:
    """Answers as a session does, of a directory of this host."""

    def __init__(self, directory: Path):
        self.directory = directory
        self.read_ranges: list[Range] = []
        self.asked: list[Range] = []
        #: called before each piece is read
        self.meanwhile = lambda: None

    def entries(self, directory):
        place = self.directory / directory
        if not place.is_dir():
            return None
        return [Listed(each.name, each.stat().st_size, each.is_dir()) for each in place.iterdir()]

    def _bytes(self, path, first, until):
        try:
            return (self.directory / path).read_bytes()[first:until]
        except FileNotFoundError:
            return None

    def digests(self, ranges, block, row):
        self.asked += ranges
        for number, each in enumerate(ranges):
            for at in range(each.first, each.until, block):
                found = self._bytes(each.path, at, min(at + block, each.until))
                row(number, at, None if found is None else hashlib.sha256(found).digest())

    def read(self, ranges, row):
        self.read_ranges += ranges
        for number, each in enumerate(ranges):
            for at in range(each.first, each.until, backup_session.PIECE):
                self.meanwhile()
                row(number, at, self._bytes(each.path, at, min(at + backup_session.PIECE, each.until)))


def fill(directory: Path, files):
    for path, content in files.items():
        place = directory / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)


def content(directory: Path):
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def bring_in_step(source: Primary, copy: Path, seed=None, server=SERVER, before=1, pause=work.check):
    """Make files of a copy those of a primary."""
    comparison = Comparison(source, server, Lsn(before), str(copy), pause=pause)
    Tree(source, server, str(copy), str(seed) if seed else None, comparison.add).make()
    comparison.finish()
    return comparison


def bring(base: Path, primary, staged, seed=None, server=SERVER, before=1):
    """A copy of files, of what is staged and seeded."""
    for name, files in (("primary", primary), ("copy", staged), ("seed", seed or {})):
        (base / name).mkdir()
        fill(base / name, files)
    return bring_in_step(Primary(base / "primary"), base / "copy", base / "seed" if seed is not None else None, server, before)
