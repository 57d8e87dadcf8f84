# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Damages copies of real WAL, and compares what is read of them with what the engine's pg_waldump reads. Runs on a host.

``damage.py <data directory of a stopped instance> <directory for copies> <seed> <number of copies>``. Each copy is damaged once, in one
of the ways below, at a place that the seed chooses. Where nothing speaks against the end of a copy, that has to be the end of the
original; and the records that are taken to be valid are those that pg_waldump takes to be.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
import types

sys.modules["ansible"] = sys.modules["ansible.module_utils"] = types.ModuleType("ansible")
sys.modules["ansible.module_utils.basic"] = types.SimpleNamespace(AnsibleModule=object)  # what Host alone needs

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import WAL_FILE, Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import survey, wal
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.control_data import read_control
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.timeline import read_history


class ThisHost:
    """Runs programs of the engine."""

    def run(self, program, *arguments):
        done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            raise CoordinatorError(f"{program} failed with exit code {done.returncode}: {done.stderr}\n{done.stdout}")
        return done.stdout


HOST = ThisHost()


class Original:
    """The WAL that is damaged."""

    def __init__(self, directory):
        self.directory = directory
        self.control = read_control(HOST, directory)
        self.redo = Lsn.parse(self.control.redo)
        found = survey.prove(HOST, directory, self.control)
        assert not found.doubts, f"it is not damaged: {found.doubts}"
        self.end = found.end
        self.size, self.block = self.end.segment.size, self.end.segment.block
        self.names = sorted(name for name in os.listdir(f"{directory}/pg_wal") if WAL_FILE.fullmatch(name))
        #: segments from where recovery begins to the end
        numbers = range(self.redo.position // self.size, (self.end.position.position - 1) // self.size + 1)
        self.used = [self.end.name(number * self.size) for number in numbers]
        self.walk = walk(directory, self.end, self.redo)
        assert self.walk.end == self.end.position.position
        #: addresses of its pages, without what a switch of the segment left empty; and those on which a record is continued
        self.pages, self.continued = [], []
        with wal.Reader(self.end.segment, read_history(f"{directory}/pg_wal", self.end.timeline)) as reader:
            for address in range(self.redo.position // self.block * self.block, self.end.position.position, self.block):
                page = reader.page(address)
                if page is not None:
                    self.pages.append(address)
                    if page.continued and address % self.size:
                        self.continued.append(address)

    def copy(self, directory):
        """A copy whose files are the same ones."""
        shutil.rmtree(directory, ignore_errors=True)
        os.makedirs(f"{directory}/pg_wal")
        for name in self.names:
            os.link(f"{self.directory}/pg_wal/{name}", f"{directory}/pg_wal/{name}")
        for name in os.listdir(f"{self.directory}/pg_wal"):
            if name.endswith(".history"):
                shutil.copy(f"{self.directory}/pg_wal/{name}", f"{directory}/pg_wal/{name}")


def walk(directory, end, start):
    """Every record from a position on, by our own reader."""
    path = f"{directory}/pg_wal/{os.path.basename(end.segment.path)}"
    segment = wal.read_head(path, os.path.basename(path))
    with wal.Reader(segment, read_history(f"{directory}/pg_wal", end.timeline)) as reader:
        return reader.walk(start.position, summed=True)


def dumped(directory, start, first, last, end=None):
    """Where the last record begins that pg_waldump shows, and what it complains of."""
    until = ["--end", str(end)] if end is not None else []
    command = ["pg_waldump", "--path", f"{directory}/pg_wal", "--start", str(start), *until, first, last]
    done = subprocess.run(command, capture_output=True, text=True, check=False, errors="replace")
    shown = re.findall(r"lsn: ([0-9A-F]+/[0-9A-F]+), prev", done.stdout)
    return Lsn.parse(shown[-1]).position if shown else None, done.stderr.strip() if done.returncode else ""


class Damage:
    """Ways to damage a copy, each at a place of its own.

    Of the last page only what is before the last record is damaged: to lose that alone is what a crash may do, and leaves no trace.
    """

    def __init__(self, original, directory, random_):
        self.original = original
        self.directory = directory
        self.random = random_

    def _own(self, name):
        """The file of a segment, of this copy alone."""
        path = f"{self.directory}/pg_wal/{name}"
        shutil.copy(path, f"{path}.new")
        os.replace(f"{path}.new", path)
        return path

    def _place(self, last):
        """A position that something was written to, from the beginning of recovery to another."""
        page = self.random.choice([address for address in self.original.pages if address < last])
        return self.random.randrange(max(page, self.original.redo.position), min(page + self.original.block, last))

    def _write(self, position, data):
        with open(self._own(self.original.end.name(position)), "r+b") as file:
            file.seek(position % self.original.size)
            file.write(data)

    def _byte(self, position):
        with open(f"{self.directory}/pg_wal/{self.original.end.name(position)}", "rb") as file:
            file.seek(position % self.original.size)
            return file.read(1)[0]

    def truncate(self):
        name = self.random.choice(self.original.used)
        behind = self.original.end.position.position % self.original.size
        length = self.random.choice([0, 100, 8192, 100000, behind, self.original.size - 1, self.random.randrange(self.original.size)])
        os.truncate(self._own(name), length)
        return f"{name} cut to {length}"

    def extend(self):
        name = self.random.choice(self.original.used)
        more = self.random.choice([1, 8192, self.original.size])
        with open(self._own(name), "ab") as file:
            file.write(self.random.choice([b"\0", b"x"]) * more)
        return f"{name} longer by {more}"

    def zero_a_page(self):
        page = self.random.choice(self.original.pages[:-1])
        self._write(page, bytes(self.original.block))
        return f"page {Lsn(page)} zeroed"

    def flip_a_bit(self):
        position, bit = self._place(self.original.walk.last), self.random.randrange(8)
        self._write(position, bytes([self._byte(position) ^ 1 << bit]))
        return f"bit {bit} of {Lsn(position)} flipped"

    def flip_a_bit_of_the_last_page(self):
        last = self.original.walk.last
        position, bit = self.random.randrange(max(self.original.redo.position, last - last % self.original.block), last), 1
        self._write(position, bytes([self._byte(position) ^ 1 << bit]))
        return f"bit {bit} of {Lsn(position)} flipped"

    def remove_a_segment(self):
        name = self.random.choice(self.original.used[:-1])
        os.unlink(f"{self.directory}/pg_wal/{name}")
        return f"{name} removed"

    def swap_segments(self):
        one, other = self.random.sample(self.original.used, 2)
        paths = [f"{self.directory}/pg_wal/{name}" for name in (one, other)]
        os.rename(paths[0], f"{paths[0]}.new")
        os.rename(paths[1], paths[0])
        os.rename(f"{paths[0]}.new", paths[1])
        return f"{one} and {other} swapped"

    def cut_a_record(self):
        """All from a page on which a record is continued is lost, as if it had never been written."""
        size = self.original.size
        page = self.random.choice(self.original.continued)
        self._write(page, bytes(size - page % size))
        for name in self.original.names:
            if Lsn.of_wal_file(name, size).position > page:
                os.unlink(f"{self.directory}/pg_wal/{name}")
        return f"nothing from {Lsn(page)} on"


def check(original, directory, kind, what):
    """Compare what both read."""
    found = survey.prove(HOST, directory, original.control)
    traceless = kind == "cut_a_record"
    if not found.doubts and not traceless:
        assert found.end.position == original.end.position, f"{what}: {found.end.position} is called the end, it is {original.end.position}"
    ours = walk(directory, found.end, original.redo) if found.end and os.path.exists(found.end.segment.path) else None
    first, last = original.used[0], [name for name in original.used if os.path.exists(f"{directory}/pg_wal/{name}")][-1]
    if ours is None or ours.last is None:
        return "nothing is valid"
    if os.path.getsize(f"{directory}/pg_wal/{first}") < original.block:  # pg_waldump wants the whole first page of it
        return found.doubts[0]
    theirs, complaint = dumped(directory, original.redo, first, last)
    # a page of which a part is missing pg_waldump reads only where it is told that the WAL ends there
    short = kind == "truncate" and (theirs or 0) <= ours.last
    assert theirs == ours.last or short, f"{what}: {Lsn(theirs or 0)} {complaint}, ours is {Lsn(ours.last)}"
    name = original.end.name(ours.last)
    there = Lsn.of_wal_file(name, original.size).position + os.path.getsize(f"{directory}/pg_wal/{name}")
    theirs, complaint = dumped(directory, original.redo, first, name, Lsn(min(ours.end, there)))
    assert (theirs, complaint) == (ours.last, ""), f"{what}: {Lsn(theirs or 0)} {complaint}, up to our end {Lsn(ours.end)}"
    return found.doubts[0] if found.doubts else "no trace"


def main():
    source, directory, seed, number = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    original = Original(source)
    kinds = [name for name in vars(Damage) if not name.startswith("_")]
    seen = {}
    for count in range(number):
        random_ = random.Random(f"{seed} {count}")
        kind = kinds[count % len(kinds)]
        original.copy(directory)
        what = f"copy {count} of seed {seed}, " + getattr(Damage(original, directory, random_), kind)()
        seen.setdefault(kind, []).append(f"{what}: {check(original, directory, kind, what)}")
    shutil.rmtree(directory, ignore_errors=True)
    print(json.dumps({"segments": len(original.used), "seen": seen}))


main()
