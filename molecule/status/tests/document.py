# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run of the status playbook, and the document that it leaves."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
from conftest import HERE, playbook

STATUS = "warehousepg.coordinator.status"
SCHEMA = json.loads((HERE.parent / "roles/status/files/status.schema.json").read_text())


def look(directory: Path, *arguments: str, **variables: Any) -> tuple[dict[str, Any], int]:
    """What the document says of the cluster demo, and the exit code; screen and document agree."""
    path = directory / "status.json"
    path.unlink(missing_ok=True)
    done = playbook(STATUS, *arguments, status_file=str(path), **variables)
    assert [entry.name for entry in directory.iterdir()] == ["status.json"]
    return read(path, done.stdout, done.returncode), done.returncode


def read(path: Path, screen: str, code: int) -> dict[str, Any]:
    """What a document says of the cluster demo; screen, exit code and document agree."""
    document = json.loads(path.read_text())
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    assert path.stat().st_mode & 0o777 == 0o644
    cluster = document["clusters"]["demo"]
    assert re.findall(r"^Cluster (\w+): ([a-z_]+)$", screen, re.MULTILINE) == [("demo", cluster["state"])]
    assert document["mirrored"] is cluster["mirrored"]
    assert document["as_desired"] is cluster["as_desired"] is (code == 0)
    return cluster
