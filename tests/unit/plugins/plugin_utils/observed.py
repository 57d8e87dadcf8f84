# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A mirrored cluster as its hosts show it, and ways to show another one."""

from __future__ import annotations

import copy
import dataclasses

from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.catalog import Registration
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.installation import Installation, Needs
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import ControlData, Instance, Postmaster
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.password_stores.password_store import StoredPassword
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.replication import Probe, Slot, WalSender
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.drift import read_meaning
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.preflight import Limit
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.snapshot import Site

GIB = 1 << 30

shown = dataclasses.asdict

CONTROL = ControlData("1", "in production", 1, "0/1", "0/1", "0/0", 1 << 26, True)
PRIMARY = Instance(
    "/c", "instance", "gpadmin", "primary", "12", 1, 5432, {}, CONTROL, Postmaster(7, 5432, "/tmp", "dtmready", False, False, None)
)
STANDBY = Instance(
    "/s",
    "instance",
    "gpadmin",
    "standby",
    "12",
    8,
    5432,
    {"primary_slot_name": "standby_coordinator"},
    CONTROL,
    Postmaster(9, 5432, "/tmp", "standby", False, True, "0/200"),
)
ABSENT = Instance("/s", "absent")

ROWS = (
    Registration(1, -1, "p", "p", "s", "u", 5432, "cdw", "cdw", "/c"),
    Registration(2, 0, "p", "p", "s", "u", 6000, "sdw1", "sdw1-ic", "/p0"),
    Registration(3, 0, "m", "m", "s", "u", 7000, "sdw1", "sdw1-ic", "/m0"),
    Registration(8, -1, "m", "m", "s", "u", 5432, "scdw", "scdw", "/s"),
)
INSTALLATION = Installation("/usr/local/greenplum-db", ("metrics.so",), {}, ("c.utf8",), "glibc 2.34", 65536, None)
PASSFILE = StoredPassword("passfile", "/home/gpadmin/.whpg/demo.pgpass", True, "abcd")
NO_PASSWORD = StoredPassword("passfile", PASSFILE.path, False, None)
FOLLOWING = {
    "host": "cdw",
    "hostaddr": "10.0.0.11",
    "port": "5432",
    "user": "standby_replicator",
    "passfile": PASSFILE.path,
    "application_name": "gp_walreceiver",
    "keepalives_idle": "3",
    "keepalives_interval": "1",
    "keepalives_count": "3",
    "tcp_user_timeout": "6000",
}
PROGRAMS = 'host\tall\t"gpadmin"\tsamehost\ttrust'
COORDINATOR = [*(f'host\treplication\t"standby_replicator"\t10.0.0.{number}/32\tscram-sha-256' for number in (11, 12)), PROGRAMS]
SEGMENTS = [f'host\tall\t"gpadmin"\t10.0.0.{number}/32\ttrust' for number in (11, 12)]


def machine(name, *addresses):
    """What every host shows of itself."""
    return {
        "hostname": name,
        "addresses": list(addresses),
        "clock": 1000.0,
        "asked": [999.9, 1000.1],
        "segments": [],
        "access": {},
        "fences": [],
        "sessions": [],
        "peers": {},
    }


def coordinator(name, address, instance, rules=COORDINATOR):
    """What a host shows where the coordinator may live."""
    return {
        **machine(name, address),
        "instance": shown(instance),
        "site": shown(Site("/", "gpadmin", True, 9 * GIB, "gpadmin", False, "postgres 12")),
        "installation": shown(INSTALLATION),
        "port_taken": False,
        "used_bytes": GIB,
        "unreadable": [],
        "configured": {"settings": {}, "listen_addresses": "*", "needs": [], "links": []},
        "listens": ["0.0.0.0", "::"],
        "tablespaces": [],
        "wal": {"size": 100 * GIB, "free": 50 * GIB, "oldest_lsn": "0/0", "end_lsn": "0/200", "timeline": 1, "ancestors": []},
        "sql": None,
        "primary": None,
        "standby": None,
        "maintenance": None,
        "unfinished": None,
        "record": None,
        "activation": None,
        "passfile": shown(PASSFILE),
        "access": {instance.data_directory: rules},
    }


