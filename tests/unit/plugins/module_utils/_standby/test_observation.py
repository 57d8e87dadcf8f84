# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import dataclasses
import json
import os

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.host import user_name
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lock import Holder, line_of
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine import connection, installation
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.connection import INSUFFICIENT_PRIVILEGE, NoAnswer, Refused
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import Instance
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.password_stores.passfile import entry
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.postmaster import Postmaster
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.replication import Probe
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import segment_fence
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import coordinator, observation
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import primary as primaries
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.registration import scram_verifier

PROBE = Probe(lsn="0/200", acknowledged=True, replayed=True, seconds=0.1)
ROW = {
    "dbid": 8,
    "content": -1,
    "role": "m",
    "preferred_role": "m",
    "mode": "s",
    "status": "u",
    "port": 5432,
    "hostname": "scdw",
    "address": "scdw",
    "datadir": "/s",
}
SLOT = {"name": "standby_coordinator", "active": True, "restart_lsn": "0/1", "retained_bytes": 0}


def shown(value):
    """A dataclass as the module returns it."""
    return json.loads(json.dumps(dataclasses.asdict(value)))


def observe(host, options):
    return shown(observation.observe(host, options))


def describe(opened, options):
    return shown(primaries.describe_primary(opened, PROBE, options, ()))


def parameters(**given):
    """Options of the module, those not given as they are by default."""
    return {
        "data_directory": None,
        "passfile": None,
        "size": False,
        "files": False,
        "port": None,
        "probe_timeout": 0.2,
        "wait_timeout": 0,
        "probe_write": False,
        "sql_user": None,
        "replication_user": "r",
        "look": None,
        "lock_file": None,
        "record_file": None,
        "audit_file": None,
        "peers": [],
        "name": None,
        **given,
    }


@pytest.fixture
def addressed(tmp_path, monkeypatch):
    """Lets the host have one address, by a program that tells of it."""
    links = [{"addr_info": [{"family": "inet", "local": "10.0.0.11", "scope": "global"}, {"family": "inet", "local": "127.0.0.1"}]}]
    (tmp_path / "tools").mkdir()
    program = tmp_path / "tools" / "ip"
    program.write_text(f"#!/bin/sh\necho '{json.dumps(links)}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")


def test_a_name_for_this_very_host_has_all_of_its_addresses():
    own = ("10.0.0.11", "fd00::11")
    found = primaries.resolved(["127.0.0.1", "10.0.0.11", "10.0.0.21", "sdw1.invalid"], own)
    assert found == {"127.0.0.1": own, "10.0.0.11": own, "10.0.0.21": ("10.0.0.21",)}


def setting(name, value, source="configuration file", boot_val="", unit=None):
    """A row of pg_settings."""
    return {"name": name, "reset_val": value, "boot_val": boot_val, "unit": unit, "source": source}


def test_reads_what_the_primary_needs(recorder):
    opened = recorder(
        (
            "pg_settings",
            [
                setting("shared_preload_libraries", ' metrics, "$libdir/audit",, '),
                setting("lc_time", "C"),
                setting("lc_messages", "de_DE.utf8", source="client", boot_val="C"),
                setting("ssl", "on"),
                setting("dynamic_shared_memory_type", "posix"),
            ],
        ),
        ("pg_file_settings", [{"name": "lc_messages", "setting": "C"}]),
        ("pg_database", [{"locale": "en_US.UTF-8"}, {"locale": "C"}]),
    )
    needs = installation.read_needs(opened)
    assert (needs.preload, needs.locales, needs.ssl) == (("metrics", "$libdir/audit"), ("C", "en_US.UTF-8"), True)
    assert needs.shared_memory == "posix"
    assert installation.read_needs(recorder()) == installation.Needs()


def test_reads_what_is_wrong_in_the_access_file(recorder):
    rows = [{"line_number": 7, "error": "invalid authentication method"}]
    assert primaries.read_access_errors(recorder(("pg_hba_file_rules", rows))) == ("line 7: invalid authentication method",)
    assert primaries.read_access_errors(recorder()) == ()


def primary(recorder, **answers):
    """A connection to a primary that tells everything, but for what it refuses."""

    def tell(name, rows):
        return answers.get(name, rows)

    return recorder(
        ("gp_segment_configuration", tell("rows", [ROW])),
        ("pg_authid", tell("role", [{"ready": True, "verifier": scram_verifier("pw")}])),
        ("gp_stat_replication", tell("sync_error", [{"sync_error": "none"}])),
        ("FROM pg_stat_replication", tell("walsender", [])),
        ("pg_replication_slots", tell("slots", [SLOT])),
        ("pg_control_checkpoint", [{"lsn": "0/200", "timeline": 1, "version": "12"}]),
    )


