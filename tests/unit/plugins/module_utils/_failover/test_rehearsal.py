# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import os

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.processes import Process
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.configuration import read_settings
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.instance import Instance
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover import rehearsal
from ansible_collections.warehousepg.coordinator.plugins.module_utils._failover.rehearsal import Ground, Rehearsal

from ... import instances
from ..wal_writer import SEGMENT, append, control_of, written

CONTROL = dataclasses.replace(instances.CONTROL, state="in archive recovery")
STANDBY = dataclasses.replace(instances.STANDBY, control=CONTROL)
FREE = Ground(STANDBY, "/s.drill", Instance("/s.drill", "absent"), marked=False, running=False, needed=100 << 20, free=106 << 20)
LEFT = dataclasses.replace(FREE, copy=Instance("/s.drill", "other"), marked=True)


def of_standby(**changes):
    return dataclasses.replace(FREE, standby=dataclasses.replace(STANDBY, **changes))


@pytest.mark.parametrize(
    ("found", "steps"),
    [
        (FREE, []),
        (dataclasses.replace(FREE, copy=Instance("/s.drill", "empty")), []),
        (LEFT, ["remove_copy"]),
        (dataclasses.replace(LEFT, running=True), ["stop_copy", "remove_copy"]),
    ],
)
def test_what_a_run_left_of_a_copy_is_removed_first(found, steps):
    assert [step.name for step in rehearsal.plan_copy(found)] == [*steps, "copy_files"]
    assert [step.name for step in rehearsal.plan_removal(found)] == steps


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (of_standby(role="primary"), "holds no standby that runs"),
        (of_standby(postmaster=None), "holds no standby that runs"),
        (of_standby(directory_state="absent", role=None), "holds no standby that runs"),
        (of_standby(control=instances.CONTROL), "no restart point yet"),
        (of_standby(control=None), "no restart point yet"),
        (dataclasses.replace(FREE, tablespaces=("/fast/1/8",)), "would share with it: /fast/1/8"),
        (dataclasses.replace(FREE, torn=True), "full_page_writes=off"),
        (dataclasses.replace(FREE, copy=Instance("/s.drill", "other")), "something that no drill left"),
        (dataclasses.replace(FREE, copy=Instance("/s.drill", "instance")), "something that no drill left"),
        (dataclasses.replace(FREE, directory="/s/copy"), "lies in the data directory /s"),
        (dataclasses.replace(FREE, directory="/" + "d" * 85), "too many for the socket"),
        (dataclasses.replace(FREE, free=104 << 20), "takes 105 MiB, with a twentieth to spare, and 104 MiB are free"),
    ],
)
def test_a_copy_that_could_not_be_made_or_would_share_something_is_refused(found, words):
    with pytest.raises(CoordinatorError, match=words):
        rehearsal.plan_copy(found)


def test_only_a_copy_that_is_ours_and_stopped_is_activated():
    steps = ["take_wal", "start", "replay", "promote", "first_write", "see_closed"]
    assert [step.name for step in rehearsal.plan_activation(LEFT)] == steps
    for found in (FREE, dataclasses.replace(LEFT, running=True)):
        with pytest.raises(CoordinatorError, match="no copy that could be activated"):
            rehearsal.plan_activation(found)
    assert rehearsal.plan_removal(dataclasses.replace(FREE, copy=Instance("/s.drill", "instance"))) == []


WRITER = [16, "switch", 16, 700, 700, 700, 16]


@pytest.fixture
def copying(tmp_path, host, monkeypatch):
    """A standby with files and WAL, the writer of that, and what copies it."""
    writer = written(WRITER)
    source = tmp_path / "s"
    writer.write(source / "pg_wal")
    for path in (
        "base/1/1259",
        "global/pg_control",
        "global/1260",
        "log/today.csv",
        "postmaster.pid",
        "pg_replslot/one/state",
        "PG_VERSION",
    ):
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_text(path)
    (source / "base/pgsql_tmp").mkdir()
    (source / "base/pgsql_tmp/pgsql_tmp1.0").write_text("sorted")
    (source / ".coordinator_write-1").write_text("half")
    (source / "standby.signal").write_text("")
    (source / "pg_wal/00000001.history").write_text("")
    (source / "postgresql.auto.conf").write_text("primary_conninfo = 'host=cdw'\nwork_mem = '4MB'\n")
    control = control_of(writer, redo=2, checkpoint=3, state="in archive recovery")
    monkeypatch.setattr(rehearsal, "read_control", lambda _host, _directory: control)
    standby = dataclasses.replace(STANDBY, data_directory=str(source), control=control)
    place = str(tmp_path / "s.drill")
    return source, writer, Rehearsal(host, Ground(standby, place, Instance(place, "absent"), False, False), 1.0), control


def files_of(directory):
    found = (os.path.relpath(os.path.join(top, name), directory) for top, _names, names in os.walk(directory) for name in names)
    return {path for path in found if not path.startswith("pg_wal/")}


