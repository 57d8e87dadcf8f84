# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import os
from types import SimpleNamespace

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.backup_session import Backup
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.replication import Upstream
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.tablespaces import Placement, staging_place
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import changed_blocks
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby.snapshot import Desired, staging_directory

from .primary_files import SERVER, Primary, content, fill

VERSION = "GPDB_7_302307241"


class InBackup(Primary):
    """One with a tablespace, whose backup is begun and ended."""

    def server(self):
        return SERVER

    def begin(self, _fast):
        return Lsn(40)

    def end(self):
        return Backup("a label", 1, Lsn(40), Lsn(400))

    def tablespaces(self):
        return {16385: "/apart"}


@pytest.fixture
def primary(tmp_path, monkeypatch):
    (tmp_path / "primary").mkdir()
    found = InBackup(tmp_path / "primary")
    fill(
        found.directory,
        {
            "PG_VERSION": b"12",
            "base/5/17": b"r" * 700,
            "global/pg_control": b"control",
            f"pg_tblspc/16385/{VERSION}/5/18": b"apart",
            "pg_wal/000000010000000000000000": b"wal",
            "log/startup.log": b"of the primary",
        },
    )
    monkeypatch.setattr(changed_blocks, "session", lambda conninfo, name: contextlib.nullcontext(found))
    monkeypatch.setattr(changed_blocks.wal, "read_segment", lambda path, name: object())
    return found


@pytest.mark.parametrize("moved", [False, True])
def test_a_copy_is_made_of_what_is_there(host, primary, tmp_path, monkeypatch, moved):
    target, place, wal = tmp_path / "gpseg-1", tmp_path / "apart", tmp_path / "wal"
    staging = staging_directory(str(target))
    part = f"{staging_place(str(place), str(target))}/8"
    # what an earlier one left, and an instance
    for path in (staging, part):
        os.makedirs(path)
    fill(tmp_path / staging, {"standby.signal": b"", "global/pg_control": b"of another time", "base/5/17": b"r" * 512, "gone": b"x"})
    fill(tmp_path / "seed", {f"pg_tblspc/16385/{VERSION}/5/18": b"apart", "own": b"x"})

    def read_control(_host, directory):
        assert "standby.signal" in os.listdir(directory), "with its control file it could come up as a primary"
        return SimpleNamespace(system_identifier="1")

    monkeypatch.setattr(changed_blocks, "read_control", read_control)
    desired = Desired("1", None, None, tablespaces=(Placement("/apart", str(place)),))
    upstream = Upstream(host="cdw", port=5432, user="r", store=None)
    done = changed_blocks.bring_in_step(host, upstream, str(target), 8, desired, str(tmp_path / "seed"), str(wal) if moved else None)
    of_wal = {"000000010000000000000000": b"wal", "archive_status/000000010000000000000000.done": b""}
    assert content(tmp_path / staging) == {
        "PG_VERSION": b"12",
        "base/5/17": b"r" * 700,
        "global/pg_control": b"control",
        "internal.auto.conf": b"gp_dbid=8\n",
        "backup_label": b"a label",
        "standby.signal": b"",
        **({} if moved else {f"pg_wal/{path}": text for path, text in of_wal.items()}),
    }
    assert content(wal) == (of_wal if moved else {})
    assert os.readlink(f"{staging}/pg_tblspc/16385") == part and content(tmp_path / part) == {f"{VERSION}/5/18": b"apart"}
    assert done["bytes_copied"] == len(b"12") + 700 - 512 + len(b"wal"), "the rest was there"
    assert done["bytes"] > 0


def test_a_tablespace_that_nobody_knew_of_is_not_left_out(host, primary, tmp_path):
    upstream = Upstream(host="cdw", port=5432, user="r", store=None)
    with pytest.raises(CoordinatorError, match="has a tablespace in /apart that it had not when this began: run this again"):
        changed_blocks.bring_in_step(host, upstream, str(tmp_path / "gpseg-1"), 8, Desired("1", None, None), None, None)


def test_a_primary_of_another_system_is_not_copied(host, primary, tmp_path):
    upstream = Upstream(host="cdw", port=5432, user="r", store=None)
    with pytest.raises(CoordinatorError, match="is of the system 1, not 2: correct it"):
        changed_blocks.bring_in_step(host, upstream, str(tmp_path / "gpseg-1"), 8, Desired("2", None, None), None, None)
    assert not os.path.lexists(staging_directory(str(tmp_path / "gpseg-1")))


def test_the_wal_of_a_backup_is_there_as_a_whole(tmp_path, monkeypatch):
    size = 1 << 20
    (tmp_path / "primary" / "pg_wal").mkdir(parents=True)
    names = ["000000010000000000000002", "000000010000000000000003", "00000001.history", "000000010000000000000009"]
    for name in names:
        (tmp_path / "primary" / "pg_wal" / name).write_bytes(name.encode())
    (tmp_path / "copy" / "archive_status").mkdir(parents=True)
    backup = Backup("label", 1, Lsn(2 * size + 40), Lsn(4 * size))
    monkeypatch.setattr(changed_blocks.wal, "read_segment", lambda path, name: object())
    read: list[int] = []
    came = changed_blocks._fetch_wal(
        Primary(tmp_path / "primary"), str(tmp_path / "copy"), backup, size, lambda fetched, _began: read.append(fetched)
    )
    assert came == sum(map(len, names[:3])) and read == list(map(len, names[:3]))
    assert sorted(os.listdir(tmp_path / "copy")) == sorted([*names[:3], "archive_status"])
    assert sorted(os.listdir(tmp_path / "copy" / "archive_status")) == sorted(f"{name}.done" for name in names[:3])
    monkeypatch.undo()
    for name in names[:3]:
        (tmp_path / "copy" / name).unlink()
    with pytest.raises(CoordinatorError, match="has no more of its WAL 000000010000000000000002, which the copy needs"):
        changed_blocks._fetch_wal(Primary(tmp_path / "primary"), str(tmp_path / "copy"), backup, size, lambda *_: None)
