# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Inventories as an operator has them: constants, where those of the test hosts have templates, which slow every task down."""

from __future__ import annotations

import os
import re
from pathlib import Path

CACHE = Path(os.environ["WHPG_CACHE"])
SET, NET = os.environ["WHPG_HOSTS"], os.environ["WHPG_NET"]


def rendered(directory: Path, name: str) -> Path:
    """An inventory of the test hosts without templates, kept beside their other files by its name."""
    kept = CACHE / "inventory" / SET / name
    kept.mkdir(parents=True, exist_ok=True)
    for file in directory.glob("*.yml"):
        text = re.sub(r"\{\{ lookup\('ansible.builtin.env', '(\w+)'\) }}", lambda match: os.environ[match.group(1)], file.read_text())
        new = kept / f".{file.name}.{os.getpid()}"
        new.write_text(text.replace("{{ test_net }}", NET))
        new.rename(kept / file.name)
    return kept