def test_a_copy_begins_recovery_at_the_restart_point_before_it_and_leads_nowhere(copying, tmp_path):
    source, writer, doing, control = copying
    doing.copy_files()
    place = tmp_path / "s.drill"
    kept = {"base/1/1259", "global/1260", "PG_VERSION", "standby.signal", "postgresql.auto.conf"}
    assert files_of(place) == {*kept, ".coordinator_drill"}, "the control file comes last"
    assert place.stat().st_mode & 0o777 == 0o700
    append(writer, [900, 900, 900])
    names = writer.write(source / "pg_wal")
    (source / "pg_wal" / names[0]).unlink()  # it is older than the restart point
    told = doing.take_wal()
    assert told == {"end_lsn": str(Lsn(writer.end)), "end_timeline": 1}
    assert files_of(place) == {*kept, ".coordinator_drill", "global/pg_control", "backup_label"}
    for name in (*names[1:], "00000001.history"):
        assert (place / "pg_wal" / name).read_bytes() == (source / "pg_wal" / name).read_bytes()
    label = (place / "backup_label").read_text()
    redo = Lsn.parse(control.redo)
    assert f"START WAL LOCATION: {redo} (file {redo.wal_file(1, SEGMENT)})\nCHECKPOINT LOCATION: {control.checkpoint}\n" in label
    assert "BACKUP FROM: standby\n" in label and "START TIMELINE: 1\n" in label
    settings = read_settings((place / "postgresql.auto.conf").read_text())
    assert settings["work_mem"] == "4MB"
    assert {name: settings[name] for name in ("primary_conninfo", "listen_addresses", "archive_mode")} == {
        "primary_conninfo": "",
        "listen_addresses": "",
        "archive_mode": "off",
    }
    assert "host=cdw" in (source / "postgresql.auto.conf").read_text()
    doing.remove_copy()
    assert not place.exists() and (source / "PG_VERSION").exists()


def test_wal_that_is_missing_in_between_is_noticed(copying, tmp_path):
    source, writer, doing, _control = copying
    doing.copy_files()
    append(writer, [900] * 8)
    names = writer.write(source / "pg_wal")
    gone = names[-3]
    (source / "pg_wal" / gone).unlink()
    with pytest.raises(CoordinatorError, match=f"removed WAL, while it was copied, that the copy needs .{gone[8:]}"):
        doing.take_wal()


def test_what_is_half_removed_is_still_known_as_a_copy(copying, tmp_path, monkeypatch):
    _source, _writer, doing, _control = copying
    doing.copy_files()
    removed = []

    def stop_at_once(path):
        removed.append(path)
        raise CoordinatorError("killed")

    monkeypatch.setattr(rehearsal.aside, "remove_tree", stop_at_once)
    with pytest.raises(CoordinatorError):
        doing.remove_copy()
    assert (tmp_path / "s.drill/.coordinator_drill").exists()


@pytest.mark.parametrize(
    ("ports", "listens", "refusal", "mode", "words"),
    [
        ([], [], "only utility mode connections are allowed", "", ""),
        ([], [], "", "utility", ""),
        ([5432], [], "only utility mode connections are allowed", "", r"connections at the ports \[5432\]"),
        ([5432], [], "", "utility", r"connections at the ports \[5432\]"),
        ([], ["0.0.0.0"], "only utility mode connections are allowed", "", r"listens at \['0.0.0.0'\]"),
        ([], [], "", "dispatch", "welcome, in dispatch mode"),
        ([], [], "the database system is starting up", "", "starting up"),
    ],
)
def test_a_copy_that_is_not_closed_is_a_failure(copying, monkeypatch, ports, listens, refusal, mode, words):
    _source, _writer, doing, _control = copying
    monkeypatch.setattr(rehearsal.start_block, "left", lambda _directory: [Process(7, 1, "S", ("postgres",))])
    monkeypatch.setattr(rehearsal, "connected_ports", lambda _pid: frozenset(ports))
    monkeypatch.setattr(rehearsal, "listening", lambda _pid: listens)
    monkeypatch.setattr(doing._promotion, "refusal", lambda: refusal)
    monkeypatch.setattr(doing._promotion, "mode", lambda: mode)
    if not words:
        assert doing.see_closed() == {"closed": refusal or "welcome, in utility mode"}
        return
    with pytest.raises(CoordinatorError, match=words):
        doing.see_closed()


def test_whoever_starts_it_starts_it_closed(copying, monkeypatch):
    _source, _writer, doing, _control = copying
    started = []
    monkeypatch.setattr(rehearsal.instance, "start", lambda _host, directory, port, settings: started.append((directory, port, settings)))
    doing.start()
    doing._promotion.start()
    for directory, port, settings in started:
        assert (directory, port) == (doing._directory, 5432)
        assert (settings["gp_role"], settings["listen_addresses"], settings["archive_mode"]) == ("utility", "", "off")
        assert settings["unix_socket_directories"] == settings["data_directory"] == directory
