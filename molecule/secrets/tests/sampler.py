# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Appends to a file whatever arguments and environments processes of this machine have, each once, until it is ended."""

from __future__ import annotations

import contextlib
import os
import sys
import time

#: seconds after which it ends by itself
LONGEST = 1800

#: seconds between two looks: no program is started and ended within them
PAUSE = 0.02


def sample(path: str) -> None:
    seen: set[int] = set()
    shown: dict[str, bytes] = {}
    until = time.monotonic() + LONGEST
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb", buffering=0) as file:
        while time.monotonic() < until:
            there = [name for name in os.listdir("/proc") if name.isdecimal()]
            for process in there:
                with contextlib.suppress(OSError):
                    command = read(f"/proc/{process}/cmdline")
                    if shown.get(process) != command:  # what a process has in its environment changes with what it runs
                        shown[process] = command
                        for text in (command, read(f"/proc/{process}/environ")):
                            if hash(text) not in seen:
                                seen.add(hash(text))
                                file.write(text + b"\n")
            shown = {process: shown[process] for process in there if process in shown}
            time.sleep(PAUSE)


def read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


if __name__ == "__main__":
    sample(sys.argv[1])
