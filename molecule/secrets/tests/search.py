# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds texts in files, also as base64: JSON on standard input says which, and where; what it prints is JSON, too."""

from __future__ import annotations

import base64
import json
import os
import stat
import subprocess
import sys


def forms(text: str) -> list[bytes]:
    """A text as it is, and in the middle of whatever is base64."""
    plain = text.encode()
    found = [plain]
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + plain)
        found.append(encoded[4 * bool(before) : len(encoded) // 4 * 4 - 4])
    return found


def search(texts: dict[str, str], roots: list[str]) -> list[tuple[str, str, int]]:
    """The names of texts, the files that hold them, and their modes."""
    patterns = b"\n".join(form for text in texts.values() for form in forms(text)) + b"\n"
    command = ["grep", "-r", "-l", "-a", "-F", "-Z", "--devices=skip", "-f", "-", "--", *filter(os.path.exists, roots)]
    done = subprocess.run(command, input=patterns, capture_output=True, env={**os.environ, "LC_ALL": "C"}, check=False)
    found = []
    for path in filter(None, done.stdout.decode("utf-8", "surrogateescape").split("\0")):
        try:
            with open(path, "rb") as file:
                content, mode = file.read(), stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        except FileNotFoundError:
            continue
        found += [(name, path, mode) for name, text in texts.items() if any(form in content for form in forms(text))]
    return found


if __name__ == "__main__":
    json.dump(search(**json.load(sys.stdin)), sys.stdout)
