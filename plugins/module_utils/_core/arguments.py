# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private: this may change at any time. What is promised is the documentation of modules, roles and playbooks.

"""Options that modules share."""

from __future__ import annotations

import typing as t

#: documented in the fragment C(warehousepg.coordinator.instance)
INSTANCE: dict[str, t.Any] = {
    "data_directory": {"type": "path", "required": True},
    "greenplum_path": {"type": "path", "default": "/usr/local/greenplum-db/greenplum_path.sh"},
    "lock": {
        "type": "dict",
        "default": {},
        "options": {"file": {"type": "path"}, "holder": {"type": "dict"}, "begins": {"type": "str"}},
        "required_together": [("file", "holder")],
    },
}

#: documented in the fragment C(warehousepg.coordinator.upstream), with what :mod:`password_stores.registry` adds
UPSTREAM: dict[str, t.Any] = {
    "primary_host": {"type": "str", "required": True},
    "primary_port": {"type": "int", "required": True},
    "replication_user": {"type": "str", "default": "standby_replicator"},
    "replication_password": {"type": "str", "no_log": True},
    "replication_auth": {"type": "str", "choices": ["scram", "cert", "trust"], "default": "scram"},
    "connection": {"type": "dict", "default": {}},
    "dbid": {"type": "int"},
}

#: documented in the fragment C(warehousepg.coordinator.copy)
COPY: dict[str, t.Any] = {
    "system_identifier": {"type": "str", "required": True},
    "engine_version": {"type": "str"},
    "expected_bytes": {"type": "int"},
    "max_rate": {"type": "str"},
    "max_latency": {"type": "int"},
    "checkpoint": {"type": "str", "choices": ["fast", "spread"], "default": "fast"},
    "tablespaces": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "location": {"type": "str", "required": True},
            "place": {"type": "str", "required": True},
            "bytes": {"type": "int"},
        },
    },
    "required_files": {"type": "list", "elements": "str", "default": []},
    "resume": {"type": "bool", "default": False},
}

#: what an instance of another host needs, to be looked for
LOOK: dict[str, t.Any] = {
    "needs": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "path": {"type": "str", "required": True},
            "kind": {"type": "str", "choices": ["file", "directory", "written", "made"], "required": True},
            "where": {"type": "str", "required": True},
        },
    },
    "names": {"type": "list", "elements": "str", "default": []},
    "tablespaces": COPY["tablespaces"],
    "server": {"type": "dict", "default": {}},
    "data_directory": {"type": "path", "required": True},
    "dbid": {"type": "int"},
}