def refuse(sqlstate):
    def answer():
        raise Refused("permission denied", sqlstate=sqlstate)

    return answer


def test_describes_a_primary(recorder, tmp_path):
    passfile = tmp_path / "pass"
    passfile.write_text(entry(("cdw", 5432), "r", "pw"))
    found = describe(primary(recorder), parameters(passfile=str(passfile)))
    assert (found["registrations"], found["standby"], found["walsender"], found["sync_error"]) == ([ROW], ROW, None, "none")
    assert (found["role"], found["slots"], found["probe"]["lsn"]) == ({"ready": True, "verified": True}, [SLOT], "0/200")
    assert (found["retention_limit"], found["lsn"], found["timeline"]) == (None, "0/200", 1)
    assert "SCRAM" not in repr(found)


def test_a_role_without_the_kept_password_is_not_verified(recorder, tmp_path):
    passfile = tmp_path / "pass"
    passfile.write_text(entry(("cdw", 5432), "r", "other"))
    for kept in (str(passfile), None):
        assert not describe(primary(recorder), parameters(passfile=kept))["role"]["verified"]
    assert describe(primary(recorder, role=[]), parameters())["role"] is None


def test_what_a_monitoring_role_may_not_read_is_not_known(recorder):
    hidden = refuse(INSUFFICIENT_PRIVILEGE)
    found = describe(primary(recorder, role=hidden, sync_error=hidden), parameters())
    assert (found["role"], found["sync_error"], found["standby"]) == (None, None, ROW)
    with pytest.raises(Refused):
        describe(primary(recorder, role=refuse("42601")), parameters())


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("# BEGIN warehousepg.coordinator\nx\ny\n# END warehousepg.coordinator\nlocal all all peer\n", ("x", "y")),
        ("local all all peer\n", None),
        ("", None),
    ],
)
def test_reads_the_rules_of_this_collection(data_directory, text, rules):
    assert observation.read_access(str(data_directory)) is None
    (data_directory / "pg_hba.conf").write_text(text)
    assert observation.read_access(str(data_directory)) == rules


def test_rules_that_cannot_be_read_are_none(data_directory):
    (data_directory / "pg_hba.conf").mkdir()
    assert observation.read_access(str(data_directory)) is None


@pytest.mark.parametrize(("connected", "segment"), [(False, "0A"), (None, "0A"), (True, None)])
def test_a_standby_that_runs_shows_what_it_follows(data_directory, tmp_path, connected, segment):
    (data_directory / "log").mkdir()
    (data_directory / "log" / "gpdb.csv").write_text("ERROR: requested WAL segment 0A has already been removed\n")
    settings = {"primary_conninfo": "host=127.0.0.1 user=r"}
    instance = Instance(
        data_directory=str(data_directory),
        directory_state="instance",
        owner="gpadmin",
        role="standby",
        major="12",
        dbid=8,
        port=5432,
        settings=settings,
    )
    postmaster = Postmaster(
        pid=1, port=5432, socket_directory=str(tmp_path), status="standby", suspended=False, connected=connected, received="0/200"
    )
    found = shown(coordinator.read_standby(instance, postmaster, 1))
    assert found["following"] == {"host": "127.0.0.1", "user": "r"}
    assert (found["resolved"], found["received_lsn"], found["replayed_lsn"]) == ("127.0.0.1", "0/200", None)
    assert found["removed_wal"] == segment


def test_a_host_of_segments_shows_itself_alone(host, addressed):
    found = observe(host, parameters())
    assert found["addresses"] == ["10.0.0.11"]
    assert set(found["access"]) == {segment["data_directory"] for segment in found["segments"]}
    assert "instance" not in found


def test_a_standby_that_is_stopped(host, addressed, data_directory, tmp_path):
    (data_directory / "pg_wal").mkdir()
    (data_directory / "pg_tblspc").mkdir()
    (data_directory / "pg_tblspc" / "20").symlink_to(tmp_path / "fast" / "8")
    found = observe(host, parameters(data_directory=str(data_directory), size=True, passfile=str(tmp_path / "pass")))
    assert (found["instance"]["role"], found["instance"]["postmaster"], found["standby"]) == ("standby", None, None)
    assert (found["primary"], found["sql"], found["port_taken"]) == (None, None, False)
    assert (found["site"]["leftover"], found["site"]["user"]) == (False, user_name(os.getuid()))
    assert found["tablespaces"] == [{"oid": 20, "location": str(tmp_path / "fast"), "dbid": 8, "bytes": 0}]
    assert found["passfile"] == {"path": str(tmp_path / "pass"), "usable": False, "check": None, "named": True, "kind": "passfile"}
    assert found["used_bytes"] > 0
    assert found["wal"]["size"] > found["wal"]["free"] > 0
    assert found["installation"]["gphome"] == host.gphome
    assert found["access"][str(data_directory)] is None


