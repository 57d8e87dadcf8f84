# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

import pytest
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.errors import CoordinatorError
from ansible_collections.warehousepg.coordinator.plugins.module_utils._core.lsn import Lsn
from ansible_collections.warehousepg.coordinator.plugins.module_utils._engine.backup_session import Backup
from ansible_collections.warehousepg.coordinator.plugins.module_utils._standby import changed_blocks

from .primary_files import Primary


def test_the_wal_of_a_backup_is_there_as_a_whole(tmp_path, monkeypatch):
    size = 1 << 20
    (tmp_path / "primary" / "pg_wal").mkdir(parents=True)
    names = ["000000010000000000000002", "000000010000000000000003", "00000001.history", "000000010000000000000009"]
    for name in names:
        (tmp_path / "primary" / "pg_wal" / name).write_bytes(name.encode())
    (tmp_path / "copy" / "archive_status").mkdir(parents=True)
    backup = Backup("label", 1, Lsn(2 * size + 40), Lsn(4 * size))
    monkeypatch.setattr(changed_blocks.wal, "read_segment", lambda path, name: object())
    came = changed_blocks._fetch_wal(Primary(tmp_path / "primary"), str(tmp_path / "copy"), backup, size)
    assert came == sum(map(len, names[:3]))
    assert sorted(os.listdir(tmp_path / "copy")) == sorted([*names[:3], "archive_status"])
    assert sorted(os.listdir(tmp_path / "copy" / "archive_status")) == sorted(f"{name}.done" for name in names[:3])
    monkeypatch.undo()
    for name in names[:3]:
        (tmp_path / "copy" / name).unlink()
    with pytest.raises(CoordinatorError, match="has no more of its WAL 000000010000000000000002, which the copy needs"):
        changed_blocks._fetch_wal(Primary(tmp_path / "primary"), str(tmp_path / "copy"), backup, size)
