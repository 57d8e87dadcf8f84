# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""What the controller keeps of a run: the audit trail, a line of JSON for each, and the result of the last one."""

from __future__ import annotations

import datetime
import getpass
import json
import os
import platform
import typing as t

from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._show import report

#: how a time is written, in UTC
TIME = "%Y-%m-%dT%H:%M:%SZ"
#: how the name of a run says when it began
BEGAN = "%Y%m%dT%H%M%SZ"


def run(pid: int, now: datetime.datetime) -> dict[str, str]:
    """Who runs this, where, and a name for the run.

    :param pid: process of the playbook.
    """
    controller = platform.node()
    began = now.astimezone(datetime.timezone.utc).strftime(BEGAN)
    return {"who": getpass.getuser(), "controller": controller, "run": f"{began}-{pid}"}


def append(path: str, line: t.Mapping[str, t.Any]) -> None:
    """Add a line to an audit trail, which is made if it is missing, readable by its owner only.

    :raises OSError: it cannot be written.
    """
    _make_directory(path)
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(json.dumps(report.plain(line), allow_nan=False) + "\n")
        file.flush()
        os.fsync(handle)


def write_result(path: str, document: t.Mapping[str, t.Any]) -> None:
    """Write the result of a run whole.

    :raises OSError: it cannot be written.
    """
    _make_directory(path)
    report.write(path, document)


def keep(document: t.Mapping[str, t.Any], action: str, result_file: str, audit_file: str) -> str:
    """Write down how a run ended, as its result and in the audit trail; returns why it could not be.

    :param action: the name of what was run.
    """
    now = datetime.datetime.now(datetime.timezone.utc).strftime(TIME)
    told = {"time": now, **document}
    try:
        write_result(os.path.expanduser(result_file), told)
        append(os.path.expanduser(audit_file), {**told, "action": action})
    except OSError as error:
        return f"the result cannot be written on the controller: {error}"
    return ""


def _make_directory(path: str) -> None:
    os.makedirs(os.path.dirname(os.path.abspath(path)), mode=0o700, exist_ok=True)
