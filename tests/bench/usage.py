# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a command, and writes what it took: ``usage.py <file> <command>…``; ends with the command's exit code.

What the command leaves in the background, such as ssh for further connections, belongs to it: it is ended, and counts.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

#: of prctl: orphans among the descendants become children of this process
_SUBREAPER = 36


@dataclass
class Usage:
    """What a command took: seconds, those of processors, and the peak memory of its largest process in MiB."""

    wall_s: float
    cpu_s: float
    peak_mib: float


def read(file: Path) -> Usage:
    """What was written."""
    return Usage(**json.loads(file.read_text()))


def command(file: Path, *arguments: str) -> list[str]:
    """The command that runs one."""
    return [sys.executable, __file__, str(file), *arguments]


def _own_children() -> list[int]:
    return [int(word) for word in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]


def main(file: str, *arguments: str) -> int:
    ctypes.CDLL(None, use_errno=True).prctl(_SUBREAPER, 1, 0, 0, 0)
    begun = time.monotonic()
    code = subprocess.run(arguments, check=False).returncode
    taken = time.monotonic() - begun
    for pid in _own_children():
        os.kill(pid, signal.SIGTERM)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    Path(file).write_text(json.dumps(asdict(Usage(taken, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024))))
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
