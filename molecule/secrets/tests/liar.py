# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Python of a host that lies: it runs a module, and tells something else than that one does, as /tmp/lie.json has it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any


def spoilt(value: Any, lie: dict[str, Any]) -> Any:
    """A value with what is told instead of its texts and numbers."""
    if isinstance(value, dict):
        return {name: spoilt(one, lie) for name, one in value.items()}
    if isinstance(value, list):
        return [spoilt(one, lie) for one in value]
    if isinstance(value, bool) or value is None:
        return value
    return lie.get("text" if isinstance(value, str) else "number", value)


def main() -> None:
    done = subprocess.run(["/usr/bin/python3", *sys.argv[1:]], stdin=sys.stdin, stdout=subprocess.PIPE, text=True, check=False)
    try:
        told = json.loads(done.stdout)
    except ValueError:
        print(done.stdout, end="")
    else:
        with open("/tmp/lie.json") as file:
            lie = json.load(file)
        print(json.dumps({**spoilt(told, lie), **lie["more"]}))
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
