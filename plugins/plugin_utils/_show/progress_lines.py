# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""How far long work on hosts has come, for people: tasks that do it keep a file for each host in a directory of the run."""

from __future__ import annotations

import json
import os
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.people import harmless
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show.screen import size

#: what names the directory, for the processes of tasks
DIRECTORY = "WHPG_PROGRESS_DIR"


def lines(directory: str, width: int) -> list[str]:
    """A line for each host, none longer than the screen is wide."""
    found = []
    for name in sorted(os.listdir(directory)):
        if name.endswith(".json"):
            try:
                with open(os.path.join(directory, name), encoding="utf-8") as file:
                    found.append(harmless(_line(json.load(file)))[:width])
            except (OSError, ValueError, TypeError, AttributeError, KeyError):
                continue  # it goes, or is written, just now
    return found


def _line(progress: t.Mapping[str, t.Any]) -> str:
    done, total = int(progress["done"]), int(progress.get("total") or 0)
    parts = [f"{min(100 * done // total, 100)} %, {size(done)} of {size(total)}" if total > 0 else size(done)]
    if progress.get("rate"):
        parts.append(f"{size(int(progress['rate']))}/s")
    if progress.get("left") is not None:
        minutes, seconds = divmod(int(progress["left"]), 60)
        parts.append(f"{minutes}:{seconds:02d} left")
    if progress.get("paused"):
        parts.append(f"paused for {progress['paused']:.0f} s")
    return f"{progress['cluster'] or progress['host']}: {progress['what']} ({progress['host']}): {', '.join(parts)}"