def test_shows_what_is_unfinished_fences_sessions_and_peers(host, addressed, data_directory, tmp_path, monkeypatch):
    fence = segment_fence.Fence(cluster="demo", addresses=("10.0.0.11",), ports=(6000,), tool="nft", since=5.0)
    monkeypatch.setattr(segment_fence, "described", lambda: [fence])
    (data_directory / "pg_wal").mkdir()
    (tmp_path / "lock.unfinished").write_text("rejoin\n")
    (tmp_path / "audit").write_text('{"event": "begun"}\n{"event": "activated", "timeline": 2}\n')
    peers = [{"name": "nobody", "address": "nobody.invalid", "port": 1}]
    files = {f"{name}_file": str(tmp_path / name) for name in ("lock", "audit", "record")}
    found = observe(host, parameters(data_directory=str(data_directory), peers=peers, **files))
    assert (found["unfinished"], found["locked"]) == ("rejoin", None)
    assert found["maintenance"] is None
    assert (found["record"], found["activation"]) == (None, {"event": "activated", "timeline": 2})
    assert found["fences"] == [shown(fence)]
    assert (found["sessions"], found["peers"], found["instance"]["start_block"]) == ([], {"nobody": "unknown"}, None)
    (tmp_path / "lock.unfinished").unlink()
    holder = Holder("operator", "control1", "", "", 7, "1")
    (tmp_path / "lock").write_text(f'{line_of(holder)}\n{{"since": 1795392000, "purpose": "rejoin"}}\n')
    os.utime(tmp_path / "lock", (1795392000, 1795392000))
    locked = observe(host, parameters(data_directory=str(data_directory), **files))["locked"]
    assert (locked["holder"], locked["since"], locked["purpose"]) == (shown(holder), 1795392000, "rejoin")
    assert locked["quiet_s"] > 0
    assert observe(host, parameters(data_directory=str(data_directory), **files))["unfinished"] is None
    (data_directory.parent / ".gpseg-1.coordinator_maintenance").touch()
    marked = observe(host, parameters(data_directory=str(data_directory)))["maintenance"]
    assert marked == {"since": None, "by": "", "reason": ""}


def test_a_place_without_an_instance(host, addressed, tmp_path):
    found = observe(host, parameters(data_directory=str(tmp_path / "none")))
    assert (found["instance"]["directory_state"], found["wal"], found["installation"], found["used_bytes"]) == ("absent", None, None, None)
    assert (found["passfile"], found["tablespaces"]) == (None, [])
    assert found["instance"]["data_directory"] not in found["access"]


@pytest.mark.parametrize(("blockers", "error"), [([4712], Refused), ([], NoAnswer)])
def test_what_waits_for_a_lock_of_somebody_is_no_hang(recorder, monkeypatch, blockers, error):
    def hang():
        raise NoAnswer("the instance did not answer in time")

    opened = [
        recorder(
            ("state IS NULL", [{"count": 0}]), ("gp_segment_configuration", hang), ("SELECT pg_current_wal_lsn()", [{"lsn": "0/200"}])
        ),
        recorder(("pg_blocking_pids", [{"pids": blockers}])),
    ]
    monkeypatch.setattr(connection, "connect_primary", lambda *_arguments, **_options: contextlib.nullcontext(opened.pop(0)))
    instance = Instance(data_directory="/c", directory_state="instance", owner="gpadmin", role="primary", major="12", dbid=1, port=5432)
    with pytest.raises(error, match="held by the process 4712" if blockers else "did not answer in time"):
        primaries.read_primary(instance, parameters(probe_write=False), ())
    assert not opened


@pytest.mark.parametrize(
    ("name", "resolved", "known"),
    [
        ("node-7", "10.0.0.11", True),
        ("node-7", "127.0.1.1", True),
        ("node-7", "10.0.0.12", False),
        ("node-7", None, False),
        ("10.0.0.11", "10.0.0.11", True),
    ],
)
def test_a_host_knows_itself_by_a_name_that_leads_to_it(monkeypatch, name, resolved, known):
    monkeypatch.setattr(coordinator.replication, "try_resolve", lambda _name: resolved)
    assert coordinator.is_named(name, ["10.0.0.11"]) is known


def test_a_host_knows_its_own_name(monkeypatch):
    monkeypatch.setattr(coordinator.socket, "gethostname", lambda: "node-7")
    assert coordinator.is_named("node-7", [])
