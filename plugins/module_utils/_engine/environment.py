# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""The environment of the engine's user, as the engine's utilities want it: one marked line in a file that his shell reads."""

from __future__ import annotations

import os
import re
import shlex
import stat
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import marked
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import Host, read_text
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.plan import Step

#: variables that name the data directory, the one of WarehousePG 7 first
DIRECTORY, FORMER_DIRECTORY = "COORDINATOR_DATA_DIRECTORY", "MASTER_DATA_DIRECTORY"

_EXPORT = re.compile(rf"^\s*(?:export\s+(?:\S+=\S*\s+)*)?(?:PGPORT|{DIRECTORY}|{FORMER_DIRECTORY})=")


def variables(gphome: str, data_directory: str, port: int) -> dict[str, str]:
    """The variables, and what they are to be on a host.

    :param gphome: directory of the installation: its utilities read either name of the data directory.
    """
    text = read_text(os.path.join(gphome, "lib", "python", "gppylib", "commands", "gp.py")) or ""
    name = FORMER_DIRECTORY if FORMER_DIRECTORY in text and DIRECTORY not in text else DIRECTORY
    return {"PGPORT": str(port), name: data_directory}


def line(desired: t.Mapping[str, str]) -> str:
    """The line that sets variables. It does not begin with the directory's: playbooks of others change lines that do."""
    return "export " + " ".join(f"{name}={shlex.quote(value)}" for name, value in desired.items())


def _name(cluster: str) -> str:
    """Name of the block."""
    return f"{marked.COLLECTION} environment of {cluster}"


def found_in(text: str, cluster: str) -> str | None:
    """The line that is marked as a cluster's, None where there is none, or another one behind it sets the same."""
    block = marked.find(text, _name(cluster))
    if block is None or any(_EXPORT.match(line) for line in marked.lines_of(text)[block.last + 1 :]):
        return None
    return "\n".join(block.lines)


def change(text: str, cluster: str, desired: str | None) -> str:
    """The text with the marked line as its last, every other line as it was; None removes it."""
    if desired is not None and found_in(text, cluster) == desired:
        return text
    return marked.change(text, _name(cluster), [desired] if desired is not None else [], last=True)


def plan(text: str | None, cluster: str, desired: str | None) -> list[Step]:
    """The steps after which a file sets the variables, or does not.

    :param text: of the file; None where it is not there.
    :param desired: the line; None for none.
    """
    changed = change(text or "", cluster, desired)
    return [Step("write_environment", {"text": changed})] if changed != (text or "") else []


def write(host: Host, path: str, text: str) -> None:
    """Write the file, readable as before; one that only had the marked line, and is to have it no more, is left empty."""
    path = os.path.realpath(path)
    try:
        mode = stat.S_IMODE(os.stat(path).st_mode)
    except FileNotFoundError:
        mode = 0o644
    try:
        host.write(path, text, mode)
    except OSError as error:
        raise CoordinatorError(f"{path} cannot be written: {error.strerror}; name another file, or let this user write it") from error
