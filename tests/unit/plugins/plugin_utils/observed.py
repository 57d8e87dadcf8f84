# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A mirrored cluster as its hosts show it, and ways to show another one."""

from __future__ import annotations

import copy
import dataclasses
import json

from ansible_collections.warehousepg.coordinator.plugins.module_utils._core import border
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.catalog import Registration
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.installation import Installation, Needs
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import Instance, SegmentProcess
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.password_stores.password_store import StoredPassword
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.replication import Probe, Slot
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.stream import CommitLimits
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.coordinator import Coordinator, Standby, WalFiles
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.drift import File, Unlogged, read_meaning
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.observation import Observation
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.preflight import Configured, Limit, Limits
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.primary import Primary, RoleKnown, SqlAnswer
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.snapshot import Site
from ansible_collections.warehousepg.coordinator.plugins.plugin_utils._cluster.observations import observed

from .. import instances

GIB = 1 << 30


def shown(value):
    """A dataclass as it comes from a host."""
    return json.loads(json.dumps(dataclasses.asdict(value)))


def planned(made):
    """A plan, which comes back from the variables of a host as it was made."""
    assert border.parse(type(made), shown(made)) == made
    return made


CONTROL, PRIMARY = instances.CONTROL, instances.PRIMARY
STANDBY = dataclasses.replace(instances.STANDBY, settings={"primary_slot_name": "standby_coordinator"})
ABSENT = Instance("/s", "absent")

ROWS = (
    Registration(
        dbid=1, content=-1, role="p", preferred_role="p", mode="s", status="u", port=5432, hostname="cdw", address="cdw", datadir="/c"
    ),
    Registration(
        dbid=2, content=0, role="p", preferred_role="p", mode="s", status="u", port=6000, hostname="sdw1", address="sdw1-ic", datadir="/p0"
    ),
    Registration(
        dbid=3, content=0, role="m", preferred_role="m", mode="s", status="u", port=7000, hostname="sdw1", address="sdw1-ic", datadir="/m0"
    ),
    Registration(
        dbid=8, content=-1, role="m", preferred_role="m", mode="s", status="u", port=5432, hostname="scdw", address="scdw", datadir="/s"
    ),
)
INSTALLATION = Installation(
    gphome="/usr/local/greenplum-db",
    libraries=("metrics.so",),
    extensions={},
    locales=("c.utf8",),
    libc="glibc 2.34",
    open_files=65536,
    processes=None,
)
PASSFILE = StoredPassword(kind="passfile", path="/home/gpadmin/.whpg/demo.pgpass", usable=True, check="abcd")
NO_PASSWORD = StoredPassword(kind="passfile", path=PASSFILE.path, usable=False, check=None)
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


def machine(name, *addresses, segments=(), access=None):
    """What every host shows of itself."""
    return Observation(
        asked=(999.9, 1000.1),
        hostname=name,
        addresses=addresses,
        clock=1000.0,
        segments=segments,
        fences=(),
        peers={},
        sessions=(),
        access=access or {},
        looked=None,
    )


def coordinator(name, address, instance, **more):
    """What a host shows where the coordinator may live."""
    seen = {
        "installation": INSTALLATION,
        "port_taken": False,
        "used_bytes": GIB,
        "unreadable": (),
        "configured": Configured(settings={}, listen_addresses="*", needs=(), links=()),
        "listens": ("0.0.0.0", "::"),
        "tablespaces": (),
        "files": None,
        "wal": WalFiles(
            link=None,
            size=100 * GIB,
            free=50 * GIB,
            oldest_lsn="0/0",
            end_lsn="0/200",
            reaches_lsn="0/200",
            doubts=(),
            lost_checkpoint="",
            timeline=1,
            ancestors=(),
        ),
        "busy": (),
        "wal_refusal": None,
        "lacks": (),
        "passfile": PASSFILE,
        "access": {instance.data_directory: COORDINATOR},
        **dict.fromkeys(
            ("unlogged", "sql", "primary", "standby", "maintenance", "named", "unfinished", "locked", "record", "record_wrong")
        ),
        **dict.fromkeys(("activation", "promotion")),
    }
    site = Site(
        parent="/", parent_owner="gpadmin", writable=True, free=9 * GIB, user="gpadmin", leftover=False, engine_version="postgres 12"
    )
    return shown(Coordinator(**{**vars(machine(name, address)), **seen, **more}, instance=instance, site=site))


CDW = coordinator(
    "cdw",
    "10.0.0.11",
    PRIMARY,
    sql=SqlAnswer(True, None, None),
    primary=Primary(
        registrations=ROWS,
        standby=ROWS[-1],
        walsender=instances.SENDER,
        other_walsenders=(),
        sync_error="none",
        role=RoleKnown(True, True),
        slots=(Slot(name="standby_coordinator", active=True, restart_lsn="0/1", retained_bytes=0),),
        probe=Probe(lsn="0/200", acknowledged=True, replayed=True, seconds=0.1),
        needs=Needs(preload=("metrics",), locales=("C",), ssl=False, listen_addresses="*"),
        limits=Limits(
            "replica",
            walsenders=Limit(10, 1, ("gp_walreceiver of standby_replicator on 10.0.0.12, process 8, streaming",)),
            slots=Limit(10, 1, ("standby_coordinator, used by process 8",)),
            connections=Limit(247, 12),
        ),
        retention_limit=-1,
        commit_limits=CommitLimits(300.0, 924.6),
        access_errors=(),
        lsn="0/200",
        timeline=1,
        version="12",
        resolved={"cdw": ("10.0.0.11",), "scdw": ("10.0.0.12",), "sdw1-ic": ("10.0.0.21",)},
    ),
)
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
    **coordinator("scdw", "10.0.0.12", STANDBY, standby=Standby(FOLLOWING, "10.0.0.11", "0/200", "0/200", "0/200", 900.0, None, "", None)),
    "record": RECORD,
}
EMPTY = coordinator("scdw", "10.0.0.12", ABSENT, wal=None, passfile=NO_PASSWORD, access={})
SDW1 = shown(
    machine(
        "sdw1",
        "10.0.0.21",
        segments=(SegmentProcess("/p0", 6000), SegmentProcess("/m0", 7000)),
        access={"/p0": SEGMENTS, "/m0": SEGMENTS},
    )
)

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


def seen(found):
    """What hosts showed, as the controller has it."""
    return {host: observed(result) for host, result in found.items()}


def unlogged(work_mem, **files):
    """What a host has that WAL does not carry."""
    conf = File(1, 1000.0, "")
    found = {"postgresql.conf": conf, **{name: File(1, 1000.0, check) for name, check in files.items()}}
    return shown(Unlogged(found, {"postgresql.conf": read_meaning(f"port = 1\nwork_mem = {work_mem}\n")}, ()))