CDW = {
    **coordinator("cdw", "10.0.0.11", PRIMARY),
    "sql": {"answered": True, "refused": None, "error": None},
    "primary": {
        "registrations": [shown(row) for row in ROWS],
        "standby": shown(ROWS[-1]),
        "walsender": shown(WalSender(8, "10.0.0.12", "streaming", "sync", "0/200", "0/200", "0/200", 0, None, 1.5)),
        "other_walsenders": [],
        "sync_error": "none",
        "role": {"ready": True, "verified": True},
        "slots": [shown(Slot("standby_coordinator", True, "0/1", 0))],
        "probe": shown(Probe("0/200", True, True, 0.1)),
        "needs": shown(Needs(("metrics",), ("C",), False, "*")),
        "limits": {
            "wal_level": "replica",
            "walsenders": shown(Limit(10, 1, ("gp_walreceiver of standby_replicator on 10.0.0.12, process 8, streaming",))),
            "slots": shown(Limit(10, 1, ("standby_coordinator, used by process 8",))),
            "connections": shown(Limit(247, 12)),
        },
        "retention_limit": -1,
        "commit_limits": {"walsender": 300.0, "network": 924.6},
        "access_errors": [],
        "lsn": "0/200",
        "timeline": 1,
        "version": "12",
        "resolved": {"cdw": ["10.0.0.11"], "scdw": ["10.0.0.12"], "sdw1-ic": ["10.0.0.21"]},
    },
}
RECORD = {
    "system_identifier": "1",
    "time": 1000.0,
    "primary": {"host": "cdw", "hostname": "cdw", "addresses": ["10.0.0.11"]},
    "segments": [
        {"dbid": dbid, "content": 0, "role": role, "hostname": "sdw1", "address": "sdw1-ic", "port": port, "datadir": where, "host": "sdw1"}
        for dbid, role, port, where in ((2, "p", 6000, "/p0"), (3, "m", 7000, "/m0"))
    ],
    "commit_limit_s": 300.0,
    "other_walsenders": False,
    "in_sync": {"time": 1000.0, "walreceiver_started": 900.0, "booted": 1.0},
}
SCDW = {
    **coordinator("scdw", "10.0.0.12", STANDBY),
    "record": RECORD,
    "standby": {
        "following": FOLLOWING,
        "resolved": "10.0.0.11",
        "received_lsn": "0/200",
        "replayed_lsn": "0/200",
        "end_lsn": "0/200",
        "walreceiver_started": 900.0,
        "disconnect": None,
        "errors": "",
        "removed_wal": None,
    },
}
EMPTY = {
    **coordinator("scdw", "10.0.0.12", ABSENT),
    "wal": None,
    "passfile": shown(NO_PASSWORD),
    "access": {},
}
SDW1 = {
    **machine("sdw1", "10.0.0.21"),
    "segments": [{"data_directory": "/p0", "port": 6000}, {"data_directory": "/m0", "port": 7000}],
    "access": {"/p0": SEGMENTS, "/m0": SEGMENTS},
}

#: the mirrored cluster
MIRRORED = {"cdw": CDW, "scdw": SCDW, "sdw1": SDW1}

VARIABLES = {
    "cdw": {"whpg_role": "coordinator", "whpg_port": 5432, "whpg_data_directory": "/data"},
    "scdw": {"whpg_role": "standby", "whpg_port": 5432, "whpg_data_directory": "/data"},
    "sdw1": {"whpg_role": "segment"},
}


def changed(found, *changes):
    """The same with a value changed at each of some ways: pairs of a way, its steps with blanks between them, and the value."""
    found = copy.deepcopy(found)
    for way, value in changes:
        place = found
        *steps, last = (int(step) if step.isdigit() else step for step in way.split(" "))
        for step in steps:
            place = place[step]
        place[last] = value
    return found


#: the cluster before it had a standby
UNMIRRORED = changed(
    {**MIRRORED, "scdw": EMPTY},
    ("cdw primary registrations", [shown(row) for row in ROWS[:-1]]),
    ("cdw primary standby", None),
    ("cdw primary walsender", None),
    ("cdw primary slots", []),
    ("cdw primary role", None),
    ("cdw primary probe replayed", False),
    ("cdw passfile", shown(NO_PASSWORD)),
    ("cdw access", {"/c": None}),
    ("sdw1 access", {"/p0": None, "/m0": None}),
)


def drifting(work_mem, **files):
    """What a host has that WAL does not carry."""
    conf = {"size": 1, "changed": 1000.0, "check": ""}
    found = {"postgresql.conf": conf, **{name: {**conf, "check": check} for name, check in files.items()}}
    return {"files": found, "settings": {"postgresql.conf": read_meaning(f"port = 1\nwork_mem = {work_mem}\n")}, "left_out": []}
